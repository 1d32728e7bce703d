//! How far back a decision looks.

use aegis_policy::{CallsWindow, ScopeName};
use aegis_types::DurationMs;

use crate::decide::Attached;

/// Returns, for each scope that some rule counts calls in, the longest window.
///
/// A state that holds the calls of these scopes and windows is enough to decide.
#[must_use]
pub fn memory_needed(policies: &[Attached<'_>]) -> Vec<(ScopeName, DurationMs)> {
    let scopes = [ScopeName::Session, ScopeName::Agent, ScopeName::Tenant];
    scopes
        .into_iter()
        .filter_map(|scope| {
            let longest = policies
                .iter()
                .flat_map(windows)
                .filter(|window| window.by == scope)
                .map(|window| window.per)
                .max()?;
            Some((scope, longest))
        })
        .collect()
}

fn windows<'a>(attached: &Attached<'a>) -> impl Iterator<Item = CallsWindow> + 'a {
    let policy = attached.policy.policy();
    let of_rules = policy.rules.iter().filter_map(|rule| rule.when.calls);
    let of_limits = policy.limits.iter().map(|limit| limit.calls);
    of_rules.chain(of_limits)
}
