//! Testing policies.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use super::stage::{Stage, keys, repository};

const POLICY: &str = r#"aegis: policy/v1
name: shop
default: allow
rules:
  - id: release-by-people
    match: {shell: {program: git, subcommand: push, arguments: "v[0-9]*"}}
    verdict: ask
    examples:
      matches: ["git push origin v1"]
      misses: ["git push origin v1", "git pull"]
  - id: no-deploy-at-night
    match: {shell: {program: make, subcommand: deploy}}
    when: {environment: production, time: {from: "18:00", to: "08:00", zone: UTC}}
    verdict: deny
  - id: notes
    match: {tool: Write, path: ./notes/**}
    verdict: allow
limits:
  - id: searches
    match: {tool: WebSearch}
    calls: {over: 10, per: 1m}
"#;

const HOLDS: &str = r#"aegis: policy-tests/v1
policy: shop.yaml
environment: production
at: 2026-03-02T22:00:00Z
tests:
  - {name: nights are quiet, command: make deploy, verdict: deny, rule: no-deploy-at-night}
  - {command: make deploy, at: 2026-03-02T12:00:00Z, verdict: allow, reason: DEFAULT}
  - {command: make deploy, environment: staging, verdict: allow}
  - {tool: WebSearch, params: {query: x}, earlier_calls: 10, verdict: deny, rule: searches, reason: RATE_LIMITED}
  - {tool: WebSearch, params: {query: x}, earlier_calls: 9, verdict: allow}
  - {command: make deploy, mode: observe, verdict: allow}
"#;

const FAILS: &str = r#"aegis: policy-tests/v1
policy: shop.yaml
tests:
  - name: releases are never made
    command: git push origin v2
    verdict: deny
    rule: release-by-person
    reason: DEFAULT
    effect: [delete, network]
  - {command: make deploy, verdict: deny}
  - {command: git push origin v2 && ls, verdict: allow}
  - {tool: Write, params: {file_path: other.md, content: x}, verdict: ask, rule: notes}
"#;

fn stage() -> Stage {
    let stage = Stage::new();
    stage.write("work/shop.yaml", POLICY);
    stage.write("work/holds.yaml", HOLDS);
    stage.write("work/fails.yaml", FAILS);
    stage
}

#[test]
fn each_failing_case_is_told_with_what_came_and_why() {
    let stage = stage();
    let told = [
        stage.aegis(&["policy", "test", "holds.yaml"]).exits(1),
        stage
            .aegis(&["policy", "test", "--filter", "NIGHT", "."])
            .exits(0),
        stage
            .aegis(&["policy", "test", "fails.yaml", "holds.yaml"])
            .exits(1),
        stage.aegis(&["policy", "test", "shop.yaml"]).exits(1),
    ];
    stage.shows("policy-test", &told.iter().collect::<Vec<_>>());
}

#[test]
fn coverage_counts_what_reaches_each_rule() {
    let stage = stage();
    let all = [
        "policy",
        "test",
        "--coverage",
        "--filter",
        "deploy",
        "holds.yaml",
    ];
    let told = [
        stage.aegis(&all).exits(0),
        stage
            .aegis(&[
                "policy",
                "test",
                "--coverage-min",
                "90",
                "--filter",
                "e",
                "holds.yaml",
            ])
            .exits(1),
        stage
            .aegis(&[
                "policy",
                "test",
                "--coverage-min",
                "75",
                "--filter",
                "deploy",
                "holds.yaml",
            ])
            .exits(1),
    ];
    stage.shows("policy-test-coverage", &told.iter().collect::<Vec<_>>());
}

#[test]
fn a_file_that_cannot_be_tested_says_why() {
    let stage = stage();
    stage.write(
        "work/gone.yaml",
        "aegis: policy-tests/v1\npolicy: nowhere.yaml\ntests: [{command: ls, verdict: ask}]\n",
    );
    stage.write(
        "work/slips.yaml",
        "aegis: policy-tests/v1\npolcy: shop.yaml\ntests: [{command: ls, verdct: ask}]\n",
    );
    stage.write("work/empty/notes.yaml", "a: 1\n");
    stage.write("work/rulez.yaml", "aegis: policy/v1\nrulez: []\n");
    stage.write(
        "work/of-broken.yaml",
        "aegis: policy-tests/v1\npolicy: rulez.yaml\ntests: [{command: ls, verdict: ask}]\n",
    );
    let told: Vec<_> = [
        "gone.yaml",
        "slips.yaml",
        "empty",
        "of-broken.yaml",
        "missing.yaml",
        "aegis:nobody",
    ]
    .iter()
    .map(|name| stage.aegis(&["policy", "test", name]).exits(2))
    .collect();
    stage.shows("policy-test-refused", &told.iter().collect::<Vec<_>>());
    stage.aegis(&["policy", "test"]).exits(2);
    stage
        .aegis(&["policy", "test", "--filter", "nowhere", "holds.yaml"])
        .exits(2);
    stage.aegis(&["validate", "slips.yaml"]).exits(2);
    stage
        .aegis(&["policy", "test", "--coverage-min", "101"])
        .exits(2);
    stage
        .aegis(&[
            "policy",
            "test",
            "holds.yaml",
            "--junit",
            "no/such/folder/out.xml",
        ])
        .exits(3);
}

#[test]
fn files_in_several_folders_may_test_one_policy() {
    let stage = stage();
    let one = |path: &str| {
        format!(
            "aegis: policy-tests/v1\npolicy: {path}\ntests: [{{command: git push origin v2, verdict: ask}}]\n"
        )
    };
    stage.write("work/tests/a.yaml", &one("../shop.yaml"));
    stage.write("work/tests/deep/b.yaml", &one("../../shop.yaml"));
    let told = stage
        .aegis(&["policy", "test", "--coverage", "tests"])
        .exits(1);
    stage.shows("policy-test-folders", &[&told]);
}

#[test]
fn what_init_makes_holds() {
    let stage = Stage::new();
    stage.aegis(&["init"]).exits(0);
    let told = stage.aegis(&["policy", "test"]).exits(0);
    let validated = stage
        .aegis(&["validate", ".aegis/policy-tests.yaml"])
        .exits(0);
    stage.shows("policy-test-init", &[&told, &validated]);
}

#[test]
fn results_are_given_to_programs_as_json_and_xml() {
    let stage = stage();
    let json = stage
        .aegis(&[
            "--json",
            "policy",
            "test",
            "--coverage",
            "--junit",
            "out.xml",
            "fails.yaml",
        ])
        .exits(1)
        .json();
    assert_eq!(keys(&json), ["coverage", "files"]);
    assert_eq!(json["files"][0]["failed"], 5);
    assert_eq!(json["files"][0]["cases"][0]["misses"][0]["found"], "ask");
    assert_eq!(json["coverage"][0]["rules"][0]["cases"], 3);
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("policy-test-junit", stage.read("work/out.xml"));
    });
}

#[test]
fn every_pack_holds_to_its_examples() {
    let stage = Stage::new();
    let mut names = vec!["policy", "test"];
    names.extend(aegis_policy::pack_names());
    stage.aegis(&names).exits(0);
}

#[test]
fn watching_tests_again_after_each_change_until_it_is_interrupted() {
    let stage = stage();
    let mut watching = stage
        .command(Path::new(env!("CARGO_BIN_EXE_aegis")))
        .args([
            "policy",
            "test",
            "--watch",
            "--filter",
            "never",
            "fails.yaml",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut wait_for = |wanted: &str| {
        let is_wanted = |line: &String| line.contains(wanted);
        let found = lines.by_ref().map(Result::unwrap).find(is_wanted);
        assert!(found.is_some(), "no `{wanted}`");
    };
    wait_for("✗ fails.yaml  1 of 1 case fails");
    wait_for("Waiting for changes.");
    // A change of the policy, as editors make it: another file in its place.
    stage.write(
        "work/new.yaml",
        &POLICY.replacen("verdict: ask", "verdict: deny", 1),
    );
    fs::rename(stage.path("work/new.yaml"), stage.path("work/shop.yaml")).unwrap();
    wait_for("shop.yaml has changed");
    wait_for("✗ fails.yaml  1 of 1 case fails");
    wait_for("Waiting for changes.");
    stage.write(
        "work/fails.yaml",
        "aegis: policy-tests/v1\npolicy: shop.yaml\ntests: [{name: never, command: git push origin v2, verdict: deny}]\n",
    );
    wait_for("✓ fails.yaml  1 case holds");
    wait_for("Waiting for changes.");
    let number = Pid::from_child(&watching);
    kill_process(number, Signal::INT).unwrap();
    // A shell makes 130 of it.
    assert_eq!(watching.wait().unwrap().signal(), Some(2));
}

#[test]
fn permission_rules_of_a_host_decide_as_it_says() {
    let stage = Stage::new();
    for name in ["valid/permissions.json", "decided/permissions.yaml"] {
        let text = fs::read_to_string(repository(&format!("fixtures/policy/{name}"))).unwrap();
        // Beside each other, as a policy lies no higher than its tests.
        let text = text.replace("../valid/", "");
        let name = name.rsplit('/').next().unwrap();
        stage.write(&format!("work/{name}"), &text);
    }
    let told = stage.aegis(&["policy", "test", "permissions.yaml"]);
    assert_eq!(told.exits(0).out, "✓ permissions.yaml  48 cases hold\n");

    stage
        .aegis(&["policy", "import", "permissions.json", "-o", "native.yaml"])
        .exits(0);
    let tests = fs::read_to_string(stage.path("work/permissions.yaml")).unwrap();
    stage.write(
        "work/again.yaml",
        &tests.replace("permissions.json", "native.yaml"),
    );
    let told = stage.aegis(&["policy", "test", "again.yaml"]);
    assert_eq!(told.exits(0).out, "✓ again.yaml  48 cases hold\n");

    let exported = stage.aegis(&["policy", "export", "claude-code", "native.yaml"]);
    assert_eq!(exported.err, "");
    stage.write("work/out.json", &exported.exits(0).out);
    stage.write(
        "work/third.yaml",
        &tests.replace("permissions.json", "out.json"),
    );
    let told = stage.aegis(&["policy", "test", "third.yaml"]);
    assert_eq!(told.exits(0).out, "✓ third.yaml  48 cases hold\n");
}

#[test]
fn what_a_host_cannot_express_is_told() {
    let stage = Stage::new();
    let sound = POLICY.replace("misses: [\"git push origin v1\", ", "misses: [");
    stage.write("work/shop.yaml", &sound);
    let told = stage
        .aegis(&["policy", "export", "claude-code", "shop.yaml"])
        .exits(1);
    assert!(
        told.err.contains("`no-deploy-at-night`: "),
        "{}",
        told.whole()
    );
    assert!(told.err.contains("`default`: "), "{}", told.whole());
    let json = stage
        .aegis(&["policy", "export", "claude-code", "shop.yaml", "--json"])
        .exits(1)
        .json();
    assert_eq!(json["permissions"]["allow"], serde_json::json!([]));

    stage.write(
        "work/settings.json",
        r#"{"permissions": {"deny": ["bash", "LS"]}}"#,
    );
    let told = stage.aegis(&["policy", "import", "settings.json"]).exits(2);
    assert!(told.err.contains("unknown tool `bash`"), "{}", told.whole());
    assert!(told.out.contains("id: deny-2"), "{}", told.whole());
}
