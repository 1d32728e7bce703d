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
    /// How it exits: with one of the codes of a hook.
    pub exit_code: i32,
}

/// How a hook exits: 0, or 2 where there is an answer that cannot be written. A host
/// takes any other code for a fault of the hook that lets the call go on.
const EXIT_CODES: [i32; 2] = [0, 2];

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

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct End {
    exit: i32,
    bytes: usize,
}

impl HookReply {
    /// The media type of a reply.
    pub const MEDIA_TYPE: &'static str = "application/vnd.aegis.hook-reply";

    /// What stands before a reply while a person is asked: that the service is there.
    pub const SIGN_OF_LIFE: &'static [u8] = b"\n";

    /// Returns the reply as it goes over the wire: one line of JSON that says
    /// how the process exits and how much it prints, and what it prints.
    ///
    /// # Errors
    ///
    /// Never in practice: numbers are always written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec(&End {
            exit: self.exit_code,
            bytes: self.stdout.len(),
        })?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.stdout);
        Ok(bytes)
    }

    /// Reads a reply, signs of life before it left out; nothing if it is not whole,
    /// or names an exit code that no hook has.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let start = bytes.iter().position(|byte| *byte != b'\n')?;
        let (_, reply) = bytes.split_at(start);
        let end = reply.iter().position(|byte| *byte == b'\n')?;
        let (line, rest) = reply.split_at(end);
        let line: End = serde_json::from_slice(line).ok()?;
        let stdout = rest.get(1..)?;
        let is_whole = stdout.len() == line.bytes && EXIT_CODES.contains(&line.exit);
        is_whole.then(|| Self {
            stdout: stdout.to_vec(),
            exit_code: line.exit,
        })
    }
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
    fn a_reply_is_read_after_signs_of_life_and_only_if_it_is_whole() {
        for stdout in [&b""[..], b"\n{\"a\":1}"] {
            let reply = HookReply {
                stdout: stdout.to_vec(),
                exit_code: 2,
            };
            let bytes = reply.to_bytes().unwrap();
            assert_eq!(HookReply::from_bytes(&bytes), Some(reply.clone()));
            let late = [b"\n\n", bytes.as_slice()].concat();
            assert_eq!(HookReply::from_bytes(&late), Some(reply));
            for end in 0..bytes.len() {
                assert_eq!(HookReply::from_bytes(&bytes[..end]), None, "{end}");
            }
        }
    }

    #[test]
    fn a_reply_with_an_exit_code_that_no_hook_has_is_none() {
        let read = |exit: i64| {
            let line = format!("{{\"exit\":{exit},\"bytes\":0}}\n");
            HookReply::from_bytes(line.as_bytes()).map(|reply| reply.exit_code)
        };
        assert_eq!([0, 2].map(read), [Some(0), Some(2)]);
        let others = [1, 3, -1, 256, 258, 512, 999, i64::from(i32::MAX) + 1];
        assert_eq!(others.map(read), [None; 8]);
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
