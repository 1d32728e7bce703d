//! From the input to the answer.

use std::io::{self, Read};
use std::path::Path;

use aegis_gate::{Gate, OpenGateError, RESERVED_CAUSE, Surroundings, is_reserved, with_causes};
use aegis_types::EventKind;
use serde_json::json;

use crate::event::HookEvent;
use crate::guard::Guard;
use crate::input::{INPUT_BYTES_MAX, Input};
use crate::output::{Output, Reply};
use crate::service::{self, Asked};
use crate::{observe, outcome, permission, say, settings_change};

/// Reads one event from standard input, answers it and ends the process.
pub fn serve() -> ! {
    guarded(|guard| {
        let directory = std::env::current_dir().unwrap_or_else(|_| Path::new("/").to_owned());
        let mut bytes = Vec::new();
        let bound = u64::try_from(INPUT_BYTES_MAX)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        match io::stdin().lock().take(bound).read_to_end(&mut bytes) {
            Ok(_) => {
                let surroundings = Surroundings::of_process(&directory);
                // The process ends while the log is still open: closing it
                // would take longer than all the rest.
                decide(&bytes, &surroundings, guard, |reply| guard.end(&reply))
            }
            Err(_) => guard.last_words("the input cannot be read"),
        }
    })
}

/// Runs `body` under a guard, writes what it replies and ends the process.
///
/// A panic and the deadline end the process as well, with last words.
pub fn guarded(body: impl FnOnce(&Guard) -> Reply) -> ! {
    let guard = Guard::new();
    guard.catch_panics();
    if guard.outlive_limits().is_err() {
        guard.end(&guard.last_words("the system lets no signal be handled"));
    }
    if guard.watch().is_err() {
        guard.end(&guard.last_words("the system gives no thread"));
    }
    let reply = body(&guard);
    guard.end(&reply)
}

/// Returns the reply to the event that `bytes` hold.
pub fn run(bytes: &[u8], surroundings: &Surroundings, guard: &Guard) -> Reply {
    decide(bytes, surroundings, guard, |reply| reply)
}

/// Returns the reply to the event that `bytes` hold, by a gate that `open` gives.
///
/// A service opens one log for all events; the process of a hook opens it for one.
pub fn run_at(
    bytes: &[u8],
    surroundings: &Surroundings,
    open: impl FnOnce(Surroundings) -> Result<Gate, OpenGateError>,
) -> Reply {
    let guard = Guard::new();
    match read(bytes, &guard) {
        Ok(input) => {
            let event = Event {
                input,
                surroundings,
                gap: None,
            };
            answer(&event, &guard, open, |reply| reply)
        }
        Err(reply) => reply,
    }
}

/// Reads the event that `bytes` hold; what cannot be read gets a reply at once.
fn read(bytes: &[u8], guard: &Guard) -> Result<Input, Reply> {
    match Input::read(bytes) {
        Ok(input) => {
            guard.note_event(input.event);
            Ok(input)
        }
        Err(error) => {
            if error.is_named {
                guard.note_event(error.event);
            }
            Err(guard.last_words(&error.to_string()))
        }
    }
}

/// Hands the reply of the service to `deliver`, or that of a gate of its own
/// where no service decides.
fn decide<T>(
    bytes: &[u8],
    surroundings: &Surroundings,
    guard: &Guard,
    deliver: impl FnOnce(Reply) -> T,
) -> T {
    let input = match read(bytes, guard) {
        Ok(input) => input,
        Err(reply) => return deliver(reply),
    };
    if input.event == Some(HookEvent::SessionStart) {
        service::start_with_session(surroundings);
    }
    let gap = match service::ask(bytes, surroundings, guard) {
        Asked::Answered(reply) => return deliver(reply),
        Asked::Nobody => None,
        Asked::Silent(cause) => Some(cause),
        Asked::Refused(cause) => {
            return deliver(match objection(&input, surroundings) {
                Some(cause) => settings_change::blocked(&cause),
                None => guard.last_words(&cause),
            });
        }
    };
    let event = Event {
        input,
        surroundings,
        gap,
    };
    answer(&event, guard, Gate::open, deliver)
}

/// One event, and how it came here.
struct Event<'a> {
    input: Input,
    surroundings: &'a Surroundings,
    /// Why the service that listens here did not answer it.
    gap: Option<String>,
}

/// Hands the reply to the event that `bytes` hold to `deliver`, before anything
/// that was opened for it is closed.
fn answer<T>(
    event: &Event<'_>,
    guard: &Guard,
    open: impl FnOnce(Surroundings) -> Result<Gate, OpenGateError>,
    deliver: impl FnOnce(Reply) -> T,
) -> T {
    let input = &event.input;
    let surroundings = Surroundings {
        directory: input.directory.clone(),
        ..event.surroundings.clone()
    };
    // What the settings of the host say needs no log, so a broken one does not
    // let a change through that switches the hook off.
    let blocked = objection(input, &surroundings);
    let gate = match open(surroundings.clone()) {
        Ok(gate) => gate,
        Err(error) => {
            return deliver(match blocked {
                Some(cause) => settings_change::blocked(&cause),
                None => guard.last_words(&with_causes(&error)),
            });
        }
    };
    let desk = Desk {
        gate: &gate,
        input,
        surroundings: &surroundings,
        guard,
    };
    if let Some(cause) = &event.gap {
        let detail = json!({"cause": format!("the service did not answer: {cause}")});
        observe::append(&desk, EventKind::ErrorRaised, None, detail);
    }
    deliver(reply(&desk, blocked))
}

/// Returns why the settings of the host may not change as the event says.
fn objection(input: &Input, surroundings: &Surroundings) -> Option<String> {
    match input.event {
        Some(HookEvent::ConfigChange) => settings_change::objection(input, surroundings),
        Some(_) | None => None,
    }
}

/// Returns what is said of an event that asks nothing and is of the session in which
/// nothing is recorded.
fn not_recorded(desk: &Desk<'_>) -> Option<Reply> {
    let decides = matches!(
        desk.input.event,
        Some(HookEvent::PreToolUse | HookEvent::PermissionRequest | HookEvent::ConfigChange)
    );
    let is_refused = !decides && is_reserved(&desk.input.session);
    is_refused.then(|| Reply::of(&Output::told(say::not_recorded(RESERVED_CAUSE))))
}

fn reply(desk: &Desk<'_>, blocked: Option<String>) -> Reply {
    if let Some(refused) = not_recorded(desk) {
        return refused;
    }
    match desk.input.event {
        Some(HookEvent::PreToolUse) => crate::decide::answer(desk),
        Some(HookEvent::PermissionRequest) => permission::answer(desk),
        Some(HookEvent::PostToolUse | HookEvent::PostToolUseFailure) => outcome::record(desk),
        Some(HookEvent::PostToolBatch) => outcome::answer_batch(desk),
        Some(event @ (HookEvent::Stop | HookEvent::StopFailure | HookEvent::SubagentStop)) => {
            outcome::answer_stop(desk, event)
        }
        Some(HookEvent::ConfigChange) => settings_change::answer(desk, blocked),
        Some(
            event @ (HookEvent::PermissionDenied
            | HookEvent::UserPromptSubmit
            | HookEvent::UserPromptExpansion
            | HookEvent::InstructionsLoaded
            | HookEvent::SessionStart
            | HookEvent::SessionEnd
            | HookEvent::SubagentStart),
        ) => observe::record(desk, event),
        None => observe::record_unknown(desk),
    }
}

/// What every answer is made with.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) input: &'a Input,
    pub(crate) surroundings: &'a Surroundings,
    pub(crate) guard: &'a Guard,
}
