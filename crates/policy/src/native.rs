//! The native spelling: `aegis: policy/v1`.

mod conditions;
mod examples;
mod matching;
mod params;
mod rules;
mod terms;

pub(crate) use conditions::{DAYS, WINDOW_MAX, check_window, count, days, tier_name};
pub(crate) use examples::{SHELL_TOOL, json_text, value};
pub(crate) use matching::check_host_name;
pub(crate) use params::{part, path as param_path, scalar};
pub(crate) use rules::RISKS;
pub(crate) use terms::{OTHERWISE, WAIT_MAX};

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use aegis_types::{Mode, RuleId, Verdict};

use crate::extend::{Head, Reading, Reference};
use crate::parse::{Map, Node, Walker};
use crate::problem::{ProblemCode, Related, quoted};
use crate::rule::{Limit, Rule, Spelling};

/// The version of the format.
const VERSION: &str = "policy/v1";

const KEYS: [&str; 9] = [
    "aegis",
    "name",
    "description",
    "extends",
    "default",
    "closed",
    "mode",
    "rules",
    "limits",
];

/// The verdicts by their words.
pub(crate) const VERDICTS: [(&str, Verdict); 3] = [
    ("allow", Verdict::Allow),
    ("ask", Verdict::Ask),
    ("deny", Verdict::Deny),
];

/// What can hold when no rule does; `none` is no opinion.
const DEFAULTS: [(&str, Option<Verdict>); 4] = [
    ("allow", Some(Verdict::Allow)),
    ("ask", Some(Verdict::Ask)),
    ("deny", Some(Verdict::Deny)),
    ("none", None),
];

/// Reads a policy in the native spelling.
pub(crate) fn policy<'a>(walker: &mut Walker<'a>, root: &Node<'a>) -> Option<Reading> {
    let map = walker.map(root, "a policy", &KEYS)?;
    let entry = map.entry("aegis")?;
    let head = Head {
        place: walker.place(entry.key_span.start),
        span: entry.key_span.clone(),
    };
    check_version(walker, &entry.value)?;
    let extends = references(walker, map);
    let default = map.get("default");
    let closed = map.get("closed");
    let mut ids = Ids::default();
    let reading = Reading {
        spelling: Spelling::Native,
        name: walker
            .required(map, "name")
            .and_then(|it| walker.name(it, "the name of a policy"))
            .unwrap_or_else(fallback_name),
        description: description(walker, map),
        extends,
        default_risk: None,
        has_default: default.is_some(),
        default: default.and_then(|it| walker.choice(it, "`default`", &DEFAULTS)?),
        closed: closed.and_then(|it| walker.boolean(it, "`closed`")),
        mode: mode(walker, map),
        rules: rules(walker, map, &mut ids),
        limits: limits(walker, map, &mut ids),
        head,
    };
    if !walker.has_error()
        && reading.rules.is_empty()
        && reading.limits.is_empty()
        && reading.extends.is_empty()
        && default.is_none()
    {
        let message = "the policy says nothing";
        walker.error(ProblemCode::Nothing, &entry.key_span, message);
    }
    Some(reading)
}

/// Returns a name that stands in for one that was reported.
pub(crate) fn fallback_name<T: std::str::FromStr<Err = aegis_types::ParseIdError>>() -> T {
    let name = "unnamed".parse();
    #[expect(clippy::expect_used, reason = "INVARIANT: visible ASCII, not empty")]
    name.expect("a constant identifier is sound")
}

fn check_version(walker: &mut Walker<'_>, node: &Node<'_>) -> Option<()> {
    let text = match &node.value {
        crate::parse::NodeValue::Scalar { text, .. } => text.as_ref(),
        crate::parse::NodeValue::List(_) | crate::parse::NodeValue::Map(_) => "",
    };
    if text == VERSION {
        return Some(());
    }
    let is_newer = text.starts_with("policy/v");
    let message = match text {
        "" => "`aegis` names no format".to_owned(),
        _ if is_newer => format!("unknown version {} of the policy format", quoted(text)),
        _ => format!("unknown format {}", quoted(text)),
    };
    let problem = walker.error(ProblemCode::UnknownVersion, &node.span, message);
    problem.help(format!("this program reads `{VERSION}`"));
    if !text.is_empty() {
        problem.suggest(VERSION);
    }
    None
}

fn description<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Option<Arc<str>> {
    let node = map.get("description")?;
    walker.some_text(node, "`description`").map(Arc::from)
}

/// The modes by their words.
pub(crate) const MODES: [(&str, Mode); 2] =
    [("enforce", Mode::Enforce), ("observe", Mode::Observe)];

fn mode<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Mode {
    map.get("mode")
        .and_then(|it| walker.choice(it, "`mode`", &MODES))
        .unwrap_or_default()
}

fn references<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Vec<Reference> {
    let Some(node) = map.get("extends") else {
        return Vec::new();
    };
    let mut seen: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    walker.one_or_many(node, "`extends`", |walker, item| {
        let text = walker.some_text(item, "what is extended")?;
        if seen.insert(text, item.span.clone()).is_some() {
            let message = format!("{} is extended twice", quoted(text));
            walker.error(ProblemCode::Contradiction, &item.span, message);
            return None;
        }
        Some(Reference {
            text: text.to_owned(),
            head: Head {
                place: walker.place(item.span.start),
                span: item.span.clone(),
            },
        })
    })
}

/// The names given in a file, and where.
#[derive(Default)]
pub(crate) struct Ids(BTreeMap<RuleId, Range<usize>>);

impl Ids {
    /// Takes a name, reporting when it is taken already.
    pub fn take(&mut self, walker: &mut Walker<'_>, id: &RuleId, span: &Range<usize>) {
        let Some(first) = self.0.get(id) else {
            self.0.insert(id.clone(), span.clone());
            return;
        };
        let related = Related {
            place: walker.place(first.start),
            span: first.clone(),
            message: "the first one stands here".to_owned(),
        };
        let message = format!("two rules are called {}", quoted(id.as_str()));
        walker
            .error(ProblemCode::DuplicateRule, span, message)
            .related = Some(related);
    }
}

fn rules<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>, ids: &mut Ids) -> Vec<Rule> {
    let Some(node) = map.get("rules") else {
        return Vec::new();
    };
    walker.list(node, "`rules`", |walker, item| {
        rules::rule(walker, item, ids)
    })
}

fn limits<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>, ids: &mut Ids) -> Vec<Limit> {
    let Some(node) = map.get("limits") else {
        return Vec::new();
    };
    walker.list(node, "`limits`", |walker, item| {
        rules::limit(walker, item, ids)
    })
}
