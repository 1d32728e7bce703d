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
pub(crate) fn combine(found: Vec<Found<'_>>, fallback: Fallback) -> Decision {
    let enforced = strongest(found.iter().filter(|found| !found.finding.observed));
    let everything = strongest(found.iter());
    let mut findings = Vec::with_capacity(found.len() + 1);
    let Some(strength) = enforced else {
        let observed = everything.map(|strength| strength.verdict);
        findings.extend(found.into_iter().map(|found| found.finding));
        return undecided(findings, observed, fallback);
    };
    let deciding = || {
        found
            .iter()
            .filter(|found| !found.finding.observed && strength.is_of(&found.finding))
    };
    let first = found
        .iter()
        .enumerate()
        .filter(|(_, found)| !found.finding.observed && strength.is_of(&found.finding))
        .min_by_key(|(place, found)| (found.finding.reason, *place));
    let reason = first.map_or(Reason::Default, |(_, found)| found.finding.reason);
    let decided_by = first.and_then(|(place, _)| u16::try_from(place).ok());
    let risk = deciding()
        .filter_map(|found| found.finding.risk)
        .max()
        .unwrap_or_default();
    let approval = match strength.verdict {
        Verdict::Ask => Some(strictest_terms(deciding(), risk)),
        Verdict::Allow | Verdict::Deny => None,
    };
    let obligations = match strength.verdict {
        Verdict::Allow | Verdict::Ask => strictest_obligations(&found),
        Verdict::Deny => Vec::new(),
    };
    findings.extend(found.into_iter().map(|found| found.finding));
    Decision {
        verdict: strength.verdict,
        reason,
        decided_by,
        findings,
        obligations,
        approval,
        risk,
        observed: differing(everything.map(|all| all.verdict), strength.verdict),
        policies: Vec::new(),
    }
}

fn differing(observed: Option<Verdict>, verdict: Verdict) -> Option<Verdict> {
    observed.filter(|observed| *observed != verdict)
}

/// How much a finding weighs: opinions before defaults, then the strictest.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
struct Strength {
    standing: Standing,
    verdict: Verdict,
}

impl Strength {
    fn is_of(self, finding: &Finding) -> bool {
        self == Self::from(finding)
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

fn strongest<'a, 'b: 'a>(found: impl Iterator<Item = &'a Found<'b>>) -> Option<Strength> {
    found.map(|found| Strength::from(&found.finding)).max()
}

/// Returns the decision when nothing that is enforced has an opinion.
///
/// A policy that only observes lets through, so where one was asked, the
/// fallback does not deny.
fn undecided(
    mut findings: Vec<Finding>,
    observed: Option<Verdict>,
    fallback: Fallback,
) -> Decision {
    let verdict = match (fallback, observed) {
        (Fallback::Host, _) | (Fallback::Deny, Some(_)) => Verdict::Allow,
        (Fallback::Deny, None) => Verdict::Deny,
    };
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
    let sources = found
        .iter()
        .filter(|found| !found.finding.observed && found.finding.verdict != Verdict::Deny);
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
