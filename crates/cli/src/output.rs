//! What goes to standard output.

use std::io::{self, ErrorKind, Write as _};

use crate::report::Failure;

/// Writes `text` to standard output at once.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.or_else(unwritten)
}

/// Tells what it means that standard output took no more. A reader that has seen
/// enough and gone away is no fault of the command's.
pub(crate) fn unwritten(error: io::Error) -> Result<(), Failure> {
    if error.kind() == ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(Failure::environment(format!(
        "cannot write the answer: {error}"
    )))
}
