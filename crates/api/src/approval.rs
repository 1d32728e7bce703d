//! Approvals over the wire.

use aegis_types::{Answer, Approval, ApprovalStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// An approval and where it stands.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct ApprovalReply {
    /// The approval.
    #[schema(value_type = Object)]
    pub approval: Approval,
    /// `pending`, `granted`, `refused` or `expired`.
    #[schema(value_type = String, example = "pending")]
    pub status: ApprovalStatus,
    /// The answers that count, oldest first.
    #[schema(value_type = Vec<Object>)]
    pub answers: Vec<Answer>,
    /// The request that an answer allows or refuses, whole as it is recorded:
    /// without secrets. Given where one approval is shown, to who may answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub request: Option<Value>,
    /// What of the request is not shown, and why; absent if it is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

/// Approvals, newest first.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct ApprovalList {
    /// The approvals.
    pub approvals: Vec<ApprovalReply>,
}

/// A person's answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerRequest {
    /// Whether the action may happen.
    pub approved: bool,
    /// What the approver writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    pub note: Option<String>,
}
