//! Finding the few rules that may hold among the many.
//!
//! A rule is filed under the tools it names and there under a condition that
//! must hold for the rule to hold: a value, a literal that its expression
//! cannot do without, a program, a part of a path, a host. Where one of several
//! members must hold, it is filed under a condition of each. Asking costs what
//! the request is large, not what the policy is long. What cannot be told of a
//! request brings up every rule that hangs on it, but for those that must be sure.

mod bucket;
mod key;
mod literals;
mod path;
mod request;
mod screen;
mod table;
mod text;

use aegis_types::DurationMs;
use serde::{Deserialize, Serialize};

use crate::rule::Policy;
use crate::when::{CallsWindow, ScopeName};

pub(crate) use request::RequestKeys;
use table::Filed;
pub(crate) use table::Table;

/// The index of a policy.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Index {
    /// Of the rules in order.
    pub(crate) ordered: Table,
    /// Of the mandatory rules.
    pub(crate) mandatory: Table,
    /// Of the limits.
    pub(crate) limits: Table,
    /// By whose calls are counted, the longest window that is counted in.
    pub(crate) memory: Vec<(ScopeName, DurationMs)>,
}

impl Index {
    /// Returns the index of `policy`.
    pub(crate) fn new(policy: &Policy) -> Self {
        let rules = || (0..).zip(&policy.rules);
        let of_rules = |is_mandatory: bool| {
            Table::new(
                rules()
                    .filter(move |(_, rule)| rule.mandatory == is_mandatory)
                    .map(|(place, rule)| Filed {
                        place,
                        matcher: &rule.matcher,
                        counts_unknown: rule.counts_unknown(),
                    }),
            )
        };
        Self {
            ordered: of_rules(false),
            mandatory: of_rules(true),
            memory: memory(policy),
            limits: Table::new((0..).zip(&policy.limits).map(|(place, limit)| Filed {
                place,
                matcher: &limit.matcher,
                counts_unknown: true,
            })),
        }
    }
}

fn memory(policy: &Policy) -> Vec<(ScopeName, DurationMs)> {
    let of_rules = policy.rules.iter().filter_map(|rule| rule.when.calls);
    let of_limits = policy.limits.iter().map(|limit| limit.calls);
    let windows: Vec<CallsWindow> = of_rules.chain(of_limits).collect();
    let longest = |scope: ScopeName| {
        let of_scope = windows.iter().filter(|window| window.by == scope);
        Some((scope, of_scope.map(|window| window.per).max()?))
    };
    [ScopeName::Session, ScopeName::Agent, ScopeName::Tenant]
        .into_iter()
        .filter_map(longest)
        .collect()
}

#[cfg(test)]
mod near_misses;
#[cfg(test)]
mod tests;
