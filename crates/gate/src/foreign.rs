//! Events that clients seal themselves, in chains of their own.
//!
//! A client of the control plane keeps a chain of what it saw. It stands in a
//! session of ours beside the one in which the gate decides, each of its
//! events inside an envelope of ours: so it is as durable and as well kept as
//! everything else, and never taken for something that the gate says.

mod order;

use aegis_canon::Digest;
use aegis_log::{AppendError, Batch, ForeignEnvelope, Log, Query, ReadLogError, foreign_value};
use aegis_types::{
    ChainId, Entry, Envelope, EventKind, Head, ParseIdError, Payload, SessionId, TenantId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gate::Gate;
use crate::oversize::kept_of_value;

pub use order::EventOrder;

/// How the session begins that holds the chain of a client.
pub const FOREIGN_PREFIX: &str = "foreign:";

/// How often an event is tried again when its chain moved meanwhile.
const TRIES_MAX: usize = 256;

/// How many records are read at a time.
const READ_MAX: usize = 64;

/// An event that a client adds to its chain.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignEvent {
    /// The session.
    pub session: SessionId,
    /// The user, possibly empty.
    pub user: String,
    /// The place in the chain; the next one if absent.
    pub seq: Option<u64>,
    /// When it happened by the clock of the client, if that says so.
    pub unix_ms: Option<i64>,
    /// The name of its kind.
    pub kind: String,
    /// The payload, other parts than I-JSON as tagged text.
    pub payload: Value,
    /// The hash of the event before, as the client knows it.
    pub previous: Option<Digest>,
    /// The hash, if the client sealed the event.
    pub hash: Option<Digest>,
    /// Who adds it.
    pub by: String,
    /// By what name the request is answered once, and what it says.
    pub key: Option<(String, Digest)>,
}

/// What became of an event that a client added.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ForeignAdded {
    /// Its hash, in the form of the control plane.
    pub hash: Digest,
    /// Its place.
    pub seq: u64,
    /// Whether it was not there before.
    pub is_first: bool,
}

/// Why an event was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddForeignError {
    /// The name of its session is too long for a chain beside it.
    #[error("its session has a name that is too long")]
    Session(#[from] ParseIdError),
    /// It is larger than what is examined.
    #[error("its payload holds more than 1 MiB, which is more than is examined")]
    TooLarge,
    /// Its payload has no hash in the form of the control plane.
    #[error("its payload holds a number beyond the range of a double, or is nested too deep")]
    NoForm,
    /// The first event of a chain names one before.
    #[error("the first event of a chain (seq 0) has no `prev_hash`")]
    Genesis,
    /// Its hash is not that of its fields.
    #[error("hash verification failed: hash mismatch at seq={seq}")]
    Hash {
        /// Its place.
        seq: u64,
    },
    /// It does not follow the last event of its chain.
    #[error("the chain goes on with seq {next}, and this event does not follow what is there")]
    Conflict {
        /// The place that comes next.
        next: u64,
        /// The hash of the last event.
        hash: Option<Digest>,
    },
    /// Its chain was pruned, and with it the event that the next one must follow.
    #[error(
        "the events of this session were pruned from the log, so none can follow them; \
         name another session"
    )]
    Pruned,
    /// The order of events is enforced, and this one breaks it.
    #[error("{0}")]
    Order(String),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Read(#[from] ReadLogError),
    /// The log cannot be written.
    #[error("the log cannot be written")]
    Append(#[from] AppendError),
    /// The record cannot be written as JSON.
    #[error("a record cannot be written as JSON")]
    Write(#[from] serde_json::Error),
}

/// Who made the hash of an event.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sealer {
    /// The client.
    Client,
    /// The service, for the client.
    Server,
}

/// An event of a client, as it is recorded.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ForeignRecord {
    /// The event.
    pub event: ForeignBody,
    /// Who made its hash.
    pub sealed_by: Sealer,
    /// By how much the clock of the client is ahead of that of the service.
    pub skew_ms: i64,
    /// Who added it.
    pub by: String,
    /// How many secrets were taken out of the payload. If there were any, its
    /// hash was checked when it came and cannot be made again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redacted: usize,
    /// What the request said that added it, if that had a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<Digest>,
}

