//! Several writers at once.

use std::collections::BTreeSet;
use std::time::Duration;

use aegis_log::{AppendError, Log, OpenLogError, Options, SqliteLog};

use crate::making::{Place, action, append_action, heads_of, session};

const THREADS: u64 = 8;
const APPENDS: u64 = 50;

fn append_from_many_threads(log: &dyn Log, shared: bool) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let name = if shared { 0 } else { thread };
                let chain = session(&format!("session-{name}"));
                for number in 0..APPENDS {
                    append_action(log, &chain, &format!("{thread}-{number}"), 10);
                }
            });
        }
    });
}

#[test]
fn threads_that_append_at_once_lose_nothing() {
    let place = Place::new();
    let log = place.open();
    append_from_many_threads(&log, false);
    for thread in 0..THREADS {
        let chain = session(&format!("session-{thread}"));
        let read = log.read(&chain, 0, usize::MAX).unwrap();
        let expected: Vec<String> = (0..APPENDS)
            .flat_map(|number| [format!("{thread}-{number}"), format!("{thread}-{number}")])
            .collect();
        let found: Vec<String> = read.into_iter().filter_map(|one| one.subject).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn threads_that_share_a_chain_lose_nothing_and_do_not_fork_it() {
    let place = Place::new();
    let log = place.open_full();
    append_from_many_threads(&log, true);
    let read = log.read(&session("session-0"), 0, usize::MAX).unwrap();
    let subjects: BTreeSet<&str> = read
        .iter()
        .filter_map(|one| one.subject.as_deref())
        .collect();
    assert_eq!(subjects.len() as u64, THREADS * APPENDS);
    for (seq, pair) in read.windows(2).enumerate() {
        assert_eq!(pair[0].seq, seq as u64);
        assert_eq!(pair[1].previous, Some(pair[0].hash));
    }
    // Fewer commits than batches: they were committed together.
    let commits = log.head(&heads_of("acme")).unwrap().next;
    assert!(commits <= THREADS * APPENDS, "{commits}");
}

#[test]
fn a_later_fenced_writer_shuts_out_the_ones_before() {
    let place = Place::new();
    let early = place.open();
    append_action(&early, &session("one"), "a", 10);
    let fenced = place.open_with(Options {
        fence: true,
        ..Options::default()
    });
    append_action(&fenced, &session("one"), "b", 20);
    let refused = early.append(action(&session("one"), "c", 30)).unwrap_err();
    assert!(matches!(refused, AppendError::Fenced), "{refused:?}");
    // Reading is not writing, and who comes later may write.
    assert_eq!(early.head(&session("one")).unwrap().next, 4);
    append_action(&place.open(), &session("one"), "c", 30);
    append_action(&fenced, &session("one"), "d", 40);
}

#[test]
fn a_locked_log_is_busy_after_the_time_given_and_not_before() {
    let place = Place::new();
    let patience = Duration::from_millis(60);
    let log = place.open_with(Options {
        patience,
        ..Options::default()
    });
    let intruder = place.intruder();
    intruder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = std::time::Instant::now();
    let refused = log.append(action(&session("one"), "a", 10)).unwrap_err();
    assert!(
        matches!(refused, AppendError::Busy { waited_ms: 60 }),
        "{refused:?}"
    );
    assert!(began.elapsed() >= patience);
    assert_eq!(refused.to_string(), "the log stayed busy for 60 ms");
    // Readers do not wait for a writer.
    assert_eq!(log.chains().unwrap(), []);
    intruder.execute_batch("ROLLBACK").unwrap();
    append_action(&log, &session("one"), "a", 10);
}

/// Asserts that `log` takes nothing, and says that its `file` was `what`.
fn refuses_as(log: &SqliteLog, file: &str, what: &str) {
    let before = log.head(&session("one")).unwrap();
    let told = [
        log.check_writable().unwrap_err(),
        log.append(action(&session("one"), "lost", 20)).unwrap_err(),
        log.check_writable().unwrap_err(),
    ];
    for refused in told {
        let AppendError::Unavailable(cause) = refused else {
            panic!("{refused:?}");
        };
        let said = cause.to_string();
        let expected = format!("{file}` was {what} while it was open: put that file back, or");
        assert!(said.contains(&expected), "{said}");
    }
    assert_eq!(log.head(&session("one")).unwrap(), before);
}

#[test]
fn a_log_whose_file_was_removed_or_replaced_takes_nothing_until_it_is_back() {
    let place = Place::new();
    let log = place.open();
    append_action(&log, &session("one"), "a", 10);
    log.check_writable().unwrap();

    let away = place.path().with_file_name("away.db");
    std::fs::rename(place.path(), &away).unwrap();
    refuses_as(&log, "log.db", "removed");
    std::fs::copy(&away, place.path()).unwrap();
    refuses_as(&log, "log.db", "replaced");
    std::fs::rename(&away, place.path()).unwrap();
    log.check_writable().unwrap();
    append_action(&log, &session("one"), "b", 30);
    drop(log);
    assert_eq!(place.open().head(&session("one")).unwrap().next, 4);

    let log = place.open();
    std::fs::remove_file(place.path()).unwrap();
    refuses_as(&log, "log.db", "removed");
}

#[test]
fn a_log_whose_wal_was_removed_or_replaced_takes_nothing_until_it_is_back() {
    let place = Place::new();
    let wal = place.path().with_file_name("log.db-wal");
    let away = place.path().with_file_name("away");
    // With a WAL that the first one made, and with one that was there.
    for number in 0..2 {
        let log = place.open();
        append_action(&log, &session("one"), "a", 10);
        log.check_writable().unwrap();
        std::fs::rename(&wal, &away).unwrap();
        refuses_as(&log, "log.db-wal", "removed");
        std::fs::copy(&away, &wal).unwrap();
        refuses_as(&log, "log.db-wal", "replaced");
        std::fs::rename(&away, &wal).unwrap();
        append_action(&log, &session("one"), "b", 30);
        drop(log);
        let head = place.open().head(&session("one")).unwrap();
        assert_eq!(head.next, 4 * (number + 1));
    }
    // It is cut and begun anew while others have it open, and stays the same file.
    let (one, other) = (place.open(), place.open());
    other.erase_sealed(&[]).unwrap();
    append_action(&one, &session("one"), "c", 40);
}

#[test]
fn a_log_opened_for_reading_refuses_to_append() {
    let place = Place::new();
    append_action(&place.open(), &session("one"), "a", 10);
    let log = SqliteLog::open_read_only(place.path()).unwrap();
    assert_eq!(log.head(&session("one")).unwrap().next, 2);
    let refused = log.append(action(&session("one"), "b", 20)).unwrap_err();
    assert!(matches!(refused, AppendError::ReadOnly), "{refused:?}");
}

#[test]
fn a_missing_log_is_made_only_when_that_is_asked_for() {
    let place = Place::new();
    let no_making = Options {
        create: false,
        ..Options::default()
    };
    let missing = SqliteLog::open(place.path(), no_making.clone()).unwrap_err();
    assert!(matches!(missing, OpenLogError::Missing), "{missing:?}");
    let missing = SqliteLog::open_read_only(place.path()).unwrap_err();
    assert!(matches!(missing, OpenLogError::Missing), "{missing:?}");
    assert!(!place.path().exists());
    place.open();
    SqliteLog::open(place.path(), no_making).unwrap();
}

#[test]
fn a_reader_finds_a_log_that_is_being_made_whole_or_not_at_all() {
    for _ in 0..100 {
        let place = Place::new();
        std::thread::scope(|scope| {
            scope.spawn(|| append_action(&place.open(), &session("one"), "a", 10));
            loop {
                match SqliteLog::open_read_only(place.path()) {
                    Ok(log) => break drop(log.chains().unwrap()),
                    Err(error) => assert!(matches!(error, OpenLogError::Missing), "{error:?}"),
                }
            }
        });
    }
}

#[test]
fn many_makers_of_one_log_agree_on_it() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let place = &place;
            scope.spawn(move || {
                let log = place.open();
                append_action(&log, &session("one"), &thread.to_string(), 10);
            });
        }
    });
    assert_eq!(
        place.open().head(&session("one")).unwrap().next,
        2 * THREADS
    );
    let left: Vec<_> = std::fs::read_dir(place.path().parent().unwrap())
        .unwrap()
        .map(|found| found.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("log.db"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

fn check_open(bytes: &[u8], matches: impl Fn(&OpenLogError) -> bool) {
    let place = Place::new();
    std::fs::write(place.path(), bytes).unwrap();
    let refused = SqliteLog::open(place.path(), Options::default()).unwrap_err();
    assert!(matches(&refused), "{refused:?}");
    assert_eq!(std::fs::read(place.path()).unwrap(), bytes);
}

#[test]
fn a_file_that_is_not_a_log_is_refused_and_left_alone() {
    check_open(b"", |refused| matches!(refused, OpenLogError::NotALog));
    check_open(&[b'x'; 8_192], |refused| {
        matches!(refused, OpenLogError::NotALog)
    });
    let place = Place::new();
    rusqlite::Connection::open(place.path())
        .unwrap()
        .execute_batch("CREATE TABLE store (other TEXT)")
        .unwrap();
    let refused = SqliteLog::open(place.path(), Options::default()).unwrap_err();
    assert!(matches!(refused, OpenLogError::NotALog), "{refused:?}");
}

#[test]
fn a_log_of_a_later_format_is_refused_with_its_number() {
    let place = Place::new();
    place.open();
    place
        .intruder()
        .execute("UPDATE store SET value = 7 WHERE name = 'format'", [])
        .unwrap();
    let refused = SqliteLog::open(place.path(), Options::default()).unwrap_err();
    assert!(
        matches!(refused, OpenLogError::Later { found: 7 }),
        "{refused:?}"
    );
    assert_eq!(
        refused.to_string(),
        "the log has format 7, this program reads up to format 2"
    );
}

#[test]
fn a_full_disk_refuses_the_append_and_keeps_what_was_there() {
    let place = Place::new();
    let log = place.open_with(Options {
        pages_max: Some(24),
        ..Options::default()
    });
    let chain = session("one");
    let mut appended = 0;
    let refused = loop {
        match log.append(action(&chain, &format!("action-{appended}"), 10)) {
            Ok(_) => appended += 1,
            Err(refused) => break refused,
        }
        assert!(appended < 1_000);
    };
    assert!(matches!(refused, AppendError::Full), "{refused:?}");
    assert_eq!(refused.to_string(), "no room is left for the log");
    assert_eq!(log.head(&chain).unwrap().next, 2 * appended);
    append_action(&place.open(), &chain, "another", 20);
}

#[test]
fn a_damaged_file_is_called_damaged() {
    let place = Place::new();
    for number in 0..50 {
        append_action(&place.open(), &session("one"), &number.to_string(), 10);
    }
    drop(place.intruder());
    let mut bytes = std::fs::read(place.path()).unwrap();
    bytes[4_096..].fill(0x5a);
    std::fs::write(place.path(), bytes).unwrap();
    let refused = SqliteLog::open(place.path(), Options::default()).unwrap_err();
    assert!(matches!(refused, OpenLogError::Damaged(_)), "{refused:?}");
}
