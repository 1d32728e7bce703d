//! What happened in the world.

use serde::{Deserialize, Serialize};

/// What became of a request that was decided.
///
/// A request without a recorded outcome has the outcome *unknown*; that is
/// told by its absence and never recorded.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The action ran to its end.
    Completed,
    /// The action ran and failed.
    Failed,
    /// The action did not run.
    Prevented,
}

impl Outcome {
    /// Returns the wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Prevented => "prevented",
        }
    }
}
