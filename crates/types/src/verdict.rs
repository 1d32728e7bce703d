//! The answer to a request.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The answer to one request, from most to least permissive.
///
/// The order is load-bearing: findings combine by `max`, so the strictest wins.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The action may proceed once its obligations are met.
    Allow,
    /// The action waits for an approver; no answer in time means `Deny`.
    Ask,
    /// The action must not happen.
    Deny,
}

impl Verdict {
    /// Returns the wire name: `allow`, `ask` or `deny`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