/// The fields of an event of a client.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ForeignBody {
    /// Whose session it is.
    pub tenant_id: TenantId,
    /// The user, possibly empty.
    pub user_id: String,
    /// The session.
    pub session_id: SessionId,
    /// The place in the chain.
    pub seq: u64,
    /// When it happened.
    pub ts_unix_ms: i64,
    /// The name of its kind.
    pub event_type: String,
    /// The payload, without secrets.
    pub payload: Value,
    /// The hash of the event before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_hash: Option<Digest>,
    /// The hash.
    pub hash: Digest,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands the field over by reference"
)]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl ForeignRecord {
    /// Reads the event that `envelope` holds, if it holds one.
    #[must_use]
    pub fn of(envelope: &Envelope) -> Option<Self> {
        if envelope.kind != EventKind::ForeignEventAdded {
            return None;
        }
        Self::deserialize(envelope.payload.value()).ok()
    }

    /// Returns whether its hash is that of its fields; nothing where secrets
    /// were taken out of them.
    #[must_use]
    pub fn has_its_hash(&self) -> Option<bool> {
        if self.redacted > 0 {
            return None;
        }
        let envelope = self.event.envelope();
        Some(envelope.is_some_and(|envelope| envelope.has_its_hash()))
    }
}

impl ForeignBody {
    fn envelope(&self) -> Option<ForeignEnvelope> {
        Some(ForeignEnvelope {
            tenant: self.tenant_id.to_string(),
            user: self.user_id.clone(),
            session: self.session_id.to_string(),
            seq: self.seq,
            unix_ms: self.ts_unix_ms,
            kind: self.event_type.clone(),
            payload: foreign_value(&self.payload)?,
            previous: self.prev_hash,
            hash: self.hash,
        })
    }
}

/// Returns the chain that holds what clients add to `session`.
///
/// # Errors
///
/// [`ParseIdError`] when the name of the session is too long.
pub fn foreign_chain(tenant: &TenantId, session: &SessionId) -> Result<ChainId, ParseIdError> {
    Ok(ChainId::Session {
        tenant: tenant.clone(),
        session: format!("{FOREIGN_PREFIX}{session}").parse()?,
    })
}

/// Returns the session to whose clients the chain of `session` belongs, if it is such a one.
#[must_use]
pub fn foreign_session(session: &SessionId) -> Option<SessionId> {
    session.as_str().strip_prefix(FOREIGN_PREFIX)?.parse().ok()
}

impl Gate {
    /// Adds `event` to the chain of its session, and returns its place there.
    ///
    /// An event that is there already is not added again.
    ///
    /// # Errors
    ///
    /// [`AddForeignError`].
    pub fn add_foreign(
        &self,
        event: &ForeignEvent,
        order: EventOrder,
    ) -> Result<ForeignAdded, AddForeignError> {
        if kept_of_value(self.redactor(), &event.payload).is_some() {
            return Err(AddForeignError::TooLarge);
        }
        for _ in 0..TRIES_MAX {
            match self.try_add_foreign(event, order) {
                Err(AddForeignError::Append(AppendError::HeadMoved { .. })) => {}
                added => return added,
            }
        }
        Err(AddForeignError::Append(AppendError::Busy { waited_ms: 0 }))
    }

    fn try_add_foreign(
        &self,
        event: &ForeignEvent,
        order: EventOrder,
    ) -> Result<ForeignAdded, AddForeignError> {
        let chain = foreign_chain(&self.settings().tenant.value, &event.session)?;
        let head = self.log().head(&chain)?;
        let last = last_of(self.log(), &chain, head)?;
        if last.is_none() && is_pruned(self.log(), &chain, head)? {
            return Err(AddForeignError::Pruned);
        }
        let (next, hash) = last.as_ref().map_or((0, None), |last| {
            (last.event.seq.saturating_add(1), Some(last.event.hash))
        });
        let seq = match (event.seq, event.hash) {
            (Some(seq), _) => seq,
            (None, Some(_)) => 0,
            (None, None) => next,
        };
        if seq == 0 && event.previous.is_some() {
            return Err(AddForeignError::Genesis);
        }
        if seq < next
            && let Some(known) = self.added_before(&chain, event, seq)?
        {
            return Ok(known);
        }
        let is_linked = match event.previous {
            None if event.seq.is_none() && event.hash.is_none() => true,
            previous => previous == hash,
        };
        if seq != next || !is_linked {
            return Err(AddForeignError::Conflict { next, hash });
        }
        order.check(self.log(), &chain, event)?;
        let record = self.foreign_record(event, seq, hash)?;
        let added = ForeignAdded {
            hash: record.event.hash,
            seq,
            is_first: true,
        };
        self.append(Batch {
            chain,
            expected: Some(head),
            entries: vec![self.foreign_entry(event, &record)?],
            documents: Vec::new(),
        })?;
        Ok(added)
    }

