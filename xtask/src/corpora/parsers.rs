//! Hostile documents: what is not JSON, YAML or TOML is refused with a message.

use std::path::Path;

use anyhow::Result;

use super::{Bar, Score, bytes, member, rows};

/// Scores the rows that a parser must refuse; every other row must only answer.
pub fn scores(folder: &Path) -> Result<Vec<Score>> {
    let rows = rows(&folder.join("json-test-suite.jsonl"))?;
    let mut failures = Vec::new();
    for row in &rows {
        let is_read = aegis_canon::parse(&bytes(member(row, "b64")?)?).is_ok();
        if is_read && member(row, "expect")? == "reject" {
            failures.push(member(row, "name")?.to_owned());
        }
    }
    Ok(vec![Score {
        set: "08-parsers JSON as a value",
        measure: "every row answers, every reject row is refused",
        cases: rows.len(),
        failures,
        bar: Bar::All,
    }])
}
