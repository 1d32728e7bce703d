//! A caller for whom a person is asked.

use std::sync::atomic::{AtomicBool, Ordering};

use aegis_gate::{Approver, Gate};
use aegis_types::Approval;

/// What is known of a caller while its request is in hand.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    is_asked: AtomicBool,
    has_left: AtomicBool,
}

impl Waiting {
    /// Returns whether a person is asked for the caller.
    pub(crate) fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed)
    }

    /// Notes that the caller has gone away.
    pub(crate) fn leave(&self) {
        self.has_left.store(true, Ordering::Relaxed);
    }
}

impl Approver for Waiting {
    fn look(&self, _: &Gate, _: &Approval) {
        self.is_asked.store(true, Ordering::Relaxed);
    }

    fn has_left(&self) -> bool {
        self.has_left.load(Ordering::Relaxed)
    }
}
