//! Under which conditions an action rule holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use aegis_types::Verdict;

use super::expression;
use crate::matcher::{Bound, ParamCondition, ParamTest, Scalar};
use crate::native::{DAYS, check_window, part, scalar};
use crate::parse::{Entry, Map, Meaning, Node, NodeValue, Walker, meaning};
use crate::problem::ProblemCode;
use crate::when::{DayTime, TimeWindow, Weekday, When, Zone};

const KEYS: [&str; 10] = [
    "time_after",
    "time_before",
    "weekdays",
    "param_eq",
    "param_gt",
    "param_lt",
    "param_gte",
    "param_lte",
    "param_contains",
    "param_matches",
];

/// Reads under which circumstances a rule with `verdict` holds, and of which
/// parameters.
pub(super) fn conditions<'a>(
    walker: &mut Walker<'a>,
    node: &Node<'a>,
    verdict: Verdict,
) -> (When, Vec<ParamCondition>) {
    let Some(map) = walker.map(node, "`conditions`", &KEYS) else {
        return Default::default();
    };
    let when = When {
        time: window(walker, map).into_iter().collect(),
        ..When::default()
    };
    let params = map.entries().iter();
    let params = params
        .filter(|entry| entry.key.starts_with("param_"))
        .flat_map(|entry| tests(walker, entry, verdict))
        .collect();
    (when, params)
}

/// Reads the hours and days, of which each that is not given is every one.
///
/// When it begins later than it ends, it ends on the next day.
fn window<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Option<TimeWindow> {
    let (after, before) = (map.get("time_after"), map.get("time_before"));
    let days = map.get("weekdays");
    let node = before.or(after).or(days)?;
    let from = after.map_or(Some(DayTime(0)), |it| walker.day_time(it, "`time_after`"));
    let to = before.map_or(Some(DayTime(1440)), |it| {
        walker.day_time(it, "`time_before`")
    });
    let days = days.map_or_else(BTreeSet::new, |it| weekdays(walker, it));
    let window = TimeWindow {
        from: from?,
        to: to?,
        zone: Zone(Arc::from("UTC")),
        days,
    };
    check_window(walker, &window, node)?;
    Some(window)
}

/// Reads days by their numbers, Monday being the first.
fn weekdays<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> BTreeSet<Weekday> {
    let day = |walker: &mut Walker<'a>, node: &Node<'a>| -> Option<Weekday> {
        let number = walker.integer(node, "a day of `weekdays`", 1..=7)?;
        let place = usize::try_from(number - 1).ok()?;
        DAYS.get(place).map(|(_, day)| *day)
    };
    walker.list(node, "`weekdays`", day).into_iter().collect()
}

/// Reads one test on several parameters, each named by its key.
fn tests<'a>(
    walker: &mut Walker<'a>,
    condition: &Entry<'a>,
    verdict: Verdict,
) -> Vec<ParamCondition> {
    let Some(map) = walker.free_map(&condition.value, "a condition on parameters") else {
        return Vec::new();
    };
    let entries = map.entries().iter();
    let tests = entries.filter_map(|entry| {
        Some(ParamCondition {
            path: vec![Arc::from(entry.key.as_ref())],
            test: test(walker, &condition.key, &entry.value, verdict)?,
        })
    });
    tests.collect()
}

fn test<'a>(
    walker: &mut Walker<'a>,
    key: &str,
    node: &Node<'a>,
    verdict: Verdict,
) -> Option<ParamTest> {
    let what = format!("the value of `{key}`");
    Some(match key {
        "param_eq" => ParamTest::Equals(equal(walker, node, &what)?),
        "param_gt" => ParamTest::Gt(bound(walker, node, &what)?),
        "param_lt" => ParamTest::Lt(bound(walker, node, &what)?),
        "param_gte" => ParamTest::Gte(bound(walker, node, &what)?),
        "param_lte" => ParamTest::Lte(bound(walker, node, &what)?),
        "param_contains" => ParamTest::Contains(part(walker, node, &what)?),
        "param_matches" => ParamTest::Regex(expression::pattern(walker, node, &what, verdict)?),
        // Other keys are reported already.
        _ => return None,
    })
}

fn equal<'a>(walker: &mut Walker<'a>, node: &Node<'a>, what: &str) -> Option<Scalar> {
    match scalar(walker, node, what)? {
        Scalar::Null => {
            let message = "no parameter equals `null`: it counts as absent";
            walker.error(ProblemCode::Contradiction, &node.span, message);
            None
        }
        value @ (Scalar::Bool(_) | Scalar::Integer(_) | Scalar::Text(_)) => Some(value),
    }
}

/// Reads what a parameter is compared with: a number, or text that is none.
fn bound<'a>(walker: &mut Walker<'a>, node: &Node<'a>, what: &str) -> Option<Bound> {
    let NodeValue::Scalar { text, is_plain } = &node.value else {
        walker.wrong_type(node, what, "a number or text");
        return None;
    };
    match (is_plain, meaning(text)) {
        (true, Meaning::Number) => match decimal(text) {
            Some(decimal) => Some(Bound::Decimal(decimal)),
            None => {
                let number = walker.integer(node, what, i64::MIN..=i64::MAX)?;
                Some(Bound::Integer(number))
            }
        },
        (false, Meaning::Number) => {
            let message = format!("{what} is a number in quotes, with which only text is in order");
            walker
                .error(ProblemCode::WrongType, &node.span, message)
                .suggest(text.as_ref());
            None
        }
        (_, Meaning::Text) => {
            let text = walker.some_text(node, what)?;
            Some(Bound::Text(Arc::from(text)))
        }
        (_, Meaning::Nothing | Meaning::Null | Meaning::Bool(_)) => {
            walker.wrong_type(node, what, "a number or text");
            None
        }
    }
}

/// Returns the decimal number with a fraction that `text` says.
fn decimal(text: &str) -> Option<f64> {
    let (whole, fraction) = text.strip_prefix('-').unwrap_or(text).split_once('.')?;
    let is_digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let number = text.parse::<f64>().ok()?;
    (is_digits(whole) && is_digits(fraction) && number.is_finite()).then_some(number)
}
