//! Rules that earlier ones keep from deciding.

use std::collections::BTreeMap;

use aegis_types::Verdict;

use super::clause::Clause;
use super::cover::{Spread, may_be_unknown, rule_covers};
use super::overlap::overlap;
use super::{Lint, LintCode};
use crate::problem::{Related, quoted};
use crate::rule::Rule;

/// How many earlier rules each rule is compared with: those that name the same
/// tool, and the last ones of the others.
const COMPARED_MAX: usize = 256;

/// Finds rules that never decide, or less than they say.
pub(super) fn check(lint: &mut Lint<'_>, clauses: &[Clause<'_, '_>]) {
    let ordered: Vec<(&Clause<'_, '_>, Spread<'_>)> = clauses
        .iter()
        .filter_map(|clause| {
            let rule = clause.rule.filter(|rule| !rule.mandatory)?;
            Some((clause, Spread::new(rule)))
        })
        .collect();
    let mut earlier = Earlier::default();
    for (place, (clause, spread)) in ordered.iter().enumerate() {
        let near = earlier.near(spread.rule);
        let mut candidates = near.iter().filter_map(|it| ordered.get(*it));
        let covering = candidates
            .clone()
            .find(|(_, wide)| rule_covers(wide.rule, spread));
        if let Some((by, wide)) = covering {
            tell_covered(lint, clause, spread.rule, by, wide.rule);
        } else if let Some((by, _)) = candidates.find(|(_, it)| is_pierced(it, spread)) {
            tell_pierced(lint, clause, by);
        }
        earlier.add(place, spread.rule);
    }
}

/// The places of earlier rules, by the tools that they name.
#[derive(Default)]
struct Earlier<'r> {
    by_tool: BTreeMap<&'r str, Vec<usize>>,
    others: Vec<usize>,
}

impl<'r> Earlier<'r> {
    fn add(&mut self, place: usize, rule: &'r Rule) {
        let tools = &rule.matcher.tool;
        if tools.is_empty() || tools.iter().any(|it| !it.is_literal()) {
            self.others.push(place);
            return;
        }
        for tool in tools {
            self.by_tool.entry(tool.as_str()).or_default().push(place);
        }
    }

    /// Returns the rules that a later one is compared with, in order.
    fn near(&self, rule: &Rule) -> Vec<usize> {
        let last =
            |it: &[usize]| -> Vec<usize> { it.iter().rev().take(COMPARED_MAX).copied().collect() };
        // Those that are about everything stand at either end.
        let mut found = last(&self.others);
        found.extend(self.others.iter().take(COMPARED_MAX));
        let tools = rule.matcher.tool.iter();
        for named in tools.filter_map(|tool| self.by_tool.get(tool.as_str())) {
            found.extend(last(named));
        }
        if rule.matcher.tool.is_empty() {
            for named in self.by_tool.values().take(COMPARED_MAX) {
                found.extend(named.iter().take(1));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Returns whether an earlier allow surely decides part of what a rule denies,
/// and is no exception that stands before it on purpose.
fn is_pierced(earlier: &Spread<'_>, later: &Spread<'_>) -> bool {
    earlier.rule.verdict == Verdict::Allow
        && later.rule.verdict == Verdict::Deny
        && earlier.rule.when == later.rule.when
        && !rule_covers(later.rule, earlier)
        && overlap(earlier, later)
}

fn tell_covered(
    lint: &mut Lint<'_>,
    clause: &Clause<'_, '_>,
    rule: &Rule,
    by: &Clause<'_, '_>,
    wide: &Rule,
) {
    let name = quoted(by.id());
    // An allow passes over what is unknown, and a later rule may stop at it.
    let passes = |it: &Rule| (it.verdict == Verdict::Allow) != it.unknown;
    let is_partial = passes(wide) && !passes(rule) && may_be_unknown(&wide.matcher);
    if is_partial && wide.verdict != Verdict::Allow {
        // Where the first one leaves off, the second is meant to stop.
        return;
    }
    let rest = match is_partial {
        true => ", unless something is unknown",
        false => "",
    };
    let is_same = wide.matcher == rule.matcher && wide.when == rule.when;
    let (code, message, help) = match (wide.verdict == rule.verdict, is_same) {
        (true, _) => (
            LintCode::Shadowed,
            format!("this rule is never asked: {name} says the same before it{rest}"),
            "remove it, or put it before the general rule if it says more",
        ),
        (false, true) => (
            LintCode::Contradicting,
            format!("{name} is about the same and says `{}`{rest}", wide.verdict),
            "keep the one that is meant: the first rule that holds decides",
        ),
        (false, false) => (
            LintCode::Unreachable,
            format!("this rule is never asked: {name} holds whenever it does{rest}"),
            "the first rule that holds decides: put the general rule after it",
        ),
    };
    let related = earlier(lint, by);
    lint.find(code, &clause.span, message).help(help).related = Some(related);
}

fn tell_pierced(lint: &mut Lint<'_>, clause: &Clause<'_, '_>, by: &Clause<'_, '_>) {
    let message = format!("{} allows part of what this rule denies", quoted(by.id()));
    let related = earlier(lint, by);
    lint.find(LintCode::Pierced, &clause.span, message)
        .help("the first rule that holds decides: put this one before it, or make it `mandatory`")
        .related = Some(related);
}

fn earlier(lint: &Lint<'_>, by: &Clause<'_, '_>) -> Related {
    Related {
        place: lint.walker.place(by.span.start),
        span: by.span.clone(),
        message: "it stands here".to_owned(),
    }
}
