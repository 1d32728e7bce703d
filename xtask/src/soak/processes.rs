//! Many hooks at once on one database.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use aegis_log::{Evidence, Log, SqliteLog, verify};
use aegis_types::EventKind;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::bench::machine;
use crate::cargo::build_hook;

/// How many hooks are at work at the same time.
const PROCESSES: usize = 32;

/// How often.
const ROUNDS: usize = 200;

const POLICY: &str = "aegis: policy/v1
name: soak
default: allow
rules:
  - {id: never, match: {shell: {program: cargo, subcommand: publish}}, verdict: deny}
  - {id: always, match: {shell: {program: cargo, subcommand: test}}, verdict: allow}
";

/// What a command must be answered: aloud, or by silence where the default decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Expected {
    Allow,
    Deny,
    Silence,
}

impl Expected {
    const fn of(number: usize) -> (Self, &'static str) {
        match number % 3 {
            0 => (Self::Deny, "cargo publish --dry-run"),
            1 => (Self::Allow, "cargo test --workspace"),
            _ => (Self::Silence, "ls -la src"),
        }
    }

    /// Returns the verdict that stands in the log.
    const fn verdict(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow | Self::Silence => "allow",
        }
    }

    fn is_answered_by(self, answer: &[u8]) -> bool {
        let answer: Option<Value> = serde_json::from_slice(answer).ok();
        let permission = answer
            .as_ref()
            .and_then(|answer| answer.pointer("/hookSpecificOutput/permissionDecision"))
            .and_then(Value::as_str);
        let names = |rule: &str| {
            answer.as_ref().is_some_and(|answer| {
                answer
                    .pointer("/hookSpecificOutput/permissionDecisionReason")
                    .and_then(Value::as_str)
                    .is_some_and(|reason| reason.contains(rule))
            })
        };
        match self {
            // A denial for another reason would be a wrong answer.
            Self::Deny => permission == Some("deny") && names("never"),
            Self::Allow => permission == Some("allow"),
            Self::Silence => answer.is_none(),
        }
    }
}

/// One hook at work.
struct Worker {
    child: Child,
    id: String,
    expected: Expected,
}

/// Performs all rounds, at both levels.
pub fn perform() -> Result<()> {
    let hook = build_hook()?;
    for level in ["normal", "full"] {
        let scratch = machine::scratch()?;
        let began = Instant::now();
        let stage = Stage::make(scratch.path(), level, &hook)?;
        let mut asked = BTreeMap::new();
        for round in 0..ROUNDS {
            stage.perform_round(round, &mut asked)?;
        }
        let records = stage.check(&asked)?;
        println!(
            "  level {level}: {} hooks, {records} records, no lost record, no broken chain, \
             no wrong answer: met ({:.0} s)",
            asked.len(),
            began.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

struct Stage {
    home: PathBuf,
    project: PathBuf,
    hook: PathBuf,
}

impl Stage {
    fn make(root: &Path, level: &str, hook: &Path) -> Result<Self> {
        let home = root.join("home");
        let project = home.join("project");
        fs::create_dir_all(home.join(".config/aegis"))?;
        fs::create_dir_all(&project)?;
        fs::write(
            home.join(".config/aegis/settings.toml"),
            format!("durability = \"{level}\"\n"),
        )?;
        fs::write(home.join(".config/aegis/policy.yaml"), POLICY)?;
        Ok(Self {
            home,
            project,
            hook: hook.to_owned(),
        })
    }

    fn perform_round(&self, round: usize, asked: &mut BTreeMap<String, Expected>) -> Result<()> {
        // In the first round there is no log yet: 32 processes make it at once.
        let workers = (0..PROCESSES)
            .map(|number| self.start(round, number))
            .collect::<Result<Vec<_>>>()?;
        for mut worker in workers {
            let mut answer = Vec::new();
            if let Some(mut stdout) = worker.child.stdout.take() {
                stdout.read_to_end(&mut answer)?;
            }
            let status = worker.child.wait()?;
            if !status.success() || !worker.expected.is_answered_by(&answer) {
                bail!(
                    "round {round}: {} must be answered {:?}, ended with {status} and {}",
                    worker.id,
                    worker.expected,
                    String::from_utf8_lossy(&answer)
                );
            }
            asked.insert(worker.id, worker.expected);
        }
        if round.is_multiple_of(20) {
            self.verify()?;
        }
        Ok(())
    }

    /// Starts one hook; every other one acts in a session that many share.
    fn start(&self, round: usize, number: usize) -> Result<Worker> {
        let (expected, line) = Expected::of(round + number);
        let id = format!("toolu_{round:04}_{number:02}");
        let session = match number % 2 {
            0 => format!("shared-{}", round / 4),
            _ => format!("own-{}-{number}", round / 4),
        };
        let event = json!({
            "session_id": session,
            "transcript_path": self.project.join("transcript.jsonl"),
            "cwd": self.project,
            "permission_mode": "default",
            "hook_event_name": "PreToolUse",
            "tool_name": "Bash",
            "tool_input": {"command": line},
            "tool_use_id": id,
        });
        let mut child = Command::new(&self.hook)
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", "/usr/bin:/bin")
            .current_dir(&self.project)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdin = child.stdin.take().context("the input is piped")?;
        stdin.write_all(event.to_string().as_bytes())?;
        Ok(Worker {
            child,
            id,
            expected,
        })
    }

    fn verify(&self) -> Result<(SqliteLog, u64)> {
        let log = SqliteLog::open_read_only(self.home.join(".local/share/aegis/log.db"))?;
        let found = verify(&log, &Evidence::NONE)?;
        if !found.is_sound() {
            bail!("the log is not sound: {:?}", found.faults);
        }
        Ok((log, found.records))
    }

    /// Fails unless every request is recorded once, with the decision that was answered.
    fn check(&self, asked: &BTreeMap<String, Expected>) -> Result<u64> {
        let (log, records) = self.verify()?;
        let mut requests: BTreeMap<String, usize> = BTreeMap::new();
        let mut verdicts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for summary in log.chains()? {
            for envelope in log.read(&summary.chain, 0, usize::MAX)? {
                let Some(subject) = envelope.subject else {
                    continue;
                };
                if envelope.kind == EventKind::ActionRequested {
                    *requests.entry(subject).or_default() += 1;
                } else if envelope.kind == EventKind::DecisionMade {
                    let verdict = envelope.payload.get("verdict").and_then(Value::as_str);
                    let verdict = verdict.unwrap_or("none").to_owned();
                    verdicts.entry(subject).or_default().push(verdict);
                }
            }
        }
        for (id, expected) in asked {
            let is_once = requests.get(id) == Some(&1);
            let is_right = verdicts
                .get(id)
                .is_some_and(|all| *all == [expected.verdict()]);
            if !is_once || !is_right {
                bail!(
                    "{id} is recorded as {:?}, {:?}",
                    requests.get(id),
                    verdicts.get(id)
                );
            }
        }
        if requests.len() != asked.len() {
            bail!(
                "{} requests are recorded, {} were made",
                requests.len(),
                asked.len()
            );
        }
        Ok(records)
    }
}
