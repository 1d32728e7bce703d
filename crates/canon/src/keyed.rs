//! HMAC-SHA-256 digests of what must not be guessed.

use std::fmt;
use std::hash;
use std::str::FromStr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::hex::{self, ParseDigestError};

/// The fewest bytes that make a key.
const KEY_LENGTH_MIN: usize = 16;

/// The secret that [`KeyedDigest`]s are made with.
///
/// It cannot be printed, serialised or read back.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl Key {
    /// Returns the key with these bytes, or nothing for fewer than sixteen.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < KEY_LENGTH_MIN {
            return None;
        }
        Hmac::new_from_slice(bytes).ok().map(Key)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// An HMAC-SHA-256 digest; as text, 64 lower-case hexadecimal digits.
///
/// Equality takes the same time for all pairs. There is no order, because
/// comparing in order would not.
#[derive(Clone, Copy)]
pub struct KeyedDigest([u8; hex::LENGTH]);

impl KeyedDigest {
    /// Returns the digest of `bytes` under `key`.
    pub fn of(key: &Key, bytes: &[u8]) -> Self {
        let mut mac = key.0.clone();
        mac.update(bytes);
        KeyedDigest(mac.finalize().into_bytes().into())
    }

    /// Returns the digest that has these bytes.
    pub const fn from_bytes(bytes: [u8; hex::LENGTH]) -> Self {
        KeyedDigest(bytes)
    }

    /// Returns the bytes of the digest.
    pub const fn as_bytes(&self) -> &[u8; hex::LENGTH] {
        &self.0
    }
}

impl PartialEq for KeyedDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyedDigest {}

impl hash::Hash for KeyedDigest {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for KeyedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl fmt::Debug for KeyedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedDigest(")?;
        hex::write(&self.0, f)?;
        f.write_str(")")
    }
}

impl FromStr for KeyedDigest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        hex::parse(text).map(KeyedDigest)
    }
}

impl Serialize for KeyedDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyedDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(hex::Visitor).map(KeyedDigest)
    }
}
