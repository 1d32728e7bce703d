//! Deciding and recording: the whole way from a proposal to a durable decision.
//!
//! Beside it, in the same run and on the same disk: what a sync costs, how
//! often plain SQLite commits one row, and how many actions the peer records.
//! The rounds take turns, so that whatever else the machine does falls on all
//! of them alike.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aegis_gate::{Gate, SystemClock, WaitFor};
use aegis_log::{Durability, Log, MemoryLog, Options, SqliteLog};
use aegis_types::EventKind;
use anyhow::{Result, bail};
use serde_json::json;

use super::figures::{Figures, at_least, median};
use super::peer::Peer;
use super::{machine, mix, stage};

/// How often everything takes its turn.
const ROUNDS: usize = 5;

/// How long each turn takes.
const SPAN: Duration = Duration::from_millis(1_200);

/// How many rules decide.
const RULES: usize = 101;

/// How many actions an agent's message holds; its host tells when they ended.
const BATCH: usize = 4;

/// After how many pages the WAL is folded back, as plain SQLite does.
const WAL_PAGES: u32 = 1_000;

const PRODUCERS: [usize; 3] = [1, 8, 64];

/// Measures and prints.
pub fn measure() -> Result<()> {
    let scratch = machine::scratch()?;
    let peer = Peer::measure(scratch.path())?;
    let bytes = record_bytes(scratch.path())?;
    println!("  an action is {bytes} bytes of records; {RULES} rules; medians of {ROUNDS} rounds");
    let in_memory = in_memory(scratch.path())?;
    in_memory.print("decide and record in memory, 1 producer");
    for durability in [Durability::Full, Durability::Normal] {
        measure_level(durability, scratch.path(), bytes, &peer)?;
    }
    Ok(())
}

/// The rates of one turn, in actions or commits a second.
#[derive(Default)]
struct Rates {
    raw: Vec<f64>,
    of_raw: Vec<f64>,
    ours: [Vec<f64>; PRODUCERS.len()],
}

fn measure_level(durability: Durability, folder: &Path, bytes: usize, peer: &Peer) -> Result<()> {
    let level = match durability {
        Durability::Full => "full",
        Durability::Normal => "normal",
    };
    let root = tempfile::tempdir_in(folder)?;
    let raw = raw_database(&root.path().join("raw.db"), durability)?;
    let log = Arc::new(SqliteLog::open(
        root.path().join("log.db"),
        Options {
            durability,
            wal_pages: WAL_PAGES,
            patience: Duration::from_secs(20),
            ..Options::default()
        },
    )?);
    let gate = stage::gate(
        Arc::<SqliteLog>::clone(&log),
        Arc::new(SystemClock),
        &mix::policy_text(RULES),
        root.path(),
    )?;
    let mut rates = Rates::default();
    let mut syncs = Vec::new();
    let mut waits = Vec::new();
    for round in 0..ROUNDS {
        if durability == Durability::Full {
            syncs.extend(machine::sync_times(root.path(), SPAN / 4)?);
        }
        let raw_rate = raw_rate(&raw, bytes)?;
        rates.raw.push(raw_rate);
        for (turn, (producers, ours)) in PRODUCERS.iter().zip(&mut rates.ours).enumerate() {
            let name = format!("{level}-{round}-{turn}");
            let run = produce(&gate, &log, *producers, &name)?;
            ours.push(run.rate);
            if *producers == 1 {
                rates.of_raw.push(run.rate / raw_rate);
                waits.extend(run.times);
            }
        }
    }
    if durability == Durability::Full {
        Figures::of(&syncs).print("sync of 4 KiB, appended (fdatasync)");
    }
    Figures::of(&waits).print(&format!("decide and record, {level}, 1 producer"));
    print_rates(level, &rates, peer)
}

fn print_rates(level: &str, rates: &Rates, peer: &Peer) -> Result<()> {
    let raw = median(&rates.raw);
    let peer = peer.figure("record_per_s")?;
    println!(
        "  {:<46} {:>10} {:>9} {:>9}",
        "", "actions/s", "x raw", "x peer"
    );
    let line = |name: &str, rate: f64| {
        println!(
            "  {name:<46} {rate:>10.0} {:>9.2} {:>9.1}",
            rate / raw,
            rate / peer
        );
    };
    line("agent-aegis 1.0.0, decide and record", peer);
    line(&format!("plain SQLite, one row a commit, {level}"), raw);
    let ours: Vec<f64> = rates.ours.iter().map(|rates| median(rates)).collect();
    for (producers, rate) in PRODUCERS.iter().zip(&ours) {
        line(
            &format!("decide and record, {level}, {producers} producers"),
            *rate,
        );
    }
    if level == "full" {
        let last = ours.last().copied().unwrap_or_default();
        at_least(
            "level full, 64 producers, of agent-aegis",
            last / peer,
            20.0,
            "x",
        );
        let share = median(&rates.of_raw);
        at_least("level full, one producer, of the raw rate", share, 0.9, "x");
    }
    Ok(())
}

