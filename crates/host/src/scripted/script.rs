//! What a scripted model answers, as typed values and as JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// What a scripted model answers to every request.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The conversations; the first whose opening fits answers.
    pub conversations: Vec<Conversation>,
    /// The answer to requests without tools: titles, summaries, judgements.
    #[serde(default = "side_text")]
    pub side_text: String,
}

/// One conversation: how it opens and what the model says turn by turn.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// Text that the first user message contains; empty fits every message.
    #[serde(default)]
    pub opening: String,
    /// The turns; number N answers the request with N assistant messages.
    pub turns: Vec<Turn>,
}

/// One answer of the model.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Turn {
    /// Text said before any tool use; `{{last_result}}` is the latest tool result.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Tools the model asks for, all in one message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_uses: Vec<ToolUse>,
    /// What goes wrong instead of, or during, the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// How long the model waits before it answers, in milliseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub delay_ms: u64,
    /// Other turns that take this one's place; the first that fits does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Alternative>,
}

/// A tool that the model asks for.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ToolUse {
    /// The tool's name as the client knows it.
    pub name: String,
    /// The tool's whole input.
    #[serde(default = "empty_object")]
    pub input: Value,
    /// The id of the tool use; absent, the model makes one that is unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A turn that is taken when the latest tool result fits.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// What the latest tool result must be like.
    pub when: LastResult,
    /// The turn to take.
    pub turn: Turn,
}

/// A condition on the latest tool result of a request.
///
/// A request without a tool result fits no condition.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LastResult {
    /// The text of the result contains this text.
    Contains(String),
    /// The result is, or is not, an error.
    IsError(bool),
}

/// Something that goes wrong with an answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// An HTTP error in place of the answer.
    Http {
        /// The status code.
        status: u16,
        /// The kind of error on the wire, such as `overloaded_error`.
        kind: String,
        /// The message on the wire.
        message: String,
        /// How often the turn fails before it answers; absent, always.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        times: Option<u32>,
    },
    /// The connection closes in the middle of the answer.
    Disconnect,
}

/// Why a text is not a script.
#[derive(Debug, Error)]
#[error("the text is not a script")]
pub struct LoadScriptError(#[source] serde_json::Error);

impl Script {
    /// Returns a script of one conversation that answers whatever is asked.
    pub fn of(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self::default().with("", turns)
    }

    /// Returns the script with a conversation for prompts that contain `opening`.
    ///
    /// Order matters: the first conversation that fits answers, so one that
    /// fits everything comes last.
    #[must_use]
    pub fn with(
        mut self,
        opening: impl Into<String>,
        turns: impl IntoIterator<Item = Turn>,
    ) -> Self {
        self.conversations.push(Conversation {
            opening: opening.into(),
            turns: turns.into_iter().collect(),
        });
        self
    }

    /// Reads a script from JSON.
    ///
    /// # Errors
    ///
    /// [`LoadScriptError`] if the text is not JSON or holds an unknown key.
    pub fn from_json(text: &str) -> Result<Self, LoadScriptError> {
        serde_json::from_str(text).map_err(LoadScriptError)
    }
}

impl Turn {
    /// Returns a turn that says `text` and asks for nothing.
    pub fn says(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Returns a turn that asks for tools, all in one message.
    pub fn uses(tool_uses: impl IntoIterator<Item = ToolUse>) -> Self {
        Self {
            tool_uses: tool_uses.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Returns a turn that fails.
    pub fn fails(fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::default()
        }
    }

    /// Returns the turn with another one in its place when the latest result fits.
    #[must_use]
    pub fn or_when(mut self, when: LastResult, turn: Turn) -> Self {
        self.alternatives.push(Alternative { when, turn });
        self
    }

    /// Returns how long the model waits before it answers.
    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}

impl ToolUse {
    /// Returns a use of the tool `name` with `input`.
    pub fn new(name: impl Into<String>, input: Value) -> Self {
        Self {
            name: name.into(),
            input,
            id: None,
        }
    }

    /// Returns the use with a fixed id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

impl Default for Script {
    fn default() -> Self {
        Self {
            conversations: Vec::new(),
            side_text: side_text(),
        }
    }
}

fn side_text() -> String {
    "ok".to_owned()
}

fn empty_object() -> Value {
    Value::Object(serde_json::Map::new())
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_script_reads_from_json_and_back() {
        let text = r#"{"conversations": [{"opening": "tidy up", "turns": [
            {"tool_uses": [{"name": "Bash", "input": {"command": "ls"}}]},
            {"text": "done", "alternatives": [
                {"when": {"contains": "refused"}, "turn": {"text": "I stop"}},
                {"when": {"is_error": true}, "turn": {"fault": "disconnect"}}]}]}]}"#;
        let expected = Script::default().with(
            "tidy up",
            [
                Turn::uses([ToolUse::new("Bash", json!({"command": "ls"}))]),
                Turn::says("done")
                    .or_when(
                        LastResult::Contains("refused".to_owned()),
                        Turn::says("I stop"),
                    )
                    .or_when(LastResult::IsError(true), Turn::fails(Fault::Disconnect)),
            ],
        );
        let script = Script::from_json(text).unwrap();
        assert_eq!(script, expected);
        let again = serde_json::to_string(&script).unwrap();
        assert_eq!(Script::from_json(&again).unwrap(), expected);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        for text in [
            r#"{"conversations": [], "sidetext": "ok"}"#,
            r#"{"conversations": [{"turns": [{"txt": "hello"}]}]}"#,
            r#"{"conversations": [{"turns": [{"tool_uses": [{"nam": "Bash"}]}]}]}"#,
            r#"{"conversations": [{"turns": [{"fault": "explode"}]}]}"#,
        ] {
            assert!(Script::from_json(text).is_err(), "{text}");
        }
    }
}
