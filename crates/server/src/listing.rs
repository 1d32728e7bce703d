//! Going through the events of a tenant, page by page.
//!
//! The events are those of streams, one after the other in an order that never
//! changes: by session, by chain, by place. A cursor names a place in that
//! order, so that what is appended between two pages moves none of them.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use aegis_api::EventOrigin;
use aegis_canon::Digest;
use aegis_gate::{FOREIGN_PREFIX, ForeignRecord, foreign_chain};
use aegis_log::{Log, ReadLogError};
use aegis_types::{ChainId, Envelope, EventKind, SessionId, TenantId};
use serde_json::Value;

use crate::page::{Room, digits_of, name_in};

/// How many records are read at a time.
const READ_MAX: usize = 64;

/// How many records are looked at for one page.
const LOOKED_AT_MAX: usize = 20_000;

/// Which events are listed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Filter {
    pub(crate) session: Option<SessionId>,
    pub(crate) origin: Option<EventOrigin>,
    pub(crate) kind: Option<String>,
    pub(crate) tool: Option<String>,
    pub(crate) verdict: Option<&'static str>,
    pub(crate) from_unix_ms: Option<i64>,
    pub(crate) to_unix_ms: Option<i64>,
}

/// A place in the listing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Cursor {
    session: SessionId,
    origin: EventOrigin,
    seq: u64,
    filter: String,
}

/// An event of a listing.
pub(crate) enum Listed {
    Gate(Box<Envelope>),
    Client(Box<ForeignRecord>, i64),
}

/// The events of one session in one chain.
struct Stream {
    session: SessionId,
    origin: EventOrigin,
    chain: ChainId,
}

impl Filter {
    /// Returns what tells this filter from others.
    fn name(&self) -> String {
        let digest = Digest::of(format!("{self:?}").as_bytes()).to_string();
        digest.get(..16).unwrap_or_default().to_owned()
    }

    /// Returns the event that `envelope` is in a stream of `origin`, if it is asked for.
    fn listed(&self, origin: EventOrigin, envelope: Envelope) -> Option<Listed> {
        let (listed, kind, unix_ms) = match (origin, envelope.kind) {
            (EventOrigin::Client, EventKind::ForeignEventAdded) => {
                let record = ForeignRecord::of(&envelope)?;
                let kind = record.event.event_type.clone();
                let unix_ms = record.event.ts_unix_ms;
                let received = envelope.at.unix_ms();
                (Listed::Client(Box::new(record), received), kind, unix_ms)
            }
            (EventOrigin::Client, _) | (EventOrigin::Gate, EventKind::ForeignEventAdded) => {
                return None;
            }
            (EventOrigin::Gate, kind) => {
                let unix_ms = envelope.at.unix_ms();
                (
                    Listed::Gate(Box::new(envelope)),
                    kind.as_str().to_owned(),
                    unix_ms,
                )
            }
        };
        let text = |field| listed.payload().get(field).and_then(Value::as_str);
        let is_asked_for = self.kind.as_ref().is_none_or(|asked| *asked == kind)
            && self
                .tool
                .as_deref()
                .is_none_or(|asked| text("tool_name") == Some(asked))
            && self.verdict.is_none_or(|asked| {
                kind == EventKind::DecisionMade.as_str() && text("verdict") == Some(asked)
            })
            && self.from_unix_ms.is_none_or(|from| unix_ms >= from)
            && self.to_unix_ms.is_none_or(|to| unix_ms <= to);
        is_asked_for.then_some(listed)
    }
}

impl Listed {
    pub(crate) fn payload(&self) -> &Value {
        match self {
            Self::Gate(envelope) => envelope.payload.value(),
            Self::Client(record, _) => &record.event.payload,
        }
    }
}

