//! Following every record in the order of storing, and naming what is wrong.

use std::collections::{BTreeMap, BTreeSet};

use aegis_canon::{Digest, canonical};
use aegis_types::{ChainId, Envelope, EventKind, Head, SealedPayload, SessionId, TenantId};
use serde::Deserialize;

use super::report::{Column, Fault, Verification, VerifiedChain};
use crate::heads::HeadsMoved;
use crate::prune::{Bounds, Cuts};
use crate::stored::{ReadEnvelopeError, read_envelope};

/// A record as it is stored: what it claims to be, and its bytes.
pub(super) struct Claim<'a> {
    /// Its number in the file.
    pub(super) id: i64,
    pub(super) chain: &'a ChainId,
    pub(super) seq: u64,
    pub(super) hash: Digest,
    pub(super) bytes: &'a [u8],
    pub(super) columns: Option<Columns<'a>>,
}

/// What stands beside the bytes of a record.
pub(super) struct Columns<'a> {
    pub(super) at: i64,
    pub(super) kind: &'a str,
    pub(super) subject: Option<&'a str>,
}

/// What is known after the records followed so far.
#[derive(Default)]
pub(super) struct Diagnosis {
    pub(super) found: Verification,
    chains: BTreeMap<ChainId, Followed>,
    /// The sessions that were appended to since the heads were last named.
    moved: BTreeMap<TenantId, BTreeSet<SessionId>>,
    /// The documents that the heads name.
    pub(super) documents: BTreeSet<Digest>,
    /// The sealed payloads that records name, by the number in the file.
    pub(super) slots: BTreeMap<i64, SealedPayload>,
    /// The checkpoints.
    pub(super) checkpoints: Vec<Envelope>,
    /// For each session, which record of the heads names which number.
    pub(super) listings: BTreeMap<ChainId, Vec<(u64, u64)>>,
    first_faults: BTreeMap<ChainId, u64>,
    /// What is known of records that were pruned.
    pub(super) cuts: Cuts,
    /// The hashes of the records that say what was pruned.
    pub(super) prunings: Vec<Digest>,
}

/// One chain, as far as it was followed.
#[derive(Default)]
struct Followed {
    records: u64,
    /// The number of its first record.
    first: u64,
    next: u64,
    hash: Option<Digest>,
    /// Whether the last record had a fault, so that the link to it says nothing.
    is_suspect: bool,
    /// Numbers that were skipped.
    gaps: BTreeSet<u64>,
    /// The last number that the heads name.
    listed: Option<u64>,
    /// Heads that were named and did not agree with the chain.
    owed: BTreeMap<u64, Digest>,
}

impl Followed {
    /// Begins with record `seq`, or where the pruned beginning ends.
    fn begin(&mut self, bounds: Bounds, seq: u64, envelope: Option<&Envelope>) {
        self.first = seq;
        self.listed = bounds.last().map(|last| last.seq).max(self.listed);
        if bounds.lacks(seq) {
            // It links up to what is known of its end.
            self.next = seq;
            self.hash = envelope.and_then(|envelope| envelope.previous);
        } else if let Some(gone) = bounds.gone {
            self.next = gone.seq.saturating_add(1);
            self.hash = Some(gone.hash);
        }
    }
}

/// How many skipped numbers of a chain are remembered one by one.
const GAPS_MAX: u64 = 100_000;

impl Diagnosis {
    /// Begins where the beginnings of chains were pruned as `cuts` say.
    pub(super) fn of_cut(cuts: Cuts) -> Self {
        Self {
            cuts,
            ..Self::default()
        }
    }

    fn add(&mut self, fault: Fault) {
        if let Some((chain, seq)) = fault.place() {
            let first = self.first_faults.entry(chain.clone()).or_insert(seq);
            *first = seq.min(*first);
        }
        self.found.add(fault);
    }

    /// Notes a record of a chain that has no name.
    pub(super) fn stray(&mut self, id: i64) {
        self.found.records += 1;
        self.add(Fault::Stray { id });
    }

