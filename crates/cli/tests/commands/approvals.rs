//! Approvals, with a hook that waits in a process of its own.

use std::process::Child;

use serde_json::Value;

use super::stage::{Stage, decided};
use super::terminal::Terminal;

/// A stage where an ask waits for `aegis approvals`.
fn waiting() -> Stage {
    let stage = Stage::with_policy();
    stage.write("home/.config/aegis/settings.toml", "headless = \"wait\"\n");
    stage
}

/// Lets the agent ask for a tag; returns the hook that waits, and the approval's name.
fn ask(stage: &Stage, id: &str) -> (Child, String) {
    let command = format!("git push origin v1.{}", id.len());
    let hook = stage.hook(&stage.event("first", id, &command));
    (hook, pending(stage, id))
}

/// Waits until an approval for the request `id` is pending.
pub fn pending(stage: &Stage, id: &str) -> String {
    for _ in 0..1_000 {
        let listed = stage
            .aegis(&["approvals", "list", "--json"])
            .exits(0)
            .json();
        let all = listed["approvals"].as_array().unwrap();
        let view = all.iter().find(|view| view["approval"]["call_id"] == id);
        if let Some(view) = view {
            return view["approval"]["approval_token"]
                .as_str()
                .unwrap()
                .to_owned();
        }
    }
    panic!("nothing waits for an answer");
}

#[test]
fn an_approval_lets_the_waiting_call_go_on() {
    let stage = waiting();
    let (hook, id) = ask(&stage, "call-1");
    let listed = stage.aegis(&["approvals", "list"]).exits(0);
    let shown = stage.aegis(&["approvals", "show", &id]).exits(0);
    let approved = stage
        .aegis(&["approvals", "approve", &id, "--note", "released by hand"])
        .exits(0);
    assert_eq!(decided(hook).as_deref(), Some("allow"));
    let after = stage.aegis(&["approvals", "list"]).exits(0);
    let all = stage.aegis(&["approvals", "list", "--all"]).exits(0);
    let again = stage.aegis(&["approvals", "show", &id]).exits(0);
    let twice = stage.aegis(&["approvals", "approve", &id]).exits(1);
    let record = stage.aegis(&["log", "show", "call-1"]).exits(0);
    stage.shows(
        "approvals-approved",
        &[
            &listed, &shown, &approved, &after, &all, &again, &twice, &record,
        ],
    );
}

#[test]
fn an_approver_is_shown_the_end_of_what_it_answers_however_long() {
    let stage = waiting();
    let filling = "-".repeat(8_000);
    let command = format!("git push origin v1.0; echo {filling}; echo THE-END");
    let hook = stage.hook(&stage.event("first", "call-1", &command));
    let id = pending(&stage, "call-1");
    let listed = stage.aegis(&["approvals", "list", "--all"]).exits(0);
    assert!(!listed.out.contains("THE-END"));
    let shown = stage.aegis(&["approvals", "show", &id]).exits(0);
    let line = format!("\n  \"command\": \"{command}\"\n");
    assert!(shown.out.contains(&line), "{}", shown.whole());
    assert!(!shown.out.contains("Not shown"), "{}", shown.whole());
    let read = stage
        .aegis(&["approvals", "show", &id, "--json"])
        .exits(0)
        .json();
    assert_eq!(read["request"]["args"]["command"], command);
    let mut terminal = Terminal::start(&stage, &["approvals", "watch", "--idle", "10m"]);
    terminal.shows("THE-END");
    terminal.types("n");
    assert_eq!(decided(hook).as_deref(), Some("deny"));
}

#[test]
fn a_refusal_ends_the_waiting_call() {
    let stage = waiting();
    let (hook, id) = ask(&stage, "call-1");
    let refused = stage
        .aegis(&["approvals", "refuse", &id[..8], "--note", "not today"])
        .exits(0);
    assert_eq!(decided(hook).as_deref(), Some("deny"));
    let twice = stage.aegis(&["approvals", "approve", &id]).exits(1);
    let shown = stage.aegis(&["approvals", "show", &id]).exits(0);
    stage.shows("approvals-refused", &[&refused, &twice, &shown]);
}

#[test]
fn an_agent_may_not_answer_its_own_question() {
    let stage = waiting();
    let (hook, id) = ask(&stage, "call-1");
    for word in ["approve", "refuse"] {
        let told = stage
            .aegis_with(&["approvals", word, &id], &[("CLAUDECODE", "1")])
            .exits(1);
        assert!(
            told.err.contains("an agent may not answer"),
            "{}",
            told.whole()
        );
    }
    assert_eq!(pending(&stage, "call-1"), id);
    stage.aegis(&["approvals", "approve", &id]).exits(0);
    assert_eq!(decided(hook).as_deref(), Some("allow"));
}

