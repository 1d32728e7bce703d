//! What a verification found.

use aegis_canon::Digest;
use aegis_types::{ChainId, Head};

use crate::prune::Pruned;
use crate::stored::ReadEnvelopeError;

/// How many faults are told in full; more are counted.
pub(crate) const FAULTS_TOLD_MAX: usize = 1_000;

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verification {
    /// How many records there are, those of the chains of heads included.
    pub records: u64,
    /// How many documents there are.
    pub documents: u64,
    /// How many sealed payloads still have their ciphertext.
    pub sealed: u64,
    /// How many sealed payloads were erased.
    pub erased: u64,
    /// What was pruned, in order.
    pub pruned: Vec<Pruned>,
    /// Whether all chains were there to verify, and not only one of an export.
    pub is_whole: bool,
    /// Every chain, ordered by its name.
    pub chains: Vec<VerifiedChain>,
    /// What is wrong, the first thousand.
    pub faults: Vec<Fault>,
    /// How many things are wrong.
    pub fault_count: u64,
}

impl Verification {
    /// Tells whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.fault_count == 0
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        self.fault_count += 1;
        if self.faults.len() < FAULTS_TOLD_MAX {
            self.faults.push(fault);
        }
    }
}

/// A chain, and how far it is anchored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedChain {
    /// The chain.
    pub chain: ChainId,
    /// The number of its first record; those before it were pruned.
    pub first: u64,
    /// Where it ends.
    pub head: Head,
    /// How many records of it there are.
    pub records: u64,
    /// Up to which number it is anchored, if it is at all.
    pub anchored_to: Option<u64>,
    /// The number of the first record with a fault, if there is one.
    pub first_fault: Option<u64>,
}

/// How sure it is that a range is what was once written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// It ends in a head that the holder of the file could not change.
    Anchored,
    /// It agrees with itself; the holder of the file could have rewritten it.
    Consistent,
    /// Something in it is wrong, or stands behind something that is.
    Faulty,
}

/// Records of one chain with the same standing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Range {
    /// The number of the first one.
    pub from: u64,
    /// The number of the last one.
    pub to: u64,
    /// Their standing.
    pub standing: Standing,
}

impl VerifiedChain {
    /// Returns the ranges of the chain, in order.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range> {
        let end = self.head.next;
        let sound_to = self.first_fault.unwrap_or(end).min(end);
        let anchored_to = self.anchored_to.map_or(0, |last| last.saturating_add(1));
        let anchored_to = anchored_to.min(sound_to).max(self.first);
        let bounds = [
            (self.first, anchored_to, Standing::Anchored),
            (anchored_to, sound_to, Standing::Consistent),
            (sound_to, end, Standing::Faulty),
        ];
        bounds
            .into_iter()
            .filter(|(from, end, _)| from < end)
            .map(|(from, end, standing)| Range {
                from,
                to: end.saturating_sub(1),
                standing,
            })
            .collect()
    }
}

