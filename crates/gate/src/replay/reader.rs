//! Reading a chain in pieces.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::ops::ControlFlow;

use aegis_log::{Log, ReadLogError};
use aegis_types::{ActionRequest, ChainId, Decision, Envelope, RequestId};

use super::ReplayError;
use super::compare::Difference;

/// How many envelopes of one chain are read at a time.
pub(super) const READ_AT_A_TIME: usize = 1_024;

/// How many envelopes of all chains are held at a time, if there are many.
const READ_AT_ALL: usize = 65_536;

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

/// Returns a reader of each of `chains`, to be read side by side.
pub(super) fn readers_of(chains: &[&ChainId]) -> Vec<Reader> {
    let at_a_time = (READ_AT_ALL / chains.len().max(1)).clamp(16, READ_AT_A_TIME);
    chains
        .iter()
        .map(|chain| Reader::new((*chain).clone(), at_a_time))
        .collect()
}

/// Hands each reader to `step` when its next envelope is the earliest of all,
/// until none is left or `step` breaks off.
pub(super) fn read_in_order(
    log: &dyn Log,
    readers: &mut [Reader],
    mut step: impl FnMut(&mut Reader) -> Result<ControlFlow<()>, ReplayError>,
) -> Result<(), ReplayError> {
    let mut order = BinaryHeap::new();
    for (index, reader) in readers.iter_mut().enumerate() {
        order.extend(reader.next_at(log)?.map(|at| Reverse((at, index))));
    }
    while let Some(Reverse((_, index))) = order.pop() {
        let Some(reader) = readers.get_mut(index) else {
            continue;
        };
        // A chain is followed as long as no other one has an earlier record.
        let limit = order.peek().map_or(i64::MAX, |Reverse((at, _))| *at);
        while let Some(at) = reader.next_at(log)? {
            if at > limit {
                order.push(Reverse((at, index)));
                break;
            }
            if step(reader)?.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}
