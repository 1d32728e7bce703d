//! What stood in the log before a request.

use std::ops::ControlFlow;

use aegis_engine::{Attached, reduce};
use aegis_log::Log;
use aegis_types::{ChainId, State};

use super::ReplayError;
use super::player::cross_sessions;
use super::reader::{read_in_order, readers_of};

/// Returns the state that the request with the number `seq` of `chain` was
/// decided with by `policies`, as a replay counts it.
///
/// Other chains of the tenant are read only if a policy counts their calls.
///
/// # Errors
///
/// [`ReplayError`] when the log cannot be read.
pub fn state_before(
    log: &dyn Log,
    chain: &ChainId,
    seq: u64,
    policies: &[Attached<'_>],
) -> Result<State, ReplayError> {
    let all: Vec<ChainId> = if cross_sessions(policies) {
        let summaries = log.chains()?.into_iter();
        summaries
            .map(|summary| summary.chain)
            .filter(|other| other.tenant() == chain.tenant() && other.session().is_some())
            .collect()
    } else {
        vec![chain.clone()]
    };
    let mut readers = readers_of(&all.iter().collect::<Vec<_>>());
    let mut state = State::default();
    read_in_order(log, &mut readers, |reader| {
        if let Some(envelope) = reader.ahead.pop_front() {
            if envelope.chain == *chain && envelope.seq >= seq {
                return Ok(ControlFlow::Break(()));
            }
            reduce(&mut state, &envelope);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(state)
}
