//! What breaks while a session is going on.

use std::fs;
use std::path::Path;
use std::process::Command;

use aegis_host::{Script, ScriptedModel, Turn};

use super::governed::{Governed, programs};
use super::stage::{CLOSED, OPEN, check, shell};

fn model(turns: impl IntoIterator<Item = Turn>) -> ScriptedModel {
    ScriptedModel::start(Script::of(turns)).unwrap()
}

/// Returns the hook processes that work for the home `home`.
fn hooks(home: &Path) -> Vec<String> {
    let program = fs::canonicalize(programs().join("aegis-hook")).unwrap();
    let home = format!("HOME={}", home.display());
    let of_this_stage = |process: &Path| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == home.as_bytes())
    };
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|process| fs::read_link(process.join("exe")).is_ok_and(|exe| exe == program))
        .filter(|process| of_this_stage(process))
        .map(|process| process.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_hook_that_is_killed_stops_the_tool_where_the_client_knows_how() {
    // Nobody approved it, so a tool that ran all the same is recorded as such.
    let ran = (
        Some("yes\n".to_owned()),
        vec!["UNDECIDED_ACTION".to_owned()],
    );
    let stopped = (None, Vec::new());
    check([(OPEN, ran), (CLOSED, stopped)], |stage| {
        let governed = Governed::on(stage, "headless = \"wait\"\n");
        let model = model([
            Turn::uses([shell("echo yes > shared.txt")]),
            Turn::says("finished"),
        ]);
        std::thread::scope(|scope| {
            scope.spawn(|| governed.play(&model));
            // The hook waits for an answer that never comes.
            governed.wait_for("APPROVAL_REQUESTED");
            let hooks = hooks(&stage.home());
            assert_eq!(hooks.len(), 1, "{hooks:?}");
            let status = Command::new("kill").arg("-9").args(&hooks).status();
            assert!(status.unwrap().success());
        });
        governed.verify();
        let noted = governed.kinds(&["UNDECIDED_ACTION", "APPROVAL_DECIDED"]);
        (stage.read("shared.txt"), noted)
    });
}

#[test]
fn a_policy_that_breaks_midway_leaves_the_last_good_one_in_force() {
    let expected = [Some("yes\n".to_owned()), None];
    check([(OPEN, expected.clone()), (CLOSED, expected)], |stage| {
        let governed = Governed::on(stage, "");
        // The second answer is late, so that the policy breaks before it.
        let late = |turn| Turn {
            delay_ms: 1_500,
            ..turn
        };
        let model = model([
            Turn::uses([shell("echo yes > first.txt")]),
            late(Turn::uses([shell("echo yes > open.txt")])),
            Turn::uses([shell("echo no > forbidden.txt")]),
            Turn::says("finished"),
        ]);
        std::thread::scope(|scope| {
            scope.spawn(|| governed.play(&model));
            governed.wait_for("TOOL_RESULT");
            let policy = governed.config_folder().join("policy.yaml");
            fs::write(policy, "aegis: policy/v1\nrules: [").unwrap();
        });
        assert_eq!(governed.kinds(&["POLICY_REJECTED"]), ["POLICY_REJECTED"]);
        governed.verify();
        ["open.txt", "forbidden.txt"].map(|name| stage.read(name))
    });
}
