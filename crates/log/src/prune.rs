//! What is known of records that were pruned: the payload of a `RECORDS_PRUNED` record.

use std::collections::{BTreeMap, BTreeSet};

use aegis_canon::Digest;
use aegis_types::{ChainId, Envelope, EventKind, SessionId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::heads::MovedHead;
use crate::log::{Log, Query, ReadLogError};

/// The session of a tenant that says what was pruned. It is never pruned itself.
pub const RETENTION_SESSION: &str = "aegis-retention";

/// The payload of a `RECORDS_PRUNED` record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement {
    /// Nothing of the sessions that went was recorded at this time or later.
    pub(crate) before: Timestamp,
    /// Who had it done.
    pub(crate) by: String,
    /// The documents that the heads that went had named.
    pub(crate) documents: Vec<Digest>,
    /// The last record of the chain of heads that went.
    pub(crate) heads: Cut,
    /// What the heads that went had named last of each session that stays.
    pub(crate) kept: Vec<MovedHead>,
    /// The last record of each session that went.
    pub(crate) pruned: Vec<MovedHead>,
    /// How many records went.
    pub(crate) records: u64,
}

/// A record by which a chain is known where those up to it are gone.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cut {
    pub(crate) hash: Digest,
    pub(crate) seq: u64,
}

impl From<&MovedHead> for Cut {
    fn from(head: &MovedHead) -> Self {
        Self {
            hash: head.hash,
            seq: head.seq,
        }
    }
}

/// What was pruned at one time, as the log says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pruned {
    /// Whose records they were.
    pub tenant: TenantId,
    /// When it was recorded that they go.
    pub at: Timestamp,
    /// Nothing of the sessions was recorded at this time or later.
    pub before: Timestamp,
    /// Who had it done.
    pub by: String,
    /// How many records they were, those of the chain of heads included.
    pub records: u64,
    /// How many sessions went.
    pub sessions: u64,
}

/// A record of pruning, and the chains that it cuts.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) chain: ChainId,
    pub(crate) seq: u64,
    pub(crate) cut: Vec<ChainId>,
}

/// Everything that the records of pruning say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cuts {
    /// The last record that went, for each chain that was cut.
    pub(crate) gone: BTreeMap<ChainId, Cut>,
    /// What the heads that are gone had named last of sessions that stayed.
    pub(crate) named: BTreeMap<ChainId, Cut>,
    /// The documents that the heads that are gone had named.
    pub(crate) documents: BTreeSet<Digest>,
    /// Every pruning, in order.
    pub(crate) told: Vec<Pruned>,
    /// The records that say so, in the same order.
    pub(crate) said: Vec<Said>,
}

impl Cuts {
    /// Reads what `log` says of the records of `tenant` that were pruned.
    pub(crate) fn of(log: &dyn Log, tenant: &TenantId) -> Result<Self, ReadLogError> {
        let newest_first = log.newest(&Query {
            tenant: Some(tenant),
            kinds: &[EventKind::RecordsPruned],
            limit: usize::MAX,
            ..Query::default()
        })?;
        let mut cuts = Self::default();
        for envelope in newest_first.iter().rev() {
            cuts.add(envelope);
        }
        Ok(cuts)
    }

    /// Adds what `envelope` says, if it is a record of pruning.
    pub(crate) fn add(&mut self, envelope: &Envelope) {
        if envelope.kind != EventKind::RecordsPruned {
            return;
        }
        let Ok(statement) = Statement::deserialize(envelope.payload.value()) else {
            return;
        };
        let tenant = envelope.chain.tenant();
        let of_session = |session: &SessionId| ChainId::Session {
            tenant: tenant.clone(),
            session: session.clone(),
        };
        // The heads reach further than those of earlier prunings, and so do the names.
        self.named.retain(|chain, _| chain.tenant() != tenant);
        for head in &statement.kept {
            self.named.insert(of_session(&head.session), head.into());
        }
        for head in &statement.pruned {
            self.gone.insert(of_session(&head.session), head.into());
        }
        let heads = ChainId::Heads {
            tenant: tenant.clone(),
        };
        let sessions = statement.pruned.iter();
        let mut cut: Vec<ChainId> = sessions.map(|head| of_session(&head.session)).collect();
        cut.push(heads.clone());
        self.said.push(Said {
            chain: envelope.chain.clone(),
            seq: envelope.seq,
            cut,
        });
        self.gone.insert(heads, statement.heads);
        self.documents.extend(statement.documents);
        self.told.push(Pruned {
            tenant: tenant.clone(),
            at: envelope.at,
            before: statement.before,
            by: statement.by,
            records: statement.records,
            sessions: statement.pruned.len() as u64,
        });
    }

    /// Returns what is known of `chain`.
    pub(crate) fn bounds(&self, chain: &ChainId) -> Bounds {
        Bounds {
            gone: self.gone.get(chain).copied(),
            named: self.named.get(chain).copied(),
        }
    }
}

/// What the records of pruning say of one chain.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    /// The last record that may be gone.
    pub(crate) gone: Option<Cut>,
    /// The last record that heads that are gone had named.
    pub(crate) named: Option<Cut>,
}

impl Bounds {
    /// Tells whether record `seq` may be gone.
    pub(crate) fn lacks(self, seq: u64) -> bool {
        self.gone.is_some_and(|gone| seq <= gone.seq)
    }

    /// Tells whether record `seq` need not be named by the heads that are there.
    pub(crate) fn vouch_for(self, seq: u64) -> bool {
        self.last().is_some_and(|last| seq <= last.seq)
    }

    /// Returns the hash that record `seq` must have.
    pub(crate) fn hash_of(self, seq: u64) -> Option<Digest> {
        let known = [self.gone, self.named].into_iter().flatten();
        let mut known = known.filter(|cut| cut.seq == seq);
        known.next().map(|cut| cut.hash)
    }

    /// Returns the last record that is known.
    pub(crate) fn last(self) -> Option<Cut> {
        let known = [self.gone, self.named].into_iter().flatten();
        known.max_by_key(|cut| cut.seq)
    }
}
