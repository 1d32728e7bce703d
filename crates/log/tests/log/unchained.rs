//! Logs of the action runtime, made here as its two versions make them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aegis_log::{OpenUnchainedError, UnchainedLog, UnchainedQuery, UnchainedRecord};
use rusqlite::Connection;
use tempfile::TempDir;

const FIRST: &str = include_str!("../../../../fixtures/log/unchained-14-columns.sql");

/// What the later version adds.
const LATER: &str = include_str!("../../../../fixtures/log/unchained-18-columns.sql");

struct Stage(TempDir);

impl Stage {
    fn new() -> Self {
        let stage = Self(TempDir::new().unwrap());
        fs::create_dir(stage.scratch()).unwrap();
        fs::create_dir(stage.folder()).unwrap();
        stage
    }

    fn scratch(&self) -> PathBuf {
        self.0.path().join("scratch")
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("logs")
    }

    fn file(&self) -> PathBuf {
        self.folder().join("aegis_audit.db")
    }

    fn open(&self) -> Result<UnchainedLog, OpenUnchainedError> {
        UnchainedLog::open(&self.file(), &self.scratch())
    }

    /// Returns every file of the folder with its content.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = fs::read_dir(self.folder()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .map(|path| (path.clone(), fs::read(path).unwrap_or_default()))
            .collect()
    }
}

fn make(path: &Path, later: bool) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(FIRST).unwrap();
    if later {
        connection.execute_batch(LATER).unwrap();
    }
    connection
}

/// Adds the first row once more.
fn add(connection: &Connection) {
    let text = "INSERT INTO audit_log (session_id, timestamp, action_type, action_target,
                action_params, risk_level, approval)
                SELECT session_id, timestamp, action_type, action_target, action_params,
                risk_level, approval FROM audit_log WHERE id = 1";
    connection.execute_batch(text).unwrap();
}

fn ids(log: &UnchainedLog, query: &UnchainedQuery<'_>) -> Vec<i64> {
    let found = log.newest(query).unwrap();
    found.iter().map(|record| record.id).collect()
}

const ALL: UnchainedQuery<'_> = UnchainedQuery {
    session: None,
    approval: None,
    limit: 20,
};

#[test]
fn a_log_of_either_shape_is_read_newest_first() {
    for later in [false, true] {
        let stage = Stage::new();
        make(&stage.file(), later).close().unwrap();
        let log = stage.open().unwrap();
        assert_eq!(ids(&log, &ALL), [3, 2, 1]);
        let expected = UnchainedRecord {
            id: 3,
            session: "one".to_owned(),
            at: "2026-03-04T12:00:00.000001+00:00".to_owned(),
            tool: "write".to_owned(),
            resource: "crm".to_owned(),
            params: Some("{\"n\": 1}".to_owned()),
            risk: "MEDIUM".to_owned(),
            approval: "approve".to_owned(),
            rule: Some("writes".to_owned()),
            answer: Some("approved".to_owned()),
            outcome: Some("success".to_owned()),
            agent: later.then(|| "planner".to_owned()),
            agent_depth: later.then(|| "2".to_owned()),
            ..UnchainedRecord::default()
        };
        assert_eq!(log.newest(&ALL).unwrap()[0], expected);
        let sessions = log.sessions().unwrap();
        let told: Vec<(&str, u64)> = sessions
            .iter()
            .map(|it| (it.session.as_str(), it.records))
            .collect();
        assert_eq!(told, [("one", 2), ("two", 1)]);
        assert!(sessions[0].first_at < sessions[0].last_at);
    }
}

#[test]
fn rows_are_looked_for_by_session_and_approval() {
    let stage = Stage::new();
    make(&stage.file(), false).close().unwrap();
    let log = stage.open().unwrap();
    let of = |session, approval, limit| {
        let query = UnchainedQuery {
            session,
            approval,
            limit,
        };
        ids(&log, &query)
    };
    assert_eq!(of(Some("one"), None, 20), [3, 1]);
    assert_eq!(of(Some("one"), Some("auto"), 20), [1]);
    assert_eq!(of(None, Some("block"), 20), [2]);
    assert_eq!(of(Some("one' OR 1"), None, 20), [0; 0]);
    assert_eq!(of(None, None, 1), [3]);
    assert_eq!(of(None, None, 0), [0; 0]);
}

