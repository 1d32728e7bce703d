//! One action rule.

use std::ops::Range;

use aegis_types::{Risk, RuleId, Verdict};

use super::conditions;
use crate::matcher::Matcher;
use crate::native::{Ids, RISKS, fallback_name};
use crate::parse::{Map, Node, NodeValue, Walker};
use crate::pattern::Glob;
use crate::problem::{ProblemCode, quoted};
use crate::rule::{Examples, Rule};

const KEYS: [&str; 5] = ["name", "match", "conditions", "risk_level", "approval"];

/// The verdicts by their words in this spelling.
const APPROVALS: [(&str, Verdict); 3] = [
    ("auto", Verdict::Allow),
    ("approve", Verdict::Ask),
    ("block", Verdict::Deny),
];

/// Reads a rule, and returns it with its bytes; without a name it is called by
/// its number, from zero.
pub(super) fn rule<'a>(
    walker: &mut Walker<'a>,
    node: &Node<'a>,
    number: usize,
    ids: &mut Ids,
) -> Option<Rule> {
    let map = walker.map(node, "an action rule", &KEYS)?;
    let (id, span) = id(walker, map, number, ids);
    let matcher = walker
        .required(map, "match")
        .and_then(|it| matcher(walker, it))
        .unwrap_or_default();
    let verdict = approval(walker, map);
    let (when, params) = map
        .get("conditions")
        .map(|it| conditions::conditions(walker, it, verdict))
        .unwrap_or_default();
    Some(Rule {
        id,
        place: walker.place(span.start),
        mandatory: false,
        tier_base: false,
        matcher: Matcher { params, ..matcher },
        when,
        verdict,
        unknown: false,
        yields: true,
        risk: risk(walker, map),
        message: None,
        approval: None,
        obligations: Vec::new(),
        examples: Examples::default(),
    })
}

fn id<'a>(
    walker: &mut Walker<'a>,
    map: Map<'_, 'a>,
    number: usize,
    ids: &mut Ids,
) -> (RuleId, Range<usize>) {
    let (id, span): (Option<RuleId>, _) = match map.get("name") {
        Some(node) => (walker.label(node, "the name of a rule"), &node.span),
        None => {
            let first = map.entries().first();
            let span = first.map_or(map.span, |it| &it.key_span);
            (format!("rule_{number}").parse().ok(), span)
        }
    };
    match id {
        Some(id) => {
            ids.take(walker, &id, span);
            (id, span.clone())
        }
        None => (fallback_name(), span.clone()),
    }
}

/// Returns what stands under `approval`: to ask, if nothing does.
pub(super) fn approval<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Verdict {
    match map.get("approval") {
        None => Verdict::Ask,
        Some(node) => walker
            .choice(node, "`approval`", &APPROVALS)
            .unwrap_or(Verdict::Deny),
    }
}

/// Returns what stands under `risk_level`, in any letter case.
pub(super) fn risk<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Option<Risk> {
    let node = map.get("risk_level")?;
    if let NodeValue::Scalar { text, .. } = &node.value
        && let Some((_, risk)) = RISKS
            .iter()
            .find(|(word, _)| text.eq_ignore_ascii_case(word))
    {
        return Some(*risk);
    }
    walker.choice(node, "`risk_level`", &RISKS)
}

fn matcher<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<Matcher> {
    if matches!(&node.value, NodeValue::Map(entries) if entries.is_empty()) {
        walker
            .error(ProblemCode::Nothing, &node.span, "`match` holds nothing")
            .help("write `match: {type: \"*\"}` if everything is meant")
            .suggest("{type: \"*\"}");
        return None;
    }
    let map = walker.map(node, "`match`", &["type", "target", "agent"])?;
    Some(Matcher {
        tool: globs(walker, map, "type"),
        resource: globs(walker, map, "target"),
        agent: globs(walker, map, "agent"),
        ..Matcher::default()
    })
}

/// Reads one glob or several; none are returned when one matches everything.
fn globs<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>, key: &'static str) -> Vec<Glob> {
    let what = format!("`{key}`");
    let read = |walker: &mut Walker<'a>, node: &Node<'a>| {
        refuse_braces(walker, node, &what)?;
        walker.fnmatch(node, &what)
    };
    let globs = map
        .get(key)
        .map_or_else(Vec::new, |it| walker.one_or_many(it, &what, read));
    match globs.iter().any(|glob| glob.as_str() == "*") {
        true => Vec::new(),
        false => globs,
    }
}

/// Refuses alternatives in braces, which this spelling takes as they are
/// written, so that they never match what they mean.
fn refuse_braces(walker: &mut Walker<'_>, node: &Node<'_>, what: &str) -> Option<()> {
    let inner = |text: &str| {
        let (_, rest) = text.split_once('{')?;
        rest.split_once('}').map(|(inner, _)| inner.contains(','))
    };
    match &node.value {
        NodeValue::Scalar { text, .. } if inner(text) == Some(true) => {
            let message = format!("{what} has alternatives in braces: {}", quoted(text));
            walker
                .error(ProblemCode::BadGlob, &node.span, message)
                .help("write a list, with one glob for each alternative");
            None
        }
        NodeValue::Scalar { .. } | NodeValue::List(_) | NodeValue::Map(_) => Some(()),
    }
}
