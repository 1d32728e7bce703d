//! An ask that waits for a person.

use aegis_canon::Digest;
use serde::{Deserialize, Serialize};

use crate::id::{ApprovalId, ApproverId, RequestId, SessionId, TenantId};
use crate::risk::Risk;
use crate::time::{DurationMs, Timestamp};

/// What a rule says of the approval it asks for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ApprovalTerms {
    /// How long to wait.
    pub within: DurationMs,
    /// What silence means.
    pub otherwise: Otherwise,
    /// How many different approvers must agree.
    pub approvers: u8,
    /// Where to ask; empty means wherever somebody can answer.
    #[serde(default)]
    pub channels: Vec<String>,
}

impl Default for ApprovalTerms {
    fn default() -> Self {
        Self {
            within: DurationMs::from_secs(600),
            otherwise: Otherwise::Deny,
            approvers: 1,
            channels: Vec::new(),
        }
    }
}

/// What it means when nobody answers in time.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Otherwise {
    /// The action is denied.
    #[default]
    Deny,
    /// The action is allowed; refused at risk `high` and above.
    Allow,
}

/// How sure it is that a person answered, from least to most.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Assurance {
    /// Answered in the agent's host; not verified.
    Host,
    /// The same user on the same machine.
    Low,
    /// A factor that the requesting principal cannot reach.
    High,
}

impl Assurance {
    /// Returns the least assurance with which an approval of `risk` counts.
    #[must_use]
    pub const fn needed_for(risk: Risk) -> Self {
        match risk {
            Risk::Low | Risk::Medium => Self::Host,
            Risk::High => Self::Low,
            Risk::Critical => Self::High,
        }
    }

    /// Returns the wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Low => "low",
            Self::High => "high",
        }
    }
}

/// An ask awaiting a person.
///
/// It is bound to the exact request and policy, and used once.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Approval {
    /// Its name.
    #[serde(rename = "approval_token")]
    pub id: ApprovalId,
    /// Whose session asks.
    pub tenant: TenantId,
    /// The session that asks.
    pub session: SessionId,
    /// The request in question.
    #[serde(rename = "call_id")]
    pub request: RequestId,
    /// The digest of the recorded request.
    pub request_digest: Digest,
    /// The digest of the policies that asked.
    pub policy_digest: Digest,
    /// One line for people: what would happen.
    pub summary: String,
    /// Why it is asked.
    pub message: Option<String>,
    /// The risk, which sets the assurance needed.
    pub risk: Risk,
    /// What the rule says of the approval.
    pub terms: ApprovalTerms,
    /// Whether the agent's host was left to ask: an action that then runs was
    /// approved there.
    #[serde(default)]
    pub asked_in_host: bool,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When silence becomes the answer.
    #[serde(rename = "expires_unix_ms")]
    pub expires_at: Timestamp,
}

/// A person's answer to an approval.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Answer {
    /// The approval answered.
    #[serde(rename = "approval_token")]
    pub approval: ApprovalId,
    /// Whether the action may proceed.
    #[serde(rename = "approved")]
    pub is_granted: bool,
    /// Who answered.
    #[serde(rename = "decided_by")]
    pub approver: ApproverId,
    /// How sure that is.
    pub assurance: Assurance,
    /// The channel by which the answer came.
    pub channel: String,
    /// What the approver wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Where an approval stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalStatus {
    /// It waits for an answer.
    Pending,
    /// It was granted, once.
    Granted,
    /// It was refused.
    Refused,
    /// Nobody answered in time, or the policy changed.
    Expired,
}

impl ApprovalStatus {
    /// Returns the wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Expired => "expired",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_the_risk_the_greater_the_assurance_needed() {
        assert_eq!(Assurance::needed_for(Risk::Medium), Assurance::Host);
        assert_eq!(Assurance::needed_for(Risk::High), Assurance::Low);
        assert_eq!(Assurance::needed_for(Risk::Critical), Assurance::High);
    }
}
