//! The log of the action runtime, read as what it is: rows of an SQLite table.
//!
//! Its rows carry no hashes, so that nothing shows whether one was changed, and
//! an action that raised has none. It is only read: a file that somebody may be
//! writing is copied first, and any other one is opened as one that nobody writes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, named_params};

use crate::log::ReadLogError;
use crate::sqlite::{Fault, immutable};

/// The table of the rows.
const TABLE: &str = "audit_log";

/// The columns that every version has.
const COLUMNS: [&str; 14] = [
    "id",
    "session_id",
    "timestamp",
    "action_type",
    "action_target",
    "action_params",
    "action_desc",
    "risk_level",
    "approval",
    "matched_rule",
    "human_decision",
    "result_status",
    "result_data",
    "result_error",
];

/// The columns that later versions have besides.
const LATER: [&str; 4] = ["agent_id", "parent_agent_id", "chain_id", "chain_depth"];

/// What may lie beside a database while it is written.
const BESIDE: [&str; 2] = ["-wal", "-journal"];

/// One row, its texts as they are stored.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UnchainedRecord {
    /// Its number.
    pub id: i64,
    /// The session.
    pub session: String,
    /// When it was written, as it says itself.
    pub at: String,
    /// The type of the action.
    pub tool: String,
    /// What it was done to.
    pub resource: String,
    /// The parameters, as JSON text.
    pub params: Option<String>,
    /// What the agent said about it.
    pub description: Option<String>,
    /// The risk.
    pub risk: String,
    /// `auto`, `approve` or `block`.
    pub approval: String,
    /// The rule that decided.
    pub rule: Option<String>,
    /// What a person answered.
    pub answer: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
    /// The result, as JSON text.
    pub content: Option<String>,
    /// The error.
    pub error: Option<String>,
    /// Who acted, as they said themselves.
    pub agent: Option<String>,
    /// Who had that agent act.
    pub parent_agent: Option<String>,
    /// The chain of agents.
    pub agent_chain: Option<String>,
    /// How deep in it the agent stands.
    pub agent_depth: Option<String>,
}

/// A session of such a log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnchainedSession {
    /// Its name.
    pub session: String,
    /// The least time of its rows, compared as text.
    pub first_at: String,
    /// The greatest.
    pub last_at: String,
    /// How many rows it has.
    pub records: u64,
}

/// Which rows to look for.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnchainedQuery<'a> {
    /// Only this session.
    pub session: Option<&'a str>,
    /// Only rows with this word as approval.
    pub approval: Option<&'a str>,
    /// At most this many.
    pub limit: usize,
}

/// Why a file cannot be read as such a log.
#[derive(Debug, thiserror::Error)]
pub enum OpenUnchainedError {
    /// There is no file.
    #[error("there is no such file")]
    Missing,
    /// Something else than a file is there.
    #[error("it is no file")]
    NotAFile,
    /// The file is something else.
    #[error("the file is no SQLite database")]
    NotADatabase,
    /// The database is another one.
    #[error("the database has no table `{TABLE}`")]
    NoTable,
    /// The table is another one.
    #[error("the table `{TABLE}` has no column `{column}`")]
    NoColumn {
        /// The column.
        column: &'static str,
    },
    /// The file is being written, and cannot be copied.
    #[error("the file is being written, and cannot be copied")]
    Copy(#[source] io::Error),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadLogError),
}

/// A log of the action runtime.
#[derive(Debug)]
pub struct UnchainedLog {
    connection: Connection,
    /// The columns that are selected, those that are missing as nothing.
    selected: String,
}

impl UnchainedLog {
    /// Opens the log at `path`, and changes neither it nor what lies beside it.
    ///
    /// `scratch` is a folder into which a log is copied that is being written.
    ///
    /// # Errors
    ///
    /// [`OpenUnchainedError`] for a file that is none.
    pub fn open(path: &Path, scratch: &Path) -> Result<Self, OpenUnchainedError> {
        if !path.is_file() {
            return Err(match path.exists() {
                true => OpenUnchainedError::NotAFile,
                false => OpenUnchainedError::Missing,
            });
        }
        let connection = match copied(path, scratch).map_err(OpenUnchainedError::Copy)? {
            Some(copy) => Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_WRITE),
            None => Connection::open_with_flags(
                immutable(path),
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
            ),
        };
        let connection = connection.map_err(unreadable)?;
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)
            .map_err(unreadable)?;
        let columns = columns(&connection).map_err(not_this)?;
        if columns.is_empty() {
            return Err(OpenUnchainedError::NoTable);
        }
        if let Some(column) = COLUMNS.iter().find(|column| !columns.contains(**column)) {
            return Err(OpenUnchainedError::NoColumn { column });
        }
        let later = LATER.map(|column| match columns.contains(column) {
            true => column,
            false => "NULL",
        });
        let selected = [&COLUMNS[..], &later[..]].concat().join(", ");
        Ok(Self {
            connection,
            selected,
        })
    }

    /// Returns the newest rows first.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] if the file is damaged.
    pub fn newest(&self, query: &UnchainedQuery<'_>) -> Result<Vec<UnchainedRecord>, ReadLogError> {
        let Self { selected, .. } = self;
        let text = format!(
            "SELECT {selected} FROM {TABLE} \
             WHERE (:session IS NULL OR session_id = :session) \
             AND (:approval IS NULL OR approval = :approval) \
             ORDER BY id DESC LIMIT :limit"
        );
        let values = named_params! {
            ":session": query.session,
            ":approval": query.approval,
            ":limit": i64::try_from(query.limit).unwrap_or(i64::MAX),
        };
        let read = || {
            let mut statement = self.connection.prepare(&text)?;
            let rows = statement.query_map(values, record)?;
            rows.collect::<Result<_, _>>()
        };
        read().map_err(unreadable)
    }

    /// Returns the sessions, in the order in which they began.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] if the file is damaged.
    pub fn sessions(&self) -> Result<Vec<UnchainedSession>, ReadLogError> {
        let text = format!(
            "SELECT session_id, min(timestamp), max(timestamp), count(*) FROM {TABLE} \
             GROUP BY session_id ORDER BY min(id)"
        );
        let read = || {
            let mut statement = self.connection.prepare(&text)?;
            let rows = statement.query_map([], |row| {
                Ok(UnchainedSession {
                    session: word(row, 0)?,
                    first_at: word(row, 1)?,
                    last_at: word(row, 2)?,
                    records: row.get::<_, i64>(3)?.unsigned_abs(),
                })
            })?;
            rows.collect::<Result<_, _>>()
        };
        read().map_err(unreadable)
    }
}

