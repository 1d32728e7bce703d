//! Playing a session: what the client is given, what is read back, how it ends.
//!
//! The clients here are shell scripts that show one thing each.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aegis_host::{Client, Mode, Script, ScriptedModel, Session, SessionError, Transcript};
use serde_json::json;

struct Stage {
    folder: tempfile::TempDir,
    client: Client,
    model: ScriptedModel,
}

impl Stage {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "work"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let program = folder.path().join("claude");
        let version = r#"[ "$1" = --version ] && echo '2.1.329 (Claude Code)' && exit"#;
        fs::write(&program, format!("#!/bin/sh\n{version}\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            client: Client::at(&program).unwrap(),
            model: ScriptedModel::start(Script::default()).unwrap(),
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn session(&self) -> Session<'_> {
        self.client
            .session(&self.model, &self.path("home"), &self.path("work"))
    }
}

fn play(script: &str) -> Transcript {
    Stage::new(script).session().play("go").unwrap()
}

/// Waits until the process has ended; its parent may not have reaped it yet.
fn has_ended(process: &str) -> bool {
    let status = Path::new("/proc").join(process.trim()).join("status");
    let start = Instant::now();
    while let Ok(text) = fs::read_to_string(&status) {
        if text.contains("State:\tZ") {
            return true;
        }
        if start.elapsed() > Duration::from_secs(10) {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

#[test]
fn json_lines_other_lines_and_the_exit_code_are_kept_apart() {
    let transcript = play("echo '{\"type\":\"result\"}'; echo oops; echo bad >&2; exit 3");
    let expected = Transcript {
        lines: vec![json!({"type": "result"})],
        unreadable: vec!["oops".to_owned()],
        stderr: "bad\n".to_owned(),
        exit_code: Some(3),
        is_timed_out: false,
    };
    assert_eq!(transcript, expected);
}

#[test]
fn the_client_sees_nothing_of_the_environment_but_the_search_path() {
    let stage = Stage::new("env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= >&2");
    let transcript = stage.session().variable("EXTRA", "1").play("go").unwrap();
    let mut names: Vec<&str> = transcript
        .stderr
        .lines()
        .filter_map(|line| line.split_once('=').map(|(name, _)| name))
        .collect();
    names.sort_unstable();
    let expected = [
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        "DISABLE_AUTOUPDATER",
        "DISABLE_ERROR_REPORTING",
        "DISABLE_TELEMETRY",
        "EXTRA",
        "HOME",
        "LANG",
        "PATH",
        "TERM",
        "TMPDIR",
    ];
    assert_eq!(names, expected);
    let home = format!("HOME={}\n", stage.path("home").display());
    assert!(transcript.stderr.contains(&home), "{}", transcript.stderr);
}

#[test]
fn the_builder_speaks_the_clients_command_line() {
    let stage = Stage::new(r#"for word in "$@"; do echo "$word" >&2; done"#);
    let session = stage
        .session()
        .settings(&json!({"disableAllHooks": false}))
        .allowed_tools(&["Bash", "Read"])
        .mode(Mode::AcceptEdits)
        .mcp_servers(&json!({}))
        .resume("s-1");
    let expected = [
        "-p",
        "a prompt",
        "--output-format",
        "stream-json",
        "--verbose",
        "--settings",
        r#"{"disableAllHooks":false}"#,
        "--allowedTools",
        "Bash,Read",
        "--permission-mode",
        "acceptEdits",
        "--strict-mcp-config",
        "--mcp-config",
        r#"{"mcpServers":{}}"#,
        "--resume",
        "s-1",
    ];
    let transcript = session.play("a prompt").unwrap();
    assert_eq!(transcript.stderr.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_client_that_hangs_is_ended_with_its_children() {
    // A pipe that nobody writes to: the client and its child wait for ever.
    let stage = Stage::new("mkfifo p; cat p & echo $! > child; cat p");
    let start = Instant::now();
    let transcript = stage
        .session()
        .time_limit(Duration::from_millis(700))
        .play("go")
        .unwrap();
    assert!(transcript.is_timed_out);
    assert_eq!(transcript.exit_code, None);
    assert!(start.elapsed() < Duration::from_secs(20));
    let child = fs::read_to_string(stage.path("work/child")).unwrap();
    assert!(has_ended(&child), "{child}");
}

#[test]
fn a_child_that_outlives_the_client_is_ended_too() {
    let stage = Stage::new("mkfifo p; cat p & echo $! > child; echo '{}'");
    let transcript = stage.session().play("go").unwrap();
    assert_eq!(transcript.lines, [json!({})]);
    assert!(!transcript.is_timed_out);
    let child = fs::read_to_string(stage.path("work/child")).unwrap();
    assert!(has_ended(&child), "{child}");
}

#[test]
fn a_persons_own_home_is_refused() {
    let stage = Stage::new("echo started > started");
    let home = std::env::home_dir().unwrap();
    let session = stage
        .client
        .session(&stage.model, &home, &stage.path("work"));
    let error = session.play("go").unwrap_err();
    assert!(matches!(error, SessionError::OwnHome(_)), "{error}");
    assert!(!stage.path("work/started").exists());
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let stage = Stage::new("");
    let absent = stage.path("absent");
    let session = stage
        .client
        .session(&stage.model, &stage.path("home"), &absent);
    let error = session.play("go").unwrap_err();
    assert!(
        matches!(&error, SessionError::NoFolder { path, .. } if *path == absent),
        "{error}"
    );
}
