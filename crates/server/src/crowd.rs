//! Telling whoever runs the service that there is no room for more connections.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often it is told at most.
const PERIOD: Duration = Duration::from_secs(60);

/// The connections that were refused, or closed for others.
///
/// Many may be refused in a second, so they are counted and told of together.
#[derive(Debug, Default)]
pub(crate) struct Crowd(Mutex<Refused>);

#[derive(Debug, Default)]
struct Refused {
    /// How many were so since the last line.
    count: u64,
    last: Option<Instant>,
}

impl Crowd {
    /// Counts a connection for which there was no room for `cause`, and tells of
    /// it unless that was done lately.
    pub(crate) fn count(&self, cause: &str) {
        if let Some(line) = self.line(cause, Instant::now()) {
            // Where nobody reads, there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    fn line(&self, cause: &str, now: Instant) -> Option<String> {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refused.count += 1;
        let is_due = |last: Instant| now.saturating_duration_since(last) >= PERIOD;
        if !refused.last.is_none_or(is_due) {
            return None;
        }
        let count = std::mem::take(&mut refused.count);
        refused.last = Some(now);
        let seconds = PERIOD.as_secs();
        Some(format!(
            "warning: connections are refused or closed, {count} so far since this was last said: {cause}; \
             it is said again after {seconds} s at the earliest"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_told_of_at_once_and_then_seldom() {
        let crowd = Crowd::default();
        let start = Instant::now();
        let first = crowd.line("4 are open", start).unwrap();
        assert!(first.contains(", 1 so far") && first.contains(": 4 are open;"));
        for _ in 0..9 {
            assert_eq!(crowd.line("4 are open", start + PERIOD / 2), None);
        }
        let later = crowd.line("4 are open", start + PERIOD).unwrap();
        assert!(later.contains(", 10 so far"), "{later}");
    }
}
