//! The rules of a tool firewall.

use std::ops::Range;
use std::sync::Arc;

use aegis_types::{ApprovalTerms, DurationMs, Obligation, Otherwise, RuleId, Verdict};

use crate::matcher::{Matcher, ParamCondition, ParamTest};
use crate::native::{
    Ids, OTHERWISE, WAIT_MAX, WINDOW_MAX, check_window, count, days, param_path, tier_name,
};
use crate::parse::{Map, Node, NodeValue, Walker};
use crate::problem::{ProblemCode, quoted};
use crate::rule::{Examples, Rule};
use crate::when::{CallsWindow, ScopeName, TierBound, TimeWindow, When, Zone};

const KEYS: [&str; 10] = [
    "name",
    "id",
    "description",
    "priority",
    "trigger",
    "condition",
    "action",
    "message",
    "escalation",
    "mandatory",
];

#[derive(Clone, Copy, Eq, PartialEq)]
enum FirewallAction {
    Allow,
    Deny,
    Escalate,
}

const ACTIONS: [(&str, FirewallAction); 3] = [
    ("allow", FirewallAction::Allow),
    ("deny", FirewallAction::Deny),
    ("escalate", FirewallAction::Escalate),
];

/// Whether an escalation holds the call, or lets it go and tells somebody.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Escalation {
    Person,
    Slack,
    Log,
}

const ESCALATIONS: [(&str, Escalation); 3] = [
    ("human_approval", Escalation::Person),
    ("slack_notification", Escalation::Slack),
    ("log_only", Escalation::Log),
];

/// A rule with its priority.
pub(super) struct Placed {
    pub priority: i64,
    pub rule: Rule,
}

/// Reads a rule.
pub(super) fn rule<'a>(
    walker: &mut Walker<'a>,
    node: &Node<'a>,
    number: usize,
    ids: &mut Ids,
) -> Option<Placed> {
    let map = walker.map(node, "a firewall rule", &KEYS)?;
    let (id, span) = id(walker, map, number, ids);
    let place = walker.place(span.start);
    if let Some(node) = map.get("description") {
        walker.some_text(node, "`description`");
    }
    let priority = map.get("priority");
    let priority = priority.and_then(|it| walker.integer(it, "`priority`", i64::MIN..=i64::MAX));
    let matcher = walker
        .required(map, "trigger")
        .and_then(|it| trigger(walker, it));
    let when = map.get("condition").map(|it| condition(walker, it));
    let (verdict, approval, obligations) = action(walker, map);
    let message = map
        .get("message")
        .and_then(|it| walker.some_text(it, "`message`"))
        .map(|it| Arc::from(it.trim_end()));
    let rule = Rule {
        id,
        place,
        mandatory: mandatory(walker, map, verdict),
        tier_base: false,
        matcher: matcher.unwrap_or_default(),
        when: when.unwrap_or_default(),
        verdict,
        unknown: false,
        yields: false,
        risk: None,
        message,
        approval,
        obligations,
        examples: Examples::default(),
    };
    Some(Placed {
        priority: priority.unwrap_or(0),
        rule,
    })
}

fn id<'a>(
    walker: &mut Walker<'a>,
    map: Map<'_, 'a>,
    number: usize,
    ids: &mut Ids,
) -> (RuleId, Range<usize>) {
    let node = map.get("id").or_else(|| map.get("name"));
    let span = node.map_or_else(
        || {
            map.entries()
                .first()
                .map_or(map.span.clone(), |it| it.key_span.clone())
        },
        |it| it.span.clone(),
    );
    let id: Option<RuleId> = match node {
        Some(node) => walker.label(node, "the name of a rule"),
        None => format!("policy-{number}").parse().ok(),
    };
    if let (Some(_), Some(name)) = (map.get("id"), map.get("name")) {
        walker.some_text(name, "`name`");
    }
    match id {
        Some(id) => {
            ids.take(walker, &id, &span);
            (id, span)
        }
        None => (crate::native::fallback_name(), span),
    }
}

fn mandatory<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>, verdict: Verdict) -> bool {
    let Some(entry) = map.entry("mandatory") else {
        return false;
    };
    let is_mandatory = walker.boolean(&entry.value, "`mandatory`").unwrap_or(false);
    if is_mandatory && verdict == Verdict::Allow {
        let message = "a mandatory rule only tightens, and this one lets the call proceed";
        walker.error(ProblemCode::Contradiction, &entry.key_span, message);
    }
    is_mandatory
}

fn trigger<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<Matcher> {
    let map = walker.map(node, "`trigger`", &["tool", "params_match"])?;
    let tool = map.get("tool").map_or_else(Vec::new, |it| {
        walker.one_or_many(it, "`tool`", |walker, item| walker.fnmatch(item, "`tool`"))
    });
    let mut params = Vec::new();
    let patterns = map
        .get("params_match")
        .and_then(|it| walker.free_map(it, "`params_match`"));
    for entry in patterns.iter().flat_map(|it| it.entries()) {
        let path = param_path(walker, entry);
        let pattern = walker.regex(&entry.value, "the pattern of a parameter");
        if let (Some(path), Some(pattern)) = (path, pattern) {
            let test = ParamTest::Regex(pattern);
            params.push(ParamCondition { path, test });
        }
    }
    Some(Matcher {
        tool,
        params,
        ..Matcher::default()
    })
}

