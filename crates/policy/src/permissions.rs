//! The spelling of an agent host's permission rules: `permissions:` in its
//! settings file, what is denied first, then what is asked about, then what is
//! allowed.

mod command;
mod export;
mod form;
mod import;
mod path;

pub use export::{Exported, LeftOut, export_permissions};
pub use import::{Imported, import_permissions};

use aegis_types::{Mode, Verdict};

use crate::extend::{Head, Reading};
use crate::matcher::Matcher;
use crate::parse::{Map, Node, NodeValue, Walker, name_of_file};
use crate::problem::ProblemCode;
use crate::rule::{Examples, Rule, Spelling};

/// The key of a settings file under which the rules stand.
pub(crate) const KEY: &str = "permissions";

const KEYS: [&str; 7] = [
    "deny",
    "ask",
    "allow",
    "additionalDirectories",
    "defaultMode",
    "disableAutoMode",
    "disableBypassPermissionsMode",
];

/// The lists in the order in which they are asked.
pub(crate) const LISTS: [(&str, Verdict); 3] = [
    ("deny", Verdict::Deny),
    ("ask", Verdict::Ask),
    ("allow", Verdict::Allow),
];

/// Reads a policy in the spelling of an agent host's permission rules.
///
/// It becomes the same policy as in the native spelling, without a default: what
/// no rule is about is left to others. Other settings of the file are not read.
pub(crate) fn policy<'a>(
    walker: &mut Walker<'a>,
    root: &Node<'a>,
    source: &str,
) -> Option<Reading> {
    let settings = walker.free_map(root, "a settings file")?;
    let entry = settings.entry(KEY)?;
    let map = walker.map(&entry.value, "`permissions`", &KEYS)?;
    let mut rules = Vec::new();
    for (list, verdict) in LISTS {
        rules.extend(all(walker, map, list, verdict));
    }
    if rules.is_empty() && !walker.has_error() {
        let message = "the permissions say nothing";
        walker.error(ProblemCode::Nothing, &entry.key_span, message);
    }
    tell_other_settings(walker, map);
    Some(Reading {
        spelling: Spelling::Permissions,
        name: name_of_file(source),
        description: None,
        extends: Vec::new(),
        default: None,
        default_risk: None,
        has_default: true,
        closed: None,
        mode: Mode::Enforce,
        rules,
        limits: Vec::new(),
        head: Head {
            place: walker.place(entry.key_span.start),
            span: entry.key_span.clone(),
        },
    })
}

fn all<'a>(
    walker: &mut Walker<'a>,
    map: Map<'_, 'a>,
    list: &'static str,
    verdict: Verdict,
) -> Vec<Rule> {
    let is_empty =
        |node: &Node<'_>| matches!(&node.value, NodeValue::List(items) if items.is_empty());
    let Some(node) = map.get(list).filter(|it| !is_empty(it)) else {
        return Vec::new();
    };
    let mut number = 0;
    walker.list(node, &format!("`{list}`"), |walker, item| {
        number += 1;
        rule(walker, item, &format!("{list}-{number}"), verdict)
    })
}

/// Reads a rule; it is called by its list and its place there, from one.
fn rule<'a>(
    walker: &mut Walker<'a>,
    node: &Node<'a>,
    name: &str,
    verdict: Verdict,
) -> Option<Rule> {
    let matcher = form::matcher(walker, node, verdict)?;
    let unknown = holds_of_unknown(&matcher, verdict);
    Some(Rule {
        id: name.parse().ok()?,
        place: walker.place(node.span.start),
        mandatory: false,
        tier_base: false,
        matcher,
        when: crate::when::When::default(),
        verdict,
        unknown,
        yields: false,
        risk: None,
        message: None,
        approval: None,
        obligations: Vec::new(),
        examples: Examples::default(),
    })
}

/// Returns whether a rule holds of what is unknown: the host asks nothing about
/// any command where it is allowed its shell.
fn holds_of_unknown(matcher: &Matcher, verdict: Verdict) -> bool {
    let is_shell = matcher.tool.iter().any(|it| it.as_str() == "Bash");
    verdict == Verdict::Allow && is_shell && matcher.shell.is_empty() && matcher.not.is_some()
}

/// Reads one rule from its text alone; nothing if it means nothing.
fn read_form(text: &str, verdict: Verdict) -> Option<Matcher> {
    let mut walker = Walker::new(0, text);
    let value = NodeValue::Scalar {
        text: text.into(),
        is_plain: false,
    };
    let node = Node {
        span: 0..text.len(),
        value,
    };
    form::matcher(&mut walker, &node, verdict).filter(|_| !walker.has_error())
}

/// Tells which settings beside the rules are the host's own business.
fn tell_other_settings<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) {
    let is_rules = |key: &str| LISTS.iter().any(|(list, _)| *list == key);
    let others = map.entries().iter();
    for entry in others.filter(|it| !is_rules(&it.key) && KEYS.contains(&&*it.key)) {
        let message = format!("`{}` is for the host and makes no rule here", entry.key);
        walker
            .warn(ProblemCode::NoEffect, &entry.key_span, message)
            .help("the host goes on heeding it; a policy leaves modes and folders to the host");
    }
}
