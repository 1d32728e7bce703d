//! Tool uses that wait for a person.

use aegis_host::{Script, ScriptedModel, ToolUse, Turn};
use serde_json::Value;

use super::governed::{Governed, assert_refused};
use super::stage::{CLOSED, OPEN, check, shell};

const ID: &str = "toolu_asked";

/// A model that does one thing and ends.
fn model(tool_use: ToolUse) -> ScriptedModel {
    let turns = [Turn::uses([tool_use.with_id(ID)]), Turn::says("finished")];
    ScriptedModel::start(Script::of(turns)).unwrap()
}

/// Waits for an approval and answers it from a process of its own.
fn answer(governed: &Governed, word: &str) {
    let approval = governed.wait_for("APPROVAL_REQUESTED");
    let id = approval["approval_token"].as_str().unwrap();
    let output = governed.aegis(&["approvals", word, id]);
    assert!(output.status.success(), "{output:?}");
}

/// Returns how the approvals of the log ended.
fn answers(governed: &Governed) -> Vec<(Value, Value)> {
    governed
        .envelopes()
        .iter()
        .filter(|envelope| {
            ["APPROVAL_DECIDED", "APPROVAL_EXPIRED"]
                .iter()
                .any(|kind| envelope["event_type"] == *kind)
        })
        .map(|envelope| {
            (
                envelope["event_type"].clone(),
                envelope["payload"]["approved"].clone(),
            )
        })
        .collect()
}

#[test]
fn an_ask_that_a_person_approves_elsewhere_lets_the_tool_run() {
    for (word, file) in [("approve", Some("yes\n".to_owned())), ("refuse", None)] {
        check([(OPEN, file.clone()), (CLOSED, file)], |stage| {
            let governed = Governed::on(stage, "headless = \"wait\"\n");
            let model = model(shell("echo yes > shared.txt"));
            std::thread::scope(|scope| {
                scope.spawn(|| governed.play(&model));
                answer(&governed, word);
            });
            let granted = Value::Bool(word == "approve");
            assert_eq!(answers(&governed), [("APPROVAL_DECIDED".into(), granted)]);
            governed.verify();
            stage.read("shared.txt")
        });
    }
}

#[test]
fn an_ask_that_nobody_answers_ends_in_a_denial() {
    check([(OPEN, None), (CLOSED, None)], |stage| {
        let governed = Governed::on(stage, "headless = \"wait\"\n");
        let model = model(shell("echo yes > brief.txt"));
        governed.play(&model);
        assert_refused(&model, ID, "nobody answered in time");
        assert_eq!(
            answers(&governed),
            [("APPROVAL_EXPIRED".into(), Value::Null)]
        );
        governed.verify();
        stage.read("brief.txt")
    });
}

#[test]
fn an_ask_where_nobody_can_answer_is_a_denial() {
    check([(OPEN, None), (CLOSED, None)], |stage| {
        let governed = Governed::on(stage, "headless = \"deny\"\n");
        let model = model(shell("echo yes > shared.txt"));
        governed.play(&model);
        assert_refused(&model, ID, "nobody can answer where this agent runs");
        stage.read("shared.txt")
    });
}

#[test]
fn a_deferred_ask_runs_once_it_is_approved_and_the_session_resumed() {
    let expected = Some("yes\n".to_owned());
    check([(OPEN, expected.clone()), (CLOSED, expected)], |stage| {
        let governed = Governed::on(stage, "headless = \"defer\"\n");
        let model = model(shell("echo yes > shared.txt"));
        let held = governed.play(&model);
        assert_eq!(held.deferred_tool_use().unwrap().id.as_deref(), Some(ID));
        assert_eq!(stage.read("shared.txt"), None);

        answer(&governed, "approve");
        let session = governed.session(&model);
        let session = session.resume(held.session_id().unwrap());
        let resumed = session.play("go on").unwrap();
        assert!(!resumed.tool_result(ID).unwrap().is_error);
        governed.verify();
        stage.read("shared.txt")
    });
}
