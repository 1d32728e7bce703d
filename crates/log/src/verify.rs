//! Recomputing everything, and saying what was changed and how far that word reaches.
//!
//! The holder of the file can rewrite all of it, so agreement with itself makes
//! a log only *consistent*. A range is *anchored* if it ends in a head that was
//! kept elsewhere, or in a checkpoint whose signature holds.

mod anchor;
mod chain;
mod diagnosis;
mod end;
mod export;
mod file;
mod ground;
mod kept;
mod report;
mod scan;
mod spelling;
mod wording;

pub use anchor::{Anchor, Checkpoint, SignatureStanding};
pub use chain::verify_chain;
pub use end::verify_end;
pub use export::verify_export;
pub use file::verify;
pub(crate) use kept::verify_kept;
pub(crate) use report::FAULTS_TOLD_MAX;
pub use report::{Column, Fault, Range, Standing, Verification, VerifiedChain};
pub use spelling::ReadAnchorError;

/// How much is recomputed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Depth {
    /// Every hash, link, place and column, from the stored bytes, and that the
    /// indexes have every record once.
    #[default]
    Hashes,
    /// Also that the bytes are the canonical ones, and that the indexes say the same.
    Canonical,
}

/// What a verification is given.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// How much is recomputed.
    pub depth: Depth,
    /// Heads that were kept elsewhere.
    pub anchors: &'a [Anchor],
    /// Tells whether the signature of a checkpoint holds.
    pub signatures: &'a (dyn Fn(&Checkpoint) -> SignatureStanding + Sync),
    /// How many threads may read.
    pub threads: usize,
}

impl Evidence<'_> {
    /// Nothing but the log itself.
    pub const NONE: Evidence<'static> = Evidence {
        depth: Depth::Hashes,
        anchors: &[],
        signatures: &|_| SignatureStanding::Unknown,
        threads: 2,
    };
}

impl std::fmt::Debug for Evidence<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Evidence")
            .field("depth", &self.depth)
            .field("anchors", &self.anchors)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}