    /// Follows the next record.
    pub(super) fn follow(&mut self, claim: &Claim<'_>) {
        self.found.records += 1;
        let faults_before = self.found.fault_count;
        let envelope = self.read(claim);
        if let Some(envelope) = &envelope {
            self.check_place(claim, envelope);
            self.check_columns(claim, envelope);
        }
        let is_suspect = self.found.fault_count > faults_before;
        self.link(claim, envelope.as_ref(), is_suspect);
        let Some(envelope) = envelope else {
            return;
        };
        if envelope.kind == EventKind::RecordsPruned {
            self.prunings.push(envelope.hash);
        }
        let is_vouched_for = self.cuts.bounds(claim.chain).vouch_for(claim.seq);
        if let Some(session) = claim.chain.session()
            && !is_vouched_for
        {
            let moved = self.moved.entry(claim.chain.tenant().clone()).or_default();
            moved.insert(session.clone());
        }
        if let Some(sealed) = &envelope.sealed {
            self.slots.insert(claim.id, sealed.clone());
        }
        if envelope.kind == EventKind::CheckpointCreated {
            self.checkpoints.push(envelope);
        } else if envelope.kind == EventKind::HeadsMoved
            && claim.chain.session().is_none()
            && !is_vouched_for
        {
            self.follow_heads(claim, &envelope);
        }
    }

    fn read(&mut self, claim: &Claim<'_>) -> Option<Envelope> {
        let (chain, seq) = (claim.chain.clone(), claim.seq);
        if Digest::of(claim.bytes) != claim.hash {
            self.add(Fault::Edited { chain, seq });
            return None;
        }
        match read_envelope(claim.bytes, claim.hash) {
            Err(cause) => {
                self.add(Fault::Unreadable { chain, seq, cause });
                None
            }
            Ok(envelope) => {
                if envelope.bytes() != claim.bytes {
                    self.add(Fault::NotCanonical { chain, seq });
                }
                Some(envelope)
            }
        }
    }

    fn check_place(&mut self, claim: &Claim<'_>, envelope: &Envelope) {
        if envelope.chain != *claim.chain || envelope.seq != claim.seq {
            self.add(Fault::Misplaced {
                chain: claim.chain.clone(),
                seq: claim.seq,
                of_chain: envelope.chain.clone(),
                of_seq: envelope.seq,
            });
        }
    }

    fn check_columns(&mut self, claim: &Claim<'_>, envelope: &Envelope) {
        let Some(columns) = &claim.columns else {
            return;
        };
        let checks = [
            (Column::At, columns.at == envelope.at.unix_ms()),
            (Column::Kind, columns.kind == envelope.kind.as_str()),
            (
                Column::Subject,
                columns.subject == envelope.subject.as_deref(),
            ),
        ];
        for (column, agrees) in checks {
            if !agrees {
                self.add(Fault::ColumnDiffers {
                    chain: claim.chain.clone(),
                    seq: claim.seq,
                    column,
                });
            }
        }
    }

    /// Checks that the record follows the one before, and moves on to it.
    fn link(&mut self, claim: &Claim<'_>, envelope: Option<&Envelope>, is_suspect: bool) {
        let bounds = self.cuts.bounds(claim.chain);
        let followed = self.chains.entry(claim.chain.clone()).or_default();
        let (chain, seq) = (claim.chain.clone(), claim.seq);
        if followed.records == 0 {
            followed.begin(bounds, seq, envelope);
        }
        followed.records += 1;
        if seq < followed.next {
            followed.gaps.remove(&seq);
            self.add(Fault::OutOfOrder { chain, seq });
            return;
        }
        let is_linked = seq > followed.next
            || followed.is_suspect
            || is_suspect
            || envelope.is_none_or(|envelope| envelope.previous == followed.hash);
        let skipped_to = seq.min(followed.next.saturating_add(GAPS_MAX));
        followed.gaps.extend(followed.next..skipped_to);
        followed.next = seq.saturating_add(1);
        followed.hash = Some(claim.hash);
        followed.is_suspect = is_suspect;
        if let Some(expected) = bounds.hash_of(seq)
            && expected != claim.hash
        {
            self.add(Fault::Replaced {
                chain,
                seq,
                expected,
            });
            return;
        }
        let was_named = followed.owed.get(&seq) == Some(&claim.hash);
        if was_named {
            followed.owed.remove(&seq);
            self.add(Fault::OutOfOrder { chain, seq });
        } else if !is_linked {
            self.add(Fault::Unlinked { chain, seq });
        }
    }

