//! What an agent and its user are told about a decision.
//!
//! The text names the rule and its reason and says what can be done instead.
//! It never quotes the pattern of a rule, which would show how to get round it.
//! Of the arguments an agent, which knows them, is told only the part of a
//! command line that decided about the whole; a person who is asked is told all.

use aegis_redact::visible;
use aegis_types::{
    ActionRequest, Approval, CheckName, Decision, Finding, Obligation, Reason, Resource, Verdict,
};

/// The most characters of one text; the host cuts longer ones.
const CHARACTERS_MAX: usize = 10_000;

/// The most characters of a message that a policy holds.
const MESSAGE_CHARACTERS_MAX: usize = 2_000;

/// The room for the mark of how much was cut.
const MARK_CHARACTERS: usize = 40;

/// Returns what is said when there is no decision, because of `cause`.
pub(crate) fn cannot_decide(cause: &str) -> String {
    fit(&format!(
        "Aegis denied this: it could not decide ({}): {}. {}",
        Reason::CannotDecide,
        visible(cause, MESSAGE_CHARACTERS_MAX),
        instead(Reason::CannotDecide),
    ))
}

/// Returns what is said of an event of which nothing is recorded, because of `cause`.
pub(crate) fn not_recorded(cause: &str) -> String {
    format!("Aegis recorded nothing of this: {cause}.")
}

/// The most characters of a part of a command line.
const PART_CHARACTERS_MAX: usize = 120;

/// Returns which part of a command line decided, as a sentence; empty when it
/// is all of it, or the call as a whole.
pub(crate) fn about(request: &ActionRequest, decision: &Decision) -> String {
    let part = || {
        let commands = &request.context.plan.as_ref()?.commands;
        let Some(Resource::CommandLine(text)) = &request.resource else {
            return None;
        };
        let words = decision
            .deciding()?
            .words
            .first()
            .filter(|_| commands.len() > 1)?;
        let part = text.get(words.start as usize..words.end as usize)?;
        Some(visible(part, PART_CHARACTERS_MAX))
    };
    part().map_or_else(String::new, |part| format!(" It is about `{part}`."))
}

/// Returns what is said of a denial that is `about` some part of the call.
pub(crate) fn denied(decision: &Decision, about: &str) -> String {
    if let Some(said) = by_gate(decision) {
        return fit(&format!("Aegis denied this ({}): {said}", decision.reason));
    }
    fit(&format!(
        "Aegis denied this: {}{about}{} {}",
        source(decision),
        message(decision),
        instead(decision.reason),
    ))
}

/// Returns what is said of an allow.
pub(crate) fn allowed(decision: &Decision) -> String {
    if let Some(said) = by_gate(decision) {
        return fit(&format!("Aegis allows this ({}): {said}", decision.reason));
    }
    fit(&format!("Aegis allows this: {}", source(decision)))
}

/// Returns what the gate itself says of a decision that it made, with the rule
/// that had asked before; absent when it did not make it.
fn by_gate(decision: &Decision) -> Option<String> {
    let finding = decision
        .deciding()
        .filter(|finding| finding.check == CheckName::Gate)?;
    let said = visible(finding.message.as_deref()?, MESSAGE_CHARACTERS_MAX);
    let end = if said.ends_with('.') { "" } else { "." };
    let asked = decision
        .findings
        .iter()
        .find(|finding| finding.verdict == Verdict::Ask && finding.rule.is_some())
        .map(|finding| format!(" It was asked by {}.", origin(decision, finding)))
        .unwrap_or_default();
    Some(format!("{said}{end}{asked}"))
}

/// Returns what the person who may answer is asked.
pub(crate) fn asked(decision: &Decision, about: &str, approval: Option<&Approval>) -> String {
    question(decision, about, approval, "")
}

/// Returns what is said when an approval is needed and nobody gave it yet.
pub(crate) fn deferred(decision: &Decision, about: &str, approval: Option<&Approval>) -> String {
    let way_on = approval.map_or_else(String::new, |approval| {
        format!(
            " It can be answered with `aegis approvals approve {}`; then resume the session.",
            approval.id
        )
    });
    question(decision, about, approval, &way_on)
}

/// Returns a question, with the call last: it may be long, and the agent wrote it.
fn question(decision: &Decision, about: &str, approval: Option<&Approval>, way_on: &str) -> String {
    let risk = approval.map_or(decision.risk, |approval| approval.risk);
    let call = approval.map_or_else(String::new, |approval| {
        // The host may cut what it shows as well, so the place of the whole comes first.
        let whole = if approval.summary.contains("… (+") {
            format!(" `aegis approvals show {}` shows all of it.", approval.id)
        } else {
            String::new()
        };
        format!("{whole} The call is: {}", approval.summary)
    });
    fit(&format!(
        "Aegis asks for approval (risk {}): {}{about}{}{way_on}{call}",
        risk.as_str(),
        source(decision),
        message(decision),
    ))
}

