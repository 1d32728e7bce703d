//! Identifiers that nobody can guess.

use std::fmt::Write as _;

use aegis_types::{ApprovalId, ParseIdError};

/// Why no identifier could be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MakeIdError {
    /// The system gave no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// The text made is no identifier.
    #[error(transparent)]
    Id(#[from] ParseIdError),
}

/// Returns 26 random letters and digits: 104 bits.
pub(crate) fn random_text() -> Result<String, MakeIdError> {
    let mut bytes = [0_u8; 13];
    getrandom::fill(&mut bytes).map_err(MakeIdError::Random)?;
    let mut text = String::with_capacity(26);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// Returns a fresh name for an approval.
pub(crate) fn approval_id() -> Result<ApprovalId, MakeIdError> {
    Ok(format!("apr_{}", random_text()?).parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_approvals_never_meet() {
        let one = approval_id().expect("random bytes");
        let other = approval_id().expect("random bytes");
        assert_ne!(one, other);
        assert!(one.as_str().starts_with("apr_"));
    }
}
