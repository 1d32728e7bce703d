//! The service of a user, and hooks that ask it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::running::Running;
use super::stage::{Stage, decided, programs};

const SOCKET: &str = "home/.local/share/aegis/aegis.sock";

fn served(stage: &Stage) -> Running {
    Running::start(stage, &programs().join("aegis"), &["serve"], "unix:")
}

fn ask(stage: &Stage, id: &str, line: &str) -> Option<String> {
    let event = stage.event("first", id, line).to_string();
    decided(stage.hook_by(&programs().join("aegis-hook"), &[], &event))
}

/// The kinds of events in the log, each once with how often it stands there.
fn count(stage: &Stage, kind: &str) -> usize {
    let told = stage.aegis(&["log", "export"]).exits(0);
    let lines = told.out.lines();
    lines
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|envelope| envelope["event_type"] == kind)
        .count()
}

#[test]
fn a_hook_is_answered_alike_with_and_without_a_service() {
    for line in ["git status", "ls", "git push --force", "git push origin v1"] {
        let hook = programs().join("aegis-hook");
        let alone = Stage::with_policy();
        let event = alone.event("first", "one", line).to_string();
        let expected = alone
            .hook_by(&hook, &[], &event)
            .wait_with_output()
            .unwrap();
        let other = Stage::with_policy();
        let _service = served(&other);
        let event = other.event("first", "one", line).to_string();
        let found = other
            .hook_by(&hook, &[], &event)
            .wait_with_output()
            .unwrap();
        assert_eq!(found, expected, "{line}");
        assert_eq!(count(&other, "ERROR_RAISED"), 0);
        assert_eq!(count(&other, "TOOL_CALL_PROPOSED"), 1);
    }
}

#[test]
fn a_service_that_is_killed_leaves_a_gap_in_the_record_and_no_call_undecided() {
    let stage = Stage::with_policy();
    let service = served(&stage);
    assert_eq!(
        ask(&stage, "one", "git push --force").as_deref(),
        Some("deny")
    );
    service.signal(Signal::KILL);
    drop(service);
    assert!(stage.path(SOCKET).exists());
    assert_eq!(
        ask(&stage, "two", "git push --force").as_deref(),
        Some("deny")
    );
    assert_eq!(ask(&stage, "three", "git status").as_deref(), Some("allow"));
    assert_eq!(count(&stage, "TOOL_CALL_PROPOSED"), 3);
    assert_eq!(count(&stage, "ERROR_RAISED"), 2);
    stage.aegis(&["log", "verify"]).exits(0);
}

#[test]
fn a_service_that_stops_leaves_no_write_ahead_log_for_the_next_to_read() {
    let stage = Stage::with_policy();
    let service = served(&stage);
    for number in 0..40 {
        ask(&stage, &number.to_string(), "git status");
    }
    let wal = stage.log().with_extension("db-wal");
    let before = fs::metadata(&wal).unwrap().len();
    service.stop();
    let after = fs::metadata(&wal).unwrap().len();
    // One page stays, so that the next commit need not sync a header.
    assert!(
        after < 5_000 && before > 100_000,
        "{before} bytes, then {after}"
    );
    assert_eq!(count(&stage, "TOOL_CALL_PROPOSED"), 40);
}

#[test]
fn a_question_asked_through_a_service_and_again_without_it_is_one() {
    let stage = Stage::with_policy();
    // The approval outlives the process that asked for it.
    stage.write("home/.config/aegis/settings.toml", "headless = \"defer\"\n");
    let service = served(&stage);
    for id in ["one", "two"] {
        let asked = ask(&stage, id, "git push origin v1");
        assert_eq!(asked.as_deref(), Some("defer"));
    }
    service.stop();
    let again = ask(&stage, "three", "git push origin v1");
    assert_eq!(again.as_deref(), Some("defer"));
    assert_eq!(count(&stage, "APPROVAL_REQUESTED"), 1);

    let listed = stage
        .aegis(&["approvals", "list", "--json"])
        .exits(0)
        .json();
    let id = &listed["approvals"][0]["approval"]["approval_token"];
    let approve = ["approvals", "approve", id.as_str().unwrap()];
    stage.aegis(&approve).exits(0);
    let _service = served(&stage);
    let granted = ask(&stage, "four", "git push origin v1");
    assert_eq!(granted.as_deref(), Some("allow"));
    let used_up = ask(&stage, "five", "git push origin v1");
    assert_eq!(used_up.as_deref(), Some("defer"));
    assert_eq!(count(&stage, "APPROVAL_REQUESTED"), 2);
}

