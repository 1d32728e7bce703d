//! A scripted stand-in for the Messages API.
//!
//! A [`Script`] says what the model answers; a [`ScriptedModel`] serves it on a
//! loopback port until it is dropped and remembers every request. The answer is
//! a function of the request: turn N of a conversation answers the request that
//! carries N assistant messages, so a resumed session goes on where it stopped.

mod choose;
mod http;
mod message;
mod request;
mod script;
mod server;

pub use request::{ModelRequest, Source, ToolResult};
pub(crate) use request::{items, results_in, text_of};
pub use script::{
    Alternative, Conversation, Fault, LastResult, LoadScriptError, Script, ToolUse, Turn,
};
pub use server::{ScriptedModel, StartModelError};
