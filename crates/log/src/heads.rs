//! What the chain of heads says: the payload of a `HEADS_MOVED` record.

use std::collections::BTreeMap;

use aegis_canon::Digest;
use aegis_types::{ChainId, Entry, EventKind, Head, Payload, SessionId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::seal::{Draft, InvalidEntry};

/// What one commit did for one tenant.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Moves {
    /// Where each session that was appended to ends.
    pub(crate) sessions: BTreeMap<SessionId, Head>,
    /// The documents first stored.
    pub(crate) documents: Vec<Digest>,
    /// The latest time in the commit.
    pub(crate) at: Option<Timestamp>,
}

/// One chain named in a `HEADS_MOVED` record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MovedHead {
    pub(crate) hash: Digest,
    pub(crate) seq: u64,
    pub(crate) session: SessionId,
}

/// The payload of a `HEADS_MOVED` record.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeadsMoved {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) documents: Vec<Digest>,
    pub(crate) moved: Vec<MovedHead>,
}

impl Moves {
    /// Notes that `chain` ends at `head`, and that its latest record is of `at`.
    pub(crate) fn note(&mut self, chain: &ChainId, head: Head, at: Option<Timestamp>) {
        if let Some(session) = chain.session() {
            self.sessions.insert(session.clone(), head);
        }
        self.at = self.at.max(at);
    }

    /// Returns the record of the moves, if there are any.
    pub(crate) fn draft(self, tenant: &TenantId) -> Option<Result<Draft, InvalidEntry>> {
        if self.sessions.is_empty() && self.documents.is_empty() {
            return None;
        }
        let at = self.at?;
        let moved = self.sessions.into_iter().filter_map(|(session, head)| {
            Some(MovedHead {
                hash: head.hash?,
                seq: head.next.checked_sub(1)?,
                session,
            })
        });
        let heads = HeadsMoved {
            documents: self.documents,
            moved: moved.collect(),
        };
        let payload = Payload::of(&heads).ok()?;
        let chain = ChainId::Heads {
            tenant: tenant.clone(),
        };
        Some(Draft::of(
            &chain,
            Entry {
                at,
                kind: EventKind::HeadsMoved,
                subject: None,
                payload,
                sealed: None,
            },
        ))
    }
}
