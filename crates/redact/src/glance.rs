//! Telling quickly that canonical JSON holds no secret.

use std::borrow::Cow;

use aegis_canon::DEPTH_MAX;
use memchr::{memchr, memchr2};

use crate::key_name::classify;
use crate::text::secrets;
use crate::value::{VALUES, flag_name};

/// Says whether redaction surely leaves the value that `canonical` writes.
///
/// Where a name makes a value a secret, the name alone is enough to doubt.
pub(crate) fn is_clean(canonical: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(canonical) else {
        return false;
    };
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(opening) = memchr(b'"', rest.as_bytes()) {
        let (between, from) = rest.split_at(opening);
        for byte in between.bytes() {
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let Some(length) = string_length(from.as_bytes()) else {
            return false;
        };
        let (string, after) = from.split_at(length);
        let Some(string) = meaning(string) else {
            return false;
        };
        let may_name = if after.starts_with(':') {
            classify(&string).is_some() || VALUES.contains(&&*string)
        } else {
            flag_name(&string).is_some()
        };
        if may_name || depth > DEPTH_MAX || !secrets(&string).is_empty() {
            return false;
        }
        rest = after;
    }
    true
}

/// Returns the length of the string that `bytes` start with, quotes included.
fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Returns what a string in quotes says.
fn meaning(string: &str) -> Option<Cow<'_, str>> {
    let bare = string.strip_prefix('"')?.strip_suffix('"')?;
    if memchr(b'\\', bare.as_bytes()).is_none() {
        return Some(Cow::Borrowed(bare));
    }
    serde_json::from_str(string).ok().map(Cow::Owned)
}
