//! A backup is a whole log, and what is restored from it is the log it was.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use aegis_log::{
    Ahead, BackupError, CopyStep, Depth, Durability, Evidence, Log, OpenLogError, Options, Restore,
    RestoreError, Restored, SqliteLog, Verification, restore, verify,
};
use rusqlite::params;

use crate::child::Orders;
use crate::making::{Place, append_action, document, heads_of, session};

const CANONICAL: Evidence<'static> = Evidence {
    depth: Depth::Canonical,
    ..Evidence::NONE
};

fn silent(_: CopyStep) {}

fn backup(log: &SqliteLog, to: &Path) -> Result<Verification, BackupError> {
    log.backup(to, false, &mut silent)
}

/// A log of two sessions, with a document.
fn filled(place: &Place) -> SqliteLog {
    let log = place.open();
    for number in 0..4 {
        append_action(&log, &session("one"), &format!("one-{number}"), 10);
        append_action(&log, &session("two"), &format!("two-{number}"), 20);
    }
    let mut batch = crate::making::action(&session("one"), "documented", 30);
    batch.documents = vec![document("a policy")];
    log.append(batch).unwrap();
    log
}

/// What lies in the folder of a file, by name.
fn names_beside(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path.parent().unwrap()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn again(place: &Place, from: &Path, force: bool) -> Result<Restored, RestoreError> {
    let wanted = Restore {
        from,
        to: &place.path(),
        aside: &aside(place),
        force,
    };
    restore(&wanted, &mut silent)
}

fn aside(place: &Place) -> PathBuf {
    place.path().with_file_name("log-kept.db")
}

fn records(path: &Path) -> u64 {
    let found = verify(&SqliteLog::open_read_only(path).unwrap(), &CANONICAL).unwrap();
    assert!(found.is_sound(), "{:?}", found.faults);
    found.records
}

#[test]
fn a_backup_is_one_file_for_its_owner_that_holds_the_whole_log() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let log = filled(&place);
    let to = elsewhere.path();
    let mut steps = Vec::new();
    let found = log
        .backup(&to, false, &mut |step| steps.push(step))
        .unwrap();
    assert_eq!(found, verify(&log, &CANONICAL).unwrap());
    assert_eq!(names_beside(&to), ["log.db"]);
    assert_eq!(
        fs::metadata(&to).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(steps.last(), Some(&CopyStep::Verifying));
    assert!(
        matches!(steps[0], CopyStep::Copying { pages, of } if pages == of && of > 8),
        "{steps:?}"
    );
    let copy = SqliteLog::open_still(&to).unwrap();
    assert_eq!(copy.chains().unwrap(), log.chains().unwrap());
    assert_eq!(
        copy.document(&document("a policy").0).unwrap(),
        Some(document("a policy").1)
    );
    drop(copy);
    assert_eq!(names_beside(&to), ["log.db"]);
}

#[test]
fn a_file_that_is_there_is_replaced_only_if_told() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let log = filled(&place);
    let to = elsewhere.path();
    fs::write(&to, "something else").unwrap();
    // What would be taken for a part of the copy.
    fs::write(to.with_file_name("log.db-wal"), "left behind").unwrap();
    assert!(matches!(backup(&log, &to), Err(BackupError::Exists)));
    assert_eq!(fs::read(&to).unwrap(), b"something else");
    fs::remove_file(&to).unwrap();
    assert!(matches!(backup(&log, &to), Err(BackupError::Exists)));
    fs::write(&to, "something else").unwrap();
    log.backup(&to, true, &mut silent).unwrap();
    assert_eq!(names_beside(&to), ["log.db"]);
    assert_eq!(records(&to), records(&place.path()));
    for replace in [false, true] {
        let own = log.backup(&place.path(), replace, &mut silent);
        assert!(matches!(own, Err(BackupError::Itself)), "{own:?}");
    }
    let nowhere = elsewhere.path().join("no/folder");
    assert!(matches!(backup(&log, &nowhere), Err(BackupError::Write(_))));
}

#[test]
fn a_log_with_a_fault_gives_no_backup() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let log = filled(&place);
    place
        .intruder()
        .execute("UPDATE records SET at = 11 WHERE id = 1", [])
        .unwrap();
    let to = elsewhere.path();
    let refused = backup(&log, &to).unwrap_err();
    assert!(
        matches!(&refused, BackupError::Unsound(found) if found.fault_count == 1),
        "{refused:?}"
    );
    assert_eq!(names_beside(&place.path()).len(), 3);
    assert!(fs::read_dir(to.parent().unwrap()).unwrap().next().is_none());
}

/// Starts two processes that append without pause.
fn writers(place: &Place, appends: usize) -> Vec<Child> {
    ["left", "right"]
        .into_iter()
        .map(|name| {
            let orders = Orders {
                log: &place.path(),
                acknowledged: &place.path().with_file_name(name),
                durability: Durability::Normal,
                name,
                appends,
                wal_pages: 64,
            };
            orders.command(&[]).spawn().unwrap()
        })
        .collect()
}

