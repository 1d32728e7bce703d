//! Where the service spends the time of a decision.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::machine;
use super::served::Process;
use super::server::{ask, proposal};
use crate::cargo::{Cargo, target_folder};
use crate::setup;

/// By how many clients the service is asked.
const CONNECTIONS: usize = 64;

/// What the functions of a part are called; the first part that one of the
/// innermost calls belongs to has the sample.
const PARTS: [(&str, &[&str]); 8] = [
    ("the log, with SQLite", &["sqlite3", "aegis_log"]),
    ("redaction", &["aegis_redact"]),
    ("canonical form and digests", &["aegis_canon", "sha2"]),
    ("what a command line would do", &["aegis_shell"]),
    ("facts", &["aegis_gate"]),
    ("rules", &["aegis_policy", "aegis_engine"]),
    ("routes", &["aegis_server", "aegis_api"]),
    ("HTTP and threads", &["hyper", "axum", "tokio", "tower"]),
];

/// How the system marks what it does itself.
const KERNEL: &str = "([kernel";

/// Measures and prints.
pub fn measure() -> Result<()> {
    setup::ensure(setup::PROFILE)?;
    let folder = target_folder()?.join("profiled");
    // Functions of one crate that are moved into another would be counted there.
    Cargo::new(&["build", "--quiet", "--release", "-p", "aegis-cli"])
        .variable("CARGO_TARGET_DIR", &folder)
        .variable("CARGO_PROFILE_RELEASE_LTO", "off")
        .variable("CARGO_PROFILE_RELEASE_STRIP", "none")
        .variable("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
        .succeed()?;
    let scratch = machine::scratch()?;
    let program = folder.join("release/aegis");
    let served = Process::service_of(&program, scratch.path(), 0)?;
    let samples = scratch.path().join("samples");
    let mut perf = Command::new("perf")
        .args(["record", "--quiet", "-e", "cpu-clock", "-F", "1000"])
        .args(["--call-graph", "dwarf,8192", "-p", &served.id().to_string()])
        .arg("-o")
        .arg(&samples)
        // For as long as the service is asked.
        .args(["--", "sleep", "2"])
        .spawn()?;
    let turn = ask(&served, "/v1/decisions", CONNECTIONS, &proposal)?;
    if !perf.wait()?.success() {
        bail!("`perf record` failed; what it said stands above");
    }
    turn.print("a decision with its record, 64, while watched");
    print(&counted(&samples)?)
}

/// How many samples fell to a part, in the program and in the system.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Count {
    program: usize,
    system: usize,
}

fn counted(samples: &Path) -> Result<BTreeMap<&'static str, Count>> {
    let mut perf = Command::new("perf")
        .args(["script", "--no-inline", "-F", "ip,sym,dso", "-i"])
        .arg(samples)
        .stdout(Stdio::piped())
        .spawn()?;
    let told = BufReader::new(perf.stdout.take().context("its output")?);
    let counts = counted_in(told)?;
    if !perf.wait()?.success() {
        bail!("`perf script` cannot read what it recorded");
    }
    Ok(counts)
}

/// Counts samples, each of them a call in a line, innermost first, and an empty line.
fn counted_in(told: impl BufRead) -> Result<BTreeMap<&'static str, Count>> {
    let mut counts = BTreeMap::<_, Count>::new();
    let mut calls = Vec::new();
    // The last sample may end with the text.
    for line in told.lines().chain([Ok(String::new())]) {
        let line = line?;
        if !line.trim().is_empty() {
            calls.push(line);
            continue;
        }
        let Some(innermost) = calls.first() else {
            continue;
        };
        let count = counts.entry(part_of(&calls)).or_default();
        if innermost.contains(KERNEL) {
            count.system += 1;
        } else {
            count.program += 1;
        }
        calls.clear();
    }
    Ok(counts)
}

/// Returns the part that a sample belongs to by its calls, innermost first.
fn part_of(calls: &[String]) -> &'static str {
    let parts = calls.iter().filter_map(|call| {
        let is_of = |(_, names): &&(&str, &[&str])| names.iter().any(|name| call.contains(name));
        PARTS.iter().find(is_of).map(|(part, _)| *part)
    });
    parts.into_iter().next().unwrap_or("else")
}

fn print(counts: &BTreeMap<&'static str, Count>) -> Result<()> {
    let all: usize = counts.values().map(|it| it.program + it.system).sum();
    if all == 0 {
        bail!("`perf` saw nothing; it needs the right to watch processes");
    }
    let share = |count: usize| format!("{:.1} %", count as f64 / all as f64 * 100.0);
    let mut rows: Vec<_> = counts.iter().collect();
    rows.sort_by_key(|(_, it)| std::cmp::Reverse(it.program + it.system));
    println!("  {:<46} {:>10} {:>10}", "", "program", "system");
    for (part, it) in rows {
        println!(
            "  {part:<46} {:>10} {:>10}",
            share(it.program),
            share(it.system)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_counts_where_it_was_taken() {
        let told = "a aegis_log::append (aegis)\n\nsys_write ([kernel])\naegis_log::append\n";
        let counts = counted_in(told.as_bytes()).unwrap();
        let one = Count {
            program: 1,
            system: 1,
        };
        assert_eq!(counts, BTreeMap::from([("the log, with SQLite", one)]));
    }

    #[test]
    fn a_sample_belongs_to_the_innermost_call_that_is_of_a_part() {
        let calls = |names: &[&str]| names.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        for (names, part) in [
            (
                &["memcpy", "aegis_canon::write", "aegis_log::append"][..],
                "canonical form and digests",
            ),
            (
                &["sys_read ([kernel])", "sqlite3_step", "tokio::run"],
                "the log, with SQLite",
            ),
            (&["clone3"], "else"),
        ] {
            assert_eq!(part_of(&calls(names)), part);
        }
    }
}
