//! Events of clients, and the listings of the control plane.

use std::collections::BTreeSet;

use aegis_canon::{Digest, parse};
use aegis_gate::EventOrder;
use aegis_log::{Options, PruneOrder, SqliteLog, to_base64};
use aegis_server::Role;
use aegis_types::Timestamp;
use serde_json::{Value, json};

use crate::stage::Stage;

const V1: &str = "96a74364847ab044ae79404427e5de96b495b1bf65d38a2b030ebd8d5439e12a";
const V2: &str = "e7c94589fbafd43ca92831281c0b0deeda189487bde2bda2b234cc559b8e3c54";

fn stage() -> (Stage, String) {
    let stage = Stage::new();
    let token = stage.token("acme", &[Role::Agent, Role::Auditor]);
    (stage, token)
}

fn base64(hash: &str) -> String {
    to_base64(hash.parse::<Digest>().unwrap().as_bytes())
}

fn first() -> Value {
    json!({
        "tenant_id": "acme", "session_id": "sess-001", "seq": 0, "ts_unix_ms": 1_700_000_000_000_i64,
        "event_type": "TOOL_CALL_PROPOSED",
        "payload": {"call_id": "c1", "tool_name": "read_file", "args": {}},
    })
}

fn second() -> Value {
    json!({
        "tenant_id": "acme", "user_id": "u1", "session_id": "sess-001", "seq": 1,
        "ts_unix_ms": 1_700_000_000_001_i64, "event_type": "TOOL_RESULT",
        "payload": {"call_id": "c1", "n": 1.5, "result": "a<b"},
        "prev_hash": V1,
    })
}

fn with(mut event: Value, field: &str, value: Value) -> Value {
    event[field] = value;
    event
}

#[test]
fn a_chain_sealed_by_a_client_is_taken_with_hashes_in_every_spelling() {
    let list = json!(V1.parse::<Digest>().unwrap().as_bytes().to_vec());
    for spelling in [json!(V1), json!(base64(V1)), list] {
        let (stage, token) = stage();
        let one = with(first(), "hash", spelling.clone());
        let reply = stage.post(&token, "/v1/events", &one);
        assert_eq!(
            (reply.status, reply.body),
            (201, json!({"hash": V1, "seq": 0}))
        );
        let two = with(second(), "prev_hash", spelling);
        let reply = stage.post(&token, "/v1/events", &with(two, "hash", json!(base64(V2))));
        assert_eq!(
            (reply.status, reply.body),
            (201, json!({"hash": V2, "seq": 1}))
        );
        let verified = stage.get(&token, "/v1/sessions/sess-001/verify?tenant_id=acme");
        assert_eq!(verified.body["valid"], true, "{verified:?}");
    }
}

#[test]
fn without_a_hash_the_service_seals_as_the_control_plane_would() {
    let (stage, token) = stage();
    let reply = stage.post(&token, "/v1/events", &first());
    assert_eq!(reply.body, json!({"hash": V1, "seq": 0}));
    let reply = stage.post(&token, "/v1/events", &second());
    assert_eq!(reply.body, json!({"hash": V2, "seq": 1}));
    // Without a number, an event goes to the end.
    let next = json!({"session_id": "sess-001", "event_type": "MEMORY_READ"});
    assert_eq!(stage.post(&token, "/v1/events", &next).body["seq"], 2);
}

#[test]
fn what_only_the_gate_records_is_refused_with_the_route_to_use() {
    let (stage, token) = stage();
    for (kind, route) in [
        ("POLICY_DECISION", "/v1/decisions"),
        ("TOOL_CALL_ALLOWED", "/v1/decisions"),
        ("TOOL_CALL_DENIED", "/v1/decisions"),
        ("TOOL_CALL_EXECUTED", "/v1/outcomes"),
        ("APPROVAL_REQUESTED", "/v1/decisions"),
        ("APPROVAL_DECIDED", "/v1/approvals"),
        ("APPROVAL_EXPIRED", "/v1/approvals"),
        ("TERMINATION", "/v1/decisions"),
        ("FOREIGN_EVENT", "the service"),
    ] {
        let reply = stage.post(
            &token,
            "/v1/events",
            &with(first(), "event_type", json!(kind)),
        );
        let said = reply.body["error"].as_str().unwrap();
        assert_eq!(reply.status, 403, "{kind}");
        assert!(said.contains(route), "{said}");
    }
    for kind in ["", "policy_decision", "A B", "1A"] {
        let reply = stage.post(
            &token,
            "/v1/events",
            &with(first(), "event_type", json!(kind)),
        );
        assert_eq!(reply.status, 400, "{kind:?}");
    }
}

