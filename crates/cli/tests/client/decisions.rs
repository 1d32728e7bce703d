//! Tool uses that a policy allows or denies.

use aegis_host::{Mode, Script, ScriptedModel, ToolUse, Turn};
use serde_json::json;

use super::governed::{Governed, assert_refused};
use super::mcp::McpServer;
use super::stage::{CLOSED, OPEN, check, shell};

fn model(turns: impl IntoIterator<Item = Turn>) -> ScriptedModel {
    ScriptedModel::start(Script::of(turns)).unwrap()
}

/// Returns a turn in which the agent does one thing, with the id `toolu_<name>`.
fn step(name: &str, tool_use: ToolUse) -> Turn {
    Turn::uses([tool_use.with_id(format!("toolu_{name}"))])
}

#[test]
fn an_explicit_allow_spares_the_prompt_and_a_default_allow_does_not() {
    let expected = [Some("yes\n".to_owned()), None];
    check([(OPEN, expected.clone()), (CLOSED, expected)], |stage| {
        let governed = Governed::on(stage, "");
        let model = model([
            step("one", shell("echo yes > explicit.txt")),
            step("two", shell("echo no > other.txt")),
            Turn::says("finished"),
        ]);
        let session = governed.stage.session(&model).mode(Mode::Default);
        session.play("MAIN").unwrap();
        assert_eq!(
            governed.decided(),
            [
                "Bash: allow RULE_MATCHED, completed",
                "Bash: allow DEFAULT,"
            ]
        );
        governed.verify();
        ["explicit.txt", "other.txt"].map(|name| stage.read(name))
    });
}

#[test]
fn a_denied_command_leaves_no_trace_and_the_model_reads_why() {
    for mode in [Mode::Default, Mode::BypassPermissions] {
        let expected = [Some("yes\n".to_owned()), None];
        check([(OPEN, expected.clone()), (CLOSED, expected)], |stage| {
            let governed = Governed::on(stage, "");
            let model = model([
                step("one", shell("echo yes > open.txt")),
                step("two", shell("echo no > forbidden.txt")),
                Turn::says("finished"),
            ]);
            let session = governed.stage.session(&model).mode(mode);
            session.allowed_tools(&["Bash"]).play("MAIN").unwrap();
            assert_refused(&model, "toolu_two", "forbidden files are for nobody");
            assert_eq!(
                governed.decided(),
                ["Bash: allow DEFAULT, completed", "Bash: deny RULE_MATCHED,"]
            );
            governed.verify();
            ["open.txt", "forbidden.txt"].map(|name| stage.read(name))
        });
    }
}

#[test]
fn a_command_that_must_end_in_time_does_or_is_denied() {
    let line = "echo begun > begun.txt; sleep 4; echo late > endless.txt";
    let begun = Some("begun\n".to_owned());
    for (ends_commands, expected) in [(true, [begun, None]), (false, [None, None])] {
        check([(OPEN, expected.clone()), (CLOSED, expected)], |stage| {
            let governed = Governed::on(stage, "");
            let model = model([step("one", shell(line)), Turn::says("finished")]);
            let mut session = governed.session(&model);
            if ends_commands {
                session = session.variable("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1");
            }
            session.play("MAIN").unwrap();
            ["begun.txt", "endless.txt"].map(|name| stage.read(name))
        });
    }
}

#[test]
fn of_four_tool_uses_at_once_the_denied_one_alone_is_stopped() {
    let expected = [true, true, false, true];
    check([(OPEN, expected), (CLOSED, expected)], |stage| {
        let governed = Governed::on(stage, "");
        let names = ["one", "two", "forbidden", "four"];
        let uses = names.map(|name| shell(&format!("echo {name} > {name}.txt")));
        let model = model([Turn::uses(uses), Turn::says("finished")]);
        governed.play(&model);
        let mut decided = governed.decided();
        decided.sort();
        let allowed = "Bash: allow DEFAULT, completed";
        assert_eq!(
            decided,
            [allowed, allowed, allowed, "Bash: deny RULE_MATCHED,"]
        );
        governed.verify();
        names.map(|name| stage.read(&format!("{name}.txt")).is_some())
    });
}

#[test]
fn a_denied_tool_of_an_mcp_server_never_reaches_the_server() {
    let arrived = vec![json!({"to": "ann@example.org"})];
    check([(OPEN, arrived.clone()), (CLOSED, arrived)], |stage| {
        let governed = Governed::on(stage, "");
        let server = McpServer::start();
        let send = |to: &str| ToolUse::new("mcp__mail__send", json!({"to": to}));
        let model = model([
            step("one", send("ann@example.org")),
            step("two", send("eve@example.org")),
            Turn::says("finished"),
        ]);
        let session = governed.session(&model).mcp_servers(&server.config());
        session.play("MAIN").unwrap();
        assert_refused(&model, "toolu_two", "nobody writes to Eve");
        assert_eq!(
            governed.decided(),
            [
                "mcp__mail__send: allow DEFAULT, completed",
                "mcp__mail__send: deny RULE_MATCHED,"
            ]
        );
        server.sent()
    });
}

#[test]
fn a_sub_agent_is_decided_by_the_same_policy() {
    let expected = [Some("yes\n".to_owned()), None];
    check([(OPEN, expected.clone()), (CLOSED, expected)], |stage| {
        let governed = Governed::on(stage, "");
        let delegate = ToolUse::new(
            "Agent",
            json!({
                "description": "look",
                "prompt": "SUBTASK",
                "subagent_type": "general-purpose",
                "run_in_background": false,
            }),
        );
        let steps = [
            step("one", shell("echo yes > open.txt")),
            step("two", shell("echo no > forbidden.txt")),
            Turn::says("{{last_result}}"),
        ];
        let main = [Turn::uses([delegate]), Turn::says("{{last_result}}")];
        let script = Script::default().with("SUBTASK", steps).with("MAIN", main);
        let model = ScriptedModel::start(script).unwrap();
        let transcript = governed.play(&model);
        let text = transcript.final_text();
        assert!(text.contains("forbidden files are for nobody"), "{text}");
        assert_eq!(
            governed.decided(),
            [
                "Agent: allow DEFAULT, completed",
                "Bash: allow DEFAULT, completed",
                "Bash: deny RULE_MATCHED,",
            ]
        );
        governed.verify();
        ["open.txt", "forbidden.txt"].map(|name| stage.read(name))
    });
}
