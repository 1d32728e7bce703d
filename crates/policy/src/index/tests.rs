use aegis_canon::Digest;
use aegis_types::{
    Access, Action, Directory, Effect, EffectKind, EffectResource, HostFact, Mode, NetworkClass,
    PathFact, Plan, Span, Unknown, UnknownCause, Verdict, Word, WordPart, Wrapper,
};
use aegis_types::{ActionRequest, Command, Place as CommandPlace};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::compiled::Compiled;
use crate::holds::Facts;
use crate::holds::tests::request;
use crate::matcher::{
    Bound, HostPattern, Matcher, ParamCondition, ParamTest, PathPattern, Scalar, ShellPattern,
};
use crate::pattern::{Glob, Pattern};
use crate::rule::{Examples, Place, Policy, Rule, Spelling};
use crate::when::When;

const TOOLS: [&str; 6] = [
    "Bash",
    "Read",
    "Task",
    "Agent",
    "mcp__git__push",
    "mcp__a/b",
];
const TOOL_GLOBS: [&str; 9] = [
    "Bash",
    "Read",
    "Agent",
    "mcp__*",
    "mcp__git__*",
    "*",
    "{Bash,Read}",
    "Ta?k",
    "R*",
];
const TEXTS: [&str; 9] = [
    "",
    "git push --force",
    "GIT PUSH",
    "rm -rf /",
    "drop table users",
    "prod-db",
    "ümläut",
    "DROP",
    "\u{17f}elect",
];
const REGEXES: [&str; 9] = [
    "git push.*--force",
    "(?i)drop table",
    "(rm|mv) -rf",
    "^$",
    "[a-z]+",
    "(?i)select",
    "ümläut|prod",
    r"push\b",
    "(?i:git)( push)+",
];
const PROGRAMS: [&str; 7] = ["git", "rm", "ls", "sudo", "gi*", "r?", "*s"];
const PATHS: [&str; 15] = [
    "/home/ann/.bashrc",
    "/home/ann/Documents/cv.pdf",
    "/home/ann/shop/data.db",
    "/home/ann/shop/a.tar.db",
    "/usr/lib/x.so",
    "/var",
    "/home/ann/shop/src/a.rs",
    "/home/ann/.ssh/id",
    "/home/ann/.ssh",
    "/home/ann",
    "/home/ann/shop",
    "/etc/passwd",
    "/srv/x/.env",
    "/",
    "/home/annabel/x",
];
const PATH_GLOBS: [&str; 24] = [
    "~/.*",
    "~/.{bashrc,profile}",
    "~/{Documents,.ssh}/**",
    "~/{Doc*,x}/**",
    "~/D?cuments/**",
    "~/**",
    "~/!x",
    "/{etc,usr,var}/**",
    "/{etc,v*}",
    "/var/*",
    "**/*.{db,so}",
    "**/{.env,*.rs}",
    "**/*.tar.*",
    "~/.ssh/**",
    "./src/**",
    "./**",
    "./*.rs",
    "/etc/*",
    "**/.env",
    "~",
    ".",
    "/**",
    "/srv/{x,y}/*",
    "**/src/**",
];
const HOSTS: [&str; 4] = [
    "example.org",
    "a.b.example.org",
    "169.254.169.254",
    "Example.ORG.",
];
const HOST_GLOBS: [&str; 4] = ["example.org", "*.example.org", "169.*", "*"];

fn globs(texts: &'static [&'static str]) -> impl Strategy<Value = Vec<Glob>> {
    prop::collection::vec(select(texts).prop_map(Glob::new), 0..3)
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        Just(Scalar::Null),
        any::<bool>().prop_map(Scalar::Bool),
        (0..3_i64).prop_map(Scalar::Integer),
        select(&TEXTS[..]).prop_map(|text| Scalar::Text(Arc::from(text))),
    ]
}

fn test() -> impl Strategy<Value = ParamTest> {
    prop_oneof![
        scalar().prop_map(ParamTest::Equals),
        prop::collection::vec(scalar(), 1..3).prop_map(ParamTest::OneOf),
        (0..3_i64).prop_map(|it| ParamTest::Gt(Bound::Integer(it))),
        scalar().prop_map(ParamTest::Contains),
        select(&["prod-*", "*push*", "prod-db", "*"][..])
            .prop_map(|glob| ParamTest::Glob(Glob::new(glob))),
        select(&REGEXES[..]).prop_map(|regex| ParamTest::Regex(Pattern::new(regex))),
        any::<bool>().prop_map(ParamTest::Present),
    ]
}

