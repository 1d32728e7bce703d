//! Policies parse into what they say.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;

use aegis_policy::{
    DayTime, Glob, Kind, LintCode, Matcher, MemorySources, Paint, ParamTest, Parsed, Place, Policy,
    ProblemCode, Problems, Rule, Scalar, Source, Spelling, TierBound, detect, lint, parse,
    parse_document, policy_digest, policy_document, render,
};
use aegis_types::{Mode, Obligation, Otherwise, Risk, Tier, Verdict};

fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/policy/valid");
    fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

fn parsed_with(text: &str, others: &[(&str, &str)]) -> Parsed {
    let sources = MemorySources::new(others.iter().copied());
    match parse(&Source::new("policy.yaml", text), &sources) {
        Ok(parsed) => parsed,
        Err(Problems(problems, sources)) => {
            panic!("{}", render(&problems, &sources, Paint::Plain))
        }
    }
}

fn policy(text: &str) -> Policy {
    parsed_with(text, &[]).policy
}

/// Returns the kinds of the problems of `text`, which must not parse.
fn refused(text: &str) -> Vec<ProblemCode> {
    let result = parse(&Source::new("policy.yaml", text), &MemorySources::default());
    let Err(Problems(problems, _)) = result else {
        panic!("accepted:\n{text}");
    };
    problems.iter().map(|problem| problem.code).collect()
}

/// Returns a policy whose only rule matches this and says this.
fn ruled(rest: &str) -> String {
    format!("aegis: policy/v1\nname: team\ndefault: ask\nrules:\n  - id: a\n{rest}")
}

fn only_rule(rest: &str) -> Rule {
    let mut rules = policy(&ruled(rest)).rules;
    assert_eq!(rules.len(), 1);
    rules.remove(0)
}

/// Returns the policy without what tells where and in which spelling it is written.
fn meaning(mut policy: Policy) -> Policy {
    policy.spelling = Spelling::Native;
    policy.default_risk = None;
    policy.sources.clear();
    for rule in &mut policy.rules {
        rule.place = Place::default();
        rule.yields = false;
    }
    policy
}

fn ids(policy: &Policy) -> Vec<&str> {
    policy.rules.iter().map(|rule| rule.id.as_str()).collect()
}

#[test]
fn the_seed_rules_of_the_firewall_mean_what_their_native_form_means() {
    let firewall = policy(&fixture("firewall-seed.yaml"));
    assert_eq!(firewall.spelling, Spelling::Firewall);
    assert_eq!(firewall.default, Some(Verdict::Allow));
    assert!(!firewall.closed);
    let native = policy(&fixture("firewall-seed-as-native.yaml"));
    assert_eq!(meaning(firewall), meaning(native));
}

#[test]
fn firewall_rules_are_asked_by_priority_and_then_as_written() {
    let text = "policies:\n".to_owned()
        + &[
            ("low", "1"),
            ("first", "7"),
            ("none", "0"),
            ("second", "7"),
            ("minus", "-2"),
        ]
        .map(|(name, priority)| {
            format!(
                "  - {{name: {name}, priority: {priority}, trigger: {{tool: x}}, action: deny}}\n"
            )
        })
        .concat();
    assert_eq!(
        ids(&policy(&text)),
        ["first", "second", "low", "none", "minus"]
    );
}

#[test]
fn an_escalation_that_only_tells_somebody_is_an_allow_with_an_obligation() {
    for (kind, channel) in [("slack_notification", "slack"), ("log_only", "log")] {
        let text = format!(
            "policies:\n  - name: a\n    trigger: {{tool: Bash}}\n    action: escalate\n    escalation: {{type: {kind}}}\n"
        );
        let rule = policy(&text).rules.remove(0);
        assert_eq!(rule.verdict, Verdict::Allow);
        assert_eq!(rule.obligations, [Obligation::Notify(channel.to_owned())]);
        assert_eq!(rule.approval, None);
    }
}

#[test]
fn an_escalation_without_a_block_waits_ten_minutes_and_then_denies() {
    let text = "policies:\n  - {name: a, trigger: {tool: x}, action: escalate}\n";
    let rule = policy(text).rules.remove(0);
    let terms = rule.approval.unwrap();
    assert_eq!(rule.verdict, Verdict::Ask);
    assert_eq!(terms.within.to_string(), "10m");
    assert_eq!(terms.otherwise, Otherwise::Deny);
}