    fn follow_heads(&mut self, claim: &Claim<'_>, envelope: &Envelope) {
        let Ok(heads) = HeadsMoved::deserialize(&*envelope.payload) else {
            let (chain, seq) = (claim.chain.clone(), claim.seq);
            let cause = ReadEnvelopeError::Field { field: "payload" };
            self.add(Fault::Unreadable { chain, seq, cause });
            return;
        };
        self.documents.extend(heads.documents);
        let tenant = claim.chain.tenant();
        let mut moved = self.moved.remove(tenant).unwrap_or_default();
        for head in heads.moved {
            moved.remove(&head.session);
            let chain = ChainId::Session {
                tenant: tenant.clone(),
                session: head.session,
            };
            let listings = self.listings.entry(chain.clone()).or_default();
            listings.push((claim.seq, head.seq));
            let followed = self.chains.entry(chain).or_default();
            let is_there = followed.next == head.seq.saturating_add(1)
                && (followed.hash == Some(head.hash) || followed.is_suspect);
            if is_there {
                followed.listed = Some(head.seq);
            } else {
                followed.owed.insert(head.seq, head.hash);
            }
        }
        for session in moved {
            let tenant = tenant.clone();
            self.report_unlisted(&ChainId::Session { tenant, session });
        }
    }

    /// Reports the records of `chain` that the heads should have named.
    fn report_unlisted(&mut self, chain: &ChainId) {
        let Some(followed) = self.chains.get_mut(chain) else {
            return;
        };
        let from = followed.listed.map_or(0, |last| last.saturating_add(1));
        if from < followed.next {
            let to = followed.next.saturating_sub(1);
            followed.listed = Some(to);
            let chain = chain.clone();
            self.add(Fault::Unlisted { chain, from, to });
        }
    }

    /// Reports what shows only at the end, and returns what was found.
    ///
    /// Only if all chains were followed does it matter what the heads name.
    pub(super) fn finish(mut self, is_whole: bool) -> Self {
        self.owe_what_is_known();
        let chains: Vec<ChainId> = self.chains.keys().cloned().collect();
        for chain in &chains {
            self.report_gaps(chain);
            if is_whole {
                self.report_owed(chain);
            }
            if is_whole && chain.session().is_some() {
                self.report_unlisted(chain);
            }
        }
        for (chain, followed) in &self.chains {
            if followed.records == 0 {
                continue;
            }
            self.found.chains.push(VerifiedChain {
                chain: chain.clone(),
                first: followed.first,
                head: Head {
                    next: followed.next,
                    hash: followed.hash,
                },
                records: followed.records,
                anchored_to: None,
                first_fault: self.first_faults.get(chain).copied(),
            });
        }
        self
    }

    /// Notes the records that those of pruning know and that are not there.
    fn owe_what_is_known(&mut self) {
        for (chain, named) in &self.cuts.named {
            let followed = self.chains.entry(chain.clone()).or_default();
            if followed.next <= named.seq {
                followed.owed.insert(named.seq, named.hash);
            }
        }
        for (chain, gone) in &self.cuts.gone {
            if let Some(followed) = self.chains.get_mut(chain)
                && followed.records > 0
                && followed.next <= gone.seq
            {
                followed.owed.insert(gone.seq, gone.hash);
            }
        }
    }

    fn report_gaps(&mut self, chain: &ChainId) {
        let gaps = self.chains.get(chain).map(|followed| runs(&followed.gaps));
        for (from, to) in gaps.unwrap_or_default() {
            let chain = chain.clone();
            self.add(Fault::Missing { chain, from, to });
        }
    }

    fn report_owed(&mut self, chain: &ChainId) {
        let Some(followed) = self.chains.get_mut(chain) else {
            return;
        };
        let next = followed.next;
        let owed = std::mem::take(&mut followed.owed);
        let last_owed = owed.keys().next_back().copied();
        let replaced: Vec<(u64, Digest)> = owed
            .into_iter()
            .filter(|(seq, _)| *seq < next && !followed.gaps.contains(seq))
            .collect();
        // What is reported as replaced or missing need not be reported again.
        followed.listed = followed.listed.max(last_owed);
        let is_gone = followed.records == 0;
        for (seq, expected) in replaced {
            let chain = chain.clone();
            self.add(Fault::Replaced {
                chain,
                seq,
                expected,
            });
        }
        let Some(to) = last_owed.filter(|last| *last >= next) else {
            return;
        };
        let chain = chain.clone();
        self.add(if is_gone {
            let records = to.saturating_add(1);
            Fault::ChainMissing { chain, records }
        } else {
            let from = next;
            Fault::TailMissing { chain, from, to }
        });
    }
}

/// Joins numbers that follow each other.
fn runs(numbers: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.saturating_add(1) == *number => *last = *number,
            Some(_) | None => runs.push((*number, *number)),
        }
    }
    runs
}

/// Tells whether `payload` is canonical JSON.
pub(super) fn is_canonical(payload: &[u8]) -> bool {
    aegis_canon::parse(payload).is_ok_and(|value| canonical(&value) == payload)
}
