//! Deleting what is recorded as pruned, in many short transactions.
//!
//! A log that was left in between verifies, and the next sweep goes on where
//! this one ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use aegis_types::ChainId;

use super::SqliteLog;
use super::connection::Connection;
use super::fault::Fault;
use super::read::chain_at;
use crate::log::{AppendError, ReadLogError};

/// How many records go in one transaction.
const RECORDS_A_STEP: usize = 1_000;

impl SqliteLog {
    /// Returns the names of the keys under which records are sealed that are
    /// recorded as pruned and were not deleted yet.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when the log cannot be read.
    pub fn keys_to_sweep(&self) -> Result<BTreeMap<ChainId, BTreeSet<String>>, ReadLogError> {
        self.reading(|connection| {
            let keys = connection.keys_to_sweep();
            keys.map_err(|error| connection.fault(error).into())
        })
    }

    /// Deletes what is recorded as pruned, of all tenants, and returns how many
    /// records went. `tell` hears how many did so far.
    ///
    /// # Errors
    ///
    /// [`AppendError`], as when appending; what went until then is gone, and
    /// the rest goes the next time.
    pub fn sweep(&self, tell: &mut dyn FnMut(u64)) -> Result<u64, AppendError> {
        let mut swept = 0;
        let mut chain = 0;
        // Deleted bytes are overwritten rather than left in free space.
        self.writer().overwrite_deleted()?;
        loop {
            let begun = Instant::now();
            let step = self.writer().sweep_some(chain)?;
            let Some(last) = step.last() else {
                break;
            };
            chain = last.chain;
            swept += step.len() as u64;
            tell(swept);
            // Whoever waits to write gets as much time as this takes.
            std::thread::sleep(begun.elapsed());
        }
        self.writer().cut_wal()?;
        Ok(swept)
    }

    /// Returns how many bytes of the file are free to be used again.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when the log cannot be read.
    pub fn free_bytes(&self) -> Result<u64, ReadLogError> {
        let select =
            "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size";
        let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        self.reading(|connection| {
            let free = connection.sqlite.query_row(select, [], read);
            let free = free.map_err(|error| ReadLogError::from(connection.fault(error)))?;
            Ok(free.unsigned_abs())
        })
    }

    /// Gives what is free in the file back to the file system.
    ///
    /// The whole file is written anew; whoever writes waits for that.
    ///
    /// # Errors
    ///
    /// [`AppendError`], as when appending; the log is as it was then.
    pub fn compact(&self) -> Result<(), AppendError> {
        Ok(self.writer().compact()?)
    }
}

/// A row that is to be deleted: its number, and that of its chain.
struct Doomed {
    id: i64,
    chain: i64,
}

impl Connection {
    fn keys_to_sweep(&self) -> Result<BTreeMap<ChainId, BTreeSet<String>>, rusqlite::Error> {
        let mut keys: BTreeMap<ChainId, BTreeSet<String>> = BTreeMap::new();
        if !self.was_pruned()? {
            return Ok(keys);
        }
        let select = "SELECT tenant, session, key_id FROM sealed
                      JOIN records ON records.id = sealed.record
                      JOIN cuts ON cuts.chain = records.chain AND records.seq <= cuts.seq
                      JOIN chains ON chains.id = records.chain";
        let mut statement = self.statement(select)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let chain = chain_at(row, 0)?;
            keys.entry(chain).or_default().insert(row.get(2)?);
        }
        Ok(keys)
    }

    fn overwrite_deleted(&self) -> Result<(), Fault> {
        self.sqlite
            .execute_batch("PRAGMA secure_delete = ON")
            .map_err(|error| self.fault(error))
    }

    /// Deletes records that are recorded as pruned, from `chain` on, and returns them.
    fn sweep_some(&mut self, chain: i64) -> Result<Vec<Doomed>, Fault> {
        self.in_transaction(|connection| {
            connection.check_generation()?;
            let doomed = connection.doomed(chain);
            let doomed = doomed.map_err(|error| connection.fault(error))?;
            for record in &doomed {
                for delete in [
                    "DELETE FROM entries WHERE id = ?1",
                    "DELETE FROM records WHERE id = ?1",
                    "DELETE FROM sealed WHERE record = ?1",
                ] {
                    connection.change(delete, [record.id])?;
                }
            }
            Ok(doomed)
        })
    }

    /// Returns the next rows to delete, chain by chain and each from its beginning on.
    fn doomed(&self, chain: i64) -> Result<Vec<Doomed>, rusqlite::Error> {
        if !self.was_pruned()? {
            return Ok(Vec::new());
        }
        // The cross join keeps the order of the tables.
        let select = format!(
            "SELECT entries.id, cuts.chain FROM cuts CROSS JOIN entries
             ON entries.chain = cuts.chain AND entries.seq <= cuts.seq
             WHERE cuts.chain >= ?1 ORDER BY cuts.chain, entries.seq LIMIT {RECORDS_A_STEP}"
        );
        let mut statement = self.statement(&select)?;
        let rows = statement.query_map([chain], |row| {
            Ok(Doomed {
                id: row.get(0)?,
                chain: row.get(1)?,
            })
        })?;
        rows.collect()
    }

    fn compact(&mut self) -> Result<(), Fault> {
        self.patience.begin();
        self.sqlite
            .execute_batch("VACUUM")
            .map_err(|error| self.fault(error))?;
        self.known.forget();
        self.cut_wal()
    }
}
