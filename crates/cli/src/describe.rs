//! Requests, decisions and times in a few words.

use aegis_canon::canonical;
use aegis_redact::visible;
use aegis_types::{
    Access, ActionRequest, Decision, Obligation, RedactScope, Resource, SandboxScope, Timestamp,
    UnknownCause, Verdict,
};
use serde_json::{Value, json};

use crate::page::TEXT_CHARS_MAX;

/// Returns what a request would do, in one line.
pub(crate) fn request(request: &ActionRequest) -> String {
    match &request.resource {
        Some(
            Resource::CommandLine(text)
            | Resource::Path(text)
            | Resource::Url(text)
            | Resource::Server(text)
            | Resource::Named(text),
        ) => text.clone(),
        None => String::from_utf8_lossy(&canonical(&request.params)).into_owned(),
    }
}

/// Returns what a request would do, cut to `chars` characters for a list.
pub(crate) fn summary(wanted: &ActionRequest, chars: usize) -> String {
    cut(&request(wanted), chars)
}

/// Returns `text` as it may be shown, cut to `chars` characters.
pub(crate) fn cut(text: &str, chars: usize) -> String {
    let shown = visible(text, TEXT_CHARS_MAX);
    if shown.chars().count() <= chars {
        return shown;
    }
    let kept = chars.saturating_sub(1);
    shown.chars().take(kept).chain(['…']).collect()
}

/// Returns a number with the noun that belongs to it.
pub(crate) fn count(number: impl TryInto<u64>, one: &str, many: &str) -> String {
    match number.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    }
}

/// Returns in which ways something is touched.
pub(crate) fn access(access: Access) -> String {
    let ways = [
        (access.read, "read"),
        (access.write, "write"),
        (access.delete, "delete"),
        (access.execute, "execute"),
    ];
    let named: Vec<&str> = ways
        .into_iter()
        .filter_map(|(is_given, name)| is_given.then_some(name))
        .collect();
    named.join(", ")
}

/// Returns why part of a command line is unknown.
pub(crate) fn unknown(cause: &UnknownCause) -> String {
    match cause {
        UnknownCause::Variable(name) => format!("the value of `${name}`"),
        UnknownCause::Found => "what `find` comes upon".to_owned(),
        UnknownCause::Output => "the output of a command".to_owned(),
        UnknownCause::Branch => "the name of the present branch".to_owned(),
        UnknownCause::Settings => "settings that a program prints".to_owned(),
        UnknownCause::Arithmetic => "the value of an arithmetic expression".to_owned(),
        UnknownCause::Expansion => "the value of an expansion".to_owned(),
        UnknownCause::Code(program) => format!("what the code given to `{program}` does"),
        UnknownCause::Program => "which program runs".to_owned(),
        UnknownCause::Syntax => "a part that is not well formed".to_owned(),
        UnknownCause::Construct(name) => format!("the construct `{name}`"),
        UnknownCause::TooComplex => {
            "a part beyond what is looked at: too long, deep or wide".to_owned()
        }
    }
}

/// Returns what an edge must do for an allow to hold.
pub(crate) fn obligation(obligation: &Obligation) -> String {
    match obligation {
        Obligation::Timeout(after) => format!("it is stopped after {after}"),
        Obligation::OutputBytesMax(bytes) => format!("its output is cut to {bytes} bytes"),
        Obligation::Redact(RedactScope::Secrets) => {
            "secrets are removed from its output".to_owned()
        }
        Obligation::Redact(RedactScope::Personal) => {
            "secrets and personal data are removed from its output".to_owned()
        }
        Obligation::Sandbox(SandboxScope::Workspace) => {
            "it runs in a sandbox that holds the working directory".to_owned()
        }
        Obligation::Sandbox(SandboxScope::Offline) => {
            "it runs in a sandbox without a network".to_owned()
        }
        Obligation::Notify(channel) => format!("`{channel}` is told"),
    }
}

/// Returns the cause of a decision: its reason, and the rule if one decided.
pub(crate) fn cause(decision: &Decision) -> String {
    let rule = decision
        .deciding()
        .and_then(|finding| finding.rule.as_ref());
    match rule {
        Some(rule) => format!("{} {rule}", decision.reason),
        None => decision.reason.to_string(),
    }
}

/// Returns the name of the policy whose finding decided, if one did.
pub(crate) fn policy(decision: &Decision) -> Option<&str> {
    let index = decision.deciding()?.policy?;
    Some(decision.policies.get(usize::from(index))?.name.as_str())
}

/// Returns a decision for programs: what was decided, and by which rule.
pub(crate) fn decision(decision: &Decision) -> Value {
    json!({
        "verdict": decision.verdict,
        "reason": decision.reason,
        "rule": decision.deciding().and_then(|finding| finding.rule.as_ref()),
        "policy": policy(decision),
    })
}

/// Returns a point in time to the second, UTC.
pub(crate) fn time(at: Timestamp) -> String {
    let shown = jiff::Timestamp::from_millisecond(at.unix_ms())
        .map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    shown.unwrap_or_else(|_| format!("{} ms", at.unix_ms()))
}

/// Returns the sign that stands before a line with this verdict.
pub(crate) const fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "✓",
        Verdict::Ask => "?",
        Verdict::Deny => "✗",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_to_what_a_column_holds_and_no_shorter() {
        assert_eq!(cut("four", 4), "four");
        assert_eq!(cut("fives", 4), "fiv…");
        assert_eq!(cut("a\nb", 4), "a\\nb");
        assert_eq!(cut("ab\nb", 4), "ab\\…");
    }

    #[test]
    fn one_is_no_plural() {
        let sessions = |number: u64| count(number, "session", "sessions");
        assert_eq!(
            [sessions(0), sessions(1), sessions(2)],
            ["0 sessions", "1 session", "2 sessions"]
        );
    }

    #[test]
    fn a_time_is_shown_to_the_second_in_utc() {
        assert_eq!(
            time(Timestamp::from_unix_ms(1_700_000_000_000)),
            "2023-11-14 22:13:20"
        );
        assert_eq!(
            time(Timestamp::from_unix_ms(i64::MAX)),
            format!("{} ms", i64::MAX)
        );
    }
}
