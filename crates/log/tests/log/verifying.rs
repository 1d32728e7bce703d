//! What was changed behind the log's back is found and named.

use aegis_canon::Digest;
use aegis_log::{
    Anchor, Batch, Column, Depth, Evidence, Fault, Log, Range, SignatureStanding, SqliteLog,
    Standing, Verification, export, verify, verify_export,
};
use aegis_types::{ChainId, Entry, EventKind, SealedPayload};
use rusqlite::{Connection, params};
use serde_json::json;

use crate::making::{
    Place, action, append_action, batch, document, entry, entry_with, heads_of, session, session_of,
};

/// Three sessions, nine commits, one document and two sealed payloads.
fn fill(log: &dyn Log) {
    for number in 0..3 {
        for name in ["one", "two", "three"] {
            append_action(
                log,
                &session(name),
                &format!("{name}-{number}"),
                10 + number,
            );
        }
    }
    let with_document = Batch {
        documents: vec![document("a policy")],
        ..action(&session("one"), "one-3", 20)
    };
    log.append(with_document).unwrap();
    for name in ["first", "second"] {
        log.append(batch(&session("two"), vec![sealed_entry(name)]))
            .unwrap();
    }
}

fn sealed_entry(name: &str) -> Entry {
    let ciphertext = format!("sealed {name}").into_bytes();
    let mut entry = entry(EventKind::PromptSubmitted, name, 30);
    entry.sealed = Some(SealedPayload {
        key_id: name.to_owned(),
        digest: Digest::of(&ciphertext),
        ciphertext: Some(ciphertext),
    });
    entry
}

pub const CANONICAL: Evidence<'static> = Evidence {
    depth: Depth::Canonical,
    ..Evidence::NONE
};

pub fn verified(log: &SqliteLog) -> Verification {
    let found = verify(log, &Evidence::NONE).unwrap();
    // One thread, two, and the deeper look agree.
    for threads in [1, 2, 5] {
        let evidence = Evidence {
            threads,
            ..Evidence::NONE
        };
        assert_eq!(verify(log, &evidence).unwrap(), found);
    }
    found
}

/// Tampers with a filled log and compares what is found.
fn check(tamper: impl Fn(&Connection), expected: &[Fault]) {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    tamper(&place.intruder());
    let found = verified(&log);
    assert_eq!(found.faults, expected);
    assert_eq!(found.fault_count, expected.len() as u64);
    assert!(!found.is_sound());
    assert_eq!(verify(&log, &CANONICAL).unwrap().faults, expected);
}

/// The number in the file of record `seq` of `session`.
fn id_of(sqlite: &Connection, name: &str, seq: i64) -> i64 {
    let select = "SELECT records.id FROM records JOIN chains ON chains.id = chain
                  WHERE session = ?1 AND seq = ?2";
    sqlite
        .query_row(select, params![name, seq], |row| row.get(0))
        .unwrap()
}

fn delete(sqlite: &Connection, name: &str, from: i64, to: i64) {
    for seq in from..=to {
        let id = id_of(sqlite, name, seq);
        sqlite
            .execute("DELETE FROM records WHERE id = ?1", [id])
            .unwrap();
        sqlite
            .execute("DELETE FROM entries WHERE id = ?1", [id])
            .unwrap();
    }
}

fn set(sqlite: &Connection, assignment: &str, id: i64) {
    let changed = sqlite
        .execute(
            &format!("UPDATE records SET {assignment} WHERE id = ?1"),
            [id],
        )
        .unwrap();
    assert_eq!(changed, 1);
}

fn chain(name: &str) -> ChainId {
    session(name)
}

