//! Which service decides, as settings say it.

use std::path::PathBuf;

use aegis_types::DurationMs;
use serde::Deserialize;

use super::SettingsFile;
use super::file::LoadSettingsError;
use crate::places::Places;
use crate::user_database;

/// How long a service may be silent, unless a setting says otherwise.
const DEADLINE: DurationMs = DurationMs::from_secs(2);

/// The service as one place names it: each part may be absent.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceValues {
    pub(super) socket: Option<PathBuf>,
    pub(super) user: Option<ServiceUser>,
    pub(super) deadline: Option<DurationMs>,
    pub(super) start_with_session: Option<bool>,
}

/// The account of a service: its number or its name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(untagged)]
pub enum ServiceUser {
    /// Its number.
    Number(u32),
    /// Its name in the machine's list of users.
    Name(String),
}

impl ServiceUser {
    /// Returns the number of the account, if the machine knows it.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Name(name) => user_database::number_of(name),
        }
    }
}

/// The service that decides.
///
/// Only the user and the administrator name one. Where one is named, nothing
/// else decides: what it does not answer is denied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceAt {
    /// The socket that is named; if none is, a service of the user may listen
    /// at [`Places::socket`], and without one the hook decides by itself.
    pub socket: Option<PathBuf>,
    /// Whose process must listen there; that of the user itself if absent.
    pub user: Option<ServiceUser>,
    /// How long it may be silent before it counts as gone.
    pub deadline: DurationMs,
    /// Whether the service of the user is started when a session of an agent begins.
    pub start_with_session: bool,
}

impl Default for ServiceAt {
    fn default() -> Self {
        Self {
            socket: None,
            user: None,
            deadline: DEADLINE,
            start_with_session: false,
        }
    }
}

impl ServiceAt {
    /// Reads which service the files of the user and the administrator name.
    ///
    /// # Errors
    ///
    /// [`LoadSettingsError`] when one of them cannot be read.
    pub fn load(places: &Places) -> Result<Self, LoadSettingsError> {
        let mut service = Self::default();
        for path in [&places.user_settings, &places.managed_settings] {
            if let Some(file) = SettingsFile::read(path)? {
                service.take(file.values.service);
            }
        }
        Ok(service)
    }

    /// Takes what `values` name.
    pub(super) fn take(&mut self, values: Option<ServiceValues>) {
        let Some(values) = values else {
            return;
        };
        // A socket and its user belong together.
        if values.socket.is_some() {
            self.socket = values.socket;
            self.user = None;
        }
        self.user = values.user.or(self.user.take());
        self.deadline = values.deadline.unwrap_or(self.deadline);
        self.start_with_session = values.start_with_session.unwrap_or(self.start_with_session);
    }
}
