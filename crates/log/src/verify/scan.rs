//! Recomputing at speed, as long as everything agrees.
//!
//! A record's bytes around its payload follow from its columns and from the
//! record before, so they are made again and compared, and need no parser.
//! What does not agree is not looked into here: the diagnosis does that.

use aegis_canon::Digest;
use aegis_types::{ChainId, EventKind, Head, SealedPayload, TenantId};
use rusqlite::{Connection, Row};

use super::diagnosis::is_canonical;
use crate::prune::Bounds;
use crate::seal::{Tail, write_hex, write_integer, write_start, write_text};
use crate::sqlite::digest_at;
use crate::stored::read_envelope;

/// A chain by its number in the file.
pub(super) struct Named {
    pub(super) id: i64,
    pub(super) chain: ChainId,
    /// What is known of it where its beginning was pruned.
    pub(super) bounds: Bounds,
}

impl Named {
    /// Returns what is known of the chain before its first record.
    pub(super) fn start(&self) -> Traced {
        let head = self.bounds.gone.map_or_else(Head::default, |gone| Head {
            next: gone.seq.saturating_add(1),
            hash: Some(gone.hash),
        });
        Traced {
            head,
            ..Traced::default()
        }
    }
}

/// The records of a scan, as numbers in the file: after the first, up to the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) after: i64,
    pub(super) to: i64,
}

/// What is known of a chain after a part of the records.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traced {
    /// The place and the previous hash of its first record in the part.
    pub(super) first: Option<(u64, Option<Digest>)>,
    pub(super) head: Head,
    pub(super) records: u64,
}

/// What a part of the records came to.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Whether everything agreed. If not, the rest is of no use.
    pub(super) agrees: bool,
    pub(super) records: u64,
    /// Each chain, in the order of those given.
    pub(super) chains: Vec<Traced>,
    pub(super) slots: Vec<(i64, SealedPayload)>,
    pub(super) documents: Vec<Digest>,
}

/// Scans the records of `span`, which begins and ends between commits.
pub(super) fn scan(
    connection: &Connection,
    chains: &[Named],
    span: Span,
    canonical: bool,
) -> Result<Part, rusqlite::Error> {
    let select = "SELECT id, chain, seq, at, kind, subject, hash, bytes FROM records
                  WHERE id > ?1 AND id <= ?2 ORDER BY id";
    let mut statement = connection.prepare(select)?;
    let mut rows = statement.query([span.after, span.to])?;
    let mut scan = Scan {
        chains,
        is_first: span.after == 0,
        canonical,
        part: Part {
            agrees: true,
            chains: chains.iter().map(Named::start).collect(),
            ..Part::default()
        },
        moved: Vec::new(),
        expected: Vec::with_capacity(1_024),
        tail: None,
    };
    while let Some(row) = rows.next()? {
        if !scan.agrees(row)? {
            scan.part.agrees = false;
            break;
        }
        scan.part.records += 1;
    }
    scan.part.agrees &= scan.moved.is_empty();
    Ok(scan.part)
}

struct Scan<'a> {
    chains: &'a [Named],
    /// Whether it begins with the first record, before which there is nothing.
    is_first: bool,
    canonical: bool,
    part: Part,
    /// The places of the sessions appended to since the heads were named.
    moved: Vec<usize>,
    /// What is expected to stand in the record; kept to save allocations.
    expected: Vec<u8>,
    /// How many bytes of the record follow its payload, if that is known.
    tail: Option<usize>,
}

