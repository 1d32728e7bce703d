//! Opening a gate as the files of the machine say.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use aegis_canon::Key;
use aegis_log::{Durability, OpenLogError, Options, SqliteLog};
use aegis_redact::Redactor;

use crate::active::ActivePolicies;
use crate::approver::SilentApprover;
use crate::clock::SystemClock;
use crate::gate::{Gate, Parts};
use crate::own_files::link_among;
use crate::pause::SleepingPause;
use crate::places::Places;
use crate::process::ProcFs;
use crate::protected::Protected;
use crate::settings::{DurabilityLevel, LoadSettingsError, Settings};
use crate::surroundings::{HomeOrigin, Surroundings};
use crate::trust::{Trust, TrustError};
use crate::write_file::{make_private_folder, read_owned, write_new_private};

/// How many bytes a key has.
const KEY_BYTES: usize = 32;

/// Why a gate cannot be opened. Every action must then be denied.
#[derive(Debug, thiserror::Error)]
pub enum OpenGateError {
    /// Nothing says where the user's home directory is, so their policy cannot be found.
    #[error(
        "nothing says where the home directory is: `HOME` is no absolute path, and the list of \
         users does not name this one; set `HOME`"
    )]
    Home,
    /// What Aegis writes would land where a link leads.
    #[error(
        "`{}` is a link, and Aegis writes only what is its own; put there what the link leads \
         to, or remove it",
        .path.display()
    )]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// The folder of state cannot be made.
    #[error("the folder `{}` cannot be made; make it writable for this user", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The key of redaction cannot be used.
    #[error(
        "the key `{}` cannot be used; it must be a file of 32 bytes that only this user may \
         read (mode 0600)",
        .path.display()
    )]
    Key {
        /// The key.
        path: PathBuf,
    },
    /// No key can be made.
    #[error("no key can be made in `{}`", .path.display())]
    MakeKey {
        /// The key.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The list of trusted files cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Settings cannot be used.
    #[error(transparent)]
    Settings(#[from] LoadSettingsError),
    /// The log cannot be opened.
    #[error("the log `{}` cannot be opened", .path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// Why.
        #[source]
        source: OpenLogError,
    },
}

impl Gate {
    /// Opens the gate as the files that `surroundings` lead to say.
    ///
    /// Missing folders, a missing key and a missing log are made. Broken
    /// policies do not keep a gate from opening: it then denies and records.
    ///
    /// # Errors
    ///
    /// [`OpenGateError`], whose text says what a person can do.
    pub fn open(surroundings: Surroundings) -> Result<Self, OpenGateError> {
        match surroundings.home_origin {
            HomeOrigin::Variable | HomeOrigin::UserDatabase => {}
            HomeOrigin::Nowhere => return Err(OpenGateError::Home),
        }
        let places = Places::of(&surroundings);
        make_state_folder(&places)?;
        let trust = Trust::load(&places.trust)?;
        let settings = Settings::load(&places, &surroundings, &trust)?;
        let redactor = Redactor::new(redaction_key(&places)?);
        let log = open_log(&places, settings.durability.value)?;
        Ok(Self::new(Parts {
            log: Arc::new(log),
            clock: Arc::new(SystemClock),
            pause: Arc::new(SleepingPause),
            policies: Arc::new(ActivePolicies::new(places.clone(), settings.mode.value)),
            processes: Arc::new(ProcFs),
            approver: Arc::new(SilentApprover),
            redactor,
            protected: Protected::of(&places, &surroundings),
            settings,
            surroundings,
            places,
        }))
    }

    /// Keeps the log quick to open, at a moment when no call waits.
    ///
    /// A process that is alone reads the whole write-ahead log when it opens the
    /// log, and no process of a hook lives long enough to fold it back.
    pub fn maintain_log(&self) {
        // What is not folded back today is folded back tomorrow.
        let _ = self.log().maintain();
    }
}

/// Makes the folder of state, in whose place no link may lie.
pub(crate) fn make_state_folder(places: &Places) -> Result<(), OpenGateError> {
    if let Some(path) = link_among(&places.state) {
        return Err(OpenGateError::Link { path });
    }
    make_private_folder(&places.state).map_err(|source| OpenGateError::Folder {
        path: places.state.clone(),
        source,
    })
}

/// Opens the log at `places`, and makes it if there is none.
pub(crate) fn open_log(
    places: &Places,
    durability: DurabilityLevel,
) -> Result<SqliteLog, OpenGateError> {
    let options = Options {
        durability: match durability {
            DurabilityLevel::Normal => Durability::Normal,
            DurabilityLevel::Full => Durability::Full,
        },
        ..Options::default()
    };
    SqliteLog::open(&places.log, options).map_err(|source| OpenGateError::Log {
        path: places.log.clone(),
        source,
    })
}

/// Reads the key of redaction, or makes it.
pub(crate) fn redaction_key(places: &Places) -> Result<Key, OpenGateError> {
    let path = &places.redaction_key;
    let unusable = || OpenGateError::Key { path: path.clone() };
    if !path.exists() {
        let failed = |source| OpenGateError::MakeKey {
            path: path.clone(),
            source,
        };
        let mut bytes = [0_u8; KEY_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| failed(io::Error::other(error)))?;
        match write_new_private(path, &bytes) {
            Ok(()) => {}
            // Another process made it at the same time.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
    }
    let bytes = read_owned(path).ok_or_else(unusable)?;
    if bytes.len() != KEY_BYTES {
        return Err(unusable());
    }
    Key::new(&bytes).ok_or_else(unusable)
}
