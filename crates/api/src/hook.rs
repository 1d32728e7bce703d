//! One hook event on its way to the service.
//!
//! The event goes as the host wrote it, because the service reads it as the
//! hook would. Before it stands one line of JSON that says what the process of
//! the hook finds around it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One hook event, and what its process finds around it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HookCall<'a> {
    /// The variables of the environment.
    pub variables: BTreeMap<String, String>,
    /// The working directory of the process.
    pub directory: String,
    /// The event, as it came.
    pub event: &'a [u8],
}

/// What the process of the hook must do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HookReply {
    /// What it prints.
    pub stdout: Vec<u8>,
    /// How it exits.
    pub exit_code: i32,
}

/// Why bytes are no hook event with its frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HookFrameError {
    /// The first line does not end.
    #[error("the first line, which tells of the process, has no end")]
    NoLine,
    /// The first line is not what it should be.
    #[error("the first line is no JSON object with `directory` and `variables`")]
    Line,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    directory: String,
    variables: BTreeMap<String, String>,
}

impl<'a> HookCall<'a> {
    /// The media type of a hook event with its frame.
    pub const MEDIA_TYPE: &'static str = "application/vnd.aegis.hook";

    /// Returns the event with its frame.
    ///
    /// # Errors
    ///
    /// Never in practice: texts are always written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec(&Line {
            directory: self.directory.clone(),
            variables: self.variables.clone(),
        })?;
        bytes.push(b'\n');
        bytes.extend_from_slice(self.event);
        Ok(bytes)
    }

    /// Reads an event with its frame.
    ///
    /// # Errors
    ///
    /// [`HookFrameError`] when the frame is not whole.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, HookFrameError> {
        let end = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or(HookFrameError::NoLine)?;
        let (line, event) = bytes.split_at(end);
        let line: Line = serde_json::from_slice(line).map_err(|_| HookFrameError::Line)?;
        Ok(Self {
            variables: line.variables,
            directory: line.directory,
            event: event.get(1..).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_comes_out_of_its_frame_byte_for_byte() {
        let event = b"{\"a\":\n\xff}\n";
        let call = HookCall {
            variables: [("A".to_owned(), "x\ny".to_owned())].into(),
            directory: "/w/a b".to_owned(),
            event,
        };
        let bytes = call.to_bytes().unwrap();
        assert_eq!(HookCall::from_bytes(&bytes).unwrap(), call);
    }

    #[test]
    fn what_has_no_frame_is_refused() {
        let read = |bytes| HookCall::from_bytes(bytes).map(drop);
        assert_eq!(read(b"{}"), Err(HookFrameError::NoLine));
        assert_eq!(read(b"{}\n{}"), Err(HookFrameError::Line));
        let more = b"{\"directory\":\"/\",\"variables\":{},\"uid\":0}\n{}";
        assert_eq!(read(more), Err(HookFrameError::Line));
    }
}