    /// Makes the record of `event`, and checks or makes its hash.
    fn foreign_record(
        &self,
        event: &ForeignEvent,
        seq: u64,
        previous: Option<Digest>,
    ) -> Result<ForeignRecord, AddForeignError> {
        let now = self.now().unix_ms();
        let unix_ms = match (event.unix_ms, event.hash) {
            (Some(unix_ms), Some(_)) => unix_ms,
            (None, Some(_)) => 0,
            (None | Some(0), None) => now,
            (Some(unix_ms), None) => unix_ms,
        };
        let mut envelope = ForeignEnvelope {
            tenant: self.settings().tenant.value.to_string(),
            user: event.user.clone(),
            session: event.session.to_string(),
            seq,
            unix_ms,
            kind: event.kind.clone(),
            payload: foreign_value(&event.payload).ok_or(AddForeignError::NoForm)?,
            previous,
            hash: event.hash.unwrap_or(Digest::from_bytes([0; 32])),
        };
        let sealed_by = match event.hash {
            Some(_) if !envelope.has_its_hash() => return Err(AddForeignError::Hash { seq }),
            Some(_) => Sealer::Client,
            None => {
                envelope.hash = Digest::of(&envelope.preimage());
                Sealer::Server
            }
        };
        let payload = self.redactor().redact_value(&event.payload);
        Ok(ForeignRecord {
            redacted: payload.count,
            event: ForeignBody {
                tenant_id: self.settings().tenant.value.clone(),
                user_id: event.user.clone(),
                session_id: event.session.clone(),
                seq,
                ts_unix_ms: unix_ms,
                event_type: event.kind.clone(),
                payload: payload.value.into_owned(),
                prev_hash: previous,
                hash: envelope.hash,
            },
            sealed_by,
            skew_ms: unix_ms.saturating_sub(now),
            by: event.by.clone(),
            request_digest: event.key.as_ref().map(|(_, digest)| *digest),
        })
    }

    fn foreign_entry(
        &self,
        event: &ForeignEvent,
        record: &ForeignRecord,
    ) -> Result<Entry, serde_json::Error> {
        Ok(Entry {
            at: self.now(),
            kind: EventKind::ForeignEventAdded,
            subject: event.key.as_ref().map(|(name, _)| name.clone()),
            payload: Payload::of(record)?,
            sealed: None,
        })
    }

    /// Returns the place of `event` if it is what stands in `chain` at `seq`.
    fn added_before(
        &self,
        chain: &ChainId,
        event: &ForeignEvent,
        seq: u64,
    ) -> Result<Option<ForeignAdded>, AddForeignError> {
        let Some(known) = find(self.log(), chain, seq)? else {
            return Ok(None);
        };
        let known = known.event;
        let is_same = known.event_type == event.kind
            && known.user_id == event.user
            && known.payload == *self.redactor().redact_value(&event.payload).value
            && event.hash.is_none_or(|hash| hash == known.hash)
            && event
                .previous
                .is_none_or(|previous| Some(previous) == known.prev_hash)
            && (event.unix_ms.unwrap_or(0) == 0 || event.unix_ms == Some(known.ts_unix_ms));
        Ok(is_same.then_some(ForeignAdded {
            hash: known.hash,
            seq,
            is_first: false,
        }))
    }
}

/// Returns the last event of a client in `chain`, which ends at `head`.
fn last_of(
    log: &dyn Log,
    chain: &ChainId,
    head: Head,
) -> Result<Option<ForeignRecord>, ReadLogError> {
    let Some(last) = head.next.checked_sub(1) else {
        return Ok(None);
    };
    if let Some(record) = log
        .read(chain, last, 1)?
        .first()
        .and_then(ForeignRecord::of)
    {
        return Ok(Some(record));
    }
    // An agent may have named its session as such a chain is named.
    let found = log.newest(&Query {
        tenant: Some(chain.tenant()),
        session: chain.session(),
        kinds: &[EventKind::ForeignEventAdded],
        limit: 1,
        ..Query::default()
    })?;
    Ok(found.first().and_then(ForeignRecord::of))
}

/// Tells whether the beginning of `chain`, which ends at `head`, was pruned.
fn is_pruned(log: &dyn Log, chain: &ChainId, head: Head) -> Result<bool, ReadLogError> {
    if head.next == 0 {
        return Ok(false);
    }
    let first = log.read(chain, 0, 1)?;
    Ok(first.first().is_none_or(|first| first.seq > 0))
}

/// Returns the event number `seq` of a client in `chain`.
fn find(log: &dyn Log, chain: &ChainId, seq: u64) -> Result<Option<ForeignRecord>, ReadLogError> {
    // No event stands before its own number, and after it only if others do.
    let mut from = seq;
    let mut limit = 1;
    loop {
        let envelopes = log.read(chain, from, limit)?;
        let mut records = envelopes.iter().filter_map(ForeignRecord::of);
        if let Some(found) = records.find(|record| record.event.seq == seq) {
            return Ok(Some(found));
        }
        if envelopes.len() < limit {
            return Ok(None);
        }
        from = from.saturating_add(limit as u64);
        limit = READ_MAX;
    }
}
