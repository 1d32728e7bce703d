//! Many findings, one decision.

use aegis_types::{
    ApprovalTerms, CheckName, Decision, DurationMs, Finding, Obligation, Otherwise, Reason,
    RedactScope, Risk, SandboxScope, Standing, Verdict,
};

use crate::checks::Found;
use crate::decide::Fallback;

/// Combines findings: the strictest explicit one decides, and defaults only when
/// nothing is explicit. What policies that only observe found is kept, and
/// decides nothing.
///
/// Each of the `parts` of a request is decided so by itself; the whole takes the
/// strictest, and an allow is explicit only where it is for every part.
pub(crate) fn combine(mut found: Vec<Found<'_>>, parts: usize, fallback: Fallback) -> Decision {
    let fallback = fallback_verdict(&found, fallback);
    let observed = weigh_parts(&found, parts, fallback, |_| true).map(|whole| whole.verdict());
    let whole = weigh_parts(&found, parts, fallback, |found| !found.finding.observed);
    let Some(Whole::Found(strength)) = whole else {
        return undecided(found, observed, fallback);
    };
    // That a default decides some parts is worth telling where it decides the whole.
    found.retain(|found| {
        Strength::from(&found.finding) == strength
            || found.finding.standing == Standing::Explicit
            || (0..parts).all(|part| found.parts.contain(part))
    });
    let is_deciding =
        |found: &&Found<'_>| !found.finding.observed && Strength::from(&found.finding) == strength;
    let deciding = || found.iter().filter(is_deciding);
    let first = (0_u16..)
        .zip(&found)
        .filter(|(_, found)| is_deciding(found))
        .min_by_key(|(place, found)| (found.finding.reason, *place));
    let reason = first.map_or(Reason::Default, |(_, found)| found.finding.reason);
    let decided_by = first.map(|(place, _)| place);
    let risk = deciding()
        .filter_map(|found| found.finding.risk)
        .max()
        .unwrap_or_default();
    let (approval, obligations) = match strength.verdict {
        Verdict::Allow => (None, strictest_obligations(&found)),
        Verdict::Ask => (
            Some(strictest_terms(deciding(), risk)),
            strictest_obligations(&found),
        ),
        Verdict::Deny => (None, Vec::new()),
    };
    Decision {
        verdict: strength.verdict,
        reason,
        decided_by,
        findings: found.into_iter().map(|found| found.finding).collect(),
        obligations,
        approval,
        risk,
        observed: differing(observed, strength.verdict),
        policies: Vec::new(),
    }
}

