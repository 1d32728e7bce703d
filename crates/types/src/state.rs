//! What the log adds up to, as far as deciding needs it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::id::{AgentId, SessionId, TenantId};
use crate::time::Timestamp;

/// How many calls of one tool are remembered in one scope: the newest ones.
///
/// A rule may not count further than this.
pub const CALLS_KEPT_MAX: usize = 4_096;

/// Whose calls are counted together.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    /// Those of one session.
    Session(SessionId),
    /// Those of one agent, over all its sessions.
    Agent(AgentId),
    /// Those of a tenant.
    Tenant(TenantId),
}

/// What the log adds up to: the memory that checks need.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct State {
    /// When each tool was called, by scope and tool.
    pub calls: BTreeMap<Scope, BTreeMap<Arc<str>, CallTimes>>,
}

/// When a tool was called: the newest [`CALLS_KEPT_MAX`] times, oldest first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CallTimes(VecDeque<Timestamp>);

impl CallTimes {
    /// Remembers a call at `at`, which came after all that are known.
    ///
    /// Where the clock was set back between two calls, the earlier one counts
    /// as one at the time of the later. So a clock that is set back resets no
    /// limit, and one that was ahead for a while leaves none behind for long.
    pub fn push(&mut self, at: Timestamp) {
        for later in self.0.iter_mut().rev().take_while(|known| **known > at) {
            *later = at;
        }
        if self.0.len() == CALLS_KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back(at);
    }

    /// Returns how many calls were made after `since`.
    #[must_use]
    pub fn count(&self, since: Timestamp) -> usize {
        let first = self.0.partition_point(|at| *at <= since);
        self.0.len().saturating_sub(first)
    }

    /// Returns the times, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_unix_ms(milliseconds)
    }

    #[test]
    fn calls_are_counted_in_a_window_open_at_its_beginning() {
        let mut times = CallTimes::default();
        for milliseconds in [10, 30, 20] {
            times.push(at(milliseconds));
        }
        assert_eq!(times.count(at(10)), 2);
        assert_eq!(times.count(at(9)), 3);
        assert_eq!(times.count(at(20)), 0);
    }

    #[test]
    fn a_clock_that_was_ahead_for_a_while_is_forgotten_with_the_next_call() {
        let mut times = CallTimes::default();
        for milliseconds in [10, 9_000_000, 9_000_001, 20] {
            times.push(at(milliseconds));
        }
        assert!(times.iter().eq([10, 20, 20, 20].map(at)));
        assert_eq!(times.count(at(15)), 3);
    }

    #[test]
    fn only_the_newest_calls_are_kept() {
        let mut times = CallTimes::default();
        for milliseconds in 0..=4_096 {
            times.push(at(milliseconds));
        }
        assert_eq!(times.iter().count(), CALLS_KEPT_MAX);
        assert_eq!(times.iter().next(), Some(at(1)));
    }
}
