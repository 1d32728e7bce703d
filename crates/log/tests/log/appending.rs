//! One call writes, whole or not at all.

use aegis_canon::Digest;
use aegis_log::{AppendError, Batch, InvalidEntry, Log};
use aegis_types::{ChainId, EventKind, Head, SealedPayload};
use serde_json::{Value, json};

use crate::making::{
    Place, action, append_action, batch, document, entry, entry_with, heads_of, on_each_log,
    session, session_of,
};

#[test]
fn what_was_appended_is_read_back_as_it_was_sealed() {
    on_each_log(|log| {
        let chain = session("one");
        let first = append_action(log, &chain, "a", 10);
        let second = append_action(log, &chain, "b", 20);
        let sealed = [first.envelopes.clone(), second.envelopes].concat();
        assert_eq!(log.read(&chain, 0, usize::MAX).unwrap(), sealed);
        assert_eq!(log.read(&chain, 1, 2).unwrap(), sealed[1..3]);
        assert_eq!(log.read(&chain, 4, 2).unwrap(), []);
        assert_eq!(log.head(&chain).unwrap(), second.head);
    });
}

#[test]
fn an_envelope_hashes_to_what_its_type_says() {
    on_each_log(|log| {
        let appended = append_action(log, &session("one"), "a", 10);
        for envelope in appended.envelopes {
            assert_eq!(Digest::of(&envelope.bytes()), envelope.hash);
        }
    });
}

#[test]
fn a_chain_begins_at_zero_and_each_envelope_names_the_one_before() {
    on_each_log(|log| {
        let chain = session("one");
        append_action(log, &chain, "a", 10);
        append_action(log, &chain, "b", 20);
        let read = log.read(&chain, 0, usize::MAX).unwrap();
        let mut previous = None;
        for (seq, envelope) in read.iter().enumerate() {
            assert_eq!(envelope.seq, seq as u64);
            assert_eq!(envelope.previous, previous);
            previous = Some(envelope.hash);
        }
        assert_eq!(read.len(), 4);
    });
}

#[test]
fn an_append_behind_a_moved_head_is_refused_and_names_the_head() {
    on_each_log(|log| {
        let chain = session("one");
        let expected = Some(log.head(&chain).unwrap());
        let stale = Batch {
            expected,
            ..action(&chain, "a", 10)
        };
        let appended = log.append(stale.clone()).unwrap();
        let refused = log.append(stale);
        assert!(
            matches!(refused, Err(AppendError::HeadMoved { found }) if found == appended.head),
            "{refused:?}"
        );
        assert_eq!(log.head(&chain).unwrap(), appended.head);
        let fresh = Batch {
            expected: Some(appended.head),
            ..action(&chain, "b", 20)
        };
        assert_eq!(log.append(fresh).unwrap().head.next, 4);
    });
}

#[test]
fn sessions_and_tenants_have_chains_of_their_own() {
    on_each_log(|log| {
        // Names that would be one if they were joined with a slash.
        let one = session_of("a/b", "c");
        let other = session_of("a", "b/c");
        append_action(log, &one, "x", 10);
        assert_eq!(log.head(&other).unwrap(), Head::default());
        append_action(log, &other, "y", 20);
        let chains: Vec<ChainId> = log
            .chains()
            .unwrap()
            .into_iter()
            .map(|summary| summary.chain)
            .collect();
        let mut expected = vec![one, other, heads_of("a"), heads_of("a/b")];
        expected.sort();
        assert_eq!(chains, expected);
    });
}

#[test]
fn every_commit_is_named_in_the_chain_of_heads() {
    on_each_log(|log| {
        let (one, other) = (session("one"), session("other"));
        let first = append_action(log, &one, "a", 10);
        let second = append_action(log, &other, "b", 20);
        let heads = log.read(&heads_of("acme"), 0, usize::MAX).unwrap();
        let moved = |session: &str, head: Head| {
            json!({"moved": [{
                "session": session,
                "seq": head.next - 1,
                "hash": head.hash.unwrap().to_string(),
            }]})
        };
        let payloads: Vec<&Value> = heads.iter().map(|envelope| &*envelope.payload).collect();
        assert_eq!(
            payloads,
            [&moved("one", first.head), &moved("other", second.head)]
        );
        assert_eq!(heads[1].previous, Some(heads[0].hash));
        assert_eq!(heads[1].kind, EventKind::HeadsMoved);
    });
}

#[test]
fn a_document_is_stored_once_and_named_in_the_chain_of_heads() {
    on_each_log(|log| {
        let chain = session("one");
        let (digest, bytes) = document("a policy");
        for name in ["a", "b"] {
            let with_document = Batch {
                documents: vec![(digest, bytes.clone())],
                ..action(&chain, name, 10)
            };
            log.append(with_document).unwrap();
        }
        assert_eq!(log.document(&digest).unwrap(), Some(bytes.clone()));
        assert_eq!(log.document(&Digest::of(b"another")).unwrap(), None);
        let heads = log.read(&heads_of("acme"), 0, usize::MAX).unwrap();
        assert_eq!(heads[0].payload["documents"], json!([digest.to_string()]));
        assert_eq!(heads[1].payload.get("documents"), None);
    });
}

#[test]
fn a_document_under_a_digest_not_its_own_is_refused() {
    on_each_log(|log| {
        let chain = session("one");
        let (_, bytes) = document("a policy");
        let digest = Digest::of(b"another");
        let wrong = Batch {
            documents: vec![(digest, bytes)],
            ..action(&chain, "a", 10)
        };
        let refused = log.append(wrong);
        assert!(
            matches!(refused, Err(AppendError::DocumentDigest { digest: named }) if named == digest),
            "{refused:?}"
        );
        assert_eq!(log.chains().unwrap(), []);
    });
}

