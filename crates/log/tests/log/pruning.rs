//! What was pruned is gone, and everything that stays still follows from it.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use aegis_canon::Digest;
use aegis_log::{
    Anchor, Batch, Evidence, Fault, Log, Options, PruneError, PruneOrder, PrunePlan, Pruned, Query,
    RETENTION_SESSION, Restore, SqliteLog, Verification, Walk, export, restore, verify,
    verify_chain, verify_end, verify_export,
};
use aegis_types::{ChainId, EventKind, SealedPayload, SessionId};

use crate::making::{
    Place, action, append_action, at, batch, document, entry, heads_of, session, session_of,
};
use crate::verifying::{CANONICAL, verified};

/// Two sessions that are over, one that spans the cut, one from after it.
fn filled(place: &Place) -> SqliteLog {
    let log = place.open();
    for number in 0..3 {
        for name in ["one", "two", "spanning"] {
            append_action(&log, &session(name), &format!("{name}-{number}"), 10);
        }
    }
    let with_document = Batch {
        documents: vec![document("a policy")],
        ..action(&session("one"), "documented", 20)
    };
    log.append(with_document).unwrap();
    append_sealed(&log, "two", 20);
    for name in ["spanning", "young"] {
        append_action(&log, &session(name), &format!("{name}-young"), 100);
    }
    log
}

fn append_sealed(log: &SqliteLog, name: &str, unix_ms: i64) {
    let mut sealed = entry(EventKind::PromptSubmitted, "sealed", unix_ms);
    let ciphertext = b"sealed".to_vec();
    sealed.sealed = Some(SealedPayload {
        key_id: "a key".to_owned(),
        digest: Digest::of(&ciphertext),
        ciphertext: Some(ciphertext),
    });
    log.append(batch(&session(name), vec![sealed])).unwrap();
}

fn plan_of(log: &SqliteLog, tenant: &str, before: i64, stays: &[&str]) -> Option<PrunePlan> {
    let order = PruneOrder {
        tenant: &tenant.parse().unwrap(),
        before: at(before),
        stays: &|session| stays.contains(&session.as_str()),
    };
    log.plan_pruning(&order).unwrap()
}

fn record(log: &SqliteLog, before: i64) {
    let plan = plan_of(log, "acme", before, &[]).unwrap();
    log.record_pruning(plan, "ada", at(200)).unwrap();
}

fn prune(log: &SqliteLog, before: i64) -> u64 {
    record(log, before);
    log.sweep(&mut |_| {}).unwrap()
}

fn sound(log: &SqliteLog) -> Verification {
    let found = verified(log);
    assert_eq!(found.faults, []);
    assert_eq!(verify(log, &CANONICAL).unwrap().faults, []);
    found
}

fn sessions(log: &dyn Log) -> Vec<String> {
    let chains = log.chains().unwrap();
    let names = chains.iter().filter_map(|one| one.chain.session());
    names.map(ToString::to_string).collect()
}