#[test]
fn reading_changes_nothing_although_the_log_is_being_written() {
    for later in [false, true] {
        let stage = Stage::new();
        let writer = make(&stage.file(), later);
        let before = stage.files();
        assert_eq!(ids(&stage.open().unwrap(), &ALL), [3, 2, 1]);
        assert_eq!(stage.files(), before);
        // What only the write-ahead log holds is read as well.
        add(&writer);
        let before = stage.files();
        assert_eq!(ids(&stage.open().unwrap(), &ALL), [4, 3, 2, 1]);
        assert_eq!(stage.files(), before);
    }
}

#[test]
fn what_was_not_committed_is_not_read() {
    let stage = Stage::new();
    let writer = make(&stage.file(), false);
    // A cache of one page makes the writer change the file before it commits.
    writer
        .execute_batch("PRAGMA cache_size = 1; BEGIN")
        .unwrap();
    for _ in 0..1_000 {
        add(&writer);
    }
    let before = stage.files();
    assert!(
        before
            .keys()
            .any(|path| path.to_string_lossy().ends_with("-journal"))
    );
    assert_eq!(ids(&stage.open().unwrap(), &ALL), [3, 2, 1]);
    assert_eq!(stage.files(), before);
}

#[test]
fn a_file_with_any_name_is_opened_and_no_other() {
    let stage = Stage::new();
    for name in ["a b?mode=rwc#x%41.db", "ä.db", "file:x.db"] {
        let path = stage.folder().join(name);
        make(&path, false).close().unwrap();
        let log = UnchainedLog::open(&path, &stage.scratch()).unwrap();
        assert_eq!(ids(&log, &ALL), [3, 2, 1]);
    }
    assert_eq!(stage.files().len(), 3);
}

#[test]
fn a_file_that_is_no_such_log_is_told() {
    let check = |prepare: &dyn Fn(&Path), expected: &str| {
        let stage = Stage::new();
        prepare(&stage.file());
        let before = stage.files();
        assert_eq!(stage.open().unwrap_err().to_string(), expected);
        assert_eq!(stage.files(), before);
    };
    let run = |path: &Path, text: &str| {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch(text).unwrap();
    };
    check(&|_| {}, "there is no such file");
    check(&|path| fs::create_dir(path).unwrap(), "it is no file");
    let text = "this is no database, whatever its name says".repeat(40);
    check(
        &|path| fs::write(path, &text).unwrap(),
        "the file is no SQLite database",
    );
    let no_table = "the database has no table `audit_log`";
    check(&|path| fs::write(path, "").unwrap(), no_table);
    check(&|path| run(path, "CREATE TABLE other (id)"), no_table);
    check(
        &|path| {
            run(
                path,
                "CREATE TABLE x (id); CREATE VIEW audit_log AS SELECT * FROM x",
            )
        },
        no_table,
    );
    check(
        &|path| {
            run(
                path,
                "CREATE TABLE audit_log (id INTEGER PRIMARY KEY, session_id)",
            )
        },
        "the table `audit_log` has no column `timestamp`",
    );
}

#[test]
fn values_of_any_type_are_text_and_damage_is_told() {
    let stage = Stage::new();
    let connection = make(&stage.file(), false);
    let text = "UPDATE audit_log SET action_type = x'61ff', result_data = 1.5, matched_rule = 7
                WHERE id = 3";
    connection.execute_batch(text).unwrap();
    connection.close().unwrap();
    let record = stage.open().unwrap().newest(&ALL).unwrap().remove(0);
    assert_eq!(record.tool, "a\u{fffd}");
    assert_eq!(record.content.as_deref(), Some("1.5"));
    assert_eq!(record.rule.as_deref(), Some("7"));

    let mut bytes = fs::read(stage.file()).unwrap();
    let page = bytes.len() / 4;
    bytes[page..].fill(0x55);
    fs::write(stage.file(), bytes).unwrap();
    let told = stage.open().and_then(|log| Ok(log.newest(&ALL)?));
    assert!(matches!(told, Err(OpenUnchainedError::Read(_))), "{told:?}");
}
