//! What the pack for developers says to one call, through the real pipeline.

use std::path::Path;
use std::sync::Arc;

use aegis_gate::{FixedClock, Gate, PolicyInForce, Proposal, Surroundings, WaitFor};
use aegis_log::{Log, MemoryLog};
use aegis_policy::pack;
use aegis_types::{Decision, DurationMs, Finding, Timestamp, Verdict};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::project;
use super::variant::Place;
use crate::bench::{machine, stage};

/// The pack that decides.
const PACK: &str = "aegis:developer";

/// How many calls one log takes: the log in memory looks through all it holds.
const OF_LOG: usize = 128;

/// One call of a tool.
#[derive(Clone, Debug)]
pub struct Call {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub params: Value,
}

impl Call {
    /// Returns the call of a shell with `command`.
    pub fn shell(command: &str) -> Self {
        Self {
            tool: "Bash".to_owned(),
            params: json!({ "command": command }),
        }
    }

    /// Returns the command line, if a shell is called.
    pub fn command(&self) -> Option<&str> {
        match self.tool.as_str() {
            "Bash" => self.params.get("command").and_then(Value::as_str),
            _ => None,
        }
    }

    /// Returns the call on one line.
    pub fn shown(&self) -> String {
        match self.command() {
            Some(command) => command.escape_debug().to_string(),
            None => format!("{} {}", self.tool, self.params),
        }
    }
}

/// What was said to a call.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The verdict.
    pub verdict: Verdict,
    /// What decided: a rule, or else a reason.
    pub by: String,
}

impl Answer {
    /// Reports whether the call did not simply happen.
    pub fn is_caught(&self) -> bool {
        self.is_denied() || self.is_asked()
    }

    /// Reports whether the call was denied.
    pub fn is_denied(&self) -> bool {
        match self.verdict {
            Verdict::Deny => true,
            Verdict::Ask | Verdict::Allow => false,
        }
    }

    /// Reports whether a person was asked.
    pub fn is_asked(&self) -> bool {
        match self.verdict {
            Verdict::Ask => true,
            Verdict::Deny | Verdict::Allow => false,
        }
    }
}

/// Decides one call after another, each in a session of its own.
pub struct Decider {
    // Removes the project at the end.
    _folder: TempDir,
    surroundings: Surroundings,
    policy: PolicyInForce,
    clock: Arc<FixedClock>,
    gate: Gate,
    calls: usize,
}

impl Decider {
    /// Returns a decider in a project made for it.
    pub fn new() -> Result<Self> {
        let folder = machine::scratch()?;
        let surroundings = project::make(folder.path())?;
        let policy = stage::in_force(pack(PACK).context("the pack is missing")?)?;
        let clock = Arc::new(FixedClock::new(Timestamp::from_unix_ms(1_790_000_000_000)));
        let gate = gate(&policy, &clock, &surroundings)?;
        Ok(Self {
            _folder: folder,
            surroundings,
            policy,
            clock,
            gate,
            calls: 0,
        })
    }

    /// Returns the home folder of the developer.
    pub fn home(&self) -> &Path {
        &self.surroundings.home
    }

    /// Returns where its commands are run.
    pub fn place(&self) -> Place {
        Place {
            home: self.home().to_string_lossy().into_owned(),
            home_at: Some(self.home().to_owned()),
            directory: self.surroundings.directory.clone(),
        }
    }

    /// Returns what is said to `call`.
    pub fn decide(&mut self, call: &Call) -> Result<Answer> {
        self.calls += 1;
        if self.calls.is_multiple_of(OF_LOG) {
            self.gate = gate(&self.policy, &self.clock, &self.surroundings)?;
        }
        self.clock.advance(DurationMs::from_secs(60));
        let proposal = Proposal {
            id: format!("toolu_{:09}", self.calls).parse()?,
            session: format!("session-{:09}", self.calls).parse()?,
            agent: None,
            subagent: None,
            user: None,
            tool: Arc::from(call.tool.as_str()),
            params: call.params.clone(),
            tagged: 0,
            directory: self.surroundings.directory.clone(),
            host_mode: Some("default".to_owned()),
            skill: None,
        };
        let decision = self.gate.submit(&proposal, WaitFor::Later).decision;
        Ok(Answer {
            verdict: decision.verdict,
            by: by(&decision),
        })
    }
}

fn gate(
    policy: &PolicyInForce,
    clock: &Arc<FixedClock>,
    surroundings: &Surroundings,
) -> Result<Gate> {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let clock = Arc::clone(clock);
    stage::gate_in(log, clock, policy.clone(), surroundings.clone())
}

/// Returns the rule that decided, and else the reason.
fn by(decision: &Decision) -> String {
    match decision.deciding() {
        Some(Finding {
            rule: Some(rule),
            unknown,
            ..
        }) => match unknown {
            true => format!("{rule} (unknown)"),
            false => rule.to_string(),
        },
        Some(_) | None => decision.reason.to_string(),
    }
}
