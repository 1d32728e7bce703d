//! Committing together the batches of all threads that wait.
//!
//! There is no writer thread. Whoever finds nobody writing leads: it commits
//! all that wait and tells each what became of its batch. It goes on with those
//! who came meanwhile, because waking another leader takes longer than many a
//! commit; after a few commits it hands the lead to one of those who wait, so
//! that its own answer is not late.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::fault::Fault;
use crate::commit::Sealing;
use crate::log::{AppendError, Appended};
use crate::seal::Drafts;

/// How many batches go into one commit at most.
const GROUP_MAX: usize = 512;

/// How many commits one thread leads in a row at most.
const LEADS_MAX: usize = 8;

/// Those who wait for a commit.
#[derive(Debug, Default)]
pub(super) struct Group(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    has_leader: bool,
    waiting: Vec<(Drafts, Arc<Seat>)>,
}

/// Where a thread waits for its turn or its answer.
#[derive(Debug, Default)]
struct Seat {
    turn: Mutex<Turn>,
    changed: Condvar,
}

#[derive(Debug, Default)]
enum Turn {
    #[default]
    Waits,
    Leads,
    Answered(Sealing),
}

impl Group {
    /// Has `drafts` committed, by this thread or by another one.
    ///
    /// `commit` commits several batches at once.
    pub(super) fn append(
        &self,
        drafts: Drafts,
        commit: impl Fn(Vec<Drafts>) -> Result<Vec<Sealing>, Fault>,
    ) -> Result<Appended, AppendError> {
        let seat = Arc::new(Seat::default());
        let leads = {
            let mut queue = self.queue();
            queue.waiting.push((drafts, Arc::clone(&seat)));
            !mem::replace(&mut queue.has_leader, true)
        };
        if !leads && let Some(sealing) = seat.wait() {
            return sealing;
        }
        let mut own = None;
        for _ in 0..LEADS_MAX {
            own = self.lead(&seat, &commit).or(own);
            if self.is_idle() {
                break;
            }
        }
        self.hand_over();
        // INVARIANT: a leader's own batch is the oldest that waits, so it is
        // among those of its first commit, and every batch taken has an answer.
        own.unwrap_or(Err(AppendError::BatchSize { entries: 0 }))
    }

    /// Commits all that wait, and returns what became of the batch that waited
    /// in `own`, if it was one of them.
    fn lead(
        &self,
        own: &Arc<Seat>,
        commit: &impl Fn(Vec<Drafts>) -> Result<Vec<Sealing>, Fault>,
    ) -> Option<Sealing> {
        let (drafts, seats): (Vec<_>, Vec<_>) = self.take().into_iter().unzip();
        let sealings = match commit(drafts) {
            Ok(sealings) => sealings,
            Err(fault) => {
                let fail = |_| Err(AppendError::from(fault.clone()));
                (0..seats.len()).map(fail).collect()
            }
        };
        answer(seats.into_iter().zip(sealings), own)
    }

    /// Returns whether nobody waits.
    fn is_idle(&self) -> bool {
        self.queue().waiting.is_empty()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes those who wait, oldest first.
    fn take(&self) -> Vec<(Drafts, Arc<Seat>)> {
        let mut queue = self.queue();
        let taken = queue.waiting.len().min(GROUP_MAX);
        let rest = queue.waiting.split_off(taken);
        mem::replace(&mut queue.waiting, rest)
    }

    /// Lets the oldest of those who wait lead, if there is one.
    fn hand_over(&self) {
        let mut queue = self.queue();
        match queue.waiting.first() {
            Some((_, next)) => next.give(Turn::Leads),
            None => queue.has_leader = false,
        }
    }
}

/// Tells each what became of its batch, and returns what became of the one
/// that waited in `own`.
fn answer(
    sealings: impl Iterator<Item = (Arc<Seat>, Sealing)>,
    own: &Arc<Seat>,
) -> Option<Sealing> {
    let mut mine = None;
    for (seat, sealing) in sealings {
        if Arc::ptr_eq(&seat, own) {
            mine = Some(sealing);
        } else {
            seat.give(Turn::Answered(sealing));
        }
    }
    mine
}

impl Seat {
    fn give(&self, turn: Turn) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn;
        self.changed.notify_one();
    }

    /// Waits for the answer; none means that this thread has to lead.
    fn wait(&self) -> Option<Sealing> {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match mem::take(&mut *turn) {
                Turn::Waits => {
                    turn = self
                        .changed
                        .wait(turn)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                Turn::Leads => return None,
                Turn::Answered(sealing) => return Some(sealing),
            }
        }
    }
}
