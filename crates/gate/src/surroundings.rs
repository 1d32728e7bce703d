//! What the process finds around it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use aegis_types::UserId;

use crate::read_file::Reader;
use crate::user_database;

/// The names of the programs of Aegis that lie side by side.
const PROGRAMS: [&str; 2] = ["aegis", "aegis-hook"];

/// The programs beside this one, which stay where they were when it began.
static PROGRAMS_HERE: OnceLock<Vec<PathBuf>> = OnceLock::new();

/// What the process finds around it, read once at its rim.
///
/// Nothing in the gate looks at the environment of the process by itself, so a
/// test can put a whole machine into a temporary folder.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Surroundings {
    /// The home directory of the user; a folder that no machine has if none is known.
    pub home: PathBuf,
    /// How the home directory is known.
    pub home_origin: HomeOrigin,
    /// For whom files of users and projects are read.
    pub reader: Reader,
    /// The account of the process, as the system tells it: to the process
    /// itself or to a service. It stands for whom the agent acts, unless its
    /// edge says that.
    pub account: Option<UserId>,
    /// The variables of the environment.
    pub variables: BTreeMap<String, String>,
    /// The working directory of the agent.
    pub directory: PathBuf,
    /// The folder of managed settings and policy.
    pub managed: PathBuf,
    /// The folder of managed settings of the agent's host.
    pub host_managed: PathBuf,
    /// The programs of Aegis.
    pub programs: Vec<PathBuf>,
}

/// How the home directory of the user is known.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum HomeOrigin {
    /// The variable `HOME` holds an absolute path.
    #[default]
    Variable,
    /// `HOME` is missing, empty or relative; the machine's list of users says it.
    UserDatabase,
    /// Neither says it. The user's policy cannot be found then, so nothing may
    /// be decided.
    Nowhere,
}

/// Where the home directory is said to be when none is known: by custom, no
/// machine has this folder.
const NO_HOME: &str = "/nonexistent";

impl Surroundings {
    /// Reads the environment of this process, for an agent that works in `directory`.
    #[must_use]
    pub fn of_process(directory: &Path) -> Self {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let (home, home_origin) = home(&variables, user_database::home);
        Self {
            home,
            home_origin,
            account: account(rustix::process::geteuid().as_raw()),
            variables,
            directory: directory.to_path_buf(),
            ..Self::of_machine()
        }
    }

    /// Returns what another process of this machine says it finds around it.
    ///
    /// A guest's home directory is the one that the list of users gives `user`,
    /// whatever its variables say; any other process is taken at its word.
    #[must_use]
    pub fn of_other(
        user: u32,
        is_guest: bool,
        variables: BTreeMap<String, String>,
        directory: &Path,
    ) -> Self {
        let listed = || user_database::home_of(user);
        let of_guest = if is_guest { listed() } else { None };
        let (home, home_origin) = match of_guest {
            Some(listed) => (listed, HomeOrigin::UserDatabase),
            None => home(&variables, listed),
        };
        Self {
            home,
            home_origin,
            account: account(user),
            variables,
            directory: directory.to_path_buf(),
            reader: if is_guest {
                Reader::User(user)
            } else {
                Reader::Own
            },
            ..Self::of_machine()
        }
    }

    /// Returns what somebody elsewhere says of the place where an agent works.
    #[must_use]
    pub fn of_remote(
        home: Option<PathBuf>,
        variables: BTreeMap<String, String>,
        directory: &Path,
    ) -> Self {
        Self {
            home: home.unwrap_or_else(|| PathBuf::from(NO_HOME)),
            home_origin: HomeOrigin::Variable,
            reader: Reader::Nobody,
            variables,
            directory: directory.to_path_buf(),
            ..Self::of_machine()
        }
    }

    /// Returns what is the same for every process of the machine.
    fn of_machine() -> Self {
        Self {
            managed: PathBuf::from("/etc/aegis"),
            host_managed: PathBuf::from("/etc/claude-code"),
            programs: PROGRAMS_HERE.get_or_init(programs_beside_this_one).clone(),
            ..Self::default()
        }
    }

    /// Returns the absolute path that the variable `name` holds, if it holds one.
    pub(crate) fn folder(&self, name: &str) -> Option<PathBuf> {
        self.variables
            .get(name)
            .filter(|value| value.starts_with('/'))
            .map(PathBuf::from)
    }
}

/// Returns the name of an account, which is the same whoever asks: an action
/// that is proposed to a service and then to the hook itself is one question.
fn account(user: u32) -> Option<UserId> {
    format!("user:{user}").parse().ok()
}

/// Returns the home directory that `variables` name, else the one that `listed` gives.
fn home(
    variables: &BTreeMap<String, String>,
    listed: impl FnOnce() -> Option<PathBuf>,
) -> (PathBuf, HomeOrigin) {
    let named = variables.get("HOME").map(PathBuf::from);
    if let Some(named) = named.filter(|home| home.is_absolute()) {
        return (named, HomeOrigin::Variable);
    }
    match listed() {
        Some(listed) => (listed, HomeOrigin::UserDatabase),
        None => (PathBuf::from(NO_HOME), HomeOrigin::Nowhere),
    }
}

fn programs_beside_this_one() -> Vec<PathBuf> {
    let Ok(this) = std::env::current_exe() else {
        return Vec::new();
    };
    let mut programs: Vec<PathBuf> = this
        .parent()
        .map(|folder| PROGRAMS.iter().map(|name| folder.join(name)).collect())
        .unwrap_or_default();
    if !programs.contains(&this) {
        programs.push(this);
    }
    programs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variable: Option<&str>, listed: Option<&str>, expected: &str, origin: HomeOrigin) {
        let variables = variable
            .map(|value| ("HOME".to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        assert_eq!(
            home(&variables, || listed.map(PathBuf::from)),
            (PathBuf::from(expected), origin),
            "{variable:?} {listed:?}"
        );
    }

    #[test]
    fn the_variable_names_the_home_directory_if_it_is_absolute() {
        check(Some("/h"), Some("/listed"), "/h", HomeOrigin::Variable);
        check(Some("/"), Some("/listed"), "/", HomeOrigin::Variable);
    }

    #[test]
    fn else_the_list_of_users_names_it_and_never_the_root() {
        for variable in [None, Some(""), Some("h"), Some("./h")] {
            check(
                variable,
                Some("/listed"),
                "/listed",
                HomeOrigin::UserDatabase,
            );
            check(variable, None, "/nonexistent", HomeOrigin::Nowhere);
        }
    }
}
