//! How much harm an action could do.

use serde::{Deserialize, Serialize};

/// How much harm an action could do, from least to most.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Easily undone, seen by nobody else.
    Low,
    /// Undone with some work.
    #[default]
    Medium,
    /// Hard to undo, or felt by others. An approval in the agent's host is not enough.
    High,
    /// Cannot be undone. An approval of high assurance is needed.
    Critical,
}

impl Risk {
    /// Every risk, from least to most.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Returns the wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}