/// Returns at most `limit` events of `tenant` from `start` on, and where the
/// next page begins if there may be more.
pub(crate) fn page(
    log: &dyn Log,
    tenant: &TenantId,
    filter: &Filter,
    start: Option<&Cursor>,
    limit: usize,
) -> Result<(Vec<Listed>, Option<Cursor>), ReadLogError> {
    let mut listed = Vec::new();
    let (mut room, mut looked_at) = (Room::of(limit), 0);
    let mut streams = Streams::of(log, tenant, filter, start);
    while let Some(stream) = streams.next()? {
        let mut from = match start {
            Some(start) if start.is_in(&stream) => start.seq,
            Some(_) | None => 0,
        };
        // A session of which nothing is listed is looked at as well.
        looked_at += 1;
        if looked_at >= LOOKED_AT_MAX {
            return Ok((listed, Some(stream.cursor(from, filter))));
        }
        loop {
            let envelopes = log.read(&stream.chain, from, READ_MAX)?;
            let is_last = envelopes.len() < READ_MAX;
            for envelope in envelopes {
                if room.is_full() || looked_at >= LOOKED_AT_MAX {
                    return Ok((listed, Some(stream.cursor(envelope.seq, filter))));
                }
                from = envelope.seq.saturating_add(1);
                looked_at += 1;
                let size = envelope.payload.to_canonical().len();
                if let Some(event) = filter.listed(stream.origin, envelope) {
                    room.take(size);
                    listed.push(event);
                }
            }
            if is_last {
                break;
            }
        }
    }
    Ok((listed, None))
}

/// The streams that a filter lets through, in their order, found as they are needed.
struct Streams<'a> {
    log: &'a dyn Log,
    tenant: &'a TenantId,
    origin: Option<EventOrigin>,
    /// Those that come before all others.
    first: VecDeque<Stream>,
    /// The chains of which each is a stream of the gate.
    gate: Chains,
    /// The chains of clients among them.
    client: Chains,
}

/// The chains of a tenant whose names begin alike, in order.
struct Chains {
    prefix: &'static str,
    /// The name of the last one that was found.
    last: String,
    /// What stands after the prefix in the names of the next ones.
    found: VecDeque<SessionId>,
    has_more: bool,
}

impl<'a> Streams<'a> {
    fn of(log: &'a dyn Log, tenant: &'a TenantId, filter: &Filter, start: Option<&Cursor>) -> Self {
        let begun = start.map(|start| &start.session);
        let last = begun.map_or("", SessionId::as_str);
        let has_more = filter.session.is_none();
        let chains = |prefix: &'static str| Chains {
            prefix,
            last: format!("{prefix}{last}"),
            found: VecDeque::new(),
            has_more,
        };
        let mut streams = Self {
            log,
            tenant,
            origin: filter.origin,
            first: VecDeque::new(),
            gate: chains(""),
            client: chains(FOREIGN_PREFIX),
        };
        if let Some(session) = filter.session.as_ref().or(begun) {
            for origin in [EventOrigin::Gate, EventOrigin::Client] {
                let is_over = start.is_some_and(|start| origin < start.origin);
                streams
                    .first
                    .extend(streams.stream(session, origin).filter(|_| !is_over));
            }
        }
        streams
    }

    /// Returns the next stream.
    fn next(&mut self) -> Result<Option<Stream>, ReadLogError> {
        loop {
            if let Some(stream) = self.first.pop_front() {
                return Ok(Some(stream));
            }
            let gate = self.gate.peek(self.log, self.tenant)?;
            let client = self.client.peek(self.log, self.tenant)?;
            // Where both are of one session, that of the gate comes first.
            let origin = match (&gate, &client) {
                (None, None) => return Ok(None),
                (Some(gate), Some(client)) if client < gate => EventOrigin::Client,
                (None, Some(_)) => EventOrigin::Client,
                (Some(_), _) => EventOrigin::Gate,
            };
            let session = match origin {
                EventOrigin::Gate => {
                    self.gate.found.pop_front();
                    gate
                }
                EventOrigin::Client => {
                    self.client.found.pop_front();
                    client
                }
            };
            let stream = session.and_then(|session| self.stream(&session, origin));
            self.first.extend(stream);
        }
    }

    /// Returns the stream of a session, unless the filter leaves its origin out.
    fn stream(&self, session: &SessionId, origin: EventOrigin) -> Option<Stream> {
        if self.origin.is_some_and(|asked| asked != origin) {
            return None;
        }
        let chain = match origin {
            EventOrigin::Gate => ChainId::Session {
                tenant: self.tenant.clone(),
                session: session.clone(),
            },
            EventOrigin::Client => foreign_chain(self.tenant, session).ok()?,
        };
        Some(Stream {
            session: session.clone(),
            origin,
            chain,
        })
    }
}

