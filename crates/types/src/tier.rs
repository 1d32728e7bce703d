//! Earned autonomy.

use serde::{Deserialize, Serialize};

/// How much autonomy an agent has earned, from least to most.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Reads only; every change needs a person.
    #[default]
    Supervised,
    /// Edits in the project; programs from an approved list.
    Guided,
    /// Most actions; alerts on unusual patterns.
    Autonomous,
    /// All actions within policy; reviewed afterwards.
    Trusted,
}

impl Tier {
    /// Every tier, from least to most autonomy.
    pub const ALL: [Self; 4] = [
        Self::Supervised,
        Self::Guided,
        Self::Autonomous,
        Self::Trusted,
    ];

    /// Returns the wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Supervised => "supervised",
            Self::Guided => "guided",
            Self::Autonomous => "autonomous",
            Self::Trusted => "trusted",
        }
    }
}
