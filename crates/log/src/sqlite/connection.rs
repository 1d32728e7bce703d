//! One connection to a log file, set up and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use aegis_canon::Digest;
use aegis_types::{ChainId, Head};
use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, ErrorCode, OpenFlags};

use super::fault::Fault;
use super::held::HeldFile;
use super::patience::Patience;
use super::schema::{FORMAT, FORMAT_PRUNED};
use super::still::immutable;
use super::{Durability, Options};
use crate::log::{ReadLogError, StoreFault};

/// What a connection may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Access {
    /// It reads and writes.
    Write,
    /// It only reads.
    Read,
    /// It only reads a file that nobody writes, and leaves nothing beside it.
    Still,
    /// It reads and writes, and nobody else has the file open.
    Alone,
}

/// Why a log could not be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenLogError {
    /// There is no file.
    #[error("there is no log")]
    Missing,
    /// The file is something else than a log.
    #[error("the file is not a log")]
    NotALog,
    /// The file was written by a later version of the program.
    #[error("the log has format {found}, this program reads up to format {FORMAT_PRUNED}")]
    Later {
        /// The format found.
        found: i64,
    },
    /// Others kept the file locked until the deadline.
    #[error("the log stayed busy for {waited_ms} ms")]
    Busy {
        /// How long this one waited.
        waited_ms: u64,
    },
    /// The file or its folder may not be written.
    #[error("the log may not be written")]
    ReadOnly,
    /// There is no room left.
    #[error("no room is left for the log")]
    Full,
    /// The file contradicts itself.
    #[error("the log is damaged")]
    Damaged(#[source] StoreFault),
    /// The file cannot be reached for another cause.
    #[error("the log is out of reach")]
    Unavailable(#[source] StoreFault),
}

impl OpenLogError {
    pub(super) fn of(error: rusqlite::Error, waited_ms: u64) -> Self {
        if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
            return Self::NotALog;
        }
        Self::from(Fault::of(error, waited_ms))
    }
}

impl From<Fault> for OpenLogError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Busy { waited_ms } => Self::Busy { waited_ms },
            Fault::ReadOnly => Self::ReadOnly,
            Fault::Full => Self::Full,
            Fault::Damaged(source) => Self::Damaged(source),
            Fault::Unavailable(source) => Self::Unavailable(source),
            Fault::Fenced => Self::ReadOnly,
        }
    }
}

impl From<OpenLogError> for ReadLogError {
    fn from(error: OpenLogError) -> Self {
        match error {
            OpenLogError::Busy { waited_ms } => Self::Busy { waited_ms },
            OpenLogError::Damaged(source) => Self::Damaged(source),
            OpenLogError::Unavailable(source) => Self::Unavailable(source),
            OpenLogError::Missing
            | OpenLogError::NotALog
            | OpenLogError::Later { .. }
            | OpenLogError::ReadOnly
            | OpenLogError::Full => Self::Unavailable(StoreFault::new(error)),
        }
    }
}

/// A connection whose file was found to be a log.
pub(crate) struct Connection {
    pub(super) sqlite: rusqlite::Connection,
    /// The file that it writes.
    pub(super) held: HeldFile,
    pub(super) patience: Patience,
    /// The generation of writers that was the latest when this one opened.
    pub(super) generation: i64,
    /// What it knows of the store while nobody else writes.
    pub(super) known: Known,
    /// How many commits it made.
    pub(super) commits: u64,
}

/// What a connection remembers of the store.
///
/// It holds as long as no other connection commits, except for the documents,
/// which stay once they are stored.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The version of the file's content to which the rest belongs.
    pub(super) version: Option<i64>,
    /// The numbers of chains, and where they end.
    pub(super) chains: BTreeMap<ChainId, (i64, Head)>,
    /// The last record that is in the indexes.
    pub(super) indexed: i64,
    /// Documents that were seen in the store.
    pub(super) documents: BTreeSet<Digest>,
}

