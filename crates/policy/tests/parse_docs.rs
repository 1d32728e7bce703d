//! The reference of the policy file says what is so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use aegis_policy::{
    Kind, MemorySources, Paint, ProblemCode, Problems, Source, detect, parse, parse_tests, render,
};
use regex::Regex;

const REFERENCE: &str = include_str!("../../../docs/policy.md");
const EVERY_KEY: &str = include_str!("../../../fixtures/policy/valid/native-all.yaml");

/// Returns the YAML examples of the reference, each as a whole policy.
fn examples() -> Vec<String> {
    let blocks = REFERENCE.split("```yaml\n").skip(1);
    blocks
        .map(|block| {
            let text = block.split("```").next().unwrap();
            if text.starts_with("- id:") {
                format!("aegis: policy/v1\nname: example\ndefault: ask\nrules:\n{text}")
            } else {
                text.to_owned()
            }
        })
        .collect()
}

#[test]
fn every_example_of_the_reference_parses_without_a_warning() {
    let examples = examples();
    assert!(examples.len() >= 7);
    for text in examples {
        if detect(&text) == Some(Kind::PolicyTests) {
            assert!(
                parse_tests(&Source::new("tests.yaml", &text)).is_ok(),
                "{text}"
            );
            continue;
        }
        match parse(
            &Source::new("policy.yaml", &text),
            &MemorySources::default(),
        ) {
            Ok(parsed) => assert_eq!(parsed.warnings, [], "{text}"),
            Err(Problems(problems, sources)) => {
                panic!("{}\n{text}", render(&problems, &sources, Paint::Plain))
            }
        }
    }
}

#[test]
fn the_reference_names_every_key_of_the_format() {
    let key = Regex::new(r"[{,]\s*([a-z_]+):|(?m)^[ -]*([a-z_]+):").unwrap();
    // Names of parameters are free to choose.
    let free = ["command", "branch", "depth", "dry_run", "force"];
    for found in key.captures_iter(EVERY_KEY) {
        let name = found.get(1).or_else(|| found.get(2)).unwrap().as_str();
        if !free.contains(&name) {
            assert!(REFERENCE.contains(&format!("`{name}`")), "`{name}`");
        }
    }
}

#[test]
fn the_reference_names_every_key_of_tests() {
    let all = include_str!("../../../fixtures/policy/tests/all-keys.yaml");
    let head = all.split("  - {tool").next().unwrap();
    let key = Regex::new(r"(?m)^[ -]*([a-z_]+):").unwrap();
    let found: Vec<&str> = key
        .captures_iter(head)
        .map(|it| it.get(1).unwrap().as_str())
        .collect();
    assert!(found.len() > 25);
    for name in found {
        assert!(REFERENCE.contains(&format!("`{name}`")), "`{name}`");
    }
}

#[test]
fn the_reference_names_every_problem() {
    for code in ProblemCode::ALL {
        assert!(REFERENCE.contains(&format!("`{code}`")), "`{code}`");
    }
}
