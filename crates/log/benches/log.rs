//! Measures the log beside the disk it stands on: `cargo bench -p aegis-log`.
//!
//! The folder given by `AEGIS_BENCH_DIR`, else the build folder, decides which
//! disk is measured. Words after `--` choose the figures whose names hold them.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice
)]

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aegis_log::{Batch, Depth, Durability, Evidence, Log, MemoryLog, Options, SqliteLog, verify};
use aegis_types::{ChainId, Entry, EventKind, Timestamp};
use serde_json::{Value, json};

/// How long each figure is measured.
const SPAN: Duration = Duration::from_millis(1_500);

fn main() {
    let place = Place::new();
    println!(
        "log: 2 envelopes of {} bytes in all to an append",
        entry_bytes()
    );
    println!(
        "\n{:<44} {:>10} {:>9} {:>9} {:>9}",
        "", "per s", "p50 us", "p99 us", "ratio"
    );
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word));
    if is_wanted("sync") {
        disk_sync(&place).print("sync of 4 KiB, appended", None);
    }
    for durability in [Durability::Full, Durability::Normal] {
        let name = format!("one plain row a commit, {durability:?}");
        let mut raw = None;
        if is_wanted(&name) || is_wanted(&format!("append, {durability:?}")) {
            let mut run = raw_commits(&place, durability);
            run.print(&name, None);
            raw = Some(run.per_second());
        }
        for producers in [1, 8, 64] {
            let name = format!("append, {producers} producers, {durability:?}");
            if is_wanted(&name) {
                append(&place.log(durability), producers).print(&name, raw);
            }
        }
        let name = format!("open, append, maintain, close, {durability:?}");
        if is_wanted(&name) {
            open_append_close(&place, durability).print(&name, None);
        }
    }
    if is_wanted("open and close") {
        open_only(&place).print("open and close", None);
    }
    for (size, padding) in [("small", 0), ("realistic", 1)] {
        if is_wanted("verify") {
            verify_speed(&place, size, padding == 1);
        }
    }
}

/// A folder for the files, removed at the end.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let parent = std::env::var_os("AEGIS_BENCH_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
        Self {
            folder: tempfile::tempdir_in(parent).expect("a folder"),
        }
    }

    fn path(&self) -> PathBuf {
        let unused = (0..).map(|number| self.folder.path().join(format!("{number}.db")));
        unused
            .into_iter()
            .find(|path| !path.exists())
            .expect("an unused name")
    }

    fn log(&self, durability: Durability) -> SqliteLog {
        open(&self.path(), durability)
    }
}

fn open(path: &Path, durability: Durability) -> SqliteLog {
    let options = Options {
        durability,
        wal_pages: 1_000,
        ..Options::default()
    };
    SqliteLog::open(path, options).expect("a log")
}

/// How long each of many steps took, and all of them together.
struct Run {
    steps: Vec<Duration>,
    whole: Duration,
}

impl Run {
    fn per_second(&self) -> f64 {
        self.steps.len() as f64 / self.whole.as_secs_f64()
    }

    fn print(&mut self, name: &str, raw: Option<f64>) {
        self.steps.sort();
        let at = |share: usize| {
            let place = (self.steps.len() * share / 100).min(self.steps.len() - 1);
            self.steps[place].as_secs_f64() * 1e6
        };
        let ratio = raw.map_or(String::new(), |raw| {
            format!("{:.2}", self.per_second() / raw)
        });
        println!(
            "{name:<44} {:>10.0} {:>9.1} {:>9.1} {ratio:>9}",
            self.per_second(),
            at(50),
            at(99)
        );
    }
}

/// Repeats `step` for the span; what `prepare` does is not counted.
fn measure<T>(mut prepare: impl FnMut(u64) -> T, mut step: impl FnMut(T)) -> Run {
    let began = Instant::now();
    let mut steps = Vec::new();
    let mut whole = Duration::ZERO;
    while began.elapsed() < SPAN {
        let prepared = prepare(steps.len() as u64);
        let step_began = Instant::now();
        step(prepared);
        let took = step_began.elapsed();
        steps.push(took);
        whole += took;
    }
    Run { steps, whole }
}

fn disk_sync(place: &Place) -> Run {
    let mut file = File::create(place.path()).expect("a file");
    measure(
        |number| number,
        |number| {
            file.seek(SeekFrom::Start(number * 4_096)).expect("a seek");
            file.write_all(&[7; 4_096]).expect("a write");
            file.sync_data().expect("a sync");
        },
    )
}

/// Inserts one plain row of the same size in each commit, with SQLite as it comes.
fn raw_commits(place: &Place, durability: Durability) -> Run {
    let sqlite = rusqlite::Connection::open(place.path()).expect("a database");
    let level = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    sqlite
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {level};
             CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)"
        ))
        .expect("a table");
    let body = vec![7_u8; entry_bytes()];
    measure(
        |_| (),
        |()| {
            sqlite
                .prepare_cached("INSERT INTO rows (body) VALUES (?1)")
                .expect("a statement")
                .execute([&body])
                .expect("a row");
        },
    )
}

