//! Looking policies over.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;

use aegis_policy::LintCode;

use super::stage::{Stage, keys, repository};

const HASTY: &str = r#"# Made in a hurry.
aegis: policy/v1
name: hasty
default: ask
rules:
  - id: shell   # all of it
    match: {tool: [Bash, Read]}
    verdict: allow
  - id: no-push
    match: {tool: Bash, shell: {program: git, subcommand: push}}
    verdict: deny
    message: Push by hand.
    examples: {matches: ["git push"]}
  - id: mail
    match: {tool: mcp__mail}   # the whole server
    verdict: deny
    message: No mail.
    examples: {misses: [{tool: mcp__chat__post}], matches: [{tool: mcp__mail}]}
  - id: chat
    match:
      tool: mcp__chat__post
      params: {to: {regex: '@example.org$'}}   # our own people
    verdict: allow
"#;

#[test]
fn findings_are_shown_with_their_code_and_what_to_do() {
    let stage = Stage::new();
    stage.write("work/hasty.yaml", HASTY);
    stage.write("work/broken.yaml", "aegis: policy/v1\nrulez: []\n");
    let told = [
        stage.aegis(&["policy", "lint", "hasty.yaml"]).exits(1),
        stage
            .aegis(&[
                "policy",
                "lint",
                "--allow",
                "L002",
                "--allow",
                "l008",
                "--allow",
                "L013",
                "--allow",
                "L005",
                "hasty.yaml",
            ])
            .exits(0),
        stage
            .aegis(&["policy", "lint", "broken.yaml", "aegis:developer"])
            .exits(2),
        stage
            .aegis(&["policy", "lint", "--explain", "L004"])
            .exits(0),
        stage
            .aegis(&["policy", "lint", "--explain", "L999"])
            .exits(2),
    ];
    stage.shows("policy-lint", &told.iter().collect::<Vec<_>>());
    let json = stage
        .aegis(&["--json", "policy", "lint", "hasty.yaml"])
        .exits(1)
        .json();
    assert_eq!(keys(&json), ["policies"]);
    let first = &json["policies"][0]["findings"][1];
    assert_eq!(
        (first["code"].as_str(), first["line"].as_u64()),
        (Some("L002"), Some(9))
    );
}

#[test]
fn a_fix_changes_nothing_but_what_it_must() {
    let stage = Stage::new();
    // An example of a rule that is mended is mended as well, by hand.
    let text = HASTY.replace(
        ", matches: [{tool: mcp__mail}]",
        ", matches: [{tool: mcp__mail__send}]",
    );
    stage.write(
        "work/hasty.yaml",
        &text.replace("misses: [{tool: mcp__chat__post}], ", ""),
    );
    let before = stage.read("work/hasty.yaml");
    let file = stage.path("work/hasty.yaml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let told = stage
        .aegis(&["policy", "lint", "--fix", "hasty.yaml"])
        .exits(1);
    stage.shows("policy-lint-fix", &[&told]);
    let expected = before
        .replace("{tool: mcp__mail}", "{tool: mcp__mail__*}")
        .replace("@example.org$", "@example\\.org$");
    assert_eq!(stage.read("work/hasty.yaml"), expected);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o640
    );
    // There is nothing left to mend.
    stage
        .aegis(&["policy", "lint", "--fix", "hasty.yaml"])
        .exits(1);
    assert_eq!(stage.read("work/hasty.yaml"), expected);
}

#[test]
fn a_fix_that_breaks_an_example_is_not_written() {
    let stage = Stage::new();
    stage.write("work/hasty.yaml", HASTY);
    let told = stage
        .aegis(&["policy", "lint", "--fix", "hasty.yaml"])
        .exits(1);
    assert_eq!(stage.read("work/hasty.yaml"), HASTY);
    let pack = stage
        .aegis(&["policy", "lint", "--fix", "aegis:look"])
        .exits(2);
    stage.shows("policy-lint-refused", &[&told, &pack]);
}

#[test]
fn packs_and_what_init_makes_have_no_finding() {
    let stage = Stage::new();
    stage.aegis(&["init"]).exits(0);
    stage.aegis(&["policy", "lint"]).exits(0);
    let mut names = vec!["policy", "lint"];
    names.extend(aegis_policy::pack_names());
    stage.aegis(&names).exits(0);
}

#[test]
fn every_code_has_a_section_in_the_book() {
    let book = fs::read_to_string(repository("docs/lint.md")).unwrap();
    let stage = Stage::new();
    for code in LintCode::ALL {
        assert!(book.contains(&format!("\n## {code} {code:?}\n")), "{code}");
        let told = stage
            .aegis(&["policy", "lint", "--explain", code.as_str()])
            .exits(0);
        assert!(told.out.starts_with(code.as_str()), "{}", told.whole());
        assert!(told.out.lines().count() > 2, "{}", told.whole());
    }
    let sections = book.lines().filter(|line| line.starts_with("## L")).count();
    assert_eq!(sections, LintCode::ALL.len());
}

#[test]
fn a_fix_follows_no_link_and_says_why_it_mends_nothing() {
    let stage = Stage::new();
    stage.write(
        "home/real.yaml",
        "aegis: policy/v1\nname: x\ndefault: ask\nrules:\n  - {id: a, match: {tool: Bash}, verdict: allow}\n",
    );
    symlink(stage.path("home/real.yaml"), stage.path("work/link.yaml")).unwrap();
    fs::copy(stage.path("home/real.yaml"), stage.path("work/own.yaml")).unwrap();
    let told = [
        stage
            .aegis(&["policy", "lint", "--fix", "link.yaml"])
            .exits(2),
        stage
            .aegis(&["policy", "lint", "--fix", "own.yaml"])
            .exits(1),
    ];
    stage.shows("policy-lint-fix-nothing", &told.iter().collect::<Vec<_>>());
}
