//! How much anybody may ask of the service.

use std::num::NonZeroU32;
use std::time::Duration;

/// How much anybody may ask of the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How many connections may be open.
    pub connections: usize,
    /// How many of them may be so new that nobody has said who they are.
    pub handshakes: usize,
    /// How many requests may be in hand.
    pub requests: usize,
    /// How many of these are answered by the threads that read requests; fewer
    /// than there are such threads.
    pub at_once: usize,
    /// How many requests may wait for a person at a time.
    pub waits: usize,
    /// How many streams of events may be open.
    pub streams: usize,
    /// How many requests one caller may make in a minute; any number if absent.
    pub per_minute: Option<NonZeroU32>,
    /// How many bytes a body may have.
    pub body_bytes: usize,
    /// How long the head of a request may take, and a TLS handshake before it; a
    /// connection without one is closed then.
    pub head_time: Duration,
    /// How long a body may take.
    pub body_time: Duration,
    /// How long a request may wait until it is taken in hand.
    pub queue_time: Duration,
    /// How often a caller is shown that the service is there while a person is asked.
    pub sign_of_life: Duration,
    /// How long requests in hand may take once the service is told to stop.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            handshakes: 1_024,
            requests: 256,
            at_once: 0,
            waits: 256,
            streams: 256,
            per_minute: None,
            body_bytes: 4 * 1024 * 1024,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(20),
            queue_time: Duration::from_secs(2),
            sign_of_life: Duration::from_millis(500),
            drain_time: Duration::from_secs(10),
        }
    }
}
