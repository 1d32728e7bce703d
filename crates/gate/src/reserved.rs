//! The session that says what was pruned from the log, in which nothing else happens.

use aegis_log::RETENTION_SESSION;
use aegis_types::SessionId;

/// Why nothing of an agent belongs into it.
pub const RESERVED_CAUSE: &str =
    "the session `aegis-retention` only says what was pruned from the log; name another session";

/// Tells whether `session` is the one that says what was pruned.
#[must_use]
pub fn is_reserved(session: &SessionId) -> bool {
    session.as_str() == RETENTION_SESSION
}
