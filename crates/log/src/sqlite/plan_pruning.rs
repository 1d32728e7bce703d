//! Which sessions may go, and what the record of their pruning must name.

use std::collections::{BTreeMap, BTreeSet};

use aegis_canon::Digest;
use aegis_types::{ChainId, Envelope, EventKind, SessionId, TenantId, Timestamp};
use serde::Deserialize as _;

use super::SqliteLog;
use crate::heads::{HeadsMoved, MovedHead};
use crate::log::{Log as _, Query, ReadLogError};
use crate::prune::{Cut, Cuts, Statement};
use crate::seal::ENTRY_BYTES_MAX;

/// How many records of the chain of heads are read at a time.
const PAGE: usize = 1_024;

/// How many bytes of names one record of pruning holds, beside what it always says.
const NAMES_BYTES_MAX: usize = ENTRY_BYTES_MAX - (16 << 10);

/// What is to go.
#[derive(Clone, Copy)]
pub struct PruneOrder<'a> {
    /// Whose sessions.
    pub tenant: &'a TenantId,
    /// Those in which nothing was recorded at this time or later.
    pub before: Timestamp,
    /// Tells whether a session stays although nothing was recorded in it since.
    pub stays: &'a dyn Fn(&SessionId) -> bool,
}

/// What would go, as the log was when it was looked at.
#[derive(Clone, Debug)]
pub struct PrunePlan {
    pub(super) tenant: TenantId,
    before: Timestamp,
    /// The last record of the chain of heads that was pruned before.
    pub(super) begun: Option<Cut>,
    heads: Cut,
    /// Whether it names all that may go, and not only as many as one record holds.
    is_all: bool,
    pruned: Vec<MovedHead>,
    kept: Vec<MovedHead>,
    documents: BTreeSet<Digest>,
    records: u64,
}

impl PrunePlan {
    /// Returns the sessions that would go.
    pub fn sessions(&self) -> impl Iterator<Item = &SessionId> {
        self.pruned.iter().map(|head| &head.session)
    }

    /// Returns how many records would go, those of the chain of heads included.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// Returns whether there is no more that may go.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        self.is_all
    }

    /// Returns what the record says of it, which goes by order of `by`.
    pub(super) fn statement(self, by: &str) -> Statement {
        Statement {
            before: self.before,
            by: by.to_owned(),
            documents: self.documents.into_iter().collect(),
            heads: self.heads,
            kept: self.kept,
            pruned: self.pruned,
            records: self.records,
        }
    }
}

impl SqliteLog {
    /// Looks for the sessions that `order` lets go; nothing if there is none.
    ///
    /// A plan without sessions is one where those that stay, which are named as
    /// well, fill the record before one that may go is reached.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when the log cannot be read.
    pub fn plan_pruning(&self, order: &PruneOrder<'_>) -> Result<Option<PrunePlan>, ReadLogError> {
        self.plan_within(order, NAMES_BYTES_MAX)
    }

    /// As [`SqliteLog::plan_pruning`], for a record that holds `bytes_max` of names.
    fn plan_within(
        &self,
        order: &PruneOrder<'_>,
        bytes_max: usize,
    ) -> Result<Option<PrunePlan>, ReadLogError> {
        let cut = self.cut_of_heads(order, bytes_max)?;
        let stays = self.sessions_that_say(order.tenant)?;
        let mut plan = PrunePlan {
            tenant: order.tenant.clone(),
            before: order.before,
            begun: cut.begun,
            heads: cut.last,
            is_all: cut.is_all,
            pruned: Vec::new(),
            kept: Vec::new(),
            documents: cut.documents,
            records: cut.records,
        };
        for (session, named) in cut.named {
            let chain = ChainId::Session {
                tenant: order.tenant.clone(),
                session: session.clone(),
            };
            let (seq, hash) = (named.seq, named.hash);
            let is_last = self.head(&chain)?.next == seq.saturating_add(1);
            let goes = is_last && !stays.contains(&session) && !(order.stays)(&session);
            let head = MovedHead { hash, seq, session };
            if goes {
                let first = self.read(&chain, 0, 1)?.into_iter().next();
                let first = first.map_or(0, |first| first.seq);
                plan.records += seq.saturating_add(1).saturating_sub(first);
                plan.pruned.push(head);
            } else {
                plan.kept.push(head);
            }
        }
        if plan.pruned.is_empty() {
            plan.records = 0;
        }
        let is_done = plan.pruned.is_empty() && plan.is_all;
        Ok((!is_done).then_some(plan))
    }

