//! Scoring public corpora: cases that nobody of this project wrote.

mod base64;
mod jcs;
mod parsers;
mod secrets;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How one set went.
#[derive(Clone)]
pub struct Score {
    /// The name of the set.
    pub set: &'static str,
    /// What it takes to pass.
    pub measure: &'static str,
    /// The cases.
    pub cases: usize,
    /// The first few cases that did not pass.
    pub failures: Vec<String>,
    /// Whether a case that does not pass is a failure of the command.
    pub bar: Bar,
}

/// What a score must reach.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Bar {
    /// Every case passes.
    All,
    /// The score is reported, and nothing more.
    Reported,
}

/// A set: where it lies, and how it is scored.
type Set = (&'static str, fn(&Path) -> Result<Vec<Score>>);

const SETS: &[Set] = &[
    ("01-jcs", jcs::scores),
    ("07-secrets-pii", secrets::scores),
    ("08-parsers", parsers::scores),
];

/// Scores the corpora in a folder.
pub fn corpora(arguments: &[String]) -> Result<()> {
    let [folder] = arguments else {
        bail!("the folder of the corpora is needed: cargo xtask corpora <dir>");
    };
    score(Path::new(folder))
}

/// Scores the corpora in `folder` and prints one table.
pub fn score(folder: &Path) -> Result<()> {
    let mut scores = Vec::new();
    for (name, set) in SETS {
        let place = folder.join(name);
        scores.extend(set(&place).with_context(|| format!("cannot score {name}"))?);
    }
    println!("{:<28} {:>7} {:>7}  measure", "set", "cases", "passed");
    for score in &scores {
        let passed = score.cases - score.failures.len();
        let Score {
            set,
            cases,
            measure,
            ..
        } = score;
        println!("{set:<28} {cases:>7} {passed:>7}  {measure}");
    }
    let short: Vec<&Score> = scores
        .iter()
        .filter(|score| score.bar == Bar::All && !score.failures.is_empty())
        .collect();
    for score in &short {
        for failure in score.failures.iter().take(10) {
            println!("{}: {failure}", score.set);
        }
    }
    match short.is_empty() {
        true => Ok(()),
        false => bail!("a set that must pass whole did not"),
    }
}

/// Returns the rows of a file with a JSON value in every line.
fn rows(file: &Path) -> Result<Vec<Value>> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let rows = text.lines().map(serde_json::from_str);
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns a string member of a row.
fn member<'a>(row: &'a Value, name: &str) -> Result<&'a str> {
    row.get(name)
        .and_then(Value::as_str)
        .with_context(|| format!("a row has no text `{name}`"))
}

/// Returns the bytes that base64 text spells.
fn bytes(text: &str) -> Result<Vec<u8>> {
    base64::decode(text).context("a row is not base64")
}
