//! What the shell analyser costs: lines as agents write them, and hostile texts.

mod hostile;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aegis_gate::{FixedClock, Gate, Proposal, WaitFor};
use aegis_log::MemoryLog;
use aegis_shell::{hints, plan, touched};
use aegis_types::{DurationMs, Timestamp};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::figures::{Figures, at_most, shown};
use super::{machine, mix, stage};
use crate::cargo::workspace;

/// The command that is decided end to end.
const COMPOUND: &str = "cd src && cargo build --workspace 2>&1 | tail -20 && git add -A \
                        && git commit -m 'Mend the build'";

/// How many rules decide it.
const RULES: usize = 1_000;

/// How often the compound is decided, and in how many calls a log is replaced.
const ROUNDS: usize = 2_000;
const OF_LOG: usize = 100;

/// How often the lines are looked at.
const ROUNDS_OF_LINES: usize = 10;

/// Measures and prints.
pub fn measure() -> Result<()> {
    if let Ok(number) = std::env::var(ONE) {
        return hostile_text(number.parse()?);
    }
    lines()?;
    compound()?;
    hostile_texts()
}

/// Measures plan and what it touches of the ordinary lines of our own set.
fn lines() -> Result<()> {
    let file = workspace().join("fixtures/score/ordinary.jsonl");
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let mut lines = Vec::new();
    for row in text.lines() {
        let row: Value = serde_json::from_str(row)?;
        let command = row.get("command").and_then(Value::as_str);
        lines.extend(
            command
                .filter(|line| !line.contains('\n'))
                .map(str::to_owned),
        );
    }
    let mut times = Vec::new();
    for _ in 0..ROUNDS_OF_LINES {
        for line in &lines {
            let began = Instant::now();
            analyse(line);
            times.push(began.elapsed());
        }
    }
    let figures = Figures::of(&times);
    figures.print(&format!("plan and touched, {} ordinary lines", lines.len()));
    let median = micros(figures.median);
    at_most("plan and touched, one line, median", median, 40.0, "us");
    Ok(())
}

/// Does with a text what the gate does with every one.
fn analyse(text: &str) {
    let plan = plan(text);
    for command in &plan.commands {
        std::hint::black_box((touched(command), hints(command)));
    }
    std::hint::black_box(plan);
}

/// Measures a compound of five parts from the proposal to the record in memory.
fn compound() -> Result<()> {
    let scratch = machine::scratch()?;
    let mut times = Vec::new();
    let mut gate = gate(scratch.path())?;
    for number in 0..ROUNDS {
        if number % OF_LOG == 0 {
            gate = self::gate(scratch.path())?;
        }
        let proposal = proposal(&gate, number, COMPOUND)?;
        let began = Instant::now();
        let submitted = gate.submit(&proposal, WaitFor::Nobody);
        times.push(began.elapsed());
        std::hint::black_box(submitted);
    }
    let figures = Figures::of(&times);
    figures.print("five parts, 1,000 rules, to the record in memory");
    let median = micros(figures.median);
    at_most(
        "five parts, 1,000 rules, end to end, median",
        median,
        100.0,
        "us",
    );
    Ok(())
}

fn gate(root: &Path) -> Result<Gate> {
    let clock = Arc::new(FixedClock::new(Timestamp::from_unix_ms(1_790_000_000_000)));
    let gate = stage::gate(
        Arc::new(MemoryLog::new()),
        Arc::<FixedClock>::clone(&clock),
        &mix::policy_text(RULES),
        root,
    );
    clock.advance(DurationMs::from_secs(1));
    gate
}

fn proposal(gate: &Gate, number: usize, command: &str) -> Result<Proposal> {
    let directory = &gate.surroundings().directory;
    let mut proposal = mix::proposal("session", 0, directory)?;
    proposal.id = format!("toolu_{number:09}").parse()?;
    proposal.params = json!({ "command": command });
    Ok(proposal)
}

