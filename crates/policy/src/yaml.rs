//! Writing values as YAML that the reader reads as the same.

use serde_json::Value;

use crate::parse::{Meaning, meaning};

/// Returns `text` between single quotes, in which only these are written twice.
pub(crate) fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Returns a text as a scalar, with quotes where it would be read otherwise.
fn scalar(text: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "_-./~+=".contains(it);
    let begins_plain = text
        .starts_with(|it: char| it.is_ascii_alphanumeric() || "_./~".contains(it))
        || text.starts_with('-') && text.len() > 1 && !text.starts_with("---");
    if begins_plain && text.chars().all(is_plain) && meaning(text) == Meaning::Text {
        text.to_owned()
    } else if text.chars().any(char::is_control) {
        Value::from(text).to_string()
    } else {
        single_quoted(text)
    }
}

/// Returns a value on one line, lists and mappings in brackets.
///
/// What is written is as deep as what was read, and that is bounded.
pub(crate) fn inline(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}: {}", scalar(key), inline(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_has_quotes_where_it_would_be_read_otherwise() {
        for (text, written) in [
            ("push", "push"),
            ("./a/b.rs", "./a/b.rs"),
            ("--force", "--force"),
            ("1.0", "'1.0'"),
            ("true", "'true'"),
            ("~", "'~'"),
            ("", "''"),
            ("-", "'-'"),
            ("it's", "'it''s'"),
            ("a: b", "'a: b'"),
            ("a\nb", "\"a\\nb\""),
        ] {
            assert_eq!(scalar(text), written);
        }
    }

    #[test]
    fn lists_and_mappings_stand_on_one_line() {
        let value = json!({"a.b": ["x, y", 7, null, "#no", "null"], "c": {"d": true}});
        assert_eq!(
            inline(&value),
            "{a.b: ['x, y', 7, null, '#no', 'null'], c: {d: true}}"
        );
    }
}
