//! Making entries ready, and sealing them into a chain.
//!
//! Most of an envelope's bytes do not depend on its place in the chain, and in
//! canonical order they come first. So a [`Draft`] holds those bytes and the
//! state of the hash after them; what is left to do while others wait for the
//! chain is a short tail.

use std::sync::Arc;

use aegis_canon::{DEPTH_MAX, Digest, Hasher, NotIJson, check_i_json, write_canonical};
use aegis_types::{ChainId, ENVELOPE_VERSION, Entry, Envelope, EventKind, Head};
use serde_json::Value;

use crate::log::{AppendError, Batch};

/// The most entries that one batch may have.
pub const BATCH_ENTRIES_MAX: usize = 1_024;

/// The most bytes that the canonical payload of one entry may have.
pub const ENTRY_BYTES_MAX: usize = 4 << 20;

/// The most bytes that one document may have.
pub const DOCUMENT_BYTES_MAX: usize = 16 << 20;

/// The most bytes of what an entry is about.
const SUBJECT_BYTES_MAX: usize = 1_024;

/// How many bytes most envelopes have beside their payload.
const AROUND_BYTES: usize = 512;

/// The greatest number that I-JSON carries.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Why an entry cannot be recorded.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidEntry {
    /// Its payload is not I-JSON.
    #[error("its payload is not I-JSON")]
    NotIJson(#[source] NotIJson),
    /// Its payload is larger than the log takes.
    #[error("its payload has at most {ENTRY_BYTES_MAX} bytes, this one has {bytes}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Its subject is longer than 1,024 bytes.
    #[error("its subject has at most 1024 bytes, this one has {bytes}")]
    SubjectTooLong {
        /// Its length.
        bytes: usize,
    },
    /// Its time is beyond what I-JSON carries.
    #[error("its time is beyond what can be written")]
    Time,
    /// Only the log itself writes records of this kind, or to this chain.
    #[error("a `{kind}` record cannot be appended to this chain")]
    Kind {
        /// The kind.
        kind: EventKind,
    },
    /// Its ciphertext is missing, too large, or has another digest.
    #[error("its sealed payload does not match its digest")]
    Sealed,
}

/// A batch made ready for its chain.
#[derive(Debug)]
pub(crate) struct Drafts {
    pub(crate) chain: ChainId,
    pub(crate) expected: Option<Head>,
    pub(crate) drafts: Vec<Draft>,
    pub(crate) documents: Vec<(Digest, Arc<[u8]>)>,
}

/// An entry with everything written that does not depend on its place.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) entry: Entry,
    bytes: Vec<u8>,
    hasher: Hasher,
}

/// An envelope beside its canonical bytes.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) envelope: Envelope,
    pub(crate) bytes: Vec<u8>,
}

impl Sealed {
    /// Returns where the chain ends with this envelope.
    pub(crate) fn head(&self) -> Head {
        Head {
            next: self.envelope.seq.saturating_add(1),
            hash: Some(self.envelope.hash),
        }
    }
}

impl Drafts {
    /// Checks `batch` and writes what can be written of its envelopes.
    pub(crate) fn of(batch: Batch) -> Result<Self, AppendError> {
        let entries = batch.entries.len();
        if entries == 0 || entries > BATCH_ENTRIES_MAX {
            return Err(AppendError::BatchSize { entries });
        }
        if let Some((_, large)) = batch
            .documents
            .iter()
            .find(|(_, bytes)| bytes.len() > DOCUMENT_BYTES_MAX)
        {
            return Err(AppendError::DocumentTooLarge { bytes: large.len() });
        }
        let chain = batch.chain;
        let drafts = batch
            .entries
            .into_iter()
            .enumerate()
            .map(|(place, entry)| {
                check(&chain, &entry)
                    .and_then(|()| Draft::of(&chain, entry))
                    .map_err(|source| AppendError::Invalid {
                        entry: place,
                        source,
                    })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            chain,
            expected: batch.expected,
            drafts,
            documents: batch.documents,
        })
    }
}

fn check(chain: &ChainId, entry: &Entry) -> Result<(), InvalidEntry> {
    let is_for_chain = match (chain, entry.kind) {
        (_, EventKind::HeadsMoved | EventKind::RecordsPruned) => false,
        (ChainId::Heads { .. }, kind) => kind == EventKind::CheckpointCreated,
        (ChainId::Session { .. }, _) => true,
    };
    if !is_for_chain {
        return Err(InvalidEntry::Kind { kind: entry.kind });
    }
    if entry.at.unix_ms().unsigned_abs() > INTEGER_MAX {
        return Err(InvalidEntry::Time);
    }
    if let Some(subject) = &entry.subject
        && subject.len() > SUBJECT_BYTES_MAX
    {
        return Err(InvalidEntry::SubjectTooLong {
            bytes: subject.len(),
        });
    }
    if !entry.payload.is_i_json() {
        check_payload(&entry.payload).map_err(InvalidEntry::NotIJson)?;
    }
    check_sealed(entry)
}

