//! Identifiers: each kind is a type of its own, cheap to clone and never empty.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The greatest length of an identifier in bytes.
const ID_BYTES_MAX: usize = 256;

/// Why a text is not an identifier.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ParseIdError {
    /// The text is empty.
    #[error("an identifier must not be empty")]
    Empty,
    /// The text is longer than 256 bytes.
    #[error("an identifier has at most 256 bytes, this one has {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The text holds a character that is not visible ASCII.
    #[error("an identifier holds visible ASCII characters only, found U+{:04X}", *.found as u32)]
    Character {
        /// The first such character.
        found: char,
    },
}

fn checked(text: &str) -> Result<Arc<str>, ParseIdError> {
    if text.is_empty() {
        return Err(ParseIdError::Empty);
    }
    if text.len() > ID_BYTES_MAX {
        return Err(ParseIdError::TooLong { bytes: text.len() });
    }
    match text.chars().find(|found| !found.is_ascii_graphic()) {
        Some(found) => Err(ParseIdError::Character { found }),
        None => Ok(Arc::from(text)),
    }
}

/// Reads an identifier without a copy of its own in between.
struct Reader;

impl Visitor<'_> for Reader {
    type Value = Arc<str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an identifier")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Arc<str>, E> {
        checked(text).map_err(E::custom)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// One to 256 visible ASCII characters.
        #[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Returns the identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                checked(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:?}", &*self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Reader).map(Self)
            }
        }
    };
}

id!(
    /// Names the organisation or person that owns a set of sessions.
    TenantId
);
id!(
    /// Names one session of an agent; it has a chain of its own in the log.
    SessionId
);
id!(
    /// Names an agent instance, whose record outlives its sessions.
    AgentId
);
id!(
    /// Names the person or account for whom an agent acts.
    UserId
);
id!(
    /// Names one proposed action within its session, as the agent's host does.
    RequestId
);
id!(
    /// Names a rule within its policy.
    RuleId
);
id!(
    /// Names a policy.
    PolicyName
);
id!(
    /// Names an approval.
    ApprovalId
);
id!(
    /// Names who answered an approval.
    ApproverId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_ascii_is_accepted_and_everything_else_is_refused() {
        assert_eq!(
            "toolu_01:a/b".parse::<RequestId>().unwrap().as_str(),
            "toolu_01:a/b"
        );
        assert_eq!("".parse::<RequestId>(), Err(ParseIdError::Empty));
        assert_eq!(
            "a b".parse::<RequestId>(),
            Err(ParseIdError::Character { found: ' ' })
        );
        assert_eq!(
            "\u{202e}".parse::<RuleId>(),
            Err(ParseIdError::Character { found: '\u{202e}' })
        );
        let long = "x".repeat(257);
        assert_eq!(
            long.parse::<RuleId>(),
            Err(ParseIdError::TooLong { bytes: 257 })
        );
    }

    #[test]
    fn reading_an_invalid_identifier_from_json_fails() {
        assert!(serde_json::from_str::<TenantId>("\"\"").is_err());
        assert_eq!(
            serde_json::from_str::<TenantId>("\"acme\"")
                .unwrap()
                .as_str(),
            "acme"
        );
    }
}
