//! Envelopes of the control plane, read and verified as what they are.
//!
//! Their hash is over a canonical form of their own: numbers are doubles, keys
//! go by code points, and `<`, `>`, `&` and two line separators are escaped.
//! Hashes are base64. A chain is a session of a tenant, its first envelope has
//! no previous hash, and nothing names the heads, so that a cut tail of such a
//! log cannot be noticed.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use aegis_canon::{Digest, canonical, to_source};
use serde_json::{Map, Number, Value};

/// An envelope of the control plane.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignEnvelope {
    /// Whose session it is.
    pub tenant: String,
    /// The user, possibly empty.
    pub user: String,
    /// The session.
    pub session: String,
    /// The place in the chain, from 0.
    pub seq: u64,
    /// When it happened, in milliseconds since the Unix epoch.
    pub unix_ms: i64,
    /// The name of its kind.
    pub kind: String,
    /// The payload.
    pub payload: Value,
    /// The hash of the envelope before; absent at the beginning.
    pub previous: Option<Digest>,
    /// The hash recorded.
    pub hash: Digest,
}

/// Why a line is not such an envelope.
#[derive(Debug, thiserror::Error)]
pub enum ReadForeignError {
    /// It is not JSON.
    #[error("it is not JSON")]
    Json(#[from] serde_json::Error),
    /// A field is missing or of another type.
    #[error("its field `{field}` is missing or of another type")]
    Field {
        /// The field.
        field: &'static str,
    },
}

impl ForeignEnvelope {
    /// Reads the envelope that one line of JSON is.
    ///
    /// A hash may be written in any of the ways of [`foreign_digest`].
    ///
    /// # Errors
    ///
    /// [`ReadForeignError`] with the field at fault.
    pub fn read(line: &[u8]) -> Result<Self, ReadForeignError> {
        let value: Value = serde_json::from_slice(line)?;
        let field = |name: &'static str| (name, value.get(name));
        Ok(Self {
            tenant: text(field("tenant_id"))?,
            user: match field("user_id") {
                (_, None) => String::new(),
                given => text(given)?,
            },
            session: text(field("session_id"))?,
            seq: given(field("seq"), Value::as_u64)?,
            unix_ms: given(field("ts_unix_ms"), Value::as_i64)?,
            kind: text(field("event_type"))?,
            payload: value.get("payload").cloned().unwrap_or(Value::Null),
            previous: match value.get("prev_hash") {
                None | Some(Value::Null) => None,
                Some(found) if found.as_str() == Some("") => None,
                found => Some(given(("prev_hash", found), foreign_digest)?),
            },
            hash: given(field("hash"), foreign_digest)?,
        })
    }

    /// Returns whether the recorded hash is that of the envelope.
    #[must_use]
    pub fn has_its_hash(&self) -> bool {
        Digest::of(&self.preimage()) == self.hash
    }

    /// Returns the bytes that are hashed.
    #[must_use]
    pub fn preimage(&self) -> Vec<u8> {
        let mut fields = Map::new();
        let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        put("event_type", Value::from(self.kind.as_str()));
        put("payload", self.payload.clone());
        if let Some(previous) = &self.previous {
            put("prev_hash", Value::from(to_base64(previous.as_bytes())));
        }
        put("seq", Value::from(self.seq));
        put("session_id", Value::from(self.session.as_str()));
        put("tenant_id", Value::from(self.tenant.as_str()));
        put("ts_unix_ms", Value::from(self.unix_ms));
        put("user_id", Value::from(self.user.as_str()));
        let mut out = Vec::with_capacity(512);
        write(&Value::Object(fields), &mut out);
        out
    }
}

type Given<'a> = (&'static str, Option<&'a Value>);

fn given<'a, T>(
    (field, value): Given<'a>,
    read: impl FnOnce(&'a Value) -> Option<T>,
) -> Result<T, ReadForeignError> {
    value
        .and_then(read)
        .ok_or(ReadForeignError::Field { field })
}

fn text(field: Given<'_>) -> Result<String, ReadForeignError> {
    given(field, |value| value.as_str().map(str::to_owned))
}

/// Reads a hash as clients of the control plane write it: in base64, in
/// hexadecimal digits, or as a list of bytes.
#[must_use]
pub fn foreign_digest(value: &Value) -> Option<Digest> {
    let bytes = match value {
        Value::String(text) => match text.parse() {
            Ok(digest) => return Some(digest),
            Err(_) => from_base64(text)?,
        },
        Value::Array(items) => {
            let byte = |item: &Value| u8::try_from(item.as_u64()?).ok();
            items.iter().map(byte).collect::<Option<_>>()?
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    Some(Digest::from_bytes(bytes.try_into().ok()?))
}

/// Returns a value that may hold tagged text as the control plane reads it:
/// numbers rounded, the last of equal keys, a replacement for lone surrogates.
///
/// What it could not read has no such form: numbers beyond its range, and
/// what is nested too deep.
#[must_use]
pub fn foreign_value(tagged: &Value) -> Option<Value> {
    serde_json::from_str(&without_lone_surrogates(&to_source(tagged))).ok()
}

/// Replaces each escaped surrogate of the JSON `source` that stands alone.
fn without_lone_surrogates(source: &str) -> String {
    let mut whole = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, escape)) = rest.find('\\').and_then(|at| rest.split_at_checked(at)) {
        whole.push_str(before);
        let length = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(Half::High), Some(Half::Low)) => 12,
            (Some(Half::High | Half::Low), _) => {
                whole.push('\u{fffd}');
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            (None, _) => 2,
        };
        let end = escape.ceil_char_boundary(length);
        whole.push_str(escape.get(..end).unwrap_or_default());
        rest = escape.get(end..).unwrap_or_default();
    }
    whole.push_str(rest);
    whole
}

