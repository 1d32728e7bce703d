//! What fuzzing begins with: the texts of the fixtures and of the table of programs.

use std::fs;
use std::path::Path;

use aegis_canon::Digest;
use anyhow::{Context, Result};
use serde_json::Value;

use super::corpus::files;
use crate::cargo::workspace;

/// The folders of the fixtures that hold texts.
const FIXTURES: [&str; 3] = [
    "fixtures/shell",
    "fixtures/score",
    "fixtures/score/dangerous",
];

/// The pieces from which the property tests make texts.
const PIECES: &str = "fixtures/shell/pieces.jsonl";

/// The programs of `law::code`, and the names of the same language elsewhere.
const LANGUAGES: [(&str, &str); 7] = [
    ("python3", "python3"),
    ("python", "python3"),
    ("node", "node"),
    ("perl", "perl"),
    ("ruby", "ruby"),
    ("php", "php"),
    ("bash", "bash"),
];

/// Writes the seeds of a target, one in a file.
pub(super) fn write(target: &str, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let texts = texts()?;
    let seeds: Vec<String> = match target {
        "table" => texts.into_iter().chain(examples()?).collect(),
        "code" => texts.iter().flat_map(|text| code(text)).collect(),
        _ => texts,
    };
    for seed in &seeds {
        fs::write(folder.join(name(seed)), seed)?;
    }
    Ok(())
}

/// Writes the pieces in the form in which the fuzzer reads them.
pub(super) fn write_dictionary(file: &Path) -> Result<()> {
    let pieces = fs::read_to_string(workspace().join(PIECES))?;
    let mut dictionary = String::new();
    for line in pieces.lines() {
        let piece: String = serde_json::from_str(line)?;
        let bytes: String = piece.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
        dictionary.push_str(&format!("\"{bytes}\"\n"));
    }
    fs::write(file, dictionary).with_context(|| format!("cannot write `{}`", file.display()))
}

/// Returns the name of the file in which an input is kept.
pub(super) fn name(input: &str) -> String {
    Digest::of(input.as_bytes())
        .to_string()
        .chars()
        .take(32)
        .collect()
}

/// Returns every text of the fixtures.
fn texts() -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for folder in FIXTURES {
        for file in files(&workspace().join(folder))? {
            if file.extension().is_none_or(|ending| ending != "jsonl") {
                continue;
            }
            for line in fs::read_to_string(file)?.lines() {
                let value: Value = serde_json::from_str(line)?;
                let keys = ["text", "command", "template"];
                let text = keys.iter().find_map(|key| value.get(key));
                texts.extend(text.unwrap_or(&value).as_str().map(str::to_owned));
            }
        }
    }
    Ok(texts)
}

/// Returns the command lines that are examples in the table of programs.
fn examples() -> Result<Vec<String>> {
    let mut examples = Vec::new();
    for file in files(&workspace().join("crates/shell/programs"))? {
        let text = fs::read_to_string(file)?;
        let lines = text.lines().filter_map(|line| line.split_once("- run: "));
        examples.extend(lines.map(|(_, run)| run.trim_matches(['"', '\'']).to_owned()));
    }
    Ok(examples)
}

/// Returns the code that a text gives to programs as an argument.
fn code(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for command in aegis_shell::plan(text).commands {
        let program = aegis_shell::program_name(&command).unwrap_or_default();
        let language = LANGUAGES.iter().find(|(name, _)| *name == program);
        let words = command.arguments.iter();
        let mut after = words.skip_while(|word| {
            let text = word.literal().unwrap_or_default();
            !matches!(text.as_str(), "-c" | "-e" | "-r")
        });
        let code = after.nth(1).and_then(aegis_types::Word::literal);
        if let (Some((_, language)), Some(code)) = (language, code) {
            found.push(format!("{language}\n{code}"));
        }
    }
    // What a shell is given is followed, and no command of the plan.
    found.push(format!("bash\n{text}"));
    found
}
