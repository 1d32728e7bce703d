//! Requests, decisions and times in a few words.

use aegis_canon::canonical;
use aegis_types::{ActionRequest, Decision, Resource, Timestamp, Verdict};

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
