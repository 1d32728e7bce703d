//! What a policy extends without need.

use std::collections::{BTreeMap, BTreeSet};

use super::clause::{Clause, get, map, texts};
use super::cover::{Spread, rule_covers};
use super::{Lint, LintCode};
use crate::matcher::Matcher;
use crate::parse::{Node, Walker, read_tree};
use crate::problem::quoted;
use crate::rule::Rule;
use crate::source::{Source, resolve};
use crate::when::When;

/// Finds what another of the extended policies extends already, and what no
/// call ever reaches.
pub(super) fn check(
    lint: &mut Lint<'_>,
    root: &Node<'_>,
    texts_of: &[Source],
    clauses: &[Clause<'_, '_>],
) {
    let Some(own) = texts_of.first() else {
        return;
    };
    let named = get(map(root), "extends").map_or_else(Vec::new, texts);
    let graph: BTreeMap<&str, BTreeSet<String>> = texts_of
        .iter()
        .map(|source| (&*source.name, extended_by(source)))
        .collect();
    for (text, node) in &named {
        let Some(name) = name_of(&own.name, text) else {
            continue;
        };
        let others = named.iter().filter_map(|(other, _)| {
            let other = name_of(&own.name, other)?;
            (other != name && reaches(&graph, &other, &name)).then_some(other)
        });
        if let Some(other) = others.into_iter().next() {
            let message = format!("{} extends {} already", quoted(&other), quoted(text));
            lint.find(LintCode::NeedlessExtends, &node.span, message)
                .help("leave it out");
        }
    }
    check_reached(lint, &named, clauses);
}

/// Finds that an own rule decides everything before what is extended is asked.
fn check_reached(lint: &mut Lint<'_>, named: &[(&str, &Node<'_>)], clauses: &[Clause<'_, '_>]) {
    let everything = |rule: &&Rule| {
        !rule.mandatory && rule.matcher == Matcher::default() && rule.when == When::default()
    };
    let own = clauses.iter().filter_map(|clause| clause.rule);
    let Some(wide) = own.into_iter().find(everything) else {
        return;
    };
    let is_other = |place: crate::rule::Place| place.source != 0;
    let policy = lint.policy;
    let mut others = policy.rules.iter().filter(|rule| is_other(rule.place));
    let some = others.clone().next().is_some();
    let is_asked = |rule: &Rule| rule.mandatory || !rule_covers(wide, &Spread::new(rule));
    let is_reached =
        others.any(is_asked) || policy.limits.iter().any(|limit| is_other(limit.place));
    if let Some((_, node)) = named.first()
        && some
        && !is_reached
    {
        let message = format!(
            "no rule of what is extended is ever asked: {} holds for everything",
            quoted(wide.id.as_str())
        );
        lint.find(LintCode::NeedlessExtends, &node.span, message)
            .help("leave that rule out, and let `default` decide what no rule holds for");
    }
}

/// Returns the names of what a source extends itself.
fn extended_by(source: &Source) -> BTreeSet<String> {
    let mut walker = Walker::new(0, &source.text);
    let root = read_tree(&mut walker);
    let named = root.as_ref().and_then(|root| get(map(root), "extends"));
    named
        .map_or_else(Vec::new, texts)
        .into_iter()
        .filter_map(|(text, _)| name_of(&source.name, text))
        .collect()
}

/// Returns the name by which what is extended is known.
fn name_of(from: &str, reference: &str) -> Option<String> {
    match reference.starts_with("aegis:") {
        true => Some(reference.to_owned()),
        false => resolve(from, reference).ok(),
    }
}

/// Returns whether `from` extends `to`, however far.
fn reaches(graph: &BTreeMap<&str, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let mut open = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        let Some(next) = graph.get(name).filter(|_| seen.insert(name)) else {
            continue;
        };
        if next.contains(to) {
            return true;
        }
        open.extend(next.iter().map(String::as_str));
    }
    false
}
