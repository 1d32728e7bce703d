//! What was known when a request was decided.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::effect::Effect;
use crate::fact::{HostFact, PathFact, ProgramFact, ProtectedTouch};
use crate::plan::Plan;
use crate::tier::Tier;

/// Facts gathered before deciding, and recorded with the request.
///
/// Deciding reads nothing else about the world, so a recorded request can be
/// decided again at any time with the same answer.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Context {
    /// The working directory, a real path.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub directory: String,
    /// The home directory of the user, a real path.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub home: String,
    /// The label of the environment, such as `production`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The agent's tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The permission mode of the agent's host, as the host names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_mode: Option<String>,
    /// The skill that is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// What the command line would run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// What the action would do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// The paths it would touch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathFact>,
    /// The hosts it would speak to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<HostFact>,
    /// The programs that it would run by their names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<ProgramFact>,
    /// What it would touch of Aegis itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<ProtectedTouch>,
    /// The agents it would start that Aegis may not govern.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nested_agents: Vec<NestedAgent>,
    /// Origins that the data of the request carries.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub taint: BTreeSet<String>,
    /// How many parts of the parameters are kept as tagged text, because they are not I-JSON.
    #[serde(skip_serializing_if = "is_zero")]
    pub tagged: u32,
    /// How many secrets were replaced before recording.
    #[serde(skip_serializing_if = "is_zero")]
    pub redacted: u32,
    /// What derived these facts.
    pub derived_by: Derivation,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// An agent that an action would start.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NestedAgent {
    /// The program, such as `claude`.
    pub program: String,
    /// Why Aegis would not govern it, for people.
    pub cause: String,
}

/// The versions of what derived the facts of a context.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Derivation {
    /// The version of the program.
    pub program: String,
    /// The version of the shell analysis.
    pub shell: u32,
    /// The version of the table of programs.
    pub programs: u32,
}