fn unreadable(error: rusqlite::Error) -> ReadLogError {
    ReadLogError::from(Fault::of(error, 0))
}

fn not_this(error: rusqlite::Error) -> OpenUnchainedError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenUnchainedError::NotADatabase,
        _ => unreadable(error).into(),
    }
}

/// Copies a database with what lies beside it, if somebody may be writing it.
fn copied(path: &Path, scratch: &Path) -> io::Result<Option<PathBuf>> {
    let beside = |path: &Path, ending: &str| {
        let mut name = OsString::from(path);
        name.push(ending);
        PathBuf::from(name)
    };
    let is_written =
        |ending: &&str| fs::metadata(beside(path, ending)).is_ok_and(|found| found.len() > 0);
    if !BESIDE.iter().any(is_written) {
        return Ok(None);
    }
    let copy = scratch.join("log.db");
    fs::copy(path, &copy)?;
    for ending in BESIDE.iter().filter(|ending| is_written(ending)) {
        fs::copy(beside(path, ending), beside(&copy, ending))?;
    }
    Ok(Some(copy))
}

/// Returns the columns of the table; none if there is no such table.
fn columns(connection: &Connection) -> Result<BTreeSet<String>, rusqlite::Error> {
    let text = "SELECT name FROM pragma_table_info(:table) \
                WHERE EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = :table)";
    let mut statement = connection.prepare(text)?;
    let rows = statement.query_map(named_params! {":table": TABLE}, |row| row.get(0))?;
    rows.collect()
}

fn record(row: &Row<'_>) -> Result<UnchainedRecord, rusqlite::Error> {
    Ok(UnchainedRecord {
        id: row.get(0)?,
        session: word(row, 1)?,
        at: word(row, 2)?,
        tool: word(row, 3)?,
        resource: word(row, 4)?,
        params: text(row, 5)?,
        description: text(row, 6)?,
        risk: word(row, 7)?,
        approval: word(row, 8)?,
        rule: text(row, 9)?,
        answer: text(row, 10)?,
        outcome: text(row, 11)?,
        content: text(row, 12)?,
        error: text(row, 13)?,
        agent: text(row, 14)?,
        parent_agent: text(row, 15)?,
        agent_chain: text(row, 16)?,
        agent_depth: text(row, 17)?,
    })
}

fn word(row: &Row<'_>, column: usize) -> Result<String, rusqlite::Error> {
    text(row, column).map(Option::unwrap_or_default)
}

/// Returns a value as text, whatever its type: SQLite lets any column hold any.
fn text(row: &Row<'_>, column: usize) -> Result<Option<String>, rusqlite::Error> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
    })
}
