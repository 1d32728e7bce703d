//! The circumstances that a rule asks for.

use std::sync::Arc;

use aegis_types::{AgentId, Tier, Timestamp};

use super::text;
use crate::cases::Circumstances;
use crate::pattern::Glob;
use crate::rule::Rule;
use crate::truth::Truth;
use crate::when::{TierBound, TimeWindow};

/// The most earlier calls that are made up.
const EARLIER_MAX: u32 = 10_000;

/// How far apart the times are that are tried, and how many make up a week.
const STEP_MS: i64 = 15 * 60 * 1_000;
const STEPS: i64 = 7 * 24 * 4;

/// Returns circumstances under which a rule holds: one for each environment that
/// it names.
pub(super) fn of(rule: &Rule) -> Vec<Circumstances> {
    let when = &rule.when;
    let first = |globs: &[Glob]| globs.first().and_then(text::plain_of);
    let agent = first(&rule.matcher.agent);
    let usual = Circumstances {
        agent: agent.and_then(|it| it.parse::<AgentId>().ok()),
        skill: first(&rule.matcher.skill).map(Arc::from),
        tier: when.tier.map(tier),
        taint: when.taint.clone(),
        at: when.time.first().and_then(time),
        earlier_calls: when.calls.map(|it| it.over.min(EARLIER_MAX)),
        ..Circumstances::default()
    };
    if when.environment.is_empty() {
        return vec![usual];
    }
    let in_each = when.environment.iter().map(|label| Circumstances {
        environment: Some(Arc::clone(label)),
        ..usual.clone()
    });
    in_each.collect()
}

/// Returns a tier within a bound.
const fn tier(bound: TierBound) -> Tier {
    match bound {
        TierBound::Below(_) => Tier::Supervised,
        TierBound::AtLeast(tier) | TierBound::Equals(tier) => tier,
    }
}

/// Returns a time that falls into a window, if one of those that are tried does.
fn time(window: &TimeWindow) -> Option<Timestamp> {
    (0..STEPS)
        .map(|step| Timestamp::from_unix_ms(step * STEP_MS))
        .find(|at| window.holds(*at) == Truth::Yes)
}
