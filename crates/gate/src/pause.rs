//! Waiting a little.

use std::sync::Arc;

use aegis_types::DurationMs;

use crate::clock::FixedClock;

/// Lets a little time pass, so that another process can act.
pub trait Pause: Send + Sync {
    /// Returns after about `duration`.
    fn pause(&self, duration: DurationMs);
}

/// Puts the thread to sleep.
#[derive(Clone, Copy, Debug, Default)]
pub struct SleepingPause;

impl Pause for SleepingPause {
    fn pause(&self, duration: DurationMs) {
        std::thread::sleep(duration.to_std());
    }
}

/// Moves a [`FixedClock`] instead of sleeping, so that a wait of minutes takes no time.
#[derive(Clone, Debug)]
pub struct ClockPause(pub Arc<FixedClock>);

impl Pause for ClockPause {
    fn pause(&self, duration: DurationMs) {
        self.0.advance(duration);
        std::thread::yield_now();
    }
}
