//! The newest records of sessions, remembered while nobody else adds to them.
//!
//! A gate that lives long would read the same records again for each request.
//! The head of a chain names everything in it, so what was read at a head
//! holds as long as the chain ends there, and what the gate itself appends is
//! added. Whatever does not follow on from what is known is forgotten.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aegis_log::Appended;
use aegis_types::{ChainId, Envelope, EventKind, Head, Timestamp};

/// How many sessions are remembered.
const SESSIONS_MAX: usize = 256;

/// How many records of one session are remembered.
const RECORDS_MAX: usize = 64;

/// What is remembered of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Recents(Mutex<BTreeMap<ChainId, (Head, Recent)>>);

/// The newest records of one session, as far back as they matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent {
    /// When a sub-agent last began or ended, if one did lately.
    pub(crate) subagent_at: Option<Timestamp>,
    /// Records of the kinds that matter, newest first.
    pub(crate) records: VecDeque<Arc<Envelope>>,
}

impl Recents {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<ChainId, (Head, Recent)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is remembered of a chain that ends at `head`.
    pub(crate) fn at(&self, chain: &ChainId, head: Head) -> Option<Recent> {
        let sessions = self.sessions();
        let (known, recent) = sessions.get(chain)?;
        (*known == head).then(|| recent.clone())
    }

    /// Remembers what was read of a chain after it was found to end at `head`.
    pub(crate) fn keep(&self, chain: &ChainId, head: Head, recent: Recent) {
        let mut sessions = self.sessions();
        if recent.records.len() > RECORDS_MAX {
            sessions.remove(chain);
            return;
        }
        if sessions.len() >= SESSIONS_MAX && !sessions.contains_key(chain) {
            sessions.clear();
        }
        sessions.insert(chain.clone(), (head, recent));
    }

    /// Adds what was appended, if it follows on from what is remembered.
    ///
    /// `matters` tells the kinds that are remembered, and `ends_all` those
    /// before which nothing is pending, also by whether sub-agents work in the
    /// session.
    pub(crate) fn note(
        &self,
        appended: &Appended,
        matters: impl Fn(EventKind) -> bool,
        ends_all: impl Fn(EventKind, bool) -> bool,
    ) {
        let Some(first) = appended.envelopes.first() else {
            return;
        };
        let mut sessions = self.sessions();
        let Some((head, recent)) = sessions.get_mut(&first.chain) else {
            return;
        };
        let follows_on = head.next == first.seq && head.hash == first.previous;
        let is_subagent = |envelope: &Envelope| {
            matches!(
                envelope.kind,
                EventKind::SubagentStarted | EventKind::SubagentStopped
            )
        };
        // Where a sub-agent comes in, older records may matter again.
        if !follows_on || appended.envelopes.iter().any(is_subagent) {
            sessions.remove(&first.chain);
            return;
        }
        *head = appended.head;
        for envelope in &appended.envelopes {
            if ends_all(envelope.kind, recent.subagent_at.is_some()) {
                recent.records.clear();
            }
            if matters(envelope.kind) {
                recent.records.push_front(Arc::new(envelope.clone()));
            }
        }
        if recent.records.len() > RECORDS_MAX {
            sessions.remove(&first.chain);
        }
    }
}

#[cfg(test)]
mod tests {
    use aegis_log::{Batch, Log as _, MemoryLog};
    use aegis_types::Entry;
    use serde_json::json;

    use super::*;

    struct Session {
        log: MemoryLog,
        chain: ChainId,
        recents: Recents,
    }

    impl Session {
        /// Returns a session of one record that is remembered.
        fn new() -> Self {
            let session = Self {
                log: MemoryLog::new(),
                chain: ChainId::Session {
                    tenant: "local".parse().unwrap(),
                    session: "session".parse().unwrap(),
                },
                recents: Recents::new(),
            };
            session.append(EventKind::ActionRequested);
            let head = session.log.head(&session.chain).unwrap();
            let records = session.log.read(&session.chain, 0, 9).unwrap();
            let recent = Recent {
                subagent_at: None,
                records: records.into_iter().map(Arc::new).collect(),
            };
            session.recents.keep(&session.chain, head, recent);
            session
        }

        fn append(&self, kind: EventKind) -> Appended {
            let entry = Entry {
                at: Timestamp::from_unix_ms(1_000),
                kind,
                subject: None,
                payload: json!({}),
                sealed: None,
            };
            let batch = Batch {
                chain: self.chain.clone(),
                expected: None,
                entries: vec![entry],
                documents: Vec::new(),
            };
            self.log.append(batch).unwrap()
        }

        fn append_noted(&self, kind: EventKind) {
            let appended = self.append(kind);
            self.recents.note(
                &appended,
                |kind| kind != EventKind::ErrorRaised,
                |kind, is_shared| kind == EventKind::BatchCompleted && !is_shared,
            );
        }

        /// Returns how many records are remembered at the present head.
        fn remembered(&self) -> Option<usize> {
            let head = self.log.head(&self.chain).unwrap();
            let recent = self.recents.at(&self.chain, head)?;
            Some(recent.records.len())
        }
    }

    #[test]
    fn what_the_gate_appends_itself_is_added() {
        let session = Session::new();
        session.append_noted(EventKind::DecisionMade);
        session.append_noted(EventKind::ErrorRaised);
        assert_eq!(session.remembered(), Some(2));
    }

    #[test]
    fn what_another_one_appends_makes_all_of_it_forgotten() {
        let session = Session::new();
        session.append(EventKind::OutcomeRecorded);
        assert_eq!(session.remembered(), None);
        session.append_noted(EventKind::ActionRequested);
        assert_eq!(session.remembered(), None);
    }

    #[test]
    fn nothing_is_kept_from_before_what_ends_all() {
        let session = Session::new();
        session.append_noted(EventKind::BatchCompleted);
        assert_eq!(session.remembered(), Some(1));
    }

    #[test]
    fn a_sub_agent_makes_older_records_matter_again() {
        let session = Session::new();
        session.append_noted(EventKind::SubagentStarted);
        assert_eq!(session.remembered(), None);
    }

    #[test]
    fn a_session_with_too_many_records_is_read_again() {
        let session = Session::new();
        for _ in 1..RECORDS_MAX {
            session.append_noted(EventKind::ActionRequested);
        }
        assert_eq!(session.remembered(), Some(RECORDS_MAX));
        session.append_noted(EventKind::ActionRequested);
        assert_eq!(session.remembered(), None);
    }
}
