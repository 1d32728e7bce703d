//! One offline session of a client against a scripted model.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

use super::Client;
use super::ending::finish;
use super::transcript::Transcript;
use crate::scripted::ScriptedModel;

/// Variables that keep the client from every host but the model.
const OFFLINE: [(&str, &str); 7] = [
    ("ANTHROPIC_API_KEY", "offline"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("LANG", "C.UTF-8"),
    ("TERM", "dumb"),
];

/// How a client treats tool uses that no rule speaks of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// It asks.
    Default,
    /// It lets edits of files pass.
    AcceptEdits,
    /// It lets everything pass.
    BypassPermissions,
    /// It only plans.
    Plan,
}

/// A session to be played; see [`Client::session`].
#[derive(Clone, Debug)]
pub struct Session<'a> {
    client: &'a Client,
    model: &'a ScriptedModel,
    home: PathBuf,
    folder: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    time_limit: Duration,
}

/// Why a session could not be played.
///
/// A session that went badly is not an error: its [`Transcript`] says how.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The home folder is the one of the person who started this program.
    #[error("the folder `{}` is a person's own home, not one made for the client", .0.display())]
    OwnHome(PathBuf),
    /// A folder of the session is not there.
    #[error("cannot use the folder `{}`", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
        /// Why the system refused.
        #[source]
        source: io::Error,
    },
    /// The client could not be started or waited for.
    #[error("cannot start the client `{}`", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// Why the system refused.
        #[source]
        source: io::Error,
    },
}

impl Client {
    /// Returns a session of this client with `model`, in the folder `folder`.
    ///
    /// `home` must be a folder made for such sessions. A session resumes only
    /// in the home and the folder that it began in.
    pub fn session<'a>(
        &'a self,
        model: &'a ScriptedModel,
        home: &Path,
        folder: &Path,
    ) -> Session<'a> {
        Session {
            client: self,
            model,
            home: home.to_owned(),
            folder: folder.to_owned(),
            arguments: Vec::new(),
            variables: Vec::new(),
            time_limit: Duration::from_secs(60),
        }
    }
}

impl Session<'_> {
    /// Adds an argument of the client's command line.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Gives the client settings beside those it finds in files.
    #[must_use]
    pub fn settings(self, settings: &Value) -> Self {
        self.argument("--settings").argument(settings.to_string())
    }

    /// Lets these tools run without a prompt, by the client's own rules.
    #[must_use]
    pub fn allowed_tools(self, rules: &[&str]) -> Self {
        self.argument("--allowedTools").argument(rules.join(","))
    }

    /// Chooses how the client treats tool uses that no rule speaks of.
    #[must_use]
    pub fn mode(self, mode: Mode) -> Self {
        let session = self.argument("--permission-mode").argument(match mode {
            Mode::Default => "default",
            Mode::AcceptEdits => "acceptEdits",
            Mode::BypassPermissions => "bypassPermissions",
            Mode::Plan => "plan",
        });
        match mode {
            // The client refuses this mode to the superuser unless it is told
            // that it is in a sandbox.
            Mode::BypassPermissions => session.variable("IS_SANDBOX", "1"),
            Mode::Default | Mode::AcceptEdits | Mode::Plan => session,
        }
    }

    /// Connects these MCP servers, in the client's form, and no others.
    #[must_use]
    pub fn mcp_servers(self, servers: &Value) -> Self {
        let config = serde_json::json!({"mcpServers": servers});
        self.argument("--strict-mcp-config")
            .argument("--mcp-config")
            .argument(config.to_string())
    }

    /// Goes on with an earlier session of the same home and folder.
    #[must_use]
    pub fn resume(self, session_id: &str) -> Self {
        self.argument("--resume").argument(session_id)
    }

    /// Sets an environment variable of the client.
    #[must_use]
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Ends the client after this time; one minute by default.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Plays the session to its end and returns what the client said.
    ///
    /// The client is gone on return, with every process of its group. Hooks
    /// are not of its group: a client starts each in a group of its own.
    ///
    /// # Errors
    ///
    /// [`SessionError`] if the client could not be started. A client that
    /// failed, or that ran out of time, is a [`Transcript`] that says so.
    pub fn play(self, prompt: &str) -> Result<Transcript, SessionError> {
        self.check_home()?;
        let mut command = self.command(prompt);
        let ended =
            finish(&mut command, self.time_limit).map_err(|source| SessionError::NotStarted {
                program: self.client.program.clone(),
                source,
            })?;
        let mut lines = Vec::new();
        let mut unreadable = Vec::new();
        for line in ended.output.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(value) => lines.push(value),
                Err(_) => unreadable.push(line.to_owned()),
            }
        }
        Ok(Transcript {
            lines,
            unreadable,
            stderr: ended.errors,
            exit_code: ended.status.code(),
            is_timed_out: ended.is_timed_out,
        })
    }

    fn check_home(&self) -> Result<(), SessionError> {
        let found = |path: &Path| {
            fs::canonicalize(path).map_err(|source| SessionError::NoFolder {
                path: path.to_owned(),
                source,
            })
        };
        let home = found(&self.home)?;
        found(&self.folder)?;
        let own = std::env::home_dir().and_then(|own| fs::canonicalize(own).ok());
        if own == Some(home) {
            return Err(SessionError::OwnHome(self.home.clone()));
        }
        Ok(())
    }

    fn command(&self, prompt: &str) -> Command {
        let mut command = Command::new(&self.client.program);
        command
            .arg("-p")
            .arg(prompt)
            .args(["--output-format", "stream-json", "--verbose"])
            .args(&self.arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(OFFLINE)
            .env("ANTHROPIC_BASE_URL", self.model.base_url())
            .env("HOME", &self.home)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TMPDIR", &self.home)
            .envs(self.variables.iter().map(pair));
        command
    }
}

fn pair((name, value): &(OsString, OsString)) -> (&OsStr, &OsStr) {
    (name, value)
}
