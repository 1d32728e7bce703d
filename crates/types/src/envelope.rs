//! An event sealed in its chain.

use aegis_canon::{Digest, canonical};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::EventKind;
use crate::id::{SessionId, TenantId};
use crate::payload::Payload;
use crate::time::Timestamp;

/// The version of the envelope that is written.
pub const ENVELOPE_VERSION: u64 = 1;

/// A chain of envelopes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ChainId {
    /// What happened in one session.
    Session {
        /// Whose session it is.
        tenant: TenantId,
        /// The session.
        session: SessionId,
    },
    /// The heads of all chains of a tenant, so that a missing one shows.
    Heads {
        /// The tenant.
        tenant: TenantId,
    },
}

impl ChainId {
    /// Returns the tenant to which the chain belongs.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        match self {
            Self::Session { tenant, .. } | Self::Heads { tenant } => tenant,
        }
    }

    /// Returns the session, if it is the chain of one.
    #[must_use]
    pub const fn session(&self) -> Option<&SessionId> {
        match self {
            Self::Session { session, .. } => Some(session),
            Self::Heads { .. } => None,
        }
    }
}

/// Where a chain ends.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Head {
    /// The sequence number that the next envelope gets; 0 for an empty chain.
    pub next: u64,
    /// The hash of the last envelope; absent for an empty chain.
    pub hash: Option<Digest>,
}

/// A payload encrypted under a key that can be destroyed.
///
/// Its digest is part of the envelope, so the chain stays whole when the key
/// or the ciphertext is gone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SealedPayload {
    /// The name of the key.
    pub key_id: String,
    /// The digest of the ciphertext.
    pub digest: Digest,
    /// The ciphertext; absent once it was erased.
    #[serde(skip)]
    pub ciphertext: Option<Vec<u8>>,
}

/// An event sealed with its place in a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The chain.
    pub chain: ChainId,
    /// The place in the chain, from 0.
    pub seq: u64,
    /// When it happened, by the clock of the gate.
    pub at: Timestamp,
    /// What kind of event it is.
    pub kind: EventKind,
    /// What it is about.
    pub subject: Option<String>,
    /// The payload, shared by all who read the same record.
    pub payload: Payload,
    /// The encrypted payload, if it has one.
    pub sealed: Option<SealedPayload>,
    /// The hash of the envelope before; absent at the beginning.
    pub previous: Option<Digest>,
    /// SHA-256 over [`Envelope::bytes`].
    pub hash: Digest,
}

impl Envelope {
    /// Returns the canonical bytes that are hashed and stored: RFC 8785 over
    /// the fields, the hash itself left out.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        canonical(&Value::Object(self.fields()))
    }

    /// Returns the envelope as JSON, its hash included.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut fields = self.fields();
        fields.insert("hash".to_owned(), Value::from(self.hash.to_string()));
        Value::Object(fields)
    }

    fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        put("v", Value::from(ENVELOPE_VERSION));
        put("tenant_id", Value::from(self.chain.tenant().as_str()));
        match &self.chain {
            ChainId::Session { session, .. } => put("session_id", Value::from(session.as_str())),
            ChainId::Heads { .. } => put("chain", Value::from("heads")),
        };
        put("seq", Value::from(self.seq));
        put("ts_unix_ms", Value::from(self.at.unix_ms()));
        put("event_type", Value::from(self.kind.as_str()));
        put("payload", self.payload.value().clone());
        if let Some(subject) = &self.subject {
            put("subject", Value::from(subject.as_str()));
        }
        if let Some(sealed) = &self.sealed {
            let mut slot = Map::new();
            slot.insert("key_id".to_owned(), Value::from(sealed.key_id.as_str()));
            slot.insert("digest".to_owned(), Value::from(sealed.digest.to_string()));
            put("sealed", Value::Object(slot));
        }
        if let Some(previous) = &self.previous {
            put("prev_hash", Value::from(previous.to_string()));
        }
        fields
    }
}
