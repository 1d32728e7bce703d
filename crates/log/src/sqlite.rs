//! The log in an SQLite file that many processes share.

mod create;
mod schema;

mod patience;

mod still;

mod held;

mod fault;

mod connection;

mod group;

mod index;

mod write;

mod read;

mod maintain;

mod cuts;
mod plan_pruning;
mod record_pruning;
mod sweep;

mod backup;
mod restore;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aegis_canon::Digest;
use aegis_types::{ChainId, Envelope, Head, TenantId};

use crate::log::{
    AppendError, Appended, Batch, ChainSummary, Log, Placed, Query, ReadLogError, Walk,
};
use crate::seal::Drafts;
use crate::verify::{Evidence, Verification};
use connection::{Access, Connection};
use group::Group;
use held::HeldFile;
use schema::HIDE_INDEX;

pub use backup::{BackupError, CopyStep};
pub use connection::OpenLogError;
pub(crate) use cuts::{cut_table, cuts_in, prunings_in};
pub(crate) use fault::Fault;
pub use maintain::Maintenance;
pub use plan_pruning::{PruneOrder, PrunePlan};
pub(crate) use read::{chain_at, digest_at};
pub use record_pruning::PruneError;
pub use restore::{Ahead, Restore, RestoreError, Restored, restore};
pub(crate) use still::immutable;

/// How much a crash may lose of what was acknowledged.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Durability {
    /// A power cut loses nothing. Every commit syncs once.
    Full,
    /// A crash of any process loses nothing; a power cut may lose the last
    /// commits, and never leaves a broken chain. Commits do not sync.
    #[default]
    Normal,
}

/// How a log is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much a crash may lose.
    pub durability: Durability,
    /// How long an append or a read waits for others.
    pub patience: Duration,
    /// Whether this writer shuts out all who opened the log before.
    pub fence: bool,
    /// Whether a log that does not exist is made.
    pub create: bool,
    /// Beyond how many pages of 4 KiB in the WAL [`SqliteLog::maintain`] folds it back.
    ///
    /// A process that is alone reads the whole WAL when it opens the log.
    pub wal_pages: u32,
    /// How many pages of 4 KiB the file may have, if that is bounded.
    pub pages_max: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            patience: Duration::from_secs(2),
            fence: false,
            create: true,
            wal_pages: 64,
            pages_max: None,
        }
    }
}

/// A log in an SQLite file.
///
/// It may be shared by threads: those that append at the same time are
/// committed together.
#[derive(Debug)]
pub struct SqliteLog {
    path: PathBuf,
    /// The file that the writer writes.
    held: HeldFile,
    options: Options,
    access: Access,
    /// The connection that writes; readers borrow it when nobody does.
    writer: Mutex<Connection>,
    /// Connections for those who read while another one writes.
    readers: Mutex<Vec<Connection>>,
    group: Group,
    /// Whether the last commit failed for a cause of the store.
    is_failing: AtomicBool,
}

/// How many idle connections are kept for readers.
const IDLE_READERS_MAX: usize = 4;

impl SqliteLog {
    /// Opens the log at `path`, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`OpenLogError`]; a file that is not a log of a known version is left
    /// as it is.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenLogError> {
        let path = path.as_ref();
        let mut connection = match Connection::open(path, &options, Access::Write) {
            Err(OpenLogError::Missing) if options.create => {
                create::create(path)?;
                Connection::open(path, &options, Access::Write)?
            }
            opened => opened?,
        };
        if options.fence {
            connection.begin_generation()?;
        }
        Ok(Self::with(path, options, Access::Write, connection))
    }

    /// Opens the log at `path` for reading only.
    ///
    /// # Errors
    ///
    /// [`OpenLogError`].
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, OpenLogError> {
        let path = path.as_ref();
        let options = Options {
            create: false,
            ..Options::default()
        };
        let connection = Connection::open(path, &options, Access::Read)?;
        Ok(Self::with(path, options, Access::Read, connection))
    }

    /// Opens the log at `path` for reading as one that nobody writes: without a
    /// lock, and without making anything beside it.
    ///
    /// A file beside which there is something to be folded back is opened as any other.
    ///
    /// # Errors
    ///
    /// [`OpenLogError`].
    pub fn open_still(path: impl AsRef<Path>) -> Result<Self, OpenLogError> {
        let path = path.as_ref();
        if still::has_wal(path) {
            return Self::open_read_only(path);
        }
        let options = Options::default();
        let connection = Connection::open(path, &options, Access::Still)?;
        Ok(Self::with(path, options, Access::Still, connection))
    }

    /// Opens the log at `path` and keeps all others from opening it.
    ///
    /// INVARIANT: there is one connection, so nothing may be read on another one.
    fn open_alone(path: &Path) -> Result<Self, OpenLogError> {
        let options = Options::default();
        let connection = Connection::open(path, &options, Access::Alone)?;
        Ok(Self::with(path, options, Access::Alone, connection))
    }

    fn with(path: &Path, options: Options, access: Access, connection: Connection) -> Self {
        Self {
            path: path.to_owned(),
            held: connection.held.clone(),
            options,
            access,
            writer: Mutex::new(connection),
            readers: Mutex::new(Vec::new()),
            group: Group::default(),
            is_failing: AtomicBool::new(false),
        }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends the connection that writes to `write`, and notes how that ended.
    ///
    /// A file that may not be written is opened for reading, and stays so when
    /// it may; so it is opened again.
    fn writing<T>(
        &self,
        write: impl FnOnce(&mut Connection) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut writer = self.writer();
        if writer.is_read_only()
            && let Ok(again) = Connection::open(&self.path, &self.options, self.access)
        {
            // A later writer shuts this one out as before, and so does another file.
            let generation = writer.generation;
            *writer = Connection {
                generation,
                held: self.held.clone(),
                ..again
            };
        }
        let written = write(&mut writer);
        self.is_failing.store(written.is_err(), Ordering::Relaxed);
        written
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends a connection to `read`: an idle one, the writer's if nobody
    /// writes, else one more.
    pub(crate) fn reading<T>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, ReadLogError>,
    ) -> Result<T, ReadLogError> {
        let idle = self.readers().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => {
                if let Ok(mut writer) = self.writer.try_lock() {
                    return read(&mut writer);
                }
                Connection::open(&self.path, &self.options, self.access)
                    .map_err(ReadLogError::from)?
            }
        };
        let found = read(&mut connection);
        let mut readers = self.readers();
        if readers.len() < IDLE_READERS_MAX {
            readers.push(connection);
        }
        found
    }
}