impl Scan<'_> {
    fn agrees(&mut self, row: &Row<'_>) -> Result<bool, rusqlite::Error> {
        let Some(place) = self.place(row.get(1)?) else {
            return Ok(false);
        };
        let (Some(named), Some(traced)) = (self.chains.get(place), self.part.chains.get(place))
        else {
            return Ok(false);
        };
        let mut traced = *traced;
        let chain = &named.chain;
        let seq = row.get::<_, i64>(2)?.cast_unsigned();
        let hash = digest_at(row, 6)?;
        let bytes = row.get_ref(7)?.as_blob()?;
        let Some(kind) = EventKind::from_wire(row.get_ref(4)?.as_str()?) else {
            return Ok(false);
        };
        let bounds = named.bounds;
        let is_known = traced.first.is_some() || self.is_first && !bounds.lacks(seq);
        if Digest::of(bytes) != hash
            || is_known && seq != traced.head.next
            || bounds.hash_of(seq).is_some_and(|known| known != hash)
        {
            return Ok(false);
        }
        self.expected.clear();
        write_start(chain, kind, &mut self.expected);
        let start = self.expected.len();
        Tail {
            chain,
            seq,
            at: row.get(3)?,
            subject: row.get_ref(5)?.as_str_or_null()?,
            sealed: None,
            previous: traced.head.hash.as_ref(),
        }
        .write(&mut self.expected);
        let (start, tail) = self.expected.split_at(start);
        let payload = bytes
            .strip_prefix(start)
            .and_then(|rest| rest.strip_suffix(tail));
        // Only behind a previous hash does a sealed payload not look like a part
        // of the payload itself.
        let payload = payload.filter(|_| is_known && traced.head.hash.is_some());
        self.tail = payload.map(|_| tail.len());
        let mut previous = traced.head.hash;
        match payload {
            None => {
                // A sealed payload, or the first record of a chain, or of this part.
                let Some(found) = self.reads_as(row, chain, seq, kind, bytes)? else {
                    return Ok(false);
                };
                if is_known && found != previous {
                    return Ok(false);
                }
                previous = found;
            }
            Some(payload) if self.canonical && !is_canonical(payload) => return Ok(false),
            Some(_) => {}
        }
        traced.first = traced.first.or(Some((seq, previous)));
        traced.head = Head {
            next: seq.saturating_add(1),
            hash: Some(hash),
        };
        traced.records += 1;
        if let Some(kept) = self.part.chains.get_mut(place) {
            *kept = traced;
        }
        // Heads that are gone had named it, or it names what may be gone.
        Ok(bounds.vouch_for(seq) || self.follows_heads(place, kind, bytes))
    }

    /// Returns the place of the chain with number `id`.
    fn place(&self, id: i64) -> Option<usize> {
        // Chains are numbered from one without gaps, unless somebody meddled.
        let guess = usize::try_from(id).ok()?.checked_sub(1)?;
        match self.chains.get(guess) {
            Some(named) if named.id == id => Some(guess),
            Some(_) | None => self.chains.binary_search_by_key(&id, |named| named.id).ok(),
        }
    }

    /// Reads a record in full, and returns its previous hash if all agrees.
    fn reads_as(
        &mut self,
        row: &Row<'_>,
        chain: &ChainId,
        seq: u64,
        kind: EventKind,
        bytes: &[u8],
    ) -> Result<Option<Option<Digest>>, rusqlite::Error> {
        let Ok(envelope) = read_envelope(bytes, digest_at(row, 6)?) else {
            return Ok(None);
        };
        let agrees = envelope.chain == *chain
            && envelope.seq == seq
            && envelope.kind == kind
            && envelope.at.unix_ms() == row.get::<_, i64>(3)?
            && envelope.subject.as_deref() == row.get_ref(5)?.as_str_or_null()?
            && envelope.bytes() == bytes;
        if let Some(sealed) = envelope.sealed {
            self.part.slots.push((row.get(0)?, sealed));
        }
        Ok(agrees.then_some(envelope.previous))
    }

    /// Notes that a session moved, or checks a record that names those that did.
    fn follows_heads(&mut self, place: usize, kind: EventKind, bytes: &[u8]) -> bool {
        let Some(named) = self.chains.get(place) else {
            return false;
        };
        match (&named.chain, kind) {
            (ChainId::Session { .. }, _) => {
                if !self.moved.contains(&place) {
                    self.moved.push(place);
                }
                true
            }
            (ChainId::Heads { .. }, EventKind::CheckpointCreated) => true,
            (ChainId::Heads { tenant }, EventKind::HeadsMoved) => self.names_moves(tenant, bytes),
            (ChainId::Heads { .. }, _) => false,
        }
    }

    /// Checks that the record `bytes` names exactly what moved.
    fn names_moves(&mut self, tenant: &TenantId, bytes: &[u8]) -> bool {
        let chains = self.chains;
        let session = |place: &usize| chains.get(*place).and_then(|named| named.chain.session());
        let is_of_tenant = |place: &mut usize| {
            chains
                .get(*place)
                .is_some_and(|named| named.chain.tenant() == tenant)
        };
        let mut moved: Vec<usize> = self.moved.extract_if(.., is_of_tenant).collect();
        moved.sort_by_key(session);
        self.expected.clear();
        self.expected.extend_from_slice(b"\"moved\":[");
        for (count, place) in moved.iter().enumerate() {
            let head = self.part.chains.get(*place).map(|traced| traced.head);
            let (Some(session), Some(head)) = (session(place), head) else {
                return false;
            };
            if count > 0 {
                self.expected.push(b',');
            }
            self.expected.extend_from_slice(b"{\"hash\":\"");
            if let Some(hash) = &head.hash {
                write_hex(hash, &mut self.expected);
            }
            self.expected.extend_from_slice(b"\",\"seq\":");
            write_integer(head.next.saturating_sub(1), &mut self.expected);
            self.expected.extend_from_slice(b",\"session\":");
            write_text(session.as_str(), &mut self.expected);
            self.expected.push(b'}');
        }
        self.expected.extend_from_slice(b"]}");
        self.has_payload(bytes)
    }

    /// Checks that the payload is what is expected, after any documents.
    fn has_payload(&mut self, bytes: &[u8]) -> bool {
        let start = b"{\"chain\":\"heads\",\"event_type\":\"HEADS_MOVED\",\"payload\":{";
        let Some(mut rest) = bytes.strip_prefix(start) else {
            return false;
        };
        if let Some(listed) = rest.strip_prefix(b"\"documents\":[") {
            let Some((documents, after)) = read_digests(listed) else {
                return false;
            };
            self.part.documents.extend(documents);
            rest = after;
        }
        let after = rest.strip_prefix(self.expected.as_slice());
        after.is_some_and(|after| self.tail.is_none_or(|tail| after.len() == tail))
    }
}

/// Reads digests up to the end of their list, and returns what follows it.
fn read_digests(mut rest: &[u8]) -> Option<(Vec<Digest>, &[u8])> {
    let mut digests = Vec::new();
    loop {
        let (text, after) = rest.strip_prefix(b"\"")?.split_at_checked(64)?;
        digests.push(std::str::from_utf8(text).ok()?.parse().ok()?);
        let after = after.strip_prefix(b"\"")?;
        match after.strip_prefix(b",") {
            Some(more) => rest = more,
            None => return Some((digests, after.strip_prefix(b"],")?)),
        }
    }
}
