//! The laws hold for every input that fuzzing kept, and for every text of the fixtures.
//!
//! `cargo xtask fuzz` finds inputs and keeps them, one in a file.

#![allow(clippy::expect_used)]

mod law;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use law::TARGETS;
use serde_json::Value;

/// How many inputs of each target are kept at least; with less, there is nothing to replay.
const KEPT_MIN: usize = 20;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the entry can be read").path())
        .collect();
    files.sort();
    files
}

/// Returns the inputs for which `laws` do not hold.
fn broken<'t>(inputs: impl Iterator<Item = &'t str>, laws: fn(&str)) -> Vec<&'t str> {
    inputs
        .filter(|input| catch_unwind(|| laws(input)).is_err())
        .collect()
}

#[test]
fn the_laws_hold_for_every_kept_input() {
    for (target, laws) in TARGETS {
        let inputs: Vec<String> = files(&root().join("fuzz/corpus").join(target))
            .iter()
            .map(|file| fs::read_to_string(file).expect("a kept input is text"))
            .collect();
        assert!(inputs.len() >= KEPT_MIN, "{target}: {}", inputs.len());
        let broken = broken(inputs.iter().map(String::as_str), laws);
        assert!(broken.is_empty(), "{target}: {broken:#?}");
    }
}

#[test]
fn the_laws_hold_for_every_text_of_the_fixtures() {
    let mut texts = Vec::new();
    for folder in [
        "fixtures/shell",
        "fixtures/score",
        "fixtures/score/dangerous",
    ] {
        for file in files(&root().join(folder)) {
            if file.extension().is_some_and(|ending| ending == "jsonl") {
                let lines = fs::read_to_string(file).expect("fixtures are text");
                texts.extend(lines.lines().filter_map(text));
            }
        }
    }
    assert!(texts.len() > 3_000, "{} texts", texts.len());
    for (target, laws) in TARGETS {
        let broken = broken(texts.iter().map(String::as_str), laws);
        assert!(broken.is_empty(), "{target}: {broken:#?}");
    }
}

/// Returns the text of a line, whatever the kind of its fixture.
fn text(line: &str) -> Option<String> {
    let value: Value = serde_json::from_str(line).expect("a line is JSON");
    let text = ["text", "command", "template"]
        .iter()
        .find_map(|key| value.get(key));
    text.unwrap_or(&value).as_str().map(str::to_owned)
}
