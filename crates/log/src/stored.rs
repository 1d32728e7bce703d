//! Reading an envelope back from its stored bytes.

use aegis_canon::{Digest, ParseJsonError, parse};
use aegis_types::{
    ChainId, ENVELOPE_VERSION, Envelope, EventKind, ParseIdError, Payload, SealedPayload, Timestamp,
};
use serde_json::{Map, Value};

/// Why bytes do not read as an envelope.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadEnvelopeError {
    /// They are not I-JSON.
    #[error("it is not I-JSON")]
    Json(#[source] ParseJsonError),
    /// They are not an object.
    #[error("it is not an object")]
    NotAnObject,
    /// A field is missing or of another type.
    #[error("its field `{field}` is missing or of another type")]
    Field {
        /// The field.
        field: &'static str,
    },
    /// There is a field that no envelope of its version has.
    #[error("it has the unknown field `{field}`")]
    UnknownField {
        /// The field.
        field: String,
    },
    /// Its version is not one that this program reads.
    #[error("its version is {version}, this program reads {ENVELOPE_VERSION}")]
    Version {
        /// The version.
        version: u64,
    },
    /// Its kind of event is not known.
    #[error("its kind `{kind}` is not known")]
    Kind {
        /// The kind.
        kind: String,
    },
    /// A name in it is not an identifier.
    #[error("its field `{field}` is not an identifier")]
    Id {
        /// The field.
        field: &'static str,
        /// Why.
        #[source]
        source: ParseIdError,
    },
    /// Its hash is another one than its fields have.
    #[error("its hash is another one than its fields have")]
    Hash,
    /// It is neither of a session nor of the heads.
    #[error("it belongs to no chain")]
    Chain,
}

/// Reads the envelope that `bytes` are; `hash` is taken as its hash.
pub(crate) fn read_envelope(bytes: &[u8], hash: Digest) -> Result<Envelope, ReadEnvelopeError> {
    from_value(parse(bytes).map_err(ReadEnvelopeError::Json)?, hash)
}

/// Reads an envelope as [`Envelope::to_json`] gives it, if its hash is that of
/// its other fields.
///
/// # Errors
///
/// [`ReadEnvelopeError`].
pub fn envelope_of(mut value: Value) -> Result<Envelope, ReadEnvelopeError> {
    let field = ReadEnvelopeError::Field { field: "hash" };
    let hash = value
        .as_object_mut()
        .and_then(|fields| fields.remove("hash"));
    let hash = hash.as_ref().and_then(Value::as_str);
    let hash: Digest = hash.and_then(|hash| hash.parse().ok()).ok_or(field)?;
    let envelope = from_value(value, hash)?;
    if Digest::of(&envelope.bytes()) != hash {
        return Err(ReadEnvelopeError::Hash);
    }
    Ok(envelope)
}

/// Reads the envelope that `value` is, without a hash of its own.
pub(crate) fn from_value(value: Value, hash: Digest) -> Result<Envelope, ReadEnvelopeError> {
    let Value::Object(members) = value else {
        return Err(ReadEnvelopeError::NotAnObject);
    };
    let mut fields = Fields(members);
    let version = fields.integer("v")?;
    if version != ENVELOPE_VERSION {
        return Err(ReadEnvelopeError::Version { version });
    }
    let kind = fields.text("event_type")?;
    let envelope = Envelope {
        chain: fields.chain()?,
        seq: fields.integer("seq")?,
        at: fields.time()?,
        kind: EventKind::from_wire(&kind).ok_or(ReadEnvelopeError::Kind { kind })?,
        subject: fields.optional("subject", Fields::text)?,
        payload: Payload::from(fields.take("payload")?),
        sealed: fields.optional("sealed", Fields::sealed)?,
        previous: fields.optional("prev_hash", Fields::digest)?,
        hash,
    };
    match fields.0.into_iter().next() {
        Some((field, _)) => Err(ReadEnvelopeError::UnknownField { field }),
        None => Ok(envelope),
    }
}

/// The fields that were not yet read.
struct Fields(Map<String, Value>);

impl Fields {
    fn take(&mut self, field: &'static str) -> Result<Value, ReadEnvelopeError> {
        self.0
            .remove(field)
            .ok_or(ReadEnvelopeError::Field { field })
    }

