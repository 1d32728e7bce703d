//! What became of calls, and results that nobody decided.

use aegis_gate::Belongs;
use aegis_log::Query;
use aegis_types::{EventKind, Outcome, RequestId};
use serde_json::{Value, json};

use crate::event::HookEvent;
use crate::output::{Output, Reply};
use crate::run::Desk;
use crate::{observe, say, skill};

/// How many records of a turn are looked through for results without a decision.
const TURN_RECORDS_MAX: usize = 256;

/// How the host begins and ends a result that it gives without running the
/// tool and without running any hook: an unknown tool, an invalid input, a
/// path that its own rules deny.
const NOT_RUN: (&str, &str) = ("<tool_use_error>", "</tool_use_error>");

/// Records what became of one call.
pub(crate) fn record(desk: &Desk<'_>) -> Reply {
    let Ok(request) = desk.input.request() else {
        return Reply::silent();
    };
    let input = desk.input;
    let (outcome, content) = match input.event {
        Some(HookEvent::PostToolUseFailure) => {
            let detail = json!({
                "error": input.value("error"),
                "is_interrupt": input.value("is_interrupt"),
                "duration_ms": input.value("duration_ms"),
            });
            (Outcome::Failed, detail)
        }
        Some(_) | None => {
            let response = input.value("tool_response").cloned();
            (Outcome::Completed, response.unwrap_or(Value::Null))
        }
    };
    let recorded = desk
        .gate
        .record_outcome(&input.session, &request, outcome, &content);
    if outcome == Outcome::Completed && input.text("tool_name") == Some(skill::TOOL) {
        let name = input
            .value("tool_input")
            .and_then(|params| params.get("skill"));
        if let Some(name) = name.and_then(Value::as_str) {
            skill::begin(desk, name, "tool");
        }
    }
    match recorded {
        Ok(Belongs::ToNothing) => Reply::of(&Output::told(say::undecided(&[tool_of(
            input.value("tool_name"),
        )]))),
        Ok(Belongs::ToDecision) | Err(_) => Reply::silent(),
    }
}

/// Records the end of a batch, and ends the agent's loop when it holds results
/// that nobody decided.
pub(crate) fn answer_batch(desk: &Desk<'_>) -> Reply {
    let calls = desk.input.list("tool_calls");
    let named: Vec<(RequestId, &Value)> = calls
        .iter()
        .filter_map(|call| Some((call.get("tool_use_id")?.as_str()?.parse().ok()?, call)))
        .collect();
    let ids: Vec<&str> = named.iter().map(|(id, _)| id.as_str()).collect();
    observe::append(
        desk,
        EventKind::BatchCompleted,
        None,
        json!({ "calls": ids }),
    );
    let ran: Vec<RequestId> = named
        .iter()
        .filter(|(_, call)| !is_refused_unseen(call))
        .map(|(id, _)| id.clone())
        .collect();
    let missing = desk
        .gate
        .undecided(&desk.input.session, &ran)
        .unwrap_or_default();
    let tools: Vec<String> = named
        .iter()
        .filter(|(id, _)| missing.contains(id) || is_known(desk, id))
        .map(|(_, call)| tool_of(call.get("tool_name")))
        .collect();
    desk.gate.maintain_log();
    if tools.is_empty() {
        Reply::silent()
    } else {
        Reply::of(&Output::blocked(say::undecided(&tools)))
    }
}

/// Records the end of a turn, and tells the person of results that nobody decided.
///
/// It never blocks: that would make the agent go on.
pub(crate) fn answer_stop(desk: &Desk<'_>, event: HookEvent) -> Reply {
    let found = in_this_turn(desk);
    observe::record(desk, event);
    desk.gate.maintain_log();
    if found.is_empty() {
        Reply::silent()
    } else {
        Reply::of(&Output::told(say::undecided(&found)))
    }
}

/// Returns whether the host gave the result without running tool or hook.
///
/// A tool that ran had its own event, whatever its result looks like, and is
/// found by that.
fn is_refused_unseen(call: &Value) -> bool {
    call.get("tool_response")
        .and_then(Value::as_str)
        .is_some_and(|text| text.starts_with(NOT_RUN.0) && text.trim_end().ends_with(NOT_RUN.1))
}

/// Returns whether the log says that nothing let the call happen.
fn is_known(desk: &Desk<'_>, request: &RequestId) -> bool {
    let query = Query {
        tenant: Some(&desk.gate.settings().tenant.value),
        session: Some(&desk.input.session),
        kinds: &[EventKind::UndecidedActionFound],
        subject: Some(request.as_str()),
        since: None,
        limit: 1,
    };
    desk.gate
        .log()
        .newest(&query)
        .is_ok_and(|found| !found.is_empty())
}

/// Returns the calls of this turn that nothing let happen.
fn in_this_turn(desk: &Desk<'_>) -> Vec<String> {
    let query = Query {
        tenant: Some(&desk.gate.settings().tenant.value),
        session: Some(&desk.input.session),
        kinds: &[EventKind::UndecidedActionFound, EventKind::TurnEnded],
        subject: None,
        since: None,
        limit: TURN_RECORDS_MAX,
    };
    let records = desk.gate.log().newest(&query).unwrap_or_default();
    records
        .iter()
        .take_while(|record| record.kind == EventKind::UndecidedActionFound)
        .filter_map(|record| record.subject.clone())
        .collect()
}

fn tool_of(name: Option<&Value>) -> String {
    name.and_then(Value::as_str).unwrap_or("?").to_owned()
}