#[test]
fn a_tier_of_the_firewall_is_a_name_or_a_number_with_or_without_a_bound() {
    for (written, bound) in [
        (
            "{less_than: autonomous}",
            TierBound::Below(Tier::Autonomous),
        ),
        ("{less_than: 3}", TierBound::Below(Tier::Autonomous)),
        ("{at_least: trusted}", TierBound::AtLeast(Tier::Trusted)),
        ("{equals: 1}", TierBound::Equals(Tier::Supervised)),
        ("2", TierBound::Equals(Tier::Guided)),
    ] {
        let text = format!(
            "policies:\n  - {{name: a, trigger: {{tool: x}}, condition: {{autonomy_tier: {written}}}, action: deny}}\n"
        );
        assert_eq!(
            policy(&text).rules.remove(0).when.tier,
            Some(bound),
            "{written}"
        );
    }
}

#[test]
fn a_firewall_glob_takes_braces_as_themselves() {
    let text = "policies:\n  - {name: a, trigger: {tool: 'x{y,z}**'}, action: deny}\n";
    let rule = policy(text).rules.remove(0);
    let glob = &rule.matcher.tool[0];
    assert!(glob.matches("x{y,z}!"));
    assert!(!glob.matches("xy"));
}

#[test]
fn action_rules_mean_what_their_native_form_means() {
    let rules = policy(&fixture("action-rules.yaml"));
    assert_eq!(rules.spelling, Spelling::ActionRules);
    assert_eq!(rules.default_risk, Some(Risk::High));
    assert!(!rules.closed);
    let native = policy(&fixture("action-rules-as-native.yaml"));
    assert_eq!(meaning(rules), meaning(native));
}

#[test]
fn action_rules_ask_about_what_they_do_not_speak_of() {
    for text in [
        "version: 1\nrules: [{match: {type: x}}]\n",
        "defaults: {risk_level: low}\nrules: [{match: {type: x}}]\n",
    ] {
        let mut policy = policy(text);
        assert_eq!(policy.default, Some(Verdict::Ask));
        let rule = policy.rules.remove(0);
        assert_eq!((rule.id.as_str(), rule.verdict), ("rule_0", Verdict::Ask));
    }
    let nothing = policy("defaults: {approval: block}\nrules: []\n");
    assert_eq!(
        (nothing.default, nothing.rules),
        (Some(Verdict::Deny), vec![])
    );
}

#[test]
fn a_target_is_what_an_action_is_done_to() {
    let matcher = |target: &str| {
        let text = format!("version: '1'\nrules: [{{match: {{target: {target}}}}}]\n");
        policy(&text).rules.remove(0).matcher
    };
    let globs = matcher("['prod*', '*.internal']").resource;
    let names: Vec<&str> = globs.iter().map(Glob::as_str).collect();
    assert_eq!(names, ["prod*", "*.internal"]);
    assert_eq!(matcher("['prod*', '*']"), Matcher::default());
}

#[test]
fn every_key_of_the_native_form_is_read() {
    let parsed = parsed_with(&fixture("native-all.yaml"), &[]);
    let policy = parsed.policy;
    assert_eq!(policy.name.as_str(), "staging");
    assert_eq!(policy.mode, Mode::Observe);
    assert!(policy.closed);
    insta::assert_debug_snapshot!((&policy.rules[0..3], &policy.limits));
}

#[test]
fn one_value_and_a_list_of_one_are_the_same() {
    let one = "    match: {tool: Bash, path: ./a, host: x.y, effect: read, shell: {program: git, flags: -f}}\n    when: {environment: p, taint: t}\n    verdict: deny\n";
    let many = "    match: {tool: [Bash], path: [./a], host: [x.y], effect: [read], shell: [{program: [git], flags: [-f]}]}\n    when: {environment: [p], taint: [t]}\n    verdict: deny\n";
    assert_eq!(only_rule(one), only_rule(many));
}

#[test]
fn a_policy_in_json_is_the_same_policy() {
    let yaml = "aegis: policy/v1\nname: team\ndefault: ask\nrules:\n  - id: a\n    match: {tool: Bash, params: {n: 3, b: true, t: \"3\", z: null}}\n    verdict: deny\n";
    let json = "{\n\t\"aegis\": \"policy/v1\", \"name\": \"team\", \"default\": \"ask\",\n\t\"rules\": [\n{\"id\": \"a\", \"match\": {\"tool\": \"Bash\",\n\"params\": {\"n\": 3, \"b\": true, \"t\": \"3\", \"z\": null}}, \"verdict\": \"deny\"}\n]\n}\n";
    assert_eq!(meaning(policy(yaml)), meaning(policy(json)));
    let tests: Vec<ParamTest> = policy(yaml)
        .rules
        .remove(0)
        .matcher
        .params
        .into_iter()
        .map(|it| it.test)
        .collect();
    let equals = [
        Scalar::Integer(3),
        Scalar::Bool(true),
        Scalar::Text("3".into()),
        Scalar::Null,
    ];
    assert_eq!(tests, equals.map(ParamTest::Equals));
}

