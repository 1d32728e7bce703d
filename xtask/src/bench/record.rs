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
use super::mix::{Actions, OF_HOST, OF_PEER};
use super::peer::Peer;
use super::{machine, stage};

/// How often everything takes its turn.
const ROUNDS: usize = 5;

/// How long each turn takes.
const SPAN: Duration = Duration::from_millis(1_200);

/// What is proposed.
const KINDS: [Actions; 2] = [OF_PEER, OF_HOST];

/// How many actions an agent's message holds; its host tells when they ended.
const BATCH: usize = 4;

/// After how many pages the WAL is folded back, as plain SQLite does.
const WAL_PAGES: u32 = 1_000;

const PRODUCERS: [usize; 3] = [1, 8, 64];

/// Measures and prints.
pub fn measure() -> Result<()> {
    let scratch = machine::scratch()?;
    let peer = Peer::measure(scratch.path())?;
    println!("  medians of {ROUNDS} rounds; raw is plain SQLite, which commits one row as large");
    for actions in KINDS {
        in_memory(&actions, scratch.path())?
            .print(&format!("{}, in memory, 1 producer", actions.name));
    }
    for durability in [Durability::Full, Durability::Normal] {
        for actions in KINDS {
            measure_level(durability, &actions, scratch.path(), &peer)?;
        }
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

fn measure_level(
    durability: Durability,
    actions: &Actions,
    folder: &Path,
    peer: &Peer,
) -> Result<()> {
    let level = match durability {
        Durability::Full => "full",
        Durability::Normal => "normal",
    };
    let bytes = record_bytes(actions, folder)?;
    println!(
        "\n  level {level}: {}, {bytes} bytes of records each",
        actions.name
    );
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
        &(actions.policy_text)(),
        root.path(),
    )?;
    let stage = Stage {
        actions,
        gate: &gate,
    };
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
            let run = produce(&stage, &log, *producers, &name)?;
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
    Figures::of(&waits).print("decide and record, 1 producer");
    print_rates(&rates, peer)?;
    // The peer records one action at a time, on the same disk.
    if durability == Durability::Full && actions.name == OF_PEER.name {
        print_targets(&rates, peer)?;
    }
    Ok(())
}

fn print_rates(rates: &Rates, peer: &Peer) -> Result<()> {
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
    line("agent-aegis 1.0.0, its own action", peer);
    line("plain SQLite, one row a commit", raw);
    for (producers, rates) in PRODUCERS.iter().zip(&rates.ours) {
        let name = match producers {
            1 => "decide and record, 1 producer".to_owned(),
            _ => format!("decide and record, {producers} producers"),
        };
        line(&name, median(rates));
    }
    Ok(())
}

fn print_targets(rates: &Rates, peer: &Peer) -> Result<()> {
    let last = rates.ours.last().map(|rates| median(rates));
    at_least(
        "level full, 64 producers, of agent-aegis",
        last.unwrap_or_default() / peer.figure("record_per_s")?,
        20.0,
        "x",
    );
    let share = median(&rates.of_raw);
    at_least("level full, one producer, of the raw rate", share, 0.9, "x");
    Ok(())
}

/// What is proposed, and who decides it.
#[derive(Clone, Copy)]
struct Stage<'a> {
    actions: &'a Actions,
    gate: &'a Gate,
}

/// What producers came to in one turn.
struct Run {
    /// Actions a second.
    rate: f64,
    /// How long each action of the first producer took.
    times: Vec<Duration>,
}

/// Has so many threads submit for one turn, each in a session of its own.
fn produce(stage: &Stage<'_>, log: &SqliteLog, producers: usize, name: &str) -> Result<Run> {
    let began = Instant::now();
    let runs: Vec<Result<Vec<Duration>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..producers)
            .map(|producer| {
                let session = format!("session-{name}-{producer}");
                let maintained = (producer == 0).then_some(log);
                scope.spawn(move || submit_all(stage, maintained, &session))
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

fn submit_all(
    stage: &Stage<'_>,
    maintained: Option<&SqliteLog>,
    session: &str,
) -> Result<Vec<Duration>> {
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < SPAN {
        let number = times.len();
        times.push(submit(stage, session, number)?);
        if let Some(log) = maintained
            && number % 16 == 0
        {
            log.maintain()?;
        }
    }
    Ok(times)
}

/// Submits one proposal that must be let happen; returns how long that took.
fn submit(stage: &Stage<'_>, session: &str, number: usize) -> Result<Duration> {
    let gate = stage.gate;
    let proposal = (stage.actions.proposal)(session, number, &gate.surroundings().directory)?;
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

fn in_memory(actions: &Actions, folder: &Path) -> Result<Figures> {
    let root = tempfile::tempdir_in(folder)?;
    let mut times = Vec::new();
    // Few actions a log, because a log in memory looks through all of them.
    for _ in 0..40 {
        let log = Arc::new(MemoryLog::new());
        let text = (actions.policy_text)();
        let gate = stage::gate(log, Arc::new(SystemClock), &text, root.path())?;
        let stage = Stage {
            actions,
            gate: &gate,
        };
        for number in 0..60 {
            let took = submit(&stage, "session-memory", number)?;
            if number >= 20 {
                times.push(took);
            }
        }
    }
    Ok(Figures::of(&times))
}

/// Returns how many bytes of records an action is on average.
fn record_bytes(actions: &Actions, folder: &Path) -> Result<usize> {
    let root = tempfile::tempdir_in(folder)?;
    let log = Arc::new(MemoryLog::new());
    let text = (actions.policy_text)();
    let gate = stage::gate(
        Arc::<MemoryLog>::clone(&log),
        Arc::new(SystemClock),
        &text,
        root.path(),
    )?;
    let submitted = 8;
    for number in 0..submitted {
        let stage = Stage {
            actions,
            gate: &gate,
        };
        submit(&stage, "session-size", number)?;
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
    Ok(bytes / submitted)
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