#[test]
fn a_backup_taken_while_others_append_is_the_log_of_one_moment() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let log = filled(&place);
    let mut children = writers(&place, 2_000);
    let mut taken = 0;
    let mut sizes = Vec::new();
    while children
        .iter_mut()
        .any(|child| child.try_wait().unwrap().is_none())
    {
        let to = elsewhere.path().with_file_name(format!("{taken}.db"));
        let before = log.head(&heads_of("acme")).unwrap();
        sizes.push(backup(&log, &to).unwrap().records);
        taken += 1;
        let copy = SqliteLog::open_still(&to).unwrap();
        let kept = copy.head(&heads_of("acme")).unwrap();
        assert!(kept.next >= before.next, "acknowledged before it began");
        // What was copied is what the log still says.
        let seq = kept.next - 1;
        let there = log.read(&heads_of("acme"), seq, 1).unwrap();
        assert_eq!(Some(there[0].hash), kept.hash);
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert!(taken >= 2, "{taken} backups");
    assert!(sizes.windows(2).any(|pair| pair[0] < pair[1]), "{sizes:?}");
    assert!(verify(&log, &CANONICAL).unwrap().is_sound());
}

#[test]
fn a_log_that_was_destroyed_is_restored_and_goes_on() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let log = filled(&place);
    let from = elsewhere.path();
    backup(&log, &from).unwrap();
    let heads = log.head(&heads_of("acme")).unwrap();
    append_action(&log, &session("one"), "lost", 40);
    drop(log);
    // The file alone is gone; its WAL would spoil any other file of its name.
    fs::remove_file(place.path()).unwrap();
    assert!(fs::metadata(place.path().with_file_name("log.db-wal")).is_ok());

    let restored = again(&place, &from, false).unwrap();
    // What is kept is named, and is all that there was.
    let kept = restored.kept.unwrap();
    assert_eq!(kept, aside(&place).with_extension("db-wal"));
    assert!(kept.exists() && !aside(&place).exists());
    assert!(restored.verification.is_sound());
    let log = place.open();
    assert_eq!(log.head(&heads_of("acme")).unwrap(), heads);
    append_action(&log, &session("one"), "later", 50);
    assert_eq!(
        verify(&log, &CANONICAL).unwrap().records,
        restored.verification.records + 3
    );
    assert_eq!(names_beside(&from), ["log.db"]);
}

#[test]
fn a_log_is_restored_where_none_was() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let from = elsewhere.path();
    backup(&filled(&Place::new()), &from).unwrap();
    let restored = again(&place, &from, false).unwrap();
    assert_eq!(restored.kept, None);
    assert_eq!(names_beside(&place.path()), ["log.db"]);
    assert_eq!(records(&place.path()), restored.verification.records);
}

#[test]
fn records_that_the_backup_lacks_are_not_given_up_unless_told() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let log = filled(&place);
    let from = elsewhere.path();
    backup(&log, &from).unwrap();
    append_action(&log, &session("one"), "more", 40);
    append_action(&log, &session("three"), "more", 40);
    drop(log);
    let whole = records(&place.path());
    let refused = again(&place, &from, false).unwrap_err();
    let RestoreError::Ahead(ahead) = refused else {
        panic!("{refused:?}");
    };
    let of = |chain, from, to| Ahead { chain, from, to };
    assert_eq!(
        ahead,
        [
            of(session("one"), 10, 11),
            of(session("three"), 0, 1),
            of(heads_of("acme"), 9, 10),
        ]
    );
    assert_eq!(records(&place.path()), whole);

    let restored = again(&place, &from, true).unwrap();
    assert_eq!(restored.kept, Some(aside(&place)));
    assert_eq!(records(&place.path()), restored.verification.records);
    assert_eq!(records(&aside(&place)), whole);
    append_action(&place.open(), &session("one"), "another", 60);

    // Two logs that went on in different ways share a beginning and no more.
    let other = elsewhere.path().with_file_name("other.db");
    fs::rename(aside(&place), &other).unwrap();
    let refused = again(&place, &other, false).unwrap_err();
    assert!(
        matches!(&refused, RestoreError::Ahead(ahead)
            if *ahead == [of(session("one"), 10, 11), of(heads_of("acme"), 9, 9)]),
        "{refused:?}"
    );
}

#[test]
fn an_older_log_is_restored_over_within_its_file() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let log = filled(&place);
    let older = elsewhere.path().with_file_name("older.db");
    backup(&log, &older).unwrap();
    append_action(&log, &session("one"), "more", 40);
    let newer = elsewhere.path();
    backup(&log, &newer).unwrap();
    drop(log);
    again(&place, &older, true).unwrap();
    fs::remove_file(aside(&place)).unwrap();
    let file = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let before = file(&place.path());
    again(&place, &newer, false).unwrap();
    assert_eq!(file(&place.path()), before);
    assert_eq!(records(&place.path()), records(&newer));
    // What is kept aside is never overwritten.
    let refused = again(&place, &newer, false).unwrap_err();
    assert!(
        matches!(refused, RestoreError::Aside(BackupError::Exists)),
        "{refused:?}"
    );
}

