//! The proof of an installation fails whenever it would prove nothing.
//!
//! The clients here are shell scripts that do one thing each; what a real one
//! does is shown elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use aegis_host::{Client, Proof, ProveError, Registration, Target, plan_install, prove};
use serde_json::{Value, json};

/// Plays a proof with a client that runs `script` in the scratch project.
fn play(script: &str) -> Result<Proof, ProveError> {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("claude");
    let version = r#"[ "$1" = --version ] && echo '2.1.329 (Claude Code)' && exit"#;
    fs::write(&program, format!("#!/bin/sh\n{version}\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let client = Client::at(&program).unwrap();
    let scratch = folder.path().join("scratch");
    let proof = prove(&client, &installed(), &scratch);
    assert!(!scratch.exists(), "the scratch folder is left behind");
    proof
}

/// Returns the settings that the installer writes beside another hook.
fn installed() -> Value {
    let folder = tempfile::tempdir().unwrap();
    let target = Target {
        settings: folder.path().join("settings.json"),
        within: None,
        state: folder.path().join("state"),
    };
    fs::write(
        &target.settings,
        r#"{"env": {"A": "1"}, "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "touch /tmp/other-hook"}]}]}}"#,
    )
    .unwrap();
    let registration = Registration {
        program: "/opt/aegis-hook".to_owned(),
        decision_timeout: std::time::Duration::from_secs(660),
        is_alone: false,
    };
    let change = plan_install(&target, &registration).unwrap();
    serde_json::from_str(change.after().unwrap()).unwrap()
}

#[test]
fn a_client_that_does_nothing_proves_nothing() {
    let error = play("exit 0").unwrap_err();
    assert!(
        matches!(error, ProveError::ControlPrevented { .. }),
        "{error}"
    );
}

#[test]
fn a_client_that_carries_out_the_denied_call_is_found_out() {
    let error = play("touch denied control").unwrap_err();
    assert!(matches!(error, ProveError::Happened), "{error}");
}

#[test]
fn a_decision_that_was_not_recorded_proves_nothing() {
    let error = play("touch control").unwrap_err();
    assert!(matches!(error, ProveError::Open(_)), "{error}");
}

#[test]
fn only_our_hooks_are_started() {
    let seen = tempfile::NamedTempFile::new().unwrap();
    let path = seen.path().display();
    play(&format!("cat \"$HOME/.claude/settings.json\" > '{path}'")).unwrap_err();
    let settings: Value = serde_json::from_slice(&fs::read(seen.path()).unwrap()).unwrap();
    let stop = settings.get("hooks").and_then(|hooks| hooks.get("Stop"));
    assert_eq!(stop.and_then(Value::as_array).map(Vec::len), Some(1));
    assert_eq!(settings.get("env"), None);
    assert_eq!(settings.get("disableAllHooks"), Some(&json!(false)));
    let text = settings.to_string();
    assert!(
        !text.contains("other-hook") && text.contains("/opt/aegis-hook"),
        "{text}"
    );
}

#[test]
fn settings_without_our_hook_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("claude");
    fs::write(&program, "#!/bin/sh\necho '2.1.329 (Claude Code)'\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let client = Client::at(&program).unwrap();
    let error = prove(
        &client,
        &json!({"hooks": {}}),
        &folder.path().join("scratch"),
    )
    .unwrap_err();
    assert!(matches!(error, ProveError::NothingRegistered), "{error}");
}
