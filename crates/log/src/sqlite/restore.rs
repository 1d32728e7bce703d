//! Putting a backup in the place of a log.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aegis_canon::Digest;
use aegis_types::ChainId;

use super::SqliteLog;
use super::backup::{BackupError, CopyStep, Draft, copy, is_same_file, is_taken};
use super::connection::OpenLogError;
use super::fault::Fault;
use super::still::beside;
use crate::log::{Log, ReadLogError};
use crate::verify::Verification;

/// What is to be restored.
#[derive(Clone, Copy, Debug)]
pub struct Restore<'a> {
    /// The backup.
    pub from: &'a Path,
    /// The log.
    pub to: &'a Path,
    /// Where the present log is kept; nothing may be there.
    pub aside: &'a Path,
    /// Whether the present log may hold what the backup lacks, or be unreadable.
    pub force: bool,
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// What the backup was found to hold.
    pub verification: Verification,
    /// What was there and is kept aside: the log, or the WAL that was left of one.
    pub kept: Option<PathBuf>,
}

/// Records of a log that a backup of it lacks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ahead {
    /// The chain.
    pub chain: ChainId,
    /// The number of the first record that the backup has not, or has as another one.
    pub from: u64,
    /// The number of the last one.
    pub to: u64,
}

/// Why nothing was restored; the present log is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be opened.
    #[error("the backup cannot be opened")]
    Open(#[source] OpenLogError),
    /// The backup cannot be copied, or has faults.
    #[error("the backup cannot be taken")]
    Backup(#[source] BackupError),
    /// The backup is the log.
    #[error("a log is no backup of itself")]
    Itself,
    /// Another process has the log open.
    #[error("another process has the log open")]
    InUse,
    /// The log holds records that the backup lacks.
    #[error("the log holds records that the backup lacks")]
    Ahead(Vec<Ahead>),
    /// The log does not read, so nobody knows what it holds.
    #[error("the log cannot be read, so it may hold records that the backup lacks")]
    Unreadable(#[source] OpenLogError),
    /// The log may not be written.
    #[error("the log cannot be opened")]
    Present(#[source] OpenLogError),
    /// The log could not be kept aside.
    #[error("the log could not be kept as it is")]
    Aside(#[source] BackupError),
    /// The log could not be written.
    #[error("the log could not be written")]
    Write(#[source] io::Error),
}

/// Puts a backup in the place of a log, after it was verified, and keeps the
/// log that was there aside.
///
/// A log that reads is overwritten within its file, in one transaction and
/// while nobody else has it open, so that no process can go on with one that
/// is no longer there. Any other is renamed.
///
/// # Errors
///
/// [`RestoreError`].
pub fn restore(
    wanted: &Restore<'_>,
    tell: &mut dyn FnMut(CopyStep),
) -> Result<Restored, RestoreError> {
    if is_same_file(wanted.from, wanted.to) {
        return Err(RestoreError::Itself);
    }
    let backup = SqliteLog::open_still(wanted.from).map_err(RestoreError::Open)?;
    let draft = Draft::of(&backup, wanted.to, tell).map_err(RestoreError::Backup)?;
    let verification = draft.verified(tell).map_err(RestoreError::Backup)?;
    let kept = match SqliteLog::open_alone(wanted.to) {
        Ok(present) => {
            overwrite(&present, &draft, wanted, tell)?;
            Some(wanted.aside.to_owned())
        }
        Err(OpenLogError::Busy { .. }) => return Err(RestoreError::InUse),
        Err(OpenLogError::Missing) => move_in(draft, wanted)?,
        Err(
            error @ (OpenLogError::NotALog | OpenLogError::Later { .. } | OpenLogError::Damaged(_)),
        ) => {
            if !wanted.force {
                return Err(RestoreError::Unreadable(error));
            }
            move_in(draft, wanted)?
        }
        Err(
            error @ (OpenLogError::ReadOnly | OpenLogError::Full | OpenLogError::Unavailable(_)),
        ) => return Err(RestoreError::Present(error)),
    };
    Ok(Restored { verification, kept })
}

/// Overwrites `present`, which nobody else has open, within its file.
fn overwrite(
    present: &SqliteLog,
    draft: &Draft,
    wanted: &Restore<'_>,
    tell: &mut dyn FnMut(CopyStep),
) -> Result<(), RestoreError> {
    let copied = draft.open().map_err(RestoreError::Backup)?;
    match ahead(present, &copied) {
        Ok(ahead) if ahead.is_empty() || wanted.force => {}
        Ok(ahead) => return Err(RestoreError::Ahead(ahead)),
        Err(_) if wanted.force => {}
        Err(error) => {
            let error = Fault::Unavailable(crate::log::StoreFault::new(error));
            return Err(RestoreError::Unreadable(error.into()));
        }
    }
    let kept = Draft::of(present, wanted.aside, tell).map_err(RestoreError::Aside)?;
    kept.put(wanted.aside, false).map_err(RestoreError::Aside)?;
    let mut writer = present.writer();
    let written = |error| RestoreError::Write(io::Error::other(error));
    copied
        .reading(|connection| {
            copy(&connection.sqlite, &mut writer.sqlite, tell)
                .map_err(|error| present.read_failure(error))
        })
        .map_err(written)?;
    // The restored log is to lie in one file; what it came through is cut.
    let cut = "PRAGMA wal_checkpoint(TRUNCATE)";
    let cut = writer.sqlite.query_row(cut, [], |_| Ok(()));
    cut.map_err(|error| RestoreError::Write(io::Error::other(error)))
}

/// Renames what is in the place of the log, and gives the copy its name.
///
/// Returns the new name of what was there.
fn move_in(draft: Draft, wanted: &Restore<'_>) -> Result<Option<PathBuf>, RestoreError> {
    if is_taken(wanted.aside) {
        return Err(RestoreError::Aside(BackupError::Exists));
    }
    let mut kept = None;
    for ending in ["", "-wal"] {
        let aside = beside(wanted.aside, ending);
        match fs::rename(beside(wanted.to, ending), &aside) {
            Ok(()) => kept = kept.or(Some(aside)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(RestoreError::Write(error)),
        }
    }
    // An index of the WAL is made anew by whoever opens the log.
    let _ = fs::remove_file(beside(wanted.to, "-shm"));
    draft.put(wanted.to, false).map_err(RestoreError::Backup)?;
    Ok(kept)
}

/// Returns what `present` holds and `backup` lacks.
fn ahead(present: &SqliteLog, backup: &SqliteLog) -> Result<Vec<Ahead>, ReadLogError> {
    let mut found = Vec::new();
    for summary in present.chains()? {
        let next = summary.head.next;
        let theirs = backup.head(&summary.chain)?.next;
        let common = common(present, backup, &summary.chain, next.min(theirs))?;
        if common < next {
            found.push(Ahead {
                chain: summary.chain,
                from: common,
                to: next.saturating_sub(1),
            });
        }
    }
    Ok(found)
}

/// Returns how many records, of the first `count` of a chain, two logs have in common.
fn common(
    one: &SqliteLog,
    other: &SqliteLog,
    chain: &ChainId,
    count: u64,
) -> Result<u64, ReadLogError> {
    let hash = |log: &SqliteLog, seq| -> Result<Option<Digest>, ReadLogError> {
        let found = log.read(chain, seq, 1)?;
        Ok(found.first().map(|envelope| envelope.hash))
    };
    // Each hash vouches for all before it, so the end is looked at first.
    let (mut agreed, mut end) = (0, count);
    let mut probe = end;
    while agreed < end {
        let seq = probe.saturating_sub(1);
        if hash(one, seq)? == hash(other, seq)? {
            agreed = probe;
        } else {
            end = seq;
        }
        probe = agreed + (end - agreed).div_ceil(2);
    }
    Ok(agreed)
}
