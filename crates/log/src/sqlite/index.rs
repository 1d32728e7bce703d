//! The index by which records are found, and whether it agrees with them.
//!
//! The table `entries` repeats the columns of `records` up to the last record that
//! was taken in; what comes behind is looked through. Whoever can write the file can
//! plant a row there, so nothing is believed because of a row alone: what it leads
//! to is compared with it, and its end with that of the records before it.

use rusqlite::{OptionalExtension as _, Row};

use super::connection::Connection;
use super::fault::Fault;
use crate::log::Placed;

/// The last record that is in the index.
pub(super) const INDEXED: &str = "(SELECT coalesce(max(id), 0) FROM entries)";

/// The index and the records say something else.
#[derive(Debug, thiserror::Error)]
#[error(
    "row {row} of its index does not agree with the records; `aegis log verify` names what was changed"
)]
pub(super) struct IndexDiffers {
    /// The number of the row, which is that of a record.
    row: i64,
}

impl IndexDiffers {
    /// Returns it as a failure of SQLite, of the kind that only says what it holds.
    pub(super) fn at(row: i64) -> rusqlite::Error {
        rusqlite::Error::ToSqlConversionFailure(Box::new(Self { row }))
    }

    /// Returns whether `error` is one that [`at`](Self::at) returned.
    pub(super) fn is(error: &rusqlite::Error) -> bool {
        matches!(error, rusqlite::Error::ToSqlConversionFailure(cause) if cause.is::<Self>())
    }
}

/// Returns the number of the last record in the index, if that is one, and if the
/// row before is that of the record before.
///
/// Nothing is ever taken in but all that there is: a row beyond that, by which
/// readers would miss what comes before it, stands alone.
pub(super) fn last_indexed(sqlite: &rusqlite::Connection) -> Result<i64, rusqlite::Error> {
    let select = "WITH last(id) AS (SELECT coalesce(max(id), 0) FROM entries)
        SELECT id, id = 0 OR (
            EXISTS (SELECT 1 FROM records WHERE records.id = last.id)
            AND (SELECT max(id) FROM entries WHERE entries.id < last.id)
                IS (SELECT max(id) FROM records WHERE records.id < last.id))
        FROM last";
    let mut statement = sqlite.prepare_cached(select)?;
    let (last, agrees) = statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if agrees {
        Ok(last)
    } else {
        Err(IndexDiffers::at(last))
    }
}

impl Connection {
    /// Returns the number of the last record in the index, as [`last_indexed`] does.
    pub(super) fn indexed(&self) -> Result<i64, Fault> {
        last_indexed(&self.sqlite).map_err(|error| self.fault(error))
    }

    /// Takes all records into the index.
    pub(super) fn index(&mut self) -> Result<(), Fault> {
        let insert = "INSERT INTO entries (id, chain, seq, at, kind, subject)
                      SELECT id, chain, seq, at, kind, subject FROM records WHERE id > ?1";
        let indexed = self.indexed()?;
        self.change(insert, [indexed])?;
        self.known.indexed = self.indexed()?;
        Ok(())
    }

    /// Returns what `read` makes of the `seq` and `hash` of the last record of the
    /// chain number `chain` that is in the index, if there is one.
    pub(super) fn indexed_head<T>(
        &self,
        chain: i64,
        read: impl FnOnce(&Row<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<Option<T>, rusqlite::Error> {
        let select = "SELECT records.seq, hash, records.chain IS ?1 AND records.seq IS last.seq,
                          last.id
                      FROM (SELECT id, seq FROM entries WHERE chain = ?1
                            ORDER BY seq DESC LIMIT 1) AS last
                      LEFT JOIN records ON records.id = last.id";
        let agreeing = |row: &Row<'_>| {
            if row.get(2)? {
                read(row)
            } else {
                Err(IndexDiffers::at(row.get(3)?))
            }
        };
        let mut statement = self.statement(select)?;
        statement.query_row([chain], agreeing).optional()
    }

    /// Checks that `found`, records of the chain number `chain` from `from` on, lack
    /// none that the index hides.
    ///
    /// Records that are not in the file at all are for verification to name.
    pub(super) fn check_gaps(
        &self,
        chain: i64,
        from: u64,
        found: &[Placed],
    ) -> Result<(), rusqlite::Error> {
        let mut before = 0;
        let mut next = from;
        for placed in found {
            let (place, seq) = (placed.place.cast_signed(), placed.envelope.seq);
            if seq != next && !self.begins_at(chain, seq)? {
                self.check_between(chain, before, place)?;
            }
            before = place;
            next = seq.saturating_add(1);
        }
        Ok(())
    }

    /// Tells whether all before record `seq` of a chain may be pruned.
    fn begins_at(&self, chain: i64, seq: u64) -> Result<bool, rusqlite::Error> {
        if !self.was_pruned()? {
            return Ok(false);
        }
        let select = "SELECT EXISTS (SELECT 1 FROM cuts WHERE chain = ?1 AND seq >= ?2 - 1)";
        let mut statement = self.statement(select)?;
        statement.query_row([chain, seq.cast_signed()], |row| row.get(0))
    }

    /// Checks that the index has every record of a chain between two places.
    fn check_between(&self, chain: i64, after: i64, before: i64) -> Result<(), rusqlite::Error> {
        let select = "SELECT records.id FROM records LEFT JOIN entries USING (id)
                      WHERE records.id > ?2 AND records.id < ?3 AND records.chain = ?1
                          AND records.id <= (SELECT max(id) FROM entries)
                          AND (entries.chain IS NOT records.chain
                               OR entries.seq IS NOT records.seq)
                      LIMIT 1";
        let mut statement = self.statement(select)?;
        let hidden = statement.query_row([chain, after, before], |row| row.get(0));
        match hidden.optional()? {
            Some(row) => Err(IndexDiffers::at(row)),
            None => Ok(()),
        }
    }
}
