//! What is remembered of an installation, so that it can be taken away byte for byte.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use aegis_canon::Digest;
use serde::{Deserialize, Serialize};

use super::{InstallError, make_folder};
use crate::registration::{ALONE, Registration};
use crate::settings_file::write_whole;

/// The version of the record that is written.
const VERSION: u32 = 1;

/// What is remembered of one settings file.
///
/// The hook reads it as well, to know a settings file from which the
/// registration is gone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    version: u32,
    /// The settings file, for people.
    settings: PathBuf,
    /// Its text without what is ours; absent when there was no file.
    pub(super) before: Option<String>,
    /// The digest of its text with what is ours.
    pub(super) after: Digest,
    /// The program registered.
    program: String,
    /// How long the client waits for its decision.
    timeout_seconds: u64,
    /// What became of the switch.
    pub(super) pin: Pin,
    /// Whether the key stands there since that keeps other hooks from running.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) keeps_alone: bool,
    /// Whether the folder of the file was made for it.
    pub(super) made_folder: bool,
}

/// What became of the switch that turns every hook off.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Pin {
    /// It was absent and stands there since.
    Inserted,
    /// It was on and is off since.
    WasTrue,
    /// It was off already.
    WasThere,
}

impl Record {
    pub(super) fn new(
        settings: &Path,
        before: Option<String>,
        after: &str,
        registration: &Registration,
        (pin, made_folder): (Pin, bool),
    ) -> Self {
        Self {
            version: VERSION,
            program: registration.program.clone(),
            timeout_seconds: registration.decision_timeout.as_secs(),
            settings: settings.to_owned(),
            keeps_alone: registration.is_alone && !names_alone(before.as_deref()),
            before,
            after: Digest::of(after.as_bytes()),
            pin,
            made_folder,
        }
    }

    /// Returns a name for what belongs to the settings file `settings`.
    pub(super) fn name(settings: &Path) -> String {
        let digest = Digest::of(settings.as_os_str().as_bytes()).to_string();
        let letters = digest.chars().filter(char::is_ascii_hexdigit).take(16);
        format!("settings-{}", letters.collect::<String>())
    }

    /// Returns where the record of `settings` is kept in the state folder `state`.
    pub(super) fn path(state: &Path, settings: &Path) -> PathBuf {
        state
            .join("installs")
            .join(format!("{}.json", Self::name(settings)))
    }

    /// Reads the record in `path`; one that is absent or broken counts as none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, InstallError> {
        match fs::read(path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)
                .ok()
                .filter(|record: &Self| record.version == VERSION)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(InstallError::State {
                doing: "read",
                path: path.to_owned(),
                source,
            }),
        }
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), InstallError> {
        let failed = |source| InstallError::State {
            doing: "write",
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let bytes = serde_json::to_vec(self).map_err(|error| failed(error.into()))?;
        write_whole(path, &bytes, 0o600).map_err(failed)
    }

    pub(super) fn remove(path: &Path) -> Result<(), InstallError> {
        match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(InstallError::State {
                doing: "remove",
                path: path.to_owned(),
                source,
            }),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Returns whether the settings `text` say themselves which hooks may run.
fn names_alone(text: Option<&str>) -> bool {
    text.and_then(|text| aegis_canon::parse(text.as_bytes()).ok())
        .is_some_and(|settings| settings.get(ALONE).is_some())
}
