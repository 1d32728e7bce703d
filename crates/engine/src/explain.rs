//! Why a request is decided as it is.

use aegis_policy::{Facts, Limit, Matcher, Place, Rule, Truth};
use aegis_types::{ActionRequest, Decision, PolicyName, RuleId, State, Verdict};

use crate::checks::{
    Held, Open, Question, Verdicts, held_parts, limit_holds, limit_truth, rule_truth,
};
use crate::decide::{Attached, Settings, decide};

/// A decision with all that was considered.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The decision, as [`decide`] gives it.
    pub decision: Decision,
    /// The attached policies, in their order.
    pub policies: Vec<PolicyExplanation>,
}

/// What a policy makes of a request.
#[derive(Clone, Debug)]
pub struct PolicyExplanation {
    /// The policy.
    pub name: PolicyName,
    /// Its rules and limits, in the order in which they are asked: the mandatory
    /// ones, the limits, then the others.
    pub rules: Vec<RuleExplanation>,
    /// Its default, if it has one and no rule decided before.
    pub default: Option<Verdict>,
    /// Whether the default counts only because it is in doubt whether a rule holds.
    pub is_in_doubt: bool,
}

/// What one rule makes of a request.
#[derive(Clone, Debug)]
pub struct RuleExplanation {
    /// The rule.
    pub id: RuleId,
    /// Where it is written.
    pub place: Place,
    /// What it says.
    pub verdict: Verdict,
    /// In which part of the policy it stands.
    pub standpoint: Standpoint,
    /// Whether it holds, and why not.
    pub truth: Truth,
    /// Whether some of what it is about holds, more than which tool is used.
    pub holds_in_something: bool,
    /// Whether it gave a finding.
    pub speaks: bool,
    /// Whether it holds but stands behind one that decided before.
    pub is_shadowed: bool,
}

/// In which part of a policy a rule stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standpoint {
    /// Outside the order; it only tightens.
    Mandatory,
    /// A limit on calls; it only tightens.
    Limit,
    /// In the order.
    Ordered,
    /// A base rule of a tier, at the end of the order.
    TierBase,
}

/// Decides `request` and tells of every rule why it holds or not.
#[must_use]
pub fn explain(
    request: &ActionRequest,
    policies: &[Attached<'_>],
    state: &State,
    settings: &Settings,
) -> Explanation {
    let question = Question {
        facts: Facts::new(request),
        policies,
        state,
    };
    Explanation {
        decision: decide(request, policies, state, settings),
        policies: policies
            .iter()
            .map(|attached| explain_policy(&question, attached))
            .collect(),
    }
}

fn explain_policy(question: &Question<'_>, attached: &Attached<'_>) -> PolicyExplanation {
    let policy = attached.policy.policy();
    let mut open = Open::of(question);
    let (mandatory, ordered): (Vec<&Rule>, Vec<&Rule>) =
        policy.rules.iter().partition(|rule| rule.mandatory);
    let mut rules = Vec::with_capacity(policy.rules.len() + policy.limits.len());
    rules.extend(
        mandatory
            .into_iter()
            .map(|rule| explain_mandatory(question, rule)),
    );
    rules.extend(
        policy
            .limits
            .iter()
            .map(|limit| explain_limit(question, limit)),
    );
    for rule in ordered {
        rules.push(explain_ordered(question, attached, rule, &mut open));
    }
    PolicyExplanation {
        name: policy.name.clone(),
        rules,
        default: policy
            .default
            .filter(|default| !open.is_settled() && attached.counts(*default)),
        is_in_doubt: open.is_in_doubt(),
    }
}

/// Explains a rule in order, which decides those parts that are still `open`.
fn explain_ordered(
    question: &Question<'_>,
    attached: &Attached<'_>,
    rule: &Rule,
    open: &mut Open,
) -> RuleExplanation {
    let every: Vec<usize> = (0..question.facts.part_count()).collect();
    let held = held_parts(question, rule, &every);
    let decided = open.decide(rule, &held);
    let truth = truth_of(&held, |held| decided.contains(&held.part))
        .or_else(|| truth_of(&held, |_| true))
        .unwrap_or_else(|| rule_truth(question, rule));
    RuleExplanation {
        id: rule.id.clone(),
        place: rule.place,
        verdict: rule.verdict,
        holds_in_something: holds_in_something(question, &rule.matcher, &truth),
        standpoint: if rule.tier_base {
            Standpoint::TierBase
        } else {
            Standpoint::Ordered
        },
        truth,
        speaks: !decided.is_empty() && attached.counts(rule.verdict),
        is_shadowed: !held.is_empty() && decided.is_empty(),
    }
}

/// Returns whether some of what `matcher` is about holds, where the whole is `truth`.
fn holds_in_something(question: &Question<'_>, matcher: &Matcher, truth: &Truth) -> bool {
    match truth {
        Truth::Yes | Truth::Unknown(_) => true,
        // Of a whole that holds, only the circumstances are others.
        Truth::No(_) => {
            matcher.holds_in_something(&question.facts)
                || matcher.holds_in(&question.facts, Verdict::Ask) == Truth::Yes
        }
    }
}

/// Returns why a rule holds for the parts that are seen: yes, if it is for one.
fn truth_of(held: &[Held], is_seen: impl Fn(&&Held) -> bool) -> Option<Truth> {
    let mut truths = held.iter().filter(is_seen).map(|held| &held.truth);
    let first = truths.next()?;
    let known = std::iter::once(first)
        .chain(truths)
        .find(|truth| !truth.is_unknown());
    Some(known.unwrap_or(first).clone())
}

fn explain_mandatory(question: &Question<'_>, rule: &Rule) -> RuleExplanation {
    let truth = rule_truth(question, rule);
    RuleExplanation {
        id: rule.id.clone(),
        place: rule.place,
        verdict: rule.verdict,
        holds_in_something: holds_in_something(question, &rule.matcher, &truth),
        standpoint: Standpoint::Mandatory,
        speaks: Verdicts::of(rule).mandatory(&truth).is_some(),
        is_shadowed: false,
        truth,
    }
}

fn explain_limit(question: &Question<'_>, limit: &Limit) -> RuleExplanation {
    let truth = limit_truth(question, limit);
    RuleExplanation {
        id: limit.id.clone(),
        place: limit.place,
        verdict: limit.verdict,
        holds_in_something: holds_in_something(question, &limit.matcher, &truth),
        standpoint: Standpoint::Limit,
        speaks: limit_holds(limit, &truth),
        is_shadowed: false,
        truth,
    }
}
