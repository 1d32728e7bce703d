//! `aegis policy explain`: how a call would be decided, and why.

use aegis_engine::{Attached, Explanation, PolicyExplanation, RuleExplanation, Standpoint};
use aegis_policy::{Truth, WhyNot};
use aegis_types::{ActionRequest, Command, Decision, Verdict, Word, WordPart};
use serde_json::{Value, json};

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
    show_request(&mut page, request);
    show_facts(&mut page, request);
    show_decision(&mut page, &explanation.decision);
    for (policy, attached) in explanation.policies.iter().zip(attached) {
        show_policy(&mut page, policy, attached, is_whole);
    }
    let json = json!({
        "request": request,
        "decision": explanation.decision,
        "policies": explanation
            .policies
            .iter()
            .zip(attached)
            .map(|(policy, attached)| policy_json(policy, attached))
            .collect::<Vec<_>>(),
    });
    Report::done(page, json)
}

fn show_request(page: &mut Page, request: &ActionRequest) {
    page.line(&[
        piece(Tone::Strong, &*request.tool),
        piece(Tone::Plain, "  "),
        piece(Tone::Plain, describe::request(request)),
    ]);
    page.line(&[piece(
        Tone::Quiet,
        format!("{} in {}", request.action, request.context.directory),
    )]);
}

/// Shows what was found out about the call: what would run, what it would touch.
fn show_facts(page: &mut Page, request: &ActionRequest) {
    let mut fields = Vec::new();
    if let Some(plan) = &request.context.plan {
        for command in &plan.commands {
            fields.push(("runs", piece(Tone::Plain, command_text(command))));
        }
        for unknown in &plan.unknowns {
            let text = describe::unknown(&unknown.cause);
            fields.push(("unknown", piece(Tone::Careful, text)));
        }
    }
    for path in &request.context.paths {
        let place = match &path.resolved {
            Some(place) => piece(
                Tone::Plain,
                format!("{place} ({})", describe::access(path.access)),
            ),
            None => piece(
                Tone::Careful,
                format!(
                    "a path that cannot be told ({})",
                    describe::access(path.access)
                ),
            ),
        };
        fields.push(("touches", place));
    }
    for host in &request.context.hosts {
        let host = match &host.host {
            Some(_) => piece(Tone::Plain, &host.written),
            None => piece(Tone::Careful, "a host that cannot be told"),
        };
        fields.push(("speaks to", host));
    }
    for touch in &request.context.protected {
        let text = format!(
            "{} ({}) by {}",
            touch.kind.noun(),
            touch.path,
            touch.through
        );
        fields.push(("protected", piece(Tone::Bad, text)));
    }
    for agent in &request.context.nested_agents {
        fields.push((
            "starts",
            piece(Tone::Bad, format!("{}: {}", agent.program, agent.cause)),
        ));
    }
    if !fields.is_empty() {
        page.heading("Facts").fields(&fields);
    }
}

/// Returns a command as understood: words without quotes, `…` for what is unknown.
fn command_text(command: &Command) -> String {
    let assigned = command
        .assignments
        .iter()
        .map(|assignment| format!("{}={}", assignment.name, word_text(&assignment.value)));
    let words = command
        .program
        .iter()
        .chain(&command.arguments)
        .map(word_text);
    assigned.chain(words).collect::<Vec<_>>().join(" ")
}

fn word_text(word: &Word) -> String {
    word.parts
        .iter()
        .map(|part| match part {
            WordPart::Literal(text) | WordPart::Pattern(text) => text.clone(),
            WordPart::Home(None) => "~".to_owned(),
            WordPart::Home(Some(user)) => format!("~{user}"),
            WordPart::Unknown(_) => "…".to_owned(),
        })
        .collect()
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
    let rows: Vec<Vec<Piece>> = policy.rules.iter().filter(is_shown).map(row).collect();
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
            piece(Tone::Quiet, "  no rule decides, so the default does: "),
            piece(Tone::of(default), default.as_str()),
        ]);
    }
}

fn hidden(page: &mut Page, count: usize, one: &str, many: &str) {
    if count > 0 {
        let text = describe::count(count, &format!("more {one}"), &format!("more {many}"));
        page.line(&[piece(Tone::Quiet, format!("  {text} (--all shows them)"))]);
    }
}

/// Returns whether it cannot be told if a rule holds, and it does not count for that.
fn is_unsure(rule: &RuleExplanation) -> bool {
    matches!(rule.truth, Truth::Unknown(_)) && !rule.speaks
}

/// Returns whether a rule is about something else altogether.
fn is_far(rule: &RuleExplanation) -> bool {
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
