//! Laws of action rules in doubt.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::BTreeSet;

use aegis_engine::{Attached, Explanation, Settings, explain};
use aegis_policy::{Compiled, MemorySources, Source, parse, policy_digest};
use aegis_types::{ActionRequest, PolicyStanding, State};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const CONDITIONS: [&str; 8] = [
    "param_gt: {n: 3}",
    "param_gte: {n: 3}",
    "param_lt: {n: 3}",
    "param_lte: {n: 3}",
    "param_eq: {n: 3}",
    "param_gt: {n: 1}, param_lt: {n: 5}",
    "param_matches: {n: '[3-9]$'}",
    "weekdays: [1, 2, 3, 4, 5, 6, 7]",
];
const APPROVALS: [&str; 3] = ["auto", "approve", "block"];

/// What another policy says beside: nothing, or one thing of every action.
const OTHERS: [&str; 4] = [
    "aegis: policy/v1\nname: other\ndefault: allow\n",
    "aegis: policy/v1\nname: other\ndefault: deny\n",
    "aegis: policy/v1\nname: other\ndefault: ask\nrules: [{id: o, match: all, verdict: allow}]\n",
    "aegis: policy/v1\nname: other\ndefault: deny\nclosed: true\n",
];

fn compile(text: &str) -> Compiled {
    match parse(&Source::new("rules.yaml", text), &MemorySources::default()) {
        Ok(parsed) => Compiled::new(parsed.policy, policy_digest(&parsed.texts)),
        Err(problems) => panic!("{text}{}", problems.0[0].message),
    }
}

/// Returns a file of action rules, each with a condition and what it says.
fn rules() -> impl Strategy<Value = String> {
    let rule = (select(&CONDITIONS[..]), select(&APPROVALS[..]));
    let rules = prop::collection::vec(rule, 1..6);
    (rules, select(&APPROVALS[..])).prop_map(|(rules, default)| {
        let rules: String = rules
            .iter()
            .map(|(condition, approval)| {
                format!("  - {{match: {{type: pay}}, conditions: {{{condition}}}, approval: {approval}}}\n")
            })
            .collect();
        format!("defaults: {{approval: {default}}}\nrules:\n{rules}")
    })
}

fn explained(policies: &[Compiled], params: &Value) -> Explanation {
    let request: ActionRequest = serde_json::from_value(json!({
        "call_id": "call-1",
        "at": 0,
        "principal": {"tenant": "t", "session": "s", "agent": "a"},
        "action": "tool.call",
        "tool_name": "pay",
        "args": params,
        "context": {"directory": "/home/ann/shop", "home": "/home/ann"},
    }))
    .unwrap();
    let attached: Vec<Attached<'_>> = policies
        .iter()
        .map(|policy| Attached {
            policy,
            standing: PolicyStanding::Current,
            only_tightens: false,
        })
        .collect();
    explain(&request, &attached, &State::default(), &Settings::default())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn leaving_a_parameter_out_is_no_better_than_any_value_of_it(
        text in rules(),
        other in prop::option::of(select(&OTHERS[..])),
    ) {
        let policies: Vec<Compiled> =
            [Some(text.as_str()), other].into_iter().flatten().map(compile).collect();
        for unknown in [json!({}), json!({"n": null})] {
            let found = explained(&policies, &unknown).decision.verdict;
            for n in 0..8 {
                let known = explained(&policies, &json!({"n": n})).decision.verdict;
                prop_assert!(found >= known, "{unknown} {found}, but {n} {known}\n{text}");
            }
        }
    }

    #[test]
    fn the_rules_that_are_said_to_speak_are_those_that_are_found(
        text in rules(),
        params in select(vec![json!({}), json!({"n": 3}), json!({"n": "x"})]),
    ) {
        let explanation = explained(&[compile(&text)], &params);
        let rules = explanation.policies.iter().flat_map(|policy| &policy.rules);
        let spoken: BTreeSet<&str> =
            rules.filter(|rule| rule.speaks).map(|rule| rule.id.as_str()).collect();
        let findings = &explanation.decision.findings;
        let found: BTreeSet<&str> =
            findings.iter().filter_map(|finding| Some(finding.rule.as_ref()?.as_str())).collect();
        prop_assert_eq!(spoken, found, "{}", text);
    }
}
