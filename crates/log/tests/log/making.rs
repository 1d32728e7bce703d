//! Entries, chains and logs for the tests.

use std::sync::Arc;

use aegis_canon::Digest;
use aegis_log::{Appended, Batch, Durability, Log, MemoryLog, Options, SqliteLog};
use aegis_types::{ChainId, Entry, EventKind, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

pub fn session(name: &str) -> ChainId {
    session_of("acme", name)
}

pub fn session_of(tenant: &str, name: &str) -> ChainId {
    ChainId::Session {
        tenant: tenant.parse().unwrap(),
        session: name.parse().unwrap(),
    }
}

pub fn heads_of(tenant: &str) -> ChainId {
    ChainId::Heads {
        tenant: tenant.parse().unwrap(),
    }
}

pub fn at(unix_ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(unix_ms)
}

pub fn entry(kind: EventKind, subject: &str, unix_ms: i64) -> Entry {
    entry_with(kind, subject, unix_ms, json!({"call_id": subject}))
}

pub fn entry_with(kind: EventKind, subject: &str, unix_ms: i64, payload: Value) -> Entry {
    Entry {
        at: at(unix_ms),
        kind,
        subject: Some(subject.to_owned()),
        payload: payload.into(),
        sealed: None,
    }
}

pub fn batch(chain: &ChainId, entries: Vec<Entry>) -> Batch {
    Batch {
        chain: chain.clone(),
        expected: None,
        entries,
        documents: Vec::new(),
    }
}

/// A request and its decision, as the gate appends them.
pub fn action(chain: &ChainId, name: &str, unix_ms: i64) -> Batch {
    batch(
        chain,
        vec![
            entry(EventKind::ActionRequested, name, unix_ms),
            entry(EventKind::DecisionMade, name, unix_ms),
        ],
    )
}

pub fn append_action(log: &dyn Log, chain: &ChainId, name: &str, unix_ms: i64) -> Appended {
    log.append(action(chain, name, unix_ms)).unwrap()
}

pub fn document(text: &str) -> (Digest, Arc<[u8]>) {
    (Digest::of(text.as_bytes()), Arc::from(text.as_bytes()))
}

/// A log file in a folder of its own.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    pub fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("log.db")
    }

    pub fn open(&self) -> SqliteLog {
        self.open_with(Options::default())
    }

    pub fn open_full(&self) -> SqliteLog {
        self.open_with(Options {
            durability: Durability::Full,
            ..Options::default()
        })
    }

    pub fn open_with(&self, options: Options) -> SqliteLog {
        SqliteLog::open(self.path(), options).unwrap()
    }

    /// A connection of another program, which obeys none of our rules.
    pub fn intruder(&self) -> rusqlite::Connection {
        let sqlite = rusqlite::Connection::open(self.path()).unwrap();
        let triggers: Vec<String> = sqlite
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        for trigger in triggers {
            sqlite
                .execute_batch(&format!("DROP TRIGGER {trigger}"))
                .unwrap();
        }
        sqlite
    }
}

/// Runs `check` on a log of each kind.
pub fn on_each_log(check: impl Fn(&dyn Log)) {
    check(&MemoryLog::new());
    check(&Place::new().open());
    check(&Place::new().open_full());
}
