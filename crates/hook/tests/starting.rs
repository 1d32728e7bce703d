//! What the real program does where a service is to start with a session.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const POLICY: &str = "aegis: policy/v1\nname: open\ndefault: deny\nrules:\n  \
    - {id: everything, match: {tool: \"*\"}, verdict: allow}\n";

/// The hook's program in a folder of its own, beside another program `aegis`.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new(service: &str, aegis: Option<&str>) -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["home/.config/aegis", "project", "state", "bin"] {
            fs::create_dir_all(machine.path(name)).unwrap();
        }
        let config = machine.path("home/.config/aegis");
        fs::write(config.join("policy.yaml"), POLICY).unwrap();
        fs::write(config.join("settings.toml"), service).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_aegis-hook"), machine.hook()).unwrap();
        if let Some(script) = aegis {
            let program = machine.path("bin/aegis");
            fs::write(&program, script).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn hook(&self) -> PathBuf {
        self.path("bin/aegis-hook")
    }

    /// Makes a pipe that tells of the program `aegis` and keeps it waiting.
    fn pipe(&self) -> PathBuf {
        let pipe = self.path("pipe");
        let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        pipe
    }

    fn run(&self, event: &str) -> Output {
        let input = json!({
            "session_id": "s-1", "cwd": self.path("project"), "hook_event_name": event,
            "source": "startup", "tool_name": "Bash", "tool_input": {"command": "make"},
            "tool_use_id": "toolu_1",
        });
        let mut child = Command::new(self.hook())
            .env_clear()
            .env("HOME", self.path("home"))
            .env("AEGIS_HOME", self.path("state"))
            .env("PATH", "/usr/bin:/bin")
            .current_dir(self.path("project"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut open = child.stdin.take().unwrap();
        open.write_all(input.to_string().as_bytes()).unwrap();
        drop(open);
        child.wait_with_output().unwrap()
    }

    /// Looks whether a session begins in silence and a call is decided after it.
    fn works(&self) {
        let begun = self.run("SessionStart");
        assert!(
            begun.status.success() && begun.stdout.is_empty(),
            "{begun:?}"
        );
        let decided = self.run("PreToolUse");
        let said: Value = serde_json::from_slice(&decided.stdout).unwrap();
        let decision = &said["hookSpecificOutput"]["permissionDecision"];
        assert_eq!(decision, "allow", "{said}");
    }
}

const WANTED: &str = "[service]\nstart_with_session = true\n";

fn read(path: &Path) -> String {
    let mut text = String::new();
    fs::File::open(path)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}

#[test]
fn a_service_that_hangs_while_it_starts_keeps_nobody_waiting() {
    let machine = Machine::new(
        WANTED,
        Some("#!/bin/sh\necho \"$@\" > \"${0%/*}/../pipe\"\n"),
    );
    let pipe = machine.pipe();
    // The program waits until somebody reads, and nobody does before the hook has answered.
    machine.works();
    assert_eq!(read(&pipe), "daemon start\n");
}

#[test]
fn a_service_that_cannot_be_started_stops_nobody() {
    Machine::new(WANTED, None).works();
    Machine::new(WANTED, Some("no program")).works();
}

#[test]
fn nothing_is_started_unless_a_setting_of_the_user_says_so() {
    let machine = Machine::new("", Some("#!/bin/sh\necho started > \"${0%/*}/../pipe\"\n"));
    let pipe = machine.pipe();
    let project = machine.path("project/.aegis");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("settings.toml"), WANTED).unwrap();
    let settings = machine.path("home/.config/aegis/settings.toml");
    for unwanted in ["", "[service]\nstart_with_session = false\n"] {
        fs::write(&settings, unwanted).unwrap();
        assert!(machine.run("SessionStart").stdout.is_empty());
    }
    fs::write(&settings, WANTED).unwrap();
    // Nor by any other event.
    machine.run("SessionEnd");
    machine.works();
    // Whatever was started waits for this, and all of it would be read.
    assert_eq!(read(&pipe), "started\n");
}
