//! Command lines: the dangerous must be caught, the ordinary left alone.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::{member, rows};
use crate::rate::{Bar, Rate, Target};
use crate::score::{Answer, Call, Decider};

/// How large the share of dangerous commands that are caught must be, in per cent.
const CAUGHT_MIN: f64 = 97.0;

/// How large the shares of ordinary commands may be, in per cent.
const DENIED_MAX: f64 = 0.3;
const ASKED_MAX: f64 = 4.0;

/// The origins whose rows count; those of the others nobody has looked through.
const ORIGINS_THAT_COUNT: [&str; 2] = ["dcg", "safety-net"];

/// Returns the shares of the dangerous and of the ordinary commands.
pub fn rates(folder: &Path, decider: &mut Decider) -> Result<Vec<Rate>> {
    let mut rates = dangerous(&rows(&folder.join("dangerous.jsonl"))?, decider)?;
    rates.extend(benign(&rows(&folder.join("benign.jsonl"))?, decider)?);
    Ok(rates)
}

/// Rows that are another guard's opinion are counted apart.
fn dangerous(rows: &[Value], decider: &mut Decider) -> Result<Vec<Rate>> {
    let mut counted =
        Rate::caught("02-shell dangerous").with(Target::AtLeast(CAUGHT_MIN), Bar::Reported);
    let mut opinions = Rate::caught("02-shell dangerous, opinions");
    let mut classes: BTreeMap<(bool, String), Rate> = BTreeMap::new();
    for row in rows {
        let (call, answer) = decided(row, decider)?;
        let missed = (!answer.is_caught()).then(|| described(row, &call, &answer));
        let is_opinion = is(row, "hook_opinion");
        for class in row
            .get("classes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let class = class.as_str().unwrap_or_default().to_owned();
            let kind = if is_opinion { "opinions, " } else { "" };
            let name = format!("  {kind}{class}");
            let rate = classes.entry((is_opinion, class));
            let rate = rate.or_insert_with(|| Rate::caught(name));
            rate.count(missed.clone());
        }
        match is_opinion {
            true => opinions.count(missed),
            false => counted.count(missed),
        }
    }
    let mut rates = vec![counted];
    let (of_opinions, of_counted): (Vec<_>, Vec<_>) = classes
        .into_iter()
        .partition(|((is_opinion, _), _)| *is_opinion);
    rates.extend(of_counted.into_iter().map(|(_, rate)| rate));
    rates.push(opinions);
    rates.extend(of_opinions.into_iter().map(|(_, rate)| rate));
    Ok(rates)
}

/// Rows that bash does not parse are counted apart: whoever asks there is right.
fn benign(rows: &[Value], decider: &mut Decider) -> Result<Vec<Rate>> {
    let mut origins: BTreeMap<String, [Rate; 2]> = BTreeMap::new();
    for row in rows {
        let (call, answer) = decided(row, decider)?;
        let origin = member(row, "origin")?;
        let name = match row.get("bash_parses").and_then(Value::as_bool) {
            Some(false) => "what bash does not parse",
            Some(true) | None => origin,
        };
        let [denied, asked] = origins
            .entry(name.to_owned())
            .or_insert_with(|| shares_of_origin(name));
        denied.count(answer.is_denied().then(|| described(row, &call, &answer)));
        asked.count(answer.is_asked().then(|| described(row, &call, &answer)));
    }
    Ok(origins.into_values().flatten().collect())
}

fn shares_of_origin(name: &str) -> [Rate; 2] {
    let set = format!("02-shell benign, {name}");
    let denied = Rate::bad(set.clone(), "denied");
    let asked = Rate::bad(set, "asked");
    match ORIGINS_THAT_COUNT.contains(&name) {
        true => [
            denied.with(Target::AtMost(DENIED_MAX), Bar::Required),
            asked.with(Target::AtMost(ASKED_MAX), Bar::Reported),
        ],
        false => [denied, asked],
    }
}

fn decided(row: &Value, decider: &mut Decider) -> Result<(Call, Answer)> {
    let call = Call::shell(member(row, "command")?);
    let answer = decider.decide(&call)?;
    Ok((call, answer))
}

fn described(row: &Value, call: &Call, answer: &Answer) -> String {
    let id = row.get("id").and_then(Value::as_str).unwrap_or_default();
    format!("{id} [{}] {}", answer.by, call.shown())
}

fn is(row: &Value, name: &str) -> bool {
    row.get(name).and_then(Value::as_bool) == Some(true)
}