/// Returns what is decided of each part by itself.
pub(crate) fn verdicts(found: &[Found<'_>], parts: usize, fallback: Fallback) -> Vec<Verdict> {
    let fallback = fallback_verdict(found, fallback);
    let of_part = |part: usize| {
        let is_seen = |found: &Found<'_>| !found.finding.observed && found.parts.contain(part);
        weigh(found, fallback, is_seen).map_or(fallback, |strength| strength.verdict)
    };
    (0..parts).map(of_part).collect()
}

/// What decides a whole request.
enum Whole {
    /// Findings of this strength.
    Found(Strength),
    /// The fallback, because of a part of which nothing is found.
    Fallback(Verdict),
}

impl Whole {
    const fn verdict(&self) -> Verdict {
        match self {
            Self::Found(strength) => strength.verdict,
            Self::Fallback(verdict) => *verdict,
        }
    }
}

/// Returns what decides the whole, each part weighed by itself; nothing when
/// nothing is found of any part.
fn weigh_parts(
    found: &[Found<'_>],
    parts: usize,
    fallback: Verdict,
    is_seen: impl Fn(&Found<'_>) -> bool,
) -> Option<Whole> {
    let mut decided: Option<Strength> = None;
    let mut is_undecided = false;
    for part in 0..parts {
        let is_of_part = |found: &Found<'_>| is_seen(found) && found.parts.contain(part);
        match weigh(found, fallback, is_of_part) {
            None => is_undecided = true,
            Some(strength) => {
                decided = Some(decided.map_or(strength, |decided| decided.strictest(strength)));
            }
        }
    }
    let decided = decided?;
    // A default weighs as much as the fallback, and says more.
    let is_weaker = match fallback {
        Verdict::Allow => {
            decided.verdict == Verdict::Allow && decided.standing == Standing::Explicit
        }
        Verdict::Ask | Verdict::Deny => decided.verdict < fallback,
    };
    if is_undecided && is_weaker {
        return Some(Whole::Fallback(fallback));
    }
    Some(Whole::Found(decided))
}

fn differing(observed: Option<Verdict>, verdict: Verdict) -> Option<Verdict> {
    observed.filter(|observed| *observed != verdict)
}

/// Returns what holds when nothing that is enforced has an opinion.
///
/// A policy that only observes lets through, so where one was asked, the
/// fallback does not deny.
fn fallback_verdict(found: &[Found<'_>], fallback: Fallback) -> Verdict {
    let is_observed = found
        .iter()
        .any(|found| found.finding.observed && !found.only_tightens);
    match fallback {
        Fallback::Host => Verdict::Allow,
        Fallback::Deny if is_observed => Verdict::Allow,
        Fallback::Deny => Verdict::Deny,
    }
}

/// Returns the strength of the findings that decide.
///
/// What only tightens counts where it is stricter than all else would be, and
/// where it is not a default against an opinion.
fn weigh(
    found: &[Found<'_>],
    fallback: Verdict,
    is_seen: impl Fn(&Found<'_>) -> bool,
) -> Option<Strength> {
    let seen = |only_tightens: bool| {
        let seen = found.iter().filter(|found| is_seen(found));
        seen.filter(move |found| found.only_tightens == only_tightens)
    };
    let free = strength(seen(false));
    let floor = free.map_or(fallback, |free| free.verdict);
    let standing = free.map_or(Standing::Default, |free| free.standing);
    let tightens = |found: &&Found<'_>| {
        let strength = Strength::from(&found.finding);
        strength.verdict > floor && strength.standing >= standing
    };
    strength(seen(true).filter(tightens)).or(free)
}

/// Returns the strength of the strictest opinion, or else of the strictest
/// default; where every opinion is in doubt, of the stricter of both.
fn strength<'f, 'a: 'f>(found: impl Iterator<Item = &'f Found<'a>> + Clone) -> Option<Strength> {
    let is_sure = |found: &Found<'_>| match found.finding.standing {
        Standing::Explicit => !found.yields,
        Standing::Default => false,
    };
    let strengths = found.clone().map(|found| Strength::from(&found.finding));
    match found.into_iter().any(is_sure) {
        true => strengths.max(),
        false => strengths.max_by_key(|it| (it.verdict, it.standing)),
    }
}

/// How much a finding weighs: opinions before defaults, then the strictest.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
struct Strength {
    standing: Standing,
    verdict: Verdict,
}

impl Strength {
    /// Returns the stricter of the strengths by which two parts are decided.
    ///
    /// Of two equal restrictions the opinion says more than the default; two
    /// allows are an opinion only if both are.
    fn strictest(self, other: Self) -> Self {
        if self.verdict != other.verdict {
            return if self.verdict > other.verdict {
                self
            } else {
                other
            };
        }
        match self.verdict {
            Verdict::Allow => self.min(other),
            Verdict::Ask | Verdict::Deny => self.max(other),
        }
    }
}

impl From<&Finding> for Strength {
    fn from(finding: &Finding) -> Self {
        Self {
            standing: finding.standing,
            verdict: finding.verdict,
        }
    }
}

/// Returns the decision when nothing that is enforced has an opinion.
fn undecided(found: Vec<Found<'_>>, observed: Option<Verdict>, verdict: Verdict) -> Decision {
    let mut findings: Vec<Finding> = found.into_iter().map(|found| found.finding).collect();
    let decided_by = u16::try_from(findings.len()).ok();
    findings.push(Finding {
        check: CheckName::Gate,
        verdict,
        reason: Reason::Fallback,
        standing: Standing::Default,
        policy: None,
        rule: None,
        message: None,
        risk: None,
        unknown: false,
        observed: false,
        words: Vec::new(),
    });
    Decision {
        verdict,
        reason: Reason::Fallback,
        decided_by,
        findings,
        obligations: Vec::new(),
        approval: None,
        risk: Risk::default(),
        observed: differing(observed, verdict),
        policies: Vec::new(),
    }
}

/// Returns the strictest of all terms; a source that names none means the usual ones.
fn strictest_terms<'a, 'b: 'a>(
    deciding: impl Iterator<Item = &'a Found<'b>>,
    risk: Risk,
) -> ApprovalTerms {
    let mut terms: Option<ApprovalTerms> = None;
    for found in deciding {
        let next = found.approval.cloned().unwrap_or_default();
        terms = Some(match terms {
            None => next,
            Some(terms) => stricter(terms, next),
        });
    }
    let mut terms = terms.unwrap_or_default();
    if risk >= Risk::High {
        terms.otherwise = Otherwise::Deny;
    }
    terms.channels.sort_unstable();
    terms.channels.dedup();
    terms
}

fn stricter(one: ApprovalTerms, other: ApprovalTerms) -> ApprovalTerms {
    ApprovalTerms {
        within: one.within.min(other.within),
        otherwise: match (one.otherwise, other.otherwise) {
            (Otherwise::Allow, Otherwise::Allow) => Otherwise::Allow,
            (Otherwise::Deny, _) | (_, Otherwise::Deny) => Otherwise::Deny,
        },
        approvers: one.approvers.max(other.approvers),
        channels: [one.channels, other.channels].concat(),
    }
}

/// Returns what all opinions short of a denial ask for, each in its strictest form.
///
/// An allow holds only under its obligations, also where another policy asks first.
fn strictest_obligations(found: &[Found<'_>]) -> Vec<Obligation> {
    let mut timeout: Option<DurationMs> = None;
    let mut output: Option<u64> = None;
    let mut redact: Option<RedactScope> = None;
    let mut sandbox: Option<SandboxScope> = None;
    let mut all = Vec::new();
    let sources = found.iter().filter(|found| match found.finding.verdict {
        Verdict::Allow | Verdict::Ask => !found.finding.observed,
        Verdict::Deny => false,
    });
    for obligation in sources.flat_map(|found| found.obligations) {
        match obligation {
            Obligation::Timeout(time) => {
                timeout = Some(timeout.map_or(*time, |other| other.min(*time)));
            }
            Obligation::OutputBytesMax(bytes) => {
                output = Some(output.map_or(*bytes, |other| other.min(*bytes)));
            }
            Obligation::Redact(scope) => redact = redact.max(Some(*scope)),
            Obligation::Sandbox(scope) => sandbox = sandbox.max(Some(*scope)),
            Obligation::Notify(_) => all.push(obligation.clone()),
        }
    }
    all.extend(timeout.map(Obligation::Timeout));
    all.extend(output.map(Obligation::OutputBytesMax));
    all.extend(redact.map(Obligation::Redact));
    all.extend(sandbox.map(Obligation::Sandbox));
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn finding() -> impl Strategy<Value = Finding> {
        (
            select(&[Verdict::Allow, Verdict::Ask, Verdict::Deny][..]),
            select(Reason::ALL),
            any::<bool>(),
            any::<bool>(),
        )
            .prop_map(|(verdict, reason, is_explicit, observed)| Finding {
                check: CheckName::Rules,
                verdict,
                reason,
                standing: if is_explicit {
                    Standing::Explicit
                } else {
                    Standing::Default
                },
                policy: None,
                rule: None,
                message: None,
                risk: None,
                unknown: false,
                observed,
                words: Vec::new(),
            })
    }

    fn combined(findings: &[(Finding, bool)]) -> (Verdict, Reason, Option<Verdict>) {
        let found = findings
            .iter()
            .map(|(finding, only_tightens)| Found {
                only_tightens: *only_tightens,
                ..Found::bare(finding.clone())
            })
            .collect();
        let decision = combine(found, 1, Fallback::Deny);
        (decision.verdict, decision.reason, decision.observed)
    }

    proptest! {
        #[test]
        fn the_order_of_findings_and_so_of_checks_does_not_matter(
            findings in prop::collection::vec((finding(), any::<bool>()), 0..8),
            by in 0..8_usize,
        ) {
            let mut mixed = findings.clone();
            mixed.reverse();
            mixed.rotate_left(by.min(findings.len()));
            prop_assert_eq!(combined(&mixed), combined(&findings));
        }

        #[test]
        fn a_further_opinion_that_is_enforced_never_loosens_another(
            findings in prop::collection::vec((finding(), any::<bool>()), 1..8),
            more in finding(),
        ) {
            let has_opinion = findings.iter().any(|(finding, only_tightens)| {
                finding.standing == Standing::Explicit && !finding.observed && !only_tightens
            });
            let (before, ..) = combined(&findings);
            let mut all = findings;
            all.push((more, false));
            let (after, ..) = combined(&all);
            prop_assert!(!has_opinion || after >= before);
        }
    }
}