    /// Returns the sessions that say what was pruned.
    fn sessions_that_say(&self, tenant: &TenantId) -> Result<BTreeSet<SessionId>, ReadLogError> {
        let said = self.newest(&Query {
            tenant: Some(tenant),
            kinds: &[EventKind::RecordsPruned],
            limit: usize::MAX,
            ..Query::default()
        })?;
        let sessions = said.iter().filter_map(|envelope| envelope.chain.session());
        Ok(sessions.cloned().collect())
    }

    /// Follows the chain of heads as long as it is older than `order` says, and as
    /// `bytes_max` hold what it names.
    fn cut_of_heads(
        &self,
        order: &PruneOrder<'_>,
        bytes_max: usize,
    ) -> Result<HeadsCut, ReadLogError> {
        let chain = ChainId::Heads {
            tenant: order.tenant.clone(),
        };
        let cuts = Cuts::of(self, order.tenant)?;
        let session = |chain: &ChainId| chain.session().cloned();
        let named = cuts.named.iter();
        let named = named.filter_map(|(chain, named)| Some((session(chain)?, *named)));
        let gone = cuts.bounds(&chain).gone;
        let mut cut = HeadsCut::begin(gone, named.collect(), bytes_max);
        // What is left of heads that went before is no part of this pruning.
        let mut from = gone.map_or(0, |gone| gone.seq.saturating_add(1));
        loop {
            let page = self.read(&chain, from, PAGE)?;
            let Some(last) = page.last() else {
                break;
            };
            from = last.seq.saturating_add(1);
            for envelope in &page {
                if envelope.at >= order.before {
                    return Ok(cut);
                }
                if !cut.take(envelope) {
                    cut.is_all = false;
                    return Ok(cut);
                }
            }
        }
        Ok(cut)
    }
}

/// The beginning of a chain of heads that may go, and what it had named.
struct HeadsCut {
    begun: Option<Cut>,
    last: Cut,
    is_all: bool,
    named: BTreeMap<SessionId, Cut>,
    documents: BTreeSet<Digest>,
    records: u64,
    /// How many bytes of a record of pruning the names take.
    bytes: usize,
    /// How many they may take.
    bytes_max: usize,
}

impl HeadsCut {
    /// Begins where `begun` went before, with the ends of sessions that stayed then.
    fn begin(begun: Option<Cut>, named: BTreeMap<SessionId, Cut>, bytes_max: usize) -> Self {
        Self {
            begun,
            last: Cut {
                hash: Digest::of(b""),
                seq: 0,
            },
            is_all: true,
            bytes: named.keys().map(bytes_of).sum(),
            named,
            documents: BTreeSet::new(),
            records: 0,
            bytes_max,
        }
    }

    /// Takes in the next record, unless one record of pruning cannot hold what it names.
    fn take(&mut self, envelope: &Envelope) -> bool {
        let heads = HeadsMoved::deserialize(&*envelope.payload).unwrap_or_default();
        let sessions = heads.moved.iter().map(|head| &head.session);
        let sessions = sessions.filter(|session| !self.named.contains_key(*session));
        let bytes = sessions.map(bytes_of).sum::<usize>() + heads.documents.len() * DOCUMENT_BYTES;
        if self.bytes + bytes > self.bytes_max {
            return false;
        }
        self.bytes += bytes;
        let moved = heads.moved.iter();
        let moved = moved.map(|head| (head.session.clone(), Cut::from(head)));
        self.named.extend(moved);
        self.documents.extend(heads.documents);
        self.records += 1;
        self.last = Cut {
            hash: envelope.hash,
            seq: envelope.seq,
        };
        true
    }
}

/// How many bytes the digest of a document takes, in quotes and with a comma.
const DOCUMENT_BYTES: usize = 64 + 3;

