//! The tagged form of JSON that is not I-JSON.

use serde_json::{Map, Value};

use crate::write::{Form, write_value};

/// The one key of a tagged part; its value is the part's JSON source text.
pub const TAG: &str = "$json";

/// Returns the tagged form of a part with the source text `source`.
pub(crate) fn tagged(source: &str) -> Value {
    let mut members = Map::new();
    members.insert(TAG.to_owned(), Value::String(source.to_owned()));
    Value::Object(members)
}

/// Returns the source text of `value` if it is a tagged part.
pub(crate) fn source(value: &Value) -> Option<&str> {
    let members = value.as_object()?;
    if members.len() != 1 {
        return None;
    }
    members.get(TAG)?.as_str()
}

/// Says whether `value` is itself a tagged part.
pub fn is_tagged(value: &Value) -> bool {
    source(value).is_some()
}

/// Writes a value of [`parse_tagging`](crate::parse_tagging) as the JSON it was read from.
///
/// Tagged parts are written as their source text, all else as canonical JSON,
/// so reading it again gives an equal value. A tagged part that was made by
/// hand is written as it stands, whether or not its text is JSON.
pub fn to_source(value: &Value) -> String {
    let mut out = Vec::new();
    write_value(value, Form::Source, &mut out);
    // INVARIANT: only whole `str`s and ASCII are ever written.
    String::from_utf8(out).unwrap_or_default()
}
