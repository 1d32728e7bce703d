//! One request, one decision.

use aegis_policy::{Compiled, Facts};
use aegis_types::{ActionRequest, Decision, PolicyRef, PolicyStanding, State, Verdict};

use crate::checks::{self, Question};
use crate::combine::{combine, verdicts};

/// A policy attached beside others.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'a> {
    /// The policy.
    pub policy: &'a Compiled,
    /// Whether it is the one that its file holds.
    pub standing: PolicyStanding,
    /// Whether its allows count for nothing, because nobody trusted it.
    pub only_tightens: bool,
}

impl Attached<'_> {
    /// Returns whether `verdict` counts as an opinion of the policy.
    pub(crate) const fn counts(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Allow => !self.only_tightens,
            Verdict::Ask | Verdict::Deny => true,
        }
    }
}

/// What decides when no policy has an opinion.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fallback {
    /// The action is denied.
    #[default]
    Deny,
    /// Nothing is said, and the agent's host decides by its own rules.
    Host,
}

/// What the user decides once for all requests.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// What decides when no policy has an opinion.
    pub fallback: Fallback,
}

/// Decides `request`.
///
/// Each check and each attached policy gives its findings; the strictest
/// explicit one decides, and defaults only when nothing is explicit.
#[must_use]
pub fn decide(
    request: &ActionRequest,
    policies: &[Attached<'_>],
    state: &State,
    settings: &Settings,
) -> Decision {
    let question = Question {
        facts: Facts::new(request),
        policies,
        state,
    };
    let found = checks::assess(&question);
    let mut decision = combine(found, question.facts.part_count(), settings.fallback);
    decision.policies = policies
        .iter()
        .map(|attached| PolicyRef {
            name: attached.policy.name().clone(),
            digest: attached.policy.digest(),
            standing: attached.standing,
            only_tightens: attached.only_tightens,
        })
        .collect();
    decision
}

/// Returns the parts of `request` about which a person is asked.
#[must_use]
pub fn asked_parts(
    request: &ActionRequest,
    policies: &[Attached<'_>],
    state: &State,
    settings: &Settings,
) -> Vec<usize> {
    let question = Question {
        facts: Facts::new(request),
        policies,
        state,
    };
    let found = checks::assess(&question);
    let each = verdicts(&found, question.facts.part_count(), settings.fallback);
    let asked = (0..).zip(each).filter(|(_, it)| *it == Verdict::Ask);
    asked.map(|(part, _)| part).collect()
}
