//! What stood in the log before a request.

use std::ops::ControlFlow;

use aegis_engine::{Attached, reduce};
use aegis_log::Log;
use aegis_types::{ChainId, Envelope, State};

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

/// Hands every record of `chains` to `visit`, with the state that stands before
/// it, as a replay with `policies` counts it.
///
/// The chains are read one after the other, or in the order of time if a policy
/// counts calls of one session in another.
///
/// # Errors
///
/// [`ReplayError`] when the log cannot be read.
pub fn visit_records(
    log: &dyn Log,
    chains: &[ChainId],
    policies: &[Attached<'_>],
    mut visit: impl FnMut(&Envelope, &State),
) -> Result<(), ReplayError> {
    let sessions = chains.iter().filter(|chain| chain.session().is_some());
    let sessions: Vec<&ChainId> = sessions.collect();
    let at_once = match cross_sessions(policies) {
        true => sessions.len(),
        false => 1,
    };
    for together in sessions.chunks(at_once.max(1)) {
        let mut state = State::default();
        read_in_order(log, &mut readers_of(together), |reader| {
            if let Some(envelope) = reader.ahead.pop_front() {
                visit(&envelope, &state);
                reduce(&mut state, &envelope);
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(())
}
