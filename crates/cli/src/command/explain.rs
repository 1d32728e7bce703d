//! `aegis policy explain`: how a call would be decided, and why.

use aegis_engine::{Attached, Explanation, PolicyExplanation, RuleExplanation, Standpoint};
use aegis_policy::{Truth, WhyNot};
use aegis_types::{ActionRequest, Decision, Finding, Span, Verdict};
use serde_json::{Value, json};

use crate::command::{marked, plan};
use crate::describe;
use crate::page::{Page, Piece, Tone, piece};
use crate::report::Report;

/// Returns the page and the JSON of an explanation.
pub(crate) fn report(
    request: &ActionRequest,
    attached: &[Attached<'_>],
    explanation: &Explanation,
    is_whole: bool,
) -> Report {
    let mut page = Page::default();
    let text = describe::request(request);
    let words = deciding_words(request, &explanation.decision);
    show_request(
        &mut page,
        request,
        &text,
        &words,
        explanation.decision.verdict,
    );
    plan::show(&mut page, request, &text);
    plan::show_effects(&mut page, request, &text);
    show_decision(&mut page, &explanation.decision);
    for (policy, attached) in explanation.policies.iter().zip(attached) {
        show_policy(&mut page, policy, attached, is_whole);
    }
    let json = json!({
        "request": request,
        "decision": explanation.decision,
        "deciding_words": words
            .iter()
            .map(|span| json!({
                "start": span.start,
                "end": span.end,
                "text": text.get(span.start as usize..span.end as usize),
            }))
            .collect::<Vec<_>>(),
        "policies": explanation
            .policies
            .iter()
            .zip(attached)
            .map(|(policy, attached)| policy_json(policy, attached))
            .collect::<Vec<_>>(),
    });
    Report::done(page, json)
}

/// Returns the words of the command line because of which a call is not allowed.
///
/// Where secrets were replaced, the recorded text has other places than the
/// one that was decided.
fn deciding_words(request: &ActionRequest, decision: &Decision) -> Vec<Span> {
    let Some(deciding) = decision.deciding() else {
        return Vec::new();
    };
    if decision.verdict == Verdict::Allow || request.context.redacted > 0 {
        return Vec::new();
    }
    let decides = |finding: &&Finding| {
        !finding.observed
            && finding.verdict == deciding.verdict
            && finding.standing == deciding.standing
    };
    let mut words: Vec<Span> = decision
        .findings
        .iter()
        .filter(decides)
        .flat_map(|finding| finding.words.iter().copied())
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn show_request(
    page: &mut Page,
    request: &ActionRequest,
    text: &str,
    words: &[Span],
    verdict: Verdict,
) {
    marked::show(page, &request.tool, text, words, Tone::of(verdict));
    page.line(&[piece(
        Tone::Quiet,
        format!("{} in {}", request.action, request.context.directory),
    )]);
}

fn show_decision(page: &mut Page, decision: &Decision) {
    page.heading("Decision");
    let verdict = format!(
        "  {} {}",
        describe::sign(decision.verdict),
        decision.verdict
    );
    let from = describe::policy(decision)
        .map(|name| format!("  {name}"))
        .unwrap_or_default();
    page.line(&[
        piece(Tone::of(decision.verdict), verdict),
        piece(Tone::Plain, format!("  {}", describe::cause(decision))),
        piece(Tone::Quiet, from),
    ]);
    if let Some(message) = decision
        .deciding()
        .and_then(|finding| finding.message.as_deref())
    {
        page.plain(format!("  {message}"));
    }
    if decision.verdict == Verdict::Allow && !decision.is_explicit() {
        page.line(&[piece(
            Tone::Quiet,
            "  No rule says so: the agent's host is told nothing, and its own questions stay.",
        )]);
    }
    for obligation in &decision.obligations {
        page.line(&[piece(
            Tone::Quiet,
            format!(
                "  on the condition that {}",
                describe::obligation(obligation)
            ),
        )]);
    }
}

fn show_policy(
    page: &mut Page,
    policy: &PolicyExplanation,
    attached: &Attached<'_>,
    is_whole: bool,
) {
    page.heading(format!("Rules of {}", policy.name));
    if attached.only_tightens {
        page.line(&[piece(
            Tone::Careful,
            "  not trusted, so it may only tighten: its allows do not count (see `aegis trust`)",
        )]);
    }
    let is_shown = |rule: &&RuleExplanation| is_whole || !(is_far(rule) || is_unsure(rule));
    let mut shown: Vec<&RuleExplanation> = policy.rules.iter().filter(is_shown).collect();
    shown.sort_by_key(|rule| distance(rule));
    let rows: Vec<Vec<Piece>> = shown.into_iter().map(row).collect();
    if !rows.is_empty() {
        page.table(&["", "rule", "says", "why"], &rows);
    }
    if !is_whole {
        let far = policy.rules.iter().filter(|rule| is_far(rule)).count();
        let unsure = policy.rules.iter().filter(|rule| is_unsure(rule)).count();
        hidden(
            page,
            unsure,
            "cannot be told for sure and does not count then",
            "cannot be told for sure and do not count then",
        );
        hidden(page, far, "is about other things", "are about other things");
    }
    if let Some(default) = policy.default {
        page.line(&[
            piece(
                Tone::Quiet,
                if policy.is_in_doubt {
                    "  that is in doubt, so what the default says counts too: "
                } else if decides(policy) {
                    "  no rule decides the other parts, so the default does: "
                } else {
                    "  no rule decides, so the default does: "
                },
            ),
            piece(Tone::of(default), default.as_str()),
        ]);
    }
}

/// Returns whether a rule in order decides some part.
fn decides(policy: &PolicyExplanation) -> bool {
    policy.rules.iter().any(|rule| {
        rule.speaks
            && match rule.standpoint {
                Standpoint::Ordered | Standpoint::TierBase => true,
                Standpoint::Mandatory | Standpoint::Limit => false,
            }
    })
}

fn hidden(page: &mut Page, count: usize, one: &str, many: &str) {
    if count > 0 {
        let text = describe::count(count, &format!("more {one}"), &format!("more {many}"));
        page.line(&[piece(Tone::Quiet, format!("  {text} (--all shows them)"))]);
    }
}

/// Returns how far a rule is from deciding: those that speak come first, then
/// the near misses.
fn distance(rule: &RuleExplanation) -> u8 {
    match rule {
        rule if rule.speaks => 0,
        rule if is_far(rule) => 3,
        rule if is_unsure(rule) => 2,
        _ => 1,
    }
}

/// Returns whether it cannot be told if a rule holds, and it does not count for that.
fn is_unsure(rule: &RuleExplanation) -> bool {
    matches!(rule.truth, Truth::Unknown(_)) && !rule.speaks
}

/// Returns whether a rule is about something else altogether: nothing of it
/// holds, or what it lacks is what it is about.
pub(crate) fn is_far(rule: &RuleExplanation) -> bool {
    let is_excluded = matches!(rule.truth, Truth::No(WhyNot::Excluded));
    if !(rule.holds_in_something || is_excluded) {
        return true;
    }
    matches!(
        rule.truth,
        Truth::No(
            WhyNot::Tool
                | WhyNot::Action
                | WhyNot::NoCommandLine
                | WhyNot::Command { program: None }
                | WhyNot::Alternatives
                | WhyNot::Path
                | WhyNot::Host
        )
    )
}

fn row(rule: &RuleExplanation) -> Vec<Piece> {
    let (sign, tone, why) = match &rule.truth {
        _ if rule.is_shadowed => (
            "·",
            Tone::Quiet,
            "it holds, but stands behind one that decided".to_owned(),
        ),
        Truth::Yes if rule.speaks => (
            describe::sign(rule.verdict),
            Tone::of(rule.verdict),
            "it holds".to_owned(),
        ),
        Truth::Yes => (
            "·",
            Tone::Quiet,
            "it holds, but does not count here".to_owned(),
        ),
        Truth::No(why) => ("·", Tone::Quiet, why.to_string()),
        Truth::Unknown(why) if rule.speaks => (
            describe::sign(rule.verdict),
            Tone::of(rule.verdict),
            format!("it counts as holding: {why}"),
        ),
        Truth::Unknown(why) => ("·", Tone::Quiet, format!("it does not count: {why}")),
    };
    let where_it_stands = match rule.standpoint {
        Standpoint::Mandatory => " (mandatory)",
        Standpoint::Limit => " (limit)",
        Standpoint::TierBase => " (tier)",
        Standpoint::Ordered => "",
    };
    vec![
        piece(tone, sign),
        piece(
            if rule.speaks {
                Tone::Strong
            } else {
                Tone::Plain
            },
            format!("{}{where_it_stands}", rule.id),
        ),
        piece(tone, rule.verdict.as_str()),
        piece(Tone::Quiet, why),
    ]
}

fn policy_json(policy: &PolicyExplanation, attached: &Attached<'_>) -> Value {
    let sources = &attached.policy.policy().sources;
    json!({
        "name": policy.name,
        "digest": attached.policy.digest(),
        "default": policy.default,
        "rules": policy.rules.iter().map(|rule| {
            let (holds, why) = match &rule.truth {
                Truth::Yes => (json!(true), None),
                Truth::No(why) => (json!(false), Some(why.to_string())),
                Truth::Unknown(why) => (Value::Null, Some(why.to_string())),
            };
            json!({
                "id": rule.id,
                "verdict": rule.verdict,
                "source": sources.get(usize::from(rule.place.source)).map(|source| &source.name),
                "line": rule.place.line,
                "column": rule.place.column,
                "holds": holds,
                "why": why,
                "speaks": rule.speaks,
                "shadowed": rule.is_shadowed,
            })
        }).collect::<Vec<_>>(),
    })
}
