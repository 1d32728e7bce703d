//! Asks the rules of each policy: the mandatory ones, then the others in their
//! order, then the default.

use aegis_policy::{Rule, Truth, WhyNot};
use aegis_types::{CheckName, Finding, Reason, Standing, Verdict};

use super::{Bound, Found, Question, numbered, observes};
use crate::calls::calls_hold;
use crate::decide::Attached;

pub(super) fn assess<'a>(question: &Question<'a>, found: &mut Vec<Found<'a>>) {
    for (place, attached) in numbered(question) {
        let source = Source { place, attached };
        source.mandatory(question, found);
        source.ordered(question, found);
    }
}

/// One attached policy.
#[derive(Clone, Copy)]
struct Source<'a> {
    place: u16,
    attached: &'a Attached<'a>,
}

impl<'a> Source<'a> {
    fn mandatory(self, question: &Question<'a>, found: &mut Vec<Found<'a>>) {
        let mut bound = Bound::new();
        for rule in self.attached.policy.mandatory_candidates(&question.facts) {
            if !bound.admits(rule.verdict) {
                continue;
            }
            let truth = rule_truth(question, rule);
            if Verdicts::of(rule).mandatory(&truth).is_some() {
                bound.note(rule.verdict);
                found.push(self.found(rule, &truth));
            }
        }
    }

    fn ordered(self, question: &Question<'a>, found: &mut Vec<Found<'a>>) {
        for rule in self.attached.policy.candidates(&question.facts) {
            let truth = rule_truth(question, rule);
            if Verdicts::of(rule).ordered(&truth).is_some() {
                self.push(self.found(rule, &truth), found);
                return;
            }
        }
        if let Some(default) = self.default() {
            self.push(default, found);
        }
    }

    /// Adds an opinion, unless it is an allow that counts for nothing.
    fn push(self, opinion: Found<'a>, found: &mut Vec<Found<'a>>) {
        if self.attached.counts(opinion.finding.verdict) {
            found.push(opinion);
        }
    }

    fn found(self, rule: &'a Rule, truth: &Truth) -> Found<'a> {
        Found {
            finding: Finding {
                check: CheckName::Rules,
                verdict: rule.verdict,
                reason: if rule.tier_base {
                    Reason::Tier
                } else {
                    Reason::RuleMatched
                },
                standing: Standing::Explicit,
                policy: Some(self.place),
                rule: Some(rule.id.clone()),
                message: rule.message.clone(),
                risk: rule.risk,
                unknown: truth.is_unknown(),
                observed: observes(self.attached),
            },
            obligations: &rule.obligations,
            approval: rule.approval.as_ref(),
            only_tightens: self.attached.only_tightens,
        }
    }

    fn default(self) -> Option<Found<'a>> {
        let policy = self.attached.policy;
        let verdict = policy.default_verdict()?;
        let finding = Finding {
            check: CheckName::Rules,
            verdict,
            reason: Reason::Default,
            standing: if policy.is_closed() {
                Standing::Explicit
            } else {
                Standing::Default
            },
            policy: Some(self.place),
            rule: None,
            message: None,
            risk: None,
            unknown: false,
            observed: observes(self.attached),
        };
        Some(Found {
            only_tightens: self.attached.only_tightens,
            ..Found::bare(finding)
        })
    }
}

/// Returns whether a rule holds: what it is about, and its circumstances.
pub(crate) fn rule_truth(question: &Question<'_>, rule: &Rule) -> Truth {
    let request = question.facts.request();
    if rule.tier_base && request.context.tier.is_none() {
        return Truth::No(WhyNot::NoTier);
    }
    let mut unknown = None;
    let parts: [&dyn Fn() -> Truth; 3] = [
        &|| rule.matcher.holds_in(&question.facts, rule.verdict),
        &|| rule.when.holds(request),
        &|| match rule.when.calls {
            Some(window) => calls_hold(question, &rule.matcher, window),
            None => Truth::Yes,
        },
    ];
    for part in parts {
        match part() {
            Truth::Yes => {}
            Truth::No(why) => return Truth::No(why),
            Truth::Unknown(why) => {
                unknown.get_or_insert(why);
            }
        }
    }
    unknown.map_or(Truth::Yes, Truth::Unknown)
}

/// What a rule says, given whether it holds.
#[derive(Clone, Copy)]
pub(crate) struct Verdicts<'a>(&'a Rule);

impl<'a> Verdicts<'a> {
    pub(crate) const fn of(rule: &'a Rule) -> Self {
        Self(rule)
    }

    /// Returns its verdict as a mandatory rule, which can only tighten.
    pub(crate) fn mandatory(self, truth: &Truth) -> Option<Verdict> {
        match self.0.verdict {
            Verdict::Allow => None,
            verdict @ (Verdict::Ask | Verdict::Deny) => {
                (self.0.mandatory && truth.satisfies(verdict, false)).then_some(verdict)
            }
        }
    }

    /// Returns its verdict as a rule in order.
    pub(crate) fn ordered(self, truth: &Truth) -> Option<Verdict> {
        let rule = self.0;
        (!rule.mandatory && truth.satisfies(rule.verdict, rule.unknown)).then_some(rule.verdict)
    }
}
