//! A panic under the guard: the process must still answer.
//!
//! This test is its own main function, for the panic has to happen in a
//! process of its own whose output is nobody else's.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::env;
use std::process::{Command, ExitCode};
use std::thread;

use aegis_hook::{HookEvent, guarded};
use serde_json::Value;

const NAME: &str = "a_panic_is_a_denial_where_it_decides_and_silence_elsewhere";

/// Set in the process that panics: the event, and in which thread.
const CHILD: &str = "AEGIS_TEST_PANIC";

fn main() -> ExitCode {
    if let Ok(event) = env::var(CHILD) {
        fail(&event);
    }
    let arguments: Vec<String> = env::args().collect();
    let asked = |name: &str| arguments.iter().any(|argument| argument == name);
    if asked("--list") {
        if !asked("--ignored") {
            println!("{NAME}: test");
        }
        return ExitCode::SUCCESS;
    }
    for event in HookEvent::ALL {
        check(event.as_str(), *event == HookEvent::PreToolUse);
        check(&format!("{event} thread"), *event == HookEvent::PreToolUse);
    }
    check("unknown", true);
    println!("test {NAME} ... ok");
    ExitCode::SUCCESS
}

fn fail(event: &str) -> ! {
    let (name, place) = event.split_once(' ').unwrap_or((event, ""));
    guarded(|guard| {
        if let Some(event) = HookEvent::from_name(name) {
            guard.note_event(Some(event));
        }
        if place == "thread" {
            let _ = thread::spawn(|| panic!("secret of a thread")).join();
        }
        panic!("secret of the input")
    })
}

fn check(event: &str, is_denied: bool) {
    let output = Command::new(env::current_exe().unwrap())
        .env(CHILD, event)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{event}: {stdout}");
    assert!(output.stderr.is_empty(), "{event}");
    assert!(!stdout.contains("secret"), "{event}: {stdout}");
    if !is_denied {
        assert_eq!(stdout, "", "{event}");
        return;
    }
    let said: Value = serde_json::from_str(&stdout).unwrap();
    let decision = said.pointer("/hookSpecificOutput/permissionDecision");
    assert_eq!(
        decision.and_then(Value::as_str),
        Some("deny"),
        "{event}: {stdout}"
    );
}
