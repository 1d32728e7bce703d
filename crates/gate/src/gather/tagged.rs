//! Reading what is not I-JSON as a host would.
//!
//! Records keep such parts as their source text. What an action touches must be
//! told nevertheless: a lone surrogate in a command does not keep it from running.

use std::borrow::Cow;

use aegis_canon::{TAG, is_tagged};
use serde_json::Value;

/// Returns `params` with every tagged part read as a host would read it: lone
/// surrogates become replacement characters, and of equal keys the last counts.
///
/// What cannot be read that way stays tagged.
pub(crate) fn readable(params: &Value) -> Value {
    if is_tagged(params) {
        let source = params.get(TAG).and_then(Value::as_str).unwrap_or_default();
        return serde_json::from_str(&without_surrogates(source))
            .unwrap_or_else(|_| params.clone());
    }
    match params {
        // Deeper parts hold no command and no path of a tool that is known.
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| {
                let value = if is_tagged(value) {
                    readable(value)
                } else {
                    value.clone()
                };
                (key.clone(), value)
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            params.clone()
        }
    }
}

/// Returns JSON source text with a replacement character for every escaped surrogate.
fn without_surrogates(source: &str) -> Cow<'_, str> {
    let mut pieces = source.split('\\');
    let Some(first) = pieces.next() else {
        return Cow::Borrowed(source);
    };
    let mut out = first.to_owned();
    // The piece after an escaped backslash is text, and no escape.
    let mut is_escape = true;
    for piece in pieces {
        out.push('\\');
        let digits = piece.strip_prefix('u').and_then(|rest| rest.get(..4));
        let is_surrogate = digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .is_some_and(|code| (0xd800..0xe000).contains(&code));
        if is_escape && is_surrogate {
            out.push_str("ufffd");
            out.push_str(piece.get(5..).unwrap_or_default());
        } else {
            out.push_str(piece);
        }
        is_escape = !(is_escape && piece.is_empty());
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tagged_part_is_read_as_a_host_would() {
        let check = |params: Value, expected: Value| assert_eq!(readable(&params), expected);
        check(
            json!({"command": {TAG: r#""echo \ud800;\n\\ud800 rm x""#}}),
            json!({"command": "echo \u{fffd};\n\\ud800 rm x"}),
        );
        check(json!({TAG: r#"{"a":1,"a":"x"}"#}), json!({"a": "x"}));
        check(json!({"n": {TAG: "1e400"}}), json!({"n": {TAG: "1e400"}}));
        check(json!({"command": "ls"}), json!({"command": "ls"}));
    }
}
