//! Looking up anchors in a log.

use std::collections::BTreeMap;

use aegis_canon::Digest;
use aegis_types::{ChainId, Envelope, EventKind, SessionId, TenantId};
use serde::Deserialize as _;

use super::anchor::Ground;
use crate::heads::HeadsMoved;
use crate::log::{Log, Query, ReadLogError};
use crate::prune::{Cut, Cuts, Said};

/// Where anchors are looked up in a log.
pub(super) struct LogGround<'a> {
    pub(super) log: &'a dyn Log,
    pub(super) cuts: &'a Cuts,
}

/// How many records of the chain of heads are read at a time.
const PAGE: usize = 1_024;

impl Ground for LogGround<'_> {
    fn gone(&self, chain: &ChainId) -> Option<Cut> {
        self.cuts.gone.get(chain).copied()
    }

    fn said(&self) -> &[Said] {
        &self.cuts.said
    }

    fn hash(&self, chain: &ChainId, seq: u64) -> Result<Option<Digest>, ReadLogError> {
        let found = match self.log.read(chain, seq, 1) {
            // What does not read was named before, and is no ground to stand on.
            Err(ReadLogError::Envelope { .. }) => Vec::new(),
            found => found?,
        };
        let found = found.into_iter().find(|envelope| envelope.seq == seq);
        Ok(found.map(|envelope| envelope.hash))
    }

    fn checkpoints(&self) -> Result<Vec<Envelope>, ReadLogError> {
        let found = self.log.newest(&Query {
            kinds: &[EventKind::CheckpointCreated],
            limit: usize::MAX,
            ..Query::default()
        });
        match found {
            Err(ReadLogError::Envelope { .. }) => Ok(Vec::new()),
            found => found,
        }
    }

    fn listed(&self, tenant: &TenantId, to: u64) -> Result<BTreeMap<SessionId, u64>, ReadLogError> {
        let chain = ChainId::Heads {
            tenant: tenant.clone(),
        };
        let mut listed = BTreeMap::new();
        // What those that are left of a pruned beginning name is held against nothing.
        let gone = self.gone(&chain);
        let mut from = gone.map_or(0, |gone| gone.seq.saturating_add(1));
        while from <= to {
            let page = match self.log.read(&chain, from, PAGE) {
                Err(ReadLogError::Envelope { .. }) => break,
                page => page?,
            };
            let Some(last) = page.last() else {
                break;
            };
            from = last.seq.saturating_add(1);
            for envelope in page.iter().filter(|envelope| envelope.seq <= to) {
                let heads = HeadsMoved::deserialize(&*envelope.payload).unwrap_or_default();
                listed.extend(heads.moved.into_iter().map(|head| (head.session, head.seq)));
            }
        }
        Ok(listed)
    }
}
