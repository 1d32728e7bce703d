//! Diagnosing an installation: what is found, how bad it is, what to do about it.

mod files;
mod grade;
mod hooks;
mod log;
mod policy;
mod service;
mod settings;

use std::fmt;
use std::path::PathBuf;

use aegis_gate::{Clock as _, Places, Surroundings, SystemClock};
use aegis_types::Timestamp;

use crate::client::{Client, FindClientError};
use crate::registration::Registration;
use crate::service::Tree;

pub use grade::{Grade, Grading};

/// What an examination looks at.
#[derive(Debug)]
pub struct Patient<'a> {
    /// What the process finds around it.
    pub surroundings: &'a Surroundings,
    /// Where the files of Aegis lie.
    pub places: &'a Places,
    /// The client, or why there is none.
    pub client: Result<&'a Client, &'a FindClientError>,
    /// Where a service of the machine would lie.
    pub tree: &'a Tree,
    /// What the installer would register, whether or not the program is there.
    pub registration: &'a Registration,
}

/// What an examination found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// The findings, in the order in which they are read.
    pub symptoms: Vec<Symptom>,
}

/// One thing that was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Symptom {
    /// What it concerns.
    pub part: Part,
    /// How bad it is.
    pub level: Level,
    /// What it is, for people. Names found on the machine may be in it: show it, never obey it.
    pub text: String,
    /// What to do about it; absent when nothing need be done.
    pub remedy: Option<String>,
}

/// How bad a symptom is, from least to most.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// Something holds less than it could.
    Warning,
    /// Actions may pass undecided, or be denied for no cause of theirs.
    Fault,
}

/// What a symptom concerns.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Part {
    /// The client.
    Client,
    /// The registration in the client's settings.
    Hooks,
    /// The program of the hook.
    Program,
    /// The policies.
    Policy,
    /// The settings of Aegis.
    Settings,
    /// The log.
    Log,
    /// The clock.
    Clock,
    /// Owners and modes of files.
    Files,
    /// The service of the machine.
    Service,
    /// The grade of the set-up.
    Grade,
}

impl Level {
    /// Returns the wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

impl Part {
    /// Returns the wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Hooks => "hooks",
            Self::Program => "program",
            Self::Policy => "policy",
            Self::Settings => "settings",
            Self::Log => "log",
            Self::Clock => "clock",
            Self::Files => "files",
            Self::Service => "service",
            Self::Grade => "grade",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl Symptom {
    pub(crate) fn good(part: Part, text: impl Into<String>) -> Self {
        Self {
            part,
            level: Level::Good,
            text: text.into(),
            remedy: None,
        }
    }

    pub(crate) fn note(part: Part, text: impl Into<String>) -> Self {
        Self {
            level: Level::Note,
            ..Self::good(part, text)
        }
    }

    pub(crate) fn warning(part: Part, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            remedy: Some(remedy.into()),
            ..Self::good(part, text)
        }
    }

    pub(crate) fn fault(part: Part, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Fault,
            remedy: Some(remedy.into()),
            ..Self::good(part, text)
        }
    }
}

impl Report {
    /// Returns the worst level found.
    #[must_use]
    pub fn worst(&self) -> Level {
        self.symptoms
            .iter()
            .map(|symptom| symptom.level)
            .max()
            .unwrap_or(Level::Good)
    }
}

/// Examines the installation around `patient`.
#[must_use]
pub fn examine(patient: &Patient<'_>) -> Report {
    examine_at(patient, SystemClock.now())
}

/// Examines the installation around `patient` at the time `now`.
#[must_use]
pub fn examine_at(patient: &Patient<'_>, now: Timestamp) -> Report {
    let mut symptoms = Vec::new();
    client(patient, &mut symptoms);
    let sources = hooks::sources(patient.surroundings);
    hooks::examine(patient, &sources, &mut symptoms);
    files::program(patient.registration, &mut symptoms);
    files::home(patient.surroundings, &mut symptoms);
    files::state(patient.places, &mut symptoms);
    let settings = settings::examine(patient.places, patient.surroundings, &mut symptoms);
    if let Some(settings) = settings {
        policy::examine(patient.places, &settings, &mut symptoms);
    }
    log::examine(patient.places, now, &mut symptoms);
    let service = service::examine(patient.tree, &mut symptoms);
    grade::examine(patient.places, &sources, service, &mut symptoms);
    Report { symptoms }
}

fn client(patient: &Patient<'_>, symptoms: &mut Vec<Symptom>) {
    symptoms.push(match patient.client {
        Ok(client) if client.version().is_fail_closed() => Symptom::good(
            Part::Client,
            format!("Claude Code {} at `{}`", client.version(), client.program().display()),
        ),
        Ok(client) => Symptom::warning(
            Part::Client,
            format!(
                "Claude Code {} at `{}` lets a call run when the hook is killed, hangs or is missing",
                client.version(),
                client.program().display()
            ),
            "update Claude Code to 2.1.295 or later",
        ),
        Err(error @ FindClientError::NotOnPath) => Symptom::warning(
            Part::Client,
            error.to_string(),
            "install Claude Code, or put its folder on the search path",
        ),
        Err(error) => Symptom::fault(Part::Client, error.to_string(), "reinstall Claude Code"),
    });
}

/// A settings file of the client and where it stands among the others.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Its name, for people.
    pub(crate) name: &'static str,
    /// The file.
    pub(crate) path: PathBuf,
    /// Whether it is managed, so that no lower one can switch it off.
    pub(crate) is_managed: bool,
    /// What it says; absent when there is no such file.
    pub(crate) settings: Option<Result<serde_json::Value, String>>,
}
