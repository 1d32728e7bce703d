//! What a log is: one call that writes, several that read.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use aegis_canon::Digest;
use aegis_types::{ChainId, Entry, Envelope, EventKind, Head, SessionId, TenantId, Timestamp};

use crate::seal::InvalidEntry;
use crate::verify::{Evidence, Verification};

/// A log: chains of sealed envelopes, to which entries are only ever added.
///
/// One batch is appended whole or not at all, and one writer at a time moves
/// the head of a chain.
pub trait Log: Send + Sync {
    /// Appends `batch` to its chain and returns what was sealed.
    ///
    /// The envelopes are durable on return, at the durability of the store.
    ///
    /// # Errors
    ///
    /// [`AppendError::HeadMoved`] if the chain does not end where the batch
    /// expects it. Decide again from the head found. On any error nothing of
    /// the batch was recorded.
    fn append(&self, batch: Batch) -> Result<Appended, AppendError>;

    /// Returns where `chain` ends; an unknown chain is an empty one.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when the store cannot be read.
    fn head(&self, chain: &ChainId) -> Result<Head, ReadLogError>;

    /// Returns at most `limit` envelopes of `chain` in order, beginning with number `from`.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when the store or an envelope cannot be read.
    fn read(&self, chain: &ChainId, from: u64, limit: usize)
    -> Result<Vec<Envelope>, ReadLogError>;

    /// Returns the envelopes that answer `query`, the one appended last first.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when the store or an envelope cannot be read.
    fn newest(&self, query: &Query<'_>) -> Result<Vec<Envelope>, ReadLogError>;

    /// Returns the envelopes that answer `query` beyond a place in the log, with
    /// their places: the nearest first, whichever way the walk goes.
    ///
    /// Places rise in the order of appending. Whatever has a place was there
    /// before everything that comes later, so a walk that goes on from the last
    /// place it was given neither loses nor repeats anything.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when the store or an envelope cannot be read.
    fn walk(&self, query: &Query<'_>, walk: Walk) -> Result<Vec<Placed>, ReadLogError>;

    /// Returns every chain, ordered by its name.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when the store cannot be read.
    fn chains(&self) -> Result<Vec<ChainSummary>, ReadLogError>;

    /// Returns at most `limit` chains of sessions of `tenant`, ordered by their
    /// names, of which the first is the next one after `after`.
    ///
    /// It costs what it returns, however many chains there are.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when the store cannot be read.
    fn chains_after(
        &self,
        tenant: &TenantId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<ChainSummary>, ReadLogError>;

    /// Returns the document with this digest, if one was stored.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when the store cannot be read, or holds other bytes
    /// under that digest.
    fn document(&self, digest: &Digest) -> Result<Option<Arc<[u8]>>, ReadLogError>;

    /// Recomputes everything, and says what was changed and how far that word reaches.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when the store cannot be read at all; what is wrong with
    /// what was read is in the [`Verification`].
    fn verify(&self, evidence: &Evidence<'_>) -> Result<Verification, ReadLogError>;

    /// Returns a number that rises whenever any process appended: the place of
    /// the last record, 0 if there is none.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when the store cannot be read.
    fn change_counter(&self) -> Result<u64, ReadLogError>;

    /// Returns whether an append would be taken, as far as that can be told
    /// without one.
    ///
    /// If the last one was, so will be the next, as long as the store is where it
    /// was. Else something is written that means nothing, so that a fault which is
    /// over is told from one that stays.
    ///
    /// # Errors
    ///
    /// [`AppendError`], as when appending.
    fn check_writable(&self) -> Result<(), AppendError>;

    /// Keeps the store quick to open, at a moment when nobody waits.
    ///
    /// # Errors
    ///
    /// [`AppendError`], as when appending; nothing is lost then.
    fn maintain(&self) -> Result<(), AppendError>;

    /// Leaves the store as quick to open as it can be, at the end of a process
    /// that appended much.
    ///
    /// # Errors
    ///
    /// [`AppendError`], as when appending; nothing is lost then.
    fn close(&self) -> Result<(), AppendError>;
}

/// Entries to append to one chain, whole or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The chain to append to.
    pub chain: ChainId,
    /// Where the chain must end; absent to append wherever it does.
    pub expected: Option<Head>,
    /// What to append, in order; at least one entry.
    pub entries: Vec<Entry>,
    /// Documents that the entries name by digest; those already stored cost little.
    pub documents: Vec<(Digest, Arc<[u8]>)>,
}

/// What an append sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct Appended {
    /// The envelopes of the batch, in order.
    pub envelopes: Vec<Envelope>,
    /// Where the chain ends with them.
    pub head: Head,
}

/// Which envelopes are asked for; `HEADS_MOVED` records never are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// Only those of this tenant.
    pub tenant: Option<&'a TenantId>,
    /// Only those of a session of this name.
    pub session: Option<&'a SessionId>,
    /// Only those of these kinds; empty means every kind.
    pub kinds: &'a [EventKind],
    /// Only those about this.
    pub subject: Option<&'a str>,
    /// Only those that happened at this time or later.
    pub since: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}

/// Which way a log is walked, and from which place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Walk {
    /// To what was appended later.
    After(u64),
    /// To what was appended earlier.
    Before(u64),
}