/// What producers came to in one turn.
struct Run {
    /// Actions a second.
    rate: f64,
    /// How long each action of the first producer took.
    times: Vec<Duration>,
}

/// Has so many threads submit for one turn, each in a session of its own.
fn produce(gate: &Gate, log: &SqliteLog, producers: usize, name: &str) -> Result<Run> {
    let began = Instant::now();
    let runs: Vec<Result<Vec<Duration>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..producers)
            .map(|producer| {
                let session = format!("session-{name}-{producer}");
                let maintained = (producer == 0).then_some(log);
                scope.spawn(move || submit_all(gate, maintained, &session))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a producer failed")))
            .collect()
    });
    let whole = began.elapsed();
    let runs = runs.into_iter().collect::<Result<Vec<_>>>()?;
    let actions: usize = runs.iter().map(Vec::len).sum();
    let times = runs.into_iter().next().unwrap_or_default();
    // One producer is measured by its actions alone, several by the time of
    // all, with the records of ended messages in it.
    let span = match producers {
        1 => times.iter().sum(),
        _ => whole,
    };
    let rate = actions as f64 / span.as_secs_f64();
    Ok(Run { rate, times })
}

fn submit_all(gate: &Gate, maintained: Option<&SqliteLog>, session: &str) -> Result<Vec<Duration>> {
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < SPAN {
        let number = times.len();
        times.push(submit(gate, session, number)?);
        if let Some(log) = maintained
            && number % 16 == 0
        {
            log.maintain()?;
        }
    }
    Ok(times)
}

/// Submits one proposal that must be let happen; returns how long that took.
fn submit(gate: &Gate, session: &str, number: usize) -> Result<Duration> {
    let proposal = mix::proposal(session, number, &gate.surroundings().directory)?;
    let began = Instant::now();
    let submitted = gate.submit(&proposal, WaitFor::Nobody);
    let took = began.elapsed();
    if !submitted.is_allowed() || !submitted.is_recorded {
        bail!(
            "{:?} was not let happen: {:?}",
            proposal.params,
            submitted.decision
        );
    }
    if number % BATCH == BATCH - 1 {
        gate.observe(
            &proposal.session,
            EventKind::BatchCompleted,
            None,
            &json!({}),
        )?;
    }
    Ok(took)
}

fn in_memory(folder: &Path) -> Result<Figures> {
    let root = tempfile::tempdir_in(folder)?;
    let mut times = Vec::new();
    // Few actions a log, because a log in memory looks through all of them.
    for _ in 0..40 {
        let log = Arc::new(MemoryLog::new());
        let text = mix::policy_text(RULES);
        let gate = stage::gate(log, Arc::new(SystemClock), &text, root.path())?;
        for number in 0..60 {
            let took = submit(&gate, "session-memory", number)?;
            if number >= 20 {
                times.push(took);
            }
        }
    }
    Ok(Figures::of(&times))
}

/// Returns how many bytes of records an action is on average.
fn record_bytes(folder: &Path) -> Result<usize> {
    let root = tempfile::tempdir_in(folder)?;
    let log = Arc::new(MemoryLog::new());
    let text = mix::policy_text(RULES);
    let gate = stage::gate(
        Arc::<MemoryLog>::clone(&log),
        Arc::new(SystemClock),
        &text,
        root.path(),
    )?;
    let actions = 8;
    for number in 0..actions {
        submit(&gate, "session-size", number)?;
    }
    let mut bytes = 0;
    for summary in log.chains()? {
        for envelope in log.read(&summary.chain, 0, usize::MAX)? {
            let counts = [EventKind::ActionRequested, EventKind::DecisionMade];
            if counts.contains(&envelope.kind) {
                bytes += envelope.bytes().len();
            }
        }
    }
    Ok(bytes / actions)
}

fn raw_database(path: &Path, durability: Durability) -> Result<rusqlite::Connection> {
    let sqlite = rusqlite::Connection::open(path)?;
    let level = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    sqlite.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {level};
         CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)"
    ))?;
    Ok(sqlite)
}

/// Returns how many rows of `bytes` plain SQLite commits a second, one at a time.
fn raw_rate(sqlite: &rusqlite::Connection, bytes: usize) -> Result<f64> {
    let body = vec![7_u8; bytes];
    let mut insert = sqlite.prepare_cached("INSERT INTO rows (body) VALUES (?1)")?;
    let began = Instant::now();
    let mut commits = 0_u32;
    while began.elapsed() < SPAN {
        insert.execute([&body])?;
        commits += 1;
    }
    Ok(f64::from(commits) / began.elapsed().as_secs_f64())
}