#[test]
fn an_untouched_log_is_sound_and_only_consistent() {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    let found = verified(&log);
    assert!(found.is_sound());
    assert!(found.is_whole);
    assert_eq!((found.records, found.documents, found.sealed), (34, 1, 2));
    let names: Vec<&ChainId> = found.chains.iter().map(|one| &one.chain).collect();
    assert_eq!(
        names,
        [
            &chain("one"),
            &chain("three"),
            &chain("two"),
            &heads_of("acme")
        ]
    );
    for verified in &found.chains {
        assert_eq!(verified.head, log.head(&verified.chain).unwrap());
        assert_eq!(
            verified.ranges(),
            [Range {
                from: 0,
                to: verified.records - 1,
                standing: Standing::Consistent,
            }]
        );
    }
    assert_eq!(verify(&log, &CANONICAL).unwrap(), found);
}

#[test]
fn an_empty_log_is_sound() {
    let found = verified(&Place::new().open());
    assert!(found.is_sound());
    assert_eq!(found.chains, []);
}

#[test]
fn an_edited_record_is_named() {
    check(
        |sqlite| {
            let id = id_of(sqlite, "two", 3);
            set(
                sqlite,
                "bytes = CAST(replace(bytes, 'two-1', 'two-9') AS BLOB)",
                id,
            );
        },
        &[Fault::Edited {
            chain: chain("two"),
            seq: 3,
        }],
    );
}

#[test]
fn any_flipped_byte_of_any_record_is_found() {
    let place = Place::new();
    let log = place.open();
    append_action(&log, &session("one"), "a", 10);
    let intruder = place.intruder();
    let ids: Vec<i64> = (1..=3).collect();
    for id in ids {
        let bytes: Vec<u8> = intruder
            .query_row("SELECT bytes FROM records WHERE id = ?1", [id], |row| {
                row.get(0)
            })
            .unwrap();
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            let update = "UPDATE records SET bytes = ?1 WHERE id = ?2";
            intruder.execute(update, params![flipped, id]).unwrap();
            let evidence = Evidence {
                threads: 1,
                ..Evidence::NONE
            };
            let found = verify(&log, &evidence).unwrap();
            assert!(
                matches!(found.faults.as_slice(), [Fault::Edited { .. }, ..]),
                "record {id}, byte {place}: {:?}",
                found.faults
            );
        }
        let update = "UPDATE records SET bytes = ?1 WHERE id = ?2";
        intruder.execute(update, params![bytes, id]).unwrap();
    }
    assert!(verified(&log).is_sound());
}

