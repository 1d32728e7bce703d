//! The append-only log: what happened, sealed so that changes show.
//!
//! A [`Log`] takes [`Batch`]es and gives back sealed envelopes. Each session
//! has a chain of its own, and each tenant one more that holds the heads of
//! its sessions, so that a session that is gone shows. [`SqliteLog`] keeps
//! them in a file that many processes share, [`MemoryLog`] in memory.
//! [`verify`] recomputes everything and says what was changed, and how far
//! its word reaches. What an event means is none of this crate's business.

mod log;

mod seal;
mod stored;

mod heads;
mod prune;

mod commit;

mod memory;
mod sqlite;

mod verify;

mod export;

mod foreign;
mod unchained;

pub use export::{ExportError, export};

pub use foreign::{
    ForeignEnvelope, ForeignFault, ForeignVerification, ReadForeignError, foreign_digest,
    foreign_value, to_base64, verify_foreign,
};
pub use log::{
    AppendError, Appended, Batch, ChainSummary, Log, Placed, Query, ReadLogError, StoreFault, Walk,
};
pub use memory::MemoryLog;
pub use prune::{Pruned, RETENTION_SESSION};
pub use seal::{BATCH_ENTRIES_MAX, DOCUMENT_BYTES_MAX, ENTRY_BYTES_MAX, InvalidEntry};
pub use sqlite::{
    Ahead, BackupError, CopyStep, Durability, Maintenance, OpenLogError, Options, PruneError,
    PruneOrder, PrunePlan, Restore, RestoreError, Restored, SqliteLog, restore,
};
pub use stored::{ReadEnvelopeError, envelope_of};
pub use unchained::{
    OpenUnchainedError, UnchainedLog, UnchainedQuery, UnchainedRecord, UnchainedSession,
};
pub use verify::{
    Anchor, Checkpoint, Column, Depth, Evidence, Fault, Range, ReadAnchorError, SignatureStanding,
    Standing, Verification, VerifiedChain, verify, verify_chain, verify_end, verify_export,
};
