//! Payloads under a key that can be destroyed.
//!
//! Each is sealed under a key of its own, so that one can be erased without
//! the others, and with what it belongs to, so that none can stand in for
//! another one.

mod keys;

use std::io;

use aegis_canon::{Digest, canonical};
use aegis_types::{ChainId, Envelope, RequestId, SealedPayload, SessionId};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use serde_json::{Value, json};

use crate::gate::Gate;
use crate::settings::{DurabilityLevel, SealLevel};

pub use keys::PayloadKeys;
use keys::{PayloadKey, Syncs};

/// Why a payload could not be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Its key cannot be kept.
    #[error("the key of a sealed payload cannot be kept")]
    Key(#[from] io::Error),
    /// It cannot be encrypted.
    #[error("a payload cannot be encrypted")]
    Cipher,
}

/// What became of a sealed payload.
#[derive(Clone, Debug, PartialEq)]
pub enum Opened {
    /// It is there.
    Content(Value),
    /// It was erased: its key or its ciphertext is gone for good.
    Erased,
    /// Its key is not here.
    NoKey,
    /// Something else was put in its place.
    Damaged,
}

impl Gate {
    /// Returns the content of an outcome as its payload holds it, and its sealed
    /// form, if results are sealed.
    pub(crate) fn seal(
        &self,
        session: &SessionId,
        request: &RequestId,
        content: Value,
    ) -> Result<(Value, Option<SealedPayload>), SealError> {
        match self.settings().seal.value {
            SealLevel::Off => return Ok((content, None)),
            SealLevel::Results => {}
        }
        let syncs = match self.settings().durability.value {
            DurabilityLevel::Normal => Syncs::Never,
            DurabilityLevel::Full => Syncs::Each,
        };
        let keys = PayloadKeys::of(self.places());
        let text = canonical(&content);
        let sealed = keys.seal(&self.chain(session), request.as_str(), &text, syncs)?;
        let place = json!({"sealed": {"bytes": text.len()}});
        Ok((place, Some(sealed)))
    }
}

impl PayloadKeys {
    fn seal(
        &self,
        chain: &ChainId,
        subject: &str,
        text: &[u8],
        syncs: Syncs,
    ) -> Result<SealedPayload, SealError> {
        let (key_id, key) = self.make(chain, syncs)?;
        let payload = Payload {
            msg: text,
            aad: &belongs_to(chain, subject),
        };
        let ciphertext = ChaCha20Poly1305::new(&key.into())
            .encrypt(&nonce(), payload)
            .map_err(|_| SealError::Cipher)?;
        Ok(SealedPayload {
            key_id,
            digest: Digest::of(&ciphertext),
            ciphertext: Some(ciphertext),
        })
    }

    /// Opens the sealed payload of `envelope`; nothing if it has none.
    ///
    /// # Errors
    ///
    /// When the keys cannot be read.
    pub fn open(&self, envelope: &Envelope) -> Result<Option<Opened>, io::Error> {
        let Some(sealed) = &envelope.sealed else {
            return Ok(None);
        };
        let Some(ciphertext) = &sealed.ciphertext else {
            return Ok(Some(Opened::Erased));
        };
        let key = match self.find(&envelope.chain, &sealed.key_id)? {
            PayloadKey::Known(key) => key,
            PayloadKey::Destroyed => return Ok(Some(Opened::Erased)),
            PayloadKey::Missing => return Ok(Some(Opened::NoKey)),
        };
        let subject = envelope.subject.as_deref().unwrap_or_default();
        let payload = Payload {
            msg: ciphertext,
            aad: &belongs_to(&envelope.chain, subject),
        };
        let text = ChaCha20Poly1305::new(&key.into()).decrypt(&nonce(), payload);
        let content = text
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        Ok(Some(content.map_or(Opened::Damaged, Opened::Content)))
    }
}

/// Returns the nonce of every payload.
///
/// INVARIANT: a key seals one payload and no other.
fn nonce() -> Nonce {
    Nonce::default()
}

/// Returns what is authenticated with a payload: names hold no line breaks but
/// the last may, which is the last.
fn belongs_to(chain: &ChainId, subject: &str) -> Vec<u8> {
    let session = chain.session().map_or("", SessionId::as_str);
    format!("{}\n{session}\n{subject}", chain.tenant()).into_bytes()
}

#[cfg(test)]
mod tests {
    use aegis_types::{EventKind, Timestamp};

    use super::*;

    fn chain(session: &str) -> ChainId {
        ChainId::Session {
            tenant: "acme".parse().unwrap(),
            session: session.parse().unwrap(),
        }
    }

    fn envelope(session: &str, subject: &str, sealed: &SealedPayload) -> Envelope {
        Envelope {
            chain: chain(session),
            seq: 0,
            at: Timestamp::from_unix_ms(0),
            kind: EventKind::OutcomeRecorded,
            subject: Some(subject.to_owned()),
            payload: Value::Null.into(),
            sealed: Some(sealed.clone()),
            previous: None,
            hash: Digest::of(b""),
        }
    }

    #[test]
    fn a_sealed_payload_opens_in_its_own_place_only() {
        let folder = tempfile::tempdir().unwrap();
        let keys = PayloadKeys::at(folder.path().join("payloads"));
        let content = json!({"stdout": "the plan of the house"});
        let sealed = keys
            .seal(&chain("one"), "call-1", &canonical(&content), Syncs::Each)
            .unwrap();
        let ciphertext = sealed.ciphertext.clone().unwrap();
        assert!(!ciphertext.windows(4).any(|found| found == b"plan"));
        let open = |session, subject, sealed: &SealedPayload| {
            let envelope = envelope(session, subject, sealed);
            keys.open(&envelope).unwrap().unwrap()
        };
        assert_eq!(open("one", "call-1", &sealed), Opened::Content(content));
        assert_eq!(open("one", "call-2", &sealed), Opened::Damaged);
        assert_eq!(open("two", "call-1", &sealed), Opened::NoKey);
        let mut changed = sealed.clone();
        if let Some(bytes) = &mut changed.ciphertext {
            bytes[3] ^= 1;
        }
        assert_eq!(open("one", "call-1", &changed), Opened::Damaged);
        let erased = SealedPayload {
            ciphertext: None,
            ..sealed.clone()
        };
        assert_eq!(open("one", "call-1", &erased), Opened::Erased);

        let other = keys
            .seal(&chain("one"), "call-2", b"{}", Syncs::Never)
            .unwrap();
        let destroyed = keys.destroy(&chain("one"), &[sealed.key_id.as_str()].into());
        assert_eq!(destroyed.unwrap(), 1);
        assert_eq!(open("one", "call-1", &sealed), Opened::Erased);
        assert_eq!(open("one", "call-2", &other), Opened::Content(json!({})));
    }
}
