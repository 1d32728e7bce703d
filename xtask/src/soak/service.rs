//! A service that is killed again and again while many ask it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aegis_gate::ForeignRecord;
use aegis_log::{Evidence, Log, SqliteLog, verify};
use aegis_types::{Envelope, EventKind};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::bench::machine;
use crate::bench::served::{Client, Process};
use crate::cargo::{Cargo, target_folder};

/// How many clients ask at a time, each in sessions of its own.
const CLIENTS: usize = 64;

/// For how many seconds, unless `AEGIS_SOAK_SECONDS` says otherwise.
const SECONDS: u64 = 300;

/// How often the service is killed.
const KILL_EVERY: Duration = Duration::from_secs(20);

/// How many requests a client makes in one session.
const SESSION_REQUESTS: u64 = 200;

/// How long a client waits before it tries again to connect.
const PAUSE: Duration = Duration::from_millis(20);

/// What one client was told.
#[derive(Default)]
struct Told {
    /// The decisions that were acknowledged: session, call and verdict.
    decided: Vec<(String, String, String)>,
    /// The events that were acknowledged: session and hash.
    added: Vec<(String, String)>,
    /// The calls that were proposed, answered or not.
    proposed: BTreeSet<String>,
    /// How often no answer came.
    unanswered: u64,
}

/// Asks and kills, and then looks whether anything was lost.
pub fn perform() -> Result<()> {
    Cargo::new(&["build", "--quiet", "--release", "-p", "aegis-cli"]).succeed()?;
    let seconds = match std::env::var("AEGIS_SOAK_SECONDS") {
        Ok(text) => text.parse().context("`AEGIS_SOAK_SECONDS` is a number")?,
        Err(_) => SECONDS,
    };
    let scratch = machine::scratch()?;
    let home = scratch.path();
    let began = Instant::now();
    let (told, kills) = ask_and_kill(home, Duration::from_secs(seconds))?;
    let took = began.elapsed().as_secs_f64();
    let decided: usize = told.iter().map(|told| told.decided.len()).sum();
    let added: usize = told.iter().map(|told| told.added.len()).sum();
    let unanswered: u64 = told.iter().map(|told| told.unanswered).sum();
    println!(
        "  {CLIENTS} clients, {took:.0} s, {kills} times kill -9: {decided} decisions and {added} \
         events acknowledged, {unanswered} requests unanswered"
    );
    ensure!(kills > 0, "the service was never killed: give it more time");
    let records = check(home, &told)?;
    println!(
        "  {records} records: nothing acknowledged is lost, every chain verifies, no decision \
         without its request: met"
    );
    Ok(())
}

/// Lets clients ask for `span` while the service is killed and started again;
/// returns what they were told, and how often it was killed.
fn ask_and_kill(home: &Path, span: Duration) -> Result<(Vec<Told>, u32)> {
    let mut process = Process::service(home, 0)?;
    let port = process.port()?;
    let (address, token) = (process.address().to_owned(), process.token().to_owned());
    let (stop, number) = (AtomicBool::new(false), AtomicU64::new(0));
    let began = Instant::now();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (address, token, stop, number) = (&address, &token, &stop, &number);
                scope.spawn(move || ask(client, address, token, stop, number))
            })
            .collect();
        let mut kills = 0;
        let mut restart = || -> Result<()> {
            while began.elapsed() + KILL_EVERY < span {
                std::thread::sleep(KILL_EVERY);
                process.kill()?;
                kills += 1;
                process = Process::service(home, port)?;
            }
            std::thread::sleep(span.saturating_sub(began.elapsed()));
            Ok(())
        };
        let restarted = restart();
        stop.store(true, Ordering::Relaxed);
        let told = clients.into_iter().map(|client| {
            let told = client.join();
            told.unwrap_or_else(|_| bail!("a client failed"))
        });
        let told = told.collect::<Result<Vec<_>>>()?;
        restarted?;
        process.kill()?;
        Ok((told, kills + 1))
    })
}

/// Asks until it is told to stop, over one connection after the other.
fn ask(
    client: usize,
    address: &str,
    token: &str,
    stop: &AtomicBool,
    number: &AtomicU64,
) -> Result<Told> {
    let mut told = Told::default();
    let mut connection = None;
    let mut asked = 0;
    while !stop.load(Ordering::Relaxed) {
        let Some(open) = &mut connection else {
            std::thread::sleep(PAUSE);
            connection = Client::at(address, token).ok();
            continue;
        };
        let session = format!("client-{client}-{}", asked / SESSION_REQUESTS);
        let turn = number.fetch_add(1, Ordering::Relaxed);
        asked += 1;
        let answered = if turn.is_multiple_of(4) {
            add(open, &session, turn, &mut told)
        } else {
            decide(open, &session, turn, &mut told)
        };
        if answered.is_err() {
            told.unanswered += 1;
            connection = None;
        }
    }
    Ok(told)
}

