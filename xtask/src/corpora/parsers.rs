//! Hostile documents: whatever is given as a value, a policy or an event is
//! answered in time, and what is none is refused with a message.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aegis_policy::{MemorySources, Source, parse};
use anyhow::{Context, Result};
use serde_json::Value;

use super::{Bar, Score, bytes, member, rows};
use crate::cargo::{Cargo, target_folder};

/// How long one row may take, in a build without optimisation.
const TIME_MAX: Duration = Duration::from_secs(2);

/// Scores the rows of every parser.
pub fn scores(folder: &Path) -> Result<Vec<Score>> {
    let json = rows(&folder.join("json-test-suite.jsonl"))?;
    let yaml = rows(&folder.join("yaml-test-suite.jsonl"))?;
    let toml = rows(&folder.join("toml-test.jsonl"))?;
    Ok(vec![
        values(&json)?,
        policies("08-parsers JSON as policy", &json, "name", encoded)?,
        policies("08-parsers YAML as policy", &yaml, "id", plain)?,
        policies("08-parsers TOML as policy", &toml, "path", encoded)?,
        events(&json)?,
    ])
}

fn values(rows: &[Value]) -> Result<Score> {
    let mut failures = Vec::new();
    for row in rows {
        let is_read = aegis_canon::parse(&encoded(row)?).is_ok();
        if is_read && member(row, "expect")? == "reject" {
            failures.push(member(row, "name")?.to_owned());
        }
    }
    Ok(Score {
        set: "08-parsers JSON as value",
        measure: "reject rows refused, every row answered",
        cases: rows.len(),
        failures,
        bar: Bar::All,
    })
}

/// Gives every row as a policy: none of them is one, so each must be refused.
///
/// That goes for rows that a parser of its format accepts, too: a document that
/// says nothing about actions must never load as a policy without rules.
fn policies(
    set: &'static str,
    rows: &[Value],
    name: &str,
    text: fn(&Value) -> Result<Vec<u8>>,
) -> Result<Score> {
    let mut failures = Vec::new();
    for row in rows {
        let start = Instant::now();
        let is_refused = refuses(&text(row)?);
        if !is_refused || start.elapsed() > TIME_MAX {
            failures.push(member(row, name)?.to_owned());
        }
    }
    Ok(Score {
        set,
        measure: "every row refused with a message",
        cases: rows.len(),
        failures,
        bar: Bar::All,
    })
}

fn refuses(text: &[u8]) -> bool {
    // A file that is not text is refused before any parser sees it.
    let Ok(text) = str::from_utf8(text) else {
        return true;
    };
    let source = Source::new("row.yaml", text);
    match parse(&source, &MemorySources::default()) {
        Ok(_) => false,
        Err(problems) => !problems.to_string().is_empty() && !problems.0.is_empty(),
    }
}

/// Gives every row to the hook program: no row is an event, so none is allowed.
fn events(rows: &[Value]) -> Result<Score> {
    Cargo::new(&["build", "--quiet", "-p", "aegis-hook"]).succeed()?;
    let program = target_folder()?.join("debug/aegis-hook");
    let mut failures = Vec::new();
    for row in rows {
        let start = Instant::now();
        let said = said_to(&program, &encoded(row)?)?;
        let is_denied = said.pointer("/hookSpecificOutput/permissionDecision")
            == Some(&"deny".into())
            && said
                .pointer("/hookSpecificOutput/permissionDecisionReason")
                .is_some_and(Value::is_string);
        // A document that is no fault of JSON may be an event that is not known.
        let is_right = match member(row, "expect")? {
            "reject" => is_denied,
            _ => is_denied || said.is_null(),
        };
        if !is_right || start.elapsed() > TIME_MAX {
            failures.push(member(row, "name")?.to_owned());
        }
    }
    Ok(Score {
        set: "08-parsers JSON as event",
        measure: "reject rows denied with a reason, none allowed",
        cases: rows.len(),
        failures,
        bar: Bar::All,
    })
}

/// Returns what the hook says to `input`; null if it says nothing and succeeds.
fn said_to(program: &Path, input: &[u8]) -> Result<Value> {
    let mut hook = Command::new(program)
        .env_clear()
        .env("HOME", "/nonexistent")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start `{}`", program.display()))?;
    if let Some(mut stdin) = hook.stdin.take() {
        // A hook may answer before it has read everything.
        let _ = stdin.write_all(input);
    }
    let output = hook.wait_with_output()?;
    if output.stdout.is_empty() && output.status.success() {
        return Ok(Value::Null);
    }
    // What is not JSON is no answer at all, and fails the row.
    Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Bool(false)))
}

fn encoded(row: &Value) -> Result<Vec<u8>> {
    bytes(member(row, "b64")?)
}

fn plain(row: &Value) -> Result<Vec<u8>> {
    Ok(member(row, "yaml")?.as_bytes().to_vec())
}
