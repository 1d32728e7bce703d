//! What was written by earlier versions, or by others, is read for ever.

use std::path::{Path, PathBuf};

use aegis_canon::Digest;
use aegis_log::{
    Depth, Evidence, ForeignEnvelope, ForeignFault, Log, PruneOrder, SqliteLog, verify,
    verify_export, verify_foreign,
};

use crate::making::{heads_of, session};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/log")
        .join(name)
}

const CANONICAL: Evidence<'static> = Evidence {
    depth: Depth::Canonical,
    ..Evidence::NONE
};

#[test]
fn a_file_of_the_first_format_is_read_verified_and_appended_to() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("log.db");
    std::fs::copy(fixture("v1/log.db"), &path).unwrap();
    let log = SqliteLog::open(&path, aegis_log::Options::default()).unwrap();
    let found = verify(&log, &CANONICAL).unwrap();
    assert!(found.is_sound(), "{:?}", found.faults);
    assert_eq!((found.records, found.documents, found.erased), (7, 1, 1));
    let heads = log.head(&heads_of("acme")).unwrap();
    assert_eq!(
        heads.hash.unwrap().to_string(),
        std::fs::read_to_string(fixture("v1/heads.txt"))
            .unwrap()
            .trim()
    );
    let read = log.read(&session("one"), 0, usize::MAX).unwrap();
    assert_eq!(read.len(), 3);
    crate::making::append_action(&log, &session("one"), "later", 100);
    let found = verify(&log, &CANONICAL).unwrap();
    assert!(found.is_sound(), "{:?}", found.faults);
}

#[test]
fn an_export_of_the_first_format_is_verified() {
    let text = std::fs::read(fixture("v1/log.jsonl")).unwrap();
    let found = verify_export(text.as_slice(), &CANONICAL).unwrap();
    assert!(found.is_sound(), "{:?}", found.faults);
    assert!(found.is_whole);
    assert_eq!(found.records, 7);
}

#[test]
fn a_file_of_the_first_format_is_pruned_and_becomes_one_of_the_second() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("log.db");
    std::fs::copy(fixture("v1/log.db"), &path).unwrap();
    let log = SqliteLog::open(&path, aegis_log::Options::default()).unwrap();
    let order = PruneOrder {
        tenant: &"acme".parse().unwrap(),
        before: crate::making::at(1_800_000_000_000),
        stays: &|session| session.as_str() == "two",
    };
    let plan = log.plan_pruning(&order).unwrap().unwrap();
    log.record_pruning(plan, "ada", crate::making::at(1_800_000_000_000))
        .unwrap();
    log.sweep(&mut |_| {}).unwrap();
    let found = verify(&log, &CANONICAL).unwrap();
    assert!(found.is_sound(), "{:?}", found.faults);
    // Three records of the session, three commits; the rest and the documents stay.
    assert_eq!((found.pruned[0].records, found.pruned[0].sessions), (6, 1));
    assert_eq!((found.records, found.documents, found.erased), (3, 1, 1));
    let format = "SELECT value FROM store WHERE name = 'format'";
    let sqlite = rusqlite::Connection::open(&path).unwrap();
    let format: i64 = sqlite.query_row(format, [], |row| row.get(0)).unwrap();
    assert_eq!(format, 2);
}

#[test]
fn a_file_of_the_second_format_is_read_verified_and_appended_to() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("log.db");
    std::fs::copy(fixture("v2/log.db"), &path).unwrap();
    let log = SqliteLog::open(&path, aegis_log::Options::default()).unwrap();
    crate::making::append_action(&log, &session("gone"), "later", 400);
    let found = verify(&log, &CANONICAL).unwrap();
    assert!(found.is_sound(), "{:?}", found.faults);
    assert_eq!((found.pruned[0].records, found.pruned[0].sessions), (5, 1));
    assert_eq!(log.read(&session("gone"), 0, 1).unwrap()[0].seq, 2);
    let text = std::fs::read(fixture("v2/log.jsonl")).unwrap();
    let exported = verify_export(text.as_slice(), &CANONICAL).unwrap();
    assert!(exported.is_sound(), "{:?}", exported.faults);
    assert_eq!(exported.pruned, found.pruned);
}

fn foreign() -> String {
    std::fs::read_to_string(fixture("foreign/control-plane.jsonl")).unwrap()
}

#[test]
fn the_vectors_of_the_control_plane_are_verified_as_a_foreign_chain() {
    let found = verify_foreign(foreign().as_bytes()).unwrap();
    assert_eq!(found.faults, []);
    assert_eq!(found.records, 3);
    let hashes: Vec<String> = foreign()
        .lines()
        .map(|line| {
            let envelope = ForeignEnvelope::read(line.as_bytes()).unwrap();
            Digest::of(&envelope.preimage()).to_string()
        })
        .collect();
    assert_eq!(
        hashes,
        [
            "96a74364847ab044ae79404427e5de96b495b1bf65d38a2b030ebd8d5439e12a",
            "e7c94589fbafd43ca92831281c0b0deeda189487bde2bda2b234cc559b8e3c54",
            "30fd7fd51a6efbcafe4d21bba0d5ed3e705895c87ebf80c457386921c992dd06",
        ]
    );
}

fn check_foreign(text: &str, expected: &[ForeignFault]) {
    assert_eq!(verify_foreign(text.as_bytes()).unwrap().faults, expected);
}

#[test]
fn a_changed_foreign_chain_is_caught() {
    let text = foreign();
    check_foreign(
        &text.replace("read_file", "write_file"),
        &[ForeignFault::Edited { line: 1 }],
    );
    let lines: Vec<&str> = text.lines().collect();
    check_foreign(
        &[lines[0], lines[2]].join("\n"),
        &[ForeignFault::OutOfPlace {
            line: 2,
            expected: 1,
            found: 2,
        }],
    );
    check_foreign(
        lines[1],
        &[ForeignFault::OutOfPlace {
            line: 1,
            expected: 0,
            found: 1,
        }],
    );
    check_foreign("{}", &[ForeignFault::Unreadable { line: 1 }]);
}

#[test]
fn a_foreign_hash_is_read_in_hexadecimal_too() {
    let text = foreign().replace(
        "lqdDZIR6sESueUBEJ+XelrSVsb9l04orAw69jVQ54So=",
        "96a74364847ab044ae79404427e5de96b495b1bf65d38a2b030ebd8d5439e12a",
    );
    check_foreign(&text, &[]);
}
