//! Looking into the log, carrying it elsewhere, deciding it again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::stage::{Stage, keys};

#[test]
fn decisions_and_sessions_are_listed() {
    let stage = Stage::with_log();
    let long = format!("echo {}", "x".repeat(200));
    stage.propose("second", "call-5", &long);
    stage.propose("second", "call-6", "printf '\u{1b}[2J\n' # \u{202e}");
    let told = [
        stage.aegis(&["log", "list"]).exits(0),
        stage.aegis(&["log", "list", "--verdict", "deny"]).exits(0),
        stage
            .aegis(&["log", "list", "--session", "first", "--limit", "1"])
            .exits(0),
        stage.aegis(&["log", "list", "--session", "third"]).exits(0),
        stage.aegis(&["log", "list", "--sessions"]).exits(0),
    ];
    stage.shows("log-list", &told.iter().collect::<Vec<_>>());
    let json = stage.aegis(&["audit", "list", "--json"]).exits(0).json();
    assert_eq!(
        keys(&json["decisions"][0]),
        [
            "id",
            "policy",
            "reason",
            "request",
            "rule",
            "seq",
            "session",
            "tool",
            "ts_unix_ms",
            "verdict"
        ]
    );
}

#[test]
fn a_log_that_is_not_there_is_empty_to_look_at_and_nothing_to_vouch_for() {
    let stage = Stage::new();
    let told = [
        stage.aegis(&["log", "list"]).exits(0),
        stage.aegis(&["log", "list", "--sessions"]).exits(0),
        stage.aegis(&["log", "show", "call-1"]).exits(3),
        stage.aegis(&["log", "verify"]).exits(3),
        stage.aegis(&["log", "export"]).exits(3),
        stage.aegis(&["log", "replay"]).exits(3),
    ];
    stage.shows("log-empty", &told.iter().collect::<Vec<_>>());
    assert!(!stage.path("home/.local").exists());
}

#[test]
fn a_file_that_is_no_log_is_named() {
    let stage = Stage::new();
    stage.write(
        "home/.local/share/aegis/log.db",
        "this is no database, whatever its name says",
    );
    let told = [
        stage.aegis(&["log", "list"]).exits(3),
        stage.aegis(&["log", "verify"]).exits(3),
    ];
    stage.shows("log-no-database", &told.iter().collect::<Vec<_>>());
}

#[test]
fn a_decision_is_listed_with_the_request_it_decided_although_another_has_its_name() {
    let stage = Stage::with_policy();
    for command in ["git status", "git log"] {
        stage.propose("first", "call-1", command);
    }
    let json = stage.aegis(&["log", "list", "--json"]).exits(0).json();
    assert_eq!(json["decisions"][0]["request"], "git log");
    assert_eq!(json["decisions"][1]["request"], "git status");
}

#[test]
fn everything_about_one_request_is_shown() {
    let stage = Stage::with_log();
    let told = stage.aegis(&["log", "show", "call-2"]).exits(0);
    let unknown = stage.aegis(&["log", "show", "call-9"]).exits(2);
    stage.shows("log-show", &[&told, &unknown]);
}

