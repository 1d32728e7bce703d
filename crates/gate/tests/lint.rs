//! What the lint says of rules that never decide is what the engine does.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use aegis_engine::{Coverage, check_examples};
use aegis_gate::example_request;
use aegis_policy::{
    Compiled, LintCode, MemorySources, Problem, ProblemCode, Source, lint, parse, policy_digest,
};

/// Returns the faulty policies.
fn corpus() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/policy/lint");
    let paths = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|it| it == "yaml"));
    yaml.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    })
    .collect()
}

#[test]
fn a_rule_is_hidden_from_its_examples_where_the_lint_says_so_and_nowhere_else() {
    let hidden = [
        LintCode::Shadowed,
        LintCode::Unreachable,
        LintCode::Contradicting,
    ];
    let (mut covered, mut reached) = (0, 0);
    for (name, text) in corpus() {
        let parsed = parse(&Source::new(&name, &text), &MemorySources::default()).unwrap();
        let findings = lint(&parsed);
        let lines = |codes: &[LintCode]| -> BTreeSet<u32> {
            let has = |it: &&Problem| codes.iter().any(|code| it.code == ProblemCode::Lint(*code));
            findings
                .iter()
                .filter(has)
                .map(|it| it.place.line)
                .collect()
        };
        let told = lines(&hidden);
        // Of these, some examples are hidden and others are not.
        let pierced = lines(&[LintCode::Pierced]);
        let digest = policy_digest(&parsed.texts);
        let policy = Compiled::new(parsed.policy, digest);
        let failed = check_examples(&policy, &example_request);
        let own = policy
            .policy()
            .rules
            .iter()
            .filter(|it| it.place.source == 0);
        for rule in own.filter(|it| !it.examples.matches.is_empty()) {
            let is_failed = failed.iter().any(|it| it.rule == rule.id);
            if is_failed || pierced.contains(&rule.place.line) {
                continue;
            }
            let mut coverage = Coverage::default();
            for example in &rule.examples.matches {
                coverage.add_example(&policy, &rule.id, &example_request(example));
            }
            let is_reached = coverage.of(&rule.id) > 0;
            let is_told = told.contains(&rule.place.line);
            assert_ne!(is_reached, is_told, "{name}: {}", rule.id);
            covered += usize::from(is_told);
            reached += usize::from(is_reached);
        }
    }
    assert!(covered >= 8, "{covered} hidden rules have examples");
    assert!(reached >= 25, "{reached} other rules have examples");
}
