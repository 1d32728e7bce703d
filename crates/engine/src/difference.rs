//! How two policies differ in what they decide.

use std::cmp::Ordering;

use aegis_policy::{Compiled, Facts, Limit, Policy, Rule};
use aegis_types::{
    ActionRequest, ApprovalTerms, Decision, Obligation, Otherwise, PolicyStanding, Reason, State,
    Verdict,
};
use serde_json::json;
use similar::{Algorithm, DiffOp};

use crate::checks::{Question, held_parts};
use crate::decide::{Attached, Settings, decide};

/// Where the texts of two policies differ in a way that could change a verdict.
///
/// Both have the same rules besides, in the same order. A call about which no
/// rule says anything that stands in one of them only is decided alike; see
/// [`PolicyDifference::may_change`].
#[derive(Debug)]
pub struct PolicyDifference<'p> {
    before: &'p Compiled,
    after: &'p Compiled,
    /// Rules that the new policy lacks, or has in another place.
    pub removed: Vec<&'p Rule>,
    /// Rules that the old policy lacks, or has in another place.
    pub added: Vec<&'p Rule>,
    /// Limits that one of the two lacks.
    pub limits: Vec<&'p Limit>,
    /// How many rules both have.
    pub kept: usize,
    /// Rules that both have and whose verdict stands on other terms, the old one first.
    pub terms: Vec<[&'p Rule; 2]>,
    /// Whether something differs that concerns every call: the mode, or whether
    /// the default is an explicit opinion.
    pub is_general: bool,
    /// Whether the defaults differ.
    pub has_other_default: bool,
}

impl<'p> PolicyDifference<'p> {
    /// Compares two policies.
    #[must_use]
    pub fn of(before: &'p Compiled, after: &'p Compiled) -> Self {
        let (old, new) = (before.policy(), after.policy());
        let common = common(&old.rules, &new.rules);
        let without = |rules: &'p [Rule], kept: &dyn Fn(usize) -> bool| -> Vec<&'p Rule> {
            let numbered = rules.iter().enumerate();
            let others = numbered.filter(|(index, _)| !kept(*index));
            others.map(|(_, rule)| rule).collect()
        };
        Self {
            before,
            after,
            removed: without(&old.rules, &|index| {
                common.iter().any(|(old, _)| *old == index)
            }),
            added: without(&new.rules, &|index| {
                common.iter().any(|(_, new)| *new == index)
            }),
            limits: [(old, new), (new, old)]
                .into_iter()
                .flat_map(|(own, other)| limits_of_one(own, other))
                .collect(),
            kept: common.len(),
            terms: common
                .iter()
                .filter_map(|(before, after)| {
                    Some([old.rules.get(*before)?, new.rules.get(*after)?])
                })
                .filter(|[before, after]| terms_change(before, after).is_some())
                .collect(),
            is_general: old.mode != new.mode || old.closed != new.closed,
            has_other_default: old.default != new.default,
        }
    }

    /// Returns whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.removed.is_empty()
            && self.added.is_empty()
            && self.limits.is_empty()
            && self.terms.is_empty()
            && !self.is_general
            && !self.has_other_default
    }

    /// Returns whether every verdict is the same, and only terms differ.
    #[must_use]
    pub const fn differs_in_terms_only(&self) -> bool {
        self.removed.is_empty()
            && self.added.is_empty()
            && self.limits.is_empty()
            && !self.terms.is_empty()
            && !self.is_general
            && !self.has_other_default
    }

    /// Returns both defaults, the old one first.
    #[must_use]
    pub fn defaults(&self) -> [Option<Verdict>; 2] {
        [self.before, self.after].map(|it| it.policy().default)
    }

    /// Returns whether the policies may decide a call differently.
    ///
    /// Where it returns false they do not, whatever the rest of the policies
    /// say: rules in order decide a part of a call by the first that speaks of
    /// it, and all that speak of it are the same here.
    #[must_use]
    pub fn may_change(&self, request: &ActionRequest, state: &State) -> bool {
        if self.is_general || self.has_other_default && self.reaches_default(request, state) {
            return true;
        }
        let question = Question {
            facts: Facts::new(request),
            policies: &[],
            state,
        };
        let every: Vec<usize> = (0..question.facts.part_count()).collect();
        let speaks = |rule: &&&Rule| !held_parts(&question, rule, &every).is_empty();
        let counts = |limit: &&&Limit| {
            let truth = limit.matcher.holds_in(&question.facts, limit.verdict);
            truth.is_possible()
        };
        let mut rules = self.removed.iter().chain(&self.added);
        rules.any(|rule| speaks(&rule)) || self.limits.iter().any(|limit| counts(&limit))
    }

    fn reaches_default(&self, request: &ActionRequest, state: &State) -> bool {
        let decisions = [self.before, self.after].map(|it| alone(it, request, state));
        let is_default = |decision: &Decision| {
            let mut findings = decision.findings.iter();
            findings.any(|finding| finding.reason == Reason::Default)
        };
        // A default that gives no opinion leaves no finding.
        let has_none = [self.before, self.after].map(|it| it.policy().default.is_none());
        decisions.iter().any(is_default) || has_none.contains(&true)
    }

    /// Returns how both decide a call, if their verdicts differ.
    #[must_use]
    pub fn decisions(
        &self,
        request: &ActionRequest,
        state: &State,
    ) -> Option<(Decision, Decision)> {
        let before = alone(self.before, request, state);
        let after = alone(self.after, request, state);
        (before.verdict != after.verdict).then_some((before, after))
    }
}

