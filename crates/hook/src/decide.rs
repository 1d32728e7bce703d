//! The event that decides.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aegis_gate::{Headless, Proposal, Submitted, WaitFor};
use aegis_types::{DurationMs, Outcome, Verdict};
use serde_json::{Map, Value, json};

use crate::attendance::is_headless;
use crate::guard::DEADLINE;
use crate::input::{InputFault, count_tagged};
use crate::output::{Output, Permission, Reply};
use crate::run::Desk;
use crate::{obligation, registered, say, skill};

/// Who answers a question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asking {
    /// The user before the host, unless the risk is too great for that.
    Host,
    /// Whoever answers from elsewhere while the hook waits.
    Elsewhere,
    /// Whoever answers before the session is resumed.
    Later,
    /// Nobody.
    Nobody,
}

/// Answers a proposed call.
pub(crate) fn answer(desk: &Desk<'_>) -> Reply {
    let proposal = match proposal(desk) {
        Ok(proposal) => proposal,
        Err(fault) => return desk.guard.last_words(&fault.to_string()),
    };
    let asking = asking(desk);
    let wait = match asking {
        Asking::Host | Asking::Later => WaitFor::Later,
        Asking::Elsewhere => wait_for(patience(desk)),
        Asking::Nobody => WaitFor::Nobody,
    };
    let submitted = desk.gate.submit(&proposal, wait);
    if asking == Asking::Host
        && submitted.decision.verdict == Verdict::Ask
        && !submitted.host_may_answer()
    {
        // An answer in the host would not count, so it has to come from elsewhere.
        let patience = patience(desk);
        let submitted = desk.gate.wait_for(&proposal, submitted, patience);
        return reply(desk, Asking::Elsewhere, &submitted, &proposal);
    }
    reply(desk, asking, &submitted, &proposal)
}

/// Returns what the host proposes.
fn proposal(desk: &Desk<'_>) -> Result<Proposal, InputFault> {
    let input = desk.input;
    let params = input
        .value("tool_input")
        .cloned()
        .unwrap_or_else(|| Value::Object(Map::new()));
    Ok(Proposal {
        id: input.request()?,
        session: input.session.clone(),
        agent: None,
        subagent: input
            .text("agent_type")
            .or_else(|| input.text("agent_id"))
            .map(Arc::from),
        user: None,
        tool: input
            .text("tool_name")
            .map(Arc::from)
            .ok_or(InputFault::Missing("tool_name"))?,
        tagged: count_tagged(&params),
        params,
        directory: PathBuf::from(&input.directory),
        host_mode: input.text("permission_mode").map(str::to_owned),
        skill: skill::active(desk),
    })
}

fn asking(desk: &Desk<'_>) -> Asking {
    if !is_headless(desk.surroundings) {
        return Asking::Host;
    }
    match desk.gate.settings().headless.value {
        Headless::Wait => Asking::Elsewhere,
        Headless::Defer => Asking::Later,
        Headless::Deny => Asking::Nobody,
    }
}

/// Returns how long an answer from elsewhere is waited for, and gives the run time for it.
fn patience(desk: &Desk<'_>) -> DurationMs {
    let longest = desk.gate.settings().approval_wait_max.value;
    let host = registered::patience(desk.surroundings).saturating_sub(DEADLINE);
    let wait = longest.to_std().min(host);
    desk.guard.extend(wait);
    milliseconds(wait)
}

fn wait_for(patience: DurationMs) -> WaitFor {
    if patience.as_ms() == 0 {
        WaitFor::Nobody
    } else {
        WaitFor::Answer(patience)
    }
}

fn milliseconds(duration: Duration) -> DurationMs {
    DurationMs::from_ms(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn reply(desk: &Desk<'_>, asking: Asking, submitted: &Submitted, proposal: &Proposal) -> Reply {
    let decision = &submitted.decision;
    let about = say::about(&submitted.request, decision);
    match decision.verdict {
        Verdict::Allow => allowed(desk, submitted, proposal),
        Verdict::Deny => denied(say::denied(decision, &about)),
        Verdict::Ask => {
            let approval = submitted.approval.as_ref();
            match asking {
                Asking::Host => Reply::of(&Output::decided(
                    Permission::Ask,
                    say::asked(decision, &about, approval),
                )),
                Asking::Later => Reply::of(&Output::decided(
                    Permission::Defer,
                    say::deferred(decision, &about, approval),
                )),
                // The gate settles these; an ask that is left over is not an allow.
                Asking::Elsewhere | Asking::Nobody => denied(say::denied(decision, &about)),
            }
        }
    }
}

fn denied(reason: String) -> Reply {
    Reply::of(&Output::decided(Permission::Deny, reason))
}

/// Answers an allow: aloud when it is an opinion or an approval, and with
/// silence when only a default stands behind it, so that the host's own
/// permission flow stays.
fn allowed(desk: &Desk<'_>, submitted: &Submitted, proposal: &Proposal) -> Reply {
    let decision = &submitted.decision;
    let input = match obligation::meet(
        &decision.obligations,
        &proposal.tool,
        &proposal.params,
        proposal.tagged,
        obligation::Ending::of(desk.surroundings),
    ) {
        Ok(input) => input,
        Err(unmet) => {
            // The decision stands in the log as an allow; what follows shows
            // there that the call did not run all the same.
            let cause = json!({"cause": "an obligation cannot be met here", "obligation": unmet});
            let _ = desk.gate.record_outcome(
                &proposal.session,
                &proposal.id,
                Outcome::Prevented,
                &cause,
            );
            return denied(say::unmet(decision, unmet));
        }
    };
    let is_stated = decision.is_explicit() || submitted.approval.is_some();
    match (is_stated, input) {
        (false, None) => Reply::silent(),
        (false, changed) => Reply::of(&Output::pre_tool_use(None, None, changed)),
        (true, changed) => Reply::of(&Output::pre_tool_use(
            Some(Permission::Allow),
            Some(say::allowed(decision)),
            changed,
        )),
    }
}