/// How long a hostile text may take, and what it may take of the memory.
const HOSTILE_MS_MAX: f64 = 50.0;
const DECIDED_MS_MAX: f64 = 1_000.0;
const MEMORY_MIB_MAX: f64 = 64.0;

/// Names the hostile text that this process is to measure, and nothing else.
const ONE: &str = "AEGIS_BENCH_HOSTILE";

/// Measures each hostile text in a process of its own, and what is worst among them.
fn hostile_texts() -> Result<()> {
    let program = std::env::current_exe()?;
    let mut worst = Worst::default();
    for (number, (name, _)) in hostile::texts().into_iter().enumerate() {
        let output = Command::new(&program)
            .args(["bench", "shell"])
            .env(ONE, number.to_string())
            .output()?;
        if !output.status.success() {
            bail!("{name}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let told = String::from_utf8_lossy(&output.stdout);
        let found: Hostile = serde_json::from_str(told.lines().last().unwrap_or_default())?;
        worst.rows.push((name, found));
    }
    worst.print();
    Ok(())
}

/// Measures one hostile text and prints what it found.
fn hostile_text(number: usize) -> Result<()> {
    let (_, text) = hostile::texts().into_iter().nth(number).context("a text")?;
    let scratch = machine::scratch()?;
    let gate = gate(scratch.path())?;
    let proposal = proposal(&gate, number, &text)?;
    // The first call fills what is made once for a process.
    std::hint::black_box(gate.submit(
        &self::proposal(&gate, number + 1_000, "ls")?,
        WaitFor::Nobody,
    ));
    let began = Instant::now();
    std::hint::black_box(gate.submit(&proposal, WaitFor::Nobody));
    let decided = began.elapsed();
    let found = Hostile {
        peak_mib: peak_mib()?,
        decided,
        analysed: least(3, || analyse(&text)),
    };
    println!("{}", serde_json::to_string(&found)?);
    Ok(())
}

/// What one hostile text took.
#[derive(Debug, Deserialize, Serialize)]
struct Hostile {
    /// Its plan and what that touches, the least of a few times.
    analysed: Duration,
    /// The whole decision.
    decided: Duration,
    /// The most memory of a process that decides it.
    peak_mib: f64,
}

/// What was worst, and where.
#[derive(Default)]
struct Worst {
    rows: Vec<(String, Hostile)>,
}

impl Worst {
    fn print(mut self) {
        self.rows
            .sort_by_key(|(_, found)| std::cmp::Reverse(found.analysed));
        println!(
            "  {} hostile texts of 64 KiB; the slowest:",
            self.rows.len()
        );
        for (name, found) in self.rows.iter().take(8) {
            println!(
                "    {name:<40} analysed {:>10}   decided {:>10}   peak {:>6.1} MiB",
                shown(found.analysed),
                shown(found.decided),
                found.peak_mib
            );
        }
        let of = |value: fn(&Hostile) -> f64| {
            self.rows
                .iter()
                .map(|(_, found)| value(found))
                .fold(0.0, f64::max)
        };
        let analysed = of(|found| found.analysed.as_secs_f64() * 1e3);
        let decided = of(|found| found.decided.as_secs_f64() * 1e3);
        let peak = of(|found| found.peak_mib);
        let what = "hostile text, plan and touched, worst";
        at_most(what, analysed, HOSTILE_MS_MAX, "ms");
        let what = "hostile text, decided, worst";
        at_most(what, decided, DECIDED_MS_MAX, "ms");
        let what = "hostile text, peak of a process that decides it";
        at_most(what, peak, MEMORY_MIB_MAX, "MiB");
    }
}

/// Returns the shortest of so many runs: what the machine does besides is not the text's.
fn least(rounds: usize, mut work: impl FnMut()) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..rounds {
        let began = Instant::now();
        work();
        least = least.min(began.elapsed());
    }
    least
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Returns the peak of this process's memory so far.
fn peak_mib() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next())
        .context("the system does not tell the peak of memory")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}