/// Returns what is said when an obligation of an allow cannot be met here.
pub(crate) fn unmet(decision: &Decision, obligation: &Obligation) -> String {
    let what = match obligation {
        Obligation::Timeout(limit) => format!("end this after {limit}"),
        Obligation::OutputBytesMax(bytes) => format!("cut its output to {bytes} bytes"),
        Obligation::Redact(_) => "remove secrets from its output".to_owned(),
        Obligation::Sandbox(_) => "run it in a sandbox".to_owned(),
        Obligation::Notify(channel) => format!("notify `{}`", visible(channel, 100)),
    };
    fit(&format!(
        "Aegis denied this: {} allows it on a condition that this host cannot meet: {what}. \
         Do it in another way that needs no such condition, or ask the user.",
        source(decision).trim_end_matches('.'),
    ))
}

/// Returns what is said of results that were never decided.
pub(crate) fn undecided(tools: &[String]) -> String {
    let tools: Vec<String> = tools.iter().map(|tool| visible(tool, 100)).collect();
    fit(&format!(
        "Aegis found a result that it never decided ({}): {}. {}",
        Reason::UndecidedAction,
        tools.join(", "),
        instead(Reason::UndecidedAction),
    ))
}

/// Returns what is said of a change of settings that is blocked.
pub(crate) fn settings_blocked(cause: &str) -> String {
    fit(&format!(
        "Aegis blocked this change of settings: {}. The session goes on with the settings it had. \
         To change them, end the session and use `aegis uninstall` or `aegis install`.",
        visible(cause, MESSAGE_CHARACTERS_MAX),
    ))
}

/// Returns which rule or part decided, as a sentence.
fn source(decision: &Decision) -> String {
    let reason = decision.reason;
    match decision.deciding() {
        None => format!("no policy has an opinion ({reason})."),
        Some(finding) => format!("{} ({reason}).", origin(decision, finding)),
    }
}

/// Returns where a finding comes from.
fn origin(decision: &Decision, finding: &Finding) -> String {
    let policy = finding
        .policy
        .and_then(|index| decision.policies.get(usize::from(index)))
        .map(|policy| format!(" of the policy `{}`", policy.name))
        .unwrap_or_default();
    match &finding.rule {
        Some(rule) => format!("rule `{rule}`{policy}"),
        None if policy.is_empty() => subject(finding.reason).to_owned(),
        None => format!("the default{policy}"),
    }
}

/// Returns what decided, where no rule did.
const fn subject(reason: Reason) -> &'static str {
    match reason {
        Reason::CannotDecide => "it could not decide",
        Reason::ProtectedResource => "it touches what Aegis itself stands on",
        Reason::UngovernedAgent => "it would start an agent that Aegis does not govern",
        Reason::RateLimited => "too many calls in a short time",
        Reason::RuleMatched => "a rule matched",
        Reason::Tier => "the agent's tier does not reach that far",
        Reason::Default => "the policy's default",
        Reason::Fallback => "no policy has an opinion",
        Reason::ApprovalRefused => "a person refused it",
        Reason::ApprovalExpired => "nobody approved it in time",
        Reason::UndecidedAction => "it was never decided",
    }
}

/// Returns the message of what decided, labelled as what it is.
fn message(decision: &Decision) -> String {
    let Some(text) = decision
        .deciding()
        .and_then(|finding| finding.message.as_deref())
    else {
        return String::new();
    };
    let text = visible(text, MESSAGE_CHARACTERS_MAX);
    let end = if text.ends_with('.') { "" } else { "." };
    format!(" It says: “{text}”{end}")
}

/// Returns what the agent can do instead.
const fn instead(reason: Reason) -> &'static str {
    match reason {
        Reason::CannotDecide => {
            "Stop and tell the user; `aegis doctor` shows the cause. \
             Trying again helps only if it speaks of a lock."
        }
        Reason::ProtectedResource => {
            "Leave the files and commands of Aegis alone and go on with the task. If part of a \
             command could not be understood, write it plainly, with literal paths. If the task \
             is to change them, ask the user to do it."
        }
        Reason::UngovernedAgent => "Do the work in this session, or with a sub-agent of this host.",
        Reason::RateLimited => "Go on with something else, or try again later.",
        Reason::RuleMatched | Reason::Tier => {
            "Do not try the same in another form. Go on in a way that the policy allows, or ask the user."
        }
        Reason::Default | Reason::Fallback => {
            "No rule allows it. Go on in a way that the policy allows, or ask the user to allow it."
        }
        Reason::ApprovalRefused => {
            "Do not repeat it. Go on without it, or ask the user what to do."
        }
        Reason::ApprovalExpired => {
            "Go on without it, or ask the user to be there for the answer and try again."
        }
        Reason::UndecidedAction => {
            "Stop and tell the user; `aegis doctor` shows what may be wrong."
        }
    }
}

