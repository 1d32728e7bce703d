//! Canonical JSON and digests: the one way to hash.
//!
//! [`parse`] reads strict I-JSON (RFC 7493) into a [`serde_json::Value`], and
//! [`canonical`] writes such a value as the bytes of RFC 8785. The two are
//! inverse to each other, so a [`Digest`] names a value and not a spelling.
//!
//! [`canonical_of`] writes typed data the same way without a value in between.
//!
//! What an agent sends may be JSON without being I-JSON. [`parse_tagging`]
//! accepts it and keeps each offending part as source text under the single
//! key [`TAG`], so that nothing is lost, nothing is refused a record, and
//! what comes out is I-JSON.
//!
//! [`Digest`] is for what may be known; [`KeyedDigest`] is for secrets, whose
//! equality may be shown while guessing must not be possible.

mod scan;

mod parse;

mod tag;

mod write;

mod i_json;

mod serialize;

mod skim;

mod hex;

mod digest;

mod keyed;

pub use digest::{Digest, Hasher};
pub use hex::ParseDigestError;
pub use i_json::{NotIJson, check_i_json};
pub use keyed::{Key, KeyedDigest};
pub use parse::{
    DEPTH_MAX, ParseJsonError, ParseJsonErrorKind, TAGGING_DEPTH_MAX, Tagged, parse, parse_tagging,
};
pub use serialize::{NotWritten, canonical_of};
pub use skim::member_text;
pub use tag::{TAG, is_tagged, to_source};
pub use write::{canonical, write_canonical};