/// A column that repeats what an envelope says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Column {
    /// The time.
    At,
    /// The kind.
    Kind,
    /// What it is about.
    Subject,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The bytes of a record do not have its hash.
    Edited {
        /// The chain.
        chain: ChainId,
        /// The number of the record.
        seq: u64,
    },
    /// A record does not read as an envelope.
    Unreadable {
        /// The chain.
        chain: ChainId,
        /// The number of the record.
        seq: u64,
        /// What is wrong.
        cause: ReadEnvelopeError,
    },
    /// The bytes of a record are not the canonical ones.
    NotCanonical {
        /// The chain.
        chain: ChainId,
        /// The number of the record.
        seq: u64,
    },
    /// A record stands in the place of another one.
    Misplaced {
        /// The chain in which it stands.
        chain: ChainId,
        /// The number under which it stands.
        seq: u64,
        /// The chain to which it belongs.
        of_chain: ChainId,
        /// The number that it has there.
        of_seq: u64,
    },
    /// A column says something else than the record.
    ColumnDiffers {
        /// The chain.
        chain: ChainId,
        /// The number of the record.
        seq: u64,
        /// The column.
        column: Column,
    },
    /// Records are missing between others.
    Missing {
        /// The chain.
        chain: ChainId,
        /// The number of the first one.
        from: u64,
        /// The number of the last one.
        to: u64,
    },
    /// A record does not name the hash of the one before.
    Unlinked {
        /// The chain.
        chain: ChainId,
        /// The number of the record.
        seq: u64,
    },
    /// A record was stored after one that follows it, or twice.
    OutOfOrder {
        /// The chain.
        chain: ChainId,
        /// The number of the record.
        seq: u64,
    },
    /// The chain of heads names another hash for a record.
    Replaced {
        /// The chain.
        chain: ChainId,
        /// The number of the record.
        seq: u64,
        /// The hash that the chain of heads names.
        expected: Digest,
    },
    /// Records at the end of a chain are missing.
    TailMissing {
        /// The chain.
        chain: ChainId,
        /// The number of the first one.
        from: u64,
        /// The number of the last one.
        to: u64,
    },
    /// A whole chain is missing.
    ChainMissing {
        /// The chain.
        chain: ChainId,
        /// How many records it had.
        records: u64,
    },
    /// The chain of heads does not know records at the end of a chain.
    Unlisted {
        /// The chain.
        chain: ChainId,
        /// The number of the first one.
        from: u64,
        /// The number of the last one.
        to: u64,
    },
    /// A record belongs to a chain that has no name.
    Stray {
        /// The number of the record in the file.
        id: i64,
    },
    /// The index says something else than the records.
    IndexDiffers {
        /// The number of the record in the file.
        id: i64,
    },
    /// The index has a row for a record that is not there, and readers miss
    /// records before it.
    IndexForeign {
        /// The number of the row in the file.
        id: i64,
    },
    /// The index lacks a record, and readers miss it.
    IndexLacks {
        /// The number of the record in the file.
        id: i64,
    },
    /// A document does not have its digest.
    DocumentEdited {
        /// The digest.
        digest: Digest,
    },
    /// A document that was once stored is missing.
    DocumentMissing {
        /// The digest.
        digest: Digest,
    },
    /// The chain of heads does not know a document.
    DocumentUnlisted {
        /// The digest.
        digest: Digest,
    },
    /// A sealed payload does not have the digest that its record names, or is
    /// missing without having been erased.
    SealedDiffers {
        /// The number of the record in the file.
        id: i64,
    },
    /// A head that was kept elsewhere is not in the log.
    AnchorBroken {
        /// The chain.
        chain: ChainId,
        /// The number of the record.
        seq: u64,
        /// The hash that was kept.
        expected: Digest,
        /// The hash in the log, if there is such a record.
        found: Option<Digest>,
    },
    /// A head that was kept elsewhere is of a chain that is not there at all.
    AnchoredMissing {
        /// The chain.
        chain: ChainId,
        /// The number of the record.
        seq: u64,
    },
    /// A head that was kept elsewhere is of a record that was pruned.
    AnchorPruned {
        /// The chain.
        chain: ChainId,
        /// The number of the record.
        seq: u64,
    },
    /// A pruning cut a chain that is anchored, and nothing kept elsewhere reaches its record.
    PruningUnanchored {
        /// The chain of the record that says what was pruned.
        chain: ChainId,
        /// The number of that record.
        seq: u64,
    },
    /// The table of chains that were cut says something else than the records of pruning.
    CutDiffers {
        /// The chain.
        chain: ChainId,
    },
    /// The signature of a checkpoint does not hold, or what it signs is not in the log.
    CheckpointBroken {
        /// The chain.
        chain: ChainId,
        /// The number of the checkpoint.
        seq: u64,
    },
    /// A line of an export does not read as one.
    Line {
        /// Its number, from 1.
        line: u64,
    },
    /// An export ends before its last line, or that line disagrees with the rest.
    Incomplete,
    /// Something is wrong that could not be traced to a record.
    Untraced,
}

impl Fault {
    /// Returns the chain and the first record that the fault touches.
    #[must_use]
    pub const fn place(&self) -> Option<(&ChainId, u64)> {
        match self {
            Self::Edited { chain, seq }
            | Self::Unreadable { chain, seq, .. }
            | Self::NotCanonical { chain, seq }
            | Self::Misplaced { chain, seq, .. }
            | Self::ColumnDiffers { chain, seq, .. }
            | Self::Missing {
                chain, from: seq, ..
            }
            | Self::Unlinked { chain, seq }
            | Self::OutOfOrder { chain, seq }
            | Self::Replaced { chain, seq, .. }
            | Self::TailMissing {
                chain, from: seq, ..
            }
            | Self::Unlisted {
                chain, from: seq, ..
            }
            | Self::AnchorBroken { chain, seq, .. }
            | Self::AnchoredMissing { chain, seq }
            | Self::AnchorPruned { chain, seq }
            | Self::PruningUnanchored { chain, seq }
            | Self::CheckpointBroken { chain, seq } => Some((chain, *seq)),
            Self::ChainMissing { chain, .. } | Self::CutDiffers { chain } => Some((chain, 0)),
            Self::Stray { .. }
            | Self::IndexDiffers { .. }
            | Self::IndexForeign { .. }
            | Self::IndexLacks { .. }
            | Self::DocumentEdited { .. }
            | Self::DocumentMissing { .. }
            | Self::DocumentUnlisted { .. }
            | Self::SealedDiffers { .. }
            | Self::Line { .. }
            | Self::Incomplete
            | Self::Untraced => None,
        }
    }
}
