//! Scoring public corpora: cases that nobody of this project wrote.

mod base64;
mod commands;
mod jcs;
mod parsers;
mod rules;
mod secrets;
mod transcripts;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::rate::{self, Rate};
use crate::score::Decider;

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
    ("09-policies", rules::scores),
];

/// A set of calls that are decided: where it lies, and its shares.
type Decided = (&'static str, fn(&Path, &mut Decider) -> Result<Vec<Rate>>);

const DECIDED: &[Decided] = &[
    ("02-shell", commands::rates),
    ("10-transcripts", transcripts::rates),
];

/// Scores the corpora in a folder: all sets, or those that are named.
pub fn corpora(arguments: &[String]) -> Result<()> {
    let (rest, show) = rate::shown(arguments)?;
    let Some((folder, sets)) = rest.split_first() else {
        bail!("the folder of the corpora is needed: cargo xtask corpora <dir>");
    };
    let known = SETS.iter().map(|(name, _)| *name);
    let known: Vec<&str> = known.chain(DECIDED.iter().map(|(name, _)| *name)).collect();
    if let Some(other) = sets.iter().find(|set| !known.contains(&set.as_str())) {
        bail!("no set `{other}`; there are: {}", known.join(", "));
    }
    let is_chosen = |name: &str| sets.is_empty() || sets.iter().any(|set| set == name);
    let folder = Path::new(folder);
    let whole = score_whole(folder, is_chosen)?;
    let shares = score_shares(folder, is_chosen, show)?;
    match whole && shares {
        true => Ok(()),
        false => bail!("a set did not reach what it must"),
    }
}

/// Scores every set in `folder` and prints the tables.
pub fn score(folder: &Path) -> Result<()> {
    corpora(&[folder.to_string_lossy().into_owned()])
}

/// Prints the shares of the sets that are decided; returns whether the bars are met.
fn score_shares(
    folder: &Path,
    is_chosen: impl Fn(&str) -> bool,
    show: Option<&str>,
) -> Result<bool> {
    let mut rates = Vec::new();
    let mut decider = Decider::new()?;
    for (name, set) in DECIDED.iter().filter(|(name, _)| is_chosen(name)) {
        let place = folder.join(name);
        let scored = set(&place, &mut decider);
        rates.extend(scored.with_context(|| format!("cannot score {name}"))?);
    }
    Ok(rate::print(&rates, show))
}

/// Prints how the sets of whole cases went; returns whether those that must pass did.
fn score_whole(folder: &Path, is_chosen: impl Fn(&str) -> bool) -> Result<bool> {
    let mut scores = Vec::new();
    for (name, set) in SETS.iter().filter(|(name, _)| is_chosen(name)) {
        let place = folder.join(name);
        scores.extend(set(&place).with_context(|| format!("cannot score {name}"))?);
    }
    if scores.is_empty() {
        return Ok(true);
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
    Ok(short.is_empty())
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
