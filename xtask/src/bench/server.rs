//! The service, beside a handler of the same framework that does nothing.
//!
//! Both are processes of their own, asked by the same clients in turns, so
//! that whatever else the machine does falls on both alike. What a request
//! costs is the time that the process spent on the processor, as the system
//! counts it, and not the time that passed.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aegis_log::{Batch, Durability, Log as _, Options, SqliteLog};
use aegis_types::{ChainId, Event, EventKind, Timestamp};
use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::figures::{Figures, at_least, at_most, median};
use super::machine;
use super::served::{Client, Process};
use crate::cargo::Cargo;

/// How many clients ask at a time, each over one connection.
const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// How long each turn takes, and how often everything takes its turn.
const SPAN: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;

/// How many bytes an average record of a decision has, for the raw appends beside it.
const RECORD_BYTES: usize = 1_400;

/// How many sessions are opened to see what one costs, and how many before them.
const SESSIONS: usize = 20_000;
const SESSIONS_FIRST: usize = 2_000;

/// A command line of an ordinary day.
const COMMAND: &str = "cargo test --workspace 2>&1 | tail -20";

/// Makes the body of a request from its session and its number.
pub(super) type Body<'a> = &'a (dyn Fn(&str, usize) -> String + Sync);

/// What is asked without being recorded: a call of any agent, and a command line.
const QUESTIONS: [(&str, Body<'static>); 2] = [
    ("a call of a tool", &plain_call),
    ("a command line", &command_line),
];

/// Measures and prints.
pub fn measure() -> Result<()> {
    Cargo::new(&["build", "--quiet", "--release", "-p", "aegis-cli"]).succeed()?;
    let scratch = machine::scratch()?;
    let served = Process::service(scratch.path(), 0)?;
    let empty = Process::empty()?;
    for connections in CONNECTIONS {
        let mut nothing = Turn::default();
        let mut asked = [Turn::default(), Turn::default()];
        let mut above = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            let turn = ask(&empty, "/", connections, &plain_call)?;
            let base = turn.cpu_us();
            nothing.add(turn);
            for ((_, body), (sum, above)) in QUESTIONS.iter().zip(asked.iter_mut().zip(&mut above))
            {
                let turn = ask(&served, "/v1/policy/decide", connections, body)?;
                above.push(turn.cpu_us() - base);
                sum.add(turn);
            }
        }
        nothing.print(&format!("an empty handler, {connections}"));
        for ((name, _), (sum, above)) in QUESTIONS.iter().zip(asked.iter().zip(&above)) {
            sum.print(&format!("{name}, {connections}"));
            let above = median(above);
            at_most(
                "processor above the empty handler",
                above,
                60.0,
                "us a request",
            );
        }
    }
    decisions(&served, scratch.path())?;
    sessions()
}

/// Measures decisions with their record at level full, beside raw appends.
fn decisions(served: &Process, folder: &Path) -> Result<()> {
    let connections = 64;
    let mut shares = Vec::new();
    let mut decided = Turn::default();
    for round in 0..ROUNDS {
        let raw = raw_rate(&folder.join(format!("raw-{round}.db")), connections)?;
        let turn = ask(served, "/v1/decisions", connections, &proposal)?;
        println!(
            "  raw group commits {raw:.0} a second, decisions {:.0}, {:.0} % of two processors",
            turn.rate(),
            turn.cpu.as_secs_f64() / SPAN.as_secs_f64() / 2.0 * 100.0
        );
        shares.push(turn.rate() / raw * 100.0);
        decided.add(turn);
    }
    decided.print("a decision with its record, 64");
    at_least("of the raw rate", median(&shares), 60.0, "%");
    Ok(())
}

/// Measures the memory at rest, and what a session adds to it.
fn sessions() -> Result<()> {
    let scratch = machine::scratch()?;
    let served = Process::service(scratch.path(), 0)?;
    let rest = served.resident()? as f64 / 1e6;
    let mut client = Client::new(&served)?;
    let mut open = |numbers: Range<usize>| -> Result<usize> {
        for number in numbers {
            let body = proposal(&format!("many-{number}"), number);
            client.post("/v1/decisions", &body)?;
        }
        served.resident()
    };
    // The first ones fill what is there once, such as connections to the log.
    let before = open(0..SESSIONS_FIRST)?;
    let after = open(SESSIONS_FIRST..SESSIONS_FIRST + SESSIONS)?;
    let each = after.saturating_sub(before) / SESSIONS;
    println!("  memory: {SESSIONS} sessions more take {each} bytes each");
    at_most("memory at rest", rest, 60.0, "MB");
    Ok(())
}