fn exported(log: &SqliteLog, only: Option<&ChainId>) -> String {
    let mut out = Vec::new();
    export(log, only, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn faults_of_export(text: &str) -> Vec<Fault> {
    verify_export(text.as_bytes(), &Evidence::NONE)
        .unwrap()
        .faults
}

#[test]
fn sessions_that_are_over_go_and_what_stays_follows_from_what_went() {
    let place = Place::new();
    let log = filled(&place);
    let before = sound(&log);
    let plan = plan_of(&log, "acme", 50, &[]).unwrap();
    let names: Vec<_> = plan.sessions().map(SessionId::as_str).collect();
    assert_eq!(names, ["one", "two"]);
    assert!(plan.is_all());
    // Eight records of `one`, seven of `two`, and eleven commits.
    assert_eq!(plan.records(), 8 + 7 + 11);
    assert_eq!(prune(&log, 50), 26);
    let found = sound(&log);
    // The record of the pruning, and the heads that name it.
    assert_eq!(found.records, before.records - 26 + 2);
    assert_eq!(found.documents, 1);
    assert_eq!(found.sealed, 0);
    let told = Pruned {
        tenant: "acme".parse().unwrap(),
        at: at(200),
        before: at(50),
        by: "ada".to_owned(),
        records: 26,
        sessions: 2,
    };
    assert_eq!(found.pruned, [told]);
    assert_eq!(sessions(&log), [RETENTION_SESSION, "spanning", "young"]);
    let heads = found
        .chains
        .iter()
        .find(|one| one.chain == heads_of("acme"));
    assert_eq!(heads.unwrap().first, 11);
    // Nothing is left to go.
    assert!(plan_of(&log, "acme", 50, &[]).is_none());
    let whole = log
        .newest(&Query {
            limit: 100,
            ..Query::default()
        })
        .unwrap();
    assert!(
        whole
            .iter()
            .all(|found| !found.subject.as_deref().unwrap_or("").starts_with("one"))
    );
}

#[test]
fn what_is_told_to_stay_stays_whole() {
    let place = Place::new();
    let log = filled(&place);
    let plan = plan_of(&log, "acme", 50, &["two"]).unwrap();
    log.record_pruning(plan, "ada", at(200)).unwrap();
    log.sweep(&mut |_| {}).unwrap();
    sound(&log);
    assert_eq!(log.read(&session("two"), 0, 100).unwrap().len(), 7);
    // Later it may go, and what was pruned first stays known.
    append_action(&log, &session("later"), "later", 300);
    record(&log, 150);
    log.sweep(&mut |_| {}).unwrap();
    let found = sound(&log);
    assert_eq!(found.pruned.len(), 2);
    assert_eq!(sessions(&log), [RETENTION_SESSION, "later"]);
}

#[test]
fn any_record_that_is_missing_beside_what_was_pruned_is_found() {
    let place = Place::new();
    let log = filled(&place);
    prune(&log, 50);
    drop(log);
    let ids: Vec<i64> = {
        let intruder = place.intruder();
        let mut select = intruder.prepare("SELECT id FROM records").unwrap();
        let ids = select.query_map([], |row| row.get(0)).unwrap();
        ids.map(Result::unwrap).collect()
    };
    assert!(ids.len() > 10);
    for id in ids {
        let copy = Place::new();
        std::fs::copy(place.path(), copy.path()).unwrap();
        let intruder = copy.intruder();
        intruder
            .execute("DELETE FROM entries WHERE id = ?1", [id])
            .unwrap();
        intruder
            .execute("DELETE FROM records WHERE id = ?1", [id])
            .unwrap();
        let found = verified(&copy.open());
        assert!(!found.is_sound(), "row {id} is gone and nobody noticed");
    }
}

/// Tampers with a pruned log and compares what is found.
fn check(tamper: &str, expected: &[Fault]) {
    let place = Place::new();
    let log = filled(&place);
    prune(&log, 50);
    place.intruder().execute_batch(tamper).unwrap();
    assert_eq!(verified(&log).faults, expected);
}

fn of_session(name: &str) -> String {
    format!("(SELECT id FROM chains WHERE session = '{name}')")
}

#[test]
fn a_cut_without_its_record_is_broken() {
    // All of a session and all that ever named it, as a pruning would leave it.
    let place = Place::new();
    let log = filled(&place);
    let (one, heads) = (of_session("one"), of_session(""));
    place
        .intruder()
        .execute_batch(&format!(
            "DELETE FROM entries; DELETE FROM records WHERE chain = {one};
             DELETE FROM records WHERE chain = {heads} AND seq < 10;"
        ))
        .unwrap();
    let found = verified(&log);
    let missing = Fault::Missing {
        chain: heads_of("acme"),
        from: 0,
        to: 9,
    };
    assert!(found.faults.contains(&missing), "{:?}", found.faults);
    // Also where the table that lets a pruning delete rows says that it was one.
    let place = Place::new();
    let log = filled(&place);
    prune(&log, 50);
    append_action(&log, &session("young"), "last", 110);
    place
        .intruder()
        .execute_batch(&format!(
            "INSERT INTO cuts SELECT chain, seq, hash FROM records
                 WHERE chain = {young} AND seq = 3;
             DELETE FROM entries WHERE chain = {young};
             DELETE FROM records WHERE chain = {young};",
            young = of_session("young"),
        ))
        .unwrap();
    let found = verified(&log);
    let chain = session("young");
    assert!(found.faults.contains(&Fault::ChainMissing {
        chain: chain.clone(),
        records: 4
    }));
    assert!(found.faults.contains(&Fault::CutDiffers { chain }));
}

#[test]
fn without_the_record_of_the_pruning_every_beginning_is_missing() {
    let place = Place::new();
    let log = filled(&place);
    prune(&log, 50);
    place
        .intruder()
        .execute_batch(
            "DELETE FROM entries WHERE kind = 'RECORDS_PRUNED';
             DELETE FROM records WHERE kind = 'RECORDS_PRUNED';",
        )
        .unwrap();
    let found = verified(&log);
    let chain = heads_of("acme");
    assert!(found.faults.contains(&Fault::Missing {
        chain,
        from: 0,
        to: 10
    }));
    assert!(found.faults.contains(&Fault::ChainMissing {
        chain: session(RETENTION_SESSION),
        records: 1,
    }));
    assert_eq!(found.pruned, []);
}

#[test]
fn a_session_that_stayed_is_held_against_the_names_that_went() {
    let chain = session("spanning");
    check(
        &format!(
            "DELETE FROM entries WHERE chain = {spanning} AND seq < 2;
             DELETE FROM records WHERE chain = {spanning} AND seq < 2;",
            spanning = of_session("spanning"),
        ),
        &[Fault::Missing {
            chain: chain.clone(),
            from: 0,
            to: 1,
        }],
    );
    check(
        &format!(
            "UPDATE records SET bytes = CAST(replace(CAST(bytes AS TEXT), 'spanning-1', 'spanning-9') AS BLOB)
             WHERE chain = {} AND seq = 3",
            of_session("spanning")
        ),
        &[Fault::Edited { chain, seq: 3 }],
    );
    let cut = session("one");
    check(
        &format!(
            "UPDATE cuts SET seq = seq - 1 WHERE chain = {}",
            of_session("one")
        ),
        &[Fault::CutDiffers { chain: cut }],
    );
}

#[test]
fn a_pruning_that_was_killed_leaves_a_log_that_verifies_and_the_next_goes_on() {
    let place = Place::new();
    let log = place.open();
    // So many that they go in several steps.
    for number in 0..40 {
        let entries = (0..60).map(|part| {
            entry(
                EventKind::PromptSubmitted,
                &format!("many-{number}-{part}"),
                30,
            )
        });
        log.append(batch(&session("many"), entries.collect()))
            .unwrap();
    }
    drop(log);
    let log = filled(&place);
    record(&log, 50);
    // Recorded, and nothing deleted.
    let recorded = sound(&log);
    let mut steps = BTreeSet::new();
    let other = SqliteLog::open(place.path(), Options::default()).unwrap();
    let swept = log
        .sweep(&mut |so_far| {
            steps.insert(so_far);
            sound(&other);
            // Others go on meanwhile.
            append_action(&other, &session("beside"), &format!("{so_far}"), 200);
        })
        .unwrap();
    assert!(steps.len() > 2, "{steps:?}");
    let found = sound(&log);
    let appended = 3 * steps.len() as u64;
    assert_eq!(found.records, recorded.records - swept + appended);
    assert_eq!(log.sweep(&mut |_| {}).unwrap(), 0);
}

/// Names the log that a process of its own is to prune.
const ORDERS: &str = "AEGIS_LOG_TEST_PRUNE";

/// Prunes a log, if this process was told to.
#[test]
fn obey() {
    if let Ok(path) = std::env::var(ORDERS) {
        prune(&SqliteLog::open(path, Options::default()).unwrap(), 50);
    }
}

#[test]
fn a_process_that_is_killed_while_it_prunes_loses_nothing_that_stays() {
    let place = Place::new();
    let log = place.open();
    for number in 0..100 {
        let entries = (0..60).map(|part| {
            let subject = format!("many-{number}-{part}");
            entry(EventKind::PromptSubmitted, &subject, 10)
        });
        let chain = session(&format!("many-{number}"));
        log.append(batch(&chain, entries.collect())).unwrap();
    }
    drop(log);
    let log = filled(&place);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "pruning::obey", "--nocapture"])
        .env(ORDERS, place.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let first = session("many-0");
    // Its record is there, and some of what it names is gone.
    while log
        .read(&first, 0, 1)
        .unwrap()
        .first()
        .is_some_and(|first| first.seq == 0)
    {
        assert!(child.try_wait().unwrap().is_none());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let found = sound(&log);
    assert_eq!(found.pruned.len(), 1);
    for name in ["spanning", "young"] {
        assert_eq!(verify_chain(&log, &session(name), |_| ()).unwrap(), None);
    }
    log.sweep(&mut |_| {}).unwrap();
    sound(&log);
    assert_eq!(sessions(&log), [RETENTION_SESSION, "spanning", "young"]);
}

#[test]
fn what_is_left_of_a_pruned_beginning_is_verified_up_to_its_end() {
    let place = Place::new();
    let log = filled(&place);
    record(&log, 50);
    place
        .intruder()
        .execute_batch(&format!(
            "DELETE FROM entries WHERE chain = {one} AND seq = 4;
             DELETE FROM records WHERE chain = {one} AND seq = 4;",
            one = of_session("one"),
        ))
        .unwrap();
    let chain = session("one");
    assert_eq!(
        verified(&log).faults,
        [Fault::Missing {
            chain,
            from: 4,
            to: 4
        }]
    );
}

#[test]
fn a_session_that_goes_on_after_it_was_pruned_goes_on_with_its_numbers() {
    let place = Place::new();
    let log = filled(&place);
    // This one has the chain in mind when it is pruned by another process.
    let other = SqliteLog::open(place.path(), Options::default()).unwrap();
    let head = other.head(&session("one")).unwrap();
    prune(&log, 50);
    assert_eq!(other.head(&session("one")).unwrap(), head);
    let expecting = Batch {
        expected: Some(head),
        ..action(&session("one"), "again", 300)
    };
    let appended = other.append(expecting).unwrap();
    assert_eq!(appended.envelopes[0].seq, 8);
    assert_eq!(appended.envelopes[0].previous, head.hash);
    let found = sound(&log);
    let one = found.chains.iter().find(|one| one.chain == session("one"));
    assert_eq!(one.unwrap().first, 8);
    for name in ["one", "two", "spanning", "young", RETENTION_SESSION] {
        let mut seen = 0;
        let fault = verify_chain(&log, &session(name), |_| seen += 1).unwrap();
        assert_eq!(fault, None, "{name}");
        assert_eq!(seen == 0, name == "two");
    }
    for summary in log.chains().unwrap() {
        assert_eq!(verify_end(&log, &summary, 100).unwrap(), None);
    }
    append_action(&log, &session("last"), "last", 500);
    // Of `one`, of `spanning`, of `young`, and the commits.
    assert_eq!(prune(&log, 400), 2 + 8 + 2 + 4);
    sound(&log);
    assert_eq!(log.head(&session("one")).unwrap(), appended.head);
}

#[test]
fn one_chain_with_a_missing_beginning_is_named() {
    let place = Place::new();
    let log = filled(&place);
    prune(&log, 50);
    place
        .intruder()
        .execute_batch(&format!(
            "DELETE FROM entries WHERE chain = {spanning} AND seq < 2;
             DELETE FROM records WHERE chain = {spanning} AND seq < 2;",
            spanning = of_session("spanning"),
        ))
        .unwrap();
    let chain = session("spanning");
    let fault = verify_chain(&log, &chain, |_| ()).unwrap();
    assert_eq!(
        fault,
        Some(Fault::Missing {
            chain: chain.clone(),
            from: 0,
            to: 1
        })
    );
    let chains = log.chains().unwrap();
    let summary = chains.iter().find(|one| one.chain == chain).unwrap();
    assert!(verify_end(&log, summary, 100).unwrap().is_some());
}

#[test]
fn a_session_that_moved_meanwhile_is_not_pruned() {
    let place = Place::new();
    let log = filled(&place);
    let plan = plan_of(&log, "acme", 50, &[]).unwrap();
    append_action(&log, &session("two"), "again", 150);
    let refused = log.record_pruning(plan, "ada", at(200));
    assert!(matches!(refused, Err(PruneError::Moved { session }) if session.as_str() == "two"));
    assert_eq!(sound(&log).pruned, []);
    assert_eq!(sessions(&log), ["one", "spanning", "two", "young"]);
}

#[test]
fn of_two_prunings_at_once_the_later_record_is_refused() {
    for (first, second) in [(15, 50), (50, 15)] {
        let place = Place::new();
        let log = place.open();
        for (name, unix_ms) in [("oldest", 10), ("old", 20), ("young", 100)] {
            append_action(&log, &session(name), name, unix_ms);
        }
        let plan = plan_of(&log, "acme", second, &[]).unwrap();
        record(&log, first);
        // Nothing is left of what the other one would cut as well.
        log.sweep(&mut |_| {}).unwrap();
        let refused = log.record_pruning(plan, "eve", at(200));
        assert!(matches!(refused, Err(PruneError::Another)), "{refused:?}");
        assert_eq!(sound(&log).pruned.len(), 1);
        // Once it is planned again it goes on where the other one ended.
        let again = plan_of(&log, "acme", second, &[]);
        assert_eq!(again.is_some(), second > first);
        if let Some(plan) = again {
            log.record_pruning(plan, "eve", at(200)).unwrap();
            log.sweep(&mut |_| {}).unwrap();
            assert_eq!(sound(&log).pruned.len(), 2);
        }
    }
}

#[test]
fn sessions_that_stay_hide_none_that_may_go() {
    let place = Place::new();
    let log = place.open();
    // Many more than those that go.
    let names: Vec<String> = (0..8_001).map(|number| format!("waits-{number}")).collect();
    std::thread::scope(|scope| {
        // Those of many threads go into one commit.
        for some in names.chunks(names.len().div_ceil(64)) {
            let log = &log;
            scope.spawn(move || {
                for name in some {
                    let asked = entry(EventKind::ApprovalRequested, name, 10);
                    log.append(batch(&session(name), vec![asked])).unwrap();
                }
            });
        }
    });
    append_action(&log, &session("over"), "over", 20);
    let order = PruneOrder {
        tenant: &"acme".parse().unwrap(),
        before: at(50),
        stays: &|session| session.as_str().starts_with("waits-"),
    };
    let plan = log.plan_pruning(&order).unwrap().unwrap();
    let going: Vec<_> = plan.sessions().map(SessionId::as_str).collect();
    assert_eq!(going, ["over"]);
    log.record_pruning(plan, "ada", at(200)).unwrap();
    log.sweep(&mut |_| {}).unwrap();
    assert_eq!(verify(&log, &CANONICAL).unwrap().faults, []);
    assert!(log.plan_pruning(&order).unwrap().is_none());
}

#[test]
fn only_the_tenant_that_is_named_is_pruned() {
    let place = Place::new();
    let log = filled(&place);
    append_action(&log, &session_of("other", "one"), "one", 10);
    append_action(&log, &session_of("other", "young"), "young", 100);
    prune(&log, 50);
    sound(&log);
    assert_eq!(
        log.read(&session_of("other", "one"), 0, 9).unwrap().len(),
        2
    );
    let plan = plan_of(&log, "other", 50, &[]).unwrap();
    log.record_pruning(plan, "eve", at(200)).unwrap();
    log.sweep(&mut |_| {}).unwrap();
    let found = sound(&log);
    let by: Vec<_> = found.pruned.iter().map(|one| one.by.as_str()).collect();
    assert_eq!(by, ["ada", "eve"]);
}

#[test]
fn accidents_are_refused_by_a_pruned_file_as_well() {
    let place = Place::new();
    let log = filled(&place);
    append_sealed(&log, "young", 100);
    prune(&log, 50);
    assert_eq!(sound(&log).sealed, 1);
    let sqlite = rusqlite::Connection::open(place.path()).unwrap();
    for accident in [
        "DELETE FROM records",
        "DELETE FROM sealed",
        "UPDATE records SET at = 0",
        "DELETE FROM documents",
    ] {
        assert!(sqlite.execute(accident, []).is_err(), "{accident}");
    }
    sound(&log);
}

#[test]
fn an_export_of_a_pruned_log_is_verified_without_it() {
    let place = Place::new();
    let log = filled(&place);
    prune(&log, 50);
    append_action(&log, &session("one"), "again", 300);
    let text = exported(&log, None);
    let found = verify_export(text.as_bytes(), &Evidence::NONE).unwrap();
    assert_eq!(found.faults, []);
    assert_eq!(found.pruned, sound(&log).pruned);
    assert_eq!(found.records, sound(&log).records);
    let (first, rest) = text.split_once('\n').unwrap();
    assert!(first.starts_with("{\"pruned\":"));
    assert!(!faults_of_export(rest).is_empty());
    // A pruning that the log does not record explains nothing.
    let forged = first.replace("\"by\":\"ada\"", "\"by\":\"eve\"");
    assert!(!faults_of_export(&format!("{forged}\n{rest}")).is_empty());
    assert!(!faults_of_export(&format!("{first}\n{first}\n{rest}")).is_empty());
    for chain in [session("one"), session("spanning")] {
        let text = exported(&log, Some(&chain));
        assert_eq!(faults_of_export(&text), []);
        let without: Vec<_> = text
            .lines()
            .filter(|line| !line.starts_with("{\"pruned\""))
            .collect();
        let is_cut = chain == session("one");
        assert_eq!(faults_of_export(&without.join("\n")).is_empty(), !is_cut);
    }
}

/// Returns an anchor at each record of `chain` that is there.
fn anchors(log: &SqliteLog, chain: &ChainId) -> Vec<Anchor> {
    let envelopes = log.read(chain, 0, 100).unwrap();
    let anchors = envelopes.iter().map(|envelope| Anchor {
        chain: chain.clone(),
        seq: envelope.seq,
        hash: envelope.hash,
    });
    anchors.collect()
}

#[test]
fn an_anchor_holds_from_the_record_of_the_pruning_on_and_not_before_it() {
    let place = Place::new();
    let log = filled(&place);
    let chain = heads_of("acme");
    let before = anchors(&log, &chain);
    assert_eq!(before.len(), 13);
    prune(&log, 50);
    append_action(&log, &session("young"), "last", 210);
    let after = anchors(&log, &chain);
    assert_eq!(after.last().unwrap().seq, 14);
    for anchor in before.into_iter().chain(after) {
        let anchors = [anchor.clone()];
        let evidence = Evidence {
            anchors: &anchors,
            ..Evidence::NONE
        };
        let text = exported(&log, None);
        let of_export = verify_export(text.as_bytes(), &evidence).unwrap();
        let found = verify(&log, &evidence).unwrap();
        assert_eq!(found.faults, of_export.faults);
        let heads = found.chains.iter().find(|one| one.chain == chain).unwrap();
        if anchor.seq < 10 {
            let (chain, seq) = (chain.clone(), anchor.seq);
            assert_eq!(found.faults, [Fault::AnchorPruned { chain, seq }]);
        } else if anchor.seq < 13 {
            // Somebody may have pruned who may not, since it was kept.
            let (chain, seq) = (session(RETENTION_SESSION), 0);
            assert_eq!(found.faults, [Fault::PruningUnanchored { chain, seq }]);
        } else {
            assert_eq!(found.faults, []);
            assert_eq!(heads.anchored_to, Some(anchor.seq));
        }
    }
    let wrong = [Anchor {
        chain: chain.clone(),
        seq: 10,
        hash: Digest::of(b"another"),
    }];
    let evidence = Evidence {
        anchors: &wrong,
        ..Evidence::NONE
    };
    let faults = verify(&log, &evidence).unwrap().faults;
    assert!(matches!(
        faults.as_slice(),
        [Fault::AnchorBroken { seq: 10, .. }]
    ));
}

#[test]
fn an_anchor_holds_beside_each_pruning_that_it_reaches() {
    let place = Place::new();
    let log = filled(&place);
    let faults = |anchor: Option<Anchor>| {
        let anchors: Vec<Anchor> = anchor.into_iter().collect();
        let evidence = Evidence {
            anchors: &anchors,
            ..Evidence::NONE
        };
        let found = verify(&log, &evidence).unwrap().faults;
        let text = exported(&log, None);
        let of_export = verify_export(text.as_bytes(), &evidence).unwrap();
        assert_eq!(found, of_export.faults);
        found
    };
    let newest = |chain: &ChainId| anchors(&log, chain).pop();
    let (heads, young) = (heads_of("acme"), session("young"));
    record(&log, 50);
    let (first, of_young) = (newest(&heads), newest(&young));
    assert_eq!(faults(first.clone()), []);
    append_action(&log, &session("later"), "later", 300);
    let between = newest(&heads);
    // Nothing was swept yet, so heads that are gone for the log are still there.
    record(&log, 150);
    let (chain, seq) = (session(RETENTION_SESSION), 1);
    let unanchored = Fault::PruningUnanchored { chain, seq };
    assert!(faults(between).contains(&unanchored));
    assert_eq!(faults(of_young), [unanchored]);
    assert_eq!(faults(newest(&heads)), []);
    assert_eq!(faults(newest(&session(RETENTION_SESSION))), []);
    assert_eq!(faults(newest(&session("later"))), []);
}

#[test]
fn a_pruned_log_is_backed_up_restored_and_compacted() {
    let (place, elsewhere) = (Place::new(), Place::new());
    let log = filled(&place);
    let old = Place::new();
    log.backup(&old.path(), false, &mut |_| {}).unwrap();
    prune(&log, 50);
    log.backup(&elsewhere.path(), false, &mut |_| {}).unwrap();
    let before = sound(&log);
    assert_eq!(sound(&elsewhere.open()).pruned, before.pruned);
    log.compact().unwrap();
    assert_eq!(log.free_bytes().unwrap(), 0);
    assert_eq!(sound(&log), before);
    append_action(&log, &session("one"), "after", 300);
    sound(&log);
    drop(log);
    let again = |from: &Place, force: bool| {
        let wanted = Restore {
            from: &from.path(),
            to: &place.path(),
            aside: &place.path().with_file_name(format!("aside-{force}.db")),
            force,
        };
        restore(&wanted, &mut |_| {}).map(drop)
    };
    // A backup from before lacks the record of the pruning.
    assert!(again(&old, false).is_err());
    assert!(again(&elsewhere, false).is_err());
    again(&elsewhere, true).unwrap();
    let log = place.open();
    sound(&log);
    assert_eq!(log.head(&session("one")).unwrap().next, 8);
}

#[test]
fn a_walk_goes_on_over_what_was_pruned() {
    let place = Place::new();
    let log = filled(&place);
    let query = Query {
        limit: 4,
        ..Query::default()
    };
    let page = log.walk(&query, Walk::After(0)).unwrap();
    let place_of_last = page.last().unwrap().place;
    let young = log.walk(&query, Walk::Before(u64::MAX)).unwrap();
    prune(&log, 50);
    let query = Query {
        limit: 100,
        ..Query::default()
    };
    let rest = log.walk(&query, Walk::After(place_of_last)).unwrap();
    for placed in &young {
        assert!(rest.contains(placed));
    }
    let places: Vec<u64> = rest.iter().map(|placed| placed.place).collect();
    assert!(places.is_sorted() && places.iter().all(|place| *place > place_of_last));
}

#[test]
fn nobody_but_a_pruning_records_that_it_was_one() {
    let place = Place::new();
    let log = filled(&place);
    for chain in [session("one"), session(RETENTION_SESSION), heads_of("acme")] {
        let entry = entry(EventKind::RecordsPruned, "forged", 10);
        assert!(log.append(batch(&chain, vec![entry])).is_err());
    }
}

#[test]
fn the_bytes_of_what_was_pruned_are_gone_from_a_file_that_was_compacted() {
    let place = Place::new();
    let log = filled(&place);
    prune(&log, 50);
    // Where SQLite moved rows about before, copies of them lie in free space.
    log.compact().unwrap();
    drop(log);
    for ending in ["", "-wal"] {
        let path = format!("{}{ending}", place.path().display());
        let bytes = std::fs::read(path).unwrap_or_default();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|found| found == text);
        assert!(
            !holds(b"one-1") && !holds(b"documented"),
            "`log.db{ending}`"
        );
        assert!(ending == "-wal" || holds(b"spanning-1"));
    }
}
