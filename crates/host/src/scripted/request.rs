//! What a scripted model was asked.

use serde_json::Value;

/// A request that a scripted model received, and what answered it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRequest {
    /// The HTTP method.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The body; null when there was none.
    pub body: Value,
    /// What answered.
    pub source: Source,
}

/// The part of a script, or of the protocol, that answered a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// A turn of a conversation, both counted from zero.
    Turn {
        /// The place of the conversation in the script.
        conversation: usize,
        /// The place of the turn in the conversation.
        turn: usize,
    },
    /// A conversation fits but has no turn left.
    PastTheScript,
    /// No conversation fits.
    NoConversation,
    /// The side text.
    SideText,
    /// The protocol itself: token counts, the list of models, probes.
    Protocol,
}

/// A tool's result as the model, or a reader of the client's stream, sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ToolResult {
    /// The id of the tool use that it answers.
    pub tool_use_id: String,
    /// Whether the tool failed or was refused.
    pub is_error: bool,
    /// The whole text.
    pub text: String,
}

impl ModelRequest {
    /// Returns the tool results that the request carries, oldest first.
    pub fn tool_results(&self) -> Vec<ToolResult> {
        tool_results(&self.body)
    }

    /// Returns the names of the tools that the model may ask for.
    pub fn tools(&self) -> Vec<&str> {
        items(self.body.get("tools"))
            .iter()
            .filter_map(|tool| tool.get("name").and_then(Value::as_str))
            .collect()
    }

    /// Reports whether any text of the request contains `text`.
    pub fn mentions(&self, text: &str) -> bool {
        contains(&self.body, text)
    }
}

/// Returns the tool results of a request's messages, oldest first.
pub(crate) fn tool_results(body: &Value) -> Vec<ToolResult> {
    items(body.get("messages"))
        .iter()
        .flat_map(|message| results_in(message.get("content")))
        .collect()
}

/// Returns the tool results among the blocks of one message.
pub(crate) fn results_in(content: Option<&Value>) -> Vec<ToolResult> {
    items(content)
        .iter()
        .filter(|block| kind(block) == "tool_result")
        .map(|block| ToolResult {
            tool_use_id: text_of(block.get("tool_use_id")),
            is_error: block.get("is_error").and_then(Value::as_bool) == Some(true),
            text: plain_text(block.get("content")),
        })
        .collect()
}

/// Returns all text of a content that is a string or a list of blocks.
pub(crate) fn plain_text(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => blocks
            .iter()
            .filter_map(|block| block.get("text").and_then(Value::as_str))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    }
}

/// Returns the elements of an array, or none.
pub(crate) fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns a string member, or the empty string.
pub(crate) fn text_of(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn kind(block: &Value) -> &str {
    block
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

// The depth is bounded by serde_json, which parsed the value.
fn contains(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.contains(text),
        Value::Array(values) => values.iter().any(|value| contains(value, text)),
        Value::Object(members) => members.values().any(|value| contains(value, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
