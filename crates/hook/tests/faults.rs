//! What the real program answers when something is broken: event by fault.
//!
//! Every cell of the table in `docs/hook-failures.md` is here. A fault is made
//! by what causes it on a real machine; the program has no switch to fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use aegis_hook::HookEvent;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_aegis-hook");

/// A policy that allows everything aloud, so that a lost denial would show.
const POLICY: &str = "aegis: policy/v1\nname: open\ndefault: deny\nrules:\n  \
    - {id: everything, match: {tool: \"*\"}, verdict: allow}\n";

/// How a process gets mounts of its own, whether or not it is root.
const OWN_MOUNTS: [&str; 3] = ["--user", "--map-root-user", "--mount"];

struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["home/.config/aegis", "project", "state"] {
            fs::create_dir_all(machine.path(name)).unwrap();
        }
        fs::set_permissions(machine.path("state"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(machine.policy(), POLICY).unwrap();
        machine
    }

    /// A machine on which a call was decided already.
    fn used() -> Self {
        let machine = Self::new();
        let output = machine.run(HookEvent::PreToolUse);
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            said["hookSpecificOutput"]["permissionDecision"], "allow",
            "{said}"
        );
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn policy(&self) -> PathBuf {
        self.path("home/.config/aegis/policy.yaml")
    }

    fn input(&self, event: HookEvent) -> Vec<u8> {
        // The host's own question is about another call, for it is refused when
        // the same call was denied.
        let command = if event == HookEvent::PermissionRequest {
            "make other"
        } else {
            "make"
        };
        json!({
            "session_id": "s-1", "cwd": self.path("project"), "hook_event_name": event.as_str(),
            "tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": "toolu_1",
            "tool_response": {"stdout": ""}, "error": "x", "stop_hook_active": false,
            "tool_calls": [], "source": "project_settings", "command_name": "x",
        })
        .to_string()
        .into_bytes()
    }

    /// Returns the program with the environment of this machine.
    fn prepare(&self, mut command: Command) -> Command {
        command
            .env_clear()
            .env("HOME", self.path("home"))
            .env("AEGIS_HOME", self.path("state"))
            .env("CLAUDE_PROJECT_DIR", self.path("project"))
            .env("PATH", "/usr/sbin:/usr/bin:/bin")
            .current_dir(self.path("project"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, event: HookEvent) -> Output {
        self.feed(Command::new(PROGRAM), &self.input(event))
    }

    /// Returns the program on a machine whose list of users is this machine's
    /// file `users`, after the shell words `before`.
    fn among_users(&self, before: &str) -> Command {
        let users = self.path("users");
        through_mounts(&format!(
            "mount --bind {} /etc/passwd && {before}",
            users.display()
        ))
    }

    fn feed(&self, command: Command, input: &[u8]) -> Output {
        let mut child = self.prepare(command).spawn().unwrap();
        // A program that answers early closes its end.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }
}

/// Returns the program run by a shell that owns its mounts, as root in there.
///
/// A machine that gives no process mounts of its own cannot show what these
/// tests show, and says what it lacks.
fn through_mounts(before: &str) -> Command {
    let may_mount = Command::new("unshare")
        .args(OWN_MOUNTS)
        .args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    assert!(
        may_mount
            .as_ref()
            .is_ok_and(|output| output.status.success()),
        "this test needs `unshare` and `mount` of util-linux, and to be root or allowed to make \
         user namespaces (sysctl kernel.unprivileged_userns_clone=1, \
         kernel.apparmor_restrict_unprivileged_userns=0): {may_mount:?}"
    );
    let mut command = Command::new("unshare");
    command.args(OWN_MOUNTS);
    command.args(["/bin/sh", "-c", &format!("{before} && exec '{PROGRAM}'")]);
    command
}

/// Returns the program run by a shell after `before`.
fn through_shell(before: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("{before}; exec '{PROGRAM}'")]);
    command
}

/// Checks the answer to `event` under a fault whose message has `part`.
#[track_caller]
fn check(fault: &str, event: HookEvent, output: &Output, part: &str) {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let about = format!(
        "{fault} on {event}: {:?} {stdout} {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(0), "{about}");
    assert_eq!(output.stderr, b"", "{about}");
    match event {
        HookEvent::PreToolUse => check_denied(&output.stdout, part, &about),
        HookEvent::PermissionRequest
        | HookEvent::PermissionDenied
        | HookEvent::PostToolUse
        | HookEvent::PostToolUseFailure
        | HookEvent::PostToolBatch
        | HookEvent::UserPromptSubmit
        | HookEvent::UserPromptExpansion
        | HookEvent::InstructionsLoaded
        | HookEvent::SessionStart
        | HookEvent::SessionEnd
        | HookEvent::Stop
        | HookEvent::StopFailure
        | HookEvent::SubagentStart
        | HookEvent::SubagentStop
        | HookEvent::ConfigChange => check_harmless(&output.stdout, &about),
    }
}

#[track_caller]
fn check_denied(stdout: &[u8], part: &str, about: &str) {
    let said: Value = serde_json::from_slice(stdout).expect(about);
    let specific = &said["hookSpecificOutput"];
    assert_eq!(specific["hookEventName"], "PreToolUse", "{about}");
    assert_eq!(specific["permissionDecision"], "deny", "{about}");
    let reason = specific["permissionDecisionReason"].as_str().expect(about);
    assert!(
        reason.contains("CANNOT_DECIDE") && reason.contains(part),
        "{about}"
    );
    assert!(reason.contains("aegis doctor"), "{about}");
}

/// Nothing, or no more than a message for the person: no block, no decision.
#[track_caller]
fn check_harmless(stdout: &[u8], about: &str) {
    if stdout.is_empty() {
        return;
    }
    let said: Value = serde_json::from_slice(stdout).expect(about);
    let keys: Vec<&String> = said.as_object().expect(about).keys().collect();
    assert_eq!(keys, ["systemMessage"], "{about}");
}

/// Runs `run` for every event at once and checks each answer.
fn check_all(fault: &str, part: &str, run: impl Fn(HookEvent) -> Output + Sync) {
    thread::scope(|scope| {
        for event in HookEvent::ALL {
            let run = &run;
            scope.spawn(move || check(fault, *event, &run(*event), part));
        }
    });
}

#[test]
fn input_that_names_no_event_is_denied() {
    let machine = Machine::new();
    let twice = br#"{"hook_event_name": "Stop", "hook_event_name": "PreToolUse"}"#;
    let large = vec![b' '; 17 * 1024 * 1024];
    let cases: [&[u8]; 8] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{} {}",
        twice,
        &large,
    ];
    for input in cases {
        let output = machine.feed(Command::new(PROGRAM), input);
        check("bad input", HookEvent::PreToolUse, &output, "the host sent");
    }
}

#[test]
fn input_that_lacks_what_its_event_needs() {
    let machine = Machine::new();
    check_all("bad input", "the host sent no `session_id`", |event| {
        let input = format!(r#"{{"hook_event_name": "{event}", "cwd": "/"}}"#);
        machine.feed(Command::new(PROGRAM), input.as_bytes())
    });
    check_all("bad input", "the host sent no `tool_use_id`", |event| {
        let input = format!(r#"{{"hook_event_name": "{event}", "cwd": "/", "session_id": "s"}}"#);
        machine.feed(Command::new(PROGRAM), input.as_bytes())
    });
}

#[test]
fn a_policy_that_cannot_be_read() {
    let machine = Machine::new();
    fs::remove_file(machine.policy()).unwrap();
    fs::create_dir(machine.policy()).unwrap();
    check_all("unreadable policy", "policy.yaml", |event| {
        machine.run(event)
    });
}

#[test]
fn a_policy_that_is_broken_and_was_never_good() {
    let machine = Machine::new();
    fs::write(machine.policy(), "aegis: policy/v1\nrules: [").unwrap();
    check_all("broken policy", "policy.yaml", |event| machine.run(event));
}

#[test]
fn a_policy_that_broke_leaves_the_last_good_one_in_force() {
    let machine = Machine::used();
    fs::write(machine.policy(), "aegis: policy/v1\nrules: [").unwrap();
    for event in HookEvent::ALL {
        let output = machine.run(*event);
        let about = format!("{event}: {output:?}");
        assert_eq!(output.status.code(), Some(0), "{about}");
        if *event == HookEvent::PreToolUse {
            let said: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(
                said["hookSpecificOutput"]["permissionDecision"], "allow",
                "{about}"
            );
        } else {
            check_harmless(&output.stdout, &about);
        }
    }
}

#[test]
fn a_home_directory_that_nothing_names() {
    let machine = Machine::new();
    fs::write(
        machine.path("users"),
        "other:x:4242:4242::/home/other:/bin/sh\n",
    )
    .unwrap();
    for home in ["unset HOME", "HOME=", "HOME=home"] {
        check_all("no home", "where the home directory is", |event| {
            machine.feed(machine.among_users(home), &machine.input(event))
        });
    }
}

#[test]
fn a_home_directory_that_only_the_list_of_users_names() {
    let machine = Machine::new();
    let listed = format!("me:x:0:0::{}:/bin/sh\n", machine.path("home").display());
    fs::write(machine.path("users"), listed).unwrap();
    for home in ["unset HOME", "HOME=", "HOME=home"] {
        let output = machine.feed(
            machine.among_users(home),
            &machine.input(HookEvent::PreToolUse),
        );
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let said = &said["hookSpecificOutput"];
        // Only the user's own policy allows anything here.
        assert_eq!(said["permissionDecision"], "allow", "{home}: {said}");
    }
}

#[test]
fn settings_that_are_broken() {
    let machine = Machine::new();
    fs::write(machine.path("home/.config/aegis/settings.toml"), "mode = 7").unwrap();
    check_all("broken settings", "settings.toml", |event| {
        machine.run(event)
    });
}

#[test]
fn a_pipe_where_a_file_should_be_is_not_waited_for() {
    let machine = Machine::new();
    let settings = machine.path("home/.config/aegis/settings.toml");
    let made = Command::new("mkfifo").arg(settings).status().unwrap();
    assert!(made.success());
    check_all("a pipe", "it is no file", |event| machine.run(event));
}

#[test]
fn a_link_where_a_file_of_its_own_should_be() {
    for name in [
        "",
        "cache",
        "cache/last-good",
        "keys",
        "keys/redaction.key",
        "trust.json",
        "log.db",
    ] {
        for leads in ["elsewhere", "nowhere"] {
            let machine = Machine::new();
            fs::create_dir(machine.path("elsewhere")).unwrap();
            fs::remove_dir(machine.path("state")).unwrap();
            let link: PathBuf = machine.path("state").join(name).components().collect();
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(machine.path(leads), &link).unwrap();
            check_all("a link", "is a link", |event| machine.run(event));
            assert!(!machine.path("nowhere").exists(), "{name}");
            let written = fs::read_dir(machine.path("elsewhere")).unwrap().count();
            assert_eq!(written, 0, "{name}");
        }
    }
}

#[test]
fn a_database_that_another_writer_keeps() {
    let machine = Machine::used();
    let other = rusqlite::Connection::open(machine.path("state/log.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    check_all("locked database", "busy", |event| machine.run(event));
    assert!(begun.elapsed() < Duration::from_secs(60));
    other.execute_batch("ROLLBACK").unwrap();
    let output = machine.run(HookEvent::PreToolUse);
    assert!(String::from_utf8_lossy(&output.stdout).contains("allow"));
}

#[test]
fn a_database_that_may_not_grow() {
    let machine = Machine::used();
    let room = fs::metadata(machine.path("state/log.db-wal")).map_or(0, |found| found.len());
    // The limit of the shell counts blocks of 512 bytes.
    let limit = format!("ulimit -f {}", room / 512);
    check_all("full database", "disk I/O error", |event| {
        machine.feed(through_shell(&limit), &machine.input(event))
    });
}

#[test]
fn no_file_may_be_written_at_all() {
    for (machine, part) in [
        (Machine::new(), "no key can be made"),
        (Machine::used(), "disk I/O error"),
    ] {
        check_all("no file may grow", part, |event| {
            machine.feed(through_shell("ulimit -f 0"), &machine.input(event))
        });
    }
}

#[test]
fn a_disk_that_is_full() {
    let machine = Machine::used();
    let state = machine.path("state");
    let fill = format!(
        "mkdir {kept} && mount -t tmpfs -o size=512k tmpfs {kept} && \
         cp -a {state}/. {kept} && mount --move {kept} {state} && \
         (cat /dev/zero > {state}/filler 2>/dev/null; true)",
        state = state.display(),
        kept = machine.path("kept-$$").display(),
    );
    check_all("full disk", "no room", |event| {
        machine.feed(through_mounts(&fill), &machine.input(event))
    });
}

#[test]
fn a_database_that_may_not_be_written() {
    let machine = Machine::used();
    for entry in fs::read_dir(machine.path("state")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::set_permissions(path, fs::Permissions::from_mode(0o400)).unwrap();
        }
    }
    fs::set_permissions(machine.path("state"), fs::Permissions::from_mode(0o500)).unwrap();
    check_all("read-only database", "the log is read-only", |event| {
        machine.feed(without_override(), &machine.input(event))
    });
    fs::set_permissions(machine.path("state"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_database_that_is_no_database() {
    let machine = Machine::new();
    fs::write(
        machine.path("state/log.db"),
        "this is no database, whatever its name says",
    )
    .unwrap();
    check_all("damaged database", "the file is not a log", |event| {
        machine.run(event)
    });
}

#[test]
fn a_run_that_takes_too_long() {
    let machine = Machine::used();
    let settings = machine.path("home/.config/aegis/settings.toml");
    fs::write(&settings, "").unwrap();
    let mut holder = hold(&settings);
    let begun = Instant::now();
    check_all("deadline", "its time was over", |event| machine.run(event));
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "{:?}",
        begun.elapsed()
    );
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
}

/// Starts a process that keeps a lease on a file: whoever opens it waits until
/// the process gives it back, or for the 45 seconds that Linux grants it.
fn hold(path: &Path) -> Child {
    let program = "\
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
held = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('held', flush=True)
sys.stdin.read()
";
    let mut holder = Command::new("python3")
        .args(["-c", program])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 4];
    let out = holder.stdout.as_mut().unwrap();
    out.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"held");
    holder
}

/// Runs a proposal of `tool`; returns what the program says.
fn propose(machine: &Machine, tool: &str, params: Value) -> String {
    let input = json!({
        "session_id": "s-1", "cwd": machine.path("project"), "hook_event_name": "PreToolUse",
        "tool_name": tool, "tool_input": params, "tool_use_id": "toolu_1",
    });
    let output = machine.feed(Command::new(PROGRAM), input.to_string().as_bytes());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Texts that cost each step the most, as long as `bytes`.
fn costly(bytes: usize) -> Vec<String> {
    let many = |unit: &str| format!("echo {}", unit.repeat(bytes / unit.len()));
    let mut texts: Vec<String> = [
        "a",
        "a b ",
        "password=hunter2 ",
        "http://a:b@c/d ",
        "sk-",
        "$(",
    ]
    .iter()
    .map(|unit| many(unit))
    .collect();
    let mut different = String::from("echo ");
    for number in 0.. {
        if different.len() >= bytes {
            break;
        }
        different.push_str(&format!("token=x{number}y "));
    }
    texts.push(different);
    texts
}

fn start(text: &str) -> &str {
    text.get(..20).unwrap_or_default()
}

#[test]
fn a_proposal_that_is_too_large_to_be_examined_is_denied_at_once() {
    let machine = Machine::new();
    for text in costly(15 * 1024 * 1024) {
        for (tool, params) in [
            ("Bash", json!({"command": text})),
            ("Write", json!({"file_path": "/tmp/x", "content": text})),
        ] {
            let said = propose(&machine, tool, params);
            let about = format!("{tool} {}: {said}", start(&text));
            assert!(
                said.contains("CANNOT_DECIDE") && said.contains("more than 1 MiB"),
                "{about}"
            );
        }
    }
    let said = propose(
        &machine,
        "mcp__x__y",
        json!({"all": vec!["a"; 2 * 1024 * 1024]}),
    );
    assert!(said.contains("more than 1 MiB"), "{said}");
    let said = propose(&machine, &"t".repeat(15 * 1024 * 1024), json!({}));
    assert!(said.contains("more than 1 MiB"), "{said}");
}

#[test]
fn a_proposal_just_small_enough_is_decided_in_time() {
    let machine = Machine::new();
    let plain = format!("echo {}", "a".repeat(1000 * 1024));
    // As full of secrets no text is; a program that is not optimised needs its time.
    for text in costly(128 * 1024).into_iter().chain([plain]) {
        let said = propose(&machine, "Bash", json!({"command": text}));
        // What cannot be read may be taken for too near to what is protected.
        let is_decided = said.contains("\"allow\"") || said.contains("PROTECTED_RESOURCE");
        assert!(is_decided, "{}: {said}", start(&text));
    }
}

#[test]
fn input_that_never_ends() {
    let machine = Machine::new();
    let mut child = machine.prepare(Command::new(PROGRAM)).spawn().unwrap();
    let mut open = child.stdin.take().unwrap();
    open.write_all(b"{\"hook_event_name\": \"PreToolUse\", ")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    drop(open);
    check(
        "deadline",
        HookEvent::PreToolUse,
        &output,
        "its time was over",
    );
}

#[test]
fn a_program_that_is_killed_says_nothing() {
    for event in HookEvent::ALL {
        let machine = Machine::new();
        let mut child = machine.prepare(Command::new(PROGRAM)).spawn().unwrap();
        let mut open = child.stdin.take().unwrap();
        let input = machine.input(*event);
        open.write_all(input.get(..input.len() - 1).unwrap())
            .unwrap();
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        // What it means is the host's: only the registration can close this.
        assert_eq!(output.status.signal(), Some(9), "{event}");
        assert_eq!(output.stdout, b"", "{event}");
    }
}

#[test]
fn an_answer_that_cannot_be_printed_still_blocks_a_call_and_nothing_else() {
    let machine = Machine::used();
    for event in HookEvent::ALL {
        let output = machine.feed(through_shell("exec >/dev/full"), &machine.input(*event));
        let expected = if *event == HookEvent::PreToolUse {
            2
        } else {
            0
        };
        assert_eq!(output.status.code(), Some(expected), "{event}");
    }
}

/// Returns the program without the superuser's right to pass over modes.
fn without_override() -> Command {
    if !is_root() {
        return Command::new(PROGRAM);
    }
    let mut command = Command::new("setpriv");
    command.args([
        "--bounding-set",
        "-dac_override",
        "--inh-caps",
        "-dac_override",
        PROGRAM,
    ]);
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}