#[test]
fn a_service_that_hangs_costs_its_deadline_and_not_the_call() {
    let stage = Stage::with_policy();
    stage.write(
        "home/.config/aegis/settings.toml",
        "[service]\ndeadline = \"200ms\"\n",
    );
    let service = served(&stage);
    service.signal(Signal::STOP);
    assert_eq!(
        ask(&stage, "one", "git push --force").as_deref(),
        Some("deny")
    );
    assert_eq!(count(&stage, "ERROR_RAISED"), 1);
    service.signal(Signal::CONT);
}

#[test]
fn where_settings_name_a_service_nothing_else_decides() {
    let stage = Stage::with_policy();
    let socket = stage.path("run/aegis.sock");
    stage.write("run/.keep", "");
    let settings = format!("[service]\nsocket = {:?}\n", socket.to_str().unwrap());
    stage.write("home/.config/aegis/settings.toml", &settings);
    assert_eq!(ask(&stage, "one", "git status").as_deref(), Some("deny"));
    assert!(!stage.log().exists());
}

#[test]
fn a_socket_at_which_another_user_should_listen_is_not_believed() {
    let stage = Stage::with_policy();
    let socket = stage.path("run/aegis.sock");
    stage.write("run/.keep", "");
    // Nobody answers here: whoever is asked has to be known first.
    let _listener = UnixListener::bind(&socket).unwrap();
    let own = rustix::process::geteuid().as_raw();
    if own == 0 {
        // The system itself is always believed, so another user has to listen.
        return another_user_listens(&stage);
    }
    let settings = format!(
        "[service]\nsocket = {:?}\nuser = {}\n",
        socket.to_str().unwrap(),
        own + 1
    );
    stage.write("home/.config/aegis/settings.toml", &settings);
    assert_eq!(ask(&stage, "one", "git status").as_deref(), Some("deny"));
}

/// As root: the account `nobody` listens where the account of the test should.
fn another_user_listens(stage: &Stage) {
    let folder = tempfile::Builder::new()
        .prefix("aegis-run-")
        .tempdir()
        .unwrap();
    let open = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o777);
    fs::set_permissions(folder.path(), open).unwrap();
    let socket = folder.path().join("aegis.sock");
    let mut listener = Command::new("python3")
        .args(["-c", LISTEN, "65534"])
        .arg(&socket)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let said = listener.stdout.as_mut().unwrap();
    BufReader::new(said).read_line(&mut line).unwrap();
    assert_eq!(line, "listening\n");
    let settings = format!("[service]\nsocket = {:?}\n", socket.to_str().unwrap());
    stage.write("home/.config/aegis/settings.toml", &settings);
    let found = ask(stage, "one", "git status");
    listener.kill().unwrap();
    listener.wait().unwrap();
    assert_eq!(found.as_deref(), Some("deny"));
}

/// Listens as another user, and allows whatever it is asked.
const LISTEN: &str = r#"
import os, socket, sys
os.setuid(int(sys.argv[1]))
door = socket.socket(socket.AF_UNIX)
door.bind(sys.argv[2])
door.listen()
print('listening', flush=True)
while True:
    visitor, _ = door.accept()
    visitor.recv(65536)
    said = b'{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}'
    body = b'{"exit":0,"bytes":%d}\n' % len(said) + said
    visitor.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
"#;

#[test]
fn a_project_names_no_service() {
    let stage = Stage::with_policy();
    let settings = "[service]\nsocket = \"/nowhere/aegis.sock\"\n";
    stage.write("work/.aegis/settings.toml", settings);
    assert_eq!(ask(&stage, "one", "git status").as_deref(), Some("allow"));
}

#[test]
fn the_daemon_starts_once_says_how_it_is_and_stops() {
    let stage = Stage::with_policy();
    let json = |words: &[&str]| -> Value {
        let told = stage.aegis_beside_hook(&[words, &["--json"]].concat());
        json!({"exit": told.exit, "state": told.json()["state"]})
    };
    let status = || json(&["daemon", "status"]);
    assert_eq!(status(), json!({"exit": 1, "state": "does_not_run"}));
    assert_eq!(
        json(&["daemon", "start"]),
        json!({"exit": 0, "state": "started"})
    );
    assert_eq!(
        json(&["daemon", "start"]),
        json!({"exit": 0, "state": "runs_already"})
    );
    assert_eq!(status(), json!({"exit": 0, "state": "runs"}));
    assert_eq!(ask(&stage, "one", "git status").as_deref(), Some("allow"));
    assert_eq!(
        json(&["daemon", "stop"]),
        json!({"exit": 0, "state": "stopped"})
    );
    assert_eq!(
        json(&["daemon", "stop"]),
        json!({"exit": 0, "state": "does_not_run"})
    );
    assert!(!stage.path(SOCKET).exists());
    assert_eq!(count(&stage, "ERROR_RAISED"), 0);
}

