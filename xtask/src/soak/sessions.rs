//! A log of many sessions, and a service on it.

use std::fs;
use std::path::Path;
use std::time::Instant;

use aegis_log::{Batch, Log as _, Options, SqliteLog};
use aegis_types::{ChainId, Event, EventKind, Timestamp};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::bench::figures::at_most;
use crate::bench::machine;
use crate::bench::served::{Client, Process};
use crate::cargo::Cargo;

/// How many sessions the log has.
const SESSIONS: usize = 100_000;

/// How many clients make a request in each of them.
const CLIENTS: usize = 16;

/// How many sessions a page has.
const PAGE: usize = 1_000;

/// Measures the memory of a service on the log, and what is listed of it.
pub fn perform() -> Result<()> {
    Cargo::new(&["build", "--quiet", "--release", "-p", "aegis-cli"]).succeed()?;
    let scratch = machine::scratch()?;
    let home = scratch.path();
    fill(home)?;
    let began = Instant::now();
    let process = Process::service(home, 0)?;
    println!("  it listens after {:.0} ms", milliseconds(began));
    let rest = process.resident()?;
    at_most("memory at rest", rest as f64 / 1e6, 60.0, "MB");

    let mut client = Client::new(&process)?;
    list(
        &mut client,
        "/v1/sessions",
        "sessions",
        "next_page_token",
        SESSIONS,
    )?;
    list(&mut client, "/v2/events", "events", "next_token", SESSIONS)?;
    at_most(
        "memory after all was listed",
        process.resident()? as f64 / 1e6,
        100.0,
        "MB",
    );

    let before = process.resident()?;
    let began = Instant::now();
    act_everywhere(&process)?;
    let after = process.resident()?;
    println!(
        "  a decision in each session, {CLIENTS} clients: {:.0} a second",
        SESSIONS as f64 / began.elapsed().as_secs_f64()
    );
    at_most("memory then", after as f64 / 1e6, 150.0, "MB");
    let each = after.saturating_sub(before) as f64 / SESSIONS as f64;
    at_most("memory that a live session adds", each, 512.0, "bytes");
    // The first connection said nothing for so long that it was closed.
    let mut client = Client::new(&process)?;
    for session in [0, SESSIONS - 1] {
        let began = Instant::now();
        client.get(&format!("/v1/sessions/{}/snapshot", name(session)))?;
        println!(
            "  snapshot of {}: {:.1} ms",
            name(session),
            milliseconds(began)
        );
    }
    Ok(())
}

fn name(number: usize) -> String {
    format!("session-{number:06}")
}

fn milliseconds(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

/// Makes the log, with one record in each session.
fn fill(home: &Path) -> Result<()> {
    let state = home.join(".local/share/aegis");
    fs::create_dir_all(&state)?;
    let log = SqliteLog::open(state.join("log.db"), Options::default())?;
    let began = Instant::now();
    for number in 0..SESSIONS {
        let event = Event::Observed {
            kind: EventKind::SessionStarted,
            subject: None,
            detail: json!({"source": "startup"}),
        };
        log.append(Batch {
            chain: ChainId::Session {
                tenant: "local".parse()?,
                session: name(number).parse()?,
            },
            expected: None,
            entries: vec![event.entry(Timestamp::from_unix_ms(1_700_000_000_000))?],
            documents: Vec::new(),
        })?;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("  {SESSIONS} sessions made in {seconds:.0} s");
    Ok(())
}

/// Turns all pages of a list, and fails unless it has so many entries.
fn list(client: &mut Client, path: &str, entries: &str, next: &str, expected: usize) -> Result<()> {
    let (mut found, mut slowest, mut token) = (0, 0.0_f64, None);
    loop {
        let query = token.map_or_else(String::new, |token| format!("&page_token={token}"));
        let began = Instant::now();
        let page = client.get(&format!("{path}?limit={PAGE}{query}"))?;
        slowest = slowest.max(milliseconds(began));
        let page: Value = serde_json::from_slice(&page)?;
        found += page
            .get(entries)
            .and_then(Value::as_array)
            .context("a page")?
            .len();
        token = page.get(next).and_then(Value::as_str).map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    ensure!(found == expected, "{path} lists {found} of {expected}");
    println!("  {path}: {found} in pages of {PAGE}, the slowest in {slowest:.1} ms");
    Ok(())
}

/// Has an action decided in each session.
fn act_everywhere(process: &Process) -> Result<()> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..CLIENTS)
            .map(|first| {
                scope.spawn(move || -> Result<()> {
                    let mut client = Client::new(process)?;
                    for number in (first..SESSIONS).step_by(CLIENTS) {
                        let body = json!({
                            "session_id": name(number), "call_id": "one", "tool_name": "Bash",
                            "args": {"command": "cargo test --workspace"}, "directory": "/tmp",
                        });
                        client.post("/v1/decisions", &body.to_string())?;
                    }
                    Ok(())
                })
            })
            .collect();
        for worker in workers {
            let ended = worker.join();
            ended.unwrap_or_else(|_| Err(anyhow::anyhow!("a client failed")))?;
        }
        Ok(())
    })
}
