//! Reading files of tests.

use std::sync::Arc;

use aegis_types::{EffectKind, Reason, Timestamp};
use serde_json::{Value, json};

use super::{Asked, Case, Circumstances, Expected, FORMAT, PolicyTests, TestedPolicy, request};
use crate::native::{MODES, SHELL_TOOL, VERDICTS, json_text, tier_name, value};
use crate::parse::{Map, Node, NodeValue, SOURCE_BYTES_MAX, Walker, read_tree};
use crate::problem::{Problem, ProblemCode, Severity, quoted};
use crate::rule::Example;
use crate::source::Source;

/// The version of the format.
const VERSION: &str = "policy-tests/v1";

/// The greatest number of earlier calls: more are not remembered.
const CALLS_MAX: i64 = aegis_types::CALLS_KEPT_MAX as i64;

const FILE_KEYS: [&str; 14] = [
    "aegis",
    "policy",
    "tests",
    "workspace",
    "agent",
    "subagent",
    "user",
    "skill",
    "environment",
    "tier",
    "taint",
    "at",
    "earlier_calls",
    "mode",
];

const CASE_KEYS: [&str; 20] = [
    "name",
    "command",
    "tool",
    "params",
    "request",
    "verdict",
    "rule",
    "reason",
    "effect",
    "workspace",
    "agent",
    "subagent",
    "user",
    "skill",
    "environment",
    "tier",
    "taint",
    "at",
    "earlier_calls",
    "mode",
];

/// What a whole request says itself.
const SAID_BY_REQUEST: [&str; 12] = [
    "command",
    "tool",
    "params",
    "workspace",
    "agent",
    "subagent",
    "user",
    "skill",
    "environment",
    "tier",
    "taint",
    "at",
];

/// Reads a file of tests, or returns all that is wrong with it.
pub(super) fn tests(source: &Source) -> Result<PolicyTests, Vec<Problem>> {
    let mut walker = Walker::new(0, &source.text);
    let tests = file(&mut walker);
    let mut problems = walker.into_problems();
    problems.sort_by_key(|it| it.span.start);
    let has_error = problems.iter().any(|it| it.severity == Severity::Error);
    tests.filter(|_| !has_error).ok_or(problems)
}

fn file(walker: &mut Walker<'_>) -> Option<PolicyTests> {
    if walker.text.len() > SOURCE_BYTES_MAX {
        let message = format!("the file is larger than {} MiB", SOURCE_BYTES_MAX >> 20);
        walker
            .error(ProblemCode::TooLarge, &(0..0), message)
            .help("split it: each file of tests stands for itself");
        return None;
    }
    let root = read_tree(walker)?;
    let map = walker.map(&root, "a file of tests", &FILE_KEYS)?;
    let version = walker.required(map, "aegis");
    version.and_then(|it| check_version(walker, it));
    let policy = walker
        .required(map, "policy")
        .and_then(|it| tested_policy(walker, it));
    let defaults = circumstances(walker, map);
    let cases = walker.required(map, "tests").map_or_else(Vec::new, |it| {
        walker.list(it, "`tests`", |walker, item| case(walker, item, &defaults))
    });
    Some(PolicyTests {
        policy: policy?,
        cases,
    })
}

fn check_version(walker: &mut Walker<'_>, node: &Node<'_>) -> Option<()> {
    let text = match &node.value {
        NodeValue::Scalar { text, .. } => text.as_ref(),
        NodeValue::List(_) | NodeValue::Map(_) => "",
    };
    if text == VERSION {
        return Some(());
    }
    let message = match text.strip_prefix(FORMAT) {
        Some(rest) if rest.starts_with("/v") => {
            format!("unknown version {} of the format of tests", quoted(text))
        }
        Some(_) | None => format!("unknown format {} of tests", quoted(text)),
    };
    walker
        .error(ProblemCode::UnknownVersion, &node.span, message)
        .help(format!("this program reads `{VERSION}`"))
        .suggest(VERSION);
    None
}

fn tested_policy<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<TestedPolicy> {
    let name = walker.some_text(node, "`policy`")?;
    Some(TestedPolicy {
        name: Arc::from(name),
        place: walker.place(node.span.start),
        span: node.span.clone(),
    })
}

fn text<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>, key: &str) -> Option<Arc<str>> {
    let node = map.get(key)?;
    walker
        .some_text(node, &format!("`{key}`"))
        .map(|it| Arc::from(it.trim_end()))
}

fn circumstances<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Circumstances {
    Circumstances {
        workspace: map.get("workspace").and_then(|it| workspace(walker, it)),
        agent: map
            .get("agent")
            .and_then(|it| walker.name(it, "the name of an agent")),
        subagent: text(walker, map, "subagent"),
        user: map
            .get("user")
            .and_then(|it| walker.name(it, "the name of a user")),
        skill: text(walker, map, "skill"),
        environment: text(walker, map, "environment"),
        tier: map
            .get("tier")
            .and_then(|it| tier_name(walker, it, "`tier`")),
        taint: map
            .get("taint")
            .map_or_else(Vec::new, |it| {
                walker.one_or_many(it, "`taint`", |walker, item| {
                    walker.some_text(item, "`taint`").map(Arc::from)
                })
            })
            .into_iter()
            .collect(),
        at: map.get("at").and_then(|it| time(walker, it)),
        earlier_calls: map
            .get("earlier_calls")
            .and_then(|it| walker.integer(it, "`earlier_calls`", 0..=CALLS_MAX))
            .and_then(|it| u32::try_from(it).ok()),
        mode: map
            .get("mode")
            .and_then(|it| walker.choice(it, "`mode`", &MODES)),
    }
}

