//! What the commands find where they are called: places, settings, the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aegis_canon::Key;
use aegis_gate::{
    ActivePolicies, Gate, HomeOrigin, LoadSettingsError, OpenGateError, Parts, Places, ProcFs,
    Protected, Settings, SilentApprover, SleepingPause, Surroundings, SystemClock, Trust,
    agent_above,
};
use aegis_log::{MemoryLog, OpenLogError, SqliteLog};
use aegis_policy::{Paint, render};
use aegis_redact::Redactor;

use crate::exit::Exit;
use crate::report::{Failure, causes};

/// What a command finds where it is called.
pub(crate) struct Here {
    /// The working directory.
    pub(crate) directory: PathBuf,
    /// The environment.
    pub(crate) surroundings: Surroundings,
    /// Where the files of Aegis lie.
    pub(crate) places: Places,
}

/// Returns why settings cannot be used, with the lines of their file.
pub(crate) fn settings_fault(error: &LoadSettingsError) -> String {
    match error {
        LoadSettingsError::Invalid { problems, .. } => {
            let lines = render(&problems.0, &problems.1, Paint::Plain);
            format!("{error}\n{lines}")
        }
        LoadSettingsError::Unreadable { .. }
        | LoadSettingsError::Variable { .. }
        | LoadSettingsError::Constant { .. } => causes(error),
    }
}

impl Here {
    /// Looks around the process, which must know where the user's files lie.
    pub(crate) fn look() -> Result<Self, Failure> {
        let here = Self::look_anyhow()?;
        match here.surroundings.home_origin {
            HomeOrigin::Variable | HomeOrigin::UserDatabase => Ok(here),
            HomeOrigin::Nowhere => Err(Failure::environment(OpenGateError::Home.to_string())
                .remedy("set `HOME` to the folder of your own files")),
        }
    }

    /// Looks around the process, for what can do without a home directory.
    pub(crate) fn look_anyhow() -> Result<Self, Failure> {
        let directory = std::env::current_dir().map_err(|error| {
            Failure::environment(format!("there is no working directory: {error}"))
        })?;
        let surroundings = Surroundings::of_process(&directory);
        let places = Places::of(&surroundings);
        Ok(Self {
            directory,
            surroundings,
            places,
        })
    }

    /// Returns `path` as it is best written here: from the working directory if it lies below.
    pub(crate) fn shown(&self, path: &Path) -> PathBuf {
        let below = path.strip_prefix(&self.directory);
        below.unwrap_or(path).to_path_buf()
    }

    /// Returns the settings in force.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let trust = Trust::load(&self.places.trust)
            .map_err(|error| Failure::environment(causes(&error)))?;
        Settings::load(&self.places, &self.surroundings, &trust)
            .map_err(|error| Failure::usage(settings_fault(&error)))
    }

    /// Opens a log that is named for reading.
    pub(crate) fn log_at(path: &Path) -> Result<SqliteLog, Failure> {
        SqliteLog::open_read_only(path).map_err(|error| {
            let failure = opening(path, &error);
            if !matches!(error, OpenLogError::Missing | OpenLogError::NotALog) {
                return failure;
            }
            Failure {
                exit: Exit::Usage,
                ..failure.remedy("name a `log.db`; `aegis doctor` shows where that of Aegis lies")
            }
        })
    }

    /// Opens the log for reading.
    pub(crate) fn log(&self) -> Result<SqliteLog, Failure> {
        SqliteLog::open_read_only(&self.places.log)
            .map_err(|error| opening(&self.places.log, &error))
    }

    /// Opens the log for reading, if anything was ever recorded.
    pub(crate) fn log_if_any(&self) -> Result<Option<SqliteLog>, Failure> {
        match SqliteLog::open_read_only(&self.places.log) {
            Ok(log) => Ok(Some(log)),
            Err(OpenLogError::Missing) => Ok(None),
            Err(error) => Err(opening(&self.places.log, &error)),
        }
    }

    /// Refuses to go on for an agent, which may not change what governs it.
    ///
    /// The hook denies such commands before they start. This holds where an
    /// agent comes by another way, as far as its processes show.
    pub(crate) fn refuse_agents(&self) -> Result<(), Failure> {
        match agent_above(std::process::id()) {
            None => Ok(()),
            Some(cause) => Err(Failure {
                message: format!("an agent may not change what governs it: {cause}"),
                remedy: Some("run this in a terminal of your own".to_owned()),
                exit: Exit::No,
            }),
        }
    }

    /// Opens the gate, and makes what it needs.
    pub(crate) fn gate(&self) -> Result<Gate, Failure> {
        Gate::open(self.surroundings.clone()).map_err(|error| {
            Failure::environment(causes(&error)).remedy("`aegis doctor` names the cause")
        })
    }

    /// Returns a gate that records nothing on disk, to ask and not to act.
    pub(crate) fn gate_in_memory(&self) -> Result<Gate, Failure> {
        let settings = self.settings()?;
        let key = Key::new(&[0; 32])
            .ok_or_else(|| Failure::environment("the key of a trial is too short"))?;
        Ok(Gate::new(Parts {
            log: Arc::new(MemoryLog::default()),
            clock: Arc::new(SystemClock),
            pause: Arc::new(SleepingPause),
            policies: Arc::new(ActivePolicies::new(
                self.places.clone(),
                settings.mode.value,
            )),
            processes: Arc::new(ProcFs),
            approver: Arc::new(SilentApprover),
            redactor: Redactor::new(key),
            protected: Protected::of(&self.places, &self.surroundings),
            settings,
            surroundings: self.surroundings.clone(),
            places: self.places.clone(),
        }))
    }
}

fn opening(path: &Path, error: &OpenLogError) -> Failure {
    let failure = Failure::environment(format!("`{}`: {}", path.display(), causes(error)));
    match error {
        OpenLogError::Missing => failure.remedy(
            "nothing was recorded yet, or the log was moved away; \
                 `aegis install claude-code` begins one",
        ),
        OpenLogError::NotALog
        | OpenLogError::Later { .. }
        | OpenLogError::Busy { .. }
        | OpenLogError::ReadOnly
        | OpenLogError::Full
        | OpenLogError::Damaged(_)
        | OpenLogError::Unavailable(_) => failure.remedy("`aegis doctor` names the cause"),
    }
}