fn append(log: &SqliteLog, producers: usize) -> Run {
    let began = Instant::now();
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..producers)
            .map(|producer| {
                scope.spawn(move || {
                    let chain = chain(producer);
                    let mut appended = 0;
                    measure(
                        |number| action(&chain, number),
                        |action| {
                            log.append(action).expect("an append");
                            appended += 1;
                            if producer == 0 && appended % 64 == 0 {
                                log.maintain().expect("maintenance");
                            }
                        },
                    )
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a producer"))
            .collect()
    });
    // One producer is measured by its own time, several by the time of all.
    let whole = match runs.as_slice() {
        [only] => only.whole,
        _ => began.elapsed(),
    };
    Run {
        steps: runs.into_iter().flat_map(|run| run.steps).collect(),
        whole,
    }
}

fn open_append_close(place: &Place, durability: Durability) -> Run {
    let path = place.path();
    let chain = chain(0);
    measure(
        |number| action(&chain, number),
        |action| {
            let options = Options {
                durability,
                ..Options::default()
            };
            let log = SqliteLog::open(&path, options).expect("a log");
            log.append(action).expect("an append");
            log.maintain().expect("maintenance");
        },
    )
}

fn open_only(place: &Place) -> Run {
    let path = place.path();
    let log = open(&path, Durability::Normal);
    for number in 0..20 {
        log.append(action(&chain(0), number)).expect("an append");
    }
    drop(log);
    measure(|_| (), |()| drop(open(&path, Durability::Normal)))
}

/// How long this process has computed, which other processes do not lengthen.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the process table");
    let after_name = stat.rsplit_once(") ").expect("a name").1;
    let fields: Vec<&str> = after_name.split(' ').collect();
    let ticks = |place: usize| fields[place].parse::<f64>().expect("ticks");
    (ticks(11) + ticks(12)) / 100.0
}

/// How many actions are verified.
const VERIFIED: u64 = 100_000;

/// Verifies a log of many records, one or two threads, both depths.
fn verify_speed(place: &Place, size: &str, is_realistic: bool) {
    let log = open(&place.path(), Durability::Normal);
    let sessions: Vec<ChainId> = (0..20).map(chain).collect();
    for number in 0..VERIFIED {
        let session = &sessions[number as usize / 8 % sessions.len()];
        let mut action = action(session, number);
        if !is_realistic {
            for entry in &mut action.entries {
                entry.payload = json!({"call_id": number}).into();
            }
        }
        log.append(action).expect("an append");
    }
    let records = log.change_counter().expect("a count");
    for (depth, name) in [(Depth::Hashes, "hashes"), (Depth::Canonical, "canonical")] {
        for threads in [1, 2] {
            let evidence = Evidence {
                depth,
                threads,
                ..Evidence::NONE
            };
            let (began, cpu_began) = (Instant::now(), cpu_seconds());
            let found = verify(&log, &evidence).expect("a verification");
            let seconds = began.elapsed().as_secs_f64();
            let cpu = cpu_seconds() - cpu_began;
            assert!(found.is_sound(), "{:?}", found.faults);
            println!(
                "verify {records} {size} records, {name}, {threads} threads: {:.2} M/s, {:.2} M/s of CPU",
                records as f64 / seconds / 1e6,
                records as f64 / cpu / 1e6
            );
        }
    }
}

fn chain(producer: usize) -> ChainId {
    ChainId::Session {
        tenant: "local".parse().expect("a name"),
        session: format!("0f8fad5b-d9cb-469f-a165-{producer:012}")
            .parse()
            .expect("a name"),
    }
}

/// A request and its decision, about as large as those of an agent's host.
fn action(chain: &ChainId, number: u64) -> Batch {
    let session = chain.session().map_or("", |session| session.as_str());
    let request = format!("toolu_01{}{number:09}", &session[28..]);
    let entry = |kind, payload: Value| Entry {
        at: Timestamp::from_unix_ms(1_790_000_000_000 + number as i64),
        kind,
        subject: Some(request.clone()),
        payload: payload.into(),
        sealed: None,
    };
    Batch {
        chain: chain.clone(),
        expected: None,
        entries: vec![
            entry(EventKind::ActionRequested, request_payload(&request)),
            entry(EventKind::DecisionMade, decision_payload(&request)),
        ],
        documents: Vec::new(),
    }
}

/// How many bytes the two envelopes of an action have.
fn entry_bytes() -> usize {
    let log = MemoryLog::new();
    let appended = log.append(action(&chain(0), 0)).expect("an append");
    appended
        .envelopes
        .iter()
        .map(|envelope| envelope.bytes().len())
        .sum()
}

fn request_payload(request: &str) -> Value {
    let command = "cargo nextest run -p aegis-log --no-fail-fast 2>&1 | tail -60";
    let word = |text: &str| json!({"text": text, "parts": [{"literal": text}]});
    json!({
        "call_id": request,
        "tool_name": "Bash",
        "args": {"command": command, "description": "Run the tests of one crate"},
        "action": "shell.exec",
        "principal": {"agent": "claude-code", "user": "developer", "session": "0f8fad5b"},
        "resource": {"command_line": command},
        "context": {
            "directory": "/home/developer/projects/aegis",
            "host_mode": "default",
            "plan": {"commands": [
                {"words": (["cargo", "nextest", "run", "-p", "aegis-log"].map(word))},
                {"words": (["tail", "-60"].map(word))},
            ]},
            "derived_by": {"program": "0.1.0", "shell": 1, "programs": 1},
        },
    })
}

fn decision_payload(request: &str) -> Value {
    json!({
        "call_id": request,
        "request_digest": "5d0c2a4c1e0f5f7d1b6f7bb0c8c3c6dbe0a1f2c3d4e5f60718293a4b5c6d7e8f",
        "outcome": "allow",
        "reason": "RULE_MATCHED",
        "findings": [
            {"check": "rules", "verdict": "allow", "reason": "RULE_MATCHED",
             "standing": "explicit", "policy": 0, "rule": "tests-and-builds"},
            {"check": "self_protection", "verdict": "allow", "reason": "DEFAULT",
             "standing": "default"},
        ],
        "policies": [
            {"name": "developer", "mode": "enforce",
             "digest": "a1b2c3d4e5f60718293a4b5c6d7e8f905d0c2a4c1e0f5f7d1b6f7bb0c8c3c6db"},
        ],
        "obligations": [{"timeout": "30s"}],
    })
}
