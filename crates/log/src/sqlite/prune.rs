//! Letting whole sessions go, in the order that keeps the log verifiable.
//!
//! What goes is looked for while others write, recorded in one transaction,
//! and deleted in many short ones. A log that was left in between verifies,
//! and the next pruning goes on where this one ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use aegis_canon::Digest;
use aegis_types::{ChainId, Entry, Envelope, EventKind, Payload, SessionId, TenantId, Timestamp};
use rusqlite::{OptionalExtension as _, params};
use serde::Deserialize as _;

use super::SqliteLog;
use super::connection::Connection;
use super::fault::Fault;
use super::read::{chain_at, digest_at};
use super::schema::{ALLOW_PRUNING, HEADS};
use crate::commit::{OpenCommit, seal_group};
use crate::heads::{HeadsMoved, MovedHead};
use crate::log::{AppendError, Log as _, Query, ReadLogError};
use crate::prune::{Cut, Cuts, RETENTION_SESSION, Statement};
use crate::seal::{Draft, Drafts, ENTRY_BYTES_MAX, InvalidEntry};

/// How many records go in one transaction.
const RECORDS_A_STEP: usize = 1_000;

/// How many records of the chain of heads are read at a time.
const PAGE: usize = 1_024;

/// How many bytes of names one record of pruning holds, beside what it always says.
const NAMES_BYTES_MAX: usize = ENTRY_BYTES_MAX - (16 << 10);

/// What is to go.
#[derive(Clone, Copy)]
pub struct PruneOrder<'a> {
    /// Whose sessions.
    pub tenant: &'a TenantId,
    /// Those in which nothing was recorded at this time or later.
    pub before: Timestamp,
    /// Tells whether a session stays although nothing was recorded in it since.
    pub stays: &'a dyn Fn(&SessionId) -> bool,
}

/// What would go, as the log was when it was looked at.
#[derive(Clone, Debug)]
pub struct PrunePlan {
    tenant: TenantId,
    before: Timestamp,
    /// The last record of the chain of heads that was pruned before.
    begun: Option<Cut>,
    heads: Cut,
    /// Whether it names all that may go, and not only as many as one record holds.
    is_all: bool,
    pruned: Vec<MovedHead>,
    kept: Vec<MovedHead>,
    documents: BTreeSet<Digest>,
    records: u64,
}

impl PrunePlan {
    /// Returns the sessions that would go.
    pub fn sessions(&self) -> impl Iterator<Item = &SessionId> {
        self.pruned.iter().map(|head| &head.session)
    }

    /// Returns how many records would go, those of the chain of heads included.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// Returns whether there is no more that may go.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        self.is_all
    }
}

