//! What somebody with the file in hands changes, verification names.

use std::path::Path;

use aegis_log::{Batch, Log as _, Options, SqliteLog};
use aegis_types::{ChainId, Entry, EventKind, Timestamp};
use rusqlite::Connection;
use serde_json::json;

use super::stage::{Stage, Told};

/// Changes the log behind the back of the program.
///
/// The triggers that refuse changes are a hurdle for accidents, not for this.
fn intrude(stage: &Stage, statements: &[&str]) {
    intrude_at(&stage.log(), statements);
}

/// As [`intrude`], for a log that lies elsewhere.
pub fn intrude_at(log: &Path, statements: &[&str]) {
    let sqlite = Connection::open(log).unwrap();
    let mut triggers = sqlite
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap();
    let names: Vec<String> = triggers
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for name in names {
        sqlite
            .execute_batch(&format!("DROP TRIGGER {name}"))
            .unwrap();
    }
    for statement in statements {
        assert_ne!(sqlite.execute(statement, []).unwrap(), 0, "{statement}");
    }
}

/// The rows of a session, as a condition.
const SECOND: &str = "chain = (SELECT id FROM chains WHERE session = 'second')";

fn verify(stage: &Stage) -> Told {
    stage.aegis(&["log", "verify"])
}

#[test]
fn an_untouched_log_is_consistent_and_claims_no_more() {
    let stage = Stage::with_log();
    let told = verify(&stage).exits(0);
    let whole = stage.aegis(&["log", "verify", "--canonical"]).exits(0);
    stage.shows("verify-untouched", &[&told, &whole]);
}

#[test]
fn one_changed_byte_is_named() {
    let stage = Stage::with_log();
    intrude(
        &stage,
        &[
            "UPDATE records SET bytes = CAST(replace(CAST(bytes AS TEXT), 'git status', 'git stAtus') AS BLOB) \
           WHERE id = (SELECT min(id) FROM records WHERE kind = 'TOOL_CALL_PROPOSED')",
        ],
    );
    let told = verify(&stage).exits(1);
    stage.shows("verify-changed-byte", &[&told]);
    for words in [&["policy", "suggest"][..], &["policy", "always", "call-1"]] {
        let refused = stage.aegis(words).exits(1);
        assert!(
            refused
                .err
                .contains("the log was changed, so no rule is made of it"),
            "{}",
            refused.whole()
        );
    }
    let json = stage.aegis(&["log", "verify", "--json"]).exits(1).json();
    assert_eq!(json["sound"], false);
    assert_eq!(json["faults"][0]["session"], "first");
    assert_eq!(json["faults"][0]["seq"], 0);
}

#[test]
fn a_deleted_tail_is_named() {
    let stage = Stage::with_log();
    let tail = format!("{SECOND} AND seq = (SELECT max(seq) FROM records WHERE {SECOND})");
    // The row beside it in the index has the same number, if it is there yet.
    let index = format!("DELETE FROM entries WHERE id IN (SELECT id FROM records WHERE {tail})");
    let sqlite = Connection::open(stage.log()).unwrap();
    sqlite.execute(&index, []).unwrap();
    drop(sqlite);
    intrude(&stage, &[&format!("DELETE FROM records WHERE {tail}")]);
    stage.shows("verify-deleted-tail", &[&verify(&stage).exits(1)]);
}

#[test]
fn a_deleted_session_is_named() {
    let stage = Stage::with_log();
    let sqlite = Connection::open(stage.log()).unwrap();
    sqlite
        .execute(&format!("DELETE FROM entries WHERE {SECOND}"), [])
        .unwrap();
    drop(sqlite);
    intrude(
        &stage,
        &[
            &format!("DELETE FROM records WHERE {SECOND}"),
            "DELETE FROM chains WHERE session = 'second'",
        ],
    );
    stage.shows("verify-deleted-session", &[&verify(&stage).exits(1)]);
}

#[test]
fn a_head_kept_elsewhere_shows_what_agrees_with_itself_and_is_another() {
    let stage = Stage::with_log();
    let sessions = stage
        .aegis(&["log", "list", "--sessions", "--json"])
        .exits(0)
        .json();
    let second = &sessions["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["session"] == "second")
        .unwrap();
    let anchor = second["anchor"].as_str().unwrap();
    let sound = stage.aegis(&["log", "verify", "--anchor", anchor]).exits(0);
    // As it was kept before anchors named their tenant.
    let hash = second["head"].as_str().unwrap();
    let short = format!("second:{}:{hash}", second["seq"]);
    let shorter = stage.aegis(&["log", "verify", "--anchor", &short]).exits(0);
    let other = format!("local/second@3:{}", "0".repeat(64));
    let broken = stage.aegis(&["log", "verify", "--anchor", &other]).exits(1);
    let verify = |anchor: &str| stage.aegis(&["log", "verify", "--anchor", anchor]);
    let malformed = verify("second").exits(2);
    let no_hash = verify("local@3:abc").exits(2);
    let nameless = verify(&format!("local/a/b@3:{hash}")).exits(2);
    let told = [&sound, &shorter, &broken, &malformed, &no_hash, &nameless];
    stage.shows("verify-anchor", &told);
}

#[test]
fn a_tenant_that_was_removed_whole_shows_against_its_head() {
    let stage = Stage::with_log();
    let log = SqliteLog::open(stage.log(), Options::default()).unwrap();
    let entry = Entry {
        at: Timestamp::from_unix_ms(1),
        kind: EventKind::PromptSubmitted,
        subject: None,
        payload: json!({}).into(),
        sealed: None,
    };
    log.append(Batch {
        chain: ChainId::Session {
            tenant: "acme:eu".parse().unwrap(),
            session: "a/b".parse().unwrap(),
        },
        expected: None,
        entries: vec![entry],
        documents: Vec::new(),
    })
    .unwrap();
    drop(log);
    let backup = ["log", "backup", "keep.db", "--json"];
    let heads = stage.aegis(&backup).exits(0).json()["heads"].clone();
    let kept = heads[0]["head"].as_str().unwrap();
    assert!(kept.starts_with("acme%3Aeu@0:"), "{heads}");
    let listed = stage.aegis(&["log", "list", "--sessions", "--json"]);
    let listed = listed.exits(0).json()["sessions"][0].clone();
    let of_session = listed["anchor"].as_str().unwrap();
    assert!(of_session.starts_with("acme%3Aeu/a%2Fb@0:"), "{listed}");
    let words = ["log", "verify", "--anchor", kept, "--anchor", of_session];
    stage.aegis(&words).exits(0);
    let theirs = "(SELECT id FROM chains WHERE tenant = 'acme:eu')";
    intrude(
        &stage,
        &[
            &format!("DELETE FROM records WHERE chain IN {theirs}"),
            "DELETE FROM chains WHERE tenant = 'acme:eu'",
        ],
    );
    // The log agrees with itself.
    stage.aegis(&["log", "verify"]).exits(0);
    let told = stage.aegis(&words).exits(1).out;
    for said in [
        "the heads of tenant `acme:eu` are missing, and record 0 of them was anchored",
        "session `a/b` of tenant `acme:eu` is missing, and its record 0 was anchored",
    ] {
        assert!(told.contains(said), "{told}");
    }
    let file = [&words[..], &["--file", "keep.db"]].concat();
    stage.aegis(&file).exits(0);
}