enum Half {
    High,
    Low,
}

/// Returns which half of a pair the escape at the beginning of `text` is, if it is one.
fn surrogate(text: &str) -> Option<Half> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}

/// Writes the control plane's canonical form.
///
/// The depth of the recursion is that of the value, which the reader bounds.
fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null | Value::Bool(_) => out.extend_from_slice(&canonical(value)),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            // The map is ordered by UTF-8 bytes, which is the order of code points.
            for (place, (key, item)) in members.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_text(key, out);
                out.push(b':');
                write(item, out);
            }
            out.push(b'}');
        }
    }
}

fn write_number(number: &Number, out: &mut Vec<u8>) {
    let double = number.as_f64().unwrap_or_default();
    if double == 0.0 && double.is_sign_negative() {
        out.extend_from_slice(b"-0");
    } else {
        out.extend_from_slice(&canonical(&Value::from(double)));
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    let plain = canonical(&Value::from(text));
    let plain = String::from_utf8_lossy(&plain);
    for character in plain.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
            }
            _ => {
                let mut buffer = [0; 4];
                out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            }
        }
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Returns `bytes` in standard base64 with its padding.
#[must_use]
pub fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |place: usize| u32::from(group.get(place).copied().unwrap_or_default());
        let joined = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = (joined >> (18 - 6 * place)) & 63;
            let digit = ALPHABET.get(digit as usize).copied().unwrap_or_default();
            let is_padding = place > group.len();
            text.push(if is_padding { '=' } else { char::from(digit) });
        }
    }
    text
}

/// Reads standard base64 with its padding, in its one proper spelling.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut joined = 0_u32;
        for digit in group {
            let value = ALPHABET.iter().position(|known| known == digit)?;
            joined = joined << 6 | u32::try_from(value).ok()?;
        }
        joined <<= 6 * (4 - group.len());
        let [_, read @ ..] = joined.to_be_bytes();
        bytes.extend_from_slice(read.get(..group.len().checked_sub(1)?)?);
    }
    (to_base64(&bytes) == text).then_some(bytes)
}

/// What the verification of a log of the control plane found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForeignVerification {
    /// How many envelopes there are.
    pub records: u64,
    /// How many envelopes each chain has, by tenant and session.
    pub chains: BTreeMap<(String, String), u64>,
    /// What is wrong, the first thousand.
    pub faults: Vec<ForeignFault>,
    /// How many things are wrong.
    pub fault_count: u64,
}

/// Something wrong in a log of the control plane.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ForeignFault {
    /// A line does not read as an envelope.
    #[error("line {line} does not read as an envelope")]
    Unreadable {
        /// The line, from 1.
        line: u64,
    },
    /// An envelope does not have its hash.
    #[error("the envelope in line {line} was edited")]
    Edited {
        /// The line, from 1.
        line: u64,
    },
    /// An envelope does not have the number that comes next in its chain.
    #[error("the envelope in line {line} has number {found}, {expected} comes next")]
    OutOfPlace {
        /// The line, from 1.
        line: u64,
        /// The number that comes next.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// An envelope does not name the hash of the one before.
    #[error("the envelope in line {line} does not follow the one before")]
    Unlinked {
        /// The line, from 1.
        line: u64,
    },
}

