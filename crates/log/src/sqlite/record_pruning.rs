//! Recording that sessions go: from then on they are gone, as far as the log says.

use aegis_types::{ChainId, Entry, EventKind, Payload, SessionId, TenantId, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::SqliteLog;
use super::connection::Connection;
use super::fault::Fault;
use super::plan_pruning::PrunePlan;
use super::read::digest_at;
use super::schema::{ALLOW_PRUNING, HEADS};
use crate::commit::{OpenCommit, seal_group};
use crate::log::{AppendError, ReadLogError};
use crate::prune::{Cut, RETENTION_SESSION, Statement};
use crate::seal::{Draft, Drafts, InvalidEntry};

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
        let (tenant, begun) = (plan.tenant.clone(), plan.begun);
        let statement = plan.statement(by);
        let drafts = drafts(&tenant, &statement, at)?;
        self.writer()
            .record_pruning(&tenant, begun, &statement, drafts)
    }
}

/// Returns the record of a pruning, ready for its chain.
pub(super) fn drafts(
    tenant: &TenantId,
    statement: &Statement,
    at: Timestamp,
) -> Result<Drafts, PruneError> {
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
}
