//! The spelling of action rules: `rules:`, the first one that holds decides.

mod conditions;
mod expression;
mod rules;

use aegis_types::{Mode, Verdict};

use crate::extend::{Head, Reading};
use crate::native::Ids;
use crate::parse::{Entry, Node, NodeValue, Walker, name_of_file};
use crate::problem::{ProblemCode, quoted};
use crate::rule::{Rule, Spelling};

const KEYS: [&str; 3] = ["version", "defaults", "rules"];

/// The version of the format.
const VERSION: &str = "1";

/// Reads a policy in the spelling of action rules.
///
/// It becomes the same policy as in the native spelling: a type is a tool, a
/// target what it is done to, and what no rule is about is asked unless its
/// `defaults` say otherwise.
pub(crate) fn policy<'a>(
    walker: &mut Walker<'a>,
    root: &Node<'a>,
    source: &str,
) -> Option<Reading> {
    let map = walker.map(root, "an action rules file", &KEYS)?;
    let entry = map.entry("rules")?;
    let head = Head {
        place: walker.place(entry.key_span.start),
        span: entry.key_span.clone(),
    };
    if let Some(node) = map.get("version") {
        check_version(walker, node);
    }
    let defaults = map
        .get("defaults")
        .and_then(|it| walker.map(it, "`defaults`", &["risk_level", "approval"]));
    if map.get("defaults").is_none() && is_empty_list(&entry.value) {
        let message = "the policy says nothing";
        walker.error(ProblemCode::Nothing, &entry.key_span, message);
    }
    Some(Reading {
        spelling: Spelling::ActionRules,
        name: name_of_file(source),
        description: None,
        extends: Vec::new(),
        default: Some(defaults.map_or(Verdict::Ask, |it| rules::approval(walker, it))),
        default_risk: defaults.and_then(|it| rules::risk(walker, it)),
        has_default: true,
        closed: None,
        mode: Mode::Enforce,
        rules: all(walker, entry),
        limits: Vec::new(),
        head,
    })
}

fn check_version(walker: &mut Walker<'_>, node: &Node<'_>) {
    let NodeValue::Scalar { text, .. } = &node.value else {
        walker.wrong_type(node, "`version`", "text");
        return;
    };
    if text != VERSION {
        let message = format!("unknown version {} of action rules", quoted(text));
        walker
            .error(ProblemCode::UnknownVersion, &node.span, message)
            .suggest(format!("\"{VERSION}\""));
    }
}

/// Returns whether there are no rules, so that the defaults are all there is.
fn is_empty_list(node: &Node<'_>) -> bool {
    matches!(&node.value, NodeValue::List(items) if items.is_empty())
}

fn all<'a>(walker: &mut Walker<'a>, entry: &Entry<'a>) -> Vec<Rule> {
    if is_empty_list(&entry.value) {
        return Vec::new();
    }
    let mut ids = Ids::default();
    let mut number = 0;
    walker.list(&entry.value, "`rules`", |walker, item| {
        number += 1;
        rules::rule(walker, item, number - 1, &mut ids)
    })
}
