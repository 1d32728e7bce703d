//! Names of tools.

use crate::pattern::Glob;

/// The two names that agent hosts have for the tool that starts a sub-agent.
const AGENT_NAMES: [&str; 2] = ["Agent", "Task"];

/// Returns whether `glob` matches the tool `name`, under any of its names.
pub(crate) fn matches(glob: &Glob, name: &str) -> bool {
    glob.matches_name(name) || other_name(name).is_some_and(|other| glob.matches_name(other))
}

/// Returns the other name of a tool that has two.
pub(crate) fn other_name(name: &str) -> Option<&'static str> {
    AGENT_NAMES.contains(&name).then_some(())?;
    AGENT_NAMES.into_iter().find(|other| *other != name)
}
