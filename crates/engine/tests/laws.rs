//! Laws of deciding.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use aegis_canon::Digest;
use aegis_engine::{
    Attached, Expectation, Fallback, Settings, check_examples, decide, explain, memory_needed,
    reduce,
};
use aegis_policy::{Compiled, Example, MemorySources, ScopeName, Source, parse, policy_digest};
use aegis_types::{
    ActionRequest, ApprovalTerms, ChainId, Decision, DurationMs, Envelope, EventKind, Obligation,
    PolicyStanding, Reason, Risk, Scope, State, Timestamp, Verdict,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::json;

const MATCHERS: [&str; 10] = [
    "all",
    "{tool: Bash}",
    "{tool: \"mcp__*\"}",
    "{action: shell.exec}",
    "{shell: {program: git}}",
    "{shell: {program: git, subcommand: push, flags: [--force]}}",
    "{params: {command: {regex: \"rm -rf\"}}}",
    "{params: {count: {gt: 3}}}",
    "{path: \"~/.ssh/**\"}",
    "{not: {tool: Bash}}",
];
const EXTRAS: [&str; 6] = [
    "",
    ", when: {environment: production}",
    ", when: {calls: {over: 2, per: 1m}}",
    ", risk: high",
    ", risk: low",
    ", message: Why",
];
const DEFAULTS: [&str; 4] = [
    "default: allow",
    "default: ask",
    "default: deny\nclosed: true",
    "default: allow\nmode: observe",
];
const COMMANDS: [&str; 8] = [
    "ls",
    "git status",
    "git push -f",
    "rm -rf x",
    "git push $X",
    "ls && git push -f",
    "git status; rm -rf x; git push $X",
    "git status | git log",
];
const SIMPLE: [&str; 6] = [
    "ls",
    "git status",
    "git push -f",
    "rm -rf x",
    "git push $X",
    "$X",
];

/// A rule as text, its id to come.
fn rule() -> impl Strategy<Value = String> {
    let verdict = select(&["allow", "ask", "deny"][..]);
    let terms = select(&["", ", approval: {within: 1m}", ", approval: {approvers: 3}"][..]);
    let obligation = select(
        &[
            "",
            ", obligations: {timeout: 5s}",
            ", obligations: {notify: log}",
        ][..],
    );
    (
        select(&MATCHERS[..]),
        select(&EXTRAS[..]),
        verdict,
        terms,
        obligation,
    )
        .prop_map(|(matcher, extra, verdict, terms, obligation)| {
            let more = match verdict {
                "allow" => obligation,
                "ask" => terms,
                _ => "",
            };
            format!("match: {matcher}, verdict: {verdict}{extra}{more}")
        })
}

fn policy_with(rules: &[String], default: &str) -> Compiled {
    let mut text = format!("aegis: policy/v1\nname: law\n{default}\n");
    if !rules.is_empty() {
        text.push_str("rules:\n");
    }
    for (number, rule) in rules.iter().enumerate() {
        text.push_str(&format!("  - {{id: r{number}, {rule}}}\n"));
    }
    compile(&text)
}

fn compile(text: &str) -> Compiled {
    match parse(&Source::new("law.yaml", text), &MemorySources::default()) {
        Ok(parsed) => Compiled::new(parsed.policy, policy_digest(&parsed.texts)),
        Err(problems) => panic!("{text}{}", problems.0[0].message),
    }
}

fn policies() -> impl Strategy<Value = Vec<(Vec<String>, &'static str)>> {
    let one = (prop::collection::vec(rule(), 0..6), select(&DEFAULTS[..]));
    prop::collection::vec(one, 0..4)
}

fn request() -> impl Strategy<Value = ActionRequest> {
    let tool = select(&["Bash", "mcp__x__y", "Read"][..]);
    (tool, select(&COMMANDS[..]), any::<bool>(), any::<bool>()).prop_map(
        |(tool, command, is_production, is_protected)| {
            let action = match tool {
                "Bash" => "shell.exec",
                "Read" => "fs.read",
                _ => "mcp.call",
            };
            let mut request = call(tool, 100_000);
            request.action = serde_json::from_value(json!(action)).unwrap();
            request.params = json!({"command": command});
            if tool == "Bash" {
                request.context.plan = Some(aegis_shell::plan(command));
            }
            request.context.environment = is_production.then(|| "production".to_owned());
            if is_protected {
                request.context.protected = serde_json::from_value(json!([
                    {"kind": "policy", "path": "/p", "access": "w", "through": "x"}
                ]))
                .unwrap();
            }
            request
        },
    )
}

fn call(tool: &str, at: i64) -> ActionRequest {
    serde_json::from_value(json!({
        "call_id": "call-1",
        "at": at,
        "principal": {"tenant": "t", "session": "s", "agent": "a"},
        "action": "tool.call",
        "tool_name": tool,
        "args": {},
        "context": {"directory": "/home/ann/shop", "home": "/home/ann"},
    }))
    .unwrap()
}

fn shell(command: &str) -> ActionRequest {
    let mut request = call("Bash", 0);
    request.action = aegis_types::Action::ShellExec;
    request.params = json!({"command": command});
    request.context.plan = Some(aegis_shell::plan(command));
    request
}

fn recorded(request: &ActionRequest) -> Envelope {
    Envelope {
        chain: ChainId::Heads {
            tenant: "t".parse().unwrap(),
        },
        seq: 0,
        at: request.at,
        kind: EventKind::ActionRequested,
        subject: None,
        payload: serde_json::to_value(request).unwrap().into(),
        sealed: None,
        previous: None,
        hash: Digest::of(b""),
    }
}

fn state(tools: &[(&'static str, i64)]) -> State {
    let mut state = State::default();
    for (tool, at) in tools {
        reduce(&mut state, &recorded(&call(tool, *at)));
    }
    state
}

fn history() -> impl Strategy<Value = Vec<(&'static str, i64)>> {
    let tool = select(&["Bash", "mcp__x__y", "Read"][..]);
    prop::collection::vec((tool, 0..100_000_i64), 0..12)
}

fn attached(policies: &[Compiled]) -> Vec<Attached<'_>> {
    policies
        .iter()
        .map(|policy| Attached {
            policy,
            standing: PolicyStanding::Current,
            only_tightens: false,
        })
        .collect()
}

fn ask(request: &ActionRequest, policies: &[Compiled], state: &State) -> Decision {
    decide(request, &attached(policies), state, &Settings::default())
}

/// What of a decision does not name the places of policies.
type Substance = (
    Verdict,
    Reason,
    Vec<Obligation>,
    Option<ApprovalTerms>,
    Risk,
    Option<Verdict>,
    usize,
);

fn substance(decision: Decision) -> Substance {
    (
        decision.verdict,
        decision.reason,
        decision.obligations,
        decision.approval,
        decision.risk,
        decision.observed,
        decision.findings.len(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_order_of_attached_policies_does_not_matter(
        texts in policies(),
        request in request(),
        history in history(),
        places in prop::collection::vec(any::<Index>(), 4),
    ) {
        let compiled: Vec<Compiled> =
            texts.iter().map(|(rules, default)| policy_with(rules, default)).collect();
        let state = state(&history);
        let mut mixed = attached(&compiled);
        for (first, other) in places.iter().enumerate() {
            if first < mixed.len() {
                mixed.swap(first, other.index(compiled.len()));
            }
        }
        let settings = Settings::default();
        prop_assert_eq!(
            substance(decide(&request, &mixed, &state, &settings)),
            substance(ask(&request, &compiled, &state))
        );
    }

    #[test]
    fn attaching_a_policy_never_loosens_a_mandatory_rule(
        matcher in select(&MATCHERS[..]),
        verdict in select(&["ask", "deny"][..]),
        others in policies(),
        request in request(),
        history in history(),
    ) {
        let mandatory = format!("match: {matcher}, verdict: {verdict}, mandatory: true");
        let state = state(&history);
        let mut compiled = vec![policy_with(&[mandatory], "default: allow")];
        let alone = ask(&request, &compiled, &state);
        compiled.extend(others.iter().map(|(rules, default)| policy_with(rules, default)));
        prop_assert!(ask(&request, &compiled, &state).verdict >= alone.verdict);
    }

    #[test]
    fn a_rule_before_it_never_loosens_a_mandatory_rule(
        matcher in select(&MATCHERS[..]),
        before in prop::collection::vec(rule(), 0..5),
        request in request(),
    ) {
        let mandatory = format!("match: {matcher}, verdict: deny, mandatory: true");
        let alone = ask(
            &request,
            &[policy_with(std::slice::from_ref(&mandatory), "default: allow")],
            &State::default(),
        );
        let mut rules = before;
        rules.push(mandatory);
        let all = ask(&request, &[policy_with(&rules, "default: allow")], &State::default());
        prop_assert!(all.verdict >= alone.verdict);
    }

    #[test]
    fn only_tightening_policies_never_loosen(
        texts in policies(),
        more in policies(),
        request in request(),
    ) {
        let trusted: Vec<Compiled> =
            texts.iter().map(|(rules, default)| policy_with(rules, default)).collect();
        let untrusted: Vec<Compiled> =
            more.iter().map(|(rules, default)| policy_with(rules, default)).collect();
        let settings = Settings { fallback: Fallback::Deny };
        let state = State::default();
        let alone = decide(&request, &attached(&trusted), &state, &settings);
        let mut all = attached(&trusted);
        all.extend(attached(&untrusted).into_iter().map(|attached| Attached {
            only_tightens: true,
            ..attached
        }));
        let together = decide(&request, &all, &state, &settings);
        prop_assert!(
            together.verdict >= alone.verdict,
            "{:?} after {:?}", together, alone
        );
    }

    #[test]
    fn deciding_twice_agrees_and_explaining_agrees_with_deciding(
        texts in policies(),
        request in request(),
        history in history(),
    ) {
        let compiled: Vec<Compiled> =
            texts.iter().map(|(rules, default)| policy_with(rules, default)).collect();
        let state = state(&history);
        let decision = ask(&request, &compiled, &state);
        prop_assert_eq!(&ask(&request, &compiled, &state), &decision);
        let explanation =
            explain(&request, &attached(&compiled), &state, &Settings::default());
        // Explaining asks every rule, deciding only those that the index brings up.
        for (place, policy) in (0_u16..).zip(&explanation.policies) {
            let mut told: Vec<&str> = policy
                .rules
                .iter()
                .filter(|rule| rule.speaks)
                .map(|rule| rule.id.as_str())
                .collect();
            let mut found: Vec<&str> = decision
                .findings
                .iter()
                .filter(|finding| finding.policy == Some(place))
                .filter_map(|finding| Some(finding.rule.as_ref()?.as_str()))
                .collect();
            told.sort_unstable();
            found.sort_unstable();
            prop_assert_eq!(told, found);
        }
    }

    #[test]
    fn a_compound_is_as_strict_as_the_strictest_of_its_parts(
        texts in policies(),
        commands in prop::collection::vec(select(&SIMPLE[..]), 2..5),
        joint in select(&["; ", " && ", " | ", "\n"][..]),
    ) {
        // What is said of parameters is about the whole text.
        let compiled: Vec<Compiled> = texts
            .into_iter()
            .map(|(mut rules, default)| {
                rules.retain(|rule| !rule.contains("params"));
                policy_with(&rules, default)
            })
            .collect();
        let decide = |command: &str| ask(&shell(command), &compiled, &State::default());
        let parts: Vec<Decision> = commands.iter().map(|command| decide(command)).collect();
        let whole = decide(&commands.join(joint));
        let strictest = parts.iter().map(|part| part.verdict).max().unwrap();
        prop_assert_eq!(whole.verdict, strictest);
        if strictest == Verdict::Allow {
            prop_assert_eq!(whole.is_explicit(), parts.iter().all(Decision::is_explicit));
        }
    }

    #[test]
    fn reducing_a_split_log_equals_reducing_the_whole(
        calls in history(),
        place in any::<Index>(),
    ) {
        let whole = state(&calls);
        let (before, after) = calls.split_at(place.index(calls.len() + 1));
        let mut parts = state(before);
        for (tool, at) in after {
            reduce(&mut parts, &recorded(&call(tool, *at)));
        }
        prop_assert_eq!(parts, whole);
    }
}

#[test]
fn after_many_commands_the_rest_is_one_part() {
    let text = "aegis: policy/v1\nname: l\ndefault: ask\nrules:\n  \
                - {id: list, match: {shell: {program: ls}}, verdict: allow}\n  \
                - {id: show, match: {shell: {program: cat}}, verdict: allow}\n  \
                - {id: remove, match: {shell: {program: rm}}, verdict: deny}\n";
    let policy = [compile(text)];
    let decide = |command: &str| ask(&shell(command), &policy, &State::default());
    let both = |count: usize| "ls; cat a; ".repeat(count);
    assert_eq!(decide(&both(32)).verdict, Verdict::Allow);
    // One rule would have to cover all of the rest.
    assert_eq!(decide(&both(33)).verdict, Verdict::Ask);
    assert_eq!(decide(&"ls; ".repeat(500)).verdict, Verdict::Allow);
    assert_eq!(decide(&(both(200) + "rm x")).verdict, Verdict::Deny);
}

#[test]
fn names_of_tools_made_up_without_end_are_counted_together() {
    let mut state = State::default();
    for number in 0..3_000 {
        reduce(
            &mut state,
            &recorded(&call(&format!("made-up-{number}"), number)),
        );
    }
    let scope = Scope::Session("s".parse().unwrap());
    assert_eq!(state.calls[&scope].len(), 1_025);
    let text = "aegis: policy/v1\nname: l\ndefault: allow\nlimits:\n  \
                - {id: l, match: {tool: Bash}, calls: {over: 1976, per: 1h}, verdict: deny}\n";
    let policy = [compile(text)];
    let denied = ask(&call("Bash", 3_000), &policy, &state);
    assert_eq!(denied.reason, Reason::RateLimited);
}

#[test]
fn what_is_no_call_changes_no_state() {
    let mut state = State::default();
    let mut envelope = recorded(&call("Bash", 1));
    envelope.kind = EventKind::OutcomeRecorded;
    reduce(&mut state, &envelope);
    envelope.kind = EventKind::ActionRequested;
    envelope.payload = json!({
        "at": 1, "tool_name": "Bash", "principal": {"tenant": ""},
    })
    .into();
    reduce(&mut state, &envelope);
    assert_eq!(state, State::default());
}

#[test]
fn a_call_of_the_future_is_counted_because_the_clock_was_set_back() {
    let text = "aegis: policy/v1\nname: l\ndefault: allow\nlimits:\n  \
                - {id: l, match: all, calls: {over: 1, per: 1h}, verdict: deny}\n";
    let policy = [compile(text)];
    let state = state(&[("Bash", 5_000)]);
    for at in [4_999, 5_000] {
        let decision = ask(&call("Bash", at), &policy, &state);
        assert_eq!(decision.verdict, Verdict::Deny, "{at}");
    }
}

#[test]
fn the_memory_needed_is_the_longest_window_of_each_scope() {
    let text = "aegis: policy/v1\nname: l\ndefault: allow\nrules:\n  \
                - {id: a, match: all, when: {calls: {over: 1, per: 1h}}, verdict: ask}\n  \
                - {id: b, match: all, when: {calls: {over: 1, per: 1m, by: tenant}}, verdict: ask}\n\
                limits:\n  \
                - {id: c, match: all, calls: {over: 1, per: 2h}, verdict: deny}\n";
    let policy = [compile(text)];
    assert_eq!(
        memory_needed(&attached(&policy)),
        [
            (ScopeName::Session, DurationMs::from_secs(7_200)),
            (ScopeName::Tenant, DurationMs::from_secs(60)),
        ]
    );
}

#[test]
fn examples_that_a_rule_gets_wrong_are_told_with_their_places() {
    let text = "aegis: policy/v1\nname: l\ndefault: allow\nrules:\n  \
                - id: push\n    match: {shell: {program: git, subcommand: push, flags: [--force]}}\n    \
                verdict: ask\n    when: {environment: production}\n    examples:\n      \
                matches: [git push -f, git pull]\n      misses: [git push, git push origin +main]\n";
    let make = |example: &Example| {
        let mut request = call(&example.tool, Timestamp::from_unix_ms(0).unix_ms());
        request.params = serde_json::from_str(&example.params).unwrap();
        request.action = aegis_types::Action::ShellExec;
        request.context.plan = request.params["command"].as_str().map(aegis_shell::plan);
        request
    };
    let failures: Vec<_> = check_examples(&compile(text), &make)
        .into_iter()
        .map(|failure| (failure.expected, failure.place.line))
        .collect();
    assert_eq!(
        failures,
        [(Expectation::Matches, 10), (Expectation::Misses, 11)]
    );
}

#[test]
fn messages_to_the_agent_hold_no_pattern() {
    let mut request = call("Write", 0);
    request.context.protected = serde_json::from_value(json!([
        {"kind": "policy", "path": "/secret/place/policy.yaml", "access": "w", "through": "x"},
        {"kind": "control", "path": "/secret/place/aegis", "access": "x", "through": "x"},
    ]))
    .unwrap();
    request.context.nested_agents = serde_json::from_value(json!([
        {"program": "claude\u{1b}[31m", "cause": "x".repeat(10_000)}
    ]))
    .unwrap();
    let decision = ask(&request, &[], &State::default());
    for finding in &decision.findings {
        let message = finding.message.as_deref().unwrap();
        assert!(!message.contains("/secret/place"), "{message}");
        assert!(
            !message.contains('\u{1b}') && message.len() < 400,
            "{message}"
        );
    }
    assert_eq!(decision.findings.len(), 3);
}

#[test]
fn base_rules_of_a_tier_are_asked_last_and_only_where_tiers_are_in_use() {
    let text = "aegis: policy/v1\nname: l\ndefault: allow\nrules:\n  \
                - {id: own, match: {tool: Read}, verdict: deny}\n  \
                - {id: base, match: all, when: {tier: {below: trusted}}, verdict: ask}\n";
    let compiled = compile(text);
    let mut policy = compiled.policy().clone();
    policy.rules[1].tier_base = true;
    let policy = [Compiled::new(policy, compiled.digest())];
    let mut request = call("Bash", 0);
    let asked = |request: &ActionRequest| ask(request, &policy, &State::default());
    assert_eq!(asked(&request).reason, Reason::Default);
    request.context.tier = Some(aegis_types::Tier::Guided);
    assert_eq!(asked(&request).reason, Reason::Tier);
    assert_eq!(asked(&request).verdict, Verdict::Ask);
    request.tool = "Read".into();
    assert_eq!(asked(&request).reason, Reason::RuleMatched);
}

#[test]
fn findings_are_bounded_and_the_strictest_is_among_them() {
    let rules: Vec<String> = (0..200)
        .map(|number| {
            let verdict = if number == 199 { "deny" } else { "ask" };
            format!("match: all, verdict: {verdict}, mandatory: true")
        })
        .collect();
    let decision = ask(
        &call("Bash", 0),
        &[policy_with(&rules, "default: allow")],
        &State::default(),
    );
    assert_eq!(decision.verdict, Verdict::Deny);
    assert_eq!(decision.findings.len(), 18);
    assert_eq!(
        decision.deciding().unwrap().rule.as_ref().unwrap().as_str(),
        "r199"
    );
}
