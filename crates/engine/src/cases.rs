//! Checking the cases of a policy's tests.

use std::collections::BTreeMap;

use aegis_policy::{Case, Compiled};
use aegis_types::{
    ActionRequest, Decision, EffectKind, Mode, PolicyStanding, Reason, RuleId, State, Verdict,
};

use crate::decide::{Attached, Settings};
use crate::explain::{Explanation, RuleExplanation, explain};

/// What a policy makes of a case.
#[derive(Clone, Debug)]
pub struct CheckedCase {
    /// The decision, and every rule with why it holds or not.
    pub explanation: Explanation,
    /// Where it is not what the case expects; empty when the case holds.
    pub differences: Vec<Difference>,
}

/// What a case expects and does not get.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Difference {
    /// The verdict is another one.
    Verdict {
        /// The one that is expected.
        expected: Verdict,
        /// The one that came.
        found: Verdict,
    },
    /// Another rule decides, or none.
    Rule {
        /// The one that is expected.
        expected: RuleId,
        /// The one that decides.
        found: Option<RuleId>,
    },
    /// The reason is another one.
    Reason {
        /// The one that is expected.
        expected: Reason,
        /// The one that came.
        found: Reason,
    },
    /// The call does not have an effect.
    Effect {
        /// The one that is expected.
        expected: EffectKind,
        /// Those that the call has.
        found: Vec<EffectKind>,
    },
}

/// Decides a case by `policy` alone and compares.
#[must_use]
pub fn check_case(
    policy: &Compiled,
    case: &Case,
    request: &ActionRequest,
    state: &State,
) -> CheckedCase {
    let turned = case
        .circumstances
        .mode
        .filter(|mode| *mode != policy.policy().mode)
        .map(|mode| in_mode(policy, mode));
    let policy = turned.as_ref().unwrap_or(policy);
    let explanation = explain_alone(policy, request, state);
    CheckedCase {
        differences: differences(case, request, &explanation.decision),
        explanation,
    }
}

/// Returns the policy in `mode`, whatever it says itself.
fn in_mode(policy: &Compiled, mode: Mode) -> Compiled {
    let mut other = policy.policy().clone();
    other.mode = mode;
    Compiled::new(other, policy.digest())
}

fn explain_alone(policy: &Compiled, request: &ActionRequest, state: &State) -> Explanation {
    let attached = Attached {
        policy,
        standing: PolicyStanding::Current,
        only_tightens: false,
    };
    explain(request, &[attached], state, &Settings::default())
}

fn differences(case: &Case, request: &ActionRequest, decision: &Decision) -> Vec<Difference> {
    let expected = &case.expected;
    let mut differences = Vec::new();
    if expected.verdict != decision.verdict {
        differences.push(Difference::Verdict {
            expected: expected.verdict,
            found: decision.verdict,
        });
    }
    if let Some(rule) = &expected.rule
        && !decides(rule, decision)
    {
        differences.push(Difference::Rule {
            expected: rule.clone(),
            found: decision.deciding().and_then(|it| it.rule.clone()),
        });
    }
    if let Some(reason) = expected.reason.filter(|it| *it != decision.reason) {
        differences.push(Difference::Reason {
            expected: reason,
            found: decision.reason,
        });
    }
    let mut found: Vec<EffectKind> = request.context.effects.iter().map(|it| it.kind).collect();
    found.sort_unstable();
    found.dedup();
    let missing = expected.effect.iter().filter(|it| !found.contains(it));
    differences.extend(missing.map(|effect| Difference::Effect {
        expected: *effect,
        found: found.clone(),
    }));
    differences
}

/// Returns whether `rule` decides: of several parts, one is enough.
fn decides(rule: &RuleId, decision: &Decision) -> bool {
    let Some(deciding) = decision.deciding() else {
        return false;
    };
    decision.findings.iter().any(|finding| {
        finding.rule.as_ref() == Some(rule)
            && finding.verdict == deciding.verdict
            && finding.standing == deciding.standing
            && finding.observed == deciding.observed
    })
}

/// How many calls reach each rule and limit of a policy.
#[derive(Clone, Debug, Default)]
pub struct Coverage(BTreeMap<RuleId, usize>);

impl Coverage {
    /// Counts a case for every rule that gives a finding on it.
    pub fn add_case(&mut self, explanation: &Explanation) {
        let rules = explanation.policies.iter().flat_map(|it| &it.rules);
        for rule in rules.filter(|rule| rule.speaks) {
            self.count(&rule.id);
        }
    }

    /// Counts an example that `rule` must match, unless an earlier rule decides
    /// that request.
    ///
    /// An example has no circumstances, so those of the rule do not count.
    pub fn add_example(&mut self, policy: &Compiled, rule: &RuleId, request: &ActionRequest) {
        let explanation = explain_alone(policy, request, &State::default());
        let is_shadowed = |it: &RuleExplanation| it.id == *rule && it.is_shadowed;
        let mut rules = explanation.policies.iter().flat_map(|it| &it.rules);
        if !rules.any(is_shadowed) {
            self.count(rule);
        }
    }

    /// Returns how many calls reach `rule`.
    #[must_use]
    pub fn of(&self, rule: &RuleId) -> usize {
        self.0.get(rule).copied().unwrap_or(0)
    }

    fn count(&mut self, rule: &RuleId) {
        *self.0.entry(rule.clone()).or_default() += 1;
    }
}
