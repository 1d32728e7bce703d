//! Calls that a rule must and must not match.

use std::sync::Arc;

use aegis_canon::canonical;
use serde_json::{Map as JsonMap, Value, json};

use crate::matcher::Matcher;
use crate::parse::{Meaning, Node, NodeValue, Walker, meaning};
use crate::problem::ProblemCode;
use crate::rule::{Example, Examples};

/// The tool that an example of one line is for.
pub(crate) const SHELL_TOOL: &str = "Bash";

/// Reads the examples of a rule.
pub(super) fn examples<'a>(
    walker: &mut Walker<'a>,
    node: &Node<'a>,
    matcher: &Matcher,
) -> Examples {
    let Some(map) = walker.map(node, "`examples`", &["matches", "misses"]) else {
        return Examples::default();
    };
    let mut read = |key: &str| {
        map.get(key).map_or_else(Vec::new, |it| {
            walker.one_or_many(it, &format!("`{key}`"), |walker, item| {
                example(walker, item, matcher)
            })
        })
    };
    Examples {
        matches: read("matches"),
        misses: read("misses"),
    }
}

fn example<'a>(walker: &mut Walker<'a>, node: &Node<'a>, matcher: &Matcher) -> Option<Example> {
    let place = walker.place(node.span.start);
    if let NodeValue::Scalar { .. } = &node.value {
        let line = walker.some_text(node, "an example")?;
        if !can_be_shell(matcher) {
            let message =
                "a line of text is an example for a shell, and this rule is not about one";
            walker
                .error(ProblemCode::WrongType, &node.span, message)
                .help("write `{tool: …, params: {…}}`");
            return None;
        }
        return Some(Example {
            place,
            tool: Arc::from(SHELL_TOOL),
            params: json_text(&json!({"command": line})),
        });
    }
    let map = walker.map(node, "an example", &["tool", "params"])?;
    let tool = walker
        .required(map, "tool")
        .and_then(|it| walker.some_text(it, "the tool of an example"));
    let params = match map.get("params") {
        Some(node) => match &node.value {
            NodeValue::Map(_) => value(walker, node),
            NodeValue::Scalar { .. } | NodeValue::List(_) => {
                walker.wrong_type(node, "`params`", "a mapping");
                None
            }
        },
        None => Some(json!({})),
    };
    Some(Example {
        place,
        tool: Arc::from(tool?),
        params: json_text(&params?),
    })
}

fn can_be_shell(matcher: &Matcher) -> bool {
    matcher.tool.is_empty() || matcher.tool.iter().any(|glob| glob.matches(SHELL_TOOL))
}

/// Returns the value as canonical JSON text.
pub(crate) fn json_text(value: &Value) -> Arc<str> {
    String::from_utf8(canonical(value))
        .unwrap_or_default()
        .into()
}

/// Returns the value as JSON.
///
/// The depth of the tree is bounded, so the recursion is.
pub(crate) fn value<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<Value> {
    match &node.value {
        NodeValue::Scalar { text, is_plain } => match meaning(text) {
            _ if !is_plain => Some(Value::from(text.as_ref())),
            Meaning::Nothing | Meaning::Null => Some(Value::Null),
            Meaning::Bool(value) => Some(Value::from(value)),
            Meaning::Number => walker
                .integer(node, "a number of an example", i64::MIN..=i64::MAX)
                .map(Value::from),
            Meaning::Text => Some(Value::from(text.as_ref())),
        },
        NodeValue::List(items) => {
            let values = items.iter().map(|item| value(walker, item));
            values.collect::<Option<Vec<_>>>().map(Value::from)
        }
        NodeValue::Map(entries) => {
            let members = entries
                .iter()
                .map(|entry| Some((entry.key.to_string(), value(walker, &entry.value)?)));
            members.collect::<Option<JsonMap<_, _>>>().map(Value::from)
        }
    }
}
