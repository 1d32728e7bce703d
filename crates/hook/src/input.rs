//! What the host says on standard input.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use aegis_canon::ParseJsonError;
use aegis_types::{ParseIdError, RequestId, SessionId};
use serde_json::{Map, Value};

use crate::event::HookEvent;

/// The most that is read from standard input, in bytes.
pub const INPUT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What the host said. Fields that are not known are ignored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Input {
    /// The event; absent for one that is not known.
    pub(crate) event: Option<HookEvent>,
    /// The session.
    pub(crate) session: SessionId,
    /// The working directory of the agent.
    pub(crate) directory: PathBuf,
    fields: Map<String, Value>,
}

/// Why what the host said cannot be used, and for which event.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub(crate) struct ReadInputError {
    /// The event it was for, if that much could be told.
    pub(crate) event: Option<HookEvent>,
    /// Whether the event was named, known or not.
    pub(crate) is_named: bool,
    /// What is wrong.
    pub(crate) fault: InputFault,
}

/// What is wrong with what the host said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputFault {
    /// It is larger than what is read.
    #[error("the host sent more than 16 MiB")]
    TooLarge,
    /// It is not JSON.
    #[error("the host sent no valid JSON: {0}")]
    NotJson(ParseJsonError),
    /// It is JSON, but not an object with keys that stand once.
    #[error("the host sent no plain JSON object")]
    NotAnObject,
    /// A field is missing or of another kind.
    #[error("the host sent no `{0}`")]
    Missing(&'static str),
    /// A name is not one.
    #[error("the host sent a `{field}` that is no identifier: {source}")]
    Identifier {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: ParseIdError,
    },
}

impl Input {
    /// Reads what the host said.
    ///
    /// # Errors
    ///
    /// [`ReadInputError`] when it is not JSON or lacks what every event has.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ReadInputError> {
        let unnamed = |fault| ReadInputError {
            event: None,
            is_named: false,
            fault,
        };
        if bytes.len() > INPUT_BYTES_MAX {
            return Err(unnamed(InputFault::TooLarge));
        }
        let read = aegis_canon::parse_tagging(bytes)
            .map_err(|error| unnamed(InputFault::NotJson(error)))?;
        let fields = match read.value {
            Value::Object(fields) if !fields.contains_key(aegis_canon::TAG) => fields,
            Value::Object(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => return Err(unnamed(InputFault::NotAnObject)),
        };
        let Some(name) = fields.get("hook_event_name").and_then(Value::as_str) else {
            return Err(unnamed(InputFault::Missing("hook_event_name")));
        };
        let event = HookEvent::from_name(name);
        let named = |fault| ReadInputError {
            event,
            is_named: true,
            fault,
        };
        let session = identifier(&fields, "session_id").map_err(named)?;
        let directory = fields
            .get("cwd")
            .and_then(Value::as_str)
            .map(PathBuf::from)
            .filter(|directory| directory.is_absolute())
            .ok_or_else(|| named(InputFault::Missing("cwd")))?;
        Ok(Self {
            event,
            session,
            directory,
            fields,
        })
    }

    /// Returns every field that the host sent.
    pub(crate) const fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// Returns the field `key`, if the host sent it.
    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.fields.get(key)
    }

    /// Returns the field `key`, if it is text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.value(key).and_then(Value::as_str)
    }

    /// Returns the field `key`, if it is a path.
    pub(crate) fn path(&self, key: &str) -> Option<&Path> {
        self.text(key).map(Path::new)
    }

    /// Returns the elements of the field `key`; none if it is no list.
    pub(crate) fn list(&self, key: &str) -> &[Value] {
        self.value(key)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// Returns the name of the call that the event is about.
    ///
    /// # Errors
    ///
    /// [`InputFault`] when the host sent none, or one that is no name.
    pub(crate) fn request(&self) -> Result<RequestId, InputFault> {
        identifier(&self.fields, "tool_use_id")
    }
}

fn identifier<T: FromStr<Err = ParseIdError>>(
    fields: &Map<String, Value>,
    field: &'static str,
) -> Result<T, InputFault> {
    fields
        .get(field)
        .and_then(Value::as_str)
        .ok_or(InputFault::Missing(field))?
        .parse()
        .map_err(|source| InputFault::Identifier { field, source })
}

/// Counts the parts of `value` that are kept as tagged text.
pub(crate) fn count_tagged(value: &Value) -> u32 {
    if aegis_canon::is_tagged(value) {
        return 1;
    }
    match value {
        Value::Array(items) => items.iter().map(count_tagged).sum(),
        Value::Object(members) => members.values().map(count_tagged).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Input, ReadInputError> {
        Input::read(text.as_bytes())
    }

    #[test]
    fn unknown_fields_and_events_are_tolerated() {
        let input =
            read(r#"{"session_id": "s-1", "cwd": "/w", "hook_event_name": "Later", "new": [1]}"#)
                .unwrap();
        assert_eq!(input.event, None);
        assert_eq!(input.list("new").len(), 1);
    }

    #[test]
    fn a_fault_says_for_which_event_it_is_as_far_as_that_can_be_told() {
        for (text, event, is_named) in [
            ("", None, false),
            ("{", None, false),
            ("[]", None, false),
            (r#"{"session_id": "s", "cwd": "/w"}"#, None, false),
            (r#"{"hook_event_name": 7}"#, None, false),
            (
                r#"{"hook_event_name": "Stop", "hook_event_name": "Stop"}"#,
                None,
                false,
            ),
            (
                r#"{"hook_event_name": "Stop"}"#,
                Some(HookEvent::Stop),
                true,
            ),
            (r#"{"hook_event_name": "Later"}"#, None, true),
            (
                r#"{"hook_event_name": "Stop", "session_id": "a b", "cwd": "/w"}"#,
                Some(HookEvent::Stop),
                true,
            ),
            (
                r#"{"hook_event_name": "Stop", "session_id": "s", "cwd": "w"}"#,
                Some(HookEvent::Stop),
                true,
            ),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!((error.event, error.is_named), (event, is_named), "{text}");
        }
    }

    #[test]
    fn input_that_is_too_large_is_refused_before_it_is_read() {
        let error = Input::read(&vec![b' '; INPUT_BYTES_MAX + 1]).unwrap_err();
        assert!(matches!(error.fault, InputFault::TooLarge));
    }

    #[test]
    fn tagged_parts_are_counted_once_each() {
        let read =
            aegis_canon::parse_tagging(br#"{"a": 12345678901234567890, "b": ["\ud800", 1]}"#);
        assert_eq!(count_tagged(&read.unwrap().value), 2);
    }
}