/// Returns how many bytes the end of `session` takes at most.
fn bytes_of(session: &SessionId) -> usize {
    let frame = r#"{"hash":"","seq":,"session":""},"#.len() + 64 + 20;
    let escapes = session
        .as_str()
        .bytes()
        .filter(|byte| b"\"\\".contains(byte));
    frame + session.as_str().len() + escapes.count()
}

#[cfg(test)]
mod tests {
    use aegis_types::{Entry, Payload};

    use super::super::record_pruning::drafts;
    use super::*;
    use crate::log::Batch;
    use crate::verify::{Evidence, verify};

    fn tenant() -> TenantId {
        "acme".parse().unwrap()
    }

    fn at(unix_ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(unix_ms)
    }

    #[test]
    fn what_one_record_cannot_name_goes_with_the_next_or_is_told() {
        // Enough for twelve of fourteen sessions, each with twenty documents.
        const BYTES_MAX: usize = 18_600;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let log = SqliteLog::open(path, crate::Options::default()).unwrap();
        for part in 0..14 {
            let texts = (0..20).map(|number| format!("{part}-{number}").into_bytes());
            let entry = Entry {
                at: at(10),
                kind: EventKind::PromptSubmitted,
                subject: None,
                payload: serde_json::json!({}).into(),
                sealed: None,
            };
            let batch = Batch {
                chain: ChainId::Session {
                    tenant: tenant(),
                    session: format!("part-{part}").parse().unwrap(),
                },
                expected: None,
                entries: vec![entry],
                documents: texts.map(|text| (Digest::of(&text), text.into())).collect(),
            };
            log.append(batch).unwrap();
        }
        let plan = |stays: &dyn Fn(&SessionId) -> bool| {
            let order = PruneOrder {
                tenant: &tenant(),
                before: at(50),
                stays,
            };
            log.plan_within(&order, BYTES_MAX).unwrap()
        };
        // Where the record is full before one may go, it is not said that there is none.
        let full = plan(&|session| session.as_str() != "part-13").unwrap();
        assert!(full.sessions().next().is_none() && !full.is_all());
        let mut rounds = Vec::new();
        while let Some(plan) = plan(&|_| false) {
            rounds.push(plan.sessions().count());
            log.record_pruning(plan, "ada", at(200)).unwrap();
        }
        assert_eq!(rounds, [12, 2]);
        log.sweep(&mut |_| {}).unwrap();
        assert_eq!(verify(&log, &Evidence::NONE).unwrap().faults, []);
    }

    #[test]
    fn a_record_that_names_all_that_it_can_is_one_that_the_log_takes() {
        let mut cut = HeadsCut::begin(None, BTreeMap::new(), NAMES_BYTES_MAX);
        let chain = ChainId::Heads { tenant: tenant() };
        let hash = Digest::of(b"");
        // Names and numbers as long as they get, and what must be escaped.
        let quotes = "\"".repeat(250);
        for seq in 0.. {
            let heads = HeadsMoved {
                documents: vec![Digest::of(&u64::to_be_bytes(seq))],
                moved: vec![MovedHead {
                    hash,
                    seq: u64::MAX >> 11,
                    session: format!("{seq:05}{quotes}").parse().unwrap(),
                }],
            };
            let envelope = Envelope {
                chain: chain.clone(),
                seq,
                at: at(10),
                kind: EventKind::HeadsMoved,
                subject: None,
                payload: Payload::of(&heads).unwrap(),
                sealed: None,
                previous: None,
                hash,
            };
            if !cut.take(&envelope) {
                break;
            }
        }
        let ends = cut.named.into_iter();
        let ends = ends.map(|(session, Cut { hash, seq })| MovedHead { hash, seq, session });
        let statement = Statement {
            before: at(i64::MIN),
            by: "b".repeat(256),
            documents: cut.documents.into_iter().collect(),
            heads: cut.last,
            kept: Vec::new(),
            pruned: ends.collect(),
            records: cut.records,
        };
        let written = Payload::of(&statement).unwrap().to_canonical().len();
        assert!(written > NAMES_BYTES_MAX - (64 << 10), "{written}");
        assert!(drafts(&tenant(), &statement, at(200)).is_ok());
    }
}
