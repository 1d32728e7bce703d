//! Registering with a client, and taking that out again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::stage::Stage;

/// Settings as a person wrote them, in a layout of their own.
const OWN: &str = "{\n    \"model\": \"opus\",   \"permissions\": {\"allow\": [\"Bash(ls)\"]}\n}";

/// Puts a client on the search path that says only its version.
fn client(stage: &Stage, version: &str) {
    let program = stage.path("bin/claude");
    fs::write(
        &program,
        format!("#!/bin/sh\necho '{version} (Claude Code)'\n"),
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_dry_run_shows_the_change_and_makes_none() {
    let stage = Stage::new();
    stage.write("home/.claude/settings.json", OWN);
    let told = stage
        .aegis_beside_hook(&["install", "claude-code", "--dry-run"])
        .exits(0);
    stage.shows("install-dry-run", &[&told]);
    assert_eq!(stage.read("home/.claude/settings.json"), OWN);
    assert!(!stage.path("home/.local").exists());
}

#[test]
fn what_is_installed_comes_out_byte_for_byte() {
    let stage = Stage::new();
    client(&stage, "2.1.329");
    stage.write("home/.claude/settings.json", OWN);
    let words = ["install", "claude-code", "--no-proof"];
    let installed = stage.aegis_beside_hook(&words).exits(0);
    let text = stage.read("home/.claude/settings.json");
    assert!(
        text.contains("aegis-hook") && text.contains("\"onFailure\": \"block\""),
        "{text}"
    );
    let again = stage.aegis_beside_hook(&words).exits(0);
    assert_eq!(stage.read("home/.claude/settings.json"), text);
    let preview = stage
        .aegis_beside_hook(&["install", "claude-code", "--dry-run"])
        .exits(0);
    let removed = stage
        .aegis_beside_hook(&["uninstall", "claude-code"])
        .exits(0);
    assert_eq!(stage.read("home/.claude/settings.json"), OWN);
    let nothing = stage
        .aegis_beside_hook(&["uninstall", "claude-code"])
        .exits(0);
    stage.shows(
        "install-uninstall",
        &[&installed, &again, &preview, &removed, &nothing],
    );
}

#[test]
fn a_project_gets_settings_of_its_own() {
    let stage = Stage::new();
    client(&stage, "2.1.329");
    let told = stage
        .aegis_beside_hook(&[
            "install",
            "claude-code",
            "--project",
            "--no-proof",
            "--json",
        ])
        .exits(0)
        .json();
    assert_eq!(told["changed"], true);
    assert!(
        stage
            .read("work/.claude/settings.json")
            .contains("PreToolUse")
    );
    assert!(!stage.path("home/.claude").exists());
    stage
        .aegis_beside_hook(&["uninstall", "claude-code", "--project"])
        .exits(0);
    assert!(!stage.path("work/.claude/settings.json").exists());
    stage
        .aegis(&["install", "claude-code", "--project", "--user"])
        .exits(2);
}

#[test]
fn without_a_client_nothing_is_proved_and_that_is_said() {
    let stage = Stage::new();
    let told = stage
        .aegis_beside_hook(&["install", "claude-code"])
        .exits(0);
    stage.shows("install-no-client", &[&told]);
}

#[test]
fn a_client_that_fails_open_is_refused_unless_that_is_accepted() {
    let stage = Stage::new();
    client(&stage, "2.1.197");
    let told = stage
        .aegis_beside_hook(&["install", "claude-code", "--no-proof"])
        .exits(1);
    assert!(!stage.path("home/.claude").exists());
    let accepted = stage
        .aegis_beside_hook(&["install", "claude-code", "--no-proof", "--accept-fail-open"])
        .exits(0);
    stage.shows("install-old-client", &[&told, &accepted]);
}

#[test]
fn an_installation_that_cannot_be_proved_is_no_success() {
    let stage = Stage::new();
    client(&stage, "2.1.329");
    let told = stage
        .aegis_beside_hook(&["install", "claude-code"])
        .exits(1);
    assert!(told.err.contains("could not be proved"), "{}", told.whole());
}

#[test]
fn settings_that_are_no_json_stay_as_they_are() {
    let stage = Stage::new();
    client(&stage, "2.1.329");
    stage.write("home/.claude/settings.json", "{\"model\": \"opus\",}");
    let told = [
        stage
            .aegis_beside_hook(&["install", "claude-code", "--no-proof"])
            .exits(1),
        stage
            .aegis_beside_hook(&["uninstall", "claude-code"])
            .exits(1),
    ];
    stage.shows("install-invalid-settings", &told.iter().collect::<Vec<_>>());
    assert_eq!(
        stage.read("home/.claude/settings.json"),
        "{\"model\": \"opus\",}"
    );
}

#[test]
fn the_program_registered_is_the_one_beside_this_one() {
    let stage = Stage::new();
    let alone = stage.path("bin/aegis");
    fs::copy(env!("CARGO_BIN_EXE_aegis"), &alone).unwrap();
    let told = stage
        .person(&alone, &["install", "claude-code"], &[])
        .exits(1);
    stage.shows("install-no-hook-program", &[&told]);
    assert!(!stage.path("home/.claude").exists());
}
