//! RFC 8785: the bytes must be equal.

use std::fs;
use std::path::Path;

use aegis_canon::{Digest, canonical, parse};
use anyhow::{Context, Result};
use serde_json::{Number, Value};

use super::{Bar, Score, member, rows};

/// Scores documents, files and numbers.
pub fn scores(folder: &Path) -> Result<Vec<Score>> {
    Ok(vec![documents(folder)?, files(folder)?, numbers(folder)?])
}

fn documents(folder: &Path) -> Result<Score> {
    let rows = rows(&folder.join("documents.jsonl"))?;
    let mut failures = Vec::new();
    for row in &rows {
        let expected = member(row, "expected")?;
        let digest = member(row, "expected_sha256")?;
        let found = written(member(row, "input")?.as_bytes());
        let is_right = found.as_deref() == Ok(expected.as_bytes())
            && Digest::of(expected.as_bytes())
                .to_string()
                .ends_with(digest);
        if !is_right {
            failures.push(member(row, "id")?.to_owned());
        }
    }
    Ok(score("01-jcs documents", rows.len(), failures))
}

fn files(folder: &Path) -> Result<Score> {
    let mut failures = Vec::new();
    let mut cases = 0;
    for entry in fs::read_dir(folder.join("files/input"))? {
        let input = entry?;
        let expected = fs::read(folder.join("files/expected").join(input.file_name()))?;
        cases += 1;
        if written(&fs::read(input.path())?) != Ok(expected) {
            failures.push(input.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(score("01-jcs files", cases, failures))
}

fn numbers(folder: &Path) -> Result<Score> {
    let text = fs::read_to_string(folder.join("es6-numbers-10000.csv"))?;
    let mut failures = Vec::new();
    let mut cases = 0;
    for line in text.lines() {
        let (bits, expected) = line.split_once(',').context("a line has no comma")?;
        let number = f64::from_bits(u64::from_str_radix(bits, 16)?);
        let value = Number::from_f64(number).map_or(Value::Null, Value::Number);
        cases += 1;
        if canonical(&value) != expected.as_bytes() {
            failures.push(line.to_owned());
        }
    }
    Ok(score("01-jcs numbers", cases, failures))
}

fn written(text: &[u8]) -> Result<Vec<u8>, String> {
    let value = parse(text).map_err(|error| error.to_string())?;
    Ok(canonical(&value))
}

fn score(set: &'static str, cases: usize, failures: Vec<String>) -> Score {
    Score {
        set,
        measure: "canonical bytes equal",
        cases,
        failures,
        bar: Bar::All,
    }
}
