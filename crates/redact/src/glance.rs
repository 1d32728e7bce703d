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
    let mut clean = Clean::default();
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
        if depth > DEPTH_MAX || !clean.has(string, after.starts_with(':')) {
            return false;
        }
        rest = after;
    }
    true
}

/// How many strings are remembered in either role.
const PLACES: usize = 64;

/// Strings in quotes that were found clean. A request says most of its names and
/// words many times, and each is looked at once.
struct Clean<'t> {
    names: [&'t str; PLACES],
    values: [&'t str; PLACES],
}

impl Default for Clean<'_> {
    fn default() -> Self {
        Self {
            names: [""; PLACES],
            values: [""; PLACES],
        }
    }
}

impl<'t> Clean<'t> {
    /// Says whether a string surely is no secret and, where it names a value,
    /// makes none of that.
    fn has(&mut self, string: &'t str, is_name: bool) -> bool {
        let strings = if is_name {
            &mut self.names
        } else {
            &mut self.values
        };
        let Some(known) = strings.get_mut(place(string)) else {
            return is_clean_string(string, is_name);
        };
        if *known == string {
            return true;
        }
        let is_clean = is_clean_string(string, is_name);
        if is_clean {
            *known = string;
        }
        is_clean
    }
}

/// Returns where a string is remembered, by its length and three of its bytes.
fn place(string: &str) -> usize {
    let bytes = string.as_bytes();
    let byte = |at: usize| usize::from(bytes.get(at).copied().unwrap_or_default());
    let length = bytes.len();
    let mixed = byte(1) ^ byte(length / 2) << 2 ^ byte(length.saturating_sub(2)) << 1 ^ length << 3;
    mixed % PLACES
}

fn is_clean_string(string: &str, is_name: bool) -> bool {
    let Some(string) = meaning(string) else {
        return false;
    };
    let may_name = if is_name {
        classify(&string).is_some() || VALUES.contains(&&*string)
    } else {
        flag_name(&string).is_some()
    };
    !may_name && secrets(&string).is_empty()
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
