//! The version of a client.

use std::fmt;

/// A version of Claude Code; later versions are greater.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ClientVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

impl ClientVersion {
    /// The first version that refuses a tool use when its hook fails.
    pub const FAIL_CLOSED: Self = Self::new(2, 1, 295);

    /// Returns the version of three numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Returns the version in an answer such as `2.1.329 (Claude Code)`.
    pub(super) fn in_answer(answer: &str) -> Option<Self> {
        let (version, product) = answer.trim().split_once(' ')?;
        if product != "(Claude Code)" {
            return None;
        }
        let mut numbers = version.split('.').map(|number| number.parse().ok());
        let version = Self::new(numbers.next()??, numbers.next()??, numbers.next()??);
        numbers.next().is_none().then_some(version)
    }

    /// Reports whether the client refuses a tool use when its hook fails.
    ///
    /// Older clients let the tool run when a hook crashes, hangs or is missing.
    pub fn is_fail_closed(self) -> bool {
        self >= Self::FAIL_CLOSED
    }
}

impl fmt::Display for ClientVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_of_claude_code_is_a_version() {
        let found = ClientVersion::in_answer("2.1.197 (Claude Code)\n");
        assert_eq!(found, Some(ClientVersion::new(2, 1, 197)));
        for answer in [
            "",
            "2.1.197",
            "2.1 (Claude Code)",
            "2.1.x (Claude Code)",
            "2.1.197.4 (Claude Code)",
            "2.1.197 (Other)",
        ] {
            assert_eq!(ClientVersion::in_answer(answer), None, "{answer}");
        }
    }

    #[test]
    fn a_version_orders_by_number_and_not_by_text() {
        assert!(ClientVersion::new(2, 1, 1000) > ClientVersion::FAIL_CLOSED);
        assert!(ClientVersion::new(2, 1, 295).is_fail_closed());
        assert!(!ClientVersion::new(2, 1, 294).is_fail_closed());
        assert!(ClientVersion::new(10, 0, 0).is_fail_closed());
    }
}