#[test]
fn an_event_out_of_place_is_a_conflict_that_names_the_place() {
    let (stage, token) = stage();
    let early = stage.post(&token, "/v1/events", &second());
    assert_eq!(
        (early.status, &early.body["expected_seq"]),
        (409, &json!(0))
    );
    stage.post(&token, "/v1/events", &first());
    for wrong in [
        with(second(), "seq", json!(7)),
        with(second(), "prev_hash", json!(V2)),
        with(second(), "prev_hash", Value::Null),
        with(first(), "payload", json!({"other": true})),
    ] {
        let reply = stage.post(&token, "/v1/events", &wrong);
        assert_eq!(reply.status, 409, "{wrong}");
        assert_eq!(reply.body["expected_seq"], 1);
        assert_eq!(reply.body["expected_prev_hash"], V1);
        let said = reply.body.to_string().to_ascii_lowercase();
        assert!(
            !said.contains("sql") && !said.contains("constraint"),
            "{said}"
        );
    }
    let genesis = with(first(), "session_id", json!("other"));
    let reply = stage.post(&token, "/v1/events", &with(genesis, "prev_hash", json!(V1)));
    assert_eq!(reply.status, 400, "{reply:?}");
    let edited = with(with(second(), "hash", json!(V2)), "user_id", json!("u2"));
    let reply = stage.post(&token, "/v1/events", &edited);
    assert_eq!(
        (reply.status, &reply.body["type"]),
        (400, &json!("urn:aegis:problem:hash-mismatch"))
    );
    assert!(
        reply.body["error"]
            .as_str()
            .unwrap()
            .contains("hash mismatch at seq=1")
    );
}

#[test]
fn the_same_event_posted_again_is_answered_and_not_added() {
    let (stage, token) = stage();
    let one = stage.post(&token, "/v1/events", &first());
    let again = stage.post(&token, "/v1/events", &first());
    assert_eq!((one.status, again.status), (201, 200));
    assert_eq!(one.body, again.body);
    let untimed = with(first(), "ts_unix_ms", json!(0));
    assert_eq!(stage.post(&token, "/v1/events", &untimed).status, 200);
    let listed = stage.get(&token, "/v2/events?session_id=sess-001");
    assert_eq!(listed.body["events"].as_array().unwrap().len(), 1);
}

#[test]
fn field_names_are_taken_as_they_are_written_and_no_others() {
    let (stage, token) = stage();
    for body in [
        r#"{"TENANT_ID":"acme","session_id":"s","event_type":"MEMORY_READ"}"#,
        r#"{"session_id":"s","session_id":"t","event_type":"MEMORY_READ"}"#,
        r#"{"session_id":"s","event_type":"MEMORY_READ"} trailing"#,
        r#"{"session_id":"s","event_type":"MEMORY_READ","seq":-1}"#,
        r#"{"session_id":"s","event_type":"MEMORY_READ","hash":"zz"}"#,
        r#"{"session_id":"","event_type":"MEMORY_READ"}"#,
        r#"{"session_id":"s","event_type":"MEMORY_READ","payload":1e999}"#,
    ] {
        let reply = stage.ask(&token, "POST /v1/events", &[], body);
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.body["error"].is_string());
    }
}