#[test]
fn what_is_extended_stands_after_the_own_rules_and_each_child_before_its_parent() {
    let file = |name: &str, extends: &str| {
        format!(
            "aegis: policy/v1\nname: {name}\n{extends}rules:\n  - {{id: of-{name}, match: {{tool: {name}}}, verdict: deny}}\n"
        )
    };
    let root = file("own", "default: ask\nextends: [x/a.yaml, x/b.yaml]\n");
    let (a, b, c) = (
        file("a", "extends: c.yaml\n"),
        file("b", "extends: [c.yaml]\ndefault: deny\n"),
        file("c", "default: allow\n"),
    );
    let others = [("x/a.yaml", &*a), ("x/b.yaml", &*b), ("x/c.yaml", &*c)];
    let parsed = parsed_with(&root, &others);
    assert_eq!(ids(&parsed.policy), ["of-own", "of-a", "of-b", "of-c"]);
    assert_eq!(parsed.policy.default, Some(Verdict::Ask));
    let root = root.replace("default: ask\n", "");
    assert_eq!(
        parsed_with(&root, &others).policy.default,
        Some(Verdict::Deny)
    );
}

#[test]
fn a_rule_of_a_parent_with_a_name_that_is_taken_is_called_by_its_policy() {
    let file = "aegis: policy/v1\nname: base\ndefault: ask\nrules:\n  - {id: a, match: {tool: x}, verdict: deny}\n";
    let root = "aegis: policy/v1\nname: own\nextends: base.yaml\nrules:\n  - {id: a, match: {tool: x}, verdict: allow}\n";
    let parsed = parsed_with(root, &[("base.yaml", file)]);
    assert_eq!(ids(&parsed.policy), ["a", "base/a"]);
    assert_eq!(parsed.policy.rules[1].verdict, Verdict::Deny);
}

#[test]
fn places_count_characters_and_lines_of_any_kind() {
    let text = "aegis: policy/v1\r\nname: team\r\ndefault: ask\r\nrules:\r\n  - {message: größe 猫, id: a, match: {tool: x}, verdict: deny}\r\n";
    let place = policy(text).rules[0].place;
    assert_eq!((place.line, place.column), (5, 28));
    let bytes = text.find("id: a").unwrap() + 4;
    assert_eq!(text.get(bytes..=bytes), Some("a"));
}

#[test]
fn a_document_gives_the_policy_back_without_any_file() {
    let base = "aegis: policy/v1\nname: base\ndefault: ask\nextends: [aegis:developer]\n";
    let root = "aegis: policy/v1\nname: own\nextends: x/base.yaml\nrules:\n  - {id: a, match: {tool: x}, verdict: allow}\n";
    let first = parsed_with(root, &[("x/base.yaml", base)]);
    let document = policy_document(&first.texts);
    let again = parse_document(&document).unwrap();
    assert_eq!(first.policy, again.policy);
    assert_eq!(first.texts, again.texts);
    assert_eq!(policy_document(&again.texts), document);
    assert_eq!(policy_digest(&again.texts), policy_digest(&first.texts));
}

#[test]
fn a_document_that_lacks_a_source_is_refused() {
    let root = "aegis: policy/v1\nname: own\nextends: aegis:developer\n";
    let texts = &parsed_with(root, &[]).texts[..1];
    assert!(parse_document(&policy_document(texts)).is_err());
    assert!(parse_document(b"{}").is_err());
    assert!(parse_document(b"{\"v\":2,\"sources\":[]}").is_err());
    assert!(parse_document(b"{\"v\":1,\"sources\":[]}").is_err());
}