#[test]
fn an_export_is_for_its_owner_only() {
    let stage = Stage::with_log();
    let mode = |name: &str| {
        let found = fs::metadata(stage.path(name)).unwrap();
        found.permissions().mode() & 0o777
    };
    stage.write(
        "work/there.jsonl",
        "something older that is longer than nothing",
    );
    fs::set_permissions(
        stage.path("work/there.jsonl"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    for name in ["made.jsonl", "there.jsonl"] {
        stage.aegis(&["log", "export", "-o", name]).exits(0);
        assert_eq!(mode(&format!("work/{name}")), 0o600, "{name}");
    }
    assert_eq!(
        stage.read("work/made.jsonl"),
        stage.read("work/there.jsonl")
    );
    stage.aegis(&["log", "export", "-o", "/dev/null"]).exits(0);
}

#[test]
fn an_export_verifies_anywhere_and_a_cut_one_does_not() {
    let stage = Stage::with_log();
    let exported = stage
        .aegis(&["log", "export", "--output", "log.jsonl"])
        .exits(0);
    let verified = stage
        .aegis(&["log", "verify", "--file", "log.jsonl"])
        .exits(0);
    let text = stage.read("work/log.jsonl");
    let printed = stage.aegis(&["log", "export"]).exits(0);
    assert_eq!(printed.out, text);

    stage.write("work/cut.jsonl", &text[..text.len() / 2]);
    let cut = stage
        .aegis(&["log", "verify", "--file", "cut.jsonl"])
        .exits(1);
    let edited = text.replacen("git status", "git stasis", 1);
    assert_ne!(edited, text);
    stage.write("work/edited.jsonl", &edited);
    let edited = stage
        .aegis(&["log", "verify", "--file", "edited.jsonl"])
        .exits(1);
    let missing = stage
        .aegis(&["log", "verify", "--file", "missing.jsonl"])
        .exits(2);
    stage.shows(
        "log-export",
        &[&exported, &verified, &cut, &edited, &missing],
    );
}

#[test]
fn one_session_is_exported_alone() {
    let stage = Stage::with_log();
    let told = stage
        .aegis(&["log", "export", "--session", "first"])
        .exits(0);
    assert!(told.out.contains("call-1") && !told.out.contains("call-3"));
    stage.write("work/first.jsonl", &told.out);
    let verified = stage
        .aegis(&["log", "verify", "--file", "first.jsonl"])
        .exits(0);
    let unknown = stage
        .aegis(&["log", "export", "--session", "third"])
        .exits(2);
    let replayed = stage
        .aegis(&["log", "replay", "--session", "third"])
        .exits(2);
    let unwritable = stage
        .aegis(&["log", "export", "-o", "no/folder/x"])
        .exits(3);
    stage.shows(
        "log-one-session",
        &[&verified, &unknown, &replayed, &unwritable],
    );
}

#[test]
fn looking_at_a_log_writes_nothing_into_it() {
    let stage = Stage::with_log();
    let before = fs::read(stage.log()).unwrap();
    stage.aegis(&["log", "list"]).exits(0);
    stage.aegis(&["log", "verify", "--canonical"]).exits(0);
    stage.aegis(&["log", "replay"]).exits(0);
    assert!(fs::read(stage.log()).unwrap() == before);
}

#[test]
fn recorded_requests_are_decided_again() {
    let stage = Stage::with_log();
    let exact = stage.aegis(&["log", "replay"]).exits(0);
    let current = stage.aegis(&["log", "replay", "--current"]).exits(0);
    stage.write(
        "home/.config/aegis/policy.yaml",
        "aegis: policy/v1\nname: later\ndefault: allow\nrules:\n  \
         - {id: no-lists, match: {tool: Bash, shell: {program: ls}}, verdict: deny}\n",
    );
    let still = stage.aegis(&["log", "replay"]).exits(0);
    let changed = stage.aegis(&["log", "replay", "--current"]).exits(1);
    stage.write(
        "work/ask.yaml",
        "aegis: policy/v1\nname: careful\ndefault: ask\nrules:\n  \
         - {id: all, match: {tool: Bash}, verdict: ask}\n",
    );
    let asked = stage
        .aegis(&[
            "log",
            "replay",
            "--policy",
            "ask.yaml",
            "--session",
            "first",
        ])
        .exits(1);
    let both = stage
        .aegis(&["log", "replay", "--policy", "ask.yaml", "--current"])
        .exits(2);
    stage.shows(
        "log-replay",
        &[&exact, &current, &still, &changed, &asked, &both],
    );
    let json = stage
        .aegis(&["log", "replay", "--current", "--json"])
        .exits(1)
        .json();
    assert_eq!(
        keys(&json["differing"][0]),
        ["id", "recorded", "replayed", "request", "session", "tool"]
    );
}

#[test]
fn a_policy_that_cannot_be_used_decides_nothing_again() {
    let stage = Stage::with_log();
    stage.write(
        "home/.config/aegis/policy.yaml",
        "aegis: policy/v1\nrulez: []\n",
    );
    stage.aegis(&["log", "replay"]).exits(0);
    stage.write("work/broken.yaml", "aegis: policy/v1\nrulez: []\n");
    stage
        .aegis(&["log", "replay", "--policy", "broken.yaml"])
        .exits(2);
}