impl SqliteLog {
    /// Opens a plain connection that only reads.
    pub(crate) fn another_reader(&self) -> Result<rusqlite::Connection, ReadLogError> {
        let opened = Connection::open(&self.path, &self.options, self.access_of_readers());
        Ok(opened?.sqlite)
    }

    /// Opens the log once more, to look for everything among its records alone.
    ///
    /// INVARIANT: there is one connection, so one thread alone reads with it.
    pub(crate) fn past_the_index(&self) -> Result<Self, ReadLogError> {
        let access = self.access_of_readers();
        let connection = Connection::open(&self.path, &self.options, access)?;
        let hidden = connection.sqlite.execute_batch(HIDE_INDEX);
        hidden.map_err(|error| connection.fault(error))?;
        Ok(Self::with(
            &self.path,
            self.options.clone(),
            access,
            connection,
        ))
    }

    const fn access_of_readers(&self) -> Access {
        match self.access {
            Access::Write | Access::Read | Access::Alone => Access::Read,
            Access::Still => Access::Still,
        }
    }

    /// Says what a failure of such a connection means.
    pub(crate) fn read_failure(&self, error: rusqlite::Error) -> ReadLogError {
        Fault::of(error, 0).into()
    }
}

impl Log for SqliteLog {
    fn append(&self, batch: Batch) -> Result<Appended, AppendError> {
        match self.access {
            Access::Write | Access::Alone => {}
            Access::Read | Access::Still => return Err(AppendError::ReadOnly),
        }
        let drafts = Drafts::of(batch)?;
        self.group.append(drafts, |group| {
            self.writing(|connection| connection.commit(group))
        })
    }

    fn head(&self, chain: &ChainId) -> Result<Head, ReadLogError> {
        self.reading(|connection| connection.head(chain))
    }

    fn read(
        &self,
        chain: &ChainId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Envelope>, ReadLogError> {
        self.reading(|connection| connection.read(chain, from, limit))
    }

    fn newest(&self, query: &Query<'_>) -> Result<Vec<Envelope>, ReadLogError> {
        self.reading(|connection| connection.newest(query))
    }

    fn walk(&self, query: &Query<'_>, walk: Walk) -> Result<Vec<Placed>, ReadLogError> {
        self.reading(|connection| connection.walk(query, walk))
    }

    fn chains(&self) -> Result<Vec<ChainSummary>, ReadLogError> {
        self.reading(Connection::chains)
    }

    fn chains_after(
        &self,
        tenant: &TenantId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<ChainSummary>, ReadLogError> {
        self.reading(|connection| connection.chains_after(tenant, after, limit))
    }

    fn document(&self, digest: &Digest) -> Result<Option<Arc<[u8]>>, ReadLogError> {
        self.reading(|connection| connection.document(digest))
    }

    fn verify(&self, evidence: &Evidence<'_>) -> Result<Verification, ReadLogError> {
        crate::verify::verify(self, evidence)
    }

    fn change_counter(&self) -> Result<u64, ReadLogError> {
        self.reading(Connection::change_counter)
    }

    fn check_writable(&self) -> Result<(), AppendError> {
        if self.is_failing.load(Ordering::Relaxed) {
            return Ok(self.writing(Connection::touch)?);
        }
        Ok(self.held.check()?)
    }

    fn maintain(&self) -> Result<(), AppendError> {
        Self::maintain(self).map(drop)
    }

    fn close(&self) -> Result<(), AppendError> {
        Self::close(self).map(drop)
    }
}