/// Why nothing was pruned.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// The log could not be read.
    #[error("the log could not be read")]
    Read(#[from] ReadLogError),
    /// The log could not be written.
    #[error("the log could not be written")]
    Write(#[from] AppendError),
    /// A session moved since it was looked at.
    #[error("something was recorded in session `{session}` meanwhile")]
    Moved {
        /// The session.
        session: SessionId,
    },
    /// Another pruning was recorded since this one was planned.
    #[error("another pruning was recorded meanwhile")]
    Another,
}

impl From<Fault> for PruneError {
    fn from(fault: Fault) -> Self {
        Self::Write(fault.into())
    }
}

impl SqliteLog {
    /// Looks for the sessions that `order` lets go; nothing if there is none.
    ///
    /// A plan without sessions is one where those that stay, which are named as
    /// well, fill the record before one that may go is reached.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when the log cannot be read.
    pub fn plan_pruning(&self, order: &PruneOrder<'_>) -> Result<Option<PrunePlan>, ReadLogError> {
        let cut = self.cut_of_heads(order)?;
        let stays = self.sessions_that_say(order.tenant)?;
        let mut plan = PrunePlan {
            tenant: order.tenant.clone(),
            before: order.before,
            begun: cut.begun,
            heads: cut.last,
            is_all: cut.is_all,
            pruned: Vec::new(),
            kept: Vec::new(),
            documents: cut.documents,
            records: cut.records,
        };
        for (session, named) in cut.named {
            let chain = ChainId::Session {
                tenant: order.tenant.clone(),
                session: session.clone(),
            };
            let (seq, hash) = (named.seq, named.hash);
            let is_last = self.head(&chain)?.next == seq.saturating_add(1);
            let goes = is_last && !stays.contains(&session) && !(order.stays)(&session);
            let head = MovedHead { hash, seq, session };
            if goes {
                let first = self.read(&chain, 0, 1)?.into_iter().next();
                let first = first.map_or(0, |first| first.seq);
                plan.records += seq.saturating_add(1).saturating_sub(first);
                plan.pruned.push(head);
            } else {
                plan.kept.push(head);
            }
        }
        if plan.pruned.is_empty() {
            plan.records = 0;
        }
        let is_done = plan.pruned.is_empty() && plan.is_all;
        Ok((!is_done).then_some(plan))
    }

    /// Returns the sessions that say what was pruned.
    fn sessions_that_say(&self, tenant: &TenantId) -> Result<BTreeSet<SessionId>, ReadLogError> {
        let said = self.newest(&Query {
            tenant: Some(tenant),
            kinds: &[EventKind::RecordsPruned],
            limit: usize::MAX,
            ..Query::default()
        })?;
        let sessions = said.iter().filter_map(|envelope| envelope.chain.session());
        Ok(sessions.cloned().collect())
    }

    /// Follows the chain of heads as long as it is older than `order` says.
    fn cut_of_heads(&self, order: &PruneOrder<'_>) -> Result<HeadsCut, ReadLogError> {
        let chain = ChainId::Heads {
            tenant: order.tenant.clone(),
        };
        let cuts = Cuts::of(self, order.tenant)?;
        let session = |chain: &ChainId| chain.session().cloned();
        let named = cuts.named.iter();
        let gone = cuts.bounds(&chain).gone;
        let mut cut = HeadsCut {
            begun: gone,
            last: Cut {
                hash: Digest::of(b""),
                seq: 0,
            },
            is_all: true,
            named: named
                .filter_map(|(chain, named)| Some((session(chain)?, *named)))
                .collect(),
            documents: BTreeSet::new(),
            records: 0,
            bytes: 0,
        };
        cut.bytes = cut.named.keys().map(bytes_of).sum();
        // What is left of heads that went before is no part of this pruning.
        let mut from = gone.map_or(0, |gone| gone.seq.saturating_add(1));
        loop {
            let page = self.read(&chain, from, PAGE)?;
            let Some(last) = page.last() else {
                break;
            };
            from = last.seq.saturating_add(1);
            for envelope in &page {
                if envelope.at >= order.before {
                    return Ok(cut);
                }
                if !cut.take(envelope) {
                    cut.is_all = false;
                    return Ok(cut);
                }
            }
        }
        Ok(cut)
    }

    /// Records that what `plan` names goes, by order of `by`.
    ///
    /// From then on it is gone as far as the log says; [`SqliteLog::sweep`] deletes it.
    ///
    /// # Errors
    ///
    /// [`PruneError`]; then nothing was recorded.
    pub fn record_pruning(
        &self,
        plan: PrunePlan,
        by: &str,
        at: Timestamp,
    ) -> Result<(), PruneError> {
        let statement = Statement {
            before: plan.before,
            by: by.to_owned(),
            documents: plan.documents.into_iter().collect(),
            heads: plan.heads,
            kept: plan.kept,
            pruned: plan.pruned,
            records: plan.records,
        };
        let drafts = drafts(&plan.tenant, &statement, at)?;
        self.writer()
            .record_pruning(&plan.tenant, plan.begun, &statement, drafts)
    }

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

/// The beginning of a chain of heads that may go, and what it had named.
struct HeadsCut {
    begun: Option<Cut>,
    last: Cut,
    is_all: bool,
    named: BTreeMap<SessionId, Cut>,
    documents: BTreeSet<Digest>,
    records: u64,
    /// How many bytes of a record of pruning the names take.
    bytes: usize,
}

impl HeadsCut {
    /// Takes in the next record, unless one record of pruning cannot hold what it names.
    fn take(&mut self, envelope: &Envelope) -> bool {
        let heads = HeadsMoved::deserialize(&*envelope.payload).unwrap_or_default();
        let sessions = heads.moved.iter().map(|head| &head.session);
        let sessions = sessions.filter(|session| !self.named.contains_key(*session));
        let bytes = sessions.map(bytes_of).sum::<usize>() + heads.documents.len() * DOCUMENT_BYTES;
        if self.bytes + bytes > NAMES_BYTES_MAX {
            return false;
        }
        self.bytes += bytes;
        let moved = heads.moved.iter();
        let moved = moved.map(|head| (head.session.clone(), Cut::from(head)));
        self.named.extend(moved);
        self.documents.extend(heads.documents);
        self.records += 1;
        self.last = Cut {
            hash: envelope.hash,
            seq: envelope.seq,
        };
        true
    }
}

/// How many bytes the digest of a document takes, in quotes and with a comma.
const DOCUMENT_BYTES: usize = 64 + 3;

/// Returns how many bytes the end of `session` takes at most.
fn bytes_of(session: &SessionId) -> usize {
    let frame = r#"{"hash":"","seq":,"session":""},"#.len() + 64 + 20;
    let escapes = session
        .as_str()
        .bytes()
        .filter(|byte| b"\"\\".contains(byte));
    frame + session.as_str().len() + escapes.count()
}

/// A row that is to be deleted: its number, and that of its chain.
struct Doomed {
    id: i64,
    chain: i64,
}

/// Returns the record of a pruning, ready for its chain.
fn drafts(tenant: &TenantId, statement: &Statement, at: Timestamp) -> Result<Drafts, PruneError> {
    let invalid = |source| AppendError::Invalid { entry: 0, source };
    let too_large = |_| invalid(InvalidEntry::TooLarge { bytes: usize::MAX });
    let session = RETENTION_SESSION.parse();
    let session = session.map_err(|_| {
        invalid(InvalidEntry::Kind {
            kind: EventKind::RecordsPruned,
        })
    })?;
    let chain = ChainId::Session {
        tenant: tenant.clone(),
        session,
    };
    let entry = Entry {
        at,
        kind: EventKind::RecordsPruned,
        subject: None,
        payload: Payload::of(statement).map_err(too_large)?,
        sealed: None,
    };
    let draft = Draft::of(&chain, entry).map_err(invalid)?;
    Ok(Drafts {
        chain,
        expected: None,
        drafts: vec![draft],
        documents: Vec::new(),
    })
}

impl Connection {
    /// Tells whether anything was ever pruned.
    pub(super) fn was_pruned(&self) -> Result<bool, rusqlite::Error> {
        let select = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'cuts')";
        self.statement(select)?.query_row([], |row| row.get(0))
    }

    fn record_pruning(
        &mut self,
        tenant: &TenantId,
        begun: Option<Cut>,
        statement: &Statement,
        drafts: Drafts,
    ) -> Result<(), PruneError> {
        let mut refusal = None;
        self.in_transaction(|connection| {
            connection.check_generation()?;
            connection.known.forget();
            let cut = connection.cut_of_heads(tenant);
            if cut.map_err(|error| connection.fault(error))? != begun {
                refusal = Some(PruneError::Another);
                return Ok(());
            }
            if let Some(session) = connection.moved_since(tenant, statement)? {
                refusal = Some(PruneError::Moved { session });
                return Ok(());
            }
            // What is refused here wrote nothing, so this comes before the cuts.
            let sealings = seal_group(connection, vec![drafts])?;
            if let Some(error) = sealings.into_iter().find_map(Result::err) {
                refusal = Some(PruneError::Write(error));
                return Ok(());
            }
            connection.allow_pruning()?;
            // Rows are found through the indexes when they are deleted.
            connection.index()?;
            connection.cut_chains(tenant, statement)
        })?;
        refusal.map_or(Ok(()), Err)
    }

    /// Returns where the chain of heads of `tenant` is cut.
    fn cut_of_heads(&self, tenant: &TenantId) -> Result<Option<Cut>, rusqlite::Error> {
        if !self.was_pruned()? {
            return Ok(None);
        }
        let select = "SELECT seq, hash FROM cuts JOIN chains ON chains.id = cuts.chain
                      WHERE tenant = ?1 AND session = ?2";
        let mut statement = self.statement(select)?;
        let read = |row: &rusqlite::Row<'_>| {
            let seq = row.get::<_, i64>(0)?.cast_unsigned();
            let hash = digest_at(row, 1)?;
            Ok(Cut { hash, seq })
        };
        let found = statement.query_row(params![tenant.as_str(), HEADS], read);
        found.optional()
    }

    /// Returns a session that does not end any more as `statement` has it.
    fn moved_since(
        &mut self,
        tenant: &TenantId,
        statement: &Statement,
    ) -> Result<Option<SessionId>, Fault> {
        for head in &statement.pruned {
            let chain = ChainId::Session {
                tenant: tenant.clone(),
                session: head.session.clone(),
            };
            if OpenCommit::head(self, &chain)?.next != head.seq.saturating_add(1) {
                return Ok(Some(head.session.clone()));
            }
        }
        Ok(None)
    }

    fn allow_pruning(&self) -> Result<(), Fault> {
        let allow = || {
            if self.was_pruned()? {
                return Ok(());
            }
            self.sqlite.execute_batch(ALLOW_PRUNING)
        };
        allow().map_err(|error| self.fault(error))
    }

    fn cut_chains(&self, tenant: &TenantId, statement: &Statement) -> Result<(), Fault> {
        let insert = "INSERT OR REPLACE INTO cuts (chain, seq, hash)
                      SELECT id, ?3, ?4 FROM chains WHERE tenant = ?1 AND session = ?2";
        let sessions = statement.pruned.iter();
        let sessions = sessions.map(|head| (head.session.as_str(), Cut::from(head)));
        let heads = std::iter::once((HEADS, statement.heads));
        for (session, cut) in sessions.chain(heads) {
            let hash = cut.hash;
            let values = params![
                tenant.as_str(),
                session,
                cut.seq.cast_signed(),
                hash.as_bytes()
            ];
            self.change(insert, values)?;
        }
        Ok(())
    }

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
