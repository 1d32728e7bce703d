//! What the commands find where they are called: places, settings, the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aegis_canon::Key;
use aegis_gate::{
    ActivePolicies, Gate, Parts, Places, ProcFs, Protected, Settings, SilentApprover,
    SleepingPause, Surroundings, SystemClock, Trust,
};
use aegis_log::{MemoryLog, OpenLogError, SqliteLog};
use aegis_redact::Redactor;

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

impl Here {
    /// Looks around the process.
    pub(crate) fn look() -> Result<Self, Failure> {
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

    /// Returns the settings in force.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let trust = Trust::load(&self.places.trust)
            .map_err(|error| Failure::environment(causes(&error)))?;
        Settings::load(&self.places, &self.surroundings, &trust)
            .map_err(|error| Failure::usage(causes(&error)))
    }

    /// Opens the log for reading.
    pub(crate) fn log(&self) -> Result<SqliteLog, Failure> {
        SqliteLog::open_read_only(&self.places.log)
            .map_err(|error| opening(&self.places.log, &error))
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
        }))
    }
}

fn opening(path: &Path, error: &OpenLogError) -> Failure {
    let failure = Failure::environment(format!("`{}`: {}", path.display(), causes(error)));
    match error {
        OpenLogError::Missing => {
            failure.remedy("nothing was recorded yet; `aegis install claude-code` begins")
        }
        _ => failure.remedy("`aegis doctor` names the cause"),
    }
}