/// Edits a record and gives it the hash of its changed bytes.
fn edit_with_hash(sqlite: &Connection, name: &str, seq: i64) -> Digest {
    let id = id_of(sqlite, name, seq);
    set(
        sqlite,
        "bytes = CAST(replace(bytes, 'call_id', 'CALL_ID') AS BLOB)",
        id,
    );
    let (bytes, old): (Vec<u8>, [u8; 32]) = sqlite
        .query_row(
            "SELECT bytes, hash FROM records WHERE id = ?1",
            [id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let update = "UPDATE records SET hash = ?1 WHERE id = ?2";
    let hash = Digest::of(&bytes);
    sqlite
        .execute(update, params![hash.as_bytes(), id])
        .unwrap();
    Digest::from_bytes(old)
}

#[test]
fn an_edit_that_recomputes_its_own_hash_breaks_the_link_behind_it() {
    check(
        |sqlite| {
            edit_with_hash(sqlite, "two", 2);
        },
        &[Fault::Unlinked {
            chain: chain("two"),
            seq: 3,
        }],
    );
}

#[test]
fn an_edit_of_the_last_record_contradicts_the_heads() {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    let expected = edit_with_hash(&place.intruder(), "three", 5);
    assert_eq!(
        verified(&log).faults,
        [Fault::Replaced {
            chain: chain("three"),
            seq: 5,
            expected,
        }]
    );
}

#[test]
fn a_deleted_record_is_named() {
    check(
        |sqlite| delete(sqlite, "one", 2, 3),
        &[Fault::Missing {
            chain: chain("one"),
            from: 2,
            to: 3,
        }],
    );
    check(
        |sqlite| delete(sqlite, "one", 0, 0),
        &[Fault::Missing {
            chain: chain("one"),
            from: 0,
            to: 0,
        }],
    );
}

#[test]
fn a_cut_tail_is_named() {
    check(
        |sqlite| delete(sqlite, "three", 3, 5),
        &[Fault::TailMissing {
            chain: chain("three"),
            from: 3,
            to: 5,
        }],
    );
}

#[test]
fn a_missing_session_is_named_whether_or_not_its_name_is_gone_too() {
    let expected = [Fault::ChainMissing {
        chain: chain("three"),
        records: 6,
    }];
    check(|sqlite| delete(sqlite, "three", 0, 5), &expected);
    check(
        |sqlite| {
            delete(sqlite, "three", 0, 5);
            sqlite
                .execute("DELETE FROM chains WHERE session = 'three'", [])
                .unwrap();
        },
        &expected,
    );
}

#[test]
fn a_chain_that_lost_its_name_is_found() {
    let place = Place::new();
    let log = place.open();
    append_action(&log, &session("one"), "a", 10);
    place
        .intruder()
        .execute("DELETE FROM chains WHERE session = 'one'", [])
        .unwrap();
    assert_eq!(
        verified(&log).faults,
        [
            Fault::Stray { id: 1 },
            Fault::Stray { id: 2 },
            Fault::ChainMissing {
                chain: chain("one"),
                records: 2,
            }
        ]
    );
}

#[test]
fn an_inserted_record_is_named() {
    // A copy of a record under another number.
    check(
        |sqlite| {
            sqlite
                .execute(
                    "INSERT INTO records (chain, seq, at, kind, subject, hash, bytes)
                     SELECT chain, 6, at, kind, subject, hash, bytes FROM records WHERE id = ?1",
                    [id_of(sqlite, "three", 5)],
                )
                .unwrap();
        },
        &[
            Fault::Misplaced {
                chain: chain("three"),
                seq: 6,
                of_chain: chain("three"),
                of_seq: 5,
            },
            Fault::Unlisted {
                chain: chain("three"),
                from: 6,
                to: 6,
            },
        ],
    );
}

#[test]
fn a_record_slipped_in_with_all_its_hashes_right_is_unknown_to_the_heads() {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    // Another log seals the record, so that everything about it fits.
    let forger = aegis_log::MemoryLog::new();
    fill(&forger);
    let forged = append_action(&forger, &session("three"), "forged", 40);
    let intruder = place.intruder();
    for envelope in &forged.envelopes {
        intruder
            .execute(
                "INSERT INTO records (chain, seq, at, kind, subject, hash, bytes)
                 SELECT id, ?1, ?2, ?3, ?4, ?5, ?6 FROM chains WHERE session = 'three'",
                params![
                    envelope.seq as i64,
                    envelope.at.unix_ms(),
                    envelope.kind.as_str(),
                    envelope.subject,
                    envelope.hash.as_bytes(),
                    envelope.bytes(),
                ],
            )
            .unwrap();
    }
    let expected = [Fault::Unlisted {
        chain: chain("three"),
        from: 6,
        to: 7,
    }];
    assert_eq!(verified(&log).faults, expected);
    // Later appends do not cover it up.
    append_action(&log, &session("one"), "later", 50);
    assert_eq!(verified(&log).faults, expected);
}

/// Exchanges the contents of two records, so that each stands in the place of the other.
fn swap(sqlite: &Connection, one: i64, other: i64) {
    sqlite
        .execute_batch(&format!(
            "CREATE TEMP TABLE kept AS SELECT * FROM records WHERE id IN ({one}, {other});
             UPDATE records SET (at, kind, subject, hash, bytes) =
                 (SELECT at, kind, subject, hash, bytes FROM kept
                  WHERE kept.id = {one} + {other} - records.id)
             WHERE id IN ({one}, {other});"
        ))
        .unwrap();
}

#[test]
fn reordered_records_are_named() {
    check(
        |sqlite| {
            let (one, other) = (id_of(sqlite, "two", 1), id_of(sqlite, "two", 2));
            swap(sqlite, one, other);
        },
        &[
            Fault::Misplaced {
                chain: chain("two"),
                seq: 1,
                of_chain: chain("two"),
                of_seq: 2,
            },
            Fault::Misplaced {
                chain: chain("two"),
                seq: 2,
                of_chain: chain("two"),
                of_seq: 1,
            },
        ],
    );
}

#[test]
fn records_stored_in_another_order_are_named() {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    let intruder = place.intruder();
    let (one, other) = (id_of(&intruder, "two", 0), id_of(&intruder, "two", 1));
    intruder
        .execute("UPDATE records SET id = -1 WHERE id = ?1", [one])
        .unwrap();
    intruder
        .execute("UPDATE records SET id = ?1 WHERE id = ?2", [one, other])
        .unwrap();
    intruder
        .execute("UPDATE records SET id = ?1 WHERE id = -1", [other])
        .unwrap();
    assert_eq!(
        verified(&log).faults,
        [Fault::OutOfOrder {
            chain: chain("two"),
            seq: 0,
        }]
    );
}

#[test]
fn swapped_sessions_are_named() {
    let place = Place::new();
    let log = place.open();
    append_action(&log, &session("one"), "a", 10);
    append_action(&log, &session("two"), "b", 20);
    place
        .intruder()
        .execute_batch(
            "UPDATE chains SET session = 'x' WHERE session = 'one';
             UPDATE chains SET session = 'one' WHERE session = 'two';
             UPDATE chains SET session = 'two' WHERE session = 'x';",
        )
        .unwrap();
    let found = verified(&log);
    let misplaced = |here: &str, there: &str, seq| Fault::Misplaced {
        chain: chain(here),
        seq,
        of_chain: chain(there),
        of_seq: seq,
    };
    for expected in [
        misplaced("two", "one", 0),
        misplaced("two", "one", 1),
        misplaced("one", "two", 0),
        misplaced("one", "two", 1),
    ] {
        assert!(found.faults.contains(&expected), "{:?}", found.faults);
    }
}

#[test]
fn an_edited_column_is_named() {
    for (assignment, column) in [
        ("at = at + 1", Column::At),
        ("kind = 'TOOL_RESULT'", Column::Kind),
        ("kind = 'UNHEARD_OF'", Column::Kind),
        ("subject = 'another'", Column::Subject),
        ("subject = NULL", Column::Subject),
    ] {
        check(
            |sqlite| set(sqlite, assignment, id_of(sqlite, "two", 3)),
            &[Fault::ColumnDiffers {
                chain: chain("two"),
                seq: 3,
                column,
            }],
        );
    }
}

#[test]
fn an_edited_hash_is_named() {
    check(
        |sqlite| set(sqlite, "hash = zeroblob(32)", id_of(sqlite, "two", 3)),
        &[Fault::Edited {
            chain: chain("two"),
            seq: 3,
        }],
    );
}

#[test]
fn an_edit_of_the_heads_is_named() {
    check(
        |sqlite| {
            let id = id_of(sqlite, "", 4);
            set(
                sqlite,
                "bytes = CAST(replace(bytes, 'two', 'one') AS BLOB)",
                id,
            );
        },
        &[
            Fault::Edited {
                chain: heads_of("acme"),
                seq: 4,
            },
            Fault::Unlisted {
                chain: chain("two"),
                from: 2,
                to: 3,
            },
        ],
    );
}

#[test]
fn cutting_the_heads_does_not_hide_a_cut_tail() {
    // The commit before last, gone from the session and from the heads.
    check(
        |sqlite| {
            delete(sqlite, "one", 6, 7);
            delete(sqlite, "", 9, 9);
        },
        &[
            Fault::Missing {
                chain: heads_of("acme"),
                from: 9,
                to: 9,
            },
            Fault::DocumentUnlisted {
                digest: document("a policy").0,
            },
        ],
    );
    // Without any heads, nothing in the sessions is known to them.
    let place = Place::new();
    let log = place.open();
    append_action(&log, &session("one"), "a", 10);
    delete(&place.intruder(), "", 0, 0);
    assert_eq!(
        verified(&log).faults,
        [Fault::Unlisted {
            chain: chain("one"),
            from: 0,
            to: 1,
        }]
    );
}

#[test]
fn documents_are_held_against_their_digests_and_the_heads() {
    let (digest, _) = document("a policy");
    check(
        |sqlite| {
            sqlite
                .execute("UPDATE documents SET bytes = x'00'", [])
                .unwrap();
        },
        &[Fault::DocumentEdited { digest }],
    );
    check(
        |sqlite| {
            sqlite.execute("DELETE FROM documents", []).unwrap();
        },
        &[Fault::DocumentMissing { digest }],
    );
    let (other, bytes) = document("slipped in");
    check(
        |sqlite| {
            let insert = "INSERT INTO documents (digest, bytes) VALUES (?1, ?2)";
            sqlite
                .execute(insert, params![other.as_bytes(), bytes])
                .unwrap();
        },
        &[Fault::DocumentUnlisted { digest: other }],
    );
}

#[test]
fn an_erased_payload_leaves_the_log_sound_and_a_changed_one_does_not() {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    assert_eq!(log.erase_sealed(&["first"]).unwrap(), 1);
    assert_eq!(log.erase_sealed(&["first"]).unwrap(), 0);
    let found = verified(&log);
    assert!(found.is_sound(), "{:?}", found.faults);
    assert_eq!((found.sealed, found.erased), (1, 1));
    let read = log.read(&session("two"), 6, 2).unwrap();
    assert_eq!(read[0].sealed.as_ref().unwrap().ciphertext, None);
    assert_eq!(
        read[1].sealed.as_ref().unwrap().ciphertext.as_deref(),
        Some(b"sealed second".as_slice())
    );
    // The bytes are gone from the file and from what stands beside it.
    for end in ["db", "db-wal"] {
        let bytes = std::fs::read(place.path().with_extension(end)).unwrap();
        assert!(!contains(&bytes, b"sealed first"), "{end}");
    }
    let second = |sqlite: &Connection| id_of(sqlite, "two", 7);
    let id = second(&place.intruder());
    let expected = [Fault::SealedDiffers { id }];
    check(
        |sqlite| {
            let update = "UPDATE sealed SET ciphertext = x'00' WHERE record = ?1";
            sqlite.execute(update, [second(sqlite)]).unwrap();
        },
        &expected,
    );
    check(
        |sqlite| {
            sqlite
                .execute("DELETE FROM sealed WHERE record = ?1", [second(sqlite)])
                .unwrap();
        },
        &expected,
    );
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|found| found == wanted)
}

#[test]
fn a_sealed_payload_may_come_first_in_its_chain() {
    let place = Place::new();
    let log = place.open();
    for name in ["one", "two", "three"] {
        log.append(batch(&session(name), vec![sealed_entry(name)]))
            .unwrap();
    }
    let found = verified(&log);
    assert!(found.is_sound(), "{:?}", found.faults);
    assert_eq!(found.sealed, 3);
    assert_eq!(verify(&log, &CANONICAL).unwrap(), found);
}

/// A filled log whose records are in the indexes, and some that are not yet.
fn indexed(place: &Place) -> SqliteLog {
    let log = place.open_with(aegis_log::Options {
        wal_pages: 0,
        ..aegis_log::Options::default()
    });
    fill(&log);
    log.maintain().unwrap();
    append_action(&log, &session("one"), "one-4", 40);
    assert!(verified(&log).is_sound());
    assert!(verify(&log, &CANONICAL).unwrap().is_sound());
    log
}

#[test]
fn an_index_that_says_something_else_is_found_at_the_canonical_depth() {
    let place = Place::new();
    let log = indexed(&place);
    place
        .intruder()
        .execute("UPDATE entries SET subject = 'x' WHERE id = 5", [])
        .unwrap();
    assert!(verified(&log).is_sound());
    assert_eq!(
        verify(&log, &CANONICAL).unwrap().faults,
        [Fault::IndexDiffers { id: 5 }]
    );
}

#[test]
fn a_row_of_the_index_too_many_or_too_few_is_found() {
    let insert = "INSERT INTO entries VALUES (9999, 77, 0, 0, 'x', NULL)";
    let delete = "DELETE FROM entries WHERE id = 5";
    let foreign = || Fault::IndexForeign { id: 9_999 };
    let lacks = || Fault::IndexLacks { id: 5 };
    for (statements, expected) in [
        (&[insert][..], vec![foreign()]),
        (&[delete], vec![lacks()]),
        // As many rows as before.
        (&[insert, delete], vec![foreign(), lacks()]),
    ] {
        let place = Place::new();
        let log = indexed(&place);
        for statement in statements {
            assert_eq!(place.intruder().execute(statement, []), Ok(1));
        }
        assert_eq!(verified(&log).faults, expected);
        assert_eq!(verify(&log, &CANONICAL).unwrap().faults, expected);
    }
    // One row is enough where nothing is in the indexes yet.
    check(
        |sqlite| assert_eq!(sqlite.execute(insert, []), Ok(1)),
        &[foreign()],
    );
}

#[test]
fn accidents_are_refused_by_the_file_itself() {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    let sqlite = Connection::open(place.path()).unwrap();
    for statement in [
        "UPDATE records SET at = 0",
        "DELETE FROM records",
        "UPDATE chains SET session = 'x'",
        "DELETE FROM chains",
        "UPDATE documents SET bytes = x'00'",
        "DELETE FROM documents",
        "UPDATE sealed SET ciphertext = x'00'",
        "DELETE FROM sealed",
    ] {
        let refused = sqlite.execute(statement, []).unwrap_err().to_string();
        assert!(
            refused.contains("never") || refused.contains("erased"),
            "{refused}"
        );
    }
    assert!(verified(&log).is_sound());
}

/// What is said of the ranges of a chain under `anchors`.
fn ranges(log: &SqliteLog, anchors: &[Anchor], name: &ChainId) -> Vec<Range> {
    let evidence = Evidence {
        anchors,
        ..Evidence::NONE
    };
    let found = verify(log, &evidence).unwrap();
    assert!(found.is_sound(), "{:?}", found.faults);
    let chain = found.chains.iter().find(|one| one.chain == *name);
    chain.unwrap().ranges()
}

fn anchored(to: u64, end: u64) -> Vec<Range> {
    let range = |from, to, standing| Range { from, to, standing };
    let mut ranges = vec![range(0, to, Standing::Anchored)];
    if to + 1 < end {
        ranges.push(range(to + 1, end - 1, Standing::Consistent));
    }
    ranges
}

fn anchor_at(log: &SqliteLog, chain: &ChainId, seq: u64) -> Anchor {
    Anchor {
        chain: chain.clone(),
        seq,
        hash: log.read(chain, seq, 1).unwrap()[0].hash,
    }
}

#[test]
fn a_head_kept_elsewhere_anchors_what_comes_before_it() {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    let anchor = anchor_at(&log, &session("one"), 3);
    assert_eq!(
        ranges(&log, std::slice::from_ref(&anchor), &session("one")),
        anchored(3, 8)
    );
    // It says nothing of other chains.
    assert_eq!(
        ranges(&log, &[anchor], &session("two"))[0].standing,
        Standing::Consistent
    );
}

#[test]
fn an_anchor_of_the_heads_anchors_the_sessions_they_name() {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    // After five commits: two of sessions one and two, one of session three.
    let anchor = [anchor_at(&log, &heads_of("acme"), 4)];
    assert_eq!(ranges(&log, &anchor, &heads_of("acme")), anchored(4, 12));
    assert_eq!(ranges(&log, &anchor, &session("one")), anchored(3, 8));
    assert_eq!(ranges(&log, &anchor, &session("two")), anchored(3, 8));
    assert_eq!(ranges(&log, &anchor, &session("three")), anchored(1, 6));
}

#[test]
fn a_log_rewritten_with_all_hashes_right_is_caught_by_an_anchor_and_only_by_one() {
    let place = Place::new();
    let log = place.open();
    append_action(&log, &session("one"), "a", 10);
    append_action(&log, &session("one"), "b", 20);
    let kept = anchor_at(&log, &session("one"), 3);
    let rewritten = Place::new();
    let log = rewritten.open();
    append_action(&log, &session("one"), "a", 10);
    append_action(&log, &session("one"), "forged", 20);
    assert!(verified(&log).is_sound());
    let evidence = Evidence {
        anchors: std::slice::from_ref(&kept),
        ..Evidence::NONE
    };
    let found = verify(&log, &evidence).unwrap();
    assert_eq!(
        found.faults,
        [Fault::AnchorBroken {
            chain: session("one"),
            seq: 3,
            expected: kept.hash,
            found: log.head(&session("one")).unwrap().hash,
        }]
    );
    assert_eq!(found.chains[0].ranges()[0].standing, Standing::Faulty);
    // A log cut back to before the anchor is caught as well.
    let cut = Place::new();
    let log = cut.open();
    append_action(&log, &session("one"), "a", 10);
    let found = verify(&log, &evidence).unwrap();
    assert!(
        matches!(
            found.faults.as_slice(),
            [Fault::AnchorBroken { found: None, .. }]
        ),
        "{:?}",
        found.faults
    );
}

#[test]
fn an_anchor_of_a_chain_that_is_not_there_is_named() {
    let place = Place::new();
    let log = place.open();
    append_action(&log, &session("one"), "a", 10);
    let text = exported(&log, None);
    let hash = log.head(&session("one")).unwrap().hash.unwrap();
    for chain in [session("two"), heads_of("gone"), session_of("gone", "one")] {
        let seq = 0;
        let anchor = Anchor { chain, seq, hash };
        let evidence = Evidence {
            anchors: std::slice::from_ref(&anchor),
            ..Evidence::NONE
        };
        let chain = anchor.chain.clone();
        let expected = [Fault::AnchoredMissing { chain, seq }];
        assert_eq!(verify(&log, &evidence).unwrap().faults, expected);
        let found = verify_export(text.as_bytes(), &evidence).unwrap();
        assert_eq!(found.faults, expected);
    }
}

#[test]
fn a_checkpoint_anchors_if_its_signature_holds() {
    let place = Place::new();
    let log = place.open();
    append_action(&log, &session("one"), "a", 10);
    let head = log.head(&heads_of("acme")).unwrap();
    let payload = json!({
        "head": {"seq": head.next - 1, "hash": head.hash.unwrap().to_string()},
        "signature": "signed by the key",
    });
    let checkpoint = entry_with(
        EventKind::CheckpointCreated,
        "checkpoint",
        20,
        payload.clone(),
    );
    log.append(batch(&heads_of("acme"), vec![checkpoint]))
        .unwrap();
    let with = |standing: SignatureStanding| {
        let head_value = payload["head"].clone();
        let signatures = move |checkpoint: &aegis_log::Checkpoint| {
            assert_eq!(checkpoint.signature, json!("signed by the key"));
            let signed = aegis_canon::canonical(&json!({"head": head_value}));
            assert_eq!(checkpoint.signed, signed);
            standing
        };
        let evidence = Evidence {
            signatures: &signatures,
            ..Evidence::NONE
        };
        verify(&log, &evidence).unwrap()
    };
    let held = with(SignatureStanding::Holds);
    assert!(held.is_sound());
    assert_eq!(held.chains[0].ranges(), anchored(1, 2));
    let unknown = with(SignatureStanding::Unknown);
    assert!(unknown.is_sound());
    assert_eq!(unknown.chains[0].anchored_to, None);
    assert_eq!(
        with(SignatureStanding::Broken).faults,
        [Fault::CheckpointBroken {
            chain: heads_of("acme"),
            seq: 1,
        }]
    );
}

fn exported(log: &SqliteLog, only: Option<&ChainId>) -> String {
    let mut out = Vec::new();
    export(log, only, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn check_export(lines: &[&str], expected: &[Fault]) {
    let text = lines.join("\n") + "\n";
    let found = verify_export(text.as_bytes(), &Evidence::NONE).unwrap();
    assert_eq!(found.faults, expected);
}

#[test]
fn an_export_is_complete_and_verified_without_the_log() {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    let text = exported(&log, None);
    // Thirty-four records, a document and the last line.
    assert_eq!(text.lines().count(), 36);
    let found = verify_export(text.as_bytes(), &Evidence::NONE).unwrap();
    let mut expected = verified(&log);
    expected.sealed = 0;
    assert_eq!(found, expected);
    let lines: Vec<&str> = text.lines().collect();
    let envelope: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(
        envelope,
        log.read(&session("one"), 0, 1).unwrap()[0].to_json()
    );
}

#[test]
fn an_export_says_which_sealed_payloads_were_erased() {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    assert!(!exported(&log, None).contains("\"erased\""));
    log.erase_sealed(&["first", "unheard of"]).unwrap();
    for only in [None, Some(session("two"))] {
        let text = exported(&log, only.as_ref());
        let last: serde_json::Value =
            serde_json::from_str(text.lines().next_back().unwrap()).unwrap();
        assert_eq!(
            last["end"]["erased"],
            json!([{"tenant_id": "acme", "session_id": "two", "seq": 6}])
        );
        let found = verify_export(text.as_bytes(), &Evidence::NONE).unwrap();
        assert!(found.is_sound(), "{:?}", found.faults);
        assert_eq!(found.erased, 1);
    }
}

#[test]
fn an_export_of_one_chain_says_that_it_is_not_the_whole() {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    for chain in [session("two"), heads_of("acme")] {
        let text = exported(&log, Some(&chain));
        let found = verify_export(text.as_bytes(), &Evidence::NONE).unwrap();
        assert!(found.is_sound(), "{:?}", found.faults);
        assert!(!found.is_whole);
        assert_eq!(found.chains.len(), 1);
    }
}

#[test]
fn a_changed_export_is_caught() {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    let text = exported(&log, None);
    let lines: Vec<&str> = text.lines().collect();
    check_export(&lines, &[]);
    let (last, cut) = lines.split_last().unwrap();
    check_export(cut, &[Fault::Incomplete]);
    let mut edited = lines.clone();
    let changed = edited[0].replace("one-0", "one-9");
    edited[0] = &changed;
    check_export(
        &edited,
        &[Fault::Edited {
            chain: chain("one"),
            seq: 0,
        }],
    );
    let mut without_one = lines.clone();
    without_one.remove(3);
    check_export(
        &without_one,
        &[
            Fault::Missing {
                chain: chain("two"),
                from: 0,
                to: 0,
            },
            Fault::Incomplete,
        ],
    );
    check_export(
        &["not JSON", last],
        &[Fault::Line { line: 1 }, Fault::Incomplete],
    );
}

#[test]
fn an_export_is_held_against_anchors_too() {
    let place = Place::new();
    let log = place.open();
    fill(&log);
    let anchors = [anchor_at(&log, &heads_of("acme"), 4)];
    let evidence = Evidence {
        anchors: &anchors,
        ..Evidence::NONE
    };
    let text = exported(&log, None);
    let found = verify_export(text.as_bytes(), &evidence).unwrap();
    let mut expected = verify(&log, &evidence).unwrap();
    expected.sealed = 0;
    assert_eq!(found, expected);
}
