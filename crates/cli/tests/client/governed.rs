//! A stage on which Aegis is installed, by its own command.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use aegis_host::{Mode, ModelRequest, ScriptedModel, Session, Transcript};
use serde_json::Value;

use super::stage::{OPEN, Stage};

/// The policy that the tests are decided by: what is not named here is allowed.
///
/// A default allow says nothing to the client, so its own rules hold there.
const POLICY: &str = r#"
aegis: policy/v1
name: tested
default: allow
rules:
  - id: no-forbidden-files
    match: {tool: Bash, params: {command: {contains: forbidden}}}
    verdict: deny
    message: forbidden files are for nobody
  - id: no-letters-to-eve
    match: {tool: mcp__mail__send, params: {to: {contains: eve@}}}
    verdict: deny
    message: nobody writes to Eve
  - id: ask-for-shared
    match: {tool: Bash, params: {command: {contains: shared}}}
    verdict: ask
    risk: low
    message: shared files need a person
    approval: {within: 60s, otherwise: deny}
  - id: ask-briefly
    match: {tool: Bash, params: {command: {contains: brief}}}
    verdict: ask
    risk: low
    message: nobody answers this in time
    approval: {within: 1s, otherwise: deny}
  - id: in-time
    match: {tool: Bash, params: {command: {contains: endless}}}
    verdict: allow
    obligations: {timeout: 1s}
  - id: explicit
    match: {tool: Bash, params: {command: {contains: explicit}}}
    verdict: allow
"#;

/// A stage with Aegis installed for the user.
pub struct Governed<'a> {
    pub stage: &'a Stage,
}

impl<'a> Governed<'a> {
    /// Installs Aegis for the client of `stage`, with `settings` for the user.
    pub fn on(stage: &'a Stage, settings: &str) -> Self {
        let governed = Self::prepared(stage, settings);
        // What the proof shows is the installer's own test.
        let mut words = vec!["--no-proof"];
        if stage.client.version().to_string() == OPEN {
            words.push("--accept-fail-open");
        }
        let output = governed.install(&words);
        assert!(output.status.success(), "{output:?}");
        governed
    }

    /// Writes the user's policy and settings, and installs nothing.
    pub fn prepared(stage: &'a Stage, settings: &str) -> Self {
        let governed = Self { stage };
        let folder = governed.config_folder();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("policy.yaml"), POLICY).unwrap();
        fs::write(folder.join("settings.toml"), settings).unwrap();
        governed
    }

    /// Installs for the user, with these words added to the command line.
    pub fn install(&self, words: &[&str]) -> Output {
        let client = self.stage.client.program().to_str().unwrap();
        let begin = ["install", "claude-code", "--user", "--client", client];
        self.aegis(&[&begin, words].concat())
    }

    /// Returns the folder of the user's settings and policy.
    pub fn config_folder(&self) -> PathBuf {
        self.stage.home().join(".config/aegis")
    }

    /// Starts `aegis` with a home and a folder of this stage, and waits for it.
    pub fn aegis(&self, words: &[&str]) -> Output {
        Command::new(programs().join("aegis"))
            .args(words)
            .current_dir(self.stage.work())
            .env_clear()
            .env("HOME", self.stage.home())
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Plays a session in which the client itself lets everything pass.
    pub fn play(&self, model: &ScriptedModel) -> Transcript {
        self.session(model).play("MAIN").unwrap()
    }

    /// Returns a session in which the client itself lets everything pass.
    pub fn session<'s>(&'s self, model: &'s ScriptedModel) -> Session<'s> {
        self.stage.session(model).mode(Mode::BypassPermissions)
    }

    /// Returns every envelope of the log, session by session.
    pub fn envelopes(&self) -> Vec<Value> {
        self.exported().expect("the log cannot be exported")
    }

    /// Returns every envelope; `None` when there is no log yet.
    fn exported(&self) -> Option<Vec<Value>> {
        let output = self.aegis(&["log", "export"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        output.status.success().then(|| lines.collect())
    }

    /// Returns `tool: verdict reason, outcome` of every request, in order.
    ///
    /// A request that was decided again shows every decision.
    pub fn decided(&self) -> Vec<String> {
        let envelopes = self.envelopes();
        let of = |kind: &str, subject: &Value, show: fn(&Value) -> String| -> String {
            envelopes
                .iter()
                .filter(|envelope| {
                    envelope["event_type"] == kind && envelope["subject"] == *subject
                })
                .map(|envelope| show(&envelope["payload"]))
                .collect()
        };
        envelopes
            .iter()
            .filter(|envelope| envelope["event_type"] == "TOOL_CALL_PROPOSED")
            .map(|envelope| {
                let tool = text(&envelope["payload"]["tool_name"]);
                let subject = &envelope["subject"];
                let decisions = of("POLICY_DECISION", subject, |payload| {
                    format!(
                        " {} {},",
                        text(&payload["verdict"]),
                        text(&payload["reason"])
                    )
                });
                let outcome = of("TOOL_RESULT", subject, |payload| {
                    format!(" {}", text(&payload["outcome"]))
                });
                format!("{tool}:{decisions}{outcome}")
            })
            .collect()
    }

    /// Returns the kinds of the events that are among `kinds`, in order.
    pub fn kinds(&self, kinds: &[&str]) -> Vec<String> {
        self.envelopes()
            .iter()
            .map(|envelope| text(&envelope["event_type"]))
            .filter(|kind| kinds.contains(&kind.as_str()))
            .collect()
    }

    /// Asserts that nothing in the log was changed.
    pub fn verify(&self) {
        let output = self.aegis(&["log", "verify"]);
        assert!(output.status.success(), "{output:?}");
    }

    /// Waits until the log holds an event of this kind, and returns its payload.
    pub fn wait_for(&self, kind: &str) -> Value {
        let start = std::time::Instant::now();
        loop {
            let found = self
                .exported()
                .unwrap_or_default()
                .into_iter()
                .find(|envelope| envelope["event_type"] == kind);
            if let Some(mut envelope) = found {
                return envelope["payload"].take();
            }
            let waited = start.elapsed();
            assert!(waited.as_secs() < 45, "no {kind} came");
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("?").to_owned()
}

/// Returns the folder of the programs under test.
pub fn programs() -> PathBuf {
    let folder = std::env::var_os("AEGIS_TEST_BIN").unwrap_or_else(|| {
        panic!(
            "this test starts the built programs: start it with `cargo xtask test`, which builds \
             them and sets AEGIS_TEST_BIN to the folder they are in"
        )
    });
    PathBuf::from(folder)
}

/// Asserts that the model was refused the tool use, with `message` in the reason.
pub fn assert_refused(model: &ScriptedModel, id: &str, message: &str) {
    let requests = model.requests();
    let results = requests.iter().rev().flat_map(ModelRequest::tool_results);
    let told: Vec<_> = results.filter(|result| result.tool_use_id == id).collect();
    let is_refused = told
        .iter()
        .any(|result| result.is_error && result.text.contains(message));
    assert!(is_refused, "expected `{message}`, but told {told:?}");
}
