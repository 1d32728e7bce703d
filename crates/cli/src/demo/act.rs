//! Carrying out what was allowed, in the temporary folder.

use std::fs;
use std::process::{Command, Stdio};

use aegis_gate::Submitted;
use aegis_types::Outcome;
use serde_json::{Value, json};

use super::outcome_of;
use crate::demo::stage::Stage;
use crate::page::{Piece, Tone, piece};
use crate::report::Failure;

/// How many lines of an output are shown.
const LINES_SHOWN: usize = 3;

/// Carries out the request if it may happen, and returns what came of it.
pub(super) fn act(
    stage: &Stage,
    submitted: &Submitted,
) -> Result<Option<(Outcome, Value)>, Failure> {
    if !submitted.is_allowed() {
        return Ok(None);
    }
    let params = &submitted.request.params;
    let text = |key: &str| params.get(key).and_then(Value::as_str).unwrap_or_default();
    let (is_success, output) = match &*submitted.request.tool {
        "Read" => told(fs::read_to_string(text("file_path"))),
        "Write" => {
            told(fs::write(text("file_path"), text("content")).map(|()| "written".to_owned()))
        }
        "Bash" => shell(stage, text("command"))?,
        other => {
            return Err(Failure::environment(format!(
                "the demonstration has no tool `{other}`"
            )));
        }
    };
    Ok(Some((outcome_of(is_success), json!({"output": output}))))
}

fn told(done: std::io::Result<String>) -> (bool, String) {
    match done {
        Ok(text) => (true, text),
        Err(error) => (false, error.to_string()),
    }
}

fn shell(stage: &Stage, line: &str) -> Result<(bool, String), Failure> {
    let output = Command::new("/bin/sh")
        .args(["-c", line])
        .current_dir(stage.project())
        .env_clear()
        .env("HOME", stage.home())
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::environment(format!("cannot start a shell: {error}")))?;
    Ok((
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    ))
}

/// Returns the lines that show an outcome.
pub(super) fn lines(outcome: Outcome, content: &Value) -> Vec<Vec<Piece>> {
    let output = content
        .get("output")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let all = output.lines().count();
    let mut lines: Vec<Vec<Piece>> = output
        .lines()
        .take(LINES_SHOWN)
        .map(|line| vec![piece(Tone::Quiet, "       │ "), piece(Tone::Quiet, line)])
        .collect();
    if all > LINES_SHOWN {
        lines.push(vec![piece(
            Tone::Quiet,
            format!("       │ … {} more lines", all - LINES_SHOWN),
        )]);
    }
    if outcome == Outcome::Failed {
        lines.push(vec![piece(Tone::Careful, "       │ it failed")]);
    }
    lines
}
