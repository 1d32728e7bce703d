//! What the log says, over the wire.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::decision::FindingView;

/// One session.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct SessionView {
    /// Whose it is.
    pub tenant_id: String,
    /// The session.
    pub session_id: String,
    /// How many records it has.
    pub records: u64,
    /// The number of the last one; older services do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seq: Option<u64>,
    /// Its hash, in hexadecimal digits.
    pub head: String,
    /// When the first record was made.
    pub first_unix_ms: i64,
    /// When the last one was made.
    pub last_unix_ms: i64,
}

/// Sessions, by name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct SessionList {
    /// The sessions.
    pub sessions: Vec<SessionView>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// One decision, in a line.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct DecisionLine {
    /// The session.
    pub session_id: String,
    /// The action.
    pub call_id: String,
    /// The number of the record in its session.
    pub seq: u64,
    /// When it was decided.
    pub ts_unix_ms: i64,
    /// `allow`, `ask` or `deny`.
    pub verdict: String,
    /// The code of the reason.
    pub reason: String,
    /// The rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The greatest risk that a finding states.
    pub risk: String,
}

/// Decisions, newest first.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct DecisionList {
    /// The decisions.
    pub decisions: Vec<DecisionLine>,
    /// Where the next page begins; absent on the last one. A page may hold
    /// fewer than asked for, even none, and still have a next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// One answer to an action, with what led to it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct DecisionView {
    /// The decision in a line.
    pub decision: DecisionLine,
    /// Every finding.
    pub findings: Vec<FindingView>,
    /// The policies that were asked.
    #[schema(value_type = Vec<Object>)]
    pub policies: Vec<Value>,
    /// What had to be done for an allow to hold.
    #[schema(value_type = Vec<Object>)]
    pub obligations: Vec<Value>,
}

/// An action, with everything that was decided about it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct ActionView {
    /// The proposal as recorded; absent if only its decision is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub request: Option<Value>,
    /// The decisions, oldest first.
    pub decisions: Vec<DecisionView>,
    /// `completed`, `failed` or `prevented`, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// One policy in force.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct PolicyView {
    /// Its name.
    pub name: String,
    /// The digest under which its document is kept.
    pub digest: String,
    /// `current`, or `last_good` if its file is broken or gone.
    pub standing: String,
    /// Whether its allows count for nothing.
    pub only_tightens: bool,
    /// Its file; absent for a built-in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// One policy by which something was decided.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct PolicyVersion {
    /// Its name.
    pub name: String,
    /// The digest under which its document is kept.
    pub digest: String,
    /// When it was last used.
    pub last_used_unix_ms: i64,
}

/// The policies of the service.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct PolicyList {
    /// Those in force for who brings none of their own.
    pub in_force: Vec<PolicyView>,
    /// Why nothing can be decided; absent if all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Those by which the newest decisions were made, the last used first.
    pub versions: Vec<PolicyVersion>,
    /// Among how many decisions they were looked for.
    pub decisions_looked_through: usize,
}

/// One agent.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct AgentView {
    /// The agent.
    pub agent_id: String,
    /// In how many sessions it acted.
    pub sessions: usize,
    /// How many actions it proposed.
    pub requests: usize,
    /// When it proposed the last one.
    pub last_unix_ms: i64,
}

/// The agents that proposed something lately.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct AgentList {
    /// The agents, by name.
    pub agents: Vec<AgentView>,
    /// Among how many proposals they were looked for.
    pub requests_looked_through: usize,
}
