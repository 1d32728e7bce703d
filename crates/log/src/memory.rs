//! A log in memory.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aegis_canon::Digest;
use aegis_types::{ChainId, Envelope, EventKind, Head, SessionId, TenantId};

use crate::commit::{OpenCommit, seal_group};
use crate::log::{
    AppendError, Appended, Batch, ChainSummary, Log, Placed, Query, ReadLogError, Walk,
};
use crate::seal::{Drafts, Sealed};
use crate::verify::{Evidence, Verification, verify_kept};

/// A log that lives as long as it does.
///
/// It seals exactly as [`SqliteLog`](crate::SqliteLog) does, so that the same
/// batches give the same envelopes.
#[derive(Debug, Default)]
pub struct MemoryLog(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Every envelope, in the order of appending.
    records: Vec<Envelope>,
    /// The places in `records` of each chain's envelopes.
    chains: BTreeMap<ChainId, Vec<usize>>,
    documents: BTreeMap<Digest, Arc<[u8]>>,
}

impl MemoryLog {
    /// Returns an empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenCommit for Kept {
    type Fault = Infallible;

    fn head(&mut self, chain: &ChainId) -> Result<Head, Infallible> {
        Ok(self.end_of(chain))
    }

    fn put(&mut self, sealed: &Sealed) -> Result<(), Infallible> {
        let envelope = sealed.envelope.clone();
        let places = self.chains.entry(envelope.chain.clone()).or_default();
        places.push(self.records.len());
        self.records.push(envelope);
        Ok(())
    }

    fn has_document(&mut self, digest: &Digest) -> Result<bool, Infallible> {
        Ok(self.documents.contains_key(digest))
    }

    fn put_document(&mut self, digest: &Digest, bytes: &Arc<[u8]>) -> Result<(), Infallible> {
        self.documents.insert(*digest, Arc::clone(bytes));
        Ok(())
    }
}

impl Kept {
    /// Returns the envelopes of `chain` in order, beginning with number `from`.
    fn of_chain(&self, chain: &ChainId, from: u64) -> impl DoubleEndedIterator<Item = &Envelope> {
        let places = self
            .chains
            .get(chain)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let places = places.get(from..).unwrap_or_default();
        places.iter().filter_map(|place| self.records.get(*place))
    }

    fn summary(&self, chain: &ChainId) -> Option<ChainSummary> {
        Some(ChainSummary {
            chain: chain.clone(),
            first: 0,
            head: self.end_of(chain),
            first_at: self.of_chain(chain, 0).next()?.at,
            last_at: self.of_chain(chain, 0).next_back()?.at,
        })
    }

    fn end_of(&self, chain: &ChainId) -> Head {
        let last = self.of_chain(chain, 0).next_back();
        last.map_or_else(Head::default, |envelope| Head {
            next: envelope.seq.saturating_add(1),
            hash: Some(envelope.hash),
        })
    }
}

fn answers(query: &Query<'_>, envelope: &Envelope) -> bool {
    envelope.kind != EventKind::HeadsMoved
        && query
            .tenant
            .is_none_or(|tenant| tenant == envelope.chain.tenant())
        && query
            .session
            .is_none_or(|session| Some(session) == envelope.chain.session())
        && (query.kinds.is_empty() || query.kinds.contains(&envelope.kind))
        && query
            .subject
            .is_none_or(|subject| Some(subject) == envelope.subject.as_deref())
        && query.since.is_none_or(|since| envelope.at >= since)
}

impl Log for MemoryLog {
    fn append(&self, batch: Batch) -> Result<Appended, AppendError> {
        let drafts = Drafts::of(batch)?;
        let Ok(mut sealings) = seal_group(&mut *self.kept(), vec![drafts]);
        sealings
            .pop()
            .unwrap_or(Err(AppendError::BatchSize { entries: 0 }))
    }

    fn head(&self, chain: &ChainId) -> Result<Head, ReadLogError> {
        Ok(self.kept().end_of(chain))
    }

    fn read(
        &self,
        chain: &ChainId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Envelope>, ReadLogError> {
        let kept = self.kept();
        Ok(kept.of_chain(chain, from).take(limit).cloned().collect())
    }

    fn newest(&self, query: &Query<'_>) -> Result<Vec<Envelope>, ReadLogError> {
        let kept = self.kept();
        let found = kept.records.iter().rev();
        let found = found.filter(|envelope| answers(query, envelope));
        Ok(found.take(query.limit).cloned().collect())
    }

    fn walk(&self, query: &Query<'_>, walk: Walk) -> Result<Vec<Placed>, ReadLogError> {
        let kept = self.kept();
        let placed = kept.records.iter().zip(1_u64..);
        let placed = placed.filter(|(envelope, _)| answers(query, envelope));
        let placed = placed.map(|(envelope, place)| Placed {
            place,
            envelope: envelope.clone(),
        });
        Ok(match walk {
            Walk::After(from) => placed
                .filter(|placed| placed.place > from)
                .take(query.limit)
                .collect(),
            Walk::Before(from) => {
                let mut earlier: Vec<_> = placed.filter(|placed| placed.place < from).collect();
                earlier.reverse();
                earlier.truncate(query.limit);
                earlier
            }
        })
    }

    fn chains(&self) -> Result<Vec<ChainSummary>, ReadLogError> {
        let kept = self.kept();
        let chains = kept.chains.keys();
        Ok(chains.filter_map(|chain| kept.summary(chain)).collect())
    }

    fn chains_after(
        &self,
        tenant: &TenantId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<ChainSummary>, ReadLogError> {
        let kept = self.kept();
        let is_asked_for = |chain: &&ChainId| {
            let session = chain.session().map(SessionId::as_str);
            chain.tenant() == tenant && session.is_some_and(|session| session > after)
        };
        let chains = kept.chains.keys().filter(is_asked_for);
        let summaries = chains.filter_map(|chain| kept.summary(chain));
        Ok(summaries.take(limit).collect())
    }

    fn document(&self, digest: &Digest) -> Result<Option<Arc<[u8]>>, ReadLogError> {
        Ok(self.kept().documents.get(digest).cloned())
    }

    fn verify(&self, evidence: &Evidence<'_>) -> Result<Verification, ReadLogError> {
        // What is appended meanwhile is not looked at.
        let (records, documents) = {
            let kept = self.kept();
            (kept.records.clone(), kept.documents.clone())
        };
        verify_kept(self, &records, &documents, evidence)
    }

    fn change_counter(&self) -> Result<u64, ReadLogError> {
        Ok(self.kept().records.len() as u64)
    }

    fn check_writable(&self) -> Result<(), AppendError> {
        Ok(())
    }

    fn maintain(&self) -> Result<(), AppendError> {
        Ok(())
    }

    fn close(&self) -> Result<(), AppendError> {
        Ok(())
    }
}
