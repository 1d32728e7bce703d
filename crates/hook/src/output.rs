//! What the host is told, in its own form.
//!
//! Answers are only ever made by serialising these types: a host takes text
//! that is not exactly one well-formed object for no answer at all.

use serde::Serialize;
use serde_json::Value;

/// What the process prints, and how it exits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// Exactly one JSON object, or nothing.
    pub stdout: Vec<u8>,
    /// 0; or 2 when there is an answer that cannot be written.
    pub exit_code: i32,
}

impl Reply {
    /// Returns the reply that says nothing.
    #[must_use]
    pub const fn silent() -> Self {
        Self {
            stdout: Vec::new(),
            exit_code: 0,
        }
    }

    /// Returns the reply that says `output`.
    pub(crate) fn of(output: &Output) -> Self {
        match serde_json::to_vec(output) {
            Ok(stdout) => Self {
                stdout,
                exit_code: 0,
            },
            // Silence would let the call pass, so the exit code blocks it.
            Err(_) => Self {
                stdout: Vec::new(),
                exit_code: 2,
            },
        }
    }
}

/// One answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Output {
    /// What only this event has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hook_specific_output: Option<Specific>,
    /// A block, for events that can be blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decision: Option<Block>,
    /// Why it is blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What the person sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) system_message: Option<String>,
}

/// The word that blocks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Block {
    /// It is blocked.
    Block,
}

/// What only one event has; the tag is the event that was received.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "hookEventName")]
pub(crate) enum Specific {
    /// The answer that decides.
    #[serde(rename_all = "camelCase")]
    PreToolUse {
        /// The decision; absent, the host's own permission flow goes on.
        #[serde(skip_serializing_if = "Option::is_none")]
        permission_decision: Option<Permission>,
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        permission_decision_reason: Option<String>,
        /// The whole input in place of the one proposed.
        #[serde(skip_serializing_if = "Option::is_none")]
        updated_input: Option<Value>,
    },
    /// The answer to the host's own question.
    PermissionRequest {
        /// The decision.
        decision: RequestDecision,
    },
}

/// A decision about a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Permission {
    /// It may run, unless a rule of the host says otherwise.
    Allow,
    /// It must not run.
    Deny,
    /// The host asks its user.
    Ask,
    /// The host stops and asks again when it is resumed.
    Defer,
}

/// A refusal of the host's own question. There is no other answer here.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "behavior", rename_all = "lowercase")]
pub(crate) enum RequestDecision {
    /// It is refused.
    Deny {
        /// Why.
        message: String,
    },
}

impl Output {
    /// Returns the answer that decides a call.
    pub(crate) fn decided(permission: Permission, reason: String) -> Self {
        Self::pre_tool_use(Some(permission), Some(reason), None)
    }

    /// Returns an answer to a proposed call.
    pub(crate) fn pre_tool_use(
        permission: Option<Permission>,
        reason: Option<String>,
        updated_input: Option<Value>,
    ) -> Self {
        Self {
            hook_specific_output: Some(Specific::PreToolUse {
                permission_decision: permission,
                permission_decision_reason: reason,
                updated_input,
            }),
            ..Self::default()
        }
    }

    /// Returns the answer that blocks.
    pub(crate) fn blocked(reason: String) -> Self {
        Self {
            decision: Some(Block::Block),
            system_message: Some(reason.clone()),
            reason: Some(reason),
            ..Self::default()
        }
    }

    /// Returns the answer that only tells the person something.
    pub(crate) fn told(message: String) -> Self {
        Self {
            system_message: Some(message),
            ..Self::default()
        }
    }

    /// Returns the refusal of the host's own question.
    pub(crate) fn refused(message: String) -> Self {
        Self {
            hook_specific_output: Some(Specific::PermissionRequest {
                decision: RequestDecision::Deny { message },
            }),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(output: &Output, expected: &Value) {
        assert_eq!(&serde_json::to_value(output).unwrap(), expected);
    }

    #[test]
    fn answers_have_the_form_of_the_host() {
        check(
            &Output::decided(Permission::Deny, "no".to_owned()),
            &json!({"hookSpecificOutput": {"hookEventName": "PreToolUse",
                "permissionDecision": "deny", "permissionDecisionReason": "no"}}),
        );
        check(
            &Output::pre_tool_use(None, None, Some(json!({"timeout": 5}))),
            &json!({"hookSpecificOutput": {"hookEventName": "PreToolUse",
                "updatedInput": {"timeout": 5}}}),
        );
        check(
            &Output::refused("no".to_owned()),
            &json!({"hookSpecificOutput": {"hookEventName": "PermissionRequest",
                "decision": {"behavior": "deny", "message": "no"}}}),
        );
        check(
            &Output::blocked("no".to_owned()),
            &json!({"decision": "block", "reason": "no", "systemMessage": "no"}),
        );
    }
}
