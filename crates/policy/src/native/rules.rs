//! Rules and limits.

use std::ops::Range;
use std::sync::Arc;

use aegis_types::{Otherwise, Risk, RuleId, Verdict};

use super::{Ids, VERDICTS, conditions, examples, fallback_name, matching, terms};
use crate::parse::{Map, Node, Walker};
use crate::problem::ProblemCode;
use crate::rule::{Limit, Rule};
use crate::when::When;

const RULE_KEYS: [&str; 12] = [
    "id",
    "match",
    "when",
    "verdict",
    "risk",
    "message",
    "mandatory",
    "unknown",
    "approval",
    "obligations",
    "examples",
    "description",
];

const LIMIT_KEYS: [&str; 5] = ["id", "match", "calls", "verdict", "message"];

/// The risks by their words.
pub(crate) const RISKS: [(&str, Risk); 4] = [
    ("low", Risk::Low),
    ("medium", Risk::Medium),
    ("high", Risk::High),
    ("critical", Risk::Critical),
];

/// Reads a rule.
pub(super) fn rule<'a>(walker: &mut Walker<'a>, node: &Node<'a>, ids: &mut Ids) -> Option<Rule> {
    let map = walker.map(node, "a rule", &RULE_KEYS)?;
    let (id, span) = id(walker, map, ids);
    let matcher = walker
        .required(map, "match")
        .and_then(|it| matching::matcher_or_all(walker, it))
        .unwrap_or_default();
    let when = map.get("when");
    let verdict = walker
        .required(map, "verdict")
        .and_then(|it| walker.choice(it, "`verdict`", &VERDICTS));
    if let Some(node) = map.get("description") {
        walker.some_text(node, "`description`");
    }
    let rule = Rule {
        id,
        place: walker.place(span.start),
        mandatory: flag(walker, map, "mandatory"),
        tier_base: false,
        when: when.map_or_else(When::default, |it| conditions::when(walker, it)),
        verdict: verdict.unwrap_or(Verdict::Deny),
        unknown: turns_unknown(walker, map, verdict),
        yields: false,
        risk: map
            .get("risk")
            .and_then(|it| walker.choice(it, "`risk`", &RISKS)),
        message: message(walker, map),
        approval: map
            .get("approval")
            .and_then(|it| terms::approval(walker, it)),
        obligations: map
            .get("obligations")
            .map_or_else(Vec::new, |it| terms::obligations(walker, it)),
        examples: map
            .get("examples")
            .map(|it| examples::examples(walker, it, &matcher))
            .unwrap_or_default(),
        matcher,
    };
    if verdict.is_some() {
        check_verdict(walker, map, &rule);
    }
    Some(rule)
}

fn id<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>, ids: &mut Ids) -> (RuleId, Range<usize>) {
    let node = walker.required(map, "id");
    let span = node.map_or_else(|| map.span.clone(), |it| it.span.clone());
    let id: Option<RuleId> = node.and_then(|it| walker.name(it, "the id of a rule"));
    match id {
        Some(id) => {
            ids.take(walker, &id, &span);
            (id, span)
        }
        None => (fallback_name(), span),
    }
}

fn flag<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>, key: &str) -> bool {
    map.get(key)
        .and_then(|it| walker.boolean(it, &format!("`{key}`")))
        .unwrap_or(false)
}

/// Returns whether the rule treats what is unknown the other way than is usual
/// for its verdict.
fn turns_unknown<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>, verdict: Option<Verdict>) -> bool {
    let holds = map
        .get("unknown")
        .and_then(|it| walker.boolean(it, "`unknown`"));
    match (holds, verdict) {
        (None, _) | (_, None) => false,
        (Some(holds), Some(Verdict::Allow)) => holds,
        (Some(holds), Some(Verdict::Ask | Verdict::Deny)) => !holds,
    }
}

fn message<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Option<Arc<str>> {
    let node = map.get("message")?;
    let text = walker.some_text(node, "`message`")?;
    Some(Arc::from(text.trim_end()))
}

/// Reports parts of a rule that its verdict excludes.
fn check_verdict(walker: &mut Walker<'_>, map: Map<'_, '_>, rule: &Rule) {
    let mut refuse = |key: &str, message: &str, help: &str| {
        if let Some(entry) = map.entry(key) {
            walker
                .error(ProblemCode::Contradiction, &entry.key_span, message)
                .help(help);
        }
    };
    match rule.verdict {
        Verdict::Allow => {
            if rule.mandatory {
                refuse(
                    "mandatory",
                    "a mandatory rule only tightens, and this one allows",
                    "a mandatory rule says `ask` or `deny`",
                );
            }
            refuse(
                "approval",
                "an allow needs no approval",
                "write `verdict: ask`, or leave `approval:` out",
            );
        }
        Verdict::Ask => {}
        Verdict::Deny => {
            refuse(
                "approval",
                "a denied action is not put to anybody",
                "write `verdict: ask`, or leave `approval:` out",
            );
            refuse(
                "obligations",
                "a denied action has no obligations",
                "leave `obligations:` out",
            );
        }
    }
    if rule.unknown && rule.mandatory {
        refuse(
            "unknown",
            "a mandatory rule holds where something is unknown",
            "leave `unknown:` out, or `mandatory:`",
        );
    }
    let is_risky = rule.risk.unwrap_or_default() >= Risk::High;
    let silence = rule.approval.as_ref().map(|it| it.otherwise);
    if is_risky && silence == Some(Otherwise::Allow) {
        refuse(
            "approval",
            "at this risk, silence cannot mean yes",
            "write `otherwise: deny`, or a lower risk",
        );
    }
}

/// Reads a limit.
pub(super) fn limit<'a>(walker: &mut Walker<'a>, node: &Node<'a>, ids: &mut Ids) -> Option<Limit> {
    let map = walker.map(node, "a limit", &LIMIT_KEYS)?;
    let (id, span) = id(walker, map, ids);
    let matcher = walker
        .required(map, "match")
        .and_then(|it| matching::matcher_or_all(walker, it));
    let calls = walker
        .required(map, "calls")
        .and_then(|it| conditions::calls(walker, it));
    let verdict = map
        .get("verdict")
        .and_then(|it| Some((it, walker.choice(it, "`verdict`", &VERDICTS)?)));
    let verdict = match verdict {
        Some((node, Verdict::Allow)) => {
            let message = "a limit only tightens: it asks or denies";
            walker.error(ProblemCode::Contradiction, &node.span, message);
            Verdict::Deny
        }
        Some((_, verdict @ (Verdict::Ask | Verdict::Deny))) => verdict,
        None => Verdict::Deny,
    };
    let message = message(walker, map);
    Some(Limit {
        id,
        place: walker.place(span.start),
        matcher: matcher?,
        calls: calls?,
        verdict,
        message,
    })
}
