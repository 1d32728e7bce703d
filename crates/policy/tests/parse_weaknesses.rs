//! Ways in which rule files of other systems went wrong, refused here when the
//! policy is read.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use aegis_policy::{
    MemorySources, ParamTest, Policy, ProblemCode, Problems, Source, Truth, WhyUnknown, parse,
};
use aegis_types::Verdict;

fn parsed(rest: &str) -> Result<Policy, Vec<ProblemCode>> {
    let text = format!("aegis: policy/v1\nname: team\ndefault: ask\n{rest}");
    let source = Source::new("policy.yaml", &text);
    parse(&source, &MemorySources::default())
        .map(|parsed| parsed.policy)
        .map_err(|Problems(problems, _)| problems.iter().map(|it| it.code).collect())
}

fn check(rest: &str, expected: &[ProblemCode]) {
    assert_eq!(parsed(rest).unwrap_err(), expected, "{rest}");
}

fn rule(body: &str) -> String {
    format!("rules:\n  - {{id: a, {body}}}\n")
}

#[test]
fn weakness_1_a_bound_of_the_wrong_type_is_refused_when_read() {
    use ProblemCode::WrongType;
    check(
        &rule("match: {params: {count: {gt: \"100\"}}}, verdict: deny"),
        &[WrongType],
    );
    check(
        &rule("match: {params: {count: {gt: 1.5}}}, verdict: deny"),
        &[WrongType],
    );
    assert!(parsed(&rule("match: {params: {count: {gt: 100}}}, verdict: deny")).is_ok());
}

#[test]
fn weakness_2_a_restriction_holds_on_what_is_unknown_unless_it_says_otherwise() {
    let lacks_parameter = Truth::Unknown(WhyUnknown::Absent {
        path: "count".into(),
    });
    let holds = |verdict: &str, rest: &str| {
        let body = format!("match: {{params: {{count: {{lt: 10}}}}}}, verdict: {verdict}{rest}");
        let rule = parsed(&rule(&body)).unwrap().rules.remove(0);
        lacks_parameter.satisfies(rule.verdict, rule.unknown)
    };
    assert!(holds("deny", "") && holds("ask", "") && !holds("allow", ""));
    assert!(!holds("deny", ", unknown: false"));
    assert!(holds("allow", ", unknown: true"));
    let mandatory = "match: {tool: x}, verdict: deny, mandatory: true, unknown: false";
    check(&rule(mandatory), &[ProblemCode::Contradiction]);
}

#[test]
fn weakness_3_an_unknown_condition_is_refused() {
    use ProblemCode::UnknownKey;
    check(
        &rule("match: {params: {count: {lest: 10}}}, verdict: allow"),
        &[UnknownKey],
    );
    check(
        &rule("match: {tool: x}, when: {enviroment: production}, verdict: deny"),
        &[UnknownKey],
    );
}

#[test]
fn weakness_4_unknown_keys_and_an_absent_match_are_refused() {
    use ProblemCode::{MissingKey, Nothing, UnknownKey, WrongType};
    check(&rule("match: {typ: read}, verdict: allow"), &[UnknownKey]);
    check(&rule("match: {tool: x}, vedict: deny"), &[UnknownKey]);
    check(
        "rule:\n  - {id: a, match: {tool: x}, verdict: deny}\n",
        &[UnknownKey],
    );
    check(&rule("verdict: allow"), &[MissingKey]);
    check(&rule("match: {}, verdict: allow"), &[Nothing]);
    check(&rule("match: , verdict: allow"), &[WrongType]);
    check(&rule("match: {tool: []}, verdict: allow"), &[Nothing]);
    assert!(parsed(&rule("match: all, verdict: allow")).is_ok());
}

#[test]
fn weakness_5_every_expression_is_matched_in_linear_time() {
    let policy = parsed(&rule(
        "match: {params: {x: {regex: '^(a+)+$'}}}, verdict: deny",
    ))
    .unwrap();
    let ParamTest::Regex(pattern) = &policy.rules[0].matcher.params[0].test else {
        panic!("not a regular expression");
    };
    assert_eq!(pattern.is_match(&("a".repeat(100_000) + "!")), Some(false));
    assert_eq!(pattern.is_match(&"a".repeat(100_000)), Some(true));
}

#[test]
fn weakness_6_what_cannot_be_compiled_is_refused_and_nothing_is_cut() {
    use ProblemCode::{BadRegex, TooLarge};
    let regex = |pattern: &str| {
        rule(&format!(
            "match: {{params: {{x: {{regex: '{pattern}'}}}}}}, verdict: deny"
        ))
    };
    check(&regex("(a{1000}){1000}"), &[TooLarge]);
    check(&regex("(unclosed"), &[BadRegex]);
    check(&regex("a(?!b)"), &[BadRegex]);
    check(&regex(&"x".repeat(10_000)), &[TooLarge]);
    let policy = parsed(&regex("DROP TABLE")).unwrap();
    let ParamTest::Regex(pattern) = &policy.rules[0].matcher.params[0].test else {
        panic!("not a regular expression");
    };
    let padded = "-".repeat(1_000_000) + "DROP TABLE users";
    assert_eq!(pattern.is_match(&padded), Some(true));
}

#[test]
fn weakness_7_lists_and_braces_of_globs_match_and_broken_ones_are_refused() {
    let policy = parsed(&rule(
        "match: {tool: [delete, '{update,create}*']}, verdict: deny",
    ))
    .unwrap();
    let globs = &policy.rules[0].matcher.tool;
    let matches = |tool: &str| globs.iter().any(|glob| glob.matches(tool));
    assert!(matches("delete") && matches("update_row") && matches("create"));
    assert!(!matches("read"));
    check(
        &rule("match: {tool: '{update,create*'}, verdict: deny"),
        &[ProblemCode::BadGlob],
    );
}

#[test]
fn weakness_8_times_are_checked_when_read_and_may_go_over_midnight() {
    let time = |from: &str, to: &str, zone: &str| {
        rule(&format!(
            "match: {{tool: x}}, when: {{time: {{from: {from}, to: {to}, zone: {zone}}}}}, verdict: ask"
        ))
    };
    let policy = parsed(&time("18:00", "08:00", "Europe/Berlin")).unwrap();
    let window = &policy.rules[0].when.time[0];
    assert_eq!((window.from.0, window.to.0), (1080, 480));
    check(&time("1080", "\"08:00\"", "UTC"), &[ProblemCode::BadTime]);
    check(
        &time("\"25:00\"", "\"08:00\"", "UTC"),
        &[ProblemCode::BadTime],
    );
    check(
        &time("\"18:00\"", "\"08:00\"", "Mars/Base"),
        &[ProblemCode::BadZone],
    );
}

#[test]
fn weakness_9_a_policy_without_its_version_is_refused() {
    let text = "name: team\ndefault: ask\n";
    let result = parse(&Source::new("policy.yaml", text), &MemorySources::default());
    assert_eq!(result.unwrap_err().0[0].code, ProblemCode::WrongKind);
}

#[test]
fn an_allow_that_waits_for_nobody_and_a_deny_that_does_are_refused() {
    check(
        &rule("match: {tool: x}, verdict: deny, approval: {within: 1m}"),
        &[ProblemCode::Contradiction],
    );
    check(
        &rule("match: {tool: x}, verdict: allow, mandatory: true"),
        &[ProblemCode::Contradiction],
    );
    let policy = parsed(&rule("match: {tool: x}, verdict: deny, mandatory: true")).unwrap();
    assert_eq!(policy.rules[0].verdict, Verdict::Deny);
}
