//! Compares plans with what the real bash starts.
//!
//! Scripts from a seed and scripts written by hand run in a sandbox in which
//! every program only records that it was started. See `compare` for what must
//! hold. `AEGIS_BASH_SCRIPTS` and `AEGIS_BASH_SEED` make a run larger or another
//! one, as `cargo xtask soak bash` does; with `AEGIS_BASH_SHOW_OPEN` every script
//! is shown of which something stays unknown, with its plan.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

mod compare;
mod control;
mod family;
mod generate;
mod reach;
mod sandbox;
#[path = "../show/mod.rs"]
mod show;

use std::collections::BTreeMap;

use compare::{Open, compare};
use generate::{Case, Kind, case};
use serde_json::Value;

/// How many scripts a run makes.
const SCRIPTS: usize = 5_000;
/// The seed of a run, so that it can be repeated.
const SEED: u64 = 3;
/// How many of a thousand scripts whose text decides all may hold any unknown.
const LITERAL_PER_MILLE_MAX: usize = 5;
/// How many of a thousand others may run commands that are not listed.
const MIXED_COMMANDS_PER_MILLE_MAX: usize = 130;
/// How many of a thousand others may hold any unknown: what programs write, what
/// the environment holds and what lies in folders is what these are made for.
const MIXED_PER_MILLE_MAX: usize = 300;
/// How many mismatches are shown.
const SHOWN_MAX: usize = 20;

const WRITTEN: &str = include_str!("../../../../fixtures/shell/bash.jsonl");

/// What a number of scripts came to.
#[derive(Debug, Default)]
struct Tally {
    scripts: usize,
    starts: usize,
    open_commands: usize,
    open_words: usize,
    open_any: usize,
    families: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

fn tally(cases: &[Case]) -> BTreeMap<&'static str, Tally> {
    let texts: Vec<String> = cases.iter().map(|case| case.text.clone()).collect();
    let traces = sandbox::traces(&texts);
    let mut tallies: BTreeMap<&'static str, Tally> = BTreeMap::new();
    for (case, trace) in cases.iter().zip(&traces) {
        let kind = match case.kind {
            Kind::Literal => "literal",
            Kind::Mixed => "mixed",
        };
        let tally = tallies.entry(kind).or_default();
        tally.scripts += 1;
        tally.starts += trace.starts.len();
        match compare(&case.text, trace) {
            Ok(Open { commands, words }) => {
                tally.open_commands += usize::from(commands);
                tally.open_words += usize::from(words);
                tally.open_any += usize::from(commands || words);
                if commands || words {
                    *tally.families.entry(case.name.clone()).or_default() += 1;
                    if std::env::var_os("AEGIS_BASH_SHOW_OPEN").is_some() {
                        let plan = aegis_shell::plan(&case.text);
                        let unknowns = show::unknowns(&plan);
                        let lines = show::commands(&plan).join("\n");
                        println!(
                            "== open {kind} {}\n{}\n-- {unknowns:?}\n{lines}",
                            case.name, case.text
                        );
                    }
                }
            }
            Err(error) => tally
                .wrong
                .push(format!("== {}\n{}\n-- {error}", case.name, case.text)),
        }
    }
    tallies
}

fn print(name: &str, tally: &Tally) {
    let share = |count: usize| count as f64 * 100.0 / tally.scripts.max(1) as f64;
    println!(
        "{name}: {} scripts, {} starts, {} mismatches; with an unknown {:.2} % \
         (commands not listed {:.2} %, parts of words {:.2} %)",
        tally.scripts,
        tally.starts,
        tally.wrong.len(),
        share(tally.open_any),
        share(tally.open_commands),
        share(tally.open_words),
    );
    if std::env::var_os("AEGIS_BASH_SHOW_OPEN").is_some() {
        println!("{:?}", tally.families);
    }
}

fn assert_agreement(tallies: &BTreeMap<&str, Tally>) {
    let wrong: Vec<&String> = tallies.values().flat_map(|tally| &tally.wrong).collect();
    let shown: Vec<&str> = wrong
        .iter()
        .take(SHOWN_MAX)
        .map(|text| text.as_str())
        .collect();
    assert!(
        wrong.is_empty(),
        "{} mismatches:\n{}",
        wrong.len(),
        shown.join("\n")
    );
}

fn setting<T: std::str::FromStr>(name: &str, usual: T) -> T {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("`{name}` is no number")),
        Err(_) => usual,
    }
}

#[test]
fn whatever_bash_starts_is_listed_for_generated_scripts() {
    let seed = setting("AEGIS_BASH_SEED", SEED);
    let count = setting("AEGIS_BASH_SCRIPTS", SCRIPTS);
    let cases: Vec<Case> = (0..count).map(|number| case(seed, number)).collect();
    let tallies = tally(&cases);
    println!("seed {seed}, {count} scripts");
    for (name, tally) in &tallies {
        print(name, tally);
    }
    assert_agreement(&tallies);
    let is_within = |count: usize, tally: &Tally, limit| count * 1_000 <= tally.scripts * limit;
    let literal = &tallies["literal"];
    assert!(
        is_within(literal.open_any, literal, LITERAL_PER_MILLE_MAX),
        "too many unknowns where the text decides all"
    );
    let mixed = &tallies["mixed"];
    assert!(
        is_within(mixed.open_commands, mixed, MIXED_COMMANDS_PER_MILLE_MAX),
        "too many scripts may run commands that are not listed"
    );
    assert!(
        is_within(mixed.open_any, mixed, MIXED_PER_MILLE_MAX),
        "too many unknowns where the text decides a part"
    );
}

#[test]
fn whatever_bash_starts_is_listed_for_scripts_written_by_hand() {
    let mut cases = Vec::new();
    for line in WRITTEN.lines().filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_str(line).expect("each line is JSON");
        let text = |name: &str| line[name].as_str().expect("a text").to_owned();
        let kind = match line["unknown"].as_bool() {
            Some(true) => Kind::Mixed,
            _ => Kind::Literal,
        };
        cases.push(Case {
            name: format!("{}: {}", text("family"), text("name")),
            kind,
            text: text("text"),
        });
    }
    assert!(cases.len() >= 150);
    let tallies = tally(&cases);
    for (name, tally) in &tallies {
        print(name, tally);
    }
    assert_agreement(&tallies);
    // Each case says whether it holds an unknown, so that neither creeps in.
    let literal = &tallies["literal"];
    assert_eq!(literal.open_any, 0, "{:?}", literal.families);
    let mixed = &tallies["mixed"];
    assert_eq!(mixed.open_any, mixed.scripts);
}
