//! The spelling of the tool firewall: `policies:`, the highest priority first.

mod rules;

use std::cmp::Reverse;
use std::sync::Arc;

use aegis_types::{Mode, Verdict};

use crate::extend::{Head, Reading};
use crate::native::Ids;
use crate::parse::{Node, Walker, name_of_file};
use crate::rule::Spelling;

const KEYS: [&str; 3] = ["name", "description", "policies"];

/// Reads a policy in the spelling of the tool firewall.
///
/// It becomes the same policy as in the native spelling: its rules by priority
/// and then as written, and allow when none of them holds.
pub(crate) fn policy<'a>(
    walker: &mut Walker<'a>,
    root: &Node<'a>,
    source: &str,
) -> Option<Reading> {
    let map = walker.map(root, "a tool firewall policy", &KEYS)?;
    let entry = map.entry("policies")?;
    let head = Head {
        place: walker.place(entry.key_span.start),
        span: entry.key_span.clone(),
    };
    let mut ids = Ids::default();
    let mut number = 0;
    let mut rules = walker.list(&entry.value, "`policies`", |walker, item| {
        number += 1;
        rules::rule(walker, item, number, &mut ids)
    });
    rules.sort_by_key(|it| Reverse(it.priority));
    Some(Reading {
        spelling: Spelling::Firewall,
        name: map
            .get("name")
            .and_then(|it| walker.label(it, "`name`"))
            .unwrap_or_else(|| name_of_file(source)),
        description: map
            .get("description")
            .and_then(|it| walker.some_text(it, "`description`"))
            .map(|it| Arc::from(it.trim_end())),
        extends: Vec::new(),
        default: Some(Verdict::Allow),
        default_risk: None,
        has_default: true,
        closed: None,
        mode: Mode::Enforce,
        rules: rules.into_iter().map(|it| it.rule).collect(),
        limits: Vec::new(),
        head,
    })
}
