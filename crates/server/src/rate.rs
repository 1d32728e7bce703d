//! How often one caller may ask.
//!
//! The generic cell rate algorithm: for each caller stands the moment at which
//! all that it asked would have been asked at the pace that is allowed. It may
//! run ahead of that by one minute.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How far a caller may run ahead.
const AHEAD: Duration = Duration::from_secs(60);

/// How many callers are remembered before those are forgotten that are not ahead.
const CALLERS_MAX: usize = 4_096;

/// How often one caller may ask.
#[derive(Debug)]
pub(crate) struct Rate {
    interval: Option<Duration>,
    paid: Mutex<BTreeMap<String, Instant>>,
}

impl Rate {
    /// Returns a rate of so many requests in a minute, or no bound.
    pub(crate) fn new(per_minute: Option<NonZeroU32>) -> Self {
        Self {
            interval: per_minute.map(|count| AHEAD / count.get()),
            paid: Mutex::default(),
        }
    }

    /// Counts a request of `caller` at `now`, or returns how long it must wait.
    pub(crate) fn admit(&self, caller: &str, now: Instant) -> Result<(), Duration> {
        let Some(interval) = self.interval else {
            return Ok(());
        };
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        if paid.len() >= CALLERS_MAX && !paid.contains_key(caller) {
            paid.retain(|_, until| *until > now);
        }
        let until = paid.get(caller).copied().unwrap_or(now).max(now) + interval;
        match until.checked_duration_since(now + AHEAD) {
            Some(wait) if !wait.is_zero() => Err(wait),
            Some(_) | None => {
                paid.insert(caller.to_owned(), until);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_that_asks_too_often_waits_and_others_do_not() {
        let rate = Rate::new(NonZeroU32::new(3));
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(rate.admit("a", start), Ok(()));
        }
        assert_eq!(rate.admit("a", start), Err(Duration::from_secs(20)));
        assert_eq!(rate.admit("b", start), Ok(()));
        let later = start + Duration::from_secs(20);
        assert_eq!(rate.admit("a", later), Ok(()));
        assert!(rate.admit("a", later).is_err());
    }

    #[test]
    fn callers_that_are_not_ahead_are_forgotten() {
        let rate = Rate::new(NonZeroU32::new(60));
        let start = Instant::now();
        for number in 0..3 * CALLERS_MAX {
            let now = start + Duration::from_secs(number as u64);
            assert_eq!(rate.admit(&number.to_string(), now), Ok(()));
        }
        assert!(rate.paid.lock().unwrap().len() <= CALLERS_MAX);
    }
}