fn check_payload(payload: &Value) -> Result<(), NotIJson> {
    check_i_json(payload)?;
    // The envelope around the payload is one level more.
    if is_deeper_than(payload, DEPTH_MAX - 1) {
        return Err(NotIJson::TooDeep);
    }
    Ok(())
}

fn check_sealed(entry: &Entry) -> Result<(), InvalidEntry> {
    let Some(sealed) = &entry.sealed else {
        return Ok(());
    };
    let is_sound = sealed.key_id.len() <= SUBJECT_BYTES_MAX
        && sealed.ciphertext.as_ref().is_some_and(|ciphertext| {
            ciphertext.len() <= ENTRY_BYTES_MAX && Digest::of(ciphertext) == sealed.digest
        });
    if is_sound {
        Ok(())
    } else {
        Err(InvalidEntry::Sealed)
    }
}

/// Tells whether arrays and objects are nested more than `levels` deep.
///
/// The depth of the recursion is `levels` at most.
fn is_deeper_than(value: &Value, levels: usize) -> bool {
    let below = levels.checked_sub(1);
    match (value, below) {
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => false,
        (Value::Array(_) | Value::Object(_), None) => true,
        (Value::Array(items), Some(below)) => items.iter().any(|item| is_deeper_than(item, below)),
        (Value::Object(members), Some(below)) => {
            members.values().any(|item| is_deeper_than(item, below))
        }
    }
}

impl Draft {
    /// Writes what comes before the place of `entry` in its chain.
    pub(crate) fn of(chain: &ChainId, entry: Entry) -> Result<Self, InvalidEntry> {
        let payload = entry.payload.to_canonical();
        if payload.len() > ENTRY_BYTES_MAX {
            return Err(InvalidEntry::TooLarge {
                bytes: payload.len(),
            });
        }
        let mut bytes = Vec::with_capacity(payload.len().saturating_add(AROUND_BYTES));
        write_start(chain, entry.kind, &mut bytes);
        bytes.extend_from_slice(&payload);
        drop(payload);
        let mut hasher = Hasher::new();
        hasher.update(&bytes);
        Ok(Self {
            entry,
            bytes,
            hasher,
        })
    }

    /// Seals the entry at the end of `chain`, and moves `head`.
    pub(crate) fn seal(self, chain: &ChainId, head: &mut Head) -> Sealed {
        let Self {
            entry,
            mut bytes,
            mut hasher,
        } = self;
        let start = bytes.len();
        let tail = Tail {
            chain,
            seq: head.next,
            at: entry.at.unix_ms(),
            subject: entry.subject.as_deref(),
            sealed: entry
                .sealed
                .as_ref()
                .map(|sealed| (sealed.key_id.as_str(), &sealed.digest)),
            previous: head.hash.as_ref(),
        };
        tail.write(&mut bytes);
        hasher.update(bytes.get(start..).unwrap_or_default());
        let hash = hasher.finish();
        let envelope = Envelope {
            chain: chain.clone(),
            seq: head.next,
            at: entry.at,
            kind: entry.kind,
            subject: entry.subject,
            payload: entry.payload,
            sealed: entry.sealed,
            previous: head.hash,
            hash,
        };
        let sealed = Sealed { envelope, bytes };
        *head = sealed.head();
        sealed
    }
}

/// Writes the fields of an envelope that come before its payload.
pub(crate) fn write_start(chain: &ChainId, kind: EventKind, out: &mut Vec<u8>) {
    out.extend_from_slice(match chain {
        ChainId::Session { .. } => b"{\"event_type\":\"".as_slice(),
        ChainId::Heads { .. } => b"{\"chain\":\"heads\",\"event_type\":\"".as_slice(),
    });
    out.extend_from_slice(kind.as_str().as_bytes());
    out.extend_from_slice(b"\",\"payload\":");
}

/// The fields of an envelope that come after its payload.
pub(crate) struct Tail<'a> {
    pub(crate) chain: &'a ChainId,
    pub(crate) seq: u64,
    pub(crate) at: i64,
    pub(crate) subject: Option<&'a str>,
    /// The name of the key and the digest of the ciphertext.
    pub(crate) sealed: Option<(&'a str, &'a Digest)>,
    pub(crate) previous: Option<&'a Digest>,
}