impl Known {
    /// Forgets what another connection may have changed.
    pub(super) fn forget(&mut self) {
        self.version = None;
        self.chains.clear();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn open(
        path: &Path,
        options: &Options,
        access: Access,
    ) -> Result<Self, OpenLogError> {
        let flags = match access {
            Access::Write | Access::Alone => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::Still => OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
        };
        let patience = Patience::new(options.patience);
        let failed = |error| OpenLogError::of(error, patience.span_ms());
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reach = || {
            let held = HeldFile::at(path);
            let sqlite = match access {
                Access::Still => rusqlite::Connection::open_with_flags(immutable(path), flags),
                Access::Write | Access::Read | Access::Alone => {
                    rusqlite::Connection::open_with_flags(path, flags)
                }
            };
            sqlite.map(|sqlite| (sqlite, held))
        };
        // Where the file is there after all, somebody made it in between.
        let (sqlite, held) = match reach() {
            Err(_) if !is_there(path) => return Err(OpenLogError::Missing),
            Err(_) => reach().map_err(failed)?,
            Ok(reached) => reached,
        };
        let mut connection = Self {
            sqlite,
            held,
            patience: patience.clone(),
            generation: 0,
            known: Known::default(),
            commits: 0,
        };
        connection
            .set_up(options, access)
            .map_err(|error| OpenLogError::of(error, patience.span_ms()))?;
        connection.generation = connection.check_format()?;
        let is_meant = matches!(access, Access::Write | Access::Alone);
        let is_written = is_meant && !connection.is_read_only();
        connection.held.note_wal(is_written);
        Ok(connection)
    }

    fn set_up(&mut self, options: &Options, access: Access) -> Result<(), rusqlite::Error> {
        let patience = self.patience.clone();
        self.sqlite
            .busy_handler(Some(move |tries| patience.goes_on(tries)))?;
        let settings = [
            (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            // A prepared statement stays as it is, whatever values it gets.
            (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        ];
        for (setting, value) in settings {
            self.sqlite.set_db_config(setting, value)?;
        }
        self.sqlite.set_prepared_statement_cache_capacity(32);
        if access == Access::Alone {
            // From the first look at the file on, which fails while others have it open.
            self.sqlite
                .execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
        }
        self.sqlite.execute_batch(match options.durability {
            Durability::Full => "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0",
            Durability::Normal => "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0",
        })?;
        if let Some(pages) = options.pages_max {
            self.sqlite
                .execute_batch(&format!("PRAGMA max_page_count = {pages}"))?;
        }
        Ok(())
    }

    /// Checks that the file is a log that this program reads, and returns the
    /// generation of its writers.
    fn check_format(&self) -> Result<i64, OpenLogError> {
        let read = || -> Result<(Option<i64>, Option<i64>), rusqlite::Error> {
            self.sqlite.query_row(
                "SELECT max(CASE name WHEN 'format' THEN value END),
                        max(CASE name WHEN 'generation' THEN value END) FROM store",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        };
        match read() {
            Ok((Some(FORMAT | FORMAT_PRUNED), Some(generation))) => Ok(generation),
            Ok((Some(found), _)) if found > FORMAT_PRUNED => Err(OpenLogError::Later { found }),
            Ok(_) => Err(OpenLogError::NotALog),
            Err(error) if is_of_another_shape(&error) => Err(OpenLogError::NotALog),
            Err(error) => Err(OpenLogError::of(error, self.patience.span_ms())),
        }
    }

    /// Returns whether the file could only be opened for reading.
    pub(super) fn is_read_only(&self) -> bool {
        self.sqlite.is_readonly("main").unwrap_or(false)
    }

    pub(super) fn fault(&self, error: rusqlite::Error) -> Fault {
        Fault::of(error, self.patience.span_ms())
    }

    /// Prepares `sql`, or finds it prepared.
    pub(super) fn statement(&self, sql: &str) -> Result<CachedStatement<'_>, rusqlite::Error> {
        self.sqlite.prepare_cached(sql)
    }
}

/// Tells whether a table or a column is not there.
fn is_of_another_shape(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqlInputError { .. })
        || error.sqlite_error_code() == Some(ErrorCode::Unknown)
}

/// Returns whether there is such a file, or may be one.
fn is_there(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}
