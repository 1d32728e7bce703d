//! Showing in the installed client itself that a denied call does not happen.
//!
//! The client plays one session in scratch folders against a scripted model:
//! a call that a policy denies, and one that it does not speak of. Only if the
//! second left its file and the first did not, and the log holds both
//! decisions, is anything proved.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aegis_log::{Log, OpenLogError, Query, ReadLogError, SqliteLog};
use aegis_types::{Event, EventKind, Verdict};
use serde_json::{Value, json};
use thiserror::Error;

use crate::client::{Client, ClientVersion, Session, SessionError, Transcript};
use crate::registration::{EVENTS, SWITCH, groups, hooks, is_ours};
use crate::scripted::{Script, ScriptedModel, StartModelError, ToolUse, Turn};

/// The policy of the proof.
const POLICY: &str = "\
aegis: policy/v1
name: proof
default: allow
rules:
  - id: no-shell
    match:
      tool: Bash
    verdict: deny
    message: The proof of the installation denies this call
";

/// The call that is denied.
const DENIED: &str = "toolu_aegis_denied";

/// The call that is let through, without which a quiet client would prove nothing.
const CONTROL: &str = "toolu_aegis_control";

/// What was shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof {
    /// The client in which it was shown.
    pub program: PathBuf,
    /// Its version.
    pub version: ClientVersion,
    /// What the model was told of the denied call.
    pub told: String,
}

/// Why nothing was proved.
#[derive(Debug, Error)]
pub enum ProveError {
    /// The scratch folder could not be made.
    #[error("cannot make the scratch folder `{}`", path.display())]
    Scratch {
        /// The folder or a file in it.
        path: PathBuf,
        /// Why the system refused.
        #[source]
        source: io::Error,
    },
    /// The settings register no hook of ours.
    #[error("the settings register no hook")]
    NothingRegistered,
    /// The scripted model could not be started.
    #[error("cannot start the scripted model")]
    Model(#[from] StartModelError),
    /// The client could not be started.
    #[error("cannot play a session of the client")]
    Session(#[from] SessionError),
    /// The denied call happened.
    #[error("the denied call was carried out all the same")]
    Happened,
    /// The call that nothing denies did not happen, so its silence proves nothing.
    #[error("the client did not carry out the call that nothing denies: {said}")]
    ControlPrevented {
        /// What the client said of it.
        said: String,
    },
    /// The log cannot be opened.
    #[error("the hook left no log")]
    Open(#[from] OpenLogError),
    /// The log cannot be read.
    #[error("the log of the hook cannot be read")]
    Log(#[from] ReadLogError),
    /// The log lacks a decision, or holds another one.
    #[error("the log does not hold the decision about the {0} call")]
    NotRecorded(&'static str),
}

/// Shows in `client` that the hook registered by the settings text denies.
///
/// `scratch` is a folder that does not exist; it is gone again on return.
///
/// # Errors
///
/// [`ProveError`]: the first thing that was not as it should be.
pub fn prove(client: &Client, settings: &Value, scratch: &Path) -> Result<Proof, ProveError> {
    let result = play(client, settings, scratch);
    // What could not be removed is in a scratch folder and says nothing about the proof.
    let _ = fs::remove_dir_all(scratch);
    result
}

fn play(client: &Client, settings: &Value, scratch: &Path) -> Result<Proof, ProveError> {
    let registered = ours_only(settings)?;
    make(scratch, None)?;
    let home = scratch.join("home");
    let project = scratch.join("project");
    let config = scratch.join("config");
    make(&project, None)?;
    make(&home.join(".claude"), None)?;
    make(
        &home.join(".claude/settings.json"),
        Some(&registered.to_string()),
    )?;
    make(&config.join("aegis"), None)?;
    make(&config.join("aegis/policy.yaml"), Some(POLICY))?;
    let denied = project.join("denied");
    let control = project.join("control");
    let model = ScriptedModel::start(script(&denied, &control))?;
    let session: Session<'_> = client
        .session(&model, &home, &project)
        .variable("AEGIS_HOME", scratch.join("state"))
        .variable("XDG_CONFIG_HOME", &config)
        .allowed_tools(&["Bash", "Write"]);
    let transcript = session.play("prove")?;
    if denied.exists() {
        return Err(ProveError::Happened);
    }
    if !control.exists() {
        return Err(ProveError::ControlPrevented {
            said: said_of(&transcript, CONTROL),
        });
    }
    check_log(&scratch.join("state/log.db"))?;
    Ok(Proof {
        program: client.program().to_owned(),
        version: client.version(),
        told: said_of(&transcript, DENIED),
    })
}

/// Returns settings with our hooks of `settings` and nothing else: what other
/// hooks would do is not ours to start.
fn ours_only(settings: &Value) -> Result<Value, ProveError> {
    let mut events = serde_json::Map::new();
    for event in EVENTS {
        let ours: Vec<Value> = groups(settings, event)
            .filter(|group| hooks(group).any(is_ours) && hooks(group).all(is_ours))
            .cloned()
            .collect();
        if !ours.is_empty() {
            events.insert(event.to_owned(), Value::Array(ours));
        }
    }
    if events.is_empty() {
        return Err(ProveError::NothingRegistered);
    }
    Ok(json!({ SWITCH: settings.get(SWITCH), "hooks": events }))
}

fn script(denied: &Path, control: &Path) -> Script {
    let command = format!("echo carried out > '{}'", denied.display());
    Script::of([
        Turn::uses([
            ToolUse::new("Bash", json!({"command": command, "description": "Write"}))
                .with_id(DENIED),
        ]),
        Turn::uses([ToolUse::new(
            "Write",
            json!({"file_path": control, "content": "carried out\n"}),
        )
        .with_id(CONTROL)]),
        Turn::says("done"),
    ])
}

fn check_log(path: &Path) -> Result<(), ProveError> {
    let log = SqliteLog::open_read_only(path)?;
    let verdict_of = |call: &str| -> Result<Option<Verdict>, ProveError> {
        let query = Query {
            kinds: &[EventKind::DecisionMade],
            subject: Some(call),
            limit: 1,
            ..Query::default()
        };
        let found = log.newest(&query)?.into_iter().next();
        let event = found.and_then(|envelope| {
            Event::from_recorded(
                envelope.kind,
                envelope.subject.as_deref(),
                &envelope.payload,
            )
            .ok()
        });
        Ok(match event {
            Some(Event::DecisionMade { decision, .. }) => Some(decision.verdict),
            Some(
                Event::ActionRequested(_)
                | Event::ApprovalRequested(_)
                | Event::ApprovalAnswered(_)
                | Event::ApprovalExpired { .. }
                | Event::OutcomeRecorded { .. }
                | Event::Observed { .. },
            )
            | None => None,
        })
    };
    if verdict_of(DENIED)? != Some(Verdict::Deny) {
        return Err(ProveError::NotRecorded("denied"));
    }
    if verdict_of(CONTROL)? != Some(Verdict::Allow) {
        return Err(ProveError::NotRecorded("other"));
    }
    Ok(())
}

fn said_of(transcript: &Transcript, call: &str) -> String {
    transcript
        .tool_result(call)
        .map_or_else(|| transcript.final_text(), |result| result.text)
}

/// Makes a folder, or a file that holds `text`.
fn make(path: &Path, text: Option<&str>) -> Result<(), ProveError> {
    match text {
        None => fs::create_dir_all(path),
        Some(text) => fs::write(path, text),
    }
    .map_err(|source| ProveError::Scratch {
        path: path.to_owned(),
        source,
    })
}