fn condition<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> When {
    const KEYS: [&str; 4] = [
        "environment",
        "autonomy_tier",
        "calls_in_window",
        "time_of_day",
    ];
    let Some(map) = walker.map(node, "`condition`", &KEYS) else {
        return When::default();
    };
    When {
        environment: map.get("environment").map_or_else(Vec::new, |it| {
            walker.one_or_many(it, "`environment`", |walker, item| {
                walker.some_text(item, "`environment`").map(Arc::from)
            })
        }),
        tier: map.get("autonomy_tier").and_then(|it| tier(walker, it)),
        calls: map.get("calls_in_window").and_then(|it| calls(walker, it)),
        time: map
            .get("time_of_day")
            .map_or_else(Vec::new, |it| walker.one_or_many(it, "`time_of_day`", time)),
        ..When::default()
    }
}

fn tier<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<TierBound> {
    if let NodeValue::Scalar { .. } = &node.value {
        return tier_name(walker, node, "`autonomy_tier`").map(TierBound::Equals);
    }
    let keys = ["less_than", "at_least", "equals"];
    let map = walker.map(node, "`autonomy_tier`", &keys)?;
    let [entry] = map.entries() else {
        let message = "`autonomy_tier` has one bound";
        walker.error(ProblemCode::Contradiction, map.span, message);
        return None;
    };
    let tier = tier_name(walker, &entry.value, &quoted(&entry.key))?;
    match entry.key.as_ref() {
        "less_than" => Some(TierBound::Below(tier)),
        "at_least" => Some(TierBound::AtLeast(tier)),
        _ => Some(TierBound::Equals(tier)),
    }
}

fn calls<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<CallsWindow> {
    let map = walker.map(node, "`calls_in_window`", &["count", "window"])?;
    let over = walker
        .required(map, "count")
        .and_then(|it| count(walker, it, "`count`"));
    let per = walker
        .required(map, "window")
        .and_then(|it| walker.duration(it, "`window`", WINDOW_MAX));
    Some(CallsWindow {
        over: over?,
        per: per?,
        by: ScopeName::Session,
    })
}

fn time<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<TimeWindow> {
    let map = walker.map(node, "`time_of_day`", &["start", "end", "timezone", "days"])?;
    let from = walker
        .required(map, "start")
        .and_then(|it| walker.day_time(it, "`start`"));
    let to = walker
        .required(map, "end")
        .and_then(|it| walker.day_time(it, "`end`"));
    let zone = map.get("timezone");
    let zone = zone.map_or(Some(Zone(Arc::from("UTC"))), |it| {
        walker.zone(it, "`timezone`")
    });
    let days = map.get("days").map(|it| days(walker, it));
    let window = TimeWindow {
        from: from?,
        to: to?,
        zone: zone?,
        days: days.unwrap_or_default(),
    };
    check_window(walker, &window, node)?;
    Some(window)
}

/// Reads what a rule does: its verdict, how an approval is sought, and under
/// which obligations the call proceeds.
fn action<'a>(
    walker: &mut Walker<'a>,
    map: Map<'_, 'a>,
) -> (Verdict, Option<ApprovalTerms>, Vec<Obligation>) {
    let action = walker
        .required(map, "action")
        .and_then(|it| walker.choice(it, "`action`", &ACTIONS));
    let block = map.entry("escalation");
    let escalation = block.map(|it| escalation(walker, &it.value));
    if let (Some(entry), Some(FirewallAction::Allow | FirewallAction::Deny)) = (block, action) {
        walker
            .warn(
                ProblemCode::NoEffect,
                &entry.key_span,
                "`escalation` has no effect here",
            )
            .help("it belongs to `action: escalate`");
    }
    let (kind, terms) = escalation.unwrap_or((Escalation::Person, ApprovalTerms::default()));
    match (action, kind) {
        (Some(FirewallAction::Allow), _) => (Verdict::Allow, None, Vec::new()),
        (Some(FirewallAction::Deny) | None, _) => (Verdict::Deny, None, Vec::new()),
        (Some(FirewallAction::Escalate), Escalation::Person) => {
            (Verdict::Ask, Some(terms), Vec::new())
        }
        (Some(FirewallAction::Escalate), Escalation::Slack) => proceed("slack"),
        (Some(FirewallAction::Escalate), Escalation::Log) => proceed("log"),
    }
}

fn proceed(channel: &str) -> (Verdict, Option<ApprovalTerms>, Vec<Obligation>) {
    let notify = Obligation::Notify(channel.to_owned());
    (Verdict::Allow, None, vec![notify])
}

fn escalation<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> (Escalation, ApprovalTerms) {
    let usual = ApprovalTerms::default();
    let keys = ["type", "timeout", "default_on_timeout"];
    let Some(map) = walker.map(node, "`escalation`", &keys) else {
        return (Escalation::Person, usual);
    };
    let kind = map
        .get("type")
        .and_then(|it| walker.choice(it, "`type`", &ESCALATIONS))
        .unwrap_or(Escalation::Person);
    let within: Option<DurationMs> = map
        .get("timeout")
        .and_then(|it| walker.duration(it, "`timeout`", WAIT_MAX));
    let otherwise: Option<Otherwise> = map
        .get("default_on_timeout")
        .and_then(|it| walker.choice(it, "`default_on_timeout`", &OTHERWISE));
    let terms = ApprovalTerms {
        within: within.unwrap_or(usual.within),
        otherwise: otherwise.unwrap_or(usual.otherwise),
        ..usual
    };
    (kind, terms)
}
