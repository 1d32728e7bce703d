//! Secrets must be gone, and what only looks like one must stay.

use std::path::Path;

use aegis_canon::Key;
use aegis_redact::Redactor;
use anyhow::{Context, Result};
use serde_json::Value;

use super::{Bar, Score, bytes, member, rows};

/// Scores the secrets, and apart from them what is no secret.
pub fn scores(folder: &Path) -> Result<Vec<Score>> {
    let rows = rows(&folder.join("secrets.jsonl"))?;
    let key = Key::new(&[7; 32]).context("a key of 32 bytes is refused")?;
    let redactor = Redactor::new(key);
    let mut secrets = Score {
        set: "07-secrets secret",
        measure: "gone from the text",
        cases: 0,
        failures: Vec::new(),
        bar: Bar::Reported,
    };
    let mut others = Score {
        set: "07-secrets not-secret",
        measure: "text unchanged",
        ..secrets.clone()
    };
    for row in &rows {
        let text = String::from_utf8(bytes(member(row, "text_b64")?)?)?;
        let redacted = redactor.redact_text(&text).value;
        let (score, is_right) = match member(row, "kind")? {
            "secret" => (&mut secrets, is_gone(row, &text, &redacted)?),
            _ => (&mut others, redacted == text),
        };
        score.cases += 1;
        if !is_right {
            score.failures.push(member(row, "id")?.to_owned());
        }
    }
    Ok(vec![secrets, others])
}

/// Reports whether the secret of a row is gone.
///
/// A row that does not say which part is the secret has to change.
fn is_gone(row: &Value, text: &str, redacted: &str) -> Result<bool> {
    if row.get("secret_b64").is_none() {
        return Ok(redacted != text);
    }
    let secret = String::from_utf8(bytes(member(row, "secret_b64")?)?)?;
    Ok(!redacted.contains(&secret))
}