/// Cuts a text of visible characters to what the host takes.
fn fit(text: &str) -> String {
    let count = text.chars().count();
    if count <= CHARACTERS_MAX {
        return text.to_owned();
    }
    let kept: String = text
        .chars()
        .take(CHARACTERS_MAX - MARK_CHARACTERS)
        .collect();
    format!("{kept}… (+{} characters)", count - kept.chars().count())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aegis_types::Span;
    use serde_json::{Value, json};

    use super::*;

    fn protected(message: &str) -> Decision {
        let mut decision = Decision::denied_by_gate(Reason::ProtectedResource, message);
        decision.findings[0].check = CheckName::SelfProtection;
        decision
    }

    #[test]
    fn a_denial_names_its_cause_and_a_way_on() {
        assert_eq!(
            denied(&protected("it touches the log"), ""),
            "Aegis denied this: it touches what Aegis itself stands on (PROTECTED_RESOURCE). \
             It says: “it touches the log”. Leave the files and commands of Aegis alone and go on \
             with the task. If part of a command could not be understood, write it plainly, with \
             literal paths. If the task is to change them, ask the user to do it."
        );
    }

    #[test]
    fn a_denial_of_a_part_names_its_words() {
        let command = |start: u32, end: u32| {
            json!({"span": {"start": start, "end": end}, "directory": "start", "place":
                {"pipeline": 0, "position": 0, "length": 1, "condition": "always"}})
        };
        let request = |commands: &[Value]| -> ActionRequest {
            serde_json::from_value(json!({
                "call_id": "call-1",
                "at": 0,
                "principal": {"tenant": "t", "session": "s", "agent": "a"},
                "action": "shell.exec",
                "tool_name": "Bash",
                "resource": {"command_line": "ls; rm \u{202e}x"},
                "args": {},
                "context": {"plan": {"dialect": "bash", "commands": commands}},
            }))
            .unwrap()
        };
        let mut decision = protected("");
        let about = |decision: &Decision, commands: &[Value]| about(&request(commands), decision);
        assert_eq!(about(&decision, &[command(0, 2), command(4, 11)]), "");
        decision.findings[0].words = vec![Span { start: 4, end: 11 }];
        assert_eq!(about(&decision, &[command(0, 11)]), "");
        assert_eq!(
            about(&decision, &[command(0, 2), command(4, 11)]),
            " It is about `rm \\u{202e}x`."
        );
        decision.findings[0].words = vec![Span { start: 9, end: 99 }];
        assert_eq!(about(&decision, &[command(0, 2), command(4, 11)]), "");
    }

    #[test]
    fn what_the_gate_says_stands_for_itself() {
        let decision = Decision::denied_by_gate(Reason::ApprovalRefused, "ada refused this");
        assert_eq!(
            denied(&decision, ""),
            "Aegis denied this (APPROVAL_REFUSED): ada refused this."
        );
    }

    #[test]
    fn text_of_policies_is_shown_and_never_obeyed() {
        let mut decision = protected("");
        decision.reason = Reason::RuleMatched;
        let finding = decision.findings.first_mut().unwrap();
        finding.rule = Some("r-1".parse().unwrap());
        finding.message = Some(Arc::from("a\u{202e}b\n\u{1b}[2J"));
        let text = denied(&decision, "");
        assert!(text.contains("rule `r-1` (RULE_MATCHED)"), "{text}");
        assert!(text.contains("“a\\u{202e}b\\n\\u{1b}[2J”"), "{text}");
    }

    #[test]
    fn a_person_is_told_where_all_of_a_cut_call_is_shown() {
        let asked = |summary: &str| {
            let digest = "0".repeat(64);
            let approval: Approval = serde_json::from_value(json!({
                "approval_token": "apr_1", "tenant": "t", "session": "s", "call_id": "c",
                "request_digest": digest, "policy_digest": digest, "summary": summary,
                "message": null, "risk": "low", "asked_at": 0, "expires_unix_ms": 1,
                "terms": {"within": "1s", "otherwise": "deny", "approvers": 1},
            }))
            .unwrap();
            asked(&protected(""), "", Some(&approval))
        };
        assert!(asked("Bash: ls").ends_with(". The call is: Bash: ls"));
        assert!(asked("Bash: l… (+837 characters)").ends_with(
            " `aegis approvals show apr_1` shows all of it. The call is: Bash: l… (+837 characters)"
        ));
    }

    #[test]
    fn no_text_is_longer_than_the_host_takes() {
        let mut decision = protected("");
        let hidden = "\u{202e}".repeat(100_000);
        decision.findings.first_mut().unwrap().message = Some(Arc::from(hidden.as_str()));
        let cut = denied(&decision, "");
        assert!(cut.chars().count() <= CHARACTERS_MAX);
        assert!(cut.ends_with(" characters)"), "{cut}");
        let tools = vec![hidden; 100];
        assert!(undecided(&tools).chars().count() <= CHARACTERS_MAX);
    }

    #[test]
    fn every_reason_has_a_way_on() {
        for reason in Reason::ALL {
            assert!(instead(*reason).ends_with('.'), "{reason}");
        }
    }
}