#[test]
fn what_doubles_cannot_tell_apart_stays_apart_in_the_record() {
    let (stage, token) = stage();
    let post = |number: &str| {
        let body = format!(
            r#"{{"session_id":"s{number}","seq":0,"ts_unix_ms":1,"event_type":"MEMORY_READ",
                "payload":{{"n":{number}}}}}"#
        );
        let reply = stage.ask(&token, "POST /v1/events", &[], &body);
        assert_eq!(reply.status, 201, "{reply:?}");
        let listed = stage.get(&token, &format!("/v1/events?session_id=s{number}"));
        listed.body["Events"][0]["PayloadJSON"].clone()
    };
    let exact = post("9007199254740993");
    assert_eq!(exact, to_base64(br#"{"n":9007199254740993}"#));
    assert_ne!(exact, post("9007199254740992"));
    let verified = stage.get(&token, "/v1/sessions/s9007199254740993/verify");
    assert_eq!(verified.body["valid"], true);
}

#[test]
fn a_secret_is_not_recorded_and_the_event_says_so() {
    let (stage, token) = stage();
    let secret = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let event = with(first(), "payload", json!({"call_id": "c1", "text": secret}));
    assert_eq!(stage.post(&token, "/v1/events", &event).status, 201);
    assert_eq!(stage.post(&token, "/v1/events", &event).status, 200);
    let listed = stage.get(&token, "/v2/events?session_id=sess-001");
    assert!(!listed.body.to_string().contains(&secret));
    assert_eq!(listed.body["events"][0]["redacted"], 1);
    let verified = stage.get(&token, "/v1/sessions/sess-001/verify");
    assert_eq!(verified.body["valid"], true);
    assert_eq!(verified.body["chains"][0]["redacted"], 1);
}

#[test]
fn the_clock_of_a_client_stands_beside_that_of_the_service() {
    let (stage, token) = stage();
    stage.post(&token, "/v1/events", &first());
    let listed = stage.get(&token, "/v2/events?session_id=sess-001");
    let event = &listed.body["events"][0];
    assert_eq!(event["ts_unix_ms"], 1_700_000_000_000_i64);
    assert!(event["received_unix_ms"].as_i64().unwrap() > 1_700_000_000_000);
}

#[test]
fn a_chain_of_a_client_is_none_of_the_gate() {
    let (stage, token) = stage();
    let client = stage.remote(Some(&token));
    stage.post(&token, "/v1/events", &first());
    let outcome = json!({"session_id": "sess-001", "call_id": "c1", "outcome": "completed"});
    // What a client says was proposed was not decided by that.
    let reply: Value = client.post("/v1/outcomes", &outcome).unwrap();
    assert_eq!(reply, json!({"decided": false}));
    let verified = stage.get(&token, "/v1/sessions/sess-001/verify").body;
    let origins: Vec<_> = verified["chains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chain| {
            (
                chain["origin"].as_str().unwrap(),
                chain["events"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(origins, [("gate", 2), ("client", 1)]);
    let listed = stage.get(&token, "/v2/events?session_id=sess-001&origin=client");
    assert_eq!(listed.body["events"].as_array().unwrap().len(), 1);
}

/// Goes through all pages, and returns session and number of each event.
fn pages(stage: &Stage, token: &str, query: &str) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    let mut next = String::new();
    loop {
        let page = stage.get(token, &format!("/v1/events?{query}&page_token={next}"));
        assert_eq!(page.status, 200, "{page:?}");
        for event in page.body["Events"].as_array().unwrap_or(&Vec::new()) {
            let session = event["SessionID"].as_str().unwrap().to_owned();
            found.push((session, event["Seq"].as_u64().unwrap()));
        }
        next = page.body["NextToken"].as_str().unwrap().to_owned();
        if next.is_empty() {
            return found;
        }
    }
}

#[test]
fn pages_of_many_sessions_lose_nothing_and_double_nothing() {
    let (stage, token) = stage();
    for number in 0..60 {
        for session in ["a", "b", "c"] {
            let event = json!({"session_id": session, "seq": null, "event_type": "MEMORY_READ",
                               "payload": {"tool_name": format!("t{}", number % 2)}});
            assert_eq!(stage.post(&token, "/v1/events", &event).status, 201);
        }
    }
    for limit in [1, 7, 100, 1_000] {
        let found = pages(&stage, &token, &format!("tenant_id=acme&limit={limit}"));
        let distinct: BTreeSet<_> = found.iter().cloned().collect();
        assert_eq!((found.len(), distinct.len()), (180, 180), "{limit}");
        assert!(found.is_sorted());
        if limit == 1 {
            assert_eq!(found.last().unwrap(), &("c".to_owned(), 59));
        }
    }
    assert_eq!(pages(&stage, &token, "tool_name=t1&limit=7").len(), 90);
    assert_eq!(
        pages(&stage, &token, "session_id=b&event_type=MEMORY_READ").len(),
        60
    );
    assert_eq!(pages(&stage, &token, "event_type=TOOL_RESULT"), []);
    assert_eq!(pages(&stage, &token, "from_ts=1&to_ts=2"), []);
}

#[test]
fn a_token_of_no_page_or_of_other_filters_is_refused() {
    let (stage, token) = stage();
    for _ in 0..3 {
        let event = json!({"session_id": "a", "event_type": "MEMORY_READ"});
        stage.post(&token, "/v1/events", &event);
    }
    let page = stage.get(&token, "/v1/events?limit=2");
    let next = page.body["NextToken"].as_str().unwrap().to_owned();
    assert_eq!(
        stage
            .get(&token, &format!("/v1/events?limit=1&page_token={next}"))
            .status,
        200
    );
    for query in [
        format!("session_id=a&page_token={next}"),
        "page_token=100".to_owned(),
        "limit=0".to_owned(),
        "limit=1001".to_owned(),
        "limit=x".to_owned(),
        "session_id=a&session_id=b".to_owned(),
        "surprise=1".to_owned(),
        "policy_outcome=maybe".to_owned(),
    ] {
        let reply = stage.get(&token, &format!("/v1/events?{query}"));
        assert_eq!(reply.status, 400, "{query}");
        assert!(reply.body["error"].is_string(), "{query}");
    }
}

#[test]
fn the_listing_of_the_control_plane_has_its_names() {
    let (stage, token) = stage();
    let empty = stage.get(&token, "/v1/events?tenant_id=acme");
    assert_eq!(empty.body, json!({"Events": null, "NextToken": ""}));
    stage.post(&token, "/v1/events", &first());
    let listed = stage.get(&token, "/v1/events?tenant_id=acme&session_id=sess-001");
    let payload = br#"{"args":{},"call_id":"c1","tool_name":"read_file"}"#;
    assert_eq!(
        listed.body["Events"][0],
        json!({
            "TenantID": "acme", "SessionID": "sess-001", "Seq": 0, "TsUnixMs": 1_700_000_000_000_i64,
            "EventType": "TOOL_CALL_PROPOSED", "PayloadJSON": to_base64(payload),
            "Hash": base64(V1), "PrevHash": null, "Origin": "client", "UserID": "",
        })
    );
}

#[test]
fn who_may_not_read_or_belongs_elsewhere_gets_nothing() {
    let (stage, token) = stage();
    stage.post(&token, "/v1/events", &first());
    let agent = stage.token("acme", &[Role::Agent]);
    let auditor = stage.token("acme", &[Role::Auditor]);
    let other = stage.token("other", &[Role::Agent, Role::Auditor]);
    for path in [
        "/v1/events",
        "/v2/events",
        "/v1/sessions/sess-001/verify",
        "/v1/sessions/sess-001/snapshot",
    ] {
        assert_eq!(stage.get(&agent, path).status, 403, "{path}");
        assert_eq!(
            stage.get(&other, &format!("{path}?tenant_id=acme")).status,
            403,
            "{path}"
        );
        assert_eq!(stage.get("aegis_x_y", path).status, 401, "{path}");
        assert_eq!(stage.get(&auditor, path).status, 200, "{path}");
        let theirs = stage.get(&other, path);
        assert!(!theirs.body.to_string().contains("read_file"), "{theirs:?}");
    }
    assert_eq!(stage.post(&auditor, "/v1/events", &first()).status, 403);
    assert_eq!(stage.post(&other, "/v1/events", &first()).status, 403);
    assert_eq!(
        stage.get(&other, "/v1/sessions/sess-001/verify").status,
        404
    );
}

#[test]
fn names_that_look_joined_are_not_confused() {
    let stage = Stage::new();
    let one = stage.token("a/b", &[Role::Agent, Role::Auditor]);
    let other = stage.token("a", &[Role::Agent, Role::Auditor]);
    let event = |session| json!({"session_id": session, "event_type": "MEMORY_READ"});
    stage.post(&one, "/v1/events", &event("c"));
    stage.post(&one, "/v1/events", &event("c"));
    stage.post(&other, "/v1/events", &event("b/c"));
    assert_eq!(stage.get(&one, "/v1/sessions/c/verify").body["events"], 2);
    assert_eq!(
        stage.get(&other, "/v1/sessions/b%2Fc/verify").body["events"],
        1
    );
    assert_eq!(stage.get(&other, "/v1/sessions/c/verify").status, 404);
}

#[test]
fn a_session_that_bears_the_name_of_a_client_chain_hides_nothing() {
    let (stage, token) = stage();
    let proposal = json!({"session_id": "foreign:s", "call_id": "x", "tool_name": "Bash",
                          "args": {"command": "ls"}});
    assert_eq!(stage.post(&token, "/v1/decisions", &proposal).status, 200);
    let event = json!({"session_id": "s", "event_type": "MEMORY_READ"});
    assert_eq!(stage.post(&token, "/v1/events", &event).body["seq"], 0);
    assert_eq!(stage.post(&token, "/v1/events", &event).body["seq"], 1);
    let listed = stage.get(&token, "/v2/events").body;
    let names: Vec<_> = listed["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            format!(
                "{}/{}",
                event["session_id"].as_str().unwrap(),
                event["origin"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        names,
        ["foreign:s/gate", "foreign:s/gate", "s/client", "s/client"]
    );
    for session in ["s", "foreign:s"] {
        let verified = stage.get(&token, &format!("/v1/sessions/{session}/verify"));
        assert_eq!(
            (&verified.body["valid"], &verified.body["events"]),
            (&json!(true), &json!(2))
        );
    }
}

#[test]
fn many_new_sessions_at_once_are_all_kept() {
    keeps_many_sessions(&Stage::new());
}

#[test]
fn a_log_in_memory_is_one_for_all_connections() {
    let stage = Stage::in_memory();
    keeps_many_sessions(&stage);
    assert!(!stage.folder().join("state/log.db").exists());
}

fn keeps_many_sessions(stage: &Stage) {
    let token = stage.token("acme", &[Role::Agent, Role::Auditor]);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let token = &token;
            scope.spawn(move || {
                for number in 0..10 {
                    let own = json!({"session_id": format!("s{thread}-{number}"),
                                     "event_type": "MEMORY_READ"});
                    assert_eq!(stage.post(token, "/v1/events", &own).status, 201);
                    let shared = json!({"session_id": "shared", "event_type": "MEMORY_READ"});
                    assert_eq!(stage.post(token, "/v1/events", &shared).status, 201);
                }
            });
        }
    });
    assert_eq!(pages(stage, &token, "limit=50").len(), 160);
    let shared = stage.get(&token, "/v1/sessions/shared/verify").body;
    assert_eq!(
        (&shared["valid"], &shared["events"]),
        (&json!(true), &json!(80))
    );
}

#[test]
fn an_event_that_is_too_large_is_refused_before_it_is_examined() {
    let (stage, token) = stage();
    let large = json!({"session_id": "s", "event_type": "MEMORY_READ",
                       "payload": "x".repeat(2 << 20)});
    assert_eq!(stage.post(&token, "/v1/events", &large).status, 413);
    let many = json!({"session_id": "s", "event_type": "MEMORY_READ",
                      "payload": vec![0; 1 << 20]});
    assert_eq!(stage.post(&token, "/v1/events", &many).status, 413);
    assert_eq!(stage.get(&token, "/v1/sessions/s/verify").status, 404);
}

#[test]
fn a_tampered_event_of_a_client_is_found() {
    let (stage, token) = stage();
    stage.post(&token, "/v1/events", &first());
    stage.post(&token, "/v1/events", &second());
    let sqlite = stage.intruder();
    let (id, bytes): (i64, Vec<u8>) = sqlite
        .query_row(
            "SELECT id, bytes FROM records WHERE kind = 'FOREIGN_EVENT' ORDER BY id LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    // The record around it is made to agree; its own hash is what tells.
    let text = String::from_utf8(bytes)
        .unwrap()
        .replace("read_file", "send_file");
    let hash = Digest::of(text.as_bytes());
    parse(text.as_bytes()).unwrap();
    sqlite
        .execute(
            "UPDATE records SET bytes = ?1, hash = ?2 WHERE id = ?3",
            (text.as_bytes(), hash.as_bytes(), id),
        )
        .unwrap();
    let verified = stage.get(&token, "/v1/sessions/sess-001/verify");
    assert_eq!(verified.status, 200);
    assert_eq!(
        (&verified.body["valid"], &verified.body["first_bad_seq"]),
        (&json!(false), &json!(0))
    );
    assert!(verified.body["error"].is_string());
}

#[test]
fn nothing_follows_an_event_that_was_pruned() {
    let (stage, token) = stage();
    for event in [first(), second()] {
        assert_eq!(stage.post(&token, "/v1/events", &event).status, 201);
    }
    let log = stage.folder().join("state/log.db");
    let log = SqliteLog::open(log, Options::default()).unwrap();
    let order = PruneOrder {
        tenant: &"acme".parse().unwrap(),
        before: Timestamp::from_unix_ms(i64::MAX),
        stays: &|_| false,
    };
    let plan = log.plan_pruning(&order).unwrap().unwrap();
    let now = Timestamp::from_unix_ms(1_800_000_000_000);
    log.record_pruning(plan, "ada", now).unwrap();
    log.sweep(&mut |_| {}).unwrap();
    let third = json!({
        "session_id": "sess-001", "seq": 2, "event_type": "MEMORY_READ", "prev_hash": V2,
    });
    let unnumbered = json!({"session_id": "sess-001", "event_type": "MEMORY_READ"});
    for event in [first(), third, unnumbered] {
        let reply = stage.post(&token, "/v1/events", &event);
        assert_eq!(reply.status, 409);
        let said = reply.body["error"].as_str().unwrap();
        assert!(said.contains("were pruned from the log"), "{said}");
        assert!(said.contains("name another session"), "{said}");
    }
    let other = json!({"session_id": "sess-002", "event_type": "MEMORY_READ"});
    assert_eq!(stage.post(&token, "/v1/events", &other).status, 201);
}

#[test]
fn a_cut_tail_is_found() {
    let (stage, token) = stage();
    stage.post(&token, "/v1/events", &first());
    stage.post(&token, "/v1/events", &second());
    let sqlite = stage.intruder();
    sqlite
        .execute_batch(
            "DELETE FROM entries WHERE kind = 'FOREIGN_EVENT' AND seq = 1;
             DELETE FROM records WHERE kind = 'FOREIGN_EVENT' AND seq = 1;",
        )
        .unwrap();
    let verified = stage.get(&token, "/v1/sessions/sess-001/verify");
    assert_eq!(
        (&verified.body["valid"], &verified.body["first_bad_seq"]),
        (&json!(false), &json!(1))
    );
}

#[test]
fn a_snapshot_is_never_behind_and_says_what_it_does_not_know() {
    let (stage, token) = stage();
    assert_eq!(
        stage.get(&token, "/v1/sessions/sess-001/snapshot").status,
        404
    );
    stage.post(&token, "/v1/events", &first());
    stage.post(&token, "/v1/events", &second());
    let found = stage
        .get(&token, "/v1/sessions/sess-001/snapshot?tenant_id=acme")
        .body;
    assert_eq!(
        (&found["TenantID"], &found["SessionID"]),
        (&json!("acme"), &json!("sess-001"))
    );
    assert_eq!(found["LastSeq"], 1);
    let state = &found["State"];
    assert_eq!(state["budgets"]["steps_consumed"], 2);
    assert_eq!(state["budgets"]["tool_calls_consumed"], 1);
    assert_eq!(state["last_outcomes"]["last_tool_name"], "read_file");
    let bytes = aegis_canon::canonical(state);
    assert_eq!(found["StateJSON"], to_base64(&bytes));
    assert_eq!(
        found["SnapshotHash"],
        to_base64(Digest::of(&bytes).as_bytes())
    );
    assert!(state.get("taint").is_none() && found["NotChecked"].to_string().contains("taint"));
}

#[test]
fn an_order_that_is_enforced_lets_calls_overlap_and_refuses_what_cannot_be() {
    let stage = Stage::with_order(EventOrder::Paired);
    let token = stage.token("acme", &[Role::Agent, Role::Auditor]);
    let post = |kind: &str, field: &str, name: &str| {
        let event = json!({"session_id": "s", "event_type": kind, "payload": {field: name}});
        stage.post(&token, "/v1/events", &event).status
    };
    for (kind, field, name, expected) in [
        ("MEMORY_READ", "memory_key", "k", 201),
        ("TOOL_RESULT", "call_id", "a", 409),
        ("TOOL_CALL_PROPOSED", "call_id", "a", 201),
        ("TOOL_CALL_PROPOSED", "call_id", "b", 201),
        ("TOOL_CALL_PROPOSED", "call_id", "a", 409),
        ("MODEL_CALL_FINISHED", "call_id", "a", 409),
        ("TOOL_RESULT", "call_id", "b", 201),
        ("TOOL_RESULT", "call_id", "a", 201),
        ("TOOL_RESULT", "call_id", "a", 409),
        ("TOOL_CALL_PROPOSED", "call_id", "a", 201),
        ("TOOL_CALL_PROPOSED", "name", "a", 409),
        ("HANDOFF_COMPLETED", "context_id", "h", 409),
        ("HANDOFF_REQUESTED", "context_id", "h", 201),
        ("HANDOFF_COMPLETED", "context_id", "h", 201),
        ("SOMETHING_ELSE", "call_id", "a", 409),
    ] {
        assert_eq!(post(kind, field, name), expected, "{kind} {name}");
    }
    assert_eq!(stage.get(&token, "/v1/sessions/s/verify").body["events"], 8);
}
