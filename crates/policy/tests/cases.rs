//! Files of tests parse into what they say, and broken ones are refused with
//! their places.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::path::{Path, PathBuf};

use aegis_policy::{
    Asked, Kind, MemorySources, Paint, PolicyTests, ProblemCode, Problems, Source, detect, parse,
    parse_tests, render,
};
use aegis_types::{EffectKind, Mode, Reason, Tier, Timestamp, Verdict};

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/policy")
        .join(name)
}

fn tests(text: &str) -> PolicyTests {
    match parse_tests(&Source::new("tests.yaml", text)) {
        Ok(tests) => tests,
        Err(Problems(problems, sources)) => {
            panic!("{}", render(&problems, &sources, Paint::Plain))
        }
    }
}

#[test]
fn a_case_has_the_circumstances_of_its_file_and_its_own() {
    let text = fs::read_to_string(fixtures("tests/all-keys.yaml")).unwrap();
    let tests = tests(&text);
    assert_eq!(&*tests.policy.name, "../valid/native-all.yaml");
    assert_eq!(tests.policy.place.line, 3);
    let [own, defaults, bare, whole] = &tests.cases[..] else {
        panic!("{:?}", tests.cases);
    };
    assert_eq!(own.place.line, 16);
    assert_eq!(own.name.as_deref(), Some("a command line"));
    assert_eq!(own.expected.verdict, Verdict::Ask);
    assert_eq!(own.expected.rule.as_ref().unwrap().as_str(), "force-push");
    assert_eq!(own.expected.reason, Some(Reason::RuleMatched));
    assert_eq!(own.expected.effect, [EffectKind::Network]);
    let given = &own.circumstances;
    assert_eq!(given.workspace.as_deref(), Some("~/other"));
    assert_eq!(given.tier, Some(Tier::Trusted));
    assert_eq!(given.at, Some(Timestamp::from_unix_ms(1_772_476_200_000)));
    assert_eq!(
        (given.earlier_calls, given.mode),
        (Some(0), Some(Mode::Observe))
    );
    let given = &defaults.circumstances;
    assert_eq!(given.workspace.as_deref(), Some("/srv/shop"));
    assert_eq!(given.agent.as_ref().unwrap().as_str(), "builder");
    assert_eq!(given.user.as_ref().unwrap().as_str(), "ada");
    assert_eq!(given.tier, Some(Tier::Guided));
    assert_eq!(given.at, Some(Timestamp::from_unix_ms(1_772_479_800_000)));
    assert_eq!(
        (given.earlier_calls, given.mode),
        (Some(3), Some(Mode::Enforce))
    );
    assert!(given.taint.contains("untrusted"));
    let Asked::Call(call) = &defaults.asked else {
        panic!("{defaults:?}");
    };
    assert_eq!(&*call.params, r#"{"file_path":"~/notes.md","limit":3}"#);
    let Asked::Call(call) = &bare.asked else {
        panic!("{bare:?}");
    };
    assert_eq!((&*call.tool, &*call.params), ("TodoRead", "{}"));
    let Asked::Request(request) = &whole.asked else {
        panic!("{whole:?}");
    };
    assert_eq!(request.context.environment.as_deref(), Some("production"));
}

#[test]
fn broken_files_are_refused_and_say_what_to_do() {
    let folder = fixtures("broken-tests");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for name in ["everything", "nothing"] {
            let file = format!("{name}.yaml");
            let text = fs::read_to_string(folder.join(&file)).unwrap();
            let Err(Problems(problems, sources)) = parse_tests(&Source::new(&file, &text)) else {
                panic!("`{file}` was accepted");
            };
            insta::assert_snapshot!(name, render(&problems, &sources, Paint::Plain));
        }
    });
}

#[test]
fn tests_are_no_policy_and_a_policy_is_no_tests() {
    let text = "aegis: policy-tests/v1\npolicy: a.yaml\ntests: [{command: ls, verdict: ask}]\n";
    assert_eq!(detect(text), Some(Kind::PolicyTests));
    let Err(Problems(problems, _)) =
        parse(&Source::new("policy.yaml", text), &MemorySources::default())
    else {
        panic!("tests were read as a policy");
    };
    assert_eq!(problems[0].code, ProblemCode::WrongKind);
    let policy = "aegis: policy/v1\nname: a\ndefault: ask\n";
    let Err(Problems(problems, _)) = parse_tests(&Source::new("tests.yaml", policy)) else {
        panic!("a policy was read as tests");
    };
    let version = problems
        .iter()
        .find(|it| it.code == ProblemCode::UnknownVersion);
    assert!(version.is_some(), "{problems:?}");
}
