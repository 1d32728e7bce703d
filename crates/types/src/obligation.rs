//! Conditions under which an allow holds.

use serde::{Deserialize, Serialize};

use crate::time::DurationMs;

/// What an edge must do for an allow to hold.
///
/// An edge that cannot meet an obligation does not execute.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Obligation {
    /// The action is stopped after this time.
    Timeout(DurationMs),
    /// The output is cut to this many bytes.
    OutputBytesMax(u64),
    /// Secrets are removed from what the agent sees.
    Redact(RedactScope),
    /// The action runs in a sandbox.
    Sandbox(SandboxScope),
    /// This channel is told; `log` means that the record is enough.
    Notify(String),
}

/// What is removed from an output.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RedactScope {
    /// Secrets.
    Secrets,
    /// Secrets and personal data.
    Personal,
}

/// What a sandbox lets its processes reach.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxScope {
    /// The working directory, and the system read-only.
    Workspace,
    /// The same, without any network.
    Offline,
}