fn condition() -> impl Strategy<Value = ParamCondition> {
    (select(&["command", "a.b", "0"][..]), test()).prop_map(|(path, test)| ParamCondition {
        path: path.split('.').map(Arc::from).collect(),
        test,
    })
}

fn access() -> impl Strategy<Value = Access> {
    select(vec![
        Access::default(),
        Access::READ,
        Access::WRITE,
        Access::DELETE,
        Access::EXECUTE,
        Access::READ.or(Access::WRITE),
        Access::ANY,
    ])
}

/// Most parts of most matchers are absent, or hardly any would ever hold.
fn rarely<T>(part: impl Strategy<Value = T>, none: T) -> impl Strategy<Value = T>
where
    T: std::fmt::Debug + Clone + 'static,
{
    prop_oneof![3 => Just(none), 1 => part]
}

fn leaf() -> impl Strategy<Value = Matcher> {
    let shell = (globs(&PROGRAMS), globs(&["push", "x*"]), any::<bool>()).prop_map(
        |(program, subcommand, is_forced)| ShellPattern {
            program,
            subcommand,
            flags: is_forced
                .then(|| Arc::from("--force"))
                .into_iter()
                .collect(),
            ..ShellPattern::default()
        },
    );
    let path =
        (globs(&PATH_GLOBS), access()).prop_map(|(glob, access)| PathPattern { glob, access });
    let class = select(&[NetworkClass::Unknown, NetworkClass::Name][..]);
    let class = rarely(class.prop_map(|it| vec![it]), Vec::new());
    let host = (globs(&HOST_GLOBS), class).prop_map(|(name, class)| HostPattern {
        name,
        class,
        ..HostPattern::default()
    });
    let effect = select(&[EffectKind::Read, EffectKind::Network, EffectKind::Unknown][..]);
    (
        rarely(globs(&TOOL_GLOBS), Vec::new()),
        rarely(
            prop::collection::vec(select(&Action::ALL[..]), 1..3),
            Vec::new(),
        ),
        rarely(prop::collection::vec(condition(), 1..3), Vec::new()),
        rarely(prop::collection::vec(shell, 1..3), Vec::new()),
        rarely(prop::collection::vec(path, 1..3), Vec::new()),
        rarely(prop::collection::vec(host, 1..3), Vec::new()),
        rarely(prop::collection::vec(effect, 1..3), Vec::new()),
    )
        .prop_map(
            |(tool, action, params, shell, path, host, effect)| Matcher {
                tool,
                action,
                params,
                shell,
                path,
                host,
                effect,
                ..Matcher::default()
            },
        )
}

fn matcher() -> impl Strategy<Value = Matcher> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        let members = || rarely(prop::collection::vec(inner.clone(), 1..4), Vec::new());
        let not = inner.clone().prop_map(|part| Some(Box::new(part)));
        (leaf(), members(), members(), rarely(not, None)).prop_map(|(matcher, any, all, not)| {
            Matcher {
                any,
                all,
                not,
                ..matcher
            }
        })
    })
}

fn params() -> impl Strategy<Value = Value> {
    let value = || {
        prop_oneof![
            4 => select(&TEXTS[..]).prop_map(Value::from),
            1 => select(vec![
                json!(null), json!(true), json!(1), json!(2.0), json!(0.5), json!(u64::MAX),
                json!(["git push --force", 1]), json!({"x": "drop table"}),
                json!({"$json": "1e999"}),
            ]),
        ]
    };
    prop_oneof![
        4 => (value(), value()).prop_map(|(one, two)| json!({"command": one, "a": {"b": two}})),
        1 => Just(json!({})),
        1 => value().prop_map(|value| json!([value])),
    ]
}

fn word(text: &str) -> Word {
    let part = match text {
        "$x" => WordPart::Unknown(UnknownCause::Variable("x".to_owned())),
        text => WordPart::Literal(text.to_owned()),
    };
    Word {
        span: Span::default(),
        parts: vec![part],
        ..Word::default()
    }
}

