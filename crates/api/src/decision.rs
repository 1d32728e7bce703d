//! What an agent proposes over the wire, and what it is told.

use std::collections::BTreeMap;

use aegis_types::{Decision, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// An action that an agent proposes.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionRequest {
    /// Whose session it is; that of the caller if absent, and no other's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The session.
    #[schema(min_length = 1, max_length = 256, pattern = "^[!-~]+$")]
    pub session_id: String,
    /// The name of the action within its session. The same name with the same
    /// action gets the same answer; with another action it is a conflict.
    #[schema(min_length = 1, max_length = 256, pattern = "^[!-~]+$")]
    pub call_id: String,
    /// The agent; the one the caller is bound to if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The kind of sub-agent, if one acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subagent: Option<String>,
    /// The person or account for whom the agent acts, by the word of the caller:
    /// the record has the caller's own name before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The tool, as the agent's host names it.
    #[schema(min_length = 1, max_length = 1024)]
    pub tool_name: String,
    /// The arguments.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub args: Value,
    /// The working directory of the agent, an absolute path; `/` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// The home directory of the agent, an absolute path. The service looks it
    /// up itself for callers whose account it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    /// The variables of the agent's environment that its commands may use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// The permission mode of the agent's host, as the host names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_mode: Option<String>,
    /// The skill that is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// Counters of the session as the caller sees them. Its own decide; a
    /// difference is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub snapshot: Option<Value>,
}

/// What an agent is told of its proposal.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct DecisionReply {
    /// The session.
    pub session_id: String,
    /// The action.
    pub call_id: String,
    /// `allow`, `ask` or `deny`. Nothing but `allow` lets an action run.
    pub verdict: String,
    /// The code of the reason.
    pub reason: String,
    /// What the agent can do about it, or what it must be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The greatest risk that a finding states.
    pub risk: String,
    /// What the caller must do for an allow to hold; who cannot must not act.
    #[schema(value_type = Vec<Object>)]
    pub obligations: Vec<Value>,
    /// Every finding.
    pub findings: Vec<FindingView>,
    /// The approval that is waited for, or that led to the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub approval: Option<Value>,
    /// Whether request and answer are in the log. A dry run records nothing.
    pub recorded: bool,
}

/// One check's opinion.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct FindingView {
    /// The check.
    pub check: String,
    /// Its verdict.
    pub verdict: String,
    /// The code of its reason.
    pub reason: String,
    /// The policy, if one is the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The rule, if one is the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether it is an opinion, and not only a default.
    pub explicit: bool,
}

impl FindingView {
    /// Returns the findings of `decision` as they go over the wire.
    #[must_use]
    pub fn all_of(decision: &Decision) -> Vec<Self> {
        let policy = |index: Option<u16>| {
            let policy = decision.policies.get(usize::from(index?))?;
            Some(policy.name.to_string())
        };
        let view = |finding: &aegis_types::Finding| Self {
            check: finding.check.as_str().to_owned(),
            verdict: finding.verdict.as_str().to_owned(),
            reason: finding.reason.as_str().to_owned(),
            policy: policy(finding.policy),
            rule: finding.rule.as_ref().map(ToString::to_string),
            message: finding.message.as_deref().map(str::to_owned),
            explicit: finding.standing == aegis_types::Standing::Explicit,
        };
        decision.findings.iter().map(view).collect()
    }
}

/// What became of an action.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeReport {
    /// Whose session it is; that of the caller if absent, and no other's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The session.
    #[schema(min_length = 1, max_length = 256, pattern = "^[!-~]+$")]
    pub session_id: String,
    /// The action.
    #[schema(min_length = 1, max_length = 256, pattern = "^[!-~]+$")]
    pub call_id: String,
    /// `completed`, `failed` or `prevented`.
    #[schema(value_type = String, example = "completed")]
    pub outcome: Outcome,
    /// What the tool gave back.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub content: Value,
}

/// What the service says of an outcome.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct OutcomeReply {
    /// Whether a decision had let the action happen. If not, the log says so.
    pub decided: bool,
}
