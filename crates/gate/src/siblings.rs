//! Actions of the same session that were allowed and have not ended.
//!
//! An agent's host may run several actions of one message at the same time. A
//! link that one of them is about to make may lead another one's write
//! elsewhere. So each request is resolved against the links that pending ones
//! plan, and a request that plans links is also judged by what it does to the
//! writes that are pending. Requests of one session are recorded one after the
//! other, so of two such actions the later one always sees the earlier.
//!
//! Nothing is pending any more when the host says that a batch, a turn or a
//! prompt begins or ends. A command that the host leaves running in the
//! background has ended by then as far as it tells.

use aegis_log::{Query, ReadLogError};
use aegis_types::{
    ActionRequest, DurationMs, Envelope, EventKind, RequestId, SessionId, Timestamp, Verdict,
};
use serde::Deserialize as _;
use serde_json::Value;

use crate::gate::Gate;
use crate::gather::tool::{Subject, tool};
use crate::proposal::Proposal;

/// How long an action without an outcome counts as pending.
const PENDING_FOR: DurationMs = DurationMs::from_secs(600);

/// How many records are looked through: at first, and if none of them is a
/// boundary before which nothing is pending.
const RECORDS_FIRST: usize = 12;
const RECORDS_MAX: usize = 512;

/// What is looked for.
const KINDS: [EventKind; 7] = [
    EventKind::ActionRequested,
    EventKind::DecisionMade,
    EventKind::OutcomeRecorded,
    EventKind::BatchCompleted,
    EventKind::TurnEnded,
    EventKind::PromptSubmitted,
    EventKind::SessionStarted,
];

/// Returns whether what others plan matters to a proposal.
pub(crate) fn matter(proposal: &Proposal) -> bool {
    match tool(&proposal.tool).subject {
        Subject::Path(_) | Subject::CommandLine(_) | Subject::Server | Subject::None => true,
        Subject::PowerShell(_) | Subject::Url(_) | Subject::Named(_) => false,
    }
}

/// Returns the requests of `session` that were let happen and have not ended.
pub(crate) fn pending(
    gate: &Gate,
    session: &SessionId,
    own: &RequestId,
    now: Timestamp,
) -> Result<Vec<ActionRequest>, ReadLogError> {
    // The batch of one agent ends while another one's is underway.
    let subagents = [EventKind::SubagentStarted, EventKind::SubagentStopped];
    let is_shared = !newest(gate, session, now, &subagents, 1)?.is_empty();
    let is_boundary = |record: &Envelope| ends_all(record.kind, is_shared);
    let mut records = newest(gate, session, now, &KINDS, RECORDS_FIRST)?;
    if records.len() == RECORDS_FIRST && !records.iter().any(is_boundary) {
        records = newest(gate, session, now, &KINDS, RECORDS_MAX)?;
    }
    let since_boundary = records.iter().take_while(|record| !is_boundary(record));
    let mut over: Vec<&str> = vec![own.as_str()];
    let mut let_happen: Vec<&str> = Vec::new();
    let mut pending = Vec::new();
    for record in since_boundary {
        let Some(subject) = record.subject.as_deref() else {
            continue;
        };
        if over.contains(&subject) {
            continue;
        }
        if record.kind == EventKind::OutcomeRecorded {
            over.push(subject);
        } else if record.kind == EventKind::DecisionMade {
            let verdict = record.payload.get("verdict").and_then(Value::as_str);
            if verdict == Some(Verdict::Deny.as_str()) {
                over.push(subject);
            } else {
                let_happen.push(subject);
            }
        } else if let_happen.contains(&subject) {
            over.push(subject);
            // What cannot be read back plans nothing that could be told.
            pending.extend(ActionRequest::deserialize(&record.payload));
        }
    }
    pending.reverse();
    Ok(pending)
}

fn newest(
    gate: &Gate,
    session: &SessionId,
    now: Timestamp,
    kinds: &[EventKind],
    limit: usize,
) -> Result<Vec<Envelope>, ReadLogError> {
    gate.log().newest(&Query {
        tenant: Some(&gate.settings().tenant.value),
        session: Some(session),
        kinds,
        subject: None,
        since: Some(now.minus(PENDING_FOR)),
        limit,
    })
}

/// Returns whether everything that was asked for before such a record has ended.
fn ends_all(kind: EventKind, is_shared: bool) -> bool {
    matches!(
        kind,
        EventKind::TurnEnded | EventKind::PromptSubmitted | EventKind::SessionStarted
    ) || (kind == EventKind::BatchCompleted && !is_shared)
}
