//! The question asked: may this principal do this?

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::Context;
use crate::id::{AgentId, RequestId, SessionId, TenantId, UserId};
use crate::time::Timestamp;

/// One action that an agent proposes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ActionRequest {
    /// Its name within the session, as the agent's host gave it.
    #[serde(rename = "call_id")]
    pub id: RequestId,
    /// When the gate received it.
    pub at: Timestamp,
    /// Who acts.
    pub principal: Principal,
    /// The verb.
    pub action: Action,
    /// The tool, as the agent's host names it.
    #[serde(rename = "tool_name")]
    pub tool: Arc<str>,
    /// What it is done to, if the tool says so plainly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// The arguments: I-JSON, other parts kept as tagged text.
    #[serde(rename = "args")]
    pub params: Value,
    /// What was known.
    pub context: Context,
}

/// Who acts: an agent, for a user, in a session.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Principal {
    /// Whose session it is.
    pub tenant: TenantId,
    /// The session.
    pub session: SessionId,
    /// The agent instance.
    pub agent: AgentId,
    /// The kind of sub-agent, if one acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subagent: Option<Arc<str>>,
    /// The person or account for whom the agent acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
}

/// The verb of a request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Action {
    /// Reads a file.
    #[serde(rename = "fs.read")]
    FsRead,
    /// Makes or changes a file.
    #[serde(rename = "fs.write")]
    FsWrite,
    /// Looks for files or in files.
    #[serde(rename = "fs.search")]
    FsSearch,
    /// Runs a command line.
    #[serde(rename = "shell.exec")]
    ShellExec,
    /// Fetches a page.
    #[serde(rename = "net.fetch")]
    NetFetch,
    /// Searches the web.
    #[serde(rename = "net.search")]
    NetSearch,
    /// Calls a tool of an MCP server.
    #[serde(rename = "mcp.call")]
    McpCall,
    /// Starts a sub-agent.
    #[serde(rename = "agent.start")]
    AgentStart,
    /// Uses a skill.
    #[serde(rename = "skill.use")]
    SkillUse,
    /// Calls a tool of another kind.
    #[serde(rename = "tool.call")]
    ToolCall,
}

impl Action {
    /// Every action, in order.
    pub const ALL: [Self; 10] = [
        Self::FsRead,
        Self::FsWrite,
        Self::FsSearch,
        Self::ShellExec,
        Self::NetFetch,
        Self::NetSearch,
        Self::McpCall,
        Self::AgentStart,
        Self::SkillUse,
        Self::ToolCall,
    ];

    /// Returns the wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FsRead => "fs.read",
            Self::FsWrite => "fs.write",
            Self::FsSearch => "fs.search",
            Self::ShellExec => "shell.exec",
            Self::NetFetch => "net.fetch",
            Self::NetSearch => "net.search",
            Self::McpCall => "mcp.call",
            Self::AgentStart => "agent.start",
            Self::SkillUse => "skill.use",
            Self::ToolCall => "tool.call",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// What an action is done to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// A path, as written.
    Path(String),
    /// A command line.
    CommandLine(String),
    /// A URL, as written.
    Url(String),
    /// An MCP server.
    Server(String),
    /// A named thing of another kind: a sub-agent, a skill.
    Named(String),
}
