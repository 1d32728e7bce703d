//! What the shell analyser costs: lines as agents write them, and hostile texts.

mod hostile;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aegis_gate::{FixedClock, Gate, Proposal, WaitFor};
use aegis_log::MemoryLog;
use aegis_shell::{hints, plan, touched};
use aegis_types::{DurationMs, Timestamp};
use anyhow::{Context, Result};
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

/// Measures each hostile text alone, and what is worst among them.
fn hostile_texts() -> Result<()> {
    let scratch = machine::scratch()?;
    let gate = gate(scratch.path())?;
    let mut worst = Worst::default();
    for (number, (name, text)) in hostile::texts().into_iter().enumerate() {
        reset_peak()?;
        let analysed = least(3, || analyse(&text));
        let proposal = proposal(&gate, number, &text)?;
        let decided = least(1, || {
            std::hint::black_box(gate.submit(&proposal, WaitFor::Nobody));
        });
        let peak = peak_mib()?;
        worst.note(&name, analysed, decided, peak);
    }
    worst.print();
    Ok(())
}

/// What was worst, and where.
#[derive(Default)]
struct Worst {
    rows: Vec<(String, Duration, Duration, f64)>,
}

impl Worst {
    fn note(&mut self, name: &str, analysed: Duration, decided: Duration, peak: f64) {
        self.rows.push((name.to_owned(), analysed, decided, peak));
    }

    fn print(mut self) {
        self.rows
            .sort_by_key(|(_, analysed, ..)| std::cmp::Reverse(*analysed));
        println!(
            "  {} hostile texts of 64 KiB; the slowest:",
            self.rows.len()
        );
        for (name, analysed, decided, peak) in self.rows.iter().take(8) {
            println!(
                "    {name:<40} analysed {:>10}   decided {:>10}   peak {peak:>6.1} MiB",
                shown(*analysed),
                shown(*decided)
            );
        }
        let of = |value: fn(&(String, Duration, Duration, f64)) -> f64| {
            self.rows.iter().map(value).fold(0.0, f64::max)
        };
        let analysed = of(|(_, analysed, ..)| analysed.as_secs_f64() * 1e3);
        let decided = of(|(_, _, decided, _)| decided.as_secs_f64() * 1e3);
        let peak = of(|(.., peak)| *peak);
        at_most(
            "hostile text, plan and touched, worst",
            analysed,
            HOSTILE_MS_MAX,
            "ms",
        );
        at_most(
            "hostile text, decided, worst",
            decided,
            DECIDED_MS_MAX,
            "ms",
        );
        at_most(
            "hostile text, peak of the whole process",
            peak,
            MEMORY_MIB_MAX,
            "MiB",
        );
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

/// Forgets the peak of this process's memory.
fn reset_peak() -> Result<()> {
    fs::write("/proc/self/clear_refs", "5").context("the peak of memory cannot be reset")
}

/// Returns the peak of this process's memory since it was reset.
fn peak_mib() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next())
        .context("the system does not tell the peak of memory")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}
