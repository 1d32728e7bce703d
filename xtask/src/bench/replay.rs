//! Deciding recorded requests again, exactly.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use aegis_canon::Digest;
use aegis_engine::{Attached, Settings};
use aegis_gate::{FixedClock, Gate, Proposal, WaitFor, replay};
use aegis_log::{Batch, ChainSummary, Durability, Log, MemoryLog, Options, SqliteLog};
use aegis_policy::{Compiled, MemorySources, Source, pack, parse, policy_digest};
use aegis_types::{ChainId, DurationMs, Entry, EventKind, Outcome, PolicyStanding, Timestamp};
use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::json;

use super::figures::{at_least, median};
use super::{machine, mix, stage};

/// How many requests are recorded and decided again.
const REQUESTS: usize = 100_000;

/// How many requests a session has; several sessions are open at a time.
const OF_SESSION: usize = 200;
const OPEN_SESSIONS: usize = 8;

/// How many actions an agent's message holds.
const BATCH: usize = 4;

/// How often the log is replayed.
const ROUNDS: usize = 3;

/// Measures and prints.
pub fn measure() -> Result<()> {
    let scratch = machine::scratch()?;
    let recorded = record(scratch.path(), REQUESTS, |_| {})?;
    let log = in_memory(&recorded)?;
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let replayed = replay::exact(&log, &chains(&log)?)?;
        rates.push(replayed.decided as f64 / began.elapsed().as_secs_f64());
        check(&replayed, REQUESTS as u64)?;
    }
    let rate = median(&rates);
    println!("  {REQUESTS} requests, all decided the same again: {rate:.0} decisions/s");
    at_least("replay exact, from memory", rate, 100_000.0, "decisions/s");
    for name in ["aegis:strict", "aegis:developer"] {
        let rate = backtest(&log, name)?;
        println!("  {REQUESTS} requests, backtest of {name}: {rate:.0} requests/s");
        at_least(
            &format!("backtest of {name}"),
            rate,
            100_000.0,
            "requests/s",
        );
    }
    Ok(())
}

/// Returns how many recorded requests a second a pack decides instead.
fn backtest(log: &dyn Log, name: &str) -> Result<f64> {
    let text = pack(name).with_context(|| format!("there is no pack `{name}`"))?;
    let parsed = parse(&Source::new(name, text), &MemorySources::default());
    let parsed = parsed.map_err(|problems| anyhow!("{problems:?}"))?;
    let compiled = Compiled::new(parsed.policy, policy_digest(&parsed.texts));
    let attached = [Attached {
        policy: &compiled,
        standing: PolicyStanding::Current,
        only_tightens: false,
    }];
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let found = replay::against(log, &chains(log)?, &attached, Settings::default())?;
        rates.push(found.decided as f64 / began.elapsed().as_secs_f64());
    }
    Ok(median(&rates))
}

/// A log on disk, and the policies that decided what it holds.
pub struct Recording {
    /// The log.
    pub log: SqliteLog,
    documents: Vec<(Digest, Arc<[u8]>)>,
}

/// Records so many requests of the mix in a log on disk.
///
/// Besides what is let happen there are denials, questions that nobody
/// answers, limits that are reached, secrets, and outcomes.
pub fn record(folder: &Path, requests: usize, progress: impl Fn(usize)) -> Result<Recording> {
    let path = folder.join("log.db");
    let options = || Options {
        durability: Durability::Normal,
        wal_pages: 1_000,
        ..Options::default()
    };
    let log = Arc::new(SqliteLog::open(&path, options())?);
    let clock = Arc::new(FixedClock::new(Timestamp::from_unix_ms(1_790_000_000_000)));
    let gate = stage::gate(
        Arc::<SqliteLog>::clone(&log),
        Arc::<FixedClock>::clone(&clock),
        &policy_text(),
        folder,
    )?;
    for number in 0..requests {
        clock.advance(DurationMs::from_ms(700));
        one_action(&gate, number)?;
        if number % 256 == 0 {
            log.maintain()?;
            progress(number);
        }
    }
    let documents = gate.policies().documents();
    drop(gate);
    drop(log);
    let log = SqliteLog::open(path, options())?;
    Ok(Recording { log, documents })
}

