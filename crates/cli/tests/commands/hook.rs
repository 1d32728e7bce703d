//! `aegis hook` is the small program in the large one.

use std::path::Path;

use super::stage::{Stage, programs};

#[test]
fn both_programs_answer_every_event_alike() {
    for (command, is_silent) in [
        ("git push --force", false),
        ("git status", false),
        ("ls", true),
    ] {
        let stage = Stage::with_policy();
        let event = stage.event("first", "call-1", command).to_string();
        let large = Path::new(env!("CARGO_BIN_EXE_aegis"));
        let small = programs().join("aegis-hook");
        let answers = [
            stage.hook_by(large, &["hook"], &event),
            stage.hook_by(&small, &[], &event),
        ]
        .map(|hook| hook.wait_with_output().unwrap());
        assert_eq!(answers[0], answers[1], "{command}");
        assert_eq!(answers[0].stdout.is_empty(), is_silent, "{command}");
    }
}

#[test]
fn what_is_no_event_is_denied_and_ends_well() {
    let stage = Stage::with_policy();
    let large = Path::new(env!("CARGO_BIN_EXE_aegis"));
    for text in ["", "{", "[]", "git push --force"] {
        let hook = stage.hook_by(large, &["hook"], text);
        assert_eq!(
            super::stage::decided(hook).as_deref(),
            Some("deny"),
            "{text}"
        );
    }
}