/// Verifies a log of the control plane, one envelope a line.
///
/// # Errors
///
/// When the lines cannot be read; what is wrong with them is in the
/// [`ForeignVerification`].
pub fn verify_foreign(reader: impl BufRead) -> Result<ForeignVerification, io::Error> {
    let mut found = ForeignVerification::default();
    let mut heads: BTreeMap<(String, String), (u64, Digest)> = BTreeMap::new();
    for (number, bytes) in reader.split(b'\n').enumerate() {
        let line = number as u64 + 1;
        let Ok(envelope) = ForeignEnvelope::read(&bytes?) else {
            found.add(ForeignFault::Unreadable { line });
            continue;
        };
        found.records += 1;
        let is_edited = !envelope.has_its_hash();
        let chain = (envelope.tenant, envelope.session);
        let head = heads.get(&chain);
        let expected = head.map_or(0, |(last, _)| last.saturating_add(1));
        let is_linked = envelope.previous == head.map(|(_, hash)| *hash);
        if is_edited {
            found.add(ForeignFault::Edited { line });
        } else if envelope.seq != expected {
            found.add(ForeignFault::OutOfPlace {
                line,
                expected,
                found: envelope.seq,
            });
        } else if !is_linked {
            found.add(ForeignFault::Unlinked { line });
        }
        *found.chains.entry(chain.clone()).or_default() += 1;
        heads.insert(chain, (envelope.seq, envelope.hash));
    }
    Ok(found)
}

impl ForeignVerification {
    fn add(&mut self, fault: ForeignFault) {
        self.fault_count += 1;
        if self.faults.len() < crate::verify::FAULTS_TOLD_MAX {
            self.faults.push(fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &str) {
        let mut out = Vec::new();
        write(&serde_json::from_str(value).unwrap(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn the_foreign_form_differs_from_rfc_8785_where_the_control_plane_does() {
        check(r#""<a>&""#, r#""\u003ca\u003e\u0026""#);
        check("\"\u{2028}\u{2029}\"", r#""\u2028\u2029""#);
        check("-0", "-0");
        check("-0.0", "-0");
        check("9007199254740993", "9007199254740992");
        check(
            "{\"\u{10000}\":1,\"\u{ffff}\":2}",
            "{\"\u{ffff}\":2,\"\u{10000}\":1}",
        );
        check(r#"{"a":1,"a":2}"#, r#"{"a":2}"#);
        check(
            "[1.0, 1e16, 1e-5, 1e-7, 1e21]",
            "[1,10000000000000000,0.00001,1e-7,1e+21]",
        );
        check(r#""\u0001\u007f\b""#, "\"\\u0001\u{7f}\\b\"");
    }

    #[test]
    fn a_hash_is_read_in_hexadecimal_base64_and_as_a_list_of_bytes() {
        let digest = Digest::of(b"x");
        let base64 = to_base64(digest.as_bytes());
        let list = Value::from(digest.as_bytes().to_vec());
        for spelling in [Value::from(digest.to_string()), Value::from(base64), list] {
            assert_eq!(foreign_digest(&spelling), Some(digest), "{spelling}");
        }
        for wrong in ["", "Zm8=", "00", "zz"] {
            assert_eq!(foreign_digest(&Value::from(wrong)), None);
        }
        assert_eq!(foreign_digest(&Value::from(vec![256; 32])), None);
        assert_eq!(foreign_digest(&Value::from(vec![1; 31])), None);
    }

    #[test]
    fn a_tagged_value_is_seen_as_the_control_plane_would() {
        let read = |source: &str| {
            let tagged = aegis_canon::parse_tagging(source.as_bytes()).unwrap();
            foreign_value(&tagged.value).map(|value| value.to_string())
        };
        let check = |source, expected: &str| assert_eq!(read(source).as_deref(), Some(expected));
        check(r#"{"a":1,"a":2}"#, r#"{"a":2}"#);
        check(
            r#"["\ud800x","\ud83d\ude00"]"#,
            "[\"\u{fffd}x\",\"\u{1f600}\"]",
        );
        check(
            r#"["\\ud800","\udc00\ud800"]"#,
            "[\"\\\\ud800\",\"\u{fffd}\u{fffd}\"]",
        );
        check(r#"{"$json":"[1]"}"#, r#"{"$json":"[1]"}"#);
        check("9007199254740993", "9007199254740993");
        assert_eq!(read("1e999"), None);
    }

    #[test]
    fn base64_reads_back_and_has_one_spelling() {
        for text in ["", "f", "fo", "foo", "foob"] {
            assert_eq!(
                from_base64(&to_base64(text.as_bytes())).unwrap(),
                text.as_bytes()
            );
        }
        assert_eq!(to_base64(b"fo"), "Zm8=");
        assert_eq!(from_base64("Zm8"), None);
        assert_eq!(from_base64("Zm9="), None);
        assert_eq!(from_base64("Z*8="), None);
    }
}
