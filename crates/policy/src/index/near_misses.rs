//! Rules that are about something else are not brought up.

use std::sync::Arc;

use aegis_canon::Digest;
use aegis_types::{Access, Action, PathFact, Verdict};
use serde_json::json;

use super::tests::{brought_up, policy};
use crate::compiled::Compiled;
use crate::holds::Facts;
use crate::holds::tests::request;
use crate::matcher::{Matcher, ParamCondition, ParamTest, PathPattern};
use crate::pattern::{Glob, Pattern};

#[test]
fn few_rules_are_brought_up_of_many() {
    let regex = |number: usize| Matcher {
        tool: vec![Glob::new("Bash")],
        params: vec![ParamCondition {
            path: vec![Arc::from("command")],
            test: ParamTest::Regex(Pattern::new(&format!("(?i)forbidden-{number:04}x"))),
        }],
        ..Matcher::default()
    };
    let rules = (0..1_000)
        .map(|number| (regex(number), Verdict::Deny))
        .collect();
    let compiled = Compiled::new(policy(rules), Digest::of(b""));
    let mut asked = request("Bash", Action::ShellExec);
    asked.params = json!({"command": "echo FORBIDDEN-0017x"});
    let facts = Facts::new(&asked);
    assert_eq!(brought_up(compiled.candidates(&facts)), ["rule-17"]);
    asked.params = json!({"command": 5});
    let facts = Facts::new(&asked);
    assert_eq!(compiled.candidates(&facts).count(), 800);
}

#[test]
fn a_path_brings_up_the_rules_of_its_access_name_and_folder() {
    let of = |glob: &str, access: Access| Matcher {
        path: vec![PathPattern {
            glob: vec![Glob::new(glob)],
            access,
        }],
        ..Matcher::default()
    };
    let rules = [
        of("./**", Access::READ),
        of("~/{shop,notes}/**", Access::default()),
        of("**/*.{rs,toml}", Access::READ),
        of("/{etc,home}/**", Access::READ),
        // Each of these is about something else.
        of("./**", Access::WRITE),
        of("~/.*", Access::READ),
        of("~/{Documents,notes}/**", Access::READ),
        of("**/*.{db,sqlite}", Access::READ),
        of("/{etc,usr}/**", Access::READ),
        of("/**", Access::DELETE),
    ];
    let rules = rules.map(|matcher| (matcher, Verdict::Allow)).to_vec();
    let compiled = Compiled::new(policy(rules), Digest::of(b""));
    let mut asked = request("Read", Action::FsRead);
    asked.context.paths = vec![PathFact {
        written: "a.rs".to_owned(),
        resolved: Some("/home/ann/shop/src/a.rs".to_owned()),
        identity: None,
        access: Access::READ,
        unknown: false,
        listed: false,
        causes: Vec::new(),
    }];
    let found = brought_up(compiled.candidates(&Facts::new(&asked)));
    assert_eq!(found, ["rule-0", "rule-1", "rule-2", "rule-3"]);
}

#[test]
fn a_rule_that_must_be_sure_is_not_brought_up_by_what_is_not_told() {
    let of_url = Matcher {
        params: vec![ParamCondition {
            path: vec![Arc::from("url")],
            test: ParamTest::Regex(Pattern::new("example")),
        }],
        ..Matcher::default()
    };
    // Every third rule turns the unknown round.
    let rules = vec![(of_url, Verdict::Ask); 4];
    let mut rules = policy(rules);
    rules
        .rules
        .iter_mut()
        .for_each(|rule| rule.mandatory = false);
    let compiled = Compiled::new(rules, Digest::of(b""));
    let asked = request("Bash", Action::ShellExec);
    let found = brought_up(compiled.candidates(&Facts::new(&asked)));
    assert_eq!(found, ["rule-1", "rule-2"]);
}
