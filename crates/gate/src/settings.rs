//! Settings, and where each one comes from.

mod file;

mod faults;

mod roles;

mod service;

mod tighten;

use std::collections::BTreeMap;
use std::path::PathBuf;

use aegis_types::{AgentId, DurationMs, Mode, TenantId};

use crate::places::Places;
use crate::surroundings::Surroundings;
use crate::trust::Trust;

pub(crate) use file::is_absent;
pub use file::{LoadSettingsError, SettingsFile};
pub use roles::{Role, ServerRoles};
pub use service::{ServiceAt, ServiceUser};

/// The longest wait for an approval, unless a setting says otherwise.
const APPROVAL_WAIT_MAX: DurationMs = DurationMs::from_secs(600);

/// What the log keeps when the power fails, from less to more.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DurabilityLevel {
    /// A crash of any process loses nothing.
    #[default]
    Normal,
    /// A power failure loses nothing that was acknowledged.
    Full,
}

/// What decides when no policy has an opinion, from loose to strict.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FallbackLevel {
    /// The agent's host, by its own permission flow.
    #[default]
    Host,
    /// Nobody: the action is denied.
    Deny,
}

/// What an ask becomes where nobody can answer at once, from loose to strict.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Headless {
    /// The edge waits for an answer from elsewhere.
    Wait,
    /// The host stops and the proposal comes again when the session is resumed.
    Defer,
    /// It is denied.
    #[default]
    Deny,
}

/// What is recorded under a key that can be destroyed, from less to more.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SealLevel {
    /// Nothing.
    #[default]
    Off,
    /// What tools gave back.
    Results,
}

/// Where a setting comes from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Origin {
    /// Nobody set it.
    #[default]
    Default,
    /// The user's settings.
    User,
    /// The managed settings.
    Managed,
    /// The project's settings.
    Project,
    /// A variable of the environment.
    Environment,
}

impl Origin {
    /// Returns the name of the origin, for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::User => "user",
            Self::Managed => "managed",
            Self::Project => "project",
            Self::Environment => "environment",
        }
    }
}

/// A setting and where it comes from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// Who set it.
    pub origin: Origin,
}

impl<T> Setting<T> {
    const fn default_of(value: T) -> Self {
        Self {
            value,
            origin: Origin::Default,
        }
    }
}

/// The settings in force.
///
/// Defaults give way to the user's settings, those to the managed ones. A
/// project that is not trusted and the environment may only tighten.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// What the log keeps when the power fails.
    pub durability: Setting<DurabilityLevel>,
    /// What is recorded under a key that can be destroyed.
    pub seal: Setting<SealLevel>,
    /// What decides when no policy has an opinion.
    pub fallback: Setting<FallbackLevel>,
    /// What an ask becomes where nobody can answer at once.
    pub headless: Setting<Headless>,
    /// The label of the environment.
    pub environment: Setting<Option<String>>,
    /// Whether policies decide or only watch.
    pub mode: Setting<Mode>,
    /// The longest wait for an approval.
    pub approval_wait_max: Setting<DurationMs>,
    /// Whose sessions these are.
    pub tenant: Setting<TenantId>,
    /// The agent, where an edge names none.
    pub agent: Setting<AgentId>,
    /// What the arguments of MCP tools are, by the name of their server; those
    /// under `*` are of every server.
    pub mcp: BTreeMap<String, Setting<ServerRoles>>,
    /// Which service decides.
    pub service: Setting<ServiceAt>,
    /// Values that were given and do not count.
    pub ignored: Vec<Ignored>,
}

/// A value that was given and does not count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ignored {
    /// The key of the setting.
    pub key: &'static str,
    /// Where it was given.
    pub origin: Origin,
    /// Why it does not count, for people.
    pub cause: &'static str,
}

impl Settings {
    /// Returns the settings that hold where nobody set any.
    ///
    /// # Errors
    ///
    /// Never in practice: the names of the tenant and the agent are constants.
    pub fn defaults() -> Result<Self, LoadSettingsError> {
        let constant = |source| LoadSettingsError::Constant { source };
        Ok(Self {
            durability: Setting::default(),
            seal: Setting::default(),
            fallback: Setting::default(),
            headless: Setting::default(),
            environment: Setting::default(),
            mode: Setting::default(),
            approval_wait_max: Setting::default_of(APPROVAL_WAIT_MAX),
            tenant: Setting::default_of("local".parse().map_err(constant)?),
            agent: Setting::default_of("agent".parse().map_err(constant)?),
            mcp: BTreeMap::new(),
            service: Setting::default(),
            ignored: Vec::new(),
        })
    }

    /// Reads the settings that the files at `places` and the variables hold.
    ///
    /// # Errors
    ///
    /// [`LoadSettingsError`] at the first file or variable that cannot be
    /// read: settings that are not understood might have been meant to tighten.
    pub fn load(
        places: &Places,
        surroundings: &Surroundings,
        trust: &Trust,
    ) -> Result<Self, LoadSettingsError> {
        let mut settings = Self::defaults()?;
        if let Some(user) = SettingsFile::read_for(places.reader, &places.user_settings)? {
            if places.is_guest {
                settings.tighten(user.values, Origin::User);
            } else {
                settings.set(user.values, Origin::User);
            }
        }
        if let Some(managed) = SettingsFile::read(&places.managed_settings)? {
            settings.set(managed.values, Origin::Managed);
        }
        if let Some(project) = &places.project
            && let Some(file) = SettingsFile::read_for(places.reader, &project.settings)?
        {
            if trust.is_trusted(file.text.as_bytes()) {
                settings.set_unmanaged(file.values);
            } else {
                settings.tighten(file.values, Origin::Project);
            }
        }
        let variables = file::values_of_variables(&surroundings.variables)?;
        settings.tighten(variables, Origin::Environment);
        Ok(settings)
    }

    /// Returns the paths of the files that settings are read from.
    #[must_use]
    pub fn files(places: &Places) -> Vec<(PathBuf, Origin)> {
        let mut files = vec![
            (places.user_settings.clone(), Origin::User),
            (places.managed_settings.clone(), Origin::Managed),
        ];
        files.extend(
            places
                .project
                .iter()
                .map(|project| (project.settings.clone(), Origin::Project)),
        );
        files
    }
}
