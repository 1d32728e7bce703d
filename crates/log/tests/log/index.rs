//! What somebody plants in the index hides nothing unsaid, and misleads no writer.

use aegis_log::{
    Anchor, AppendError, Evidence, Fault, Log, Options, Query, ReadLogError, SqliteLog, Standing,
    Walk, verify,
};
use aegis_types::{ChainId, EventKind};

use crate::making::{Place, action, append_action, heads_of, session, session_of};

/// A log whose first records are in the index: those with numbers up to 36 in the
/// file. The last three are not.
fn indexed(place: &Place) -> SqliteLog {
    let log = place.open_with(Options {
        wal_pages: 0,
        ..Options::default()
    });
    for number in 0..4 {
        for name in ["one", "two", "three"] {
            append_action(&log, &session(name), &format!("{name}-{number}"), number);
        }
    }
    log.maintain().unwrap();
    append_action(&log, &session("one"), "one-4", 40);
    log
}

/// What is asked of a log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked {
    Head(&'static str),
    Read(&'static str),
    Newest,
    About(&'static str),
    Rare,
    Walk,
    Chains,
    Append(&'static str),
}

/// Every question, about each session where it is about one.
const ALL: [Asked; 15] = [
    Asked::Head("one"),
    Asked::Head("two"),
    Asked::Head("three"),
    Asked::Read("one"),
    Asked::Read("two"),
    Asked::Read("three"),
    Asked::Newest,
    Asked::About("one-1"),
    Asked::About("two-1"),
    Asked::Rare,
    Asked::Walk,
    Asked::Chains,
    Asked::Append("one"),
    Asked::Append("two"),
    Asked::Append("three"),
];

/// Returns the answer as text, or nothing where it is that the index does not agree.
fn answer(log: &SqliteLog, asked: Asked) -> Option<String> {
    let query = Query {
        limit: 100,
        ..Query::default()
    };
    let told = match asked {
        Asked::Head(name) => log.head(&session(name)).map(|head| format!("{head:?}")),
        Asked::Read(name) => log
            .read(&session(name), 0, 100)
            .map(|found| format!("{found:?}")),
        Asked::Newest => log.newest(&query).map(|found| format!("{found:?}")),
        Asked::About(subject) => log
            .newest(&Query {
                subject: Some(subject),
                ..query
            })
            .map(|found| format!("{found:?}")),
        Asked::Rare => log
            .newest(&Query {
                kinds: &[EventKind::SessionStarted],
                limit: 1,
                ..query
            })
            .map(|found| format!("{found:?}")),
        Asked::Walk => log
            .walk(&query, Walk::After(0))
            .map(|found| format!("{found:?}")),
        Asked::Chains => log.chains().map(|found| format!("{found:?}")),
        Asked::Append(name) => return append(log, &session(name)),
    };
    match told {
        Ok(told) => Some(told),
        Err(ReadLogError::Damaged(cause)) => {
            assert!(cause.to_string().contains("of its index"), "{cause}");
            None
        }
        Err(error) => panic!("{asked:?}: {error}"),
    }
}

/// Appends, and returns where the records went.
fn append(log: &SqliteLog, chain: &ChainId) -> Option<String> {
    match log.append(action(chain, "late", 50)) {
        Ok(appended) => Some(format!("{:?}", appended.envelopes[0].seq)),
        Err(AppendError::Damaged(cause)) => {
            assert!(cause.to_string().contains("of its index"), "{cause}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Plants what `statement` says, and checks that every answer is the one from before
/// or is refused; `refused` must be.
fn check(statement: &str, refused: &[Asked]) {
    let place = Place::new();
    let open = indexed(&place);
    let sound = ALL.map(|asked| match asked {
        Asked::Append("one") => Some("10".to_owned()),
        Asked::Append(_) => Some("8".to_owned()),
        asked => answer(&open, asked),
    });
    let planted = place.intruder().execute(statement, []);
    assert_ne!(planted, Ok(0), "{statement}");
    let later = place.open();
    for (asked, sound) in ALL.into_iter().zip(sound) {
        let found = answer(&open, asked);
        if refused.contains(&asked) {
            assert_eq!(found, None, "{asked:?} after {statement}");
            assert_eq!(answer(&later, asked), None, "{asked:?} after {statement}");
        }
        assert!(
            found.is_none() || found == sound,
            "{asked:?} after {statement}: {found:?}"
        );
    }
}

const ONE: &str = "(SELECT id FROM chains WHERE session = 'one')";

#[test]
fn a_row_beyond_the_records_refuses_all_that_it_would_hide() {
    check(
        "INSERT INTO entries VALUES (9999, 77, 0, 0, 'x', NULL)",
        &ALL,
    );
}

#[test]
fn a_row_among_the_records_that_are_not_in_the_index_refuses_all_that_it_would_hide() {
    check(
        "INSERT INTO entries SELECT id, chain, seq, at, kind, subject FROM records
         ORDER BY id DESC LIMIT 1",
        &ALL,
    );
}

#[test]
fn a_row_for_a_record_that_is_missing_misleads_nobody() {
    check(
        &format!("INSERT INTO entries VALUES (0, {ONE}, 999, 0, 'SESSION_STARTED', 'one-1')"),
        &[Asked::Read("one"), Asked::About("one-1"), Asked::Rare],
    );
    let two = ONE.replace("one", "two");
    check(
        &format!("INSERT INTO entries VALUES (-3, {two}, 999, 0, 'SESSION_STARTED', NULL)"),
        &[
            Asked::Head("two"),
            Asked::Append("two"),
            Asked::Read("two"),
            Asked::Chains,
        ],
    );
}

#[test]
fn a_row_that_leads_to_another_record_misleads_nobody() {
    let two = ONE.replace("one", "two");
    let three = ONE.replace("one", "three");
    // To one of another session, and to one of the same.
    for (statement, refused) in [
        (
            format!(
                "UPDATE entries SET chain = {two}, seq = 999 WHERE chain = {three} AND seq = 3"
            ),
            &[
                Asked::Head("two"),
                Asked::Append("two"),
                Asked::Read("three"),
                Asked::Chains,
            ][..],
        ),
        (
            format!("UPDATE entries SET seq = 999 WHERE chain = {two} AND seq = 3"),
            &[
                Asked::Head("two"),
                Asked::Append("two"),
                Asked::Read("two"),
                Asked::Chains,
            ],
        ),
    ] {
        check(&statement, refused);
    }
}

#[test]
fn a_session_is_not_read_without_the_records_that_the_index_lacks() {
    for seq in [0, 3] {
        let place = Place::new();
        let log = indexed(&place);
        let sound = answer(&log, Asked::Read("one"));
        let two = ONE.replace("one", "two");
        let delete = format!("DELETE FROM entries WHERE chain = {two} AND seq = {seq}");
        assert_eq!(place.intruder().execute(&delete, []), Ok(1));
        assert_eq!(answer(&log, Asked::Read("two")), None);
        assert_eq!(answer(&log, Asked::Read("one")), sound);
    }
}

#[test]
fn a_record_is_not_shown_for_what_the_index_alone_says_of_it() {
    let place = Place::new();
    let log = indexed(&place);
    let other = "UPDATE entries SET subject = 'one-1' WHERE subject = 'two-1'";
    assert_eq!(place.intruder().execute(other, []), Ok(2));
    assert_eq!(answer(&log, Asked::About("one-1")), None);
}

#[test]
fn an_append_goes_on_once_the_row_is_gone() {
    let place = Place::new();
    let log = indexed(&place);
    let plant = "INSERT INTO entries VALUES (9999, 77, 0, 0, 'x', NULL)";
    place.intruder().execute(plant, []).unwrap();
    assert_eq!(append(&log, &session("two")), None);
    let remove = "DELETE FROM entries WHERE id = 9999";
    place.intruder().execute(remove, []).unwrap();
    assert_eq!(append(&log, &session("two")).as_deref(), Some("8"));
    assert!(verify(&log, &Evidence::NONE).unwrap().is_sound());
}

#[test]
fn an_anchor_is_held_against_the_records_whatever_the_index_says() {
    let place = Place::new();
    let log = indexed(&place);
    let anchors = [heads_of("acme"), session("one")]
        .map(|chain| Anchor::of(&chain, &log.head(&chain).unwrap()).unwrap());
    let wrong = Anchor {
        chain: session_of("acme", "two"),
        ..anchors[1].clone()
    };
    let plant = "INSERT INTO entries VALUES (9999, 77, 0, 0, 'x', NULL)";
    place.intruder().execute(plant, []).unwrap();
    let found = |anchors: &[Anchor]| {
        let evidence = Evidence {
            anchors,
            ..Evidence::NONE
        };
        verify(&log, &evidence).unwrap()
    };
    let held = found(&anchors);
    assert_eq!(held.faults, [Fault::IndexForeign { id: 9_999 }]);
    for chain in &held.chains {
        assert_eq!(chain.ranges()[0].standing, Standing::Anchored);
    }
    assert!(matches!(
        found(&[wrong]).faults.as_slice(),
        [
            Fault::IndexForeign { .. },
            Fault::AnchorBroken { found: None, .. }
        ]
    ));
}