/// Returns the mix, and before it rules of every verdict and with a memory.
fn policy_text() -> String {
    let rules = [
        "- {id: publish, match: {shell: {program: cargo, subcommand: publish}}, verdict: deny}",
        "- {id: pushes, match: {shell: {program: git, subcommand: push}}, \
         when: {calls: {over: 3, per: 1m, by: session}}, verdict: deny}",
        "- {id: force, match: {shell: {program: git, subcommand: push, flags: [--force]}}, \
         verdict: ask}",
        "- {id: reads, match: {tool: Read}, verdict: allow}",
    ];
    let rules = rules.map(|rule| format!("  {rule}\n")).concat();
    mix::policy_text(101).replacen("rules:\n", &format!("rules:\n{rules}"), 1)
}

fn one_action(gate: &Gate, number: usize) -> Result<()> {
    let proposal = proposal(gate, number)?;
    let submitted = gate.submit(&proposal, WaitFor::Nobody);
    if !submitted.is_recorded {
        bail!(
            "request {number} was not recorded: {:?}",
            submitted.decision
        );
    }
    if submitted.is_allowed() && number.is_multiple_of(5) {
        gate.record_outcome(
            &proposal.session,
            &proposal.id,
            Outcome::Completed,
            &json!("ok"),
        )?;
    }
    if number / OPEN_SESSIONS % BATCH == BATCH - 1 {
        gate.observe(
            &proposal.session,
            EventKind::BatchCompleted,
            None,
            &json!({}),
        )?;
    }
    Ok(())
}

fn proposal(gate: &Gate, number: usize) -> Result<Proposal> {
    let group = number / (OF_SESSION * OPEN_SESSIONS);
    let session = format!("session-{group}-{}", number % OPEN_SESSIONS);
    // The session must not decide which kind of action comes.
    let kind = number / OPEN_SESSIONS;
    let mut proposal = mix::proposal(&session, kind, &gate.surroundings().directory)?;
    proposal.id = format!("toolu_{number:09}").parse()?;
    let line = match kind % 16 {
        3 => "git push origin main --force",
        9 => "cargo publish --allow-dirty",
        10 => {
            "curl -H 'Authorization: Bearer sk-live-0123456789abcdef0123456789' https://example.org"
        }
        12 => {
            "for f in src/*.rs; do wc -l \"$f\" | tee -a counts; done && (cd src; $PAGER main.rs)"
        }
        _ => return Ok(proposal),
    };
    proposal.tool = Arc::from("Bash");
    proposal.params = json!({"command": line});
    Ok(proposal)
}

/// Returns the names of all chains.
pub fn chains(log: &dyn Log) -> Result<Vec<ChainId>> {
    let named = |summary: ChainSummary| summary.chain;
    Ok(log.chains()?.into_iter().map(named).collect())
}

/// Fails unless every decision came out the same.
pub fn check(replayed: &replay::Replay, requests: u64) -> Result<()> {
    let again = replayed.identical + replayed.by_gate;
    let is_same = replayed.differing.is_empty()
        && replayed.without_policy == 0
        && replayed.redacted == 0
        && again == replayed.decided
        && replayed.identical >= requests;
    if !is_same {
        bail!(
            "{} decided, {} identical, {} by the gate, {} redacted, {} without policy, {} differing: {:?}",
            replayed.decided,
            replayed.identical,
            replayed.by_gate,
            replayed.redacted,
            replayed.without_policy,
            replayed.differing.len(),
            replayed.differing.first()
        );
    }
    Ok(())
}

/// Returns a log in memory with what `recorded` holds.
fn in_memory(recorded: &Recording) -> Result<MemoryLog> {
    let log = MemoryLog::new();
    for chain in chains(&recorded.log)? {
        if chain.session().is_none() {
            continue;
        }
        let envelopes = recorded.log.read(&chain, 0, usize::MAX)?;
        let entries: Vec<Entry> = envelopes
            .into_iter()
            .map(|envelope| Entry {
                at: envelope.at,
                kind: envelope.kind,
                subject: envelope.subject,
                payload: envelope.payload,
                sealed: None,
            })
            .collect();
        for part in entries.chunks(512) {
            log.append(Batch {
                chain: chain.clone(),
                expected: None,
                entries: part.to_vec(),
                documents: recorded.documents.clone(),
            })?;
        }
    }
    Ok(log)
}
