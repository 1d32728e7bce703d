//! What a client said during one session.

use serde_json::Value;

use crate::scripted::{ToolResult, ToolUse, items, results_in, text_of};

/// The lines a client streamed, and how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// The JSON lines of standard output, in order.
    pub lines: Vec<Value>,
    /// The lines of standard output that are not JSON.
    pub unreadable: Vec<String>,
    /// Standard error, cut at a bound.
    pub stderr: String,
    /// The exit code; `None` if a signal ended the client.
    pub exit_code: Option<i32>,
    /// Whether the client was ended because its time was over.
    pub is_timed_out: bool,
}

/// A tool use that the client says was refused, whatever refused it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PermissionDenial {
    /// The tool.
    pub tool_name: String,
    /// The id of the tool use.
    pub tool_use_id: String,
}

impl Transcript {
    /// Returns the id of the session, to resume it by.
    pub fn session_id(&self) -> Option<&str> {
        self.lines
            .iter()
            .find_map(|line| line.get("session_id").and_then(Value::as_str))
    }

    /// Returns every tool use that the model asked for, sub-agents included.
    pub fn tool_uses(&self) -> Vec<ToolUse> {
        self.blocks("assistant")
            .filter(|block| text_of(block.get("type")) == "tool_use")
            .filter_map(tool_use)
            .collect()
    }

    /// Returns every tool result that the model was given, sub-agents included.
    pub fn tool_results(&self) -> Vec<ToolResult> {
        self.of_type("user")
            .flat_map(|line| results_in(line.pointer("/message/content")))
            .collect()
    }

    /// Returns the tool result of one tool use.
    pub fn tool_result(&self, tool_use_id: &str) -> Option<ToolResult> {
        self.tool_results()
            .into_iter()
            .find(|result| result.tool_use_id == tool_use_id)
    }

    /// Returns the line that ends the session.
    ///
    /// A client writes several when a background task wakes it; the last counts.
    pub fn ending(&self) -> Option<&Value> {
        self.of_type("result").last()
    }

    /// Returns the text that the session ended with.
    pub fn final_text(&self) -> String {
        text_of(self.ending().and_then(|line| line.get("result")))
    }

    /// Returns the tool uses that were refused, by whatever.
    pub fn permission_denials(&self) -> Vec<PermissionDenial> {
        items(
            self.ending()
                .and_then(|line| line.get("permission_denials")),
        )
        .iter()
        .map(|denial| PermissionDenial {
            tool_name: text_of(denial.get("tool_name")),
            tool_use_id: text_of(denial.get("tool_use_id")),
        })
        .collect()
    }

    /// Returns the tool use that the session ended on to be resumed later.
    pub fn deferred_tool_use(&self) -> Option<ToolUse> {
        self.ending()
            .and_then(|line| line.get("deferred_tool_use"))
            .and_then(tool_use)
    }

    /// Returns what the client said of hooks that gave no verdict.
    pub fn hooks_without_verdict(&self) -> Vec<&str> {
        self.of_type("system")
            .filter(|line| text_of(line.get("tag")) == "hook_no_verdict")
            .filter_map(|line| line.get("content").and_then(Value::as_str))
            .collect()
    }

    /// Returns the lines of one type.
    pub fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.lines
            .iter()
            .filter(move |line| line.get("type").and_then(Value::as_str) == Some(kind))
    }

    fn blocks<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.of_type(kind)
            .flat_map(|line| items(line.pointer("/message/content")))
    }
}

fn tool_use(block: &Value) -> Option<ToolUse> {
    Some(ToolUse {
        name: block.get("name")?.as_str()?.to_owned(),
        input: block.get("input")?.clone(),
        id: Some(text_of(block.get("id"))),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn transcript(lines: impl IntoIterator<Item = Value>) -> Transcript {
        Transcript {
            lines: lines.into_iter().collect(),
            unreadable: Vec::new(),
            stderr: String::new(),
            exit_code: Some(0),
            is_timed_out: false,
        }
    }

    fn ended(result: Value) -> Value {
        let mut line = json!({"type": "result", "result": "bye"});
        line.as_object_mut()
            .unwrap()
            .extend(result.as_object().unwrap().clone());
        line
    }

    #[test]
    fn a_tool_result_is_found_by_the_id_of_its_use() {
        let block = |id: &str, text: &str| {
            json!({"type": "tool_result", "tool_use_id": id,
            "content": text, "is_error": id == "t2"})
        };
        let line = |blocks: Value| json!({"type": "user", "message": {"content": blocks}});
        let transcript = transcript([
            line(json!("plain text")),
            line(json!([block("t1", "one"), block("t2", "two")])),
        ]);
        let expected = ToolResult {
            tool_use_id: "t2".to_owned(),
            is_error: true,
            text: "two".to_owned(),
        };
        assert_eq!(transcript.tool_result("t2"), Some(expected));
        assert_eq!(transcript.tool_result("t3"), None);
        assert_eq!(transcript.tool_results().len(), 2);
    }

    #[test]
    fn the_last_ending_counts() {
        let denial = json!({"tool_name": "Bash", "tool_use_id": "t1", "tool_input": {}});
        let held = json!({"id": "t2", "name": "Bash", "input": {"command": "ls"}});
        let transcript = transcript([
            json!({"type": "system", "subtype": "init", "session_id": "s-1"}),
            ended(json!({"permission_denials": []})),
            ended(json!({"permission_denials": [denial], "deferred_tool_use": held})),
        ]);
        assert_eq!(transcript.session_id(), Some("s-1"));
        assert_eq!(transcript.final_text(), "bye");
        assert_eq!(transcript.permission_denials()[0].tool_use_id, "t1");
        let held = ToolUse::new("Bash", json!({"command": "ls"})).with_id("t2");
        assert_eq!(transcript.deferred_tool_use(), Some(held));
    }

    #[test]
    fn a_session_that_never_ended_has_nothing_to_tell() {
        let transcript = transcript([]);
        assert_eq!(transcript.session_id(), None);
        assert_eq!(transcript.final_text(), "");
        assert_eq!(transcript.permission_denials(), []);
        assert_eq!(transcript.deferred_tool_use(), None);
    }

    #[test]
    fn only_the_tag_marks_a_hook_without_a_verdict() {
        let line = |tag: &str| {
            json!({"type": "system", "subtype": "informational",
            "tag": tag, "content": format!("about {tag}")})
        };
        let transcript = transcript([line("other"), line("hook_no_verdict")]);
        assert_eq!(
            transcript.hooks_without_verdict(),
            ["about hook_no_verdict"]
        );
    }
}