#[test]
fn a_sealed_payload_comes_back_with_its_ciphertext() {
    on_each_log(|log| {
        let chain = session("one");
        let ciphertext = b"not readable".to_vec();
        let mut entry = entry(EventKind::ActionRequested, "a", 10);
        entry.sealed = Some(SealedPayload {
            key_id: "key \"1\"".to_owned(),
            digest: Digest::of(&ciphertext),
            ciphertext: Some(ciphertext),
        });
        let appended = log.append(batch(&chain, vec![entry.clone()])).unwrap();
        let read = log.read(&chain, 0, 1).unwrap();
        assert_eq!(read, appended.envelopes);
        assert_eq!(read[0].sealed, entry.sealed);
        assert_eq!(Digest::of(&read[0].bytes()), read[0].hash);
    });
}

fn check_refused(entry: aegis_types::Entry, chain: &ChainId, expected: &InvalidEntry) {
    on_each_log(|log| {
        let refused = log.append(batch(chain, vec![entry.clone()]));
        assert!(
            matches!(&refused, Err(AppendError::Invalid { entry: 0, source }) if source == expected),
            "{refused:?}"
        );
        assert_eq!(log.chains().unwrap(), []);
    });
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

#[test]
fn what_is_not_i_json_is_refused_and_its_place_is_named() {
    let chain = session("one");
    let too_large = entry_with(
        EventKind::ActionRequested,
        "a",
        10,
        json!({"args": {"n": 9_007_199_254_740_993_u64}}),
    );
    on_each_log(|log| {
        let refused = log
            .append(batch(&chain, vec![too_large.clone()]))
            .unwrap_err();
        let AppendError::Invalid { entry: 0, source } = refused else {
            panic!("{refused:?}");
        };
        let InvalidEntry::NotIJson(source) = source else {
            panic!("{source:?}");
        };
        assert_eq!(
            source.to_string(),
            "whole number beyond 2^53 - 1 at `/args/n`"
        );
    });
}

#[test]
fn a_payload_may_be_as_deep_as_can_be_read_back_and_no_deeper() {
    let chain = session("one");
    let deep = entry_with(EventKind::ActionRequested, "a", 10, nested(127));
    on_each_log(|log| {
        log.append(batch(&chain, vec![deep.clone()])).unwrap();
        assert_eq!(*log.read(&chain, 0, 1).unwrap()[0].payload, nested(127));
    });
    check_refused(
        entry_with(EventKind::ActionRequested, "a", 10, nested(128)),
        &chain,
        &InvalidEntry::NotIJson(aegis_canon::NotIJson::TooDeep),
    );
}

#[test]
fn an_entry_beyond_the_bounds_is_refused() {
    let chain = session("one");
    let large = "x".repeat(aegis_log::ENTRY_BYTES_MAX);
    check_refused(
        entry_with(EventKind::ActionRequested, "a", 10, Value::from(large)),
        &chain,
        &InvalidEntry::TooLarge {
            bytes: aegis_log::ENTRY_BYTES_MAX + 2,
        },
    );
    check_refused(
        entry(EventKind::ActionRequested, &"x".repeat(1_025), 10),
        &chain,
        &InvalidEntry::SubjectTooLong { bytes: 1_025 },
    );
    check_refused(
        entry(EventKind::ActionRequested, "a", i64::MAX),
        &chain,
        &InvalidEntry::Time,
    );
}

#[test]
fn heads_are_written_by_the_log_alone() {
    check_refused(
        entry(EventKind::HeadsMoved, "a", 10),
        &session("one"),
        &InvalidEntry::Kind {
            kind: EventKind::HeadsMoved,
        },
    );
    check_refused(
        entry(EventKind::ActionRequested, "a", 10),
        &heads_of("acme"),
        &InvalidEntry::Kind {
            kind: EventKind::ActionRequested,
        },
    );
    on_each_log(|log| {
        let checkpoint = entry(EventKind::CheckpointCreated, "a", 10);
        let appended = log
            .append(batch(&heads_of("acme"), vec![checkpoint]))
            .unwrap();
        assert_eq!(log.chains().unwrap().len(), 1);
        assert_eq!(appended.head.next, 1);
    });
}

#[test]
fn a_batch_with_one_bad_entry_leaves_no_trace() {
    on_each_log(|log| {
        let chain = session("one");
        let good = entry(EventKind::ActionRequested, "a", 10);
        let bad = entry(EventKind::HeadsMoved, "a", 10);
        let refused = log.append(batch(&chain, vec![good, bad])).unwrap_err();
        assert!(
            matches!(refused, AppendError::Invalid { entry: 1, .. }),
            "{refused:?}"
        );
        assert_eq!(log.change_counter().unwrap(), 0);
    });
}

#[test]
fn an_empty_batch_is_refused() {
    on_each_log(|log| {
        let refused = log.append(batch(&session("one"), vec![])).unwrap_err();
        assert!(
            matches!(refused, AppendError::BatchSize { entries: 0 }),
            "{refused:?}"
        );
    });
}

#[test]
fn every_log_seals_alike() {
    let place = Place::new();
    let file = place.open();
    let memory = aegis_log::MemoryLog::new();
    for log in [&file as &dyn Log, &memory] {
        append_action(log, &session("one"), "a", 10);
        append_action(log, &session("two"), "b", 20);
    }
    for chain in [session("one"), session("two"), heads_of("acme")] {
        assert_eq!(
            file.read(&chain, 0, usize::MAX).unwrap(),
            memory.read(&chain, 0, usize::MAX).unwrap()
        );
    }
}
