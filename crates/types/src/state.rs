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
    /// Remembers a call at `at`.
    pub fn push(&mut self, at: Timestamp) {
        if self.0.len() == CALLS_KEPT_MAX {
            self.0.pop_front();
        }
        let place = self.0.partition_point(|earlier| *earlier <= at);
        self.0.insert(place, at);
    }

    /// Returns how many calls were made after `since`, and not after `until`.
    #[must_use]
    pub fn count(&self, since: Timestamp, until: Timestamp) -> usize {
        let first = self.0.partition_point(|at| *at <= since);
        let last = self.0.partition_point(|at| *at <= until);
        last.saturating_sub(first)
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
        assert_eq!(times.count(at(10), at(30)), 2);
        assert_eq!(times.count(at(9), at(30)), 3);
        assert_eq!(times.count(at(30), at(100)), 0);
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
