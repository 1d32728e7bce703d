//! How people keep an anchor: `TENANT/SESSION@SEQ:HASH`, or `TENANT@SEQ:HASH`.
//!
//! In the names all but letters, digits and `-._~` is escaped, as in an address.
//! So an anchor has one colon, needs no quotes in a shell, and is never mistaken
//! for one without its tenant, `SESSION:SEQ:HASH` or `SEQ:HASH`, which are still read.

use std::fmt::{self, Write as _};

use aegis_canon::ParseDigestError;
use aegis_types::{ChainId, Head, ParseIdError, TenantId};

use super::anchor::Anchor;

/// Why a text is not an anchor.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadAnchorError {
    /// There is no hash behind a number.
    #[error("no `:` stands between a number and a hash")]
    Parts,
    /// What stands before the hash is neither a number nor ends in one.
    #[error("`{found}` is no number of a record")]
    Number {
        /// What was found.
        found: String,
    },
    /// What stands last is no hash.
    #[error("`{found}` is no hash")]
    Hash {
        /// What was found.
        found: String,
        /// What is wrong with it.
        source: ParseDigestError,
    },
    /// A name holds a character that must be escaped, or an escape that is none.
    #[error("`{name}` is no name: {}", escape(*.character))]
    Escape {
        /// The name as it was written.
        name: String,
        /// The character.
        character: char,
    },
    /// A name is none of a tenant or of a session.
    #[error("`{name}` is no name")]
    Name {
        /// The name as it was written.
        name: String,
        /// What is wrong with it.
        source: ParseIdError,
    },
}

impl Anchor {
    /// Returns the last record of `chain`, which ends at `head`, if it has any.
    #[must_use]
    pub fn of(chain: &ChainId, head: &Head) -> Option<Self> {
        Some(Self {
            chain: chain.clone(),
            seq: head.next.checked_sub(1)?,
            hash: head.hash?,
        })
    }

    /// Reads an anchor; one that names no tenant is of `tenant`.
    ///
    /// # Errors
    ///
    /// [`ReadAnchorError`] says which part of it is wrong.
    pub fn read(text: &str, tenant: &TenantId) -> Result<Self, ReadAnchorError> {
        let (place, hash) = text.rsplit_once(':').ok_or(ReadAnchorError::Parts)?;
        let (chain, seq) = match (place.rsplit_once(':'), place.rsplit_once('@')) {
            (Some((session, seq)), _) => (session_chain(tenant.clone(), session, session)?, seq),
            (None, Some((names, seq))) => (named_chain(names)?, seq),
            (None, None) => {
                let tenant = tenant.clone();
                (ChainId::Heads { tenant }, place)
            }
        };
        Ok(Self {
            chain,
            seq: number(seq)?,
            hash: hash.parse().map_err(|source| ReadAnchorError::Hash {
                found: hash.to_owned(),
                source,
            })?,
        })
    }
}

fn named_chain(names: &str) -> Result<ChainId, ReadAnchorError> {
    let (tenant, session) = match names.split_once('/') {
        Some((tenant, session)) => (tenant, Some(session)),
        None => (names, None),
    };
    let wrong = |source| ReadAnchorError::Name {
        name: tenant.to_owned(),
        source,
    };
    let tenant: TenantId = unescaped(tenant)?.parse().map_err(wrong)?;
    match session {
        Some(session) => session_chain(tenant, &unescaped(session)?, session),
        None => Ok(ChainId::Heads { tenant }),
    }
}

/// Returns the chain of `session`, which was written as `name`.
fn session_chain(tenant: TenantId, session: &str, name: &str) -> Result<ChainId, ReadAnchorError> {
    let session = session.parse().map_err(|source| ReadAnchorError::Name {
        name: name.to_owned(),
        source,
    })?;
    Ok(ChainId::Session { tenant, session })
}

fn number(text: &str) -> Result<u64, ReadAnchorError> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_number);
    number.ok_or_else(|| ReadAnchorError::Number {
        found: text.to_owned(),
    })
}

