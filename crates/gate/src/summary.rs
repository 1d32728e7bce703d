//! What an approver is told of an action: its tool and every argument.

use aegis_canon::{TAG, canonical, is_tagged};
use aegis_redact::visible;
use serde_json::Value;

use crate::gather::tool::tool;

/// The most characters of what an action is done to.
const SUBJECT_CHARACTERS_MAX: usize = 1_000;

/// The most characters of the value of one argument.
const ARGUMENT_CHARACTERS_MAX: usize = 400;

/// The most characters of the name of a tool or of an argument.
const NAME_CHARACTERS_MAX: usize = 100;

/// From how many characters on further arguments are only counted.
const SUMMARY_CHARACTERS_MAX: usize = 4_000;

/// Returns the one line that tells people what an action would do, of `request`
/// as it is recorded: without secrets.
///
/// Whatever is left out is counted where it is missing; [`told_arguments`] tells
/// all of it.
pub(crate) fn summary(request: &Value) -> String {
    let name = request.get("tool_name").and_then(Value::as_str);
    let name = name.unwrap_or_default();
    let mut line = visible(name, NAME_CHARACTERS_MAX);
    let subject = subject(request).unwrap_or_default();
    line.push_str(": ");
    line.push_str(&visible(subject, SUBJECT_CHARACTERS_MAX));
    let mut mark = if subject.is_empty() { "" } else { " · " };
    let named = tool(name).subject_key();
    let mut left_out = 0;
    for (key, value) in arguments(request.get("args").unwrap_or(&Value::Null)) {
        // The subject stands there already, but only its own argument is that.
        if key.is_some() && key == named && value.as_str() == Some(subject) {
            continue;
        }
        if line.chars().count() >= SUMMARY_CHARACTERS_MAX {
            left_out += 1;
            continue;
        }
        line.push_str(mark);
        if let Some(key) = key {
            line.push_str(&visible(&quoted(key), NAME_CHARACTERS_MAX));
            line.push('=');
        }
        line.push_str(&visible(&written(value), ARGUMENT_CHARACTERS_MAX));
        mark = " · ";
    }
    if left_out > 0 {
        line.push_str(&format!("{mark}… (+{left_out} arguments)"));
    }
    line.trim_end().trim_end_matches(':').to_owned()
}

/// Returns every argument of `params` as an approver is told it: its name in
/// quotes and its value as JSON, both whole; the name of what is no set of
/// arguments is empty.
#[must_use]
pub fn told_arguments(params: &Value) -> Vec<(String, String)> {
    arguments(params)
        .into_iter()
        .map(|(key, value)| (key.map(quoted).unwrap_or_default(), written(value)))
        .collect()
}

/// Returns what an action is done to, if its tool says so plainly.
fn subject(request: &Value) -> Option<&str> {
    let resource = request.get("resource")?.as_object()?;
    resource.values().next()?.as_str()
}

/// Returns the arguments by name; one without a name is all there is.
fn arguments(params: &Value) -> Vec<(Option<&str>, &Value)> {
    match params {
        Value::Object(fields) if !is_tagged(params) => fields
            .iter()
            .map(|(name, value)| (Some(name.as_str()), value))
            .collect(),
        Value::Null => Vec::new(),
        Value::Object(_)
        | Value::Array(_)
        | Value::String(_)
        | Value::Bool(_)
        | Value::Number(_) => {
            vec![(None, params)]
        }
    }
}

/// Returns a name in quotes, so that it looks like one name whatever it holds.
fn quoted(name: &str) -> String {
    String::from_utf8_lossy(&canonical(&Value::from(name))).into_owned()
}

/// Returns a value as its JSON; one that is not plain JSON, as it was written.
fn written(value: &Value) -> String {
    match value.get(TAG).and_then(Value::as_str) {
        Some(source) if is_tagged(value) => source.to_owned(),
        _ => String::from_utf8_lossy(&canonical(value)).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(request: Value, expected: &str) {
        assert_eq!(summary(&request), expected);
    }

    #[test]
    fn every_argument_is_told() {
        check(
            json!({"tool_name": "mcp__hub__create_issue", "resource": {"server": "hub"},
                "args": {"labels": ["a", 1], "title": "Fix \"it\""}}),
            "mcp__hub__create_issue: hub · \"labels\"=[\"a\",1] · \"title\"=\"Fix \\\"it\\\"\"",
        );
        check(
            json!({"tool_name": "Bash", "resource": {"command_line": "git push"},
                "args": {"command": "git push", "run_in_background": true}}),
            "Bash: git push · \"run_in_background\"=true",
        );
        check(
            json!({"tool_name": "Bash", "resource": {"command_line": "git push"},
                "args": {"command": "git push", "timeout": "git push"}}),
            "Bash: git push · \"timeout\"=\"git push\"",
        );
        check(
            json!({"tool_name": "Other", "args": {"a · b=1 · c": "", "": 2}}),
            "Other: \"\"=2 · \"a · b=1 · c\"=\"\"",
        );
        check(
            json!({"tool_name": "Other", "args": {"b": {"c": null}}}),
            "Other: \"b\"={\"c\":null}",
        );
        check(json!({"tool_name": "Other", "args": {}}), "Other");
        check(
            json!({"tool_name": "Other", "args": ["x"]}),
            "Other: [\"x\"]",
        );
    }

    #[test]
    fn what_is_not_plain_json_is_told_as_it_was_written() {
        let source = r#"{"command":"ls","command":"make"}"#;
        check(
            json!({"tool_name": "Bash", "args": {TAG: source}}),
            &format!("Bash: {source}"),
        );
        check(
            json!({"tool_name": "Bash", "resource": {"command_line": "ls"},
                "args": {"command": "ls", "more": {TAG: r#"{"a":1,"a":2}"#}}}),
            r#"Bash: ls · "more"={"a":1,"a":2}"#,
        );
    }

    #[test]
    fn what_could_mislead_is_shown_as_an_escape() {
        check(
            json!({"tool_name": "t\u{1b}", "resource": {"path": "a\u{202e}b"},
                "args": {"k\n": "\u{200b}\u{7}\n"}}),
            "t\\u{1b}: a\\u{202e}b · \"k\\n\"=\"\\u{200b}\\u0007\\n\"",
        );
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let long = "x".repeat(5_000);
        check(
            json!({"tool_name": "T", "resource": {"path": long}, "args": {"a": long}}),
            &format!(
                "T: {}… (+4000 characters) · \"a\"=\"{}… (+4602 characters)",
                "x".repeat(1_000),
                "x".repeat(399)
            ),
        );
        check(
            json!({"tool_name": "T", "args": {"a": long}}),
            &format!("T: \"a\"=\"{}… (+4602 characters)", "x".repeat(399)),
        );
        let many: serde_json::Map<String, Value> = (0..1_000)
            .map(|number| (format!("{number:04}"), Value::from("")))
            .collect();
        let told = summary(&json!({"tool_name": "T", "args": many}));
        let shown = told.matches("\"=\"\"").count();
        assert!(told.ends_with(&format!("… (+{} arguments)", 1_000 - shown)));
        assert!(shown > 100 && told.chars().count() < 4_100, "{shown}");
    }
}
