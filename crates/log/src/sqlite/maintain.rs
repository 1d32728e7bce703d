//! Folding the WAL back, and erasing what may be erased.

use rusqlite::Row;

use super::SqliteLog;
use super::connection::Connection;
use super::fault::Fault;
use crate::log::AppendError;

/// Beyond how many pages an append folds the WAL back by itself.
const WAL_PAGES_MAX: i64 = 16_384;

/// Up to how many commits a process is one that soon ends, as a hook does.
const COMMITS_FEW_MAX: u64 = 16;

/// What became of the WAL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Maintenance {
    /// It was short enough to stay.
    Unneeded,
    /// All of it was folded back.
    Folded,
    /// Some of it stays because others read from it or another process is at it.
    Partly {
        /// How many pages were folded back.
        pages: u64,
        /// How many pages it holds.
        of: u64,
    },
}

impl Maintenance {
    fn of(after: &WalPages) -> Self {
        let pages = after.folded.max(0).cast_unsigned();
        let of = after.held.max(0).cast_unsigned();
        if pages == of {
            Self::Folded
        } else {
            Self::Partly { pages, of }
        }
    }
}

impl SqliteLog {
    /// Folds the WAL back into the file if it has grown beyond the pages set
    /// in [`Options`](super::Options).
    ///
    /// Folding syncs several times, so it is best done when nobody waits for an
    /// answer. Readers are not waited for.
    ///
    /// # Errors
    ///
    /// [`AppendError`], as when appending.
    pub fn maintain(&self) -> Result<Maintenance, AppendError> {
        let pages_max = i64::from(self.options.wal_pages);
        Ok(self.writer().maintain(pages_max)?)
    }

    /// Folds the whole WAL back and cuts it to nothing, at the end of a process.
    ///
    /// Whoever opens the log next would read all of it first.
    ///
    /// # Errors
    ///
    /// [`AppendError`], as when appending.
    pub fn close(&self) -> Result<Maintenance, AppendError> {
        let mut writer = self.writer();
        writer.in_transaction(|connection| {
            connection.check_generation()?;
            connection.index()
        })?;
        Ok(writer.cut_back()?)
    }

    /// Erases every sealed payload under the keys called `key_ids`, and returns
    /// how many there were.
    ///
    /// The chain stays whole, because it holds only their digests. Destroying
    /// the key is still the surer way: copies of the file keep the ciphertext.
    ///
    /// # Errors
    ///
    /// [`AppendError`], as when appending. [`AppendError::Busy`] also if others
    /// kept reading: then the payloads are erased, but what was read from them is
    /// still beside the file. Erase again.
    pub fn erase_sealed(&self, key_ids: &[&str]) -> Result<u64, AppendError> {
        Ok(self.writer().erase_sealed(key_ids)?)
    }
}

/// What the WAL holds, in pages, and how many of them are folded back.
struct WalPages {
    held: i64,
    folded: i64,
}

impl Connection {
    fn wal(&self, pragma: &str) -> Result<WalPages, Fault> {
        let read = |row: &Row<'_>| {
            Ok(WalPages {
                held: row.get(1)?,
                folded: row.get(2)?,
            })
        };
        self.statement(pragma)
            .and_then(|mut statement| statement.query_row([], read))
            .map_err(|error| self.fault(error))
    }

    /// Takes what waits into the indexes and folds the WAL back, if it holds
    /// more than `pages_max`.
    fn maintain(&mut self, pages_max: i64) -> Result<Maintenance, Fault> {
        self.patience.begin();
        if self.wal("PRAGMA wal_checkpoint(NOOP)")?.held <= pages_max {
            return Ok(Maintenance::Unneeded);
        }
        self.in_transaction(Self::index)?;
        self.fold_back()
    }

    fn fold_back(&mut self) -> Result<Maintenance, Fault> {
        if self.commits > COMMITS_FEW_MAX {
            // The next commit of this process begins the WAL anew, in place.
            return Ok(Maintenance::of(
                &self.wal("PRAGMA wal_checkpoint(PASSIVE)")?,
            ));
        }
        self.cut_back()
    }

    /// Folds the WAL back and cuts it to nothing: the next process cannot know
    /// what is folded back already, and would read it all again.
    fn cut_back(&mut self) -> Result<Maintenance, Fault> {
        self.patience.end();
        let folded = Maintenance::of(&self.wal("PRAGMA wal_checkpoint(TRUNCATE)")?);
        if folded == Maintenance::Folded {
            // The first commit to a WAL syncs its header. It is better done
            // here than by a process for whose answer somebody waits.
            self.touch()?;
        }
        Ok(folded)
    }

    /// Commits a change that means nothing.
    pub(super) fn touch(&mut self) -> Result<(), Fault> {
        self.in_transaction(|connection| {
            let count = "UPDATE store SET value = value + 1 WHERE name = 'folded'";
            connection.change(count, []).map(drop)
        })
    }

    /// Keeps the WAL from filling the disk when nobody maintains it.
    pub(super) fn fold_back_if_huge(&mut self) {
        self.commits = self.commits.wrapping_add(1);
        // Looking costs a microsecond, but most processes commit once.
        if self.commits.is_multiple_of(64) {
            // What was committed is durable; a failure here shows at the next commit.
            let _ = self.maintain(WAL_PAGES_MAX);
        }
    }

    fn erase_sealed(&mut self, key_ids: &[&str]) -> Result<u64, Fault> {
        // Erased bytes are overwritten rather than left in free space.
        self.sqlite
            .execute_batch("PRAGMA secure_delete = ON")
            .map_err(|error| self.fault(error))?;
        let erased = self.in_transaction(|connection| {
            connection.check_generation()?;
            let erase = "UPDATE sealed SET ciphertext = NULL
                         WHERE key_id = ?1 AND ciphertext IS NOT NULL";
            key_ids.iter().try_fold(0, |erased, key_id| {
                Ok(erased + connection.change(erase, [key_id])?)
            })
        })?;
        self.cut_wal()?;
        Ok(erased as u64)
    }

    /// Cuts the WAL to nothing: it still holds pages as they were.
    pub(super) fn cut_wal(&mut self) -> Result<(), Fault> {
        self.patience.begin();
        let after = self.wal("PRAGMA wal_checkpoint(TRUNCATE)")?;
        if Maintenance::of(&after) != Maintenance::Folded {
            let waited_ms = self.patience.span_ms();
            return Err(Fault::Busy { waited_ms });
        }
        Ok(())
    }
}
