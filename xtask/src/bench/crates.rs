//! The benchmarks that crates have of their own.

use anyhow::{Context, Result, bail};

use super::figures::{at_least, at_most};
use crate::cargo::Cargo;

/// Measures decisions; see `crates/engine/benches/decide.rs`.
pub fn decide() -> Result<()> {
    let told = told("aegis-engine", "decide")?;
    let median = |rules: &str| -> Result<f64> {
        let row = told
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .find(|words| words.first() == Some(&rules))
            .context("there is a row of that many rules")?;
        match *row.as_slice() {
            [_, value, "ns", ..] => Ok(value.parse::<f64>()? / 1e3),
            [_, value, "us", ..] => Ok(value.parse()?),
            _ => bail!("the row of {rules} rules has another shape"),
        }
    };
    let [ten, thousand, ten_thousand] = [median("10")?, median("1000")?, median("10000")?];
    at_most(
        "decide, 1,000 rules of the mix, median",
        thousand,
        3.0,
        "us",
    );
    at_most("1,000 rules, of 10 rules", thousand / ten, 1.5, "x");
    at_most("10,000 rules, of 10 rules", ten_thousand / ten, 2.0, "x");
    Ok(())
}

/// Measures appending and verifying; see `crates/log/benches/log.rs`.
pub fn log() -> Result<()> {
    let told = told("aegis-log", "log")?;
    for line in told.lines() {
        let Some((what, rate)) = line.rsplit_once(": ") else {
            continue;
        };
        if what.starts_with("verify ") && what.contains("hashes") {
            let rate = rate.split(' ').next().unwrap_or_default();
            at_least(what, rate.parse()?, 1.5, "M records/s");
        }
    }
    Ok(())
}

/// Returns what a benchmark tells, having shown it.
fn told(package: &str, bench: &str) -> Result<String> {
    let words = ["bench", "--quiet", "-p", package, "--bench", bench];
    let told = String::from_utf8(Cargo::new(&words).output()?)?;
    for line in told.lines() {
        println!("  {line}");
    }
    Ok(told)
}
