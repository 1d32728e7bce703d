//! What somebody may ask of a service.

use serde::{Deserialize, Serialize};

/// What a caller of a service may do.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Proposes actions and reports what became of them.
    Agent,
    /// Answers approvals.
    Approver,
    /// Reads the log and what it says.
    Auditor,
    /// Runs the service: tokens, policies, figures.
    Operator,
}

impl Role {
    /// Every role, in order.
    pub const ALL: [Self; 4] = [Self::Agent, Self::Approver, Self::Auditor, Self::Operator];

    /// Returns the wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Approver => "approver",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
        }
    }

    /// Returns the role among `roles` that nobody may have who is an agent: an
    /// agent neither answers for itself nor makes tokens of those who do.
    #[must_use]
    pub fn beside_agent(roles: &[Self]) -> Option<Self> {
        let is_barred = |role: &&Self| matches!(role, Self::Approver | Self::Operator);
        let barred = roles.iter().find(is_barred).copied();
        barred.filter(|_| roles.contains(&Self::Agent))
    }
}