#[test]
fn a_name_that_begins_several_approvals_names_none() {
    let stage = waiting();
    let (first, one) = ask(&stage, "call-1");
    let (second, other) = ask(&stage, "call-22");
    let told = stage.aegis(&["approvals", "show", "apr_"]).exits(2);
    let unknown = stage.aegis(&["approvals", "approve", "apr_zz"]).exits(2);
    stage.shows("approvals-unclear", &[&told, &unknown]);
    for id in [one, other] {
        stage.aegis(&["approvals", "refuse", &id]).exits(0);
    }
    assert_eq!(decided(first).as_deref(), Some("deny"));
    assert_eq!(decided(second).as_deref(), Some("deny"));
}

#[test]
fn where_nothing_was_recorded_looking_leaves_no_trace() {
    let stage = Stage::new();
    let told = [
        stage.aegis(&["approvals", "list"]).exits(0),
        stage.aegis(&["approvals", "list", "--all"]).exits(0),
        stage.aegis(&["approvals", "show", "apr_1"]).exits(2),
        stage.aegis(&["approvals", "approve", "apr_1"]).exits(2),
    ];
    stage.shows("approvals-empty", &told.iter().collect::<Vec<_>>());
    assert!(!stage.path("home/.local").exists());
}

#[test]
fn watching_needs_a_terminal() {
    let stage = Stage::new();
    let told = stage.aegis(&["approvals", "watch"]).exits(2);
    let idle = stage
        .aegis(&["approvals", "watch", "--idle", "soon"])
        .exits(2);
    stage.shows("approvals-watch", &[&told, &idle]);
}

#[test]
fn a_person_at_a_terminal_is_shown_what_waits_and_asked() {
    let stage = waiting();
    let mut terminal = Terminal::start(&stage, &["approvals", "watch", "--idle", "10m"]);
    terminal.shows("Waiting for approvals.");
    let granted = stage.hook(&stage.event("first", "call-1", "git push origin v1.0"));
    terminal.shows("Bash: git push origin v1.0");
    terminal.shows("Pushing a release tag needs a person.");
    terminal.shows("Approve? [y/n/skip] ");
    terminal.types("perhaps");
    terminal.shows("Approve? [y/n/skip] ");
    terminal.types("y");
    terminal.shows("granted");
    assert_eq!(decided(granted).as_deref(), Some("allow"));
    let refused = stage.hook(&stage.event("first", "call-2", "git push origin v2.0"));
    terminal.shows("Bash: git push origin v2.0");
    terminal.shows("Approve? [y/n/skip] ");
    terminal.types("n");
    terminal.shows("refused");
    assert_eq!(decided(refused).as_deref(), Some("deny"));
    let skipped = stage.hook(&stage.event("first", "call-3", "git push origin v3.0"));
    terminal.shows("Approve? [y/n/skip] ");
    terminal.types("skip");
    // What was skipped waits on, while others are asked about.
    let other = stage.hook(&stage.event("first", "call-4", "git push origin v4.0"));
    terminal.shows("Bash: git push origin v4.0");
    terminal.shows("Approve? [y/n/skip] ");
    terminal.types("n");
    assert_eq!(decided(other).as_deref(), Some("deny"));
    assert_eq!(terminal.end(), 128 + 15);
    let id = pending(&stage, "call-3");
    stage.aegis(&["approvals", "refuse", &id]).exits(0);
    assert_eq!(decided(skipped).as_deref(), Some("deny"));
}

#[test]
fn watching_ends_with_the_exit_code_of_a_time_that_is_over() {
    let stage = Stage::new();
    let mut terminal = Terminal::start(&stage, &["approvals", "watch", "--idle", "1ms"]);
    terminal.shows("Waiting for approvals.");
    terminal.shows("Nothing came for a while.");
    assert_eq!(terminal.exit(), 4);
}

#[test]
fn an_approval_in_json_keeps_its_keys() {
    let stage = waiting();
    let (hook, id) = ask(&stage, "call-1");
    let shown = stage
        .aegis(&["approvals", "show", &id, "--json"])
        .exits(0)
        .json();
    assert_eq!(
        super::stage::keys(&shown),
        ["answers", "approval", "left_out", "request", "status"]
    );
    assert_eq!(shown["status"], "pending");
    let told = stage
        .aegis(&["approvals", "refuse", &id, "--json"])
        .exits(0)
        .json();
    assert_eq!(told["status"], "refused");
    assert_ne!(told["answers"][0], Value::Null);
    assert_eq!(decided(hook).as_deref(), Some("deny"));
}
