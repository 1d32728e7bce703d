//! Copying the log while it is written, and putting a copy back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::guide::{Step, are_shown, printed, steps};
use super::readme::words;
use super::running::Running;
use super::stage::{Stage, keys, programs, repository};

/// Returns the part of the page on the log under a heading.
pub fn section(heading: &str) -> String {
    let text = fs::read_to_string(repository("docs/log.md")).unwrap();
    let (_, rest) = text.split_once(&format!("## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

/// Does what a reader of `text` does, and compares what is printed.
///
/// `HEAD` stands for the head that the first backup prints, as it does for a reader.
pub fn walk(stage: &Stage, text: &str, is_first_done: &AtomicBool) -> usize {
    let mut commands = 0;
    let mut head = None;
    for step in steps(text) {
        let (line, shown) = match step {
            Step::Command { line, shown } => (line, shown),
            Step::Asked { id, command } => {
                stage.propose("later", &id, &command);
                continue;
            }
            Step::File { name, .. } => panic!("the file {name}"),
        };
        let all = words(&line);
        let (program, rest) = all.split_first().unwrap();
        if program == "rm" {
            let path = rest[0].strip_prefix("~/").unwrap();
            fs::remove_file(stage.path("home").join(path)).unwrap();
            continue;
        }
        assert_eq!(program, "aegis", "{line}");
        let rest: Vec<&str> = rest
            .iter()
            .map(|word| match word.as_str() {
                "HEAD" => head.as_deref().unwrap(),
                word => word,
            })
            .collect();
        let lines = printed(stage, &stage.aegis(&rest));
        assert!(
            are_shown(&shown, &lines),
            "$ {line}\n{}\n\nis shown as\n\n{}",
            lines.join("\n"),
            shown.join("\n")
        );
        let found = lines.iter().find_map(|line| line.strip_prefix("  head  "));
        head = head.or(found.map(str::to_owned));
        is_first_done.store(true, Ordering::Relaxed);
        commands += 1;
    }
    commands
}

#[test]
fn the_procedure_of_backup_and_restore_does_and_prints_what_it_shows() {
    let stage = Stage::with_log();
    let is_first_done = AtomicBool::new(false);
    // An agent is at work until the backup is made, and some time after.
    let commands = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            while !is_first_done.load(Ordering::Relaxed) {
                stage.propose("busy", &format!("busy-{written}"), "git status");
                written += 1;
            }
            written
        });
        let text = section("Backup and restore");
        let (before, after) = text.split_once("When the log is gone").unwrap();
        assert!(walk(&stage, before, &is_first_done) >= 1);
        assert!(writer.join().unwrap() > 0);
        drop(stage.aegis(&["log", "verify"]).exits(0));
        fs::remove_file(stage.path("work/keep.db")).unwrap();
        walk(&stage, &format!("{before}{after}"), &is_first_done)
    });
    assert_eq!(commands, 7);
}

