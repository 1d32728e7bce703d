//! What a log is held against: heads kept elsewhere, and signed checkpoints.

use std::collections::{BTreeMap, BTreeSet};

use aegis_canon::{Digest, canonical};
use aegis_types::{ChainId, Envelope, SessionId, TenantId};
use serde_json::Value;

use super::Evidence;
use super::report::{Fault, Verification, VerifiedChain};
use crate::log::ReadLogError;
use crate::prune::{Cut, Said};

/// A record whose hash was kept where the holder of the log cannot change it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Anchor {
    /// The chain.
    pub chain: ChainId,
    /// The number of the record.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}

/// A signed statement about a chain, recorded in the chain itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// What the signature is about: the record before the checkpoint.
    pub anchor: Anchor,
    /// The signature, as it was recorded.
    pub signature: Value,
    /// The bytes that are signed: the canonical payload without the signature.
    pub signed: Vec<u8>,
}

/// Whether a signature holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignatureStanding {
    /// It holds, under a key that the holder of the log does not have.
    Holds,
    /// It does not hold.
    Broken,
    /// Nothing is known of the key.
    Unknown,
}

impl Checkpoint {
    /// Reads the checkpoint that `envelope` records, if it has that form.
    pub(super) fn read(envelope: &Envelope) -> Option<Self> {
        let mut payload = envelope.payload.value().clone();
        let signature = payload.as_object_mut()?.remove("signature")?;
        let head = payload.get("head")?;
        let seq = head.get("seq")?.as_u64()?;
        let hash = head.get("hash")?.as_str()?.parse().ok()?;
        if seq.saturating_add(1) != envelope.seq {
            return None;
        }
        Some(Self {
            anchor: Anchor {
                chain: envelope.chain.clone(),
                seq,
                hash,
            },
            signature,
            signed: canonical(&payload),
        })
    }
}

/// What anchors are looked up in.
pub(super) trait Ground {
    /// Returns the last record of a chain that was pruned.
    fn gone(&self, chain: &ChainId) -> Option<Cut>;

    /// Returns the records that say what was pruned.
    fn said(&self) -> &[Said];

    /// Returns the hash of a record.
    fn hash(&self, chain: &ChainId, seq: u64) -> Result<Option<Digest>, ReadLogError>;

    /// Returns the records of checkpoints.
    fn checkpoints(&self) -> Result<Vec<Envelope>, ReadLogError>;

    /// Returns the last number of each session that the heads of `tenant` name
    /// up to their record `to`, behind those that were pruned.
    fn listed(&self, tenant: &TenantId, to: u64) -> Result<BTreeMap<SessionId, u64>, ReadLogError>;
}

/// How far each chain is anchored, and which anchors do not hold.
#[derive(Debug, Default)]
pub(super) struct Reach {
    to: BTreeMap<ChainId, u64>,
    broken: Vec<Fault>,
}

impl Reach {
    /// Looks up everything that `evidence` can hold against `ground`, which has `chains`.
    pub(super) fn find(
        evidence: &Evidence<'_>,
        ground: &dyn Ground,
        chains: &[VerifiedChain],
    ) -> Result<Self, ReadLogError> {
        let mut reach = Self::default();
        for anchor in evidence.anchors {
            reach.try_anchor(anchor, ground, chains)?;
        }
        for envelope in ground.checkpoints()? {
            reach.try_checkpoint(&envelope, evidence);
        }
        let direct: BTreeSet<ChainId> = reach.to.keys().cloned().collect();
        let heads: Vec<(TenantId, u64)> = reach
            .to
            .iter()
            .filter(|(chain, _)| chain.session().is_none())
            .map(|(chain, to)| (chain.tenant().clone(), *to))
            .collect();
        for (tenant, to) in heads {
            for (session, seq) in ground.listed(&tenant, to)? {
                let tenant = tenant.clone();
                reach.extend(ChainId::Session { tenant, session }, seq);
            }
        }
        reach.try_prunings(&direct, ground);
        Ok(reach)
    }

    /// Reports each pruning that cut a chain of `anchored` and that nothing reaches.
    ///
    /// Whoever can write the file can record one that explains why the beginning
    /// of such a chain is gone, with all that it had named.
    fn try_prunings(&mut self, anchored: &BTreeSet<ChainId>, ground: &dyn Ground) {
        for said in ground.said() {
            let is_reached = self.to.get(&said.chain).is_some_and(|to| said.seq <= *to);
            if !is_reached && said.cut.iter().any(|chain| anchored.contains(chain)) {
                self.broken.push(Fault::PruningUnanchored {
                    chain: said.chain.clone(),
                    seq: said.seq,
                });
            }
        }
    }

    fn extend(&mut self, chain: ChainId, seq: u64) {
        let to = self.to.entry(chain).or_insert(seq);
        *to = seq.max(*to);
    }

    fn try_anchor(
        &mut self,
        anchor: &Anchor,
        ground: &dyn Ground,
        chains: &[VerifiedChain],
    ) -> Result<(), ReadLogError> {
        let gone = ground.gone(&anchor.chain);
        let found = match ground.hash(&anchor.chain, anchor.seq)? {
            Some(found) => Some(found),
            // The hash of the last one that went is known from the record of its pruning.
            None => gone
                .filter(|gone| gone.seq == anchor.seq)
                .map(|gone| gone.hash),
        };
        if found == Some(anchor.hash) {
            self.extend(anchor.chain.clone(), anchor.seq);
        } else if found.is_none() && gone.is_some_and(|gone| anchor.seq < gone.seq) {
            self.broken.push(Fault::AnchorPruned {
                chain: anchor.chain.clone(),
                seq: anchor.seq,
            });
        } else if gone.is_none() && !chains.iter().any(|one| one.chain == anchor.chain) {
            self.broken.push(Fault::AnchoredMissing {
                chain: anchor.chain.clone(),
                seq: anchor.seq,
            });
        } else {
            self.broken.push(Fault::AnchorBroken {
                chain: anchor.chain.clone(),
                seq: anchor.seq,
                expected: anchor.hash,
                found,
            });
        }
        Ok(())
    }

    fn try_checkpoint(&mut self, envelope: &Envelope, evidence: &Evidence<'_>) {
        let Some(checkpoint) = Checkpoint::read(envelope) else {
            return;
        };
        let is_of_chain = envelope.previous == Some(checkpoint.anchor.hash);
        match (evidence.signatures)(&checkpoint) {
            SignatureStanding::Holds if is_of_chain => {
                self.extend(checkpoint.anchor.chain, checkpoint.anchor.seq);
            }
            SignatureStanding::Holds | SignatureStanding::Broken => {
                self.broken.push(Fault::CheckpointBroken {
                    chain: envelope.chain.clone(),
                    seq: envelope.seq,
                });
            }
            SignatureStanding::Unknown => {}
        }
    }

    /// Enters the reach of the anchors into `verification`.
    pub(super) fn apply(self, verification: &mut Verification) {
        for fault in self.broken {
            if let Some((name, _)) = fault.place() {
                let sound_to = self.to.get(name).map_or(0, |last| last.saturating_add(1));
                let chain = verification
                    .chains
                    .iter_mut()
                    .find(|one| one.chain == *name);
                if let Some(chain) = chain {
                    // Anything behind the last anchor that holds may be another record.
                    let first = chain.first_fault.unwrap_or(sound_to);
                    chain.first_fault = Some(first.min(sound_to));
                }
            }
            verification.add(fault);
        }
        for chain in &mut verification.chains {
            chain.anchored_to = self.to.get(&chain.chain).copied();
        }
    }
}
