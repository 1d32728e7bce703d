//! Limits calls in a window of time.

use aegis_policy::{Limit, Truth};
use aegis_types::{CheckName, Finding, Reason, Standing, Verdict};

use super::{Bound, Found, Question, numbered, observes};
use crate::calls::calls_hold;

pub(super) fn assess<'a>(question: &Question<'a>, found: &mut Vec<Found<'a>>) {
    for (place, attached) in numbered(question) {
        let mut bound = Bound::new();
        for limit in attached.policy.limit_candidates(&question.facts) {
            if !bound.admits(limit.verdict) {
                continue;
            }
            let truth = limit_truth(question, limit);
            if !limit_holds(limit, &truth) {
                continue;
            }
            bound.note(limit.verdict);
            let finding = Finding {
                check: CheckName::Rate,
                verdict: limit.verdict,
                reason: Reason::RateLimited,
                standing: Standing::Explicit,
                policy: Some(place),
                rule: Some(limit.id.clone()),
                message: limit.message.clone(),
                risk: None,
                unknown: truth.is_unknown(),
                observed: observes(attached),
                words: Vec::new(),
            };
            found.push(Found {
                only_tightens: attached.only_tightens,
                ..Found::bare(finding)
            });
        }
    }
}

/// Returns whether the request is one too many.
pub(crate) fn limit_truth(question: &Question<'_>, limit: &Limit) -> Truth {
    match limit.matcher.holds_in(&question.facts, limit.verdict) {
        Truth::No(why) => Truth::No(why),
        about @ (Truth::Yes | Truth::Unknown(_)) => {
            match calls_hold(question, &limit.matcher, limit.calls) {
                Truth::Yes => about,
                other @ (Truth::No(_) | Truth::Unknown(_)) => other,
            }
        }
    }
}

/// Returns whether a limit counts as exceeded; a limit can only tighten.
pub(crate) const fn limit_holds(limit: &Limit, truth: &Truth) -> bool {
    match limit.verdict {
        Verdict::Allow => false,
        Verdict::Ask | Verdict::Deny => truth.satisfies(limit.verdict, false),
    }
}