#[test]
fn a_service_that_hangs_is_told_from_one_that_is_full() {
    let stage = Stage::with_policy();
    let status = || {
        let told = stage.aegis(&["daemon", "status"]);
        (told.exit, told.out.lines().next().unwrap().to_owned())
    };
    let service = served(&stage);
    service.signal(Signal::STOP);
    let (exit, said) = status();
    assert!(
        exit == 4 && said.starts_with("The service hangs: "),
        "{said}"
    );
    service.signal(Signal::CONT);
    service.stop();
    // Whoever has no place is let in and out again.
    let door = UnixListener::bind(stage.path(SOCKET)).unwrap();
    std::thread::spawn(move || door.incoming().for_each(drop));
    let (exit, said) = status();
    assert!(
        exit == 3 && said.starts_with("The service is full: "),
        "{said}"
    );
}

#[test]
fn a_service_that_stops_leaves_the_socket_of_another_in_its_place() {
    for leave in ["removed", "moved", "replaced by a file"] {
        let stage = Stage::with_policy();
        let (socket, moved) = (stage.path(SOCKET), stage.path("home/moved.sock"));
        let first = served(&stage);
        match leave {
            "removed" => fs::remove_file(&socket).unwrap(),
            _ => fs::rename(&socket, &moved).unwrap(),
        }
        if leave == "replaced by a file" {
            fs::write(&socket, "").unwrap();
            first.stop();
            assert!(socket.exists(), "{leave}");
            continue;
        }
        let second = served(&stage);
        first.stop();
        stage.aegis(&["daemon", "status"]).exits(0);
        second.stop();
        assert!(!socket.exists(), "{leave}: its own it takes away");
    }
}

#[test]
fn a_hook_takes_no_exit_code_that_it_does_not_have() {
    let stage = Stage::with_policy();
    stage.write("home/.local/share/aegis/.keep", "");
    let socket = stage.path(SOCKET);
    let door = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for visitor in door.incoming() {
            let mut visitor = visitor.unwrap();
            let _ = visitor.read(&mut [0; 65_536]);
            let body = "{\"exit\":999,\"bytes\":0}\n";
            let length = body.len();
            let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
            let _ = visitor.write_all(reply.as_bytes());
        }
    });
    // One beside the log answers nothing then, so the hook decides by itself.
    let denied = ask(&stage, "one", "git push --force");
    assert_eq!(denied.as_deref(), Some("deny"));
    assert_eq!(count(&stage, "ERROR_RAISED"), 1);
    // Where settings name it nothing else decides, whatever is asked.
    let settings = format!("[service]\nsocket = {:?}\n", socket.to_str().unwrap());
    stage.write("home/.config/aegis/settings.toml", &settings);
    let denied = ask(&stage, "two", "git status");
    assert_eq!(denied.as_deref(), Some("deny"));
}

#[test]
fn a_service_starts_with_the_session_of_an_agent_where_the_user_wants_it() {
    let stage = Stage::with_policy();
    let settings = "[service]\nstart_with_session = true\n";
    stage.write("home/.config/aegis/settings.toml", settings);
    let mut event = stage.event("first", "call-1", "git status");
    event["hook_event_name"] = Value::from("SessionStart");
    event["source"] = Value::from("startup");
    // The small program and the large one beside it, as they are installed.
    let program = programs().join("aegis-hook");
    let hook = stage.hook_by(&program, &[], &event.to_string());
    assert!(hook.wait_with_output().unwrap().stdout.is_empty());
    let answers = || stage.aegis(&["daemon", "status"]).exit == 0;
    assert!((0..2_000).any(|_| answers()), "nothing was started");
    assert_eq!(
        stage.propose("first", "call-2", "git status").as_deref(),
        Some("allow")
    );
    stage.aegis(&["daemon", "stop"]).exits(0);
}
