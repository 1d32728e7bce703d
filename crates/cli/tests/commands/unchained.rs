//! Looking into the database of an action runtime.

use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::stage::{Stage, keys};

const FIRST: &str = include_str!("../../../../fixtures/log/unchained-14-columns.sql");
const LATER: &str = include_str!("../../../../fixtures/log/unchained-18-columns.sql");

/// Makes a database in the folder where the program is started.
fn make(stage: &Stage, name: &str, texts: &[&str]) -> Connection {
    let connection = Connection::open(stage.path(&format!("work/{name}"))).unwrap();
    for text in texts {
        connection.execute_batch(text).unwrap();
    }
    connection
}

#[test]
fn decisions_and_sessions_of_an_action_runtime_are_listed() {
    let stage = Stage::new();
    make(&stage, "first.db", &[FIRST]).close().unwrap();
    // As if the runtime were still there.
    let _later = make(&stage, "later.db", &[FIRST, LATER]);
    let of = |words: &[&str]| stage.aegis(&[&["audit", "--db"], words].concat()).exits(0);
    let told = [
        of(&["first.db"]),
        of(&["later.db"]),
        of(&["first.db", "--verdict", "deny"]),
        of(&["first.db", "--session", "one", "--limit", "1"]),
        of(&["first.db", "--session", "three"]),
        of(&["first.db", "--sessions"]),
    ];
    stage.shows("unchained", &told.iter().collect::<Vec<_>>());
    let json = of(&["later.db", "--json"]).json();
    assert_eq!(keys(&json), ["chained", "database", "decisions"]);
    assert_eq!(json["chained"], false);
    let expected = json!({
        "id": 3, "session": "one", "at": "2026-03-04T12:00:00.000001+00:00",
        "tool": "write", "resource": "crm", "params": {"n": 1}, "description": null,
        "risk": "medium", "verdict": "ask", "rule": "writes", "answer": "approved",
        "outcome": "success", "content": null, "error": null, "agent": "planner",
        "parent_agent": null, "agent_chain": null, "agent_depth": "2",
    });
    assert_eq!(json["decisions"][0], expected);
    let sessions = of(&["first.db", "--sessions", "--json"]).json();
    assert_eq!(sessions["sessions"][0]["records"], 2);
}

#[test]
fn what_an_agent_wrote_cannot_leave_its_line() {
    let stage = Stage::new();
    let hostile = "UPDATE audit_log SET action_type = char(27) || '[2J', matched_rule = 'a' || char(10) || 'b',
        action_target = char(8238) || 'x', session_id = 's' || char(13), approval = char(7),
        timestamp = char(155), action_params = '{\"a\": 1e999}' WHERE id = 3";
    make(&stage, "first.db", &[FIRST, hostile]).close().unwrap();
    let told = [
        stage.aegis(&["audit", "--db", "first.db"]).exits(0),
        stage
            .aegis(&["audit", "--db", "first.db", "--sessions"])
            .exits(0),
    ];
    for told in &told {
        let is_bad = |it: char| it.is_control() && it != '\n' || it == '\u{202e}';
        assert!(!told.out.contains(is_bad), "{:?}", told.out);
    }
    stage.shows("unchained-hostile", &told.iter().collect::<Vec<_>>());
    let json = stage
        .aegis(&["audit", "--db", "first.db", "--json"])
        .exits(0)
        .json();
    assert_eq!(json["decisions"][0]["params"], "{\"a\": 1e999}");
    assert_eq!(json["decisions"][0]["verdict"], Value::Null);
}

#[test]
fn a_file_that_no_action_runtime_wrote_is_told_and_left_alone() {
    let stage = Stage::with_log();
    stage.write("work/notes.db", &"shopping: milk\n".repeat(100));
    make(&stage, "other.db", &["CREATE TABLE other (id)"])
        .close()
        .unwrap();
    make(
        &stage,
        "narrow.db",
        &["CREATE TABLE audit_log (id INTEGER PRIMARY KEY)"],
    )
    .close()
    .unwrap();
    fs::copy(stage.log(), stage.path("work/ours.db")).unwrap();
    let mut bytes = fs::read(stage.path("work/other.db")).unwrap();
    bytes[100..].fill(b'A');
    fs::write(stage.path("work/damaged.db"), bytes).unwrap();
    let damaged = stage.aegis(&["audit", "--db", "damaged.db"]).exits(3);
    let names = [
        "missing.db",
        "notes.db",
        "other.db",
        "narrow.db",
        "ours.db",
        ".",
    ];
    let told = names.map(|name| stage.aegis(&["audit", "--db", name]).exits(2));
    let told: Vec<_> = told.iter().chain([&damaged]).collect();
    stage.shows("unchained-other", &told);
    assert!(!stage.path("work/missing.db").exists());
    let entries = fs::read_dir(stage.path("work")).unwrap();
    let mut found: Vec<_> = entries.map(|it| it.unwrap().file_name()).collect();
    found.sort();
    let left = ["damaged.db", "narrow.db", "notes.db", "other.db", "ours.db"];
    assert_eq!(found, left);
}

#[test]
fn what_would_not_be_heeded_is_refused() {
    let stage = Stage::new();
    make(&stage, "first.db", &[FIRST]).close().unwrap();
    for words in [
        &["--sessions", "--session", "one"][..],
        &["--sessions", "--verdict", "deny"],
        &["--sessions", "--limit", "1"],
        &["--limit", "0"],
    ] {
        for start in [&["audit", "--db", "first.db"][..], &["log", "list"]] {
            stage.aegis(&[start, words].concat()).exits(2);
        }
    }
}

#[test]
fn a_cell_of_the_table_is_no_longer_than_others_and_one_without_verdict_says_so() {
    let stage = Stage::new();
    let long = "UPDATE audit_log SET matched_rule = hex(zeroblob(400)), approval = '' WHERE id = 3";
    make(&stage, "first.db", &[FIRST, long]).close().unwrap();
    let told = stage.aegis(&["audit", "--db", "first.db"]).exits(0);
    assert!(told.out.lines().all(|line| line.chars().count() < 300));
    assert!(told.out.contains("  none "), "{}", told.out);
}

#[test]
fn a_command_on_the_log_here_takes_no_database() {
    let stage = Stage::with_log();
    let told = stage.aegis(&["log", "--db", "x.db", "verify"]).exits(2);
    stage.shows("unchained-verify", &[&told]);
    let (bare, list) = (
        stage.aegis(&["log"]).exits(0),
        stage.aegis(&["log", "list"]).exits(0),
    );
    assert_eq!(bare.out, list.out);
}
