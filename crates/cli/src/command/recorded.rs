//! Recorded requests, with the policies and the memory that decided them.

use std::sync::Arc;

use aegis_engine::{Attached, explain};
use aegis_gate::replay::state_before;
use aegis_log::{Log, Query};
use aegis_policy::{Compiled, parse_document};
use aegis_types::{ActionRequest, Decision, Envelope, Event, EventKind, PolicyRef};

use crate::command::explain as page_of;
use crate::command::log::{event, unreadable};
use crate::here::Here;
use crate::report::{Failure, Report, causes};

/// Explains the recorded decision about the request called `id`.
pub(crate) fn explained(here: &Here, id: &str, is_whole: bool) -> Result<Report, Failure> {
    let log = here.log()?;
    let (envelope, decision) = decision(&log, id)?;
    let (at, request) = request(&log, &envelope, id)?;
    let policies = decision
        .policies
        .iter()
        .map(|policy| Ok((policy, compiled(&log, policy)?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    let attached: Vec<Attached<'_>> = policies
        .iter()
        .map(|(policy, compiled)| Attached {
            policy: compiled,
            standing: policy.standing,
            only_tightens: policy.only_tightens,
        })
        .collect();
    let state = state_before(&log, &envelope.chain, at, &attached)
        .map_err(|error| Failure::environment(causes(&error)))?;
    let settings = here.gate_in_memory()?.engine_settings();
    let explanation = explain(&request, &attached, &state, &settings);
    Ok(page_of::report(&request, &attached, &explanation, is_whole))
}

/// Returns the newest decision about the request called `id`.
fn decision(log: &dyn Log, id: &str) -> Result<(Envelope, Decision), Failure> {
    let query = Query {
        kinds: &[EventKind::DecisionMade],
        subject: Some(id),
        limit: 1,
        ..Query::default()
    };
    let found = log.newest(&query).map_err(|error| unreadable(&error))?;
    match found.into_iter().next() {
        Some(envelope) => match event(&envelope)? {
            Event::DecisionMade { decision, .. } => Ok((envelope, *decision)),
            Event::ActionRequested(_)
            | Event::ApprovalRequested(_)
            | Event::ApprovalAnswered(_)
            | Event::ApprovalExpired { .. }
            | Event::OutcomeRecorded { .. }
            | Event::Observed { .. } => Err(Failure::environment(format!(
                "the record of `{id}` is no decision"
            ))),
        },
        None => Err(
            Failure::usage(format!("no decision about `{id}` is recorded"))
                .remedy("`aegis log list` shows the names of the newest requests"),
        ),
    }
}

/// Returns the request before `decided`, and its number in the chain.
fn request(log: &dyn Log, decided: &Envelope, id: &str) -> Result<(u64, ActionRequest), Failure> {
    let query = Query {
        tenant: Some(decided.chain.tenant()),
        session: decided.chain.session(),
        kinds: &[EventKind::ActionRequested],
        subject: Some(id),
        limit: usize::MAX,
        ..Query::default()
    };
    let found = log.newest(&query).map_err(|error| unreadable(&error))?;
    for envelope in found.iter().filter(|envelope| envelope.seq < decided.seq) {
        if let Event::ActionRequested(request) = event(envelope)? {
            return Ok((envelope.seq, *request));
        }
    }
    Err(Failure::environment(format!(
        "the request `{id}` is not recorded, only its decision"
    )))
}

/// Returns the policy that a decision names, made again from its document.
fn compiled(log: &dyn Log, policy: &PolicyRef) -> Result<Arc<Compiled>, Failure> {
    let document = log
        .document(&policy.digest)
        .map_err(|error| unreadable(&error))?
        .ok_or_else(|| {
            Failure::environment(format!("the policy `{}` is not in the log", policy.name))
        })?;
    let parsed = parse_document(&document).map_err(|error| Failure::environment(causes(&error)))?;
    Ok(Arc::new(Compiled::new(parsed.policy, policy.digest)))
}