/// Decides by one policy alone.
fn alone(policy: &Compiled, request: &ActionRequest, state: &State) -> Decision {
    let attached = Attached {
        policy,
        standing: PolicyStanding::Current,
        only_tightens: false,
    };
    decide(request, &[attached], state, &Settings::default())
}

/// Returns the limits of `own` that `other` lacks.
fn limits_of_one<'p>(own: &'p Policy, other: &Policy) -> Vec<&'p Limit> {
    let is_same = |one: &Limit, two: &Limit| {
        one.matcher == two.matcher && one.calls == two.calls && one.verdict == two.verdict
    };
    let is_shared = |limit: &&Limit| other.limits.iter().any(|it| is_same(limit, it));
    own.limits.iter().filter(|it| !is_shared(it)).collect()
}

/// Returns the places of rules that both lists have in the same order, as many
/// as there can be.
fn common(old: &[Rule], new: &[Rule]) -> Vec<(usize, usize)> {
    let told = |rules: &[Rule]| -> Vec<String> { rules.iter().map(meaning).collect() };
    let changes = similar::capture_diff_slices(Algorithm::Lcs, &told(old), &told(new));
    let mut pairs = Vec::new();
    for change in changes {
        if let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = change
        {
            pairs.extend((0..len).map(|step| (old_index + step, new_index + step)));
        }
    }
    pairs
}

/// Which way the terms of a rule changed: how its ask is answered, under which
/// obligations its allow holds, and which risk it states.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TermsChange {
    /// More may happen, or with less said about it.
    Loosened,
    /// Less may happen, or with more said about it.
    Tightened,
    /// Some of both, or neither can be told.
    Changed,
}

impl TermsChange {
    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loosened => "loosened",
            Self::Tightened => "tightened",
            Self::Changed => "changed",
        }
    }

    /// Tells a change by whether the new terms demand less or more.
    fn of(demands: Ordering) -> Option<Self> {
        match demands {
            Ordering::Less => Some(Self::Loosened),
            Ordering::Greater => Some(Self::Tightened),
            Ordering::Equal => None,
        }
    }
}

/// Returns which way the terms of a rule changed, if they did.
#[must_use]
pub fn terms_change(before: &Rule, after: &Rule) -> Option<TermsChange> {
    let changes = [
        approval_change(before, after),
        obligations_change(&before.obligations, &after.obligations),
        TermsChange::of(after.risk.cmp(&before.risk)),
    ];
    combined(changes)
}

/// Returns what several changes are together.
fn combined(changes: impl IntoIterator<Item = Option<TermsChange>>) -> Option<TermsChange> {
    let joined = |one, other| match one == other {
        true => one,
        false => TermsChange::Changed,
    };
    changes.into_iter().flatten().reduce(joined)
}

/// Returns how the terms of an ask changed; other verdicts have none.
fn approval_change(before: &Rule, after: &Rule) -> Option<TermsChange> {
    if after.verdict != Verdict::Ask {
        return None;
    }
    let [old, new] = [before, after].map(|rule| rule.approval.clone().unwrap_or_default());
    let is_allow = |terms: &ApprovalTerms| terms.otherwise == Otherwise::Allow;
    // Waiting longer gives more time to answer; where silence allows, less does.
    let waits = match (is_allow(&old), is_allow(&new)) {
        (true, true) => new.within.cmp(&old.within),
        (false, false) => old.within.cmp(&new.within),
        // What silence means weighs more.
        (true, false) | (false, true) => Ordering::Equal,
    };
    combined([
        TermsChange::of(is_allow(&old).cmp(&is_allow(&new))),
        TermsChange::of(new.approvers.cmp(&old.approvers)),
        TermsChange::of(waits),
        (old.channels != new.channels).then_some(TermsChange::Changed),
    ])
}

fn obligations_change(old: &[Obligation], new: &[Obligation]) -> Option<TermsChange> {
    let is_lost = old.iter().any(|it| !new.contains(it));
    let is_new = new.iter().any(|it| !old.contains(it));
    match (is_lost, is_new) {
        (false, false) => None,
        (true, false) => Some(TermsChange::Loosened),
        (false, true) => Some(TermsChange::Tightened),
        (true, true) => Some(TermsChange::Changed),
    }
}

/// Returns all of a rule on which its verdict hangs.
fn meaning(rule: &Rule) -> String {
    let Rule {
        mandatory,
        tier_base,
        matcher,
        when,
        verdict,
        unknown,
        yields,
        id: _,
        place: _,
        risk: _,
        message: _,
        approval: _,
        obligations: _,
        examples: _,
    } = rule;
    let switches = [mandatory, tier_base, unknown, yields];
    json!([matcher, when, verdict, switches]).to_string()
}
