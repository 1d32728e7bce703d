//! The hook as a whole process, beside an empty program and `/bin/true`.
//!
//! Every figure of one table comes from one run: the programs take turns, so
//! that whatever else the machine does falls on all of them alike.

use std::fs;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aegis_log::{Batch, Durability, Log as _, Options, SqliteLog};
use aegis_types::{ChainId, Event, EventKind, Timestamp};
use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::figures::{Figures, at_most};
use super::{machine, mix};
use crate::cargo::{Cargo, build_hook, target_folder};

/// How often each program runs.
const RUNS: usize = 1_000;

/// How often each program runs whose caches are removed before every run.
const RUNS_COLD: usize = 200;

/// After how many calls the host tells that a message's calls have ended.
const BATCH: usize = 4;

const SESSION: &str = "5b1ff0a2-0000-4000-8000-000000000001";

const EMPTY: &str = "empty Rust program";

/// The set-up that has a target.
const MEASURED: &str = "hook, 101 rules, normal, warm cache";

/// The set-up that a service answers.
const SERVED: &str = "hook, 101 rules, full, warm service";

/// Names another hook program, such as an earlier one, to run beside in that set-up.
const BESIDE: &str = "AEGIS_BENCH_BESIDE";

const OTHER: &str = "the other hook, in the same set-up";

/// One program in one set-up.
struct Contestant {
    name: String,
    program: PathBuf,
    home: Option<Home>,
    /// The service that answers it, if one does.
    _service: Option<Served>,
    times: Vec<Duration>,
    runs: usize,
}

/// A home folder with a project and a policy in it.
struct Home {
    root: PathBuf,
    is_cold: bool,
}

/// Measures and prints.
pub fn measure() -> Result<()> {
    let hook = build_hook()?;
    let scratch = machine::scratch()?;
    let empty = build_empty(scratch.path())?;
    let mut contestants = vec![
        plain("/bin/true", PathBuf::from("/bin/true")),
        plain(EMPTY, empty),
    ];
    for (rules, level, is_cold) in [
        (101, "normal", false),
        (101, "normal", true),
        (101, "full", false),
        (1_000, "normal", false),
        (1_000, "normal", true),
        (1_000, "full", false),
    ] {
        let caches = if is_cold { "cold" } else { "warm" };
        let root = scratch.path().join(format!("{rules}-{level}-{caches}"));
        make_home(&root, rules, level)?;
        contestants.push(Contestant {
            name: format!("hook, {rules} rules, {level}, {caches} cache"),
            program: hook.clone(),
            home: Some(Home { root, is_cold }),
            _service: None,
            times: Vec::new(),
            runs: if is_cold { RUNS_COLD } else { RUNS },
        });
    }
    let root = scratch.path().join("served");
    make_home(&root, 101, "full")?;
    contestants.push(Contestant {
        _service: Some(Served::start(&root)?),
        home: Some(Home {
            root,
            is_cold: false,
        }),
        ..plain(SERVED, hook.clone())
    });
    if let Some(other) = std::env::var_os(BESIDE) {
        let root = scratch.path().join("beside");
        make_home(&root, 101, "normal")?;
        contestants.push(Contestant {
            home: Some(Home {
                root,
                is_cold: false,
            }),
            ..plain(OTHER, PathBuf::from(other))
        });
    }
    for contestant in &mut contestants {
        // Twice, because the first run makes the log and the caches.
        run_once(contestant, 0)?;
        run_once(contestant, 1)?;
        contestant.times.clear();
    }
    for turn in 0..RUNS {
        for at in order(contestants.len(), turn) {
            let contestant = contestants.get_mut(at).context("one of them")?;
            if turn < contestant.runs {
                run_once(contestant, turn + 2)?;
            }
        }
    }
    print(&contestants, &hook)?;
    tell_commits(&contestants)
}

/// Returns the places of `count` programs in another order each turn: what ran
/// before leaves its traces in the caches of the processor.
fn order(count: usize, turn: usize) -> impl Iterator<Item = usize> {
    let strides: Vec<usize> = (1..count)
        .filter(|stride| (2..=*stride).all(|by| stride % by != 0 || !count.is_multiple_of(by)))
        .collect();
    let stride = strides.get(turn % strides.len().max(1)).copied();
    (0..count).map(move |at| (at * stride.unwrap_or(1) + turn) % count)
}