fn command() -> impl Strategy<Value = Command> {
    let program = select(vec![
        None,
        Some("git"),
        Some("/bin/rm"),
        Some("ls"),
        Some("$x"),
    ]);
    let arguments = prop::collection::vec(select(&["push", "--force", "-f", "$x", "a"][..]), 0..3);
    (program, arguments, any::<bool>()).prop_map(|(program, arguments, is_wrapped)| Command {
        span: Span::default(),
        program: program.map(word),
        arguments: arguments.into_iter().map(word).collect(),
        assignments: Vec::new(),
        redirections: Vec::new(),
        through: is_wrapped
            .then(|| Wrapper::Program("/usr/bin/sudo".to_owned()))
            .into_iter()
            .collect(),
        directory: Directory::Start,
        place: CommandPlace::default(),
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let cause = select(vec![
        UnknownCause::Syntax,
        UnknownCause::Code("python".to_owned()),
        UnknownCause::Output,
    ]);
    (
        prop::collection::vec(command(), 0..4),
        rarely(prop::collection::vec((cause, span()), 1..2), Vec::new()),
    )
        .prop_map(|(mut commands, causes)| {
            for (command, span) in commands.iter_mut().zip(SPANS) {
                command.span = span;
            }
            Plan {
                commands,
                unknowns: causes
                    .into_iter()
                    .map(|(cause, span)| Unknown { span, cause })
                    .collect(),
                ..Plan::default()
            }
        })
}

/// Where the commands of a line stand.
const SPANS: [Span; 3] = [
    Span { start: 0, end: 9 },
    Span { start: 10, end: 19 },
    Span { start: 20, end: 29 },
];

fn span() -> impl Strategy<Value = Span> {
    select(&SPANS[..])
}

fn causes() -> impl Strategy<Value = Vec<Span>> {
    prop::collection::vec(span(), 0..3)
}

fn asked() -> impl Strategy<Value = ActionRequest> {
    let path = (select(&PATHS[..]), access(), 0..6_u8, causes()).prop_map(
        |(path, access, fate, causes)| PathFact {
            written: path.to_owned(),
            resolved: (fate != 0).then(|| path.to_owned()),
            identity: None,
            access,
            unknown: fate == 1,
            listed: false,
            causes,
        },
    );
    let host = (select(&HOSTS[..]), 0..4_u8, causes()).prop_map(|(host, fate, causes)| HostFact {
        written: host.to_owned(),
        scheme: None,
        host: (fate != 0).then(|| host.to_owned()),
        port: None,
        class: match fate {
            0 => NetworkClass::Unknown,
            _ => NetworkClass::Name,
        },
        causes,
    });
    let kind = select(&[EffectKind::Read, EffectKind::Network, EffectKind::Unknown][..]);
    let resource = prop_oneof![
        2 => Just(EffectResource::Unknown),
        1 => select(&PATHS[..]).prop_map(|path| EffectResource::Path(path.to_owned())),
        1 => select(&HOSTS[..]).prop_map(|host| EffectResource::Host(host.to_owned())),
    ];
    let effect = (kind, resource, causes()).prop_map(|(kind, resource, causes)| Effect {
        kind,
        resource,
        causes,
    });
    (
        select(&TOOLS[..]),
        select(&Action::ALL[..]),
        params(),
        prop::option::of(plan()),
        prop::collection::vec(path, 0..3),
        prop::collection::vec(host, 0..2),
        prop::collection::vec(effect, 0..2),
        0..8_u8,
    )
        .prop_map(
            |(tool, action, params, plan, paths, hosts, effects, fate)| {
                let mut asked = request(tool, action);
                asked.params = params;
                asked.context.plan = plan;
                asked.context.paths = paths;
                asked.context.hosts = hosts;
                asked.context.effects = effects;
                if fate == 0 {
                    asked.context.home = String::new();
                }
                asked
            },
        )
}

/// Some rules stand outside the order, and of all kinds some turn the unknown round.
fn is_mandatory(place: usize, verdict: Verdict) -> bool {
    place.is_multiple_of(5) && verdict != Verdict::Allow
}

fn rule(place: usize, matcher: Matcher, verdict: Verdict) -> Rule {
    Rule {
        id: format!("rule-{place}").parse().unwrap(),
        place: Place::default(),
        mandatory: is_mandatory(place, verdict),
        tier_base: false,
        matcher,
        when: When::default(),
        verdict,
        unknown: place.is_multiple_of(3),
        yields: false,
        risk: None,
        message: None,
        approval: None,
        obligations: Vec::new(),
        examples: Examples::default(),
    }
}

pub(super) fn policy(rules: Vec<(Matcher, Verdict)>) -> Policy {
    Policy {
        name: "laws".parse().unwrap(),
        description: None,
        spelling: Spelling::Native,
        default: Some(Verdict::Ask),
        default_risk: None,
        closed: false,
        mode: Mode::Enforce,
        rules: (0..)
            .zip(rules)
            .map(|(place, (matcher, verdict))| rule(place, matcher, verdict))
            .collect(),
        limits: Vec::new(),
        sources: Vec::new(),
    }
}

fn rules() -> impl Strategy<Value = Vec<(Matcher, Verdict)>> {
    let verdict = select(&[Verdict::Allow, Verdict::Ask, Verdict::Deny][..]);
    prop::collection::vec((matcher(), verdict), 1..24)
}

/// Returns the rules that count for some part of the request, found by asking each.
fn counting(policy: &Policy, facts: &Facts<'_>, is_mandatory: bool) -> Vec<String> {
    let counts = |rule: &&Rule| {
        let (matcher, verdict) = (&rule.matcher, rule.verdict);
        let whole = matcher.holds_of_whole(facts, verdict);
        let is_turned = rule.unknown && !is_mandatory;
        (0..facts.part_count()).any(|part| {
            let truth = matcher.holds_of_part(facts, verdict, &whole, part);
            truth.satisfies(verdict, is_turned)
        })
    };
    policy
        .rules
        .iter()
        .filter(|rule| rule.mandatory == is_mandatory)
        .filter(counts)
        .map(|rule| rule.id.to_string())
        .collect()
}

pub(super) fn brought_up<'a>(rules: impl Iterator<Item = &'a Rule>) -> Vec<String> {
    rules.map(|rule| rule.id.to_string()).collect()
}

fn place(id: &str) -> u32 {
    id.trim_start_matches("rule-").parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn no_rule_that_counts_is_left_out(rules in rules(), asked in asked()) {
        let compiled = Compiled::new(policy(rules), Digest::of(b""));
        let facts = Facts::new(&asked);
        for (found, is_mandatory) in [
            (brought_up(compiled.candidates(&facts)), false),
            (brought_up(compiled.mandatory_candidates(&facts)), true),
        ] {
            prop_assert!(found.iter().map(|id| place(id)).is_sorted_by(|one, other| one < other));
            for id in counting(compiled.policy(), &facts, is_mandatory) {
                prop_assert!(found.contains(&id), "{id} is missing in {found:?}");
            }
        }
    }

    #[test]
    fn a_cached_policy_is_the_policy(rules in rules(), asked in asked()) {
        let compiled = Compiled::new(policy(rules), Digest::of(b"x"));
        let read = Compiled::from_cache(&compiled.to_cache()).unwrap();
        prop_assert_eq!(read.policy(), compiled.policy());
        prop_assert_eq!(read.digest(), compiled.digest());
        let facts = Facts::new(&asked);
        prop_assert_eq!(
            brought_up(read.candidates(&facts)),
            brought_up(compiled.candidates(&facts))
        );
    }

    #[test]
    fn no_literal_is_required_that_a_match_can_do_without(
        regex in select(&REGEXES[..]),
        text in ".{0,4}(git push --force|DROP table|rm -rf|PuSh|\u{17f}elect|Select|prod).{0,4}",
    ) {
        if let Some(literals) = super::literals::of_regex(regex)
            && regex::Regex::new(regex).unwrap().is_match(&text)
        {
            let text = text.to_ascii_lowercase();
            prop_assert!(literals.iter().any(|literal| text.contains(literal)));
        }
    }
}

#[test]
fn damaged_or_foreign_bytes_are_an_error_and_no_other_policy() {
    let matcher = Matcher {
        tool: vec![Glob::new("Bash")],
        ..Matcher::default()
    };
    let compiled = Compiled::new(policy(vec![(matcher, Verdict::Deny)]), Digest::of(b"x"));
    let bytes = compiled.to_cache();
    for length in 0..bytes.len() {
        assert!(Compiled::from_cache(&bytes[..length]).is_err(), "{length}");
    }
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        assert!(Compiled::from_cache(&damaged).is_err(), "{place}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(Compiled::from_cache(&longer).is_err());
    assert!(Compiled::from_cache(b"aegis: policy/v1").is_err());
    assert!(Compiled::from_cache(&bytes).is_ok());
}
