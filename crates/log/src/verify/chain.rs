//! Recomputing one chain, whatever store it is in.

use aegis_canon::Digest;
use aegis_types::{ChainId, Envelope, EventKind, Head};
use serde::Deserialize as _;

use super::report::Fault;
use crate::heads::HeadsMoved;
use crate::log::{Log, ReadLogError};
use crate::prune::{Bounds, Cut, Cuts};

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
    let cuts = Cuts::of(log, chain.tenant())?;
    let bounds = cuts.bounds(chain);
    let mut end = beginning(log, chain, bounds)?;
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
            if let Some(fault) = follow(chain, bounds, &mut end, envelope) {
                return Ok(Some(fault));
            }
            visit(envelope);
        }
    }
    agrees_with_heads(log, chain, &cuts, end)
}

/// Returns where `chain` begins: behind what was pruned, or what is left of it.
fn beginning(log: &dyn Log, chain: &ChainId, bounds: Bounds) -> Result<Head, ReadLogError> {
    let Some(gone) = bounds.gone else {
        return Ok(Head::default());
    };
    let first = log.read(chain, 0, 1)?.into_iter().next();
    Ok(match first.filter(|first| bounds.lacks(first.seq)) {
        // It links up to what is known of its end.
        Some(first) => Head {
            next: first.seq,
            hash: first.previous,
        },
        None => Head {
            next: gone.seq.saturating_add(1),
            hash: Some(gone.hash),
        },
    })
}

/// Moves `end` past `envelope`, or returns what is wrong with it.
fn follow(chain: &ChainId, bounds: Bounds, end: &mut Head, envelope: &Envelope) -> Option<Fault> {
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
    if let Some(expected) = bounds.hash_of(seq).filter(|known| *known != envelope.hash) {
        return Some(Fault::Replaced {
            chain,
            seq,
            expected,
        });
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
    cuts: &Cuts,
    end: Head,
) -> Result<Option<Fault>, ReadLogError> {
    let Some(last) = end.next.checked_sub(1) else {
        return Ok(None);
    };
    let chain = chain.clone();
    let Some(named) = named_head(log, &chain, cuts)? else {
        let (from, to) = (0, last);
        return Ok(Some(Fault::Unlisted { chain, from, to }));
    };
    if named.seq < last {
        let (from, to) = (named.seq.saturating_add(1), last);
        return Ok(Some(Fault::Unlisted { chain, from, to }));
    }
    if cuts.bounds(&chain).lacks(named.seq) && named.seq == last {
        // It ended there, and its end was compared where it is known.
        return Ok(None);
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

/// Returns what the chain of heads says last of the end of `chain`, or what
/// the records of pruning say that it had said.
fn named_head(log: &dyn Log, chain: &ChainId, cuts: &Cuts) -> Result<Option<Cut>, ReadLogError> {
    let heads = ChainId::Heads {
        tenant: chain.tenant().clone(),
    };
    let gone = cuts.bounds(&heads).gone;
    let begun = gone.map_or(0, |gone| gone.seq.saturating_add(1));
    let mut end = log.head(&heads)?.next;
    while end > begun {
        let start = end.saturating_sub(READ_MAX as u64).max(begun);
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
                return Ok(Some(Cut::from(&named)));
            }
        }
        end = start;
    }
    Ok(cuts.bounds(chain).last())
}
