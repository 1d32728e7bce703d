//! Recomputing one chain, whatever store it is in.

use aegis_canon::Digest;
use aegis_types::{ChainId, Envelope, EventKind, Head};
use serde::Deserialize as _;

use super::report::Fault;
use crate::heads::{HeadsMoved, MovedHead};
use crate::log::{Log, ReadLogError};

/// How many records are read at a time.
const READ_MAX: usize = 64;

/// Recomputes every hash and link of `chain`, the end against the chain of
/// heads, and hands each envelope to `visit`.
///
/// Returns the first fault, if there is one. What is appended meanwhile is not
/// looked at.
///
/// # Errors
///
/// [`ReadLogError`] when the records cannot be read. A record that does not
/// read as an envelope is a fault.
pub fn verify_chain(
    log: &dyn Log,
    chain: &ChainId,
    mut visit: impl FnMut(&Envelope),
) -> Result<Option<Fault>, ReadLogError> {
    let head = log.head(chain)?;
    let mut end = Head::default();
    while end.next < head.next {
        let left = usize::try_from(head.next - end.next).unwrap_or(READ_MAX);
        let envelopes = match log.read(chain, end.next, left.min(READ_MAX)) {
            Ok(envelopes) => envelopes,
            Err(ReadLogError::Envelope { seq, source }) => {
                let (chain, cause) = (chain.clone(), source);
                return Ok(Some(Fault::Unreadable { chain, seq, cause }));
            }
            Err(error) => return Err(error),
        };
        if envelopes.is_empty() {
            let (chain, from, to) = (chain.clone(), end.next, head.next - 1);
            return Ok(Some(Fault::TailMissing { chain, from, to }));
        }
        for envelope in &envelopes {
            if let Some(fault) = follow(chain, &mut end, envelope) {
                return Ok(Some(fault));
            }
            visit(envelope);
        }
    }
    agrees_with_heads(log, chain, end)
}

/// Moves `end` past `envelope`, or returns what is wrong with it.
fn follow(chain: &ChainId, end: &mut Head, envelope: &Envelope) -> Option<Fault> {
    let (chain, seq) = (chain.clone(), envelope.seq);
    if seq != end.next {
        let (from, to) = (end.next, seq.saturating_sub(1));
        return Some(Fault::Missing { chain, from, to });
    }
    if envelope.chain != chain {
        return Some(Fault::Misplaced {
            of_chain: envelope.chain.clone(),
            of_seq: seq,
            chain,
            seq,
        });
    }
    if Digest::of(&envelope.bytes()) != envelope.hash {
        return Some(Fault::Edited { chain, seq });
    }
    if envelope.previous != end.hash {
        return Some(Fault::Unlinked { chain, seq });
    }
    *end = Head {
        next: seq.saturating_add(1),
        hash: Some(envelope.hash),
    };
    None
}

/// Checks that the chain of heads names `end`, or a record behind it that is there.
fn agrees_with_heads(
    log: &dyn Log,
    chain: &ChainId,
    end: Head,
) -> Result<Option<Fault>, ReadLogError> {
    let Some(last) = end.next.checked_sub(1) else {
        return Ok(None);
    };
    let chain = chain.clone();
    let Some(named) = named_head(log, &chain)? else {
        let (from, to) = (0, last);
        return Ok(Some(Fault::Unlisted { chain, from, to }));
    };
    if named.seq < last {
        let (from, to) = (named.seq.saturating_add(1), last);
        return Ok(Some(Fault::Unlisted { chain, from, to }));
    }
    let found = log.read(&chain, named.seq, 1)?;
    let Some(found) = found.first().filter(|found| found.seq == named.seq) else {
        let (from, to) = (end.next, named.seq);
        return Ok(Some(Fault::TailMissing { chain, from, to }));
    };
    let (seq, expected) = (named.seq, named.hash);
    let is_replaced = found.hash != expected;
    Ok(is_replaced.then_some(Fault::Replaced {
        chain,
        seq,
        expected,
    }))
}

/// Returns what the chain of heads says last of the end of `chain`.
fn named_head(log: &dyn Log, chain: &ChainId) -> Result<Option<MovedHead>, ReadLogError> {
    let heads = ChainId::Heads {
        tenant: chain.tenant().clone(),
    };
    let mut end = log.head(&heads)?.next;
    while end > 0 {
        let start = end.saturating_sub(READ_MAX as u64);
        let limit = usize::try_from(end - start).unwrap_or(READ_MAX);
        let records = log.read(&heads, start, limit)?;
        let moves = records
            .iter()
            .rev()
            .filter(|record| record.kind == EventKind::HeadsMoved)
            .filter_map(|record| HeadsMoved::deserialize(record.payload.value()).ok());
        for heads in moves {
            let mut moved = heads.moved.into_iter();
            if let Some(named) = moved.find(|moved| chain.session() == Some(&moved.session)) {
                return Ok(Some(named));
            }
        }
        end = start;
    }
    Ok(None)
}
