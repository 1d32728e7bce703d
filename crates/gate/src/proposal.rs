//! What an edge hands to the gate.

use std::path::PathBuf;
use std::sync::Arc;

use aegis_types::{AgentId, DurationMs, RequestId, SessionId, UserId};
use serde_json::Value;

/// An action as an agent proposed it, in no protocol's own form.
///
/// It holds only what was said. Everything that must be looked up in the world
/// is gathered by the gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Its name within the session, as the agent's host gave it.
    pub id: RequestId,
    /// The session.
    pub session: SessionId,
    /// The agent; that of the settings if absent.
    pub agent: Option<AgentId>,
    /// The kind of sub-agent, if one acts.
    pub subagent: Option<Arc<str>>,
    /// The person or account for whom the agent acts.
    pub user: Option<UserId>,
    /// The tool, as the agent's host names it.
    pub tool: Arc<str>,
    /// The arguments, as read by `aegis_canon::parse_tagging`.
    pub params: Value,
    /// How many parts of the arguments are kept as tagged text.
    pub tagged: u32,
    /// The working directory of the agent.
    pub directory: PathBuf,
    /// The permission mode of the agent's host, as the host names it.
    pub host_mode: Option<String>,
    /// The skill that is active.
    pub skill: Option<String>,
}

/// What to do when a person must be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WaitFor {
    /// Return at once with the approval pending: the host asks, or the same
    /// proposal comes again later.
    Later,
    /// Return at once with the approval pending: whoever proposed it comes again
    /// with the same proposal, and nobody is asked by its host.
    Retry,
    /// Wait for an answer, at most this long; then silence is the answer.
    Answer(DurationMs),
    /// Nobody can answer: silence is the answer at once.
    Nobody,
}
