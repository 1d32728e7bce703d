//! Weaknesses of an earlier action runtime, decided here.
//!
//! The policies and calls are those that evaded or broke it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use aegis_engine::{Attached, Settings, decide};
use aegis_policy::{Compiled, MemorySources, Source, parse, policy_digest};
use aegis_types::{Action, ActionRequest, Decision, PolicyStanding, State, Verdict};
use serde_json::{Value, json};

fn ask(rules: &str, request: &ActionRequest) -> Decision {
    let text = format!("aegis: policy/v1\nname: w\ndefault: allow\nrules:\n{rules}\n");
    let parsed = match parse(&Source::new("w.yaml", &text), &MemorySources::default()) {
        Ok(parsed) => parsed,
        Err(problems) => panic!("{}", problems.0[0].message),
    };
    let policy = Compiled::new(parsed.policy, policy_digest(&parsed.texts));
    let attached = [Attached {
        policy: &policy,
        standing: PolicyStanding::Current,
        only_tightens: false,
    }];
    decide(request, &attached, &State::default(), &Settings::default())
}

fn call(tool: &str, params: Value) -> ActionRequest {
    serde_json::from_value(json!({
        "call_id": "call-1",
        "at": 1_795_262_400_000_i64,
        "principal": {"tenant": "t", "session": "s", "agent": "worker"},
        "action": Action::ToolCall,
        "tool_name": tool,
        "args": params,
        "context": {"directory": "/home/ann/shop", "home": "/home/ann"},
    }))
    .unwrap()
}

fn verdict(rules: &str, tool: &str, params: Value) -> Verdict {
    ask(rules, &call(tool, params)).verdict
}

#[test]
fn a_type_error_in_a_condition_decides_and_names_the_rule() {
    let rules = "  - {id: large, match: {params: {count: {gt: 100}}}, verdict: deny}";
    let decision = ask(rules, &call("copy", json!({"count": "5000"})));
    assert_eq!(decision.verdict, Verdict::Deny);
    let finding = decision.deciding().unwrap();
    assert_eq!(finding.rule.as_ref().unwrap().as_str(), "large");
    assert!(finding.unknown);
}

#[test]
fn leaving_a_parameter_out_evades_no_rule_that_denies() {
    let rules = "  - {id: large, match: {tool: copy, params: {count: {gt: 100}}}, verdict: deny}\n  \
                 - {id: rest, match: {tool: copy}, verdict: allow}";
    for params in [
        json!({}),
        json!({"count": null}),
        json!({"count": {"count": 5}}),
        json!({"count": {"$json": "NaN"}}),
        json!({"nested": {"count": 5}}),
    ] {
        assert_eq!(
            verdict(rules, "copy", params.clone()),
            Verdict::Deny,
            "{params}"
        );
    }
    assert_eq!(verdict(rules, "copy", json!({"count": 5})), Verdict::Allow);
}

#[test]
fn an_expression_that_explodes_elsewhere_is_decided_on_a_long_text() {
    let rules = "  - {id: x, match: {params: {q: {regex: \"^(a+)+$\"}}}, verdict: deny}";
    let text = format!("{}!", "a".repeat(100_000));
    assert_eq!(verdict(rules, "t", json!({ "q": text })), Verdict::Allow);
    let text = "a".repeat(100_000);
    assert_eq!(verdict(rules, "t", json!({ "q": text })), Verdict::Deny);
}

#[test]
fn padding_pushes_nothing_out_of_sight() {
    let rules = "  - {id: drop, match: {params: {q: {regex: DROP TABLE}}}, verdict: deny}";
    let text = format!("{}DROP TABLE users", "-".repeat(200_000));
    assert_eq!(verdict(rules, "t", json!({ "q": text })), Verdict::Deny);
}

#[test]
fn lists_and_braces_of_tools_match() {
    let list = "  - {id: change, match: {tool: [delete_*, drop_*]}, verdict: deny}";
    assert_eq!(verdict(list, "drop_table", json!({})), Verdict::Deny);
    let braces = "  - {id: change, match: {tool: \"{update,create}_*\"}, verdict: deny}";
    assert_eq!(verdict(braces, "create_user", json!({})), Verdict::Deny);
    assert_eq!(verdict(braces, "read_user", json!({})), Verdict::Allow);
}

#[test]
fn a_window_over_midnight_holds_in_its_own_zone() {
    let rules = "  - {id: night, match: all, when: {time: {from: \"22:00\", to: \"06:00\", \
                 zone: Asia/Tokyo}}, verdict: deny}";
    // 12:00 in UTC is 21:00 in Tokyo.
    let mut request = call("t", json!({}));
    assert_eq!(ask(rules, &request).verdict, Verdict::Allow);
    request.at = request.at.plus(aegis_types::DurationMs::from_secs(3_600));
    assert_eq!(ask(rules, &request).verdict, Verdict::Deny);
}

#[test]
fn an_agent_is_who_it_is_recorded_as_and_not_who_it_says_it_is() {
    let rules = "  - {id: admin, match: {agent: admin}, verdict: allow}\n  \
                 - {id: rest, match: all, verdict: deny}";
    let claims = json!({"agent": "admin", "agent_id": "admin"});
    assert_eq!(verdict(rules, "t", claims), Verdict::Deny);
}