#[test]
fn the_kind_of_a_file_is_told_by_its_first_keys() {
    for (text, kind) in [
        ("aegis: policy/v1\n", Some(Kind::NativePolicy)),
        ("name: x\npolicies: []\n", Some(Kind::FirewallPolicy)),
        (
            "{\"schema\": \"aegis.dev/manifest/v0.1\"}",
            Some(Kind::Manifest),
        ),
        ("scenario: {name: x}\n", Some(Kind::Scenario)),
        ("version: 1\nrules: []\n", Some(Kind::ActionRules)),
        ("defaults: {}\nrules: []\n", Some(Kind::ActionRules)),
        ("rules: []\n", None),
        ("permissions: {allow: []}\n", Some(Kind::Permissions)),
        ("hooks: {}\n", Some(Kind::HostSettings)),
        ("addr: 127.0.0.1:8080\n", Some(Kind::ServiceSettings)),
        ("dsn: aegis.db\n", Some(Kind::ServiceSettings)),
        ("rate_limit: 5\n", Some(Kind::ServiceSettings)),
        ("tls: {enabled: false}\n", Some(Kind::ServiceSettings)),
        ("telemetry: {}\n", Some(Kind::ServiceSettings)),
        ("log: {level: warn}\n", Some(Kind::ServiceSettings)),
        ("aegis: principals/v1\n", Some(Kind::Principals)),
        ("hello: world\n", None),
        ("", None),
        ("[1, 2", None),
    ] {
        assert_eq!(detect(text), kind, "{text}");
    }
}

#[test]
fn times_of_day_need_no_quotes_here() {
    let rule = only_rule(
        "    match: {tool: x}\n    when: {time: {from: 18:00, to: 8:00, zone: europe/berlin}}\n    verdict: ask\n",
    );
    let window = &rule.when.time[0];
    assert_eq!((window.from, window.to), (DayTime(1080), DayTime(480)));
    assert_eq!(&*window.zone.0, "Europe/Berlin");
}

/// Returns what the lint says of rules that earlier ones hide.
fn never_asked(parsed: &Parsed) -> Vec<String> {
    let hidden = [
        LintCode::Shadowed,
        LintCode::Unreachable,
        LintCode::Contradicting,
    ];
    lint(parsed)
        .into_iter()
        .filter(|it| {
            hidden
                .iter()
                .any(|code| it.code == ProblemCode::Lint(*code))
        })
        .map(|it| it.message)
        .collect()
}

#[test]
fn a_rule_that_is_never_asked_gives_a_warning() {
    let parsed = parsed_with(&fixture("unreachable.yaml"), &[]);
    let expected = "this rule is never asked: `all` holds whenever it does";
    assert_eq!(never_asked(&parsed), [expected]);
}

#[test]
fn an_allow_of_a_higher_priority_that_hides_a_deny_gives_a_warning() {
    let text = |tool: &str| {
        format!(
            "policies:\n  - {{name: hidden, trigger: {{tool: Bash, params_match: {{command: rm}}}}, action: deny}}\n  - {{name: wide, priority: 9, trigger: {{tool: {tool}}}, action: allow}}\n"
        )
    };
    let warned = |tool: &str| never_asked(&parsed_with(&text(tool), &[]));
    let expected = "this rule is never asked: `wide` holds whenever it does";
    assert_eq!(warned("Bash"), [expected]);
    assert_eq!(warned("'B*'"), [expected]);
    assert_eq!(warned("'*'"), [expected]);
    assert!(warned("Read").is_empty());
}

#[test]
fn a_mandatory_rule_after_a_general_one_is_asked_all_the_same() {
    let text = "aegis: policy/v1\nname: team\ndefault: ask\nrules:\n  - {id: all, match: all, verdict: allow}\n  - {id: b, match: {tool: x}, verdict: deny, mandatory: true}\n";
    assert!(never_asked(&parsed_with(text, &[])).is_empty());
}

#[test]
fn a_source_beyond_a_mebibyte_is_refused() {
    let mut text = ruled("    match: {tool: x}\n    verdict: deny\n");
    text.push_str(&"# padding\n".repeat(120_000));
    assert_eq!(refused(&text), [ProblemCode::TooLarge]);
}

#[test]
fn the_built_in_packs_parse_without_a_warning() {
    for name in aegis_policy::pack_names() {
        let source = Source::new(name, aegis_policy::pack(name).unwrap());
        let parsed = parse(&source, &MemorySources::default()).unwrap();
        assert_eq!(parsed.warnings, []);
        assert_eq!(parsed.policy.name.as_str(), name);
        for rule in &parsed.policy.rules {
            let needs_none = rule.verdict == Verdict::Allow;
            assert!(needs_none || rule.message.is_some(), "{}", rule.id);
            assert!(!rule.examples.matches.is_empty(), "{}", rule.id);
            assert!(!rule.examples.misses.is_empty(), "{}", rule.id);
        }
    }
}
