//! What the service tells whoever runs it, beside what it answers.

use std::io::Write as _;

use aegis_gate::{Clock as _, SystemClock};
use serde_json::json;

/// How grave something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Gravity {
    /// It went as it should.
    Info,
    /// Somebody was refused.
    Warn,
    /// Something must be done about it.
    Error,
}

/// Writes one line on standard error: `message`, about `about`.
pub(crate) fn notice(is_json: bool, gravity: Gravity, about: &str, message: &str) {
    let at = SystemClock.now().unix_ms();
    let level = match gravity {
        Gravity::Info => "info",
        Gravity::Warn => "warn",
        Gravity::Error => "error",
    };
    let line = if is_json {
        json!({"ts_unix_ms": at, "level": level, "from": about, "message": message}).to_string()
    } else {
        format!("{at} {level} {about}: {message}")
    };
    // Where nobody reads, there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}
