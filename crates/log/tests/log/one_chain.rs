//! One chain is recomputed, whatever store it is in.

use aegis_log::{Fault, Log, verify_chain};

use crate::making::{Place, append_action, on_each_log, session, session_of};

/// Recomputes the chain `one`, and returns how many records were seen and the fault.
fn recomputed(log: &dyn Log) -> (u64, Option<Fault>) {
    let mut seen = 0;
    let fault = verify_chain(log, &session("one"), |_| seen += 1).unwrap();
    (seen, fault)
}

/// Fills `log` with more than is read at a time, other sessions and tenants between.
fn fill(log: &dyn Log) {
    for number in 0..50 {
        append_action(log, &session("one"), &number.to_string(), number);
        append_action(log, &session("two"), &number.to_string(), number);
        append_action(
            log,
            &session_of("other", "one"),
            &number.to_string(),
            number,
        );
    }
    for number in 0..100 {
        append_action(log, &session("two"), &number.to_string(), number);
    }
}

#[test]
fn a_chain_that_holds_is_seen_whole_in_every_store() {
    on_each_log(|log| {
        assert_eq!(recomputed(log), (0, None));
        fill(log);
        assert_eq!(recomputed(log), (100, None));
    });
}

#[test]
fn what_was_done_to_a_chain_is_named() {
    let chain = session("one");
    let of = "chain = (SELECT id FROM chains WHERE session = 'one' AND tenant = 'acme')";
    let edited = Fault::Edited {
        chain: chain.clone(),
        seq: 7,
    };
    let gap = Fault::Missing {
        chain: chain.clone(),
        from: 70,
        to: 70,
    };
    let cut = Fault::TailMissing {
        chain,
        from: 98,
        to: 99,
    };
    let edit = "UPDATE records SET bytes = CAST(replace(CAST(bytes AS TEXT), \
                '\"call_id\":\"3\"', '\"call_id\":\"4\"') AS BLOB) WHERE seq = 7";
    let delete = "DELETE FROM entries WHERE seq";
    let delete_records = "DELETE FROM records WHERE seq";
    for (statement, expected) in [
        (format!("{edit} AND {of}"), edited),
        (
            format!("{delete} = 70 AND {of}; {delete_records} = 70 AND {of}"),
            gap,
        ),
        (
            format!("{delete} >= 98 AND {of}; {delete_records} >= 98 AND {of}"),
            cut,
        ),
    ] {
        let place = Place::new();
        fill(&place.open());
        place.intruder().execute_batch(&statement).unwrap();
        let (_, fault) = recomputed(&place.open());
        assert_eq!(fault, Some(expected), "{statement}");
    }
}
