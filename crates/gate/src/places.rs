//! Where the files of Aegis lie.

use std::path::{Path, PathBuf};

use crate::read_file::Reader;
use crate::surroundings::Surroundings;

/// The folder of a project's files.
pub(crate) const PROJECT_FOLDER: &str = ".aegis";

/// How many folders upward a project is looked for.
const STEPS_MAX: usize = 64;

/// Where the files of Aegis lie, whether or not they exist.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Places {
    /// The folder of state: log, keys, cache, list of trusted files.
    pub state: PathBuf,
    /// The log.
    pub log: PathBuf,
    /// The folder of keys.
    pub keys: PathBuf,
    /// The key of redaction.
    pub redaction_key: PathBuf,
    /// The folder of the keys of sealed payloads.
    pub payload_keys: PathBuf,
    /// The cache of checked policies.
    pub cache: PathBuf,
    /// The list of trusted files.
    pub trust: PathBuf,
    /// The tokens by which callers of a service name themselves.
    pub tokens: PathBuf,
    /// The socket at which a service of this user listens.
    pub socket: PathBuf,
    /// The folder of the user's settings and policy.
    pub user: PathBuf,
    /// The user's settings.
    pub user_settings: PathBuf,
    /// The user's policy.
    pub user_policy: PathBuf,
    /// The folder of managed settings and policy.
    pub managed: PathBuf,
    /// The managed settings.
    pub managed_settings: PathBuf,
    /// The managed policy.
    pub managed_policy: PathBuf,
    /// The project, if the agent works in one.
    pub project: Option<Project>,
    /// Whether the user's own files may only tighten, because whoever proposes
    /// an action could have written them.
    pub is_guest: bool,
    /// For whom files of the user and the project are read.
    pub reader: Reader,
}

/// Where the files of a project lie.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Project {
    /// The project's own folder.
    pub root: PathBuf,
    /// Its folder for Aegis.
    pub folder: PathBuf,
    /// Its settings.
    pub settings: PathBuf,
    /// Its policy.
    pub policy: PathBuf,
}

impl Project {
    /// Finds the project: the folder that the agent's host names, else the
    /// nearest one upward that holds a folder for Aegis.
    ///
    /// The home directory is no project: its `.aegis` would bind every session.
    pub(crate) fn of(surroundings: &Surroundings) -> Option<Self> {
        if let Some(root) = surroundings.folder("CLAUDE_PROJECT_DIR") {
            return Some(Self::at(&root));
        }
        surroundings
            .directory
            .ancestors()
            .take(STEPS_MAX)
            .find(|folder| folder.join(PROJECT_FOLDER).is_dir() && **folder != surroundings.home)
            .map(Self::at)
    }

    /// Returns the places of the project in the folder `root`.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        let folder = root.join(PROJECT_FOLDER);
        Self {
            root: root.to_path_buf(),
            settings: folder.join("settings.toml"),
            policy: folder.join("policy.yaml"),
            folder,
        }
    }
}

impl Places {
    /// Returns the places that `surroundings` lead to.
    #[must_use]
    pub fn of(surroundings: &Surroundings) -> Self {
        let state = surroundings.folder("AEGIS_HOME").unwrap_or_else(|| {
            surroundings
                .folder("XDG_DATA_HOME")
                .unwrap_or_else(|| surroundings.home.join(".local/share"))
                .join("aegis")
        });
        let user = surroundings
            .folder("XDG_CONFIG_HOME")
            .unwrap_or_else(|| surroundings.home.join(".config"))
            .join("aegis");
        let managed = surroundings.managed.clone();
        let keys = state.join("keys");
        Self {
            log: state.join("log.db"),
            redaction_key: keys.join("redaction.key"),
            payload_keys: keys.join("payloads"),
            keys,
            cache: state.join("cache"),
            trust: state.join("trust.json"),
            tokens: state.join("tokens.json"),
            socket: state.join("aegis.sock"),
            state,
            user_settings: user.join("settings.toml"),
            user_policy: user.join("policy.yaml"),
            user,
            managed_settings: managed.join("settings.toml"),
            managed_policy: managed.join("policy.yaml"),
            managed,
            project: Project::of(surroundings),
            is_guest: false,
            reader: surroundings.reader,
        }
    }

    /// Returns the places of a caller, for a service whose own files lie at `self`.
    ///
    /// What the service keeps stays where it is. The caller adds the policies
    /// and settings of its home and its project, and those of a guest may only
    /// tighten.
    #[must_use]
    pub fn for_caller(&self, surroundings: &Surroundings, is_guest: bool) -> Self {
        let found = Self::of(surroundings);
        if found.reader == Reader::Nobody {
            // Who asks from elsewhere has no files here: those of the service stand.
            return Self {
                project: None,
                ..self.clone()
            };
        }
        Self {
            user_settings: found.user_settings,
            user_policy: found.user_policy,
            user: found.user,
            project: found.project,
            is_guest,
            reader: found.reader,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(variables: &[(&str, &str)]) -> Surroundings {
        Surroundings {
            home: PathBuf::from("/home/ada"),
            directory: PathBuf::from("/nowhere/at/all"),
            managed: PathBuf::from("/etc/aegis"),
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Surroundings::default()
        }
    }

    #[test]
    fn files_lie_in_the_home_directory_unless_a_variable_says_otherwise() {
        let places = Places::of(&surroundings(&[]));
        assert_eq!(places.log, Path::new("/home/ada/.local/share/aegis/log.db"));
        assert_eq!(
            places.user_policy,
            Path::new("/home/ada/.config/aegis/policy.yaml")
        );
        let places = Places::of(&surroundings(&[
            ("AEGIS_HOME", "/var/aegis"),
            ("XDG_CONFIG_HOME", "/cfg"),
        ]));
        assert_eq!(places.trust, Path::new("/var/aegis/trust.json"));
        assert_eq!(places.user_settings, Path::new("/cfg/aegis/settings.toml"));
    }

    #[test]
    fn a_relative_folder_in_a_variable_is_not_followed() {
        let places = Places::of(&surroundings(&[("AEGIS_HOME", "here")]));
        assert_eq!(places.state, Path::new("/home/ada/.local/share/aegis"));
    }

    #[test]
    fn the_project_is_the_one_the_host_names_else_none() {
        let places = Places::of(&surroundings(&[("CLAUDE_PROJECT_DIR", "/w/app")]));
        let project = places.project.expect("the host names a project");
        assert_eq!(project.policy, Path::new("/w/app/.aegis/policy.yaml"));
        assert_eq!(Places::of(&surroundings(&[])).project, None);
    }
}