fn print(contestants: &[Contestant], hook: &Path) -> Result<()> {
    let figures = |name: &str| {
        contestants
            .iter()
            .find(|contestant| contestant.name == name)
            .map(|contestant| Figures::of(&contestant.times))
            .context("every program was measured")
    };
    let empty = figures(EMPTY)?.median.as_secs_f64();
    println!(
        "  {:<42} {:>10} {:>10} {:>8}",
        "", "median", "p99", "x empty"
    );
    for contestant in contestants {
        let figures = Figures::of(&contestant.times);
        println!(
            "  {:<42} {:>7.3} ms {:>7.3} ms {:>8.2}",
            contestant.name,
            figures.median.as_secs_f64() * 1e3,
            figures.p99.as_secs_f64() * 1e3,
            figures.median.as_secs_f64() / empty,
        );
    }
    let size = fs::metadata(hook)?.len() as f64 / 1e6;
    println!("  size of the hook program: {size:.2} MB");
    let ours = figures(MEASURED)?.median.as_secs_f64();
    at_most(MEASURED, ours / empty, 3.0, "x the empty program");
    let commit = commit_time()?.as_secs_f64();
    let served = figures(SERVED)?.median.as_secs_f64();
    println!("  one durable commit: {:.3} ms", commit * 1e3);
    at_most(
        SERVED,
        served / (empty + commit),
        1.6,
        "x the empty program and a commit",
    );
    if let Ok(other) = figures(OTHER) {
        let above = (ours - other.median.as_secs_f64()) * 1e3;
        at_most("this hook above the other one", above, 0.4, "ms");
    }
    Ok(())
}

/// Returns how long a durable commit takes, by the median of many.
fn commit_time() -> Result<Duration> {
    let scratch = machine::scratch()?;
    let log = SqliteLog::open(
        scratch.path().join("log.db"),
        Options {
            durability: Durability::Full,
            ..Options::default()
        },
    )?;
    let chain = ChainId::Session {
        tenant: "local".parse()?,
        session: SESSION.parse()?,
    };
    let event = Event::Observed {
        kind: EventKind::PromptSubmitted,
        subject: None,
        detail: serde_json::json!({"text": "x".repeat(1_400)}),
    };
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let entry = event.entry(Timestamp::from_unix_ms(0))?;
        let began = Instant::now();
        log.append(Batch {
            chain: chain.clone(),
            expected: None,
            entries: vec![entry],
            documents: Vec::new(),
        })?;
        times.push(began.elapsed());
    }
    Ok(Figures::of(&times).median)
}

/// A service in a home, ended when it is dropped.
struct Served(Child);

