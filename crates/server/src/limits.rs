//! How much anybody may ask of the service.

use std::num::NonZeroU32;
use std::time::Duration;

/// How much anybody may ask of the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How many connections may be open; each door has an equal part of them.
    pub connections: usize,
    /// How many of a door with TLS may be so new that nobody has said who they are.
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
    /// How much of the shared places of a kind (requests, waits, streams, large
    /// bodies and replies) one caller may have, in percent; one place at least.
    pub caller_percent: usize,
    /// How much of them all callers of one tenant may have, in percent.
    pub tenant_percent: usize,
    /// How many requests one caller may make in a minute; any number if absent.
    pub per_minute: Option<NonZeroU32>,
    /// How many bytes a body may have.
    pub body_bytes: usize,
    /// How many bodies of more than 64 KiB may be in hand: together with the
    /// bytes that each may have, what bodies take of memory.
    pub large_bodies: usize,
    /// How many replies with pages of the log may be made or on their way; each has
    /// about 8 MiB at most.
    pub large_replies: usize,
    /// How long the head of a request may take, and a TLS handshake before it; a
    /// connection without one is closed then.
    pub head_time: Duration,
    /// How long a body may take, and how long nothing of a large reply may be read.
    pub body_time: Duration,
    /// How long a request may wait until it is taken in hand.
    pub queue_time: Duration,
    /// How often a caller is shown that the service is there while a person is asked.
    pub sign_of_life: Duration,
    /// How long requests in hand may take once the service is told to stop.
    pub drain_time: Duration,
}

/// How many files a service may have open besides its connections: the log for
/// each request in hand, policies, and what facts are gathered of.
const FILES: usize = 1_024;

impl Limits {
    /// Returns the limits of a process that may have so many files open.
    ///
    /// Connections leave room for everything else, so that whoever is let in is
    /// also answered.
    #[must_use]
    pub fn within(self, files: usize) -> Self {
        let room = files.saturating_sub(FILES).max(files / 2);
        Self {
            connections: self.connections.min(room),
            ..self
        }
    }
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
            caller_percent: 50,
            tenant_percent: 75,
            per_minute: None,
            body_bytes: 4 * 1024 * 1024,
            large_bodies: 16,
            large_replies: 16,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(20),
            queue_time: Duration::from_secs(2),
            sign_of_life: Duration::from_millis(500),
            drain_time: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_other_files() {
        let within = |files| Limits::default().within(files).connections;
        assert_eq!(within(usize::MAX), 16_384);
        assert_eq!(within(20_000), 16_384);
        assert_eq!(within(4_096), 3_072);
        assert_eq!(within(1_024), 512);
    }
}