impl Tail<'_> {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        if let Some(previous) = self.previous {
            out.extend_from_slice(b",\"prev_hash\":\"");
            write_hex(previous, out);
            out.push(b'"');
        }
        if let Some((key_id, digest)) = self.sealed {
            out.extend_from_slice(b",\"sealed\":{\"digest\":\"");
            write_hex(digest, out);
            out.extend_from_slice(b"\",\"key_id\":");
            write_text(key_id, out);
            out.push(b'}');
        }
        out.extend_from_slice(b",\"seq\":");
        write_integer(self.seq, out);
        if let Some(session) = self.chain.session() {
            out.extend_from_slice(b",\"session_id\":");
            write_text(session.as_str(), out);
        }
        if let Some(subject) = self.subject {
            out.extend_from_slice(b",\"subject\":");
            write_text(subject, out);
        }
        out.extend_from_slice(b",\"tenant_id\":");
        write_text(self.chain.tenant().as_str(), out);
        out.extend_from_slice(b",\"ts_unix_ms\":");
        if self.at < 0 {
            out.push(b'-');
        }
        write_integer(self.at.unsigned_abs(), out);
        out.extend_from_slice(b",\"v\":");
        write_integer(ENVELOPE_VERSION, out);
        out.push(b'}');
    }
}

pub(crate) fn write_hex(digest: &Digest, out: &mut Vec<u8>) {
    // Without a table, and without branches, so that many bytes are done at once.
    let digit = |nibble: u8| nibble + b'0' + (b'a' - b'0' - 10) * u8::from(nibble > 9);
    let mut text = [[0; 2]; 32];
    for (pair, byte) in text.iter_mut().zip(digest.as_bytes()) {
        *pair = [digit(byte >> 4), digit(byte & 0x0f)];
    }
    out.extend_from_slice(text.as_flattened());
}

pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    let is_plain = |byte: u8| matches!(byte, 0x20..0x7f) && byte != b'"' && byte != b'\\';
    // All bytes are looked at, because that is quicker than to stop at one.
    let is_plain = text
        .bytes()
        .fold(true, |plain, byte| plain & is_plain(byte));
    if is_plain {
        out.reserve(text.len().saturating_add(2));
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        write_canonical(&Value::from(text), out);
    }
}

pub(crate) fn write_integer(mut integer: u64, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        out.push(b'0' + (integer % 10) as u8);
        integer /= 10;
        if integer == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

#[cfg(test)]
mod tests {
    use aegis_types::{SealedPayload, Timestamp};
    use proptest::prelude::*;

    use super::*;
    use crate::stored::read_envelope;

    fn payloads() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
            (-1.0e15..1.0e15).prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn chains() -> impl Strategy<Value = ChainId> {
        ("[!-~]{1,12}", prop::option::of("[!-~]{1,12}")).prop_map(|(tenant, session)| {
            let tenant = tenant.parse().unwrap();
            match session {
                Some(session) => ChainId::Session {
                    tenant,
                    session: session.parse().unwrap(),
                },
                None => ChainId::Heads { tenant },
            }
        })
    }

    fn entries() -> impl Strategy<Value = Entry> {
        (
            -1_000_000_000_000_i64..9_000_000_000_000,
            prop::sample::select(EventKind::ALL),
            prop::option::of(".*"),
            payloads(),
            prop::option::of((".*", any::<[u8; 32]>())),
        )
            .prop_map(|(at, kind, subject, payload, sealed)| Entry {
                at: Timestamp::from_unix_ms(at),
                kind,
                subject,
                payload: payload.into(),
                sealed: sealed.map(|(key_id, digest)| SealedPayload {
                    key_id,
                    digest: Digest::from_bytes(digest),
                    ciphertext: None,
                }),
            })
    }

    proptest! {
        #[test]
        fn the_bytes_sealed_are_those_of_the_envelope_and_read_back_as_it(
            chain in chains(),
            entry in entries(),
            next in 0..1_u64 << 53,
            previous in prop::option::of(any::<[u8; 32]>()),
        ) {
            let mut head = Head { next, hash: previous.map(Digest::from_bytes) };
            let sealed = Draft::of(&chain, entry).unwrap().seal(&chain, &mut head);
            prop_assert_eq!(&sealed.bytes, &sealed.envelope.bytes());
            prop_assert_eq!(Digest::of(&sealed.bytes), sealed.envelope.hash);
            prop_assert_eq!(head.hash, Some(sealed.envelope.hash));
            let read = read_envelope(&sealed.bytes, sealed.envelope.hash);
            // A whole number may be given as a double; its bytes are those of an integer.
            prop_assert_eq!(read.map(|read| read.bytes()), Ok(sealed.bytes));
        }
    }
}
