//! Copying the log while it is written, and putting a copy back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use super::guide::{Step, are_shown, printed, steps};
use super::readme::words;
use super::stage::{Stage, keys, repository};

/// Returns the part of the page on the log under a heading.
fn section(heading: &str) -> String {
    let text = fs::read_to_string(repository("docs/log.md")).unwrap();
    let (_, rest) = text.split_once(&format!("## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

/// Does what a reader of `text` does, and compares what is printed.
///
/// `HEAD` stands for the head that the first backup prints, as it does for a reader.
fn walk(stage: &Stage, text: &str, is_first_done: &AtomicBool) -> usize {
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
