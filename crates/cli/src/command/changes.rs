//! Decisions that come out otherwise, grouped for people.

use aegis_types::{ActionRequest, Decision, Verdict};
use serde_json::{Value, json};

use crate::describe;
use crate::page::{Page, Tone, piece};

/// How many requests of a group are shown.
const SHOWN_MAX: usize = 3;

/// The greatest number of characters of a request.
const SUMMARY_CHARS: usize = 76;

/// A request that two sets of policies decide differently.
pub(crate) struct Change<'a> {
    /// The request.
    pub(crate) request: &'a ActionRequest,
    /// How it was decided.
    pub(crate) before: &'a Decision,
    /// How it would be.
    pub(crate) after: &'a Decision,
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
            (None, None) => describe::cause(self.after),
        }
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
    let shown = match shows_all {
        true => number,
        false => SHOWN_MAX,
    };
    for change in group.changes.iter().take(shown) {
        let summary = describe::summary(change.request, SUMMARY_CHARS);
        page.line(&[
            piece(Tone::Quiet, format!("    {}  ", change.request.tool)),
            piece(Tone::Plain, summary),
        ]);
    }
    if number > shown {
        let more = format!("    … and {} more (--all shows them)", number - shown);
        page.line(&[piece(Tone::Quiet, more)]);
    }
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
