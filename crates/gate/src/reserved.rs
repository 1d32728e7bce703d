//! The sessions that say what people did to the log and to tokens, in which
//! nothing else happens.

use aegis_log::RETENTION_SESSION;
use aegis_types::SessionId;

/// Why nothing of an agent belongs into it.
pub const RESERVED_CAUSE: &str = "the sessions `aegis-retention` and `aegis-tokens` only say what was pruned and which tokens \
     were made; name another session";

/// The session of each tenant that says which tokens were made and revoked.
pub const TOKENS_SESSION: &str = "aegis-tokens";

/// Tells whether `session` is one of those.
#[must_use]
pub fn is_reserved(session: &SessionId) -> bool {
    [RETENTION_SESSION, TOKENS_SESSION].contains(&session.as_str())
}