/// An envelope and its place in the whole log.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The place.
    pub place: u64,
    /// The envelope.
    pub envelope: Envelope,
}

/// A chain, and where it ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChainSummary {
    /// The chain.
    pub chain: ChainId,
    /// The number of its first envelope; those before it were pruned.
    pub first: u64,
    /// Where it ends.
    pub head: Head,
    /// The time of its first envelope.
    pub first_at: Timestamp,
    /// The time of its last envelope.
    pub last_at: Timestamp,
}

impl ChainSummary {
    /// Returns how many envelopes there are.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.head.next.saturating_sub(self.first)
    }
}

/// Why nothing was appended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The chain does not end where the batch expects it.
    #[error("the chain has moved on to {}", .found.next)]
    HeadMoved {
        /// Where it ends.
        found: Head,
    },
    /// A later writer took over the store; this one must not write any more.
    #[error("a later writer has taken over the log")]
    Fenced,
    /// Others kept the store busy until the deadline.
    #[error("the log stayed busy for {waited_ms} ms")]
    Busy {
        /// How long this one waited.
        waited_ms: u64,
    },
    /// The store was opened for reading, or its file may not be written.
    #[error("the log is read-only")]
    ReadOnly,
    /// There is no room left.
    #[error("no room is left for the log")]
    Full,
    /// The store contradicts itself.
    #[error("the log is damaged")]
    Damaged(#[source] StoreFault),
    /// The store cannot be reached for another cause.
    #[error("the log is out of reach")]
    Unavailable(#[source] StoreFault),
    /// Entry number `entry` of the batch cannot be recorded.
    #[error("entry {entry} of the batch cannot be recorded")]
    Invalid {
        /// Its place in the batch, from 0.
        entry: usize,
        /// Why.
        #[source]
        source: InvalidEntry,
    },
    /// The batch has no entries, or too many.
    #[error("a batch has 1 to 1024 entries, this one has {entries}")]
    BatchSize {
        /// How many it has.
        entries: usize,
    },
    /// A document is larger than the log takes.
    #[error("a document has at most {max} bytes, this one has {bytes}", max = crate::DOCUMENT_BYTES_MAX)]
    DocumentTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A document does not have the digest under which it is given.
    #[error("a document does not have the digest {digest}")]
    DocumentDigest {
        /// The digest given.
        digest: Digest,
    },
}

/// Why the log could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadLogError {
    /// Others kept the store busy until the deadline.
    #[error("the log stayed busy for {waited_ms} ms")]
    Busy {
        /// How long this one waited.
        waited_ms: u64,
    },
    /// The store contradicts itself.
    #[error("the log is damaged")]
    Damaged(#[source] StoreFault),
    /// The store cannot be reached for another cause.
    #[error("the log is out of reach")]
    Unavailable(#[source] StoreFault),
    /// A stored envelope does not read as one.
    #[error("record {seq} of a chain does not read as an envelope")]
    Envelope {
        /// Its number in its chain, as the store has it.
        seq: u64,
        /// What is wrong.
        #[source]
        source: crate::stored::ReadEnvelopeError,
    },
    /// A document is stored under a digest that it does not have.
    #[error("the document stored as {digest} is another one")]
    Document {
        /// The digest.
        digest: Digest,
    },
}

/// What a store says of its own failure.
#[derive(Clone, Debug)]
pub struct StoreFault(Arc<dyn Error + Send + Sync>);

impl StoreFault {
    /// Returns `fault` as a cause to report.
    pub fn new(fault: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(fault.into()))
    }
}

impl fmt::Display for StoreFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Error for StoreFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