impl Circumstances {
    /// Returns these, and the defaults for those that are not given.
    fn or(self, defaults: &Self) -> Self {
        let pick = |own: Option<Arc<str>>, other: &Option<Arc<str>>| own.or_else(|| other.clone());
        Self {
            workspace: pick(self.workspace, &defaults.workspace),
            agent: self.agent.or_else(|| defaults.agent.clone()),
            subagent: pick(self.subagent, &defaults.subagent),
            user: self.user.or_else(|| defaults.user.clone()),
            skill: pick(self.skill, &defaults.skill),
            environment: pick(self.environment, &defaults.environment),
            tier: self.tier.or(defaults.tier),
            taint: if self.taint.is_empty() {
                defaults.taint.clone()
            } else {
                self.taint
            },
            at: self.at.or(defaults.at),
            earlier_calls: self.earlier_calls.or(defaults.earlier_calls),
            mode: self.mode.or(defaults.mode),
        }
    }
}

fn workspace<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<Arc<str>> {
    let text = walker.some_text(node, "`workspace`")?;
    if text.starts_with('/') || text == "~" || text.starts_with("~/") {
        return Some(Arc::from(text));
    }
    let message = format!("{} does not say where it begins", quoted(text));
    walker
        .error(ProblemCode::UnknownValue, &node.span, message)
        .help("a workspace begins with `/` or `~/`, a home folder that no machine has");
    None
}

fn time<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<Timestamp> {
    let text = walker.some_text(node, "`at`")?;
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_unix_ms(at.as_millisecond()));
    }
    let message = format!("`at` is no point in time: {}", quoted(text));
    walker
        .error(ProblemCode::BadTime, &node.span, message)
        .help("write date, time and offset, such as `2026-03-02T19:30:00Z`");
    None
}

fn case<'a>(walker: &mut Walker<'a>, node: &Node<'a>, defaults: &Circumstances) -> Option<Case> {
    let map = walker.map(node, "a case", &CASE_KEYS)?;
    let name = text(walker, map, "name");
    let asked = asked(walker, map);
    let own = circumstances(walker, map);
    let expected = expected(walker, map);
    Some(Case {
        place: walker.place(node.span.start),
        name,
        asked: asked?,
        circumstances: own.or(defaults),
        expected: expected?,
    })
}

fn asked<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Option<Asked> {
    if let Some(node) = map.get("request") {
        for entry in map.entries() {
            if SAID_BY_REQUEST.contains(&entry.key.as_ref()) {
                let message = format!("a whole request says {} itself", quoted(&entry.key));
                walker
                    .error(ProblemCode::Contradiction, &entry.key_span, message)
                    .help("leave it out here, or write it in the request");
            }
        }
        return request::request(walker, node).map(|it| Asked::Request(Box::new(it)));
    }
    let tool = text(walker, map, "tool");
    let params = match (map.get("command"), map.entry("params")) {
        (Some(node), Some(params)) => {
            walker.some_text(node, "`command`");
            let message = "a command line is all that a shell is given";
            walker
                .error(ProblemCode::Contradiction, &params.key_span, message)
                .help("write `command:` among the parameters, or leave `params:` out");
            None
        }
        (Some(node), None) => walker
            .some_text(node, "`command`")
            .map(|line| json!({"command": line})),
        (None, Some(entry)) => params(walker, &entry.value),
        (None, None) if map.get("tool").is_some() => Some(json!({})),
        (None, None) => {
            let at = map.entries().first().map_or(map.span, |it| &it.key_span);
            let message = "a case has no call";
            walker
                .error(ProblemCode::MissingKey, at, message)
                .help("write `command:`, `tool:` with `params:`, or `request:`");
            None
        }
    };
    if map.get("command").is_none() && map.get("params").is_some() {
        walker.required(map, "tool")?;
    }
    let tool = match map.get("tool") {
        Some(_) => tool?,
        None => Arc::from(SHELL_TOOL),
    };
    Some(Asked::Call(Example {
        place: walker.place(map.span.start),
        tool,
        params: json_text(&params?),
    }))
}

fn params<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<Value> {
    match &node.value {
        NodeValue::Map(_) => value(walker, node),
        NodeValue::Scalar { .. } | NodeValue::List(_) => {
            walker.wrong_type(node, "`params`", "a mapping");
            None
        }
    }
}

fn expected<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Option<Expected> {
    let verdict = walker
        .required(map, "verdict")
        .and_then(|it| walker.choice(it, "`verdict`", &VERDICTS));
    let rule = map
        .get("rule")
        .and_then(|it| walker.name(it, "the id of a rule"));
    let reasons: Vec<(&'static str, Reason)> =
        Reason::ALL.iter().map(|it| (it.as_str(), *it)).collect();
    let reason = map
        .get("reason")
        .and_then(|it| walker.choice(it, "`reason`", &reasons));
    let effects = EffectKind::ALL.map(|it| (it.as_str(), it));
    let effect = map.get("effect").map_or_else(Vec::new, |it| {
        walker.one_or_many(it, "`effect`", |walker, item| {
            walker.choice(item, "`effect`", &effects)
        })
    });
    Some(Expected {
        verdict: verdict?,
        rule,
        reason,
        effect,
    })
}
