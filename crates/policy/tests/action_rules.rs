//! Ways in which action rules went wrong in the system they come from.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use aegis_policy::{
    Glob, MemorySources, ParamTest, Policy, ProblemCode, Problems, Rule, Source, parse,
};
use aegis_types::Verdict;

fn parsed(text: &str) -> Result<Policy, Vec<ProblemCode>> {
    parse(&Source::new("rules.yaml", text), &MemorySources::default())
        .map(|parsed| parsed.policy)
        .map_err(|Problems(problems, _)| problems.iter().map(|it| it.code).collect())
}

fn with_rule(body: &str) -> String {
    format!("version: '1'\nrules:\n  - {{name: a, {body}}}\n")
}

fn rule(body: &str) -> Rule {
    parsed(&with_rule(body)).unwrap().rules.remove(0)
}

fn check(body: &str, expected: &[ProblemCode]) {
    assert_eq!(parsed(&with_rule(body)).unwrap_err(), expected, "{body}");
}

fn check_condition(condition: &str, expected: ProblemCode) {
    let body = format!("match: {{type: x}}, conditions: {{{condition}}}");
    check(&body, &[expected]);
}

#[test]
fn weakness_1_a_bound_that_nothing_is_ordered_by_is_refused() {
    check_condition("param_gt: {count: \"100\"}", ProblemCode::WrongType);
    check_condition("param_gt: {count: [100]}", ProblemCode::WrongType);
    check_condition("param_gt: {count: true}", ProblemCode::WrongType);
    check_condition("param_gt: {count: 1e3}", ProblemCode::WrongType);
    check_condition("param_gt: 100", ProblemCode::WrongType);
    check_condition("param_gt: {}", ProblemCode::Nothing);
}

#[test]
fn weakness_2_every_rule_yields_where_it_is_in_doubt() {
    for approval in ["auto", "approve", "block"] {
        let rule = rule(&format!(
            "match: {{type: x}}, conditions: {{param_gt: {{n: 1}}}}, approval: {approval}"
        ));
        assert!(rule.yields && !rule.unknown);
    }
}

#[test]
fn weakness_3_an_unknown_condition_of_action_rules_is_refused() {
    check_condition("parm_lt: {count: 10}", ProblemCode::UnknownKey);
    check_condition("semantic: destructive", ProblemCode::UnknownKey);
}

#[test]
fn weakness_4_unknown_keys_of_action_rules_and_an_absent_match_are_refused() {
    use ProblemCode::{MissingKey, Nothing, UnknownKey, WrongKind, WrongType};
    check("match: {typ: read}, approval: auto", &[UnknownKey]);
    check("match: {type: read}, approvel: block", &[UnknownKey]);
    check("approval: auto", &[MissingKey]);
    check("match: {}, approval: auto", &[Nothing]);
    check("match: , approval: auto", &[WrongType]);
    check("match: {type: }, approval: auto", &[WrongType]);
    check("match: {type: [read, true]}, approval: auto", &[WrongType]);
    let slipped = "version: '1'\nrule:\n  - {match: {type: x}, approval: block}\n";
    assert_eq!(parsed(slipped).unwrap_err(), [UnknownKey]);
    let bare = "rules:\n  - {match: {type: x}, approval: block}\n";
    assert_eq!(parsed(bare).unwrap_err(), [WrongKind]);
    assert_eq!(rule("match: {type: '*'}").verdict, Verdict::Ask);
}

#[test]
fn weakness_5_patterns_of_action_rules_take_linear_time_and_6_are_never_cut() {
    let pattern = |pattern: &str| {
        let body = format!("match: {{type: x}}, conditions: {{param_matches: {{q: '{pattern}'}}}}");
        let ParamTest::Regex(pattern) = rule(&body).matcher.params.remove(0).test else {
            panic!("not a regular expression");
        };
        pattern
    };
    let slow = "a".repeat(100_000) + "!";
    assert_eq!(pattern("^(a+)+$").is_match(&slow), Some(false));
    let padded = "-".repeat(1_000_000) + "DROP TABLE users";
    assert_eq!(pattern("DROP TABLE").is_match(&padded), Some(true));
    check_condition("param_matches: {q: '('}", ProblemCode::BadRegex);
    check_condition("param_matches: {q: '[[a]]'}", ProblemCode::BadRegex);
    let long = format!("param_matches: {{q: {}}}", "x".repeat(10_000));
    check_condition(&long, ProblemCode::TooLarge);
}

#[test]
fn weakness_7_a_list_of_globs_matches_and_braces_are_refused() {
    let globs = rule("match: {type: ['delete*', drop]}").matcher.tool;
    let names: Vec<&str> = globs.iter().map(Glob::as_str).collect();
    assert_eq!(names, ["delete*", "drop"]);
    check("match: {type: '{update,create}*'}", &[ProblemCode::BadGlob]);
    check("match: {target: '[^a]*'}", &[ProblemCode::BadGlob]);
}

#[test]
fn weakness_8_hours_of_action_rules_are_checked_and_may_go_over_midnight() {
    let body = "match: {type: x}, conditions: {time_after: 22:00, time_before: '06:00'}";
    let window = rule(body).when.time.remove(0);
    assert_eq!((window.from.0, window.to.0), (1320, 360));
    for hours in [
        "time_after: 1080",
        "time_after: '25:00'",
        "time_after: '18'",
        "time_after: '18:00', time_before: '18:00'",
        "time_before: '00:00'",
    ] {
        check_condition(hours, ProblemCode::BadTime);
    }
    check_condition("weekdays: 1", ProblemCode::WrongType);
    check_condition("weekdays: [0]", ProblemCode::OutOfRange);
    check_condition("weekdays: []", ProblemCode::Nothing);
}

#[test]
fn weakness_12_rules_on_a_plan_are_refused_rather_than_evaded() {
    let text = "version: '1'\nplan_rules: [{sequence: [read, send]}]\nrules: []\n";
    let codes = parsed(text).unwrap_err();
    assert!(codes.contains(&ProblemCode::UnknownKey), "{codes:?}");
}
