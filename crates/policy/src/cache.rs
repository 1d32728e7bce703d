//! A compiled policy as bytes, so that a program that lives for one request
//! need not parse its policy.
//!
//! The bytes are for the program that wrote them: another version of it, or of
//! the format, reads nothing. Their digest stands before them, so damage is
//! told from content. It is no seal against somebody who may write the file.

use aegis_canon::Digest;
use serde::{Deserialize, Serialize};

use crate::compiled::Compiled;
use crate::index::Index;
use crate::rule::Policy;

/// What the bytes begin with.
const MAGIC: [u8; 8] = *b"aegis\0pc";

/// The version of the format.
const FORMAT: u32 = 1;

/// The version of the program, which the types within belong to.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// How long a digest is.
const DIGEST_BYTES: usize = 32;

/// Why bytes are no compiled policy.
#[derive(Debug, thiserror::Error)]
pub enum ReadCacheError {
    /// They are something else, or incomplete at the beginning.
    #[error("this is no compiled policy")]
    Foreign,
    /// Another version of the format or the program wrote them.
    #[error("the policy was compiled by another version of the program")]
    OtherVersion,
    /// They are not the bytes that were written.
    #[error("the compiled policy is damaged")]
    Damaged,
    /// They do not read as a policy.
    #[error("the compiled policy cannot be read")]
    Malformed(#[source] postcard::Error),
}

#[derive(Serialize)]
struct Written<'a> {
    digest: &'a [u8; DIGEST_BYTES],
    policy: &'a Policy,
    index: &'a Index,
}

#[derive(Deserialize)]
struct Read {
    digest: [u8; DIGEST_BYTES],
    policy: Policy,
    index: Index,
}

impl Compiled {
    /// Returns the policy and its index as bytes; nothing if they cannot be
    /// written, which is a matter of memory alone.
    #[must_use]
    pub fn to_cache(&self) -> Vec<u8> {
        let digest = self.digest();
        let written = Written {
            digest: digest.as_bytes(),
            policy: self.policy(),
            index: self.index(),
        };
        let body = postcard::to_allocvec(&written).unwrap_or_default();
        let mut bytes = Vec::with_capacity(body.len() + 64);
        bytes.extend_from_slice(&header());
        bytes.extend_from_slice(Digest::of(&body).as_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Reads what [`Compiled::to_cache`] wrote.
    ///
    /// Whether it is the policy that is wanted, its sources say: compare their
    /// digests with those of the files.
    ///
    /// # Errors
    ///
    /// [`ReadCacheError`] for any other bytes. Parse the policy instead, and
    /// write the cache again.
    pub fn from_cache(bytes: &[u8]) -> Result<Self, ReadCacheError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(ReadCacheError::Foreign)?;
        let version = header();
        let rest = version
            .strip_prefix(&MAGIC)
            .and_then(|version| rest.strip_prefix(version))
            .ok_or(ReadCacheError::OtherVersion)?;
        let (digest, body) = rest
            .split_first_chunk::<DIGEST_BYTES>()
            .ok_or(ReadCacheError::Damaged)?;
        if Digest::of(body).as_bytes() != digest {
            return Err(ReadCacheError::Damaged);
        }
        let (read, rest) =
            postcard::take_from_bytes::<Read>(body).map_err(ReadCacheError::Malformed)?;
        if !rest.is_empty() {
            return Err(ReadCacheError::Damaged);
        }
        Ok(Self::with_index(
            read.policy,
            Digest::from_bytes(read.digest),
            read.index,
        ))
    }
}

fn header() -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&FORMAT.to_le_bytes());
    // A version is a handful of characters.
    header.push(u8::try_from(PROGRAM.len()).unwrap_or(u8::MAX));
    header.extend_from_slice(PROGRAM.as_bytes());
    header
}