fn decide(open: &mut Client, session: &str, turn: u64, told: &mut Told) -> Result<()> {
    let call = format!("call-{turn:09}");
    told.proposed.insert(call.clone());
    let line = match turn % 3 {
        0 => "make build",
        1 => "cargo test --workspace",
        _ => "git push --force",
    };
    let body = json!({
        "session_id": session, "call_id": call, "tool_name": "Bash",
        "args": {"command": line}, "directory": "/tmp",
    });
    let reply: Value = serde_json::from_slice(&open.post("/v1/decisions", &body.to_string())?)?;
    if reply.get("recorded") == Some(&Value::Bool(true)) {
        let verdict = text(&reply, "verdict")?;
        told.decided.push((session.to_owned(), call, verdict));
    }
    Ok(())
}

fn add(open: &mut Client, session: &str, turn: u64, told: &mut Told) -> Result<()> {
    let body = json!({
        "session_id": session, "event_type": "MODEL_CALL_STARTED",
        "payload": {"call_id": format!("model-{turn}")},
    });
    let reply: Value = serde_json::from_slice(&open.post("/v1/events", &body.to_string())?)?;
    let hash = text(&reply, "hash")?;
    told.added.push((session.to_owned(), hash));
    Ok(())
}

fn text(reply: &Value, key: &str) -> Result<String> {
    let text = reply.get(key).and_then(Value::as_str);
    text.map(str::to_owned)
        .with_context(|| format!("no `{key}` in {reply}"))
}

/// Fails unless the log holds all that was acknowledged, each decision behind
/// its request, and verifies; returns how many records it has.
fn check(home: &Path, told: &[Told]) -> Result<u64> {
    let verified = Command::new(target_folder()?.join("release/aegis"))
        .env_clear()
        .env("HOME", home)
        .args(["log", "verify"])
        .output()?;
    ensure!(
        verified.status.success(),
        "`aegis log verify`: {verified:?}"
    );
    let log = SqliteLog::open_read_only(home.join(".local/share/aegis/log.db"))?;
    let found = verify(&log, &Evidence::NONE)?;
    ensure!(found.is_sound(), "the log is not sound: {:?}", found.faults);
    let recorded = Recorded::of(&log)?;
    for (session, call, verdict) in told.iter().flat_map(|told| &told.decided) {
        let verdicts = recorded.decided.get(&(session.clone(), call.clone()));
        ensure!(
            verdicts.is_some_and(|all| all.contains(verdict)),
            "{session} {call} was answered {verdict}; the log has {verdicts:?}"
        );
    }
    for event in told.iter().flat_map(|told| &told.added) {
        ensure!(recorded.added.contains(event), "{event:?} is lost");
    }
    for (session, call) in recorded.decided.keys() {
        let is_known = told.iter().any(|told| told.proposed.contains(call));
        ensure!(is_known, "nobody proposed {session} {call}");
    }
    Ok(found.records)
}

/// What the log has.
#[derive(Default)]
struct Recorded {
    /// The verdicts by session and call.
    decided: BTreeMap<(String, String), Vec<String>>,
    /// The events by session and hash.
    added: BTreeSet<(String, String)>,
}

impl Recorded {
    fn of(log: &SqliteLog) -> Result<Self> {
        let mut recorded = Self::default();
        for summary in log.chains()? {
            let mut requests = BTreeSet::new();
            for envelope in log.read(&summary.chain, 0, usize::MAX)? {
                recorded.take_in(envelope, &mut requests)?;
            }
            ensure!(
                requests.is_empty(),
                "{:?}: requests without a decision: {requests:?}",
                summary.chain
            );
        }
        Ok(recorded)
    }

    /// Takes in the next record of a session, whose `requests` wait for their decision.
    fn take_in(&mut self, envelope: Envelope, requests: &mut BTreeSet<String>) -> Result<()> {
        if let Some(record) = ForeignRecord::of(&envelope) {
            let session = record.event.session_id.to_string();
            self.added.insert((session, record.event.hash.to_string()));
            return Ok(());
        }
        let session = envelope.chain.session().map(ToString::to_string);
        let (Some(session), Some(subject)) = (session, envelope.subject) else {
            return Ok(());
        };
        if envelope.kind == EventKind::ActionRequested {
            requests.insert(subject);
        } else if envelope.kind == EventKind::DecisionMade {
            ensure!(
                requests.remove(&subject),
                "{subject} was decided without a request"
            );
            let verdict = envelope
                .payload
                .text("verdict")
                .unwrap_or_default()
                .to_owned();
            self.decided
                .entry((session, subject))
                .or_default()
                .push(verdict);
        }
        Ok(())
    }
}
