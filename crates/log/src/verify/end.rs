//! Looking at the end of a chain, where that is enough.

use aegis_canon::Digest;

use super::report::Fault;
use crate::log::{ChainSummary, Log, ReadLogError};
use crate::prune::Cuts;

/// Recomputes the last `records` records of a chain, and returns the first
/// fault found there.
///
/// This is quick however long the chain is, and says nothing of what comes before.
///
/// # Errors
///
/// [`ReadLogError`] when the records cannot be read.
pub fn verify_end(
    log: &dyn Log,
    summary: &ChainSummary,
    records: usize,
) -> Result<Option<Fault>, ReadLogError> {
    let chain = &summary.chain;
    let from = summary.head.next.saturating_sub(records as u64);
    // What is appended meanwhile is not looked at.
    let limit = usize::try_from(summary.head.next - from).unwrap_or(records);
    let envelopes = log.read(chain, from, limit)?;
    let mut expected = from;
    let mut previous = None;
    if envelopes.first().is_some_and(|first| first.seq > from) {
        let bounds = Cuts::of(log, chain.tenant())?.bounds(chain);
        if let (Some(gone), Some(first)) = (bounds.gone, envelopes.first()) {
            (expected, previous) = if bounds.lacks(first.seq) {
                (first.seq, first.previous)
            } else {
                (gone.seq.saturating_add(1), Some(gone.hash))
            };
        }
    }
    for envelope in &envelopes {
        let seq = envelope.seq;
        let chain = chain.clone();
        if seq != expected {
            let to = seq.saturating_sub(1);
            let from = expected;
            return Ok(Some(Fault::Missing { chain, from, to }));
        }
        if Digest::of(&envelope.bytes()) != envelope.hash {
            return Ok(Some(Fault::Edited { chain, seq }));
        }
        if previous.is_some() && envelope.previous != previous {
            return Ok(Some(Fault::Unlinked { chain, seq }));
        }
        previous = Some(envelope.hash);
        expected = seq.saturating_add(1);
    }
    let (chain, last) = (chain.clone(), summary.head.next.saturating_sub(1));
    if expected < summary.head.next {
        let (from, to) = (expected, last);
        return Ok(Some(Fault::TailMissing { chain, from, to }));
    }
    let is_last = previous == summary.head.hash;
    Ok((!is_last).then_some(Fault::Edited { chain, seq: last }))
}