#[test]
fn a_backup_says_what_it_holds_and_never_replaces_a_file_unasked() {
    let stage = Stage::with_log();
    stage.write("work/there.db", "something else");
    let told = [
        stage.aegis(&["log", "backup", "made.db"]).exits(0),
        stage.aegis(&["log", "backup", "there.db"]).exits(2),
        stage.aegis(&["log", "backup", "no/folder/x.db"]).exits(3),
        stage
            .aegis(&["log", "backup", "--force", stage.log().to_str().unwrap()])
            .exits(2),
        stage
            .aegis(&["log", "backup", "there.db", "--force"])
            .exits(0),
    ];
    stage.shows("log-backup", &told.iter().collect::<Vec<_>>());
    for name in ["work/made.db", "work/there.db"] {
        let mode = fs::metadata(stage.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let mut names: Vec<_> = fs::read_dir(stage.path("work"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["made.db", "there.db"]);
    let json = stage.aegis(&["log", "backup", "third.db", "--json"]);
    let json = json.exits(0).json();
    assert_eq!(
        keys(&json),
        ["documents", "file", "heads", "records", "sessions"]
    );
    assert_eq!(keys(&json["heads"][0]), ["head", "tenant"]);
}

#[test]
fn a_restore_says_what_it_would_lose_and_keeps_it_if_forced() {
    let stage = Stage::with_log();
    stage.aegis(&["log", "backup", "keep.db"]).exits(0);
    let same = stage.aegis(&["log", "restore", "keep.db"]).exits(0);
    stage.propose("second", "call-5", "ls");
    stage.propose("third", "call-6", "ls");
    let told = [
        same,
        stage.aegis(&["log", "restore", "keep.db"]).exits(1),
        stage
            .aegis(&["log", "restore", "keep.db", "--force"])
            .exits(0),
        stage.aegis(&["log", "list", "--sessions"]).exits(0),
        stage.aegis(&["log", "restore", "missing.db"]).exits(2),
    ];
    stage.shows("log-restore", &told.iter().collect::<Vec<_>>());
    let json = stage.aegis(&["log", "restore", "keep.db", "--json"]);
    let json = json.exits(0).json();
    assert_eq!(
        keys(&json),
        ["documents", "file", "heads", "kept", "records", "sessions"]
    );
    let kept = json["kept"].as_str().unwrap();
    stage.aegis(&["log", "verify", "--file", kept]).exits(0);
}

#[test]
fn a_backup_that_was_changed_is_named_and_not_restored() {
    let stage = Stage::with_log();
    stage.aegis(&["log", "backup", "keep.db"]).exits(0);
    let before = fs::read(stage.log()).unwrap();
    rusqlite::Connection::open(stage.path("work/keep.db"))
        .unwrap()
        .execute_batch(
            "DROP TRIGGER records_keep;
             UPDATE records SET subject = 'call-9' WHERE subject = 'call-2'",
        )
        .unwrap();
    let told = [
        stage
            .aegis(&["log", "restore", "keep.db", "--force"])
            .exits(1),
        stage
            .aegis(&["log", "verify", "--file", "keep.db"])
            .exits(1),
    ];
    stage.shows("log-restore-changed", &told.iter().collect::<Vec<_>>());
    assert!(fs::read(stage.log()).unwrap() == before);
}

#[test]
fn nothing_is_restored_while_a_service_answers() {
    let stage = Stage::with_log();
    stage.aegis(&["log", "backup", "keep.db"]).exits(0);
    let served = Running::start(&stage, &programs().join("aegis"), &["serve"], "unix:");
    // The service goes on with the file that is no longer there.
    fs::remove_file(stage.log()).unwrap();
    let refused = stage.aegis(&["log", "restore", "keep.db", "--force"]);
    let said = refused.exits(3).err;
    assert!(said.contains("a service answers at `"), "{said}");
    assert!(said.contains("help: stop it"), "{said}");
    assert!(!stage.log().exists());
    served.stop();
    stage.aegis(&["log", "restore", "keep.db"]).exits(0);
    stage.aegis(&["log", "verify"]).exits(0);
}

#[test]
fn an_agent_may_not_restore_a_log() {
    let stage = Stage::with_log();
    stage.aegis(&["log", "backup", "keep.db"]).exits(0);
    let told = stage.aegis_with(&["log", "restore", "keep.db"], &[("CLAUDECODE", "1")]);
    let told = told.exits(1);
    assert!(told.err.contains("an agent may not change"), "{}", told.err);
}

#[test]
fn an_export_is_held_against_a_head_that_was_kept() {
    let stage = Stage::with_log();
    stage.aegis(&["log", "export", "-o", "log.jsonl"]).exits(0);
    let json = stage.aegis(&["log", "backup", "keep.db", "--json"]);
    let head = json.exits(0).json()["heads"][0]["head"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = head.replace(|found: char| found.is_ascii_hexdigit(), "7");
    for file in [&["--file", "log.jsonl"][..], &["--file", "keep.db"], &[]] {
        let verify = |head: &str, exit| {
            let words = [&["log", "verify", "--anchor", head][..], file].concat();
            stage.aegis(&words).exits(exit).out
        };
        assert!(verify(&head, 0).contains("✓ anchored"), "{file:?}");
        verify(&other, 1);
    }
    stage
        .aegis(&["log", "verify", "--anchor", "no head"])
        .exits(2);
}

/// Lets the agent's host report what a shell command gave back.
fn report(stage: &Stage, session: &str, id: &str, command: &str, stdout: &str) {
    let mut event = stage.event(session, id, command);
    event["hook_event_name"] = "PostToolUse".into();
    event["tool_response"] = json!({"stdout": stdout, "stderr": "", "interrupted": false});
    let told = stage.hook(&event).wait_with_output().unwrap();
    assert!(told.status.success(), "{told:?}");
}

/// A log in which results are sealed: two of the session `first`, one of `second`.
fn sealed_stage() -> Stage {
    let stage = Stage::with_policy();
    stage.write("home/.config/aegis/settings.toml", "seal = \"results\"\n");
    for (session, id, stdout) in [
        ("first", "call-1", "the plan of the house"),
        ("first", "call-2", "the plan of the garden"),
        ("second", "call-3", "the plan of the town"),
    ] {
        stage.propose(session, id, "git status");
        report(&stage, session, id, "git status", stdout);
    }
    stage
}

fn holds(stage: &Stage, name: &str, wanted: &str) -> bool {
    let bytes = fs::read(stage.path(name)).unwrap_or_default();
    let wanted = wanted.as_bytes();
    bytes.windows(wanted.len()).any(|found| found == wanted)
}

#[test]
fn a_sealed_result_is_erased_for_good_and_the_log_stays_whole() {
    let stage = sealed_stage();
    for name in ["log.db", "log.db-wal"] {
        let name = format!("home/.local/share/aegis/{name}");
        assert!(!holds(&stage, &name, "plan of the"), "{name}");
    }
    let replayed = stage.aegis(&["log", "replay", "--json"]).exits(0).json();
    stage.aegis(&["log", "backup", "keep.db"]).exits(0);
    let agent = stage.aegis_with(
        &["log", "erase", "--session", "first"],
        &[("CLAUDECODE", "1")],
    );
    assert!(agent.exits(1).err.contains("an agent may not change"));
    let one = &["log", "erase", "--session", "first", "--request", "call-1"];
    let told = [
        stage.aegis(&["log", "show", "call-1"]).exits(0),
        stage.aegis(one).exits(0),
        stage.aegis(one).exits(1),
        stage.aegis(&["log", "show", "call-1"]).exits(0),
        stage.aegis(&["log", "verify", "--canonical"]).exits(0),
    ];
    assert!(told[0].out.contains("the plan of the house"));
    stage.shows("log-erase", &told.iter().collect::<Vec<_>>());
    let shown = |id: &str| stage.aegis(&["log", "show", id]).exits(0).out;
    assert!(shown("call-2").contains("the plan of the garden"));

    stage.aegis(&["log", "export", "-o", "log.jsonl"]).exits(0);
    let text = stage.read("work/log.jsonl");
    let last: Value = serde_json::from_str(text.lines().next_back().unwrap()).unwrap();
    assert_eq!(last["end"]["erased"].as_array().unwrap().len(), 1);
    assert_eq!(last["end"]["erased"][0]["session_id"], "first");
    let erasure = text.lines().find(|line| line.contains("PAYLOAD_ERASED"));
    let erasure: Value = serde_json::from_str(erasure.unwrap()).unwrap();
    assert_eq!(
        keys(&erasure["payload"]),
        ["by", "records", "request"],
        "{erasure}"
    );
    assert_eq!(erasure["payload"]["request"], "call-1");
    assert_eq!(
        erasure["payload"]["records"][0],
        last["end"]["erased"][0]["seq"]
    );
    let verified = stage.aegis(&["log", "verify", "--file", "log.jsonl", "--json"]);
    assert_eq!(verified.exits(0).json()["erased"], 1);

    // The rest of the session goes, the other session stays, replay is what it was.
    let rest = stage.aegis(&["log", "erase", "--session", "first", "--json"]);
    let rest = rest.exits(0).json();
    assert_eq!(
        rest,
        json!({"session": "first", "request": null, "payloads": 1, "keys": 1})
    );
    assert!(shown("call-3").contains("the plan of the town"));
    let again = stage.aegis(&["log", "replay", "--json"]).exits(0).json();
    assert_eq!(again, replayed);

    // A backup brings the ciphertext back, and nothing opens it.
    stage
        .aegis(&["log", "restore", "keep.db", "--force"])
        .exits(0);
    assert!(shown("call-1").contains("erased"));
    assert!(!shown("call-1").contains("the plan of the house"));
    assert!(shown("call-3").contains("the plan of the town"));
    fs::remove_dir_all(stage.path("home/.local/share/aegis/keys/payloads")).unwrap();
    assert!(shown("call-3").contains("its key is not here"));
}

#[test]
fn nothing_is_sealed_unless_a_setting_says_so() {
    let stage = Stage::with_log();
    report(&stage, "first", "call-1", "git status", "the plan");
    assert!(!stage.path("home/.local/share/aegis/keys/payloads").exists());
    let shown = stage.aegis(&["log", "show", "call-1"]).exits(0).out;
    assert!(shown.contains("the plan"), "{shown}");
    stage
        .aegis(&["log", "erase", "--session", "first"])
        .exits(1);
    stage.aegis(&["log", "erase", "--session", "a b"]).exits(2);
}
