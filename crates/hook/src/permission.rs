//! The host's own question for permission.
//!
//! It is never answered by an allow. It is refused when the same call was
//! denied before: the host should not have come this far.

use aegis_log::Query;
use aegis_types::{Decision, Event, EventKind, Verdict};
use serde_json::Value;

use crate::event::HookEvent;
use crate::output::{Output, Reply};
use crate::run::Desk;
use crate::{observe, say};

/// How many of the newest requests are looked at.
const REQUESTS_MAX: usize = 64;

/// Answers the host's question.
pub(crate) fn answer(desk: &Desk<'_>) -> Reply {
    observe::record(desk, HookEvent::PermissionRequest);
    match decision(desk) {
        Some(decision) if decision.verdict == Verdict::Deny => {
            Reply::of(&Output::refused(say::denied(&decision, "")))
        }
        Some(_) | None => Reply::silent(),
    }
}

/// Returns the decision about the call in question, which the host does not name.
fn decision(desk: &Desk<'_>) -> Option<Decision> {
    let tool = desk.input.text("tool_name")?;
    let params = desk.input.value("tool_input")?;
    let query = Query {
        tenant: Some(&desk.gate.settings().tenant.value),
        session: Some(&desk.input.session),
        kinds: &[EventKind::ActionRequested],
        subject: None,
        since: None,
        limit: REQUESTS_MAX,
    };
    let requests = desk.gate.log().newest(&query).ok()?;
    let request = requests.iter().find(|request| {
        request.payload.get("tool_name").and_then(Value::as_str) == Some(tool)
            && request.payload.get("args") == Some(params)
    })?;
    last_decision(desk, request.subject.as_deref()?)
}

/// Returns the last decision about the request called `request`.
pub(crate) fn last_decision(desk: &Desk<'_>, request: &str) -> Option<Decision> {
    let query = Query {
        tenant: Some(&desk.gate.settings().tenant.value),
        session: Some(&desk.input.session),
        kinds: &[EventKind::DecisionMade],
        subject: Some(request),
        since: None,
        limit: 1,
    };
    let found = desk.gate.log().newest(&query).ok()?.into_iter().next()?;
    match Event::from_recorded(found.kind, found.subject.as_deref(), &found.payload).ok()? {
        Event::DecisionMade { decision, .. } => Some(*decision),
        Event::ActionRequested(_)
        | Event::ApprovalRequested(_)
        | Event::ApprovalAnswered(_)
        | Event::ApprovalExpired { .. }
        | Event::OutcomeRecorded { .. }
        | Event::Observed { .. } => None,
    }
}
