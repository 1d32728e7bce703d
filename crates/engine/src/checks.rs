//! The checks: each gives its opinions on a request.

mod rate;
mod rules;
mod self_protection;

use aegis_policy::Facts;
use aegis_types::{ApprovalTerms, CheckName, Finding, Mode, Obligation, State, Verdict};

use crate::decide::Attached;

pub(crate) use rate::{limit_holds, limit_truth};
pub(crate) use rules::{Held, Open, Verdicts, held_parts, rule_truth};

/// A check: gives its findings on a question.
type Assess = for<'a> fn(&Question<'a>, &mut Vec<Found<'a>>);

/// Every check, in the order in which they are asked; the order decides nothing.
const CHECKS: [(CheckName, Assess); 3] = [
    (CheckName::SelfProtection, self_protection::assess),
    (CheckName::Rate, rate::assess),
    (CheckName::Rules, rules::assess),
];

/// All that a check may look at.
pub(crate) struct Question<'a> {
    /// The request.
    pub(crate) facts: Facts<'a>,
    /// The attached policies.
    pub(crate) policies: &'a [Attached<'a>],
    /// What happened before.
    pub(crate) state: &'a State,
}

/// A finding with what its source says beyond the verdict.
pub(crate) struct Found<'a> {
    pub(crate) finding: Finding,
    pub(crate) obligations: &'a [Obligation],
    pub(crate) approval: Option<&'a ApprovalTerms>,
    /// Whether its source may only tighten what others say.
    pub(crate) only_tightens: bool,
    /// Whether it is in doubt, and what would be said without it counts too if
    /// that is stricter.
    pub(crate) yields: bool,
    /// The parts of the request it is about.
    pub(crate) parts: Parts,
}

/// Parts of a request, each of which is decided by itself.
pub(crate) enum Parts {
    /// Every part.
    All,
    /// These.
    Some(Vec<usize>),
}

impl Parts {
    pub(crate) fn contain(&self, part: usize) -> bool {
        match self {
            Self::All => true,
            Self::Some(parts) => parts.contains(&part),
        }
    }
}

impl Found<'_> {
    /// Returns a finding whose source says nothing beyond the verdict.
    pub(crate) const fn bare(finding: Finding) -> Self {
        Self {
            finding,
            obligations: &[],
            approval: None,
            only_tightens: false,
            yields: false,
            parts: Parts::All,
        }
    }
}

/// How many findings of one kind one policy gives, at most; a stricter one than
/// all before is always given.
const FINDINGS_MAX: usize = 16;

/// Bounds the findings of one kind of one policy.
struct Bound {
    count: usize,
    strictest: Verdict,
}

impl Bound {
    const fn new() -> Self {
        Self {
            count: 0,
            strictest: Verdict::Allow,
        }
    }

    /// Returns whether a finding with `verdict` would still be given.
    fn admits(&self, verdict: Verdict) -> bool {
        self.count < FINDINGS_MAX || verdict > self.strictest
    }

    fn note(&mut self, verdict: Verdict) {
        self.count += 1;
        self.strictest = self.strictest.max(verdict);
    }
}

/// Returns the findings of every check.
pub(crate) fn assess<'a>(question: &Question<'a>) -> Vec<Found<'a>> {
    let mut found = Vec::with_capacity(question.policies.len());
    for (name, assess) in CHECKS {
        let first = found.len();
        assess(question, &mut found);
        for found in found.iter_mut().skip(first) {
            found.finding.check = name;
        }
    }
    found
}

/// Returns the attached policies with their places, as a finding names them.
fn numbered<'a>(question: &Question<'a>) -> impl Iterator<Item = (u16, &'a Attached<'a>)> {
    (0..).zip(question.policies)
}

/// Returns whether a policy only observes.
fn observes(attached: &Attached<'_>) -> bool {
    match attached.policy.mode() {
        Mode::Observe => true,
        Mode::Enforce => false,
    }
}
