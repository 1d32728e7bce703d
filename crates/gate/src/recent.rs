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
use aegis_types::{ActionRequest, ChainId, EventKind, Head};

use crate::siblings::Siblings;

/// How many sessions are remembered.
const SESSIONS_MAX: usize = 256;

/// What is remembered of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Recents {
    sessions: Mutex<Sessions>,
    turns: Mutex<BTreeMap<ChainId, Arc<Turn>>>,
}

/// The right to decide on an action of one session: in this process, one after
/// the other. Two at the same time would move the chain under each other, and
/// the second would be decided again.
#[derive(Debug, Default)]
pub(crate) struct Turn(Mutex<()>);

impl Turn {
    /// Waits until no other action of the session is decided.
    pub(crate) fn take(&self) -> MutexGuard<'_, ()> {
        locked(&self.0)
    }
}

/// The places of the sessions that were used last.
///
/// What is remembered of any other is read from the log again.
#[derive(Debug, Default)]
struct Sessions {
    places: BTreeMap<ChainId, Place>,
    /// How often a place was used.
    uses: u64,
}

#[derive(Debug)]
struct Place {
    recent: Arc<Mutex<Option<Recent>>>,
    /// When it was used last, as a number of uses.
    used: u64,
}

impl Sessions {
    fn find(&mut self, chain: &ChainId) -> Option<Arc<Mutex<Option<Recent>>>> {
        self.uses += 1;
        let place = self.places.get_mut(chain)?;
        place.used = self.uses;
        Some(Arc::clone(&place.recent))
    }

    /// Keeps `recent`, in place of what was not used for the longest time.
    fn keep(&mut self, chain: &ChainId, recent: Recent) {
        if self.places.len() >= SESSIONS_MAX && !self.places.contains_key(chain) {
            let oldest = self.places.iter().min_by_key(|(_, place)| place.used);
            if let Some(oldest) = oldest.map(|(chain, _)| chain.clone()) {
                self.places.remove(&oldest);
            }
        }
        self.uses += 1;
        let place = Place {
            recent: Arc::new(Mutex::new(Some(recent))),
            used: self.uses,
        };
        self.places.insert(chain.clone(), place);
    }
}

/// What is remembered of one session.
#[derive(Debug)]
struct Recent {
    head: Head,
    siblings: Arc<Siblings>,
}

impl Recents {
    /// Returns the place of a chain, if it has one. Only finding it is done
    /// under the lock of all sessions.
    fn place(&self, chain: &ChainId) -> Option<Arc<Mutex<Option<Recent>>>> {
        locked(&self.sessions).find(chain)
    }

    /// Returns the turn of a chain.
    pub(crate) fn turn(&self, chain: &ChainId) -> Arc<Turn> {
        let mut turns = locked(&self.turns);
        if let Some(turn) = turns.get(chain) {
            return Arc::clone(turn);
        }
        if turns.len() >= SESSIONS_MAX {
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(turns.entry(chain.clone()).or_default())
    }

    /// Returns where a chain ended when it was last looked at.
    pub(crate) fn head(&self, chain: &ChainId) -> Option<Head> {
        let place = self.place(chain)?;
        locked(&place).as_ref().map(|recent| recent.head)
    }

    /// Returns what is remembered of a chain that ends at `head`.
    pub(crate) fn at(&self, chain: &ChainId, head: Head) -> Option<Arc<Siblings>> {
        let place = self.place(chain)?;
        let recent = locked(&place);
        let recent = recent.as_ref().filter(|recent| recent.head == head)?;
        Some(Arc::clone(&recent.siblings))
    }

    /// Remembers what was read of a chain after it was found to end at `head`.
    pub(crate) fn keep(&self, chain: &ChainId, head: Head, siblings: Arc<Siblings>) {
        locked(&self.sessions).keep(chain, Recent { head, siblings });
    }

    /// Forgets a chain, because another process moved it.
    pub(crate) fn forget(&self, chain: &ChainId) {
        locked(&self.sessions).places.remove(chain);
    }

    /// Adds what the record of a request says that was appended to a chain.
    pub(crate) fn know(&self, chain: &ChainId, request: &ActionRequest) {
        let Some(place) = self.place(chain) else {
            return;
        };
        if let Some(recent) = &*locked(&place) {
            recent.siblings.know(request);
        }
    }

    /// Adds what was appended, if it follows on from what is remembered.
    pub(crate) fn follow(&self, appended: Appended) {
        let Some(first) = appended.envelopes.first() else {
            return;
        };
        let Some(place) = self.place(&first.chain) else {
            return;
        };
        let mut remembered = locked(&place);
        let Some(recent) = &mut *remembered else {
            return;
        };
        let follows_on = recent.head.next == first.seq && recent.head.hash == first.previous;
        // Where a sub-agent comes in, older records may matter again.
        let has_subagent = appended.envelopes.iter().any(|envelope| {
            matches!(
                envelope.kind,
                EventKind::SubagentStarted | EventKind::SubagentStopped
            )
        });
        if !follows_on || has_subagent {
            *remembered = None;
            return;
        }
        recent.head = appended.head;
        let siblings = Arc::make_mut(&mut recent.siblings);
        for envelope in appended.envelopes {
            siblings.follow(envelope);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
                recents: Recents::default(),
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
                payload: json!({}).into(),
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
    fn the_sessions_that_were_used_last_are_remembered() {
        let recents = Recents::default();
        for number in 0..=SESSIONS_MAX {
            recents.keep(&chain(number), Head::default(), Arc::default());
            assert_eq!(recents.head(&chain(0)), Some(Head::default()), "{number}");
        }
        assert_eq!(recents.head(&chain(1)), None);
        assert_eq!(recents.head(&chain(2)), Some(Head::default()));
        assert_eq!(locked(&recents.sessions).places.len(), SESSIONS_MAX);
    }

    fn chain(number: usize) -> ChainId {
        ChainId::Session {
            tenant: "local".parse().unwrap(),
            session: format!("session-{number}").parse().unwrap(),
        }
    }

    #[test]
    fn one_action_of_a_session_is_decided_at_a_time() {
        let recents = Recents::default();
        let deciding = std::sync::atomic::AtomicUsize::new(0);
        let decide = || {
            let turn = recents.turn(&chain(0));
            let _turn = turn.take();
            let before = deciding.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            std::thread::yield_now();
            deciding.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
            before
        };
        let begun: Vec<usize> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..100).map(|_| decide()).max()))
                .collect();
            let ends = threads.into_iter().map(|thread| thread.join().unwrap());
            ends.flatten().collect()
        });
        assert_eq!(begun, [0; 4]);
    }

    #[test]
    fn other_sessions_do_not_wait_and_a_turn_in_use_is_not_forgotten() {
        let recents = Recents::default();
        let first = recents.turn(&chain(0));
        let _deciding = first.take();
        for number in 1..=2 * SESSIONS_MAX {
            drop(recents.turn(&chain(number)).take());
        }
        assert!(locked(&recents.turns).len() <= SESSIONS_MAX + 1);
        assert!(Arc::ptr_eq(&first, &recents.turn(&chain(0))));
    }

    #[test]
    fn a_sub_agent_makes_older_records_matter_again() {
        let session = Session::new();
        session.append_followed(EventKind::SubagentStarted);
        assert!(!session.is_remembered());
    }
}
