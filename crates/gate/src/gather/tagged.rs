//! Reading what is not I-JSON as a host would.
//!
//! Records keep such parts as their source text. What an action touches must be
//! told nevertheless: a lone surrogate in a command does not keep it from running.

use std::borrow::Cow;
use std::fmt;

use aegis_canon::{TAG, is_tagged};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Returns `params` with every tagged part read as a host would read it: lone
/// surrogates become replacement characters, and of equal keys the last counts.
///
/// What cannot be read that way stays tagged.
pub(crate) fn readable(params: &Value) -> Cow<'_, Value> {
    let read = |source: &str| serde_json::from_str(&without_surrogates(source)).ok();
    if is_tagged(params) {
        let source = params.get(TAG).and_then(Value::as_str).unwrap_or_default();
        return read(source).map_or(Cow::Borrowed(params), Cow::Owned);
    }
    match params {
        // Deeper parts hold no command and no path of a tool that is known.
        Value::Object(fields) if fields.values().any(is_tagged) => {
            let read = |(key, value): (&String, &Value)| {
                let value = if is_tagged(value) {
                    readable(value).into_owned()
                } else {
                    value.clone()
                };
                (key.clone(), value)
            };
            Cow::Owned(fields.iter().map(read).collect())
        }
        // Parameters that are given as text may be read as what the text says.
        Value::String(text) => serde_json::from_str(text)
            .ok()
            .filter(Value::is_object)
            .map_or(Cow::Borrowed(params), Cow::Owned),
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            Cow::Borrowed(params)
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

/// Returns every text in a tagged part with the name it stands under, those
/// that a key given twice would hide included.
pub(crate) fn texts(tagged: &Value) -> Vec<(String, String)> {
    let source = tagged.get(TAG).and_then(Value::as_str).unwrap_or_default();
    let source = without_surrogates(source);
    let mut found = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(&source);
    let texts = Texts {
        name: "",
        found: &mut found,
    };
    if texts.deserialize(&mut reader).is_err() {
        // What cannot be read to its end is read as one text.
        found.push((String::new(), source.into_owned()));
    }
    found
}

/// Collects the texts of a value that stands under `name`.
struct Texts<'a> {
    name: &'a str,
    found: &'a mut Vec<(String, String)>,
}

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.found.push((self.name.to_owned(), text.to_owned()));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Texts { name, found } = self;
        while items.next_element_seed(Texts { name, found })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(key) = fields.next_key::<String>()? {
            if key.contains('/') {
                self.found.push(("path".to_owned(), key.clone()));
            }
            fields.next_value_seed(Texts {
                name: &key,
                found: self.found,
            })?;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tagged_part_is_read_as_a_host_would() {
        let check = |params: Value, expected: Value| assert_eq!(*readable(&params), expected);
        check(
            json!({"command": {TAG: r#""echo \ud800;\n\\ud800 rm x""#}}),
            json!({"command": "echo \u{fffd};\n\\ud800 rm x"}),
        );
        check(json!({TAG: r#"{"a":1,"a":"x"}"#}), json!({"a": "x"}));
        check(json!({"n": {TAG: "1e400"}}), json!({"n": {TAG: "1e400"}}));
        check(json!({"command": "ls"}), json!({"command": "ls"}));
        check(json!(r#"{"command":"ls"}"#), json!({"command": "ls"}));
        check(json!("ls"), json!("ls"));
    }

    #[test]
    fn texts_under_a_key_given_twice_are_all_told() {
        let check = |source: &str, expected: &[(&str, &str)]| {
            let texts = texts(&json!({ TAG: source }));
            let texts: Vec<(&str, &str)> = texts
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str()))
                .collect();
            assert_eq!(texts, expected);
        };
        check(
            r#"{"path":"a","path":["b"],"n":1,"x":{"y/z":null}}"#,
            &[("path", "a"), ("path", "b"), ("path", "y/z")],
        );
        check(r#""\ud800""#, &[("", "\u{fffd}")]);
        check("{", &[("", "{")]);
    }
}
