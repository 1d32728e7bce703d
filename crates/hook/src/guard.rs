//! The last words of the hook: an answer even when nothing else works.
//!
//! A panic ends the process, a deadline ends it from outside, and both must
//! still leave one well-formed answer. Whoever speaks first ends the process;
//! nobody else gets a word in.

use std::io::{self, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::SIGXFSZ;

use crate::event::HookEvent;
use crate::output::{Output, Permission, Reply};
use crate::say;

/// How long anything but waiting for a person may take.
///
/// It is well under every time-out that the installer registers, so that the
/// answer comes from here and not from the host.
pub(crate) const DEADLINE: Duration = Duration::from_secs(8);

/// What is known of the event, for last words: nothing yet.
const UNKNOWN: u8 = 0;
/// It is the one that decides.
const DECIDES: u8 = 1;
/// It is another one.
const RECORDS: u8 = 2;

/// Watches over one run of the hook.
#[derive(Clone, Debug)]
pub struct Guard(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    event: AtomicU8,
    /// When the time is over, in milliseconds after `begun`.
    deadline_ms: AtomicU64,
    begun: Instant,
    has_spoken: AtomicBool,
    /// Whether a file may not grow as far as it should. Nobody reads it.
    is_over_limit: Arc<AtomicBool>,
}

impl Guard {
    /// Returns a guard over a run that begins at once.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            event: AtomicU8::new(UNKNOWN),
            deadline_ms: AtomicU64::new(milliseconds(DEADLINE)),
            begun: Instant::now(),
            has_spoken: AtomicBool::new(false),
            is_over_limit: Arc::default(),
        }))
    }

    /// Notes which event it is, so that last words fit it.
    pub fn note_event(&self, event: Option<HookEvent>) {
        let noted = match event {
            Some(HookEvent::PreToolUse) => DECIDES,
            Some(_) | None => RECORDS,
        };
        self.0.event.store(noted, Ordering::SeqCst);
    }

    /// Gives the run this much longer, to wait for a person.
    pub(crate) fn extend(&self, by: Duration) {
        let by = milliseconds(by);
        // The addition cannot fail to happen, and what it returns is of no use.
        let _ = self
            .0
            .deadline_ms
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |ms| {
                Some(ms.saturating_add(by))
            });
    }

    /// Sees to it that the run does not end before this time from now is over.
    pub(crate) fn postpone(&self, by: Duration) {
        let earliest = milliseconds(self.0.begun.elapsed().saturating_add(by));
        self.0.deadline_ms.fetch_max(earliest, Ordering::SeqCst);
    }

    /// Returns what is said when `cause` ends the run: a denial when the event
    /// decides or may decide, and nothing otherwise.
    #[must_use]
    pub fn last_words(&self, cause: &str) -> Reply {
        match self.0.event.load(Ordering::SeqCst) {
            RECORDS => Reply::silent(),
            _ => Reply::of(&Output::decided(
                Permission::Deny,
                say::cannot_decide(cause),
            )),
        }
    }

    /// Sees to it that a panic anywhere in the process ends in last words.
    pub(crate) fn catch_panics(&self) {
        static ONCE: Once = Once::new();
        let guard = self.clone();
        ONCE.call_once(|| {
            panic::set_hook(Box::new(move |_| {
                // What the panic says may quote what an agent sent.
                guard.end(&guard.last_words("the program failed"));
            }));
        });
    }

    /// Sees to it that a file which may not grow is a failed write, and not the end.
    ///
    /// A process that writes past its limit of file size is ended by a signal,
    /// before it can answer, unless it takes that signal. What it does then is
    /// nothing: the write that fails tells all there is to tell.
    ///
    /// # Errors
    ///
    /// When the system lets no signal be handled.
    pub(crate) fn outlive_limits(&self) -> io::Result<()> {
        signal_hook::flag::register(SIGXFSZ, Arc::clone(&self.0.is_over_limit)).map(drop)
    }

    /// Ends the run with last words when its time is over.
    ///
    /// # Errors
    ///
    /// When the system gives no thread to watch with.
    pub(crate) fn watch(&self) -> io::Result<()> {
        let guard = self.clone();
        thread::Builder::new()
            .name("deadline".to_owned())
            .stack_size(128 * 1024)
            .spawn(move || {
                while let Some(left) = guard.time_left() {
                    thread::park_timeout(left);
                }
                guard.end(&guard.last_words("its time was over"));
            })
            .map(drop)
    }

    fn time_left(&self) -> Option<Duration> {
        let deadline = Duration::from_millis(self.0.deadline_ms.load(Ordering::SeqCst));
        deadline
            .checked_sub(self.0.begun.elapsed())
            .filter(|left| !left.is_zero())
    }

    /// Writes the reply and ends the process, without closing anything.
    ///
    /// Closing the log would cost more than the whole run, and nothing is lost
    /// by not doing it.
    pub(crate) fn end(&self, reply: &Reply) -> ! {
        if self.0.has_spoken.swap(true, Ordering::SeqCst) {
            // Another thread is speaking and about to end the process.
            loop {
                thread::park();
            }
        }
        let mut output = io::stdout().lock();
        let written = output
            .write_all(&reply.stdout)
            .and_then(|()| output.flush());
        let decides = self.0.event.load(Ordering::SeqCst) != RECORDS;
        // Exit code 2 blocks a call where nothing can be printed; on any other
        // event it would keep the person from working.
        std::process::exit(if written.is_err() && decides {
            2
        } else {
            reply.exit_code
        })
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self::new()
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn last_words_deny_what_decides_or_may_decide() {
        for event in [None, Some(Some(HookEvent::PreToolUse))] {
            let guard = Guard::new();
            if let Some(event) = event {
                guard.note_event(event);
            }
            let said: Value = serde_json::from_slice(&guard.last_words("x failed").stdout).unwrap();
            let said = &said["hookSpecificOutput"];
            assert_eq!(said["hookEventName"], "PreToolUse");
            assert_eq!(said["permissionDecision"], "deny");
            let reason = said["permissionDecisionReason"].as_str().unwrap();
            assert!(reason.contains("CANNOT_DECIDE") && reason.contains("x failed"));
        }
    }

    #[test]
    fn on_any_other_event_last_words_are_silence() {
        for event in [
            Some(HookEvent::Stop),
            Some(HookEvent::PermissionRequest),
            None,
        ] {
            let guard = Guard::new();
            guard.note_event(event);
            assert_eq!(guard.last_words("x failed"), Reply::silent());
        }
    }

    #[test]
    fn a_sign_of_life_moves_the_deadline_only_forward() {
        let guard = Guard::new();
        guard.postpone(Duration::from_secs(1));
        assert!(guard.time_left().unwrap() > Duration::from_secs(2));
        guard.postpone(Duration::from_secs(3_600));
        assert!(guard.time_left().unwrap() > Duration::from_secs(3_500));
    }

    #[test]
    fn waiting_for_a_person_moves_the_deadline() {
        let guard = Guard::new();
        guard.extend(Duration::from_secs(3_600));
        assert!(guard.time_left().unwrap() > Duration::from_secs(3_600));
        guard.extend(Duration::MAX);
        assert!(guard.time_left().is_some());
    }
}
