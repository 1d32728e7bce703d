//! Under which circumstances a rule holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use aegis_types::{CALLS_KEPT_MAX, Tier};

use crate::parse::{Node, NodeValue, Walker};
use crate::problem::{ProblemCode, quoted};
use crate::when::{CallsWindow, ScopeName, TierBound, TimeWindow, Weekday, When};

/// The longest window of time in which calls are counted.
pub(crate) const WINDOW_MAX: &str = "31d";

/// Reads under which circumstances a rule holds.
pub(super) fn when<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> When {
    const KEYS: [&str; 5] = ["environment", "tier", "calls", "time", "taint"];
    let Some(map) = walker.map(node, "`when`", &KEYS) else {
        return When::default();
    };
    let mut texts = |key: &str| -> Vec<Arc<str>> {
        let what = format!("`{key}`");
        map.get(key).map_or_else(Vec::new, |it| {
            walker.one_or_many(it, &what, |walker, item| {
                walker.some_text(item, &what).map(Arc::from)
            })
        })
    };
    let environment = texts("environment");
    let taint = texts("taint");
    When {
        environment,
        tier: map.get("tier").and_then(|it| tier(walker, it)),
        calls: map.get("calls").and_then(|it| calls(walker, it)),
        time: map
            .get("time")
            .map_or_else(Vec::new, |it| walker.one_or_many(it, "`time`", window)),
        taint: taint.into_iter().collect(),
    }
}

fn tier<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<TierBound> {
    if let NodeValue::Scalar { text, .. } = &node.value {
        let problem = walker.wrong_type(node, "`tier`", "a mapping");
        problem.help("write `{below: …}`, `{at_least: …}` or `{equals: …}`");
        if Tier::ALL.iter().any(|it| it.as_str() == text) {
            problem.suggest(format!("{{equals: {text}}}"));
        }
        return None;
    }
    let map = walker.map(node, "`tier`", &["below", "at_least", "equals"])?;
    let [entry] = map.entries() else {
        let message = "`tier` has one bound";
        walker
            .error(ProblemCode::Contradiction, map.span, message)
            .help("for a range write two rules, or the rule above it first");
        return None;
    };
    let tier = tier_name(walker, &entry.value, &quoted(&entry.key))?;
    match entry.key.as_ref() {
        "below" => Some(TierBound::Below(tier)),
        "at_least" => Some(TierBound::AtLeast(tier)),
        _ => Some(TierBound::Equals(tier)),
    }
}

/// Reads a tier by its name or its number, from 1.
pub(crate) fn tier_name<'a>(walker: &mut Walker<'a>, node: &Node<'a>, what: &str) -> Option<Tier> {
    if let NodeValue::Scalar { text, .. } = &node.value
        && let Ok(number @ 1..=4) = text.parse::<usize>()
    {
        return Tier::ALL.get(number - 1).copied();
    }
    let choices = Tier::ALL.map(|it| (it.as_str(), it));
    walker.choice(node, what, &choices)
}

/// Reads how many calls in how long.
pub(super) fn calls<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<CallsWindow> {
    const SCOPES: [(&str, ScopeName); 3] = [
        ("session", ScopeName::Session),
        ("agent", ScopeName::Agent),
        ("tenant", ScopeName::Tenant),
    ];
    let map = walker.map(node, "`calls`", &["over", "per", "by"])?;
    let over = walker
        .required(map, "over")
        .and_then(|it| count(walker, it, "`over`"));
    let per = walker
        .required(map, "per")
        .and_then(|it| walker.duration(it, "`per`", WINDOW_MAX));
    let by = map.get("by");
    let by = by.map_or(Some(ScopeName::default()), |it| {
        walker.choice(it, "`by`", &SCOPES)
    });
    Some(CallsWindow {
        over: over?,
        per: per?,
        by: by?,
    })
}

/// Reads a number of calls, at most as many as are remembered.
pub(crate) fn count(walker: &mut Walker<'_>, node: &Node<'_>, what: &str) -> Option<u32> {
    let most = i64::try_from(CALLS_KEPT_MAX).unwrap_or(i64::MAX);
    let over = walker.integer(node, what, 1..=most)?;
    u32::try_from(over).ok()
}

/// The days by their words.
pub(crate) const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

fn window<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<TimeWindow> {
    let map = walker.map(node, "`time`", &["from", "to", "zone", "days"])?;
    let from = walker
        .required(map, "from")
        .and_then(|it| walker.day_time(it, "`from`"));
    let to = walker
        .required(map, "to")
        .and_then(|it| walker.day_time(it, "`to`"));
    let zone = walker
        .required(map, "zone")
        .and_then(|it| walker.zone(it, "`zone`"));
    let days = map
        .get("days")
        .map_or_else(BTreeSet::new, |it| days(walker, it));
    let window = TimeWindow {
        from: from?,
        to: to?,
        zone: zone?,
        days,
    };
    check_window(walker, &window, node)?;
    Some(window)
}

/// Reads days of the week.
pub(crate) fn days<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> BTreeSet<Weekday> {
    let day = |walker: &mut Walker<'a>, node: &Node<'a>| -> Option<Weekday> {
        if let NodeValue::Scalar { text, .. } = &node.value {
            let short = text.get(..3).unwrap_or_default().to_ascii_lowercase();
            let known = DAYS.iter().find(|(word, _)| *word == short);
            if let Some((word, _)) = known
                && *word != text.as_ref()
            {
                walker
                    .error(
                        ProblemCode::UnknownValue,
                        &node.span,
                        "days are written with three small letters",
                    )
                    .suggest_nearest(Some(word));
                return None;
            }
        }
        walker.choice(node, "`days`", &DAYS)
    };
    walker
        .one_or_many(node, "`days`", day)
        .into_iter()
        .collect()
}

/// Refuses a window of no length.
pub(crate) fn check_window(
    walker: &mut Walker<'_>,
    window: &TimeWindow,
    node: &Node<'_>,
) -> Option<()> {
    if window.from.0 % 1440 != window.to.0 % 1440 || (window.from.0 == 0 && window.to.0 == 1440) {
        if window.from.0 < 1440 {
            return Some(());
        }
        let message = "a window cannot begin at 24:00";
        walker
            .error(ProblemCode::BadTime, &node.span, message)
            .help("write 00:00, and the next day under `days:`");
        return None;
    }
    let message = "the window begins and ends at the same time";
    walker
        .error(ProblemCode::BadTime, &node.span, message)
        .help("write 00:00 to 24:00 for the whole day");
    None
}
