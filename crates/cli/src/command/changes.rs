//! Decisions that come out otherwise, grouped for people.

use aegis_types::{ActionRequest, Decision, EffectKind, Reason, Verdict};
use serde_json::{Value, json};

use crate::describe;
use crate::page::{Page, Piece, Tone, piece};

/// How many requests of a group are shown.
const SHOWN_MAX: usize = 3;

/// How many kinds of what requests do are shown of a group that no rule makes.
const KINDS_MAX: usize = 12;

/// The greatest number of characters of a request.
const SUMMARY_CHARS: usize = 76;

/// The greatest number of characters of a request that stands for its kind.
const EXAMPLE_CHARS: usize = 50;

/// A request that two sets of policies decide differently.
pub(crate) struct Change<'a> {
    /// The request.
    pub(crate) request: &'a ActionRequest,
    /// How it was decided.
    pub(crate) before: &'a Decision,
    /// How it would be.
    pub(crate) after: &'a Decision,
    /// Under which circumstances it is made up; empty for one that was made.
    pub(crate) circumstances: String,
}

/// Changes from one verdict to another because of one rule.
struct Group<'c, 'a> {
    before: Verdict,
    after: Verdict,
    cause: String,
    changes: Vec<&'c Change<'a>>,
}

impl Change<'_> {
    /// Returns the rule that makes the difference, and the policy in which it
    /// stands: the one that decides now, or decided before if none does now.
    fn cause(&self) -> String {
        let of = |decision: &Decision| {
            let rule = decision.deciding()?.rule.as_ref()?;
            let policy = describe::policy(decision).unwrap_or_default();
            Some((rule.to_string(), policy.to_owned()))
        };
        match (of(self.after), of(self.before)) {
            (Some((rule, policy)), _) => format!("rule {rule} of {policy}"),
            (None, Some((rule, policy))) => format!("no longer rule {rule} of {policy}"),
            (None, None) if self.after.reason == Reason::Default => "the default".to_owned(),
            (None, None) => describe::cause(self.after),
        }
    }

    /// Returns the gravest of what it does, or its tool if it does nothing known.
    fn kind(&self) -> String {
        let effects = self.request.context.effects.iter();
        // Every command is a program that runs.
        let gravity = |kind: &EffectKind| (*kind != EffectKind::Execute, *kind);
        match effects.map(|it| it.kind).max_by_key(gravity) {
            Some(kind) => kind.as_str().replace('_', " "),
            None => self.request.tool.to_string(),
        }
    }

    fn names_rule(&self) -> bool {
        let of = |decision: &Decision| Some(decision.deciding()?.rule.is_some());
        [self.before, self.after].map(of).contains(&Some(true))
    }

    /// Returns it for programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "id": self.request.id,
            "session": self.request.principal.session,
            "tool": self.request.tool,
            "request": describe::request(self.request),
            "before": describe::decision(self.before),
            "after": describe::decision(self.after),
            "circumstances": self.circumstances,
        })
    }
}

/// Shows changes, grouped by verdicts and rule: what is newly allowed comes first.
pub(crate) fn show_changes(page: &mut Page, changes: &[Change<'_>], shows_all: bool) {
    let mut heading = None;
    for group in groups(changes) {
        if heading != Some(group.after) {
            heading = Some(group.after);
            let number = changes.iter().filter(|it| it.after.verdict == group.after);
            let text = format!("newly {}  {}", participle(group.after), number.count());
            page.blank().line(&[piece(Tone::of(group.after), text)]);
        }
        show_group(page, &group, shows_all);
    }
}

fn show_group(page: &mut Page, group: &Group<'_, '_>, shows_all: bool) {
    let number = group.changes.len();
    page.line(&[
        piece(Tone::Plain, format!("  {}", group.cause)),
        piece(Tone::Quiet, format!("  was {}  ×{number}", group.before)),
    ]);
    let is_of_rule = group.changes.iter().any(|it| it.names_rule());
    if !is_of_rule && !shows_all && number > SHOWN_MAX {
        show_kinds(page, group);
        return;
    }
    let shown = match shows_all {
        true => number,
        false => SHOWN_MAX,
    };
    for change in group.changes.iter().take(shown) {
        let summary = describe::summary(change.request, SUMMARY_CHARS);
        let under = match change.circumstances.as_str() {
            "" => String::new(),
            told => format!("  ({told})"),
        };
        page.line(&[
            piece(Tone::Quiet, format!("    {}  ", change.request.tool)),
            piece(Tone::Plain, summary),
            piece(Tone::Quiet, under),
        ]);
    }
    if number > shown {
        let more = format!("    … and {} more (--all shows them)", number - shown);
        page.line(&[piece(Tone::Quiet, more)]);
    }
}

/// Shows what the requests of a group do, with one of each kind.
fn show_kinds(page: &mut Page, group: &Group<'_, '_>) {
    let mut kinds: Vec<(String, usize, &Change<'_>)> = Vec::new();
    for change in &group.changes {
        let kind = change.kind();
        match kinds.iter_mut().find(|(known, ..)| *known == kind) {
            Some((_, number, _)) => *number += 1,
            None => kinds.push((kind, 1, change)),
        }
    }
    kinds.sort_by_key(|(_, number, _)| std::cmp::Reverse(*number));
    let rows: Vec<Vec<Piece>> = kinds
        .iter()
        .take(KINDS_MAX)
        .map(|(kind, number, change)| {
            vec![
                piece(Tone::Plain, kind.clone()),
                piece(Tone::Quiet, format!("×{number}")),
                piece(
                    Tone::Plain,
                    describe::summary(change.request, EXAMPLE_CHARS),
                ),
            ]
        })
        .collect();
    page.table(&["what it does", "calls", "such as"], &rows);
    let rest: usize = kinds
        .iter()
        .skip(KINDS_MAX)
        .map(|(_, number, _)| number)
        .sum();
    let more = match rest {
        0 => "    --all shows every one".to_owned(),
        rest => format!("    … and {rest} others (--all shows every one)"),
    };
    page.line(&[piece(Tone::Quiet, more)]);
}

fn groups<'c, 'a>(changes: &'c [Change<'a>]) -> Vec<Group<'c, 'a>> {
    let mut groups: Vec<Group<'c, 'a>> = Vec::new();
    for change in changes {
        let (before, after) = (change.before.verdict, change.after.verdict);
        let cause = change.cause();
        let known = groups
            .iter_mut()
            .find(|it| it.before == before && it.after == after && it.cause == cause);
        match known {
            Some(group) => group.changes.push(change),
            None => groups.push(Group {
                before,
                after,
                cause,
                changes: vec![change],
            }),
        }
    }
    groups.sort_by_key(|it| (it.after, std::cmp::Reverse(it.changes.len())));
    groups
}

fn participle(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allowed",
        Verdict::Ask => "asked",
        Verdict::Deny => "denied",
    }
}
