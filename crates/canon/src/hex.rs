//! Digests as text: 64 lower-case hexadecimal digits.

use std::fmt;

use serde::de;

/// The length of a digest in bytes.
pub(crate) const LENGTH: usize = 32;

/// The reason why a text is no digest.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a digest is 64 lower-case hexadecimal digits")]
pub struct ParseDigestError;

/// Gives the two digits of `byte` to `push`.
pub(crate) fn write_byte(byte: u8, mut push: impl FnMut(u8)) {
    for nibble in [byte >> 4, byte & 0xf] {
        push(match nibble {
            0..=9 => b'0' + nibble,
            _ => b'a' + (nibble - 10),
        });
    }
}

pub(crate) fn write(bytes: &[u8; LENGTH], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // Without a table and without branches, so that many bytes are done at once.
    let digit = |nibble: u8| nibble + b'0' + (b'a' - b'0' - 10) * u8::from(nibble > 9);
    let mut digits = [[0; 2]; LENGTH];
    for (pair, byte) in digits.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 0xf)];
    }
    let digits = std::str::from_utf8(digits.as_flattened());
    f.write_str(digits.map_err(|_| fmt::Error)?)
}

pub(crate) fn parse(text: &str) -> Result<[u8; LENGTH], ParseDigestError> {
    if text.len() != 2 * LENGTH {
        return Err(ParseDigestError);
    }
    let mut bytes = [0; LENGTH];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        for &digit in pair {
            *byte = *byte << 4 | nibble(digit)?;
        }
    }
    Ok(bytes)
}

fn nibble(digit: u8) -> Result<u8, ParseDigestError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(ParseDigestError),
    }
}

/// Reads a digest from a text in a document.
pub(crate) struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = [u8; LENGTH];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("64 lower-case hexadecimal digits")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        parse(text).map_err(E::custom)
    }
}
