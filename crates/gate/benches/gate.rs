//! Measures the pipeline in memory: `cargo bench -p aegis-gate`.
//!
//! What a store costs is measured by the log's own benchmark.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops when it cannot measure"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use aegis_canon::{Digest, Key};
use aegis_gate::{
    ClockPause, FixedClock, FixedPolicies, FixedProcesses, Gate, InForce, Origin, Parts, Places,
    PolicyInForce, Proposal, Protected, Settings, SilentApprover, Surroundings, WaitFor, replay,
};
use aegis_log::{Batch, Log, MemoryLog};
use aegis_policy::{Compiled, MemorySources, Source, pack, parse, policy_document};
use aegis_redact::Redactor;
use aegis_types::{ChainId, Entry, EventKind, Outcome, PolicyStanding, Timestamp};
use serde_json::json;

/// How many requests are decided. The log in memory looks through all it
/// holds, so this says nothing about a store with an index.
const REQUESTS: usize = 1_000;

/// How many sessions they belong to.
const SESSIONS: usize = 10;

/// How many times the records are copied into further sessions, and replayed.
const COPIES: usize = 100;

fn main() {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let gate = gate(&log);
    let proposals: Vec<Proposal> = (0..REQUESTS).map(proposal).collect();
    let began = Instant::now();
    for proposal in &proposals {
        let _ = gate.submit(proposal, WaitFor::Nobody);
        gate.record_outcome(
            &proposal.session,
            &proposal.id,
            Outcome::Completed,
            &json!("ok"),
        )
        .unwrap();
        gate.observe(
            &proposal.session,
            EventKind::BatchCompleted,
            None,
            &json!({}),
        )
        .unwrap();
    }
    print("submit and record the outcome, in memory", REQUESTS, began);
    copy(&*log);
    let chains = chains(&*log);
    let began = Instant::now();
    let played = replay::exact(&*log, &chains).unwrap();
    print("replay exact, in memory", REQUESTS * (COPIES + 1), began);
    println!(
        "  {} decided, {} identical, {} by the gate, {} redacted, {} differing",
        played.decided,
        played.identical,
        played.by_gate,
        played.redacted,
        played.differing.len()
    );
}

fn chains(log: &dyn Log) -> Vec<ChainId> {
    let chains = log.chains().unwrap();
    chains.into_iter().map(|summary| summary.chain).collect()
}

/// Copies every record into further sessions.
fn copy(log: &dyn Log) {
    for chain in chains(log) {
        let Some(session) = chain.session().cloned() else {
            continue;
        };
        let records = log.read(&chain, 0, usize::MAX).unwrap();
        for number in 0..COPIES {
            let entries: Vec<Entry> = records
                .iter()
                .map(|record| Entry {
                    at: record.at,
                    kind: record.kind,
                    subject: record.subject.clone(),
                    payload: record.payload.clone(),
                    sealed: None,
                })
                .collect();
            for part in entries.chunks(1_000) {
                log.append(Batch {
                    chain: ChainId::Session {
                        tenant: chain.tenant().clone(),
                        session: format!("{session}-{number}").parse().unwrap(),
                    },
                    expected: None,
                    entries: part.to_vec(),
                    documents: Vec::new(),
                })
                .unwrap();
            }
        }
    }
}

fn print(what: &str, count: usize, began: Instant) {
    let wall = began.elapsed().as_secs_f64();
    let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    println!(
        "{what:<44} {:>9.0} a second {:>8.2} us each",
        count / wall,
        wall * 1e6 / count
    );
}

fn proposal(number: usize) -> Proposal {
    let lines = [
        "ls -la src",
        "cargo build --workspace",
        "git status",
        "git push origin main",
        "rm -rf target",
        "cat README.md | head -20",
    ];
    let (tool, params) = match number % 8 {
        6 => ("Read", json!({"file_path": "/nonexistent/app/src/main.rs"})),
        7 => (
            "Edit",
            json!({"file_path": "/nonexistent/app/src/main.rs", "old_string": "a", "new_string": "b"}),
        ),
        line => (
            "Bash",
            json!({"command": lines.get(line).copied().unwrap_or("ls"), "description": "x"}),
        ),
    };
    Proposal {
        id: format!("toolu_{number}").parse().unwrap(),
        session: format!("session-{}", number % SESSIONS).parse().unwrap(),
        agent: None,
        subagent: None,
        user: None,
        tool: Arc::from(tool),
        params,
        tagged: 0,
        directory: PathBuf::from("/nonexistent/app"),
        host_mode: Some("default".to_owned()),
        skill: None,
    }
}

fn gate(log: &Arc<dyn Log>) -> Gate {
    let clock = Arc::new(FixedClock::new(Timestamp::from_unix_ms(1_700_000_000_000)));
    let surroundings = Surroundings {
        home: PathBuf::from("/nonexistent"),
        directory: PathBuf::from("/nonexistent/app"),
        ..Surroundings::default()
    };
    let places = Places::of(&surroundings);
    Gate::new(Parts {
        log: Arc::clone(log),
        pause: Arc::new(ClockPause(Arc::clone(&clock))),
        clock,
        policies: Arc::new(FixedPolicies::new(InForce {
            policies: vec![developer()],
            ..InForce::default()
        })),
        processes: Arc::new(FixedProcesses::default()),
        approver: Arc::new(SilentApprover),
        settings: Settings::defaults().unwrap(),
        redactor: Redactor::new(Key::new(&[7; 32]).unwrap()),
        protected: Protected::of(&places, &surroundings),
        places,
        surroundings,
    })
}

fn developer() -> PolicyInForce {
    let name = "aegis:developer";
    let source = Source::new(name, pack(name).unwrap());
    let parsed = parse(&source, &MemorySources::default()).unwrap();
    let document = policy_document(&parsed.texts);
    PolicyInForce {
        compiled: Arc::new(Compiled::new(parsed.policy, Digest::of(&document))),
        document: Arc::from(document),
        standing: PolicyStanding::Current,
        only_tightens: false,
        origin: Origin::Default,
        path: None,
    }
}
