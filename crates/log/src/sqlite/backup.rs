//! Copying a log into one file, while others write it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::ffi::SQLITE_BUSY;

use super::SqliteLog;
use super::create::{begin_draft, draft_path, folder_of, sync_directory};
use super::still::{beside, has_wal};
use crate::log::ReadLogError;
use crate::verify::{Depth, Evidence, Verification, verify};

/// How many pages of 4 KiB are copied between two words about the progress.
const PAGES_A_STEP: i32 = 1_024;

/// What is being done while a log is copied.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CopyStep {
    /// Pages are copied.
    Copying {
        /// How many are.
        pages: u64,
        /// How many there are.
        of: u64,
    },
    /// The copy is verified.
    Verifying,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file already.
    #[error("there is a file already")]
    Exists,
    /// The file is the log itself.
    #[error("a log is no backup of itself")]
    Itself,
    /// What was copied has faults.
    #[error("the log has faults")]
    Unsound(Box<Verification>),
    /// The log could not be read.
    #[error("the log could not be read")]
    Read(#[from] ReadLogError),
    /// The copy could not be written.
    #[error("the copy could not be written")]
    Write(#[source] io::Error),
}

impl SqliteLog {
    /// Copies the log, as it is at one moment, into the file `to`, verifies the
    /// copy, and returns what it holds.
    ///
    /// Others may append meanwhile. The copy is made under another name and
    /// renamed, so that `to` is a whole log or none; only its owner may read
    /// it. A file that is there is replaced only if `replace` says so.
    ///
    /// # Errors
    ///
    /// [`BackupError`]; then there is no file at `to` that was not there before.
    pub fn backup(
        &self,
        to: &Path,
        replace: bool,
        tell: &mut dyn FnMut(CopyStep),
    ) -> Result<Verification, BackupError> {
        if is_same_file(&self.path, to) {
            return Err(BackupError::Itself);
        }
        if !replace && is_taken(to) {
            return Err(BackupError::Exists);
        }
        let draft = Draft::of(self, to, tell)?;
        let verification = draft.verified(tell)?;
        draft.put(to, replace)?;
        Ok(verification)
    }
}

/// A copy under a name of its own, which goes away unless it is put somewhere.
pub(super) struct Draft(PathBuf);

impl Draft {
    /// Copies `log`, as it is at one moment, into a new file beside `to`.
    pub(super) fn of(
        log: &SqliteLog,
        to: &Path,
        tell: &mut dyn FnMut(CopyStep),
    ) -> Result<Self, BackupError> {
        let draft = Self(draft_path(to));
        begin_draft(&draft.0).map_err(BackupError::Write)?;
        let written = |error| BackupError::Write(io::Error::other(error));
        let mut target = Connection::open(&draft.0).map_err(written)?;
        // Nobody looks at the file before it is whole and synced.
        target
            .execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF")
            .map_err(written)?;
        // A log that is read alone has a single connection.
        log.reading(|connection| {
            copy(&connection.sqlite, &mut target, tell).map_err(|error| log.read_failure(error))
        })?;
        target.close().map_err(|(_, error)| written(error))?;
        let file = File::open(&draft.0).map_err(BackupError::Write)?;
        file.sync_all().map_err(BackupError::Write)?;
        Ok(draft)
    }

    /// Opens the copy, which nobody writes.
    pub(super) fn open(&self) -> Result<SqliteLog, BackupError> {
        Ok(SqliteLog::open_still(&self.0).map_err(ReadLogError::from)?)
    }

    /// Verifies the copy in full.
    pub(super) fn verified(
        &self,
        tell: &mut dyn FnMut(CopyStep),
    ) -> Result<Verification, BackupError> {
        tell(CopyStep::Verifying);
        let evidence = Evidence {
            depth: Depth::Canonical,
            ..Evidence::NONE
        };
        let verification = verify(&self.open()?, &evidence)?;
        if verification.is_sound() {
            Ok(verification)
        } else {
            Err(BackupError::Unsound(Box::new(verification)))
        }
    }

    /// Gives the copy the name `to`.
    pub(super) fn put(self, to: &Path, replace: bool) -> Result<(), BackupError> {
        if replace {
            // What lies beside the file that is replaced would be taken for a part of the copy.
            for ending in ["-wal", "-shm"] {
                remove(&beside(to, ending)).map_err(BackupError::Write)?;
            }
            fs::rename(&self.0, to).map_err(BackupError::Write)?;
        } else {
            self.put_in_free_place(to)?;
        }
        sync_directory(folder_of(to)).map_err(BackupError::Write)
    }

    fn put_in_free_place(&self, to: &Path) -> Result<(), BackupError> {
        match fs::hard_link(&self.0, to) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(BackupError::Exists),
            // Some file systems know no links.
            Err(_) if is_taken(to) => Err(BackupError::Exists),
            Err(_) => fs::rename(&self.0, to).map_err(BackupError::Write),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It has another name by now, or is of no use to anyone.
        let _ = fs::remove_file(&self.0);
    }
}

/// Copies every page of `from`, as of one moment, to `to`.
pub(super) fn copy(
    from: &Connection,
    to: &mut Connection,
    tell: &mut dyn FnMut(CopyStep),
) -> Result<(), rusqlite::Error> {
    // While this reads, what others commit is not seen, and so the copy need
    // not begin again whenever they do.
    from.execute_batch("BEGIN; SELECT value FROM store")?;
    let copied = copy_pages(from, to, tell);
    let ended = from.execute_batch("ROLLBACK");
    copied.and(ended)
}

fn copy_pages(
    from: &Connection,
    to: &mut Connection,
    tell: &mut dyn FnMut(CopyStep),
) -> Result<(), rusqlite::Error> {
    let backup = Backup::new(from, to)?;
    loop {
        let step = backup.step(PAGES_A_STEP)?;
        let progress = backup.progress();
        let of = u64::try_from(progress.pagecount).unwrap_or(0);
        let left = u64::try_from(progress.remaining).unwrap_or(0);
        tell(CopyStep::Copying {
            pages: of.saturating_sub(left),
            of,
        });
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            // The one reads already, and nobody else knows of the other.
            StepResult::Busy | StepResult::Locked | _ => {
                let busy = rusqlite::ffi::Error::new(SQLITE_BUSY);
                return Err(rusqlite::Error::SqliteFailure(busy, None));
            }
        }
    }
}

/// Tells whether there is something at `path`, or beside it, that a new file would meet.
pub(super) fn is_taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok() || has_wal(path)
}

/// Tells whether two paths lead to one file.
pub(super) fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
    }
}

/// Removes a file, if there is one.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
