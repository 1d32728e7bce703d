//! The lint finds what is planted in faulty policies, and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use aegis_policy::{
    LintCode, MemorySources, Paint, Parsed, Problem, ProblemCode, Problems, Source, fixed, lint,
    pack, pack_names, parse, render,
};

/// A code, and the line it is about.
type Fault = (u32, LintCode);

fn parsed(name: &str, text: &str) -> Parsed {
    match parse(&Source::new(name, text), &MemorySources::default()) {
        Ok(parsed) => parsed,
        Err(Problems(problems, sources)) => {
            panic!("{}", render(&problems, &sources, Paint::Plain))
        }
    }
}

/// Returns the faulty policies, each with its name.
fn corpus() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/policy/lint");
    let mut found: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

/// Returns the faults that the comments of a text name.
fn planted(text: &str) -> BTreeSet<Fault> {
    let mut faults = BTreeSet::new();
    for (line, text) in (1..).zip(text.lines()) {
        let Some((_, codes)) = text.split_once("# fault: ") else {
            continue;
        };
        let codes = codes.split_whitespace();
        faults.extend(codes.map(|code| (line, LintCode::named(code).unwrap())));
    }
    faults
}

fn faults(findings: &[Problem]) -> BTreeSet<Fault> {
    let code = |finding: &Problem| {
        let ProblemCode::Lint(code) = finding.code else {
            panic!("{}", finding.code);
        };
        code
    };
    findings
        .iter()
        .map(|it| (it.place.line, code(it)))
        .collect()
}

#[test]
fn what_is_planted_is_found_and_nothing_else() {
    let mut all = 0;
    let mut missed = Vec::new();
    let mut invented = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, text) in corpus() {
        let parsed = parsed(&name, &text);
        let found = faults(&lint(&parsed));
        let planted = planted(&text);
        all += planted.len();
        seen.extend(planted.iter().map(|(_, code)| *code));
        let at = |(line, code): &Fault| format!("{name}:{line}: {code}");
        missed.extend(planted.difference(&found).map(at));
        invented.extend(found.difference(&planted).map(at));
    }
    assert!(all >= 60, "{all} faults are planted");
    assert_eq!(seen.len(), LintCode::ALL.len(), "each code has a fault");
    assert!(missed.is_empty(), "missed: {missed:#?}");
    assert!(invented.is_empty(), "invented: {invented:#?}");
}

#[test]
fn no_pack_has_a_finding() {
    for name in pack_names() {
        let parsed = parsed(name, pack(name).unwrap());
        let findings = lint(&parsed);
        assert!(
            findings.is_empty(),
            "{}",
            render(&findings, &parsed.texts, Paint::Plain)
        );
    }
}

#[test]
fn a_fix_leaves_less_to_find_and_the_rest_as_it_is() {
    let mut made = 0;
    for (name, text) in corpus() {
        let findings = lint(&parsed(&name, &text));
        let Some((mended, count)) = fixed(&text, &findings) else {
            continue;
        };
        made += count;
        let left = lint(&parsed(&name, &mended));
        assert_eq!(left.len(), findings.len() - count, "{mended}");
        assert_eq!(text.lines().count(), mended.lines().count());
        for (before, after) in text.lines().zip(mended.lines()) {
            assert_eq!(before.contains(" #"), after.contains(" #"), "{after}");
        }
        // What can be mended is mended at once.
        assert!(fixed(&mended, &left).is_none(), "{mended}");
    }
    assert!(made >= 10, "{made} changes");
}
