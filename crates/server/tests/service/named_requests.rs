//! Requests with a name are answered once.

use aegis_canon::Digest;
use aegis_gate::{DurabilityLevel, Gates};
use aegis_server::Role;
use aegis_types::EventKind;
use serde_json::{Value, json};

use crate::raw::Raw;
use crate::stage::{Stage, surroundings};

fn proposal(line: &str) -> Value {
    json!({"session_id": "s", "call_id": "c", "tool_name": "Bash", "args": {"command": line}})
}

fn outcome(content: &str) -> Value {
    json!({"session_id": "s", "call_id": "c", "outcome": "completed", "content": content})
}

fn event(session: &str) -> Value {
    json!({"session_id": session, "event_type": "MEMORY_READ"})
}

fn post(stage: &Stage, token: &str, path: &str, name: &str, body: &Value) -> Raw {
    let line = format!("POST {path}");
    stage.ask(
        token,
        &line,
        &[("Idempotency-Key", name)],
        &body.to_string(),
    )
}

/// Returns how many records of `kind` there are.
fn count(stage: &Stage, token: &str, kind: &str) -> usize {
    let listed = stage.get(token, &format!("/v2/events?event_type={kind}"));
    listed.body["events"].as_array().unwrap().len()
}

/// The routes that take names, a request to each, another one, and the record it makes.
fn routes() -> [(&'static str, Value, Value, &'static str); 4] {
    let decisions = "/v1/decisions";
    let denied = proposal("rm -rf /");
    [
        (
            decisions,
            proposal("ls"),
            proposal("ls -l"),
            "POLICY_DECISION",
        ),
        (decisions, denied, proposal("ls"), "POLICY_DECISION"),
        ("/v1/outcomes", outcome("a"), outcome("b"), "TOOL_RESULT"),
        ("/v1/events", event("s"), event("t"), "MEMORY_READ"),
    ]
}

#[test]
fn a_name_gets_one_record_and_one_reply_also_after_a_restart() {
    for (path, body, other, kind) in routes() {
        let mut stage = Stage::new();
        let token = stage.token("acme", &[Role::Agent, Role::Auditor]);
        let one = post(&stage, &token, path, "name", &body);
        assert!(one.status < 300, "{one:?}");
        for _ in 0..2 {
            let again = post(&stage, &token, path, "name", &body);
            assert_eq!(
                (again.status, &again.body),
                (one.status, &one.body),
                "{path}"
            );
            let conflict = post(&stage, &token, path, "name", &other);
            assert_eq!(conflict.status, 409, "{path}: {conflict:?}");
            stage = stage.restarted();
        }
        assert_eq!(count(&stage, &token, kind), 1, "{path}");
        // A name is of one caller and of one route.
        let elsewhere = if path == "/v1/events" {
            "/v1/decisions"
        } else {
            "/v1/events"
        };
        let moved = post(&stage, &token, elsewhere, "name", &body);
        assert!(moved.status >= 400, "{moved:?}");
        let neighbour = stage.token_named("neighbour", "acme", &[Role::Agent]);
        let theirs = post(&stage, &neighbour, path, "name", &other);
        assert!(theirs.status < 300, "{theirs:?}");
        assert_eq!(count(&stage, &token, kind), 2, "{path}");
    }
}

#[test]
fn requests_of_one_name_at_the_same_time_make_one_record() {
    for (path, body, _, kind) in routes() {
        let stage = Stage::new();
        let token = stage.token("acme", &[Role::Agent, Role::Auditor]);
        let replies: Vec<Raw> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| post(&stage, &token, path, "name", &body)))
                .collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        for reply in &replies {
            assert_eq!(
                (reply.status, &reply.body),
                (replies[0].status, &replies[0].body)
            );
        }
        assert_eq!(count(&stage, &token, kind), 1, "{path}");
    }
}

#[test]
fn a_name_whose_work_was_lost_is_worked_once() {
    let stage = Stage::new();
    let token = stage.token("acme", &[Role::Agent, Role::Auditor]);
    let body = proposal("ls");
    // As a service leaves it that is killed between the two.
    let gates = Gates::open(surroundings(stage.folder()), DurabilityLevel::Normal).unwrap();
    let gate = gates.of(&"acme".parse().unwrap()).unwrap();
    let subject = Digest::of_value(&json!(["token:of acme", "name"]));
    let digest = Digest::of_value(&json!(["/v1/decisions", body]));
    gate.observe(
        &"s".parse().unwrap(),
        EventKind::KeyUsed,
        Some(&format!("key:{subject}")),
        &json!({ "request_digest": digest }),
    )
    .unwrap();
    let one = post(&stage, &token, "/v1/decisions", "name", &body);
    assert_eq!((one.status, &one.body["verdict"]), (200, &json!("allow")));
    let again = post(&stage, &token, "/v1/decisions", "name", &body);
    assert_eq!(again.body, one.body);
    assert_eq!(count(&stage, &token, "POLICY_DECISION"), 1);
    assert_eq!(count(&stage, &token, "IDEMPOTENCY_KEY_USED"), 1);
}

#[test]
fn an_ask_under_a_name_is_followed_by_what_was_answered() {
    let stage = Stage::new();
    let token = stage.token("acme", &[Role::Agent, Role::Auditor]);
    let body = proposal("git push --force");
    let asked = post(&stage, &token, "/v1/decisions", "name", &body);
    assert_eq!(asked.body["verdict"], "ask");
    let again = post(&stage, &token, "/v1/decisions", "name", &body);
    assert_eq!(again.body["verdict"], "ask");
    assert_eq!(
        again.body["approval"]["approval_token"],
        asked.body["approval"]["approval_token"]
    );
    let other = post(&stage, &token, "/v1/decisions", "name", &proposal("ls"));
    assert_eq!(other.status, 409);
}

#[test]
fn a_name_that_is_none_is_refused() {
    let stage = Stage::new();
    let token = stage.token("acme", &[Role::Agent]);
    for name in ["", &"x".repeat(256)] {
        let reply = post(&stage, &token, "/v1/events", name, &event("s"));
        assert_eq!(reply.status, 400, "{name}");
    }
}
