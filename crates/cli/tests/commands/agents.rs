//! What an agent may not do by the program, wherever it starts it from.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::stage::{Stage, Told};

const MARK: &[(&str, &str)] = &[("CLAUDECODE", "1")];

/// A project with files to trust.
fn project() -> Stage {
    let stage = Stage::new();
    stage.aegis(&["init"]).exits(0);
    stage
}

/// Starts `aegis` below a script of this name.
fn below(stage: &Stage, name: &str, words: &[&str]) -> Told {
    let script = stage.path("bin").join(name);
    fs::write(&script, "#!/bin/sh\n\"$@\"\nexit $?\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let program = env!("CARGO_BIN_EXE_aegis");
    stage.person(&script, &[&[program], words].concat(), &[])
}

#[test]
fn an_agent_may_not_change_what_governs_it() {
    let stage = project();
    let told: Vec<Told> = [
        &["install", "claude-code"][..],
        &["uninstall", "claude-code"],
        &["trust"],
        &["trust", "--revoke"],
        &["policy", "lint", "--fix"],
        &["init", "--force"],
    ]
    .iter()
    .map(|words| stage.aegis_with(words, MARK).exits(1))
    .collect();
    stage.shows("agents-refused", &told.iter().collect::<Vec<_>>());
    assert!(!stage.path("home/.claude").exists());
    assert!(!stage.path("home/.local").exists());
}

#[test]
fn an_agent_may_look() {
    let stage = project();
    for words in [
        &["trust", "--list"][..],
        &["uninstall", "claude-code", "--dry-run"],
        &["policy", "check"],
        &["policy", "lint"],
        &["policy", "test"],
        &["policy", "explain", "--command", "ls"],
        &["log", "list"],
        &["approvals", "list"],
    ] {
        stage.aegis_with(words, MARK).exits(0);
    }
}

#[test]
fn an_agent_is_known_by_the_programs_above_it() {
    let stage = project();
    below(&stage, "claude", &["trust"]).exits(1);
    below(&stage, "claudia", &["trust"]).exits(0);
}