#[test]
fn nothing_is_restored_while_another_process_has_the_log_open() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let from = elsewhere.path();
    backup(&filled(&place), &from).unwrap();
    let mut children = writers(&place, 5_000);
    let began = Instant::now();
    while records_now(&place) < 30 {
        assert!(began.elapsed() < Duration::from_secs(20));
    }
    let refused = again(&place, &from, true).unwrap_err();
    assert!(matches!(refused, RestoreError::InUse), "{refused:?}");
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    again(&place, &from, true).unwrap();
    assert_eq!(records(&place.path()), records(&from));
}

fn records_now(place: &Place) -> u64 {
    let log = SqliteLog::open_read_only(place.path()).unwrap();
    log.change_counter().unwrap()
}

#[test]
fn a_log_that_is_open_and_idle_is_in_use() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let log = filled(&place);
    let from = elsewhere.path();
    backup(&log, &from).unwrap();
    let refused = again(&place, &from, false).unwrap_err();
    assert!(matches!(refused, RestoreError::InUse), "{refused:?}");
    drop(log);
    again(&place, &from, false).unwrap();
}

#[test]
fn a_backup_with_a_fault_is_never_restored() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let log = filled(&place);
    let from = elsewhere.path();
    backup(&log, &from).unwrap();
    drop(log);
    let before = records(&place.path());
    elsewhere
        .intruder()
        .execute("UPDATE records SET subject = ?1 WHERE id = 1", params!["x"])
        .unwrap();
    let refused = again(&place, &from, true).unwrap_err();
    assert!(
        matches!(&refused, RestoreError::Backup(BackupError::Unsound(found)) if !found.is_sound()),
        "{refused:?}"
    );
    assert_eq!(records(&place.path()), before);
    assert!(!aside(&place).exists());

    fs::write(&from, "no log at all").unwrap();
    let refused = again(&place, &from, true).unwrap_err();
    assert!(
        matches!(refused, RestoreError::Open(OpenLogError::NotALog)),
        "{refused:?}"
    );
    let own = again(&place, &place.path(), true).unwrap_err();
    assert!(matches!(own, RestoreError::Itself), "{own:?}");
}

#[test]
fn a_file_that_is_no_log_any_more_is_kept_and_replaced_only_if_told() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let from = elsewhere.path();
    backup(&filled(&place), &from).unwrap();
    let whole = records(&from);
    for spoiled in [&b"overwritten by something"[..], &b""[..]] {
        fs::write(place.path(), spoiled).unwrap();
        let refused = again(&place, &from, false).unwrap_err();
        assert!(
            matches!(
                refused,
                RestoreError::Unreadable(OpenLogError::NotALog | OpenLogError::Damaged(_))
            ),
            "{refused:?}"
        );
        assert_eq!(fs::read(place.path()).unwrap(), spoiled);
        let restored = again(&place, &from, true).unwrap();
        assert_eq!(restored.kept, Some(aside(&place)));
        assert_eq!(fs::read(aside(&place)).unwrap(), spoiled);
        assert_eq!(records(&place.path()), whole);
        append_action(&place.open(), &session("one"), "later", 50);
        for left in ["log-kept.db", "log-kept.db-wal"] {
            let _ = fs::remove_file(place.path().with_file_name(left));
        }
    }
}

#[test]
fn whoever_waits_for_a_restore_goes_on_with_the_log_restored() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let log = filled(&place);
    let from = elsewhere.path();
    backup(&log, &from).unwrap();
    append_action(&log, &session("one"), "given up", 40);
    drop(log);
    let path = place.path();
    let mut waiting = None;
    let mut verified = 0;
    let wanted = Restore {
        from: &from,
        to: &path,
        aside: &aside(&place),
        force: true,
    };
    restore(&wanted, &mut |step| {
        // The second copy is that of the present log, which nobody else can open then.
        verified += u32::from(step == CopyStep::Verifying);
        if verified == 1 && step != CopyStep::Verifying && waiting.is_none() {
            let path = path.clone();
            waiting = Some(std::thread::spawn(move || {
                let patient = Options {
                    patience: Duration::from_secs(20),
                    ..Options::default()
                };
                let log = SqliteLog::open(path, patient).unwrap();
                append_action(&log, &session("one"), "waited", 50);
            }));
        }
    })
    .unwrap();
    waiting.unwrap().join().unwrap();
    let log = SqliteLog::open_read_only(&path).unwrap();
    let one = log.read(&session("one"), 10, 9).unwrap();
    assert_eq!(one.len(), 2);
    assert_eq!(one[0].subject.as_deref(), Some("waited"));
    drop(log);
    assert_eq!(records(&path), records(&from) + 3);
}
