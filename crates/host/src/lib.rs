//! Agent hosts: finding them, driving them without a network, installing into them.
//!
//! [`ScriptedModel`] stands in for the model a host talks to, and [`Client`]
//! drives a real Claude Code against it. Together they show what the installed
//! hook does in the real client, with no account and no network.

mod client;
mod scripted;

pub use client::{
    Client, ClientVersion, FindClientError, Mode, PermissionDenial, Session, SessionError,
    Transcript,
};
pub use scripted::{
    Alternative, Conversation, Fault, LastResult, LoadScriptError, ModelRequest, Script,
    ScriptedModel, Source, StartModelError, ToolResult, ToolUse, Turn,
};