impl Chains {
    /// Returns the session of the next chain.
    fn peek(
        &mut self,
        log: &dyn Log,
        tenant: &TenantId,
    ) -> Result<Option<SessionId>, ReadLogError> {
        while self.found.is_empty() && self.has_more {
            let found = log.chains_after(tenant, &self.last, READ_MAX)?;
            self.has_more = found.len() == READ_MAX;
            for summary in found {
                let name = summary.chain.session().map_or("", SessionId::as_str);
                let Some(session) = name.strip_prefix(self.prefix) else {
                    self.has_more = false;
                    break;
                };
                name.clone_into(&mut self.last);
                self.found.extend(session.parse().ok());
            }
        }
        Ok(self.found.front().cloned())
    }
}

impl Stream {
    fn cursor(&self, seq: u64, filter: &Filter) -> Cursor {
        Cursor {
            session: self.session.clone(),
            origin: self.origin,
            seq,
            filter: filter.name(),
        }
    }
}

impl Cursor {
    /// Returns whether it is of a listing by `filter`.
    pub(crate) fn is_of(&self, filter: &Filter) -> bool {
        self.filter == filter.name()
    }

    fn is_in(&self, stream: &Stream) -> bool {
        self.session == stream.session && self.origin == stream.origin
    }
}

/// A cursor is text that stands in an address as it is: the place, then the
/// name of the filter, then the bytes of the session in hexadecimal digits.
impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match self.origin {
            EventOrigin::Gate => 'g',
            EventOrigin::Client => 'c',
        };
        let session = digits_of(self.session.as_str());
        write!(formatter, "{origin}{}.{}.{session}", self.seq, self.filter)
    }
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(NoCursor);
        let (place, filter, name) = (part()?, part()?, part()?);
        let (origin, seq) = match (place.strip_prefix('g'), place.strip_prefix('c')) {
            (Some(seq), _) => (EventOrigin::Gate, seq),
            (None, Some(seq)) => (EventOrigin::Client, seq),
            (None, None) => return Err(NoCursor),
        };
        let session = name_in(name).ok_or(NoCursor)?;
        Ok(Self {
            session: session.parse().map_err(|_| NoCursor)?,
            origin,
            seq: seq.parse().map_err(|_| NoCursor)?,
            filter: filter.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_as_it_is_written_and_nothing_else_does() {
        let filter = Filter::default();
        let cursor = Cursor {
            session: "a/b&c".parse().unwrap(),
            origin: EventOrigin::Client,
            seq: 7,
            filter: filter.name(),
        };
        let text = cursor.to_string();
        assert!(
            text.chars()
                .all(|it| it.is_ascii_alphanumeric() || it == '.')
        );
        assert_eq!(text.parse(), Ok(cursor.clone()));
        assert!(cursor.is_of(&filter));
        for wrong in [
            "", "7", "g7", "g7.x", "x7.x.61", "g.x.61", "g7.x.6", "g7.x.zz", "g7.x.",
        ] {
            assert_eq!(wrong.parse::<Cursor>(), Err(NoCursor), "{wrong}");
        }
    }
}