impl Served {
    fn start(home: &Path) -> Result<Self> {
        Cargo::new(&["build", "--quiet", "--release", "-p", "aegis-cli"]).succeed()?;
        let child = Command::new(target_folder()?.join("release/aegis"))
            .arg("serve")
            .env_clear()
            .env("HOME", home)
            .stdout(Stdio::null())
            .spawn()?;
        let served = Self(child);
        let socket = home.join(".local/share/aegis/aegis.sock");
        let began = Instant::now();
        while UnixStream::connect(&socket).is_err() {
            if began.elapsed() > Duration::from_secs(30) {
                bail!("the service did not begin");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(served)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Counts the commits of single runs, by what they leave in the WAL.
fn tell_commits(contestants: &[Contestant]) -> Result<()> {
    let measured = contestants
        .iter()
        .find(|contestant| contestant.name == MEASURED)
        .context("the hook was measured")?;
    let home = measured.home.as_ref().context("the hook has a home")?;
    let wal = home.root.join(".local/share/aegis/log.db-wal");
    let mut most = 0;
    for turn in 0..8 {
        let before = commits(&fs::read(&wal)?);
        propose(measured, RUNS + 2 + turn)?;
        let after = commits(&fs::read(&wal)?);
        // A WAL that was folded back in between tells nothing.
        most = most.max(after.saturating_sub(before));
    }
    at_most(
        "commits of one hook before its end",
        most as f64,
        1.0,
        "commits",
    );
    Ok(())
}

/// Counts the frames of a WAL that end a commit: those that hold a size of the database.
fn commits(wal: &[u8]) -> usize {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 4_096;
    let salt = wal.get(16..24);
    wal.get(HEADER..)
        .unwrap_or_default()
        .chunks_exact(FRAME)
        .take_while(|frame| frame.get(8..16) == salt)
        .filter(|frame| frame.get(4..8).is_some_and(|size| size != [0; 4]))
        .count()
}

fn plain(name: &str, program: PathBuf) -> Contestant {
    Contestant {
        name: name.to_owned(),
        program,
        home: None,
        _service: None,
        times: Vec::new(),
        runs: RUNS,
    }
}

/// Builds a program that does nothing, the way the hook is built.
fn build_empty(folder: &Path) -> Result<PathBuf> {
    let source = folder.join("empty.rs");
    fs::write(&source, "fn main() {}\n")?;
    let program = folder.join("empty");
    let status = Command::new("rustc")
        .args([
            "--edition",
            "2024",
            "-C",
            "opt-level=3",
            "-C",
            "lto=fat",
            "-C",
            "panic=abort",
        ])
        .args(["-C", "codegen-units=1", "-C", "strip=symbols", "-o"])
        .args([&program, &source])
        .status()?;
    if !status.success() {
        bail!("the empty program could not be built");
    }
    Ok(program)
}

fn make_home(root: &Path, rules: usize, level: &str) -> Result<()> {
    let config = root.join(".config/aegis");
    fs::create_dir_all(&config)?;
    fs::create_dir_all(root.join("project"))?;
    fs::write(
        config.join("settings.toml"),
        format!("durability = \"{level}\"\n"),
    )?;
    fs::write(config.join("policy.yaml"), mix::policy_text(rules))?;
    Ok(())
}

/// Runs a program once, and ends the message of an agent's host where its last
/// call was proposed.
fn run_once(contestant: &mut Contestant, turn: usize) -> Result<()> {
    let Some(home) = &contestant.home else {
        let mut command = Command::new(&contestant.program);
        let took = timed(&mut command, b"", &contestant.name)?;
        contestant.times.push(took);
        return Ok(());
    };
    if home.is_cold {
        // What is not there any more is cold as well.
        let _ = fs::remove_dir_all(home.root.join(".local/share/aegis/cache"));
    }
    let took = propose(contestant, turn)?;
    contestant.times.push(took);
    if turn % BATCH == BATCH - 1 {
        hook(contestant, |project| ended(project, turn))?;
    }
    Ok(())
}

/// Has the hook decide call number `turn`.
fn propose(contestant: &Contestant, turn: usize) -> Result<Duration> {
    hook(contestant, |project| call(project, turn))
}

/// Runs the hook in its home with the event that `input` returns.
fn hook(contestant: &Contestant, input: impl Fn(&Path) -> String) -> Result<Duration> {
    let home = contestant.home.as_ref().context("the hook has a home")?;
    let project = home.root.join("project");
    let mut command = Command::new(&contestant.program);
    command
        .env_clear()
        .env("HOME", &home.root)
        .env("PATH", "/usr/bin:/bin")
        .current_dir(&project);
    timed(&mut command, input(&project).as_bytes(), &contestant.name)
}

/// Starts a program, waits for its end and returns how long that took.
fn timed(command: &mut Command, input: &[u8], name: &str) -> Result<Duration> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // The programs beside the hook do not read.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output()?;
    let took = began.elapsed();
    if !output.status.success() {
        bail!("{name} ended with {}", output.status);
    }
    if !output.stdout.is_empty() {
        bail!(
            "{name} answered {}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    Ok(took)
}

/// Returns the event of a proposed call.
fn call(project: &Path, turn: usize) -> String {
    event(
        project,
        serde_json::json!({
            "hook_event_name": "PreToolUse",
            "tool_name": "Bash",
            "tool_input": {
                "command": "cargo test --workspace 2>&1 | tail -20",
                "description": "Run tests",
            },
            "tool_use_id": format!("toolu_{turn:08}"),
        }),
    )
}

/// Returns the event that the calls of one message have ended.
fn ended(project: &Path, turn: usize) -> String {
    let calls: Vec<_> = (turn.saturating_sub(BATCH - 1)..=turn)
        .map(|turn| {
            serde_json::json!({
                "tool_use_id": format!("toolu_{turn:08}"),
                "tool_name": "Bash",
                "tool_response": {"stdout": "ok"},
            })
        })
        .collect();
    event(
        project,
        serde_json::json!({"hook_event_name": "PostToolBatch", "tool_calls": calls}),
    )
}

fn event(project: &Path, mut fields: Value) -> String {
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("session_id".to_owned(), SESSION.into());
        fields.insert("cwd".to_owned(), project.to_string_lossy().into());
        fields.insert("permission_mode".to_owned(), "default".into());
        let transcript = project.join("transcript.jsonl");
        fields.insert(
            "transcript_path".to_owned(),
            transcript.to_string_lossy().into(),
        );
    }
    fields.to_string()
}
