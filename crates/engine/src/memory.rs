//! How far back a decision looks.

use aegis_policy::ScopeName;
use aegis_types::DurationMs;

use crate::decide::Attached;

/// Returns, for each scope that some rule counts calls in, the longest window.
///
/// A state that holds the calls of these scopes and windows is enough to decide.
#[must_use]
pub fn memory_needed(policies: &[Attached<'_>]) -> Vec<(ScopeName, DurationMs)> {
    let mut needed: Vec<(ScopeName, DurationMs)> = Vec::new();
    let all = policies
        .iter()
        .flat_map(|attached| attached.policy.memory());
    for (scope, window) in all {
        match needed.iter_mut().find(|(known, _)| known == scope) {
            Some((_, longest)) => *longest = (*longest).max(*window),
            None => needed.push((*scope, *window)),
        }
    }
    needed
}