    fn optional<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self, &'static str) -> Result<T, ReadEnvelopeError>,
    ) -> Result<Option<T>, ReadEnvelopeError> {
        if self.0.contains_key(field) {
            read(self, field).map(Some)
        } else {
            Ok(None)
        }
    }

    fn text(&mut self, field: &'static str) -> Result<String, ReadEnvelopeError> {
        match self.take(field)? {
            Value::String(text) => Ok(text),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => Err(ReadEnvelopeError::Field { field }),
        }
    }

    fn integer(&mut self, field: &'static str) -> Result<u64, ReadEnvelopeError> {
        self.take(field)?
            .as_u64()
            .ok_or(ReadEnvelopeError::Field { field })
    }

    fn time(&mut self) -> Result<Timestamp, ReadEnvelopeError> {
        let field = "ts_unix_ms";
        self.take(field)?
            .as_i64()
            .map(Timestamp::from_unix_ms)
            .ok_or(ReadEnvelopeError::Field { field })
    }

    fn digest(&mut self, field: &'static str) -> Result<Digest, ReadEnvelopeError> {
        self.text(field)?
            .parse()
            .map_err(|_| ReadEnvelopeError::Field { field })
    }

    fn sealed(&mut self, field: &'static str) -> Result<SealedPayload, ReadEnvelopeError> {
        let Value::Object(members) = self.take(field)? else {
            return Err(ReadEnvelopeError::Field { field });
        };
        let mut slot = Fields(members);
        let sealed = SealedPayload {
            key_id: slot.text("key_id")?,
            digest: slot.digest("digest")?,
            ciphertext: None,
        };
        match slot.0.into_iter().next() {
            Some((field, _)) => Err(ReadEnvelopeError::UnknownField { field }),
            None => Ok(sealed),
        }
    }

    fn chain(&mut self) -> Result<ChainId, ReadEnvelopeError> {
        let id = |field| move |source| ReadEnvelopeError::Id { field, source };
        let tenant = self.text("tenant_id")?.parse().map_err(id("tenant_id"))?;
        let session = self.optional("session_id", Self::text)?;
        let chain = self.optional("chain", Self::text)?;
        match (session, chain.as_deref()) {
            (Some(session), None) => Ok(ChainId::Session {
                tenant,
                session: session.parse().map_err(id("session_id"))?,
            }),
            (None, Some("heads")) => Ok(ChainId::Heads { tenant }),
            (None | Some(_), None | Some(_)) => Err(ReadEnvelopeError::Chain),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(change: impl FnOnce(&mut Value), expected: Result<(), ReadEnvelopeError>) {
        let mut value = json!({
            "v": 1, "tenant_id": "acme", "session_id": "one", "seq": 0, "ts_unix_ms": 10,
            "event_type": "TOOL_RESULT", "payload": null,
        });
        change(&mut value);
        let read = from_value(value, Digest::of(b"")).map(|_| ());
        assert_eq!(read, expected);
    }

    #[test]
    fn an_envelope_with_anything_amiss_is_refused() {
        check(|_| {}, Ok(()));
        check(
            |value| value["v"] = json!(2),
            Err(ReadEnvelopeError::Version { version: 2 }),
        );
        check(
            |value| value["event_type"] = json!("UNHEARD_OF"),
            Err(ReadEnvelopeError::Kind {
                kind: "UNHEARD_OF".to_owned(),
            }),
        );
        check(
            |value| value["extra"] = json!(1),
            Err(ReadEnvelopeError::UnknownField {
                field: "extra".to_owned(),
            }),
        );
        check(
            |value| value["chain"] = json!("heads"),
            Err(ReadEnvelopeError::Chain),
        );
        check(
            |value| value["seq"] = json!(-1),
            Err(ReadEnvelopeError::Field { field: "seq" }),
        );
        check(
            |value| value["prev_hash"] = json!("00"),
            Err(ReadEnvelopeError::Field { field: "prev_hash" }),
        );
        check(
            |value| value["tenant_id"] = json!(""),
            Err(ReadEnvelopeError::Id {
                field: "tenant_id",
                source: ParseIdError::Empty,
            }),
        );
        check(
            |value| {
                value.as_object_mut().unwrap().remove("payload");
            },
            Err(ReadEnvelopeError::Field { field: "payload" }),
        );
        check(
            |value| *value = json!([]),
            Err(ReadEnvelopeError::NotAnObject),
        );
    }
}
