//! Waiting for other writers, for so long and no longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The shortest pause between two tries, in microseconds.
const PAUSE_MIN_US: u64 = 40;

/// The longest pause between two tries, in microseconds.
const PAUSE_MAX_US: u64 = 2_000;

/// How long one operation may wait in all.
///
/// SQLite asks [`Patience::goes_on`] whenever it finds the file locked. A
/// writer holds the lock for some hundred microseconds, so pauses begin short;
/// they differ from one process to the next, so that nobody always loses.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    origin: Instant,
    span: Duration,
    /// When it ends, in microseconds since `origin`.
    until_us: Arc<AtomicU64>,
    /// The state of a small generator of uneven pauses.
    unevenness: Arc<AtomicU64>,
}

impl Patience {
    pub(super) fn new(span: Duration) -> Self {
        let origin = Instant::now();
        // Addresses and process numbers differ enough; nothing secret hangs on it.
        let seed = Arc::new(AtomicU64::new(0));
        let place = Arc::as_ptr(&seed).addr() as u64;
        seed.store(
            place ^ (u64::from(std::process::id()) << 32) | 1,
            Ordering::Relaxed,
        );
        let patience = Self {
            origin,
            span,
            until_us: Arc::new(AtomicU64::new(0)),
            unevenness: seed,
        };
        patience.begin();
        patience
    }

    /// Begins the waiting time of an operation.
    pub(super) fn begin(&self) {
        let until = self.origin.elapsed().saturating_add(self.span);
        self.until_us.store(micros(until), Ordering::Relaxed);
    }

    /// Ends the waiting time at once.
    pub(super) fn end(&self) {
        self.until_us.store(0, Ordering::Relaxed);
    }

    /// Returns the whole waiting time in milliseconds.
    pub(super) fn span_ms(&self) -> u64 {
        micros(self.span) / 1_000
    }

    /// Pauses and returns true, or returns false once the time is over.
    pub(super) fn goes_on(&self, tries: i32) -> bool {
        let elapsed = micros(self.origin.elapsed());
        let left = self
            .until_us
            .load(Ordering::Relaxed)
            .saturating_sub(elapsed);
        if left == 0 {
            return false;
        }
        let doubled = PAUSE_MIN_US << tries.clamp(0, 6);
        let longest = doubled.min(PAUSE_MAX_US);
        let pause = longest / 2 + self.uneven() % (longest / 2 + 1);
        std::thread::sleep(Duration::from_micros(pause.min(left)));
        true
    }

    /// Returns the next of a row of uneven numbers (xorshift).
    fn uneven(&self) -> u64 {
        let mut state = self.unevenness.load(Ordering::Relaxed);
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.unevenness.store(state, Ordering::Relaxed);
        state
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends() {
        let patience = Patience::new(Duration::from_millis(5));
        let mut tries = 0;
        while patience.goes_on(tries) {
            tries += 1;
            assert!(tries < 10_000);
        }
        assert!(patience.origin.elapsed() >= Duration::from_millis(5));
    }

    #[test]
    fn two_pauses_are_seldom_alike() {
        let patience = Patience::new(Duration::ZERO);
        let first = patience.uneven();
        assert_ne!(first, patience.uneven());
    }
}
