//! What the process finds around it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The names of the programs of Aegis that lie side by side.
const PROGRAMS: [&str; 2] = ["aegis", "aegis-hook"];

/// What the process finds around it, read once at its rim.
///
/// Nothing in the gate looks at the environment of the process by itself, so a
/// test can put a whole machine into a temporary folder.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Surroundings {
    /// The home directory of the user.
    pub home: PathBuf,
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

impl Surroundings {
    /// Reads the environment of this process, for an agent that works in `directory`.
    #[must_use]
    pub fn of_process(directory: &Path) -> Self {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let home = variables
            .get("HOME")
            .filter(|home| home.starts_with('/'))
            .map_or_else(|| PathBuf::from("/"), PathBuf::from);
        Self {
            home,
            variables,
            directory: directory.to_path_buf(),
            managed: PathBuf::from("/etc/aegis"),
            host_managed: PathBuf::from("/etc/claude-code"),
            programs: programs_beside_this_one(),
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
