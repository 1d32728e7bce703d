//! Asks the rules of each policy: the mandatory ones, then the others in their
//! order, then the default.

use aegis_policy::{Rule, Truth, WhyNot};
use aegis_types::{CheckName, Finding, Reason, Span, Standing, Verdict};

use super::{Bound, Found, Parts, Question, numbered, observes};
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
        let every = all_parts(question);
        for rule in self.attached.policy.mandatory_candidates(&question.facts) {
            if !bound.admits(rule.verdict) {
                continue;
            }
            let held = held_parts(question, rule, &every);
            if let Some(opinion) = self.found(question, rule, &held) {
                bound.note(rule.verdict);
                found.push(opinion);
            }
        }
    }

    /// Each part is decided by the first rule that holds for it.
    fn ordered(self, question: &Question<'a>, found: &mut Vec<Found<'a>>) {
        let mut open = Open::of(question);
        for rule in self.attached.policy.candidates(&question.facts) {
            let mut held = held_parts(question, rule, &open.parts);
            let decided = open.decide(rule, &held);
            held.retain(|held| decided.contains(&held.part));
            if let Some(opinion) = self.found(question, rule, &held) {
                self.push(opinion, found);
            }
            if open.is_settled() {
                return;
            }
        }
        if let Some(default) = self.default(question, open.parts) {
            self.push(default, found);
        }
    }

    /// Adds an opinion, unless it is an allow that counts for nothing.
    fn push(self, opinion: Found<'a>, found: &mut Vec<Found<'a>>) {
        if self.attached.counts(opinion.finding.verdict) {
            found.push(opinion);
        }
    }

    /// Returns what a rule finds that holds for these parts; nothing without any.
    fn found(self, question: &Question<'a>, rule: &'a Rule, held: &[Held]) -> Option<Found<'a>> {
        if held.is_empty() {
            return None;
        }
        let parts: Vec<usize> = held.iter().map(|held| held.part).collect();
        Some(Found {
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
                unknown: held.iter().all(|held| held.truth.is_unknown()),
                observed: observes(self.attached),
                words: words(question, rule, &parts),
            },
            obligations: &rule.obligations,
            approval: rule.approval.as_ref(),
            only_tightens: self.attached.only_tightens,
            yields: rule.yields && held.iter().all(|held| held.truth.is_unknown()),
            parts: Parts::Some(parts),
        })
    }

    /// Returns the default as it decides these parts.
    fn default(self, question: &Question<'_>, open: Vec<usize>) -> Option<Found<'a>> {
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
            risk: policy.default_risk(),
            unknown: false,
            observed: observes(self.attached),
            words: if open.len() < question.facts.part_count() {
                question.facts.words_of(open.iter().copied())
            } else {
                Vec::new()
            },
        };
        Some(Found {
            only_tightens: self.attached.only_tightens,
            parts: Parts::Some(open),
            ..Found::bare(finding)
        })
    }
}

/// The parts of a request that the rules of a policy have still to decide.
pub(crate) struct Open {
    parts: Vec<usize>,
    /// Those of them that a rule decides of which it is unknown whether it holds,
    /// and which it leaves to whatever is stricter.
    doubtful: Vec<usize>,
}

impl Open {
    pub(crate) fn of(question: &Question<'_>) -> Self {
        Self {
            parts: all_parts(question),
            doubtful: Vec::new(),
        }
    }

    pub(crate) const fn is_settled(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns whether every part that is still open is in doubt.
    pub(crate) const fn is_in_doubt(&self) -> bool {
        !self.is_settled() && self.doubtful.len() == self.parts.len()
    }

    /// Returns those of the parts, for which a rule counts as holding, that it
    /// decides.
    ///
    /// A part that is in doubt stays so until a rule surely holds, or denies.
    pub(crate) fn decide(&mut self, rule: &Rule, held: &[Held]) -> Vec<usize> {
        let mut decided = Vec::new();
        for held in held {
            let Some(place) = self.parts.iter().position(|part| *part == held.part) else {
                continue;
            };
            let was_doubtful = self.doubtful.contains(&held.part);
            let leaves_doubt =
                rule.yields && held.truth.is_unknown() && rule.verdict < Verdict::Deny;
            match (was_doubtful, leaves_doubt) {
                (true, true) => continue,
                (false, true) => self.doubtful.push(held.part),
                (true | false, false) => {
                    self.parts.remove(place);
                    self.doubtful.retain(|part| *part != held.part);
                }
            }
            decided.push(held.part);
        }
        decided
    }
}

/// Returns every part of the request.
fn all_parts(question: &Question<'_>) -> Vec<usize> {
    (0..question.facts.part_count()).collect()
}

/// Returns the words of the command line that a finding names: those for which
/// a restriction holds, and the parts that an allow covers if there are others.
fn words(question: &Question<'_>, rule: &Rule, parts: &[usize]) -> Vec<Span> {
    let facts = &question.facts;
    let parts = parts.iter().copied();
    match rule.verdict {
        Verdict::Ask | Verdict::Deny => rule.matcher.words(facts, rule.verdict, parts),
        Verdict::Allow if parts.len() < facts.part_count() => facts.words_of(parts),
        Verdict::Allow => Vec::new(),
    }
}

/// A part of a request for which a rule counts as holding.
pub(crate) struct Held {
    pub(crate) part: usize,
    pub(crate) truth: Truth,
}

/// Returns the parts among `asked` for which a rule counts as holding.
pub(crate) fn held_parts(question: &Question<'_>, rule: &Rule, asked: &[usize]) -> Vec<Held> {
    let facts = &question.facts;
    let whole = rule.matcher.holds_of_whole(facts, rule.verdict);
    let is_out = match rule.verdict {
        Verdict::Allow => false,
        Verdict::Ask | Verdict::Deny => !whole.is_possible(),
    };
    if is_out {
        return Vec::new();
    }
    let mut circumstances = None;
    let mut held = Vec::new();
    for part in asked {
        let about = rule
            .matcher
            .holds_of_part(facts, rule.verdict, &whole, *part);
        let truth = about.and(|| {
            circumstances
                .get_or_insert_with(|| circumstances_hold(question, rule))
                .clone()
        });
        let verdict = Verdicts::of(rule);
        let holds = if rule.mandatory {
            verdict.mandatory(&truth)
        } else {
            verdict.ordered(&truth)
        };
        if holds.is_some() {
            held.push(Held { part: *part, truth });
        }
    }
    held
}

/// Returns whether a rule holds: what it is about, and its circumstances.
pub(crate) fn rule_truth(question: &Question<'_>, rule: &Rule) -> Truth {
    rule.matcher
        .holds_in(&question.facts, rule.verdict)
        .and(|| circumstances_hold(question, rule))
}

fn circumstances_hold(question: &Question<'_>, rule: &Rule) -> Truth {
    let request = question.facts.request();
    if rule.tier_base && request.context.tier.is_none() {
        return Truth::No(WhyNot::NoTier);
    }
    rule.when.holds(request).and(|| match rule.when.calls {
        Some(window) => calls_hold(question, &rule.matcher, window),
        None => Truth::Yes,
    })
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
