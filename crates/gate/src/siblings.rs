//! Actions of the same session that were allowed and have not ended.
//!
//! An agent's host may run several actions of one message at the same time. A
//! link that one of them is about to make may lead another one's write
//! elsewhere. So each request is resolved against the links that pending ones
//! plan, and a request that plans links is also judged by what it does to the
//! writes that are pending. Requests of one session are recorded one after the
//! other, so of two such actions the later one always sees the earlier.

use aegis_log::{Query, ReadLogError};
use aegis_types::{ActionRequest, DurationMs, EventKind, RequestId, SessionId, Timestamp, Verdict};
use serde::Deserialize as _;
use serde_json::Value;

use crate::gate::Gate;
use crate::gather::tool::{Subject, tool};
use crate::proposal::Proposal;

/// How long an action without an outcome counts as pending.
const PENDING_FOR: DurationMs = DurationMs::from_secs(600);

/// How many records are looked through.
const RECORDS_MAX: usize = 512;

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
    let records = gate.log().newest(&Query {
        tenant: Some(&gate.settings().tenant.value),
        session: Some(session),
        kinds: &[
            EventKind::ActionRequested,
            EventKind::DecisionMade,
            EventKind::OutcomeRecorded,
        ],
        subject: None,
        since: Some(now.minus(PENDING_FOR)),
        limit: RECORDS_MAX,
    })?;
    let mut over: Vec<&str> = vec![own.as_str()];
    let mut let_happen: Vec<&str> = Vec::new();
    let mut pending = Vec::new();
    for record in &records {
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
