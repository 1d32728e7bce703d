//! Reading a chain in pieces.

use std::collections::{BTreeMap, VecDeque};

use aegis_log::{Log, ReadLogError};
use aegis_types::{ActionRequest, ChainId, Decision, Envelope, RequestId};

use super::compare::Difference;

/// A request whose decision is awaited, or has been read.
pub(super) struct Open {
    pub(super) request: ActionRequest,
    /// The record of the request.
    pub(super) record: Envelope,
    pub(super) decision: Option<Decision>,
}

/// Reads one chain in pieces.
pub(super) struct Reader {
    chain: ChainId,
    at_a_time: usize,
    from: u64,
    pub(super) ahead: VecDeque<Envelope>,
    is_at_end: bool,
    pub(super) open: Option<Open>,
    /// Decisions that came out otherwise, until a later one explains them.
    pub(super) suspects: BTreeMap<RequestId, Difference>,
}

impl Reader {
    /// Returns a reader of `chain`, which reads so many envelopes at a time.
    pub(super) const fn new(chain: ChainId, at_a_time: usize) -> Self {
        Self {
            chain,
            at_a_time,
            from: 0,
            ahead: VecDeque::new(),
            is_at_end: false,
            open: None,
            suspects: BTreeMap::new(),
        }
    }

    /// Returns the time of the next envelope; nothing at the end.
    pub(super) fn next_at(&mut self, log: &dyn Log) -> Result<Option<i64>, ReadLogError> {
        if self.ahead.is_empty() && !self.is_at_end {
            let read = log.read(&self.chain, self.from, self.at_a_time)?;
            self.is_at_end = read.len() < self.at_a_time;
            self.from = read
                .last()
                .map_or(self.from, |last| last.seq.saturating_add(1));
            self.ahead = read.into();
        }
        Ok(self.ahead.front().map(|envelope| envelope.at.unix_ms()))
    }
}
