//! The text that stands for a secret.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use aegis_canon::{Key, KeyedDigest};
use memchr::memmem::Finder;

use crate::kind::SecretKind;

const OPENING: &str = "[redacted:";

static OPENINGS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(OPENING));

/// How much of the digest is shown: enough that two never meet by chance.
const DIGITS: usize = 16;

/// The longest name of a kind.
const KIND_MAX: usize = 24;

/// Returns the text that stands for `secret`.
pub(crate) fn marker(key: &Key, kind: SecretKind, secret: &[u8]) -> String {
    let digest = KeyedDigest::of(key, secret).to_string();
    let digest = digest.get(..DIGITS).unwrap_or_default();
    format!("{OPENING}{kind}:{digest}]")
}

/// Says whether `text` holds a redaction.
///
/// What was redacted cannot be decided again from its record alone.
pub fn contains_redaction(text: &str) -> bool {
    !markers(text).is_empty()
}

/// Returns the places of the redactions in `text`.
pub(crate) fn markers(text: &str) -> Vec<Range<usize>> {
    OPENINGS
        .find_iter(text.as_bytes())
        .filter_map(|start| {
            let length = length(text.get(start..)?)?;
            Some(start..start + length)
        })
        .collect()
}

/// Returns `text` without its redactions.
pub(crate) fn without_markers(text: &str) -> Cow<'_, str> {
    let markers = markers(text);
    if markers.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut rest = String::with_capacity(text.len());
    let mut copied = 0;
    for marker in markers {
        rest.push_str(text.get(copied..marker.start).unwrap_or_default());
        copied = marker.end;
    }
    rest.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(rest)
}

/// Returns the length of the redaction that `text` starts with.
fn length(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(OPENING)?;
    let kind = rest
        .bytes()
        .take(KIND_MAX)
        .take_while(|byte| byte.is_ascii_lowercase() || *byte == b'-')
        .count();
    let digest = rest.get(kind..)?.strip_prefix(':')?;
    let digits = digest
        .bytes()
        .take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        .count();
    let is_closed = digest.as_bytes().get(digits) == Some(&b']');
    let is_whole = kind > 0 && digits == DIGITS && is_closed;
    is_whole.then_some(OPENING.len() + kind + 1 + DIGITS + 1)
}
