//! What a gate remembers of the sessions that it records.
//!
//! A gate that lives long would read the same records again for each request.
//! The head of a chain names everything in it, so what was read at a head
//! holds as long as the chain ends there, and what the gate itself appends is
//! added. Whatever does not follow on from what is known is forgotten. Where
//! another process moved a chain unseen, the append says so, because it names
//! the head that is remembered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aegis_log::Appended;
use aegis_types::{ChainId, EventKind, Head};

use crate::siblings::Siblings;

/// How many sessions are remembered.
const SESSIONS_MAX: usize = 1_024;

/// What is remembered of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Recents(Mutex<BTreeMap<ChainId, (Head, Arc<Siblings>)>>);

impl Recents {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<ChainId, (Head, Arc<Siblings>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where a chain ended when it was last looked at.
    pub(crate) fn head(&self, chain: &ChainId) -> Option<Head> {
        self.sessions().get(chain).map(|(head, _)| *head)
    }

    /// Returns what is remembered of a chain that ends at `head`.
    pub(crate) fn at(&self, chain: &ChainId, head: Head) -> Option<Arc<Siblings>> {
        let sessions = self.sessions();
        let (known, siblings) = sessions.get(chain)?;
        (*known == head).then(|| Arc::clone(siblings))
    }

    /// Remembers what was read of a chain after it was found to end at `head`.
    pub(crate) fn keep(&self, chain: &ChainId, head: Head, siblings: Arc<Siblings>) {
        let mut sessions = self.sessions();
        if sessions.len() >= SESSIONS_MAX && !sessions.contains_key(chain) {
            sessions.clear();
        }
        sessions.insert(chain.clone(), (head, siblings));
    }

    /// Forgets a chain, because another process moved it.
    pub(crate) fn forget(&self, chain: &ChainId) {
        self.sessions().remove(chain);
    }

    /// Adds what was appended, if it follows on from what is remembered.
    pub(crate) fn follow(&self, appended: Appended) {
        let Some(first) = appended.envelopes.first() else {
            return;
        };
        let chain = first.chain.clone();
        let mut sessions = self.sessions();
        let Some((head, siblings)) = sessions.get_mut(&chain) else {
            return;
        };
        let follows_on = head.next == first.seq && head.hash == first.previous;
        // Where a sub-agent comes in, older records may matter again.
        let has_subagent = appended.envelopes.iter().any(|envelope| {
            matches!(
                envelope.kind,
                EventKind::SubagentStarted | EventKind::SubagentStopped
            )
        });
        if !follows_on || has_subagent {
            sessions.remove(&chain);
            return;
        }
        *head = appended.head;
        let siblings = Arc::make_mut(siblings);
        for envelope in appended.envelopes {
            siblings.follow(envelope);
        }
    }
}

#[cfg(test)]
mod tests {
    use aegis_log::{Batch, Log as _, MemoryLog};
    use aegis_types::{Entry, Timestamp};
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
            session.append(EventKind::SessionStarted);
            let head = session.log.head(&session.chain).unwrap();
            session
                .recents
                .keep(&session.chain, head, Arc::new(Siblings::default()));
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

        fn append_followed(&self, kind: EventKind) {
            self.recents.follow(self.append(kind));
        }

        /// Returns whether the session is remembered as it stands.
        fn is_remembered(&self) -> bool {
            let head = self.log.head(&self.chain).unwrap();
            self.recents.at(&self.chain, head).is_some()
        }
    }

    #[test]
    fn what_the_gate_appends_itself_is_followed() {
        let session = Session::new();
        session.append_followed(EventKind::ActionRequested);
        assert!(session.is_remembered());
    }

    #[test]
    fn what_another_one_appends_makes_all_of_it_forgotten() {
        let session = Session::new();
        session.append(EventKind::OutcomeRecorded);
        assert!(!session.is_remembered());
        session.append_followed(EventKind::ActionRequested);
        assert!(!session.is_remembered());
        assert_eq!(session.recents.head(&session.chain), None);
    }

    #[test]
    fn a_sub_agent_makes_older_records_matter_again() {
        let session = Session::new();
        session.append_followed(EventKind::SubagentStarted);
        assert!(!session.is_remembered());
    }
}
