//! Reading settings from files and variables.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use aegis_policy::Problems;
use aegis_types::{AgentId, DurationMs, Mode, ParseIdError, TenantId};
use serde::Deserialize;

use super::faults::faults;
use super::service::ServiceValues;
use super::{DurabilityLevel, FallbackLevel, Headless, SealLevel, ServerRoles};
use crate::read_file::{Reader, read_for};

/// The most bytes a settings file may have.
const BYTES_MAX: u64 = 64 * 1024;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadSettingsError {
    /// The file is there and cannot be read.
    #[error("the settings file `{}` cannot be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file does not hold settings.
    #[error("the settings file `{}` is not valid", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// All that is wrong.
        #[source]
        problems: Problems,
    },
    /// A variable does not hold a setting.
    #[error("the variable `{name}` is not valid: {cause}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong.
        cause: String,
    },
    /// A built-in name is no identifier.
    #[error("a built-in name is not valid")]
    Constant {
        /// What is wrong with it.
        #[source]
        source: ParseIdError,
    },
}

/// A settings file as it was read.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    /// Its text.
    pub text: String,
    /// What it sets.
    pub(super) values: Values,
}

/// Settings as one place gives them: each may be absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Values {
    pub(super) durability: Option<DurabilityLevel>,
    pub(super) seal: Option<SealLevel>,
    pub(super) fallback: Option<FallbackLevel>,
    pub(super) headless: Option<Headless>,
    pub(super) environment: Option<String>,
    pub(super) mode: Option<Mode>,
    pub(super) approval_wait_max: Option<DurationMs>,
    pub(super) tenant: Option<TenantId>,
    pub(super) agent: Option<AgentId>,
    #[serde(default)]
    pub(super) mcp: BTreeMap<String, ServerRoles>,
    pub(super) service: Option<ServiceValues>,
}

impl SettingsFile {
    /// Reads the settings at `path`; nothing if there is no such file.
    ///
    /// # Errors
    ///
    /// [`LoadSettingsError`] when it is there and does not hold settings.
    pub fn read(path: &Path) -> Result<Option<Self>, LoadSettingsError> {
        Self::read_for(Reader::Own, path)
    }

    /// Reads the settings at `path` for `reader`; nothing if there is no such file.
    pub(super) fn read_for(reader: Reader, path: &Path) -> Result<Option<Self>, LoadSettingsError> {
        let unreadable = |source| LoadSettingsError::Unreadable {
            path: path.to_path_buf(),
            source,
        };
        let bytes = match read_for(reader, path, BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let text = String::from_utf8(bytes)
            .map_err(|error| unreadable(io::Error::new(ErrorKind::InvalidData, error)))?;
        Self::parse(path, text).map(Some)
    }

    /// Reads the settings that `text`, the content of `path`, holds.
    ///
    /// # Errors
    ///
    /// [`LoadSettingsError::Invalid`] when it does not hold settings.
    pub fn parse(path: &Path, text: String) -> Result<Self, LoadSettingsError> {
        let values = toml::from_str(&text).map_err(|error| LoadSettingsError::Invalid {
            path: path.to_path_buf(),
            problems: faults(&path.to_string_lossy(), &text, &error),
        })?;
        Ok(Self { text, values })
    }
}

/// Returns whether there is no such file.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Reads the settings that variables such as `AEGIS_MODE` hold.
pub(super) fn values_of_variables(
    variables: &BTreeMap<String, String>,
) -> Result<Values, LoadSettingsError> {
    const NAMES: [(&str, &str); 7] = [
        ("AEGIS_DURABILITY", "durability"),
        ("AEGIS_SEAL", "seal"),
        ("AEGIS_FALLBACK", "fallback"),
        ("AEGIS_HEADLESS", "headless"),
        ("AEGIS_ENVIRONMENT", "environment"),
        ("AEGIS_MODE", "mode"),
        ("AEGIS_APPROVAL_WAIT_MAX", "approval_wait_max"),
    ];
    let mut values = Values::default();
    for (name, key) in NAMES {
        let Some(text) = variables.get(name) else {
            continue;
        };
        let mut table = toml::Table::new();
        table.insert(key.to_owned(), toml::Value::String(text.clone()));
        let read = Values::deserialize(table).map_err(|error| LoadSettingsError::Variable {
            name: name.to_owned(),
            cause: error.message().to_owned(),
        })?;
        values = merge(values, read);
    }
    Ok(values)
}

fn merge(one: Values, other: Values) -> Values {
    Values {
        durability: one.durability.or(other.durability),
        seal: one.seal.or(other.seal),
        fallback: one.fallback.or(other.fallback),
        headless: one.headless.or(other.headless),
        environment: one.environment.or(other.environment),
        mode: one.mode.or(other.mode),
        approval_wait_max: one.approval_wait_max.or(other.approval_wait_max),
        tenant: one.tenant.or(other.tenant),
        agent: one.agent.or(other.agent),
        mcp: one.mcp,
        service: one.service.or(other.service),
    }
}