/// What came of one turn.
#[derive(Default)]
pub(super) struct Turn {
    times: Vec<Duration>,
    cpu: Duration,
    span: Duration,
}

impl Turn {
    fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.cpu += other.cpu;
        self.span += other.span;
    }

    fn rate(&self) -> f64 {
        self.times.len() as f64 / self.span.as_secs_f64()
    }

    fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.times.len().max(1) as f64
    }

    pub(super) fn print(&self, name: &str) {
        Figures::of(&self.times).print(name);
        println!(
            "  {:<46} {:>10.0} a second, {:.1} us of processor each",
            "",
            self.rate(),
            self.cpu_us()
        );
    }
}

/// Asks `process` by so many clients for one turn.
pub(super) fn ask(process: &Process, path: &str, connections: usize, body: Body) -> Result<Turn> {
    let stop = AtomicBool::new(false);
    let number = AtomicUsize::new(0);
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Client::new(process)?);
    }
    let before = process.cpu()?;
    let began = Instant::now();
    let mut times = Vec::new();
    let asked: Vec<Result<Vec<Duration>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = clients
            .into_iter()
            .enumerate()
            .map(|(at, mut client)| {
                let (stop, number) = (&stop, &number);
                scope.spawn(move || {
                    let mut times = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let turn = number.fetch_add(1, Ordering::Relaxed);
                        let body = body(&format!("session-{at}"), turn);
                        let began = Instant::now();
                        client.post(path, &body)?;
                        times.push(began.elapsed());
                    }
                    Ok(times)
                })
            })
            .collect();
        std::thread::sleep(SPAN);
        stop.store(true, Ordering::Relaxed);
        let joined = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined
            .map(|ended| ended.unwrap_or_else(|_| bail!("a client failed")))
            .collect()
    });
    for each in asked {
        times.extend(each?);
    }
    Ok(Turn {
        times,
        span: began.elapsed(),
        cpu: process.cpu()?.saturating_sub(before),
    })
}

fn plain_call(session: &str, turn: usize) -> String {
    question(session, turn, "read_file", json!({"path": "src/main.rs"}))
}

fn command_line(session: &str, turn: usize) -> String {
    question(session, turn, "Bash", json!({"command": COMMAND}))
}

fn question(session: &str, turn: usize, tool: &str, args: Value) -> String {
    json!({
        "event": {
            "session_id": session,
            "event_type": "TOOL_CALL_PROPOSED",
            "payload": {"call_id": format!("call-{turn:09}"), "tool_name": tool, "args": args},
        },
        "snapshot": {},
    })
    .to_string()
}

/// Returns a command line to decide, as the body of a request.
pub(super) fn proposal(session: &str, turn: usize) -> String {
    json!({
        "session_id": session,
        "call_id": format!("call-{turn:09}"),
        "tool_name": "Bash",
        "args": {"command": COMMAND},
        "directory": "/tmp",
    })
    .to_string()
}

/// Returns how often so many threads append one record a second, at level full.
fn raw_rate(path: &Path, producers: usize) -> Result<f64> {
    let options = Options {
        durability: Durability::Full,
        patience: Duration::from_secs(20),
        ..Options::default()
    };
    let log = Arc::new(SqliteLog::open(path, options)?);
    let stop = AtomicBool::new(false);
    let count = AtomicUsize::new(0);
    let began = Instant::now();
    std::thread::scope(|scope| -> Result<()> {
        let mut workers = Vec::new();
        for number in 0..producers {
            let chain = ChainId::Session {
                tenant: "raw".parse()?,
                session: format!("raw-{number}").parse()?,
            };
            let event = Event::Observed {
                kind: EventKind::PromptSubmitted,
                subject: None,
                detail: json!({"text": "x".repeat(RECORD_BYTES)}),
            };
            let (log, stop, count) = (&log, &stop, &count);
            workers.push(scope.spawn(move || -> Result<()> {
                while !stop.load(Ordering::Relaxed) {
                    log.append(Batch {
                        chain: chain.clone(),
                        expected: None,
                        entries: vec![event.entry(Timestamp::from_unix_ms(0))?],
                        documents: Vec::new(),
                    })?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            }));
        }
        std::thread::sleep(SPAN);
        stop.store(true, Ordering::Relaxed);
        for worker in workers {
            worker
                .join()
                .unwrap_or_else(|_| bail!("an append failed"))?;
        }
        Ok(())
    })?;
    Ok(count.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}

/// Answers every request with nothing, until it is ended.
pub fn serve_empty() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let router = axum::Router::new().fallback(|_: axum::body::Bytes| async { "{}" });
        axum::serve(listener, router).await?;
        Ok(())
    })
}
