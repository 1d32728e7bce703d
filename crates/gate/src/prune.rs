//! Letting go what is recorded of sessions that are long over.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use aegis_log::{
    AppendError, Log as _, OpenLogError, Options, PruneError, PruneOrder, PrunePlan, ReadLogError,
    SqliteLog,
};
use aegis_types::{
    ApprovalStatus, ApproverId, ChainId, DurationMs, Head, SessionId, TenantId, Timestamp,
};

use crate::approvals::{ApprovalFilter, ReadApprovalError};
use crate::gate::Gate;
use crate::sealing::PayloadKeys;

/// How old what is pruned must be: no policy counts what is further back.
pub const PRUNE_AGE_MIN: DurationMs = DurationMs::from_secs(31 * 24 * 60 * 60);

/// How long others are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is pruned.
#[derive(Clone, Copy, Debug)]
pub struct PruneWish<'a> {
    /// Only the sessions of this tenant.
    pub tenant: Option<&'a TenantId>,
    /// Those in which nothing was recorded at this time or later.
    pub before: Timestamp,
}

/// What would go of one tenant.
#[derive(Clone, Debug)]
pub struct Prunable {
    /// The tenant.
    pub tenant: TenantId,
    /// The sessions; none where those that stay are more than one record names.
    pub sessions: Vec<SessionId>,
    /// How many records, those of the chain of heads included.
    pub records: u64,
    /// Whether that is all, and not only as much as one record names.
    pub is_all: bool,
}

/// What was pruned.
#[derive(Clone, Debug, Default)]
pub struct PruneReport {
    /// What was recorded to go.
    pub pruned: Vec<Prunable>,
    /// How many records were deleted; also those of a pruning that did not end.
    pub deleted: u64,
    /// How many keys of sealed results were destroyed.
    pub keys: u64,
    /// Where the chain of heads of each tenant ends.
    pub heads: Vec<(TenantId, Head)>,
    /// How many bytes of the file are free to be used again.
    pub free_bytes: u64,
}

/// Why something was not pruned in full; doing it again does the rest.
#[derive(Debug, thiserror::Error)]
pub enum PruneLogError {
    /// Policies may count what would go.
    #[error("policies count what was recorded in the last 31 days")]
    TooYoung,
    /// The log cannot be opened.
    #[error("the log cannot be opened")]
    Open(#[from] OpenLogError),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Read(#[from] ReadLogError),
    /// The approvals cannot be read.
    #[error("the approvals cannot be read, so nobody knows which sessions wait")]
    Approvals(#[from] ReadApprovalError),
    /// What goes cannot be recorded.
    #[error("not all that goes can be recorded")]
    Record(#[from] PruneError),
    /// The keys cannot be destroyed.
    #[error("the keys of sealed results cannot be destroyed, so nothing was deleted")]
    Keys(#[from] io::Error),
    /// The records cannot be deleted.
    #[error("what was recorded as pruned cannot be deleted in full")]
    Delete(#[from] AppendError),
}

impl Gate {
    /// Returns what `wish` would let go.
    ///
    /// # Errors
    ///
    /// [`PruneLogError`].
    pub fn prunable(&self, wish: &PruneWish<'_>) -> Result<Vec<Prunable>, PruneLogError> {
        self.refuse_young(wish)?;
        let log = self.log_to_prune()?;
        let mut found = Vec::new();
        for tenant in tenants(&log, wish)? {
            let plan = self.plan_pruning(&log, &tenant, wish.before)?;
            found.extend(plan.map(|plan| prunable(tenant, &plan)));
        }
        Ok(found)
    }

    /// Records that `by` lets go what `wish` says, destroys the keys of what was
    /// sealed there, and deletes it. `tell` hears how many records went so far.
    ///
    /// # Errors
    ///
    /// [`PruneLogError`].
    pub fn prune(
        &self,
        wish: &PruneWish<'_>,
        by: &ApproverId,
        tell: &mut dyn FnMut(u64),
    ) -> Result<PruneReport, PruneLogError> {
        self.refuse_young(wish)?;
        let log = self.log_to_prune()?;
        let mut report = PruneReport::default();
        for tenant in tenants(&log, wish)? {
            // One record names so many sessions and no more.
            while let Some(plan) = self.plan_pruning(&log, &tenant, wish.before)? {
                report.pruned.push(prunable(tenant.clone(), &plan));
                if plan.sessions().next().is_none() {
                    break;
                }
                log.record_pruning(plan, by.as_str(), self.now())?;
            }
            let chain = ChainId::Heads {
                tenant: tenant.clone(),
            };
            report.heads.push((tenant, log.head(&chain)?));
        }
        let keys = PayloadKeys::of(self.places());
        for (chain, names) in log.keys_to_sweep()? {
            let names = names.iter().map(String::as_str).collect();
            report.keys += keys.destroy(&chain, &names)?;
        }
        report.deleted = log.sweep(tell)?;
        report.free_bytes = log.free_bytes()?;
        Ok(report)
    }

    /// Gives what is free in the file of the log back to the file system; whoever
    /// writes waits for that.
    ///
    /// # Errors
    ///
    /// [`PruneLogError`]; the log is as it was then.
    pub fn compact_log(&self) -> Result<(), PruneLogError> {
        Ok(self.log_to_prune()?.compact()?)
    }

    fn refuse_young(&self, wish: &PruneWish<'_>) -> Result<(), PruneLogError> {
        if wish.before > self.now().minus(PRUNE_AGE_MIN) {
            return Err(PruneLogError::TooYoung);
        }
        Ok(())
    }

    fn log_to_prune(&self) -> Result<SqliteLog, OpenLogError> {
        let options = Options {
            create: false,
            patience: PATIENCE,
            ..Options::default()
        };
        SqliteLog::open(&self.places().log, options)
    }

    fn plan_pruning(
        &self,
        log: &SqliteLog,
        tenant: &TenantId,
        before: Timestamp,
    ) -> Result<Option<PrunePlan>, PruneLogError> {
        let waiting = self.approvals(&ApprovalFilter {
            tenant: Some(tenant.clone()),
            session: None,
            status: Some(ApprovalStatus::Pending),
        })?;
        let waiting: BTreeSet<&SessionId> =
            waiting.iter().map(|view| &view.approval.session).collect();
        let order = PruneOrder {
            tenant,
            before,
            stays: &|session| waiting.contains(session),
        };
        Ok(log.plan_pruning(&order)?)
    }
}

/// Returns the tenants that `wish` is about.
fn tenants(log: &SqliteLog, wish: &PruneWish<'_>) -> Result<BTreeSet<TenantId>, ReadLogError> {
    let chains = log.chains()?;
    let tenants = chains
        .into_iter()
        .map(|summary| summary.chain.tenant().clone());
    let is_meant = |tenant: &TenantId| wish.tenant.is_none_or(|only| only == tenant);
    Ok(tenants.filter(is_meant).collect())
}

fn prunable(tenant: TenantId, plan: &PrunePlan) -> Prunable {
    Prunable {
        tenant,
        sessions: plan.sessions().cloned().collect(),
        records: plan.records(),
        is_all: plan.is_all(),
    }
}