impl fmt::Display for Anchor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(self.chain.tenant().as_str(), formatter)?;
        if let Some(session) = self.chain.session() {
            formatter.write_char('/')?;
            write_name(session.as_str(), formatter)?;
        }
        write!(formatter, "@{}:{}", self.seq, self.hash)
    }
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn write_name(name: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    for byte in name.bytes() {
        if is_plain(byte) {
            formatter.write_char(char::from(byte))?;
        } else {
            write!(formatter, "%{byte:02X}")?;
        }
    }
    Ok(())
}

/// Says how `character` is written in a name, if one may have it.
fn escape(character: char) -> String {
    if character.is_ascii() {
        format!("write `{character}` as `%{:02X}`", u32::from(character))
    } else {
        format!("no name has a `{character}`")
    }
}

fn unescaped(name: &str) -> Result<String, ReadAnchorError> {
    let wrong = |character| ReadAnchorError::Escape {
        name: name.to_owned(),
        character,
    };
    let mut plain = String::with_capacity(name.len());
    let mut rest = name.chars();
    while let Some(character) = rest.next() {
        let mut digit = || rest.next().and_then(|digit| digit.to_digit(16));
        let read = match character {
            '%' => digit().zip(digit()).map(|(high, low)| high * 16 + low),
            other => u8::try_from(other)
                .is_ok_and(is_plain)
                .then_some(u32::from(other)),
        };
        let read = read.and_then(char::from_u32);
        plain.push(read.ok_or_else(|| wrong(character))?);
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HASH: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn read(text: &str) -> Result<Anchor, ReadAnchorError> {
        Anchor::read(text, &"local".parse().unwrap())
    }

    fn anchor(tenant: &str, session: Option<&str>, seq: u64) -> Anchor {
        let tenant = tenant.parse().unwrap();
        let chain = match session {
            Some(session) => ChainId::Session {
                tenant,
                session: session.parse().unwrap(),
            },
            None => ChainId::Heads { tenant },
        };
        Anchor {
            chain,
            seq,
            hash: HASH.parse().unwrap(),
        }
    }

    #[test]
    fn an_anchor_names_its_tenant_and_older_ones_are_of_the_tenant_given() {
        for (text, expected) in [
            ("acme@3", anchor("acme", None, 3)),
            ("acme/one@3", anchor("acme", Some("one"), 3)),
            ("a%2Fb/c%3A1@0", anchor("a/b", Some("c:1"), 0)),
            ("3", anchor("local", None, 3)),
            ("one:3", anchor("local", Some("one"), 3)),
            ("a@b/c:d:3", anchor("local", Some("a@b/c:d"), 3)),
            ("acme@3:7", anchor("local", Some("acme@3"), 7)),
        ] {
            assert_eq!(read(&format!("{text}:{HASH}")), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_anchor_is_named() {
        for (text, expected) in [
            (
                "second".to_owned(),
                "no `:` stands between a number and a hash",
            ),
            (format!("acme@x:{HASH}"), "`x` is no number of a record"),
            (format!("acme@+3:{HASH}"), "`+3` is no number of a record"),
            (format!("acme@:{HASH}"), "`` is no number of a record"),
            (format!("acme:{HASH}"), "`acme` is no number of a record"),
            ("acme@3:0011".to_owned(), "`0011` is no hash"),
            (
                format!("a/b/c@3:{HASH}"),
                "`b/c` is no name: write `/` as `%2F`",
            ),
            (
                format!("a%zz@3:{HASH}"),
                "`a%zz` is no name: write `%` as `%25`",
            ),
            (format!("é@3:{HASH}"), "`é` is no name: no name has a `é`"),
            (format!("@3:{HASH}"), "`` is no name"),
            (format!("a/%20@3:{HASH}"), "`%20` is no name"),
        ] {
            let told = read(&text).unwrap_err().to_string();
            assert_eq!(told, expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_names_hold_an_anchor_reads_back_as_it_was_written(
            tenant in "[!-~]{1,20}",
            session in proptest::option::of("[!-~]{1,20}"),
            seq: u64,
        ) {
            let written = anchor(&tenant, session.as_deref(), seq);
            let text = written.to_string();
            prop_assert_eq!(text.matches(':').count(), 1);
            prop_assert_eq!(read(&text), Ok(written));
        }
    }
}
