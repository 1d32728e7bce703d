//! Requests with a name are answered once.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aegis_api::{Address, Client, ClientError, Connect, OutcomeReport, Stream, SystemConnector};
use aegis_canon::Digest;
use aegis_gate::{DurabilityLevel, Gates};
use aegis_server::Role;
use aegis_types::{EventKind, Outcome};
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

#[test]
fn nothing_is_recorded_in_the_session_that_says_what_was_pruned() {
    let stage = Stage::new();
    let token = stage.token("acme", &[Role::Agent, Role::Auditor]);
    for (path, mut body) in [
        ("/v1/outcomes", outcome("done")),
        ("/v1/decisions", proposal("ls")),
    ] {
        body["session_id"] = json!("aegis-retention");
        let named = post(&stage, &token, path, "once", &body);
        assert_eq!(named.status, 400, "{path}: {named:?}");
        let said = named.body["error"].as_str().unwrap();
        assert!(said.contains("name another session"), "{said}");
    }
    let mut unnamed = outcome("done");
    unnamed["session_id"] = json!("aegis-retention");
    assert_eq!(stage.post(&token, "/v1/outcomes", &unnamed).status, 400);
    let sessions = stage.get(&token, "/v1/sessions");
    assert_eq!(sessions.body["sessions"], json!([]));
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
    let id = token.split('_').nth(1).unwrap();
    let subject = Digest::of_value(&json!([format!("token:{id}"), "name"]));
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

/// Loses the answer that comes first, when the service has given it.
#[derive(Default)]
struct LosesOne {
    lost: Arc<AtomicBool>,
}

struct Losing {
    stream: Box<dyn Stream>,
    lost: Arc<AtomicBool>,
}

impl Connect for LosesOne {
    fn connect(&self, address: &Address, left: Duration) -> io::Result<Box<dyn Stream>> {
        let stream = SystemConnector::default().connect(address, left)?;
        let lost = Arc::clone(&self.lost);
        Ok(Box::new(Losing { stream, lost }))
    }
}

impl Stream for Losing {
    fn bound(&self, left: Duration) -> io::Result<()> {
        self.stream.bound(left)
    }
}

impl Read for Losing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.lost.swap(true, Ordering::Relaxed) {
            return self.stream.read(buffer);
        }
        let mut answer = Vec::new();
        self.stream.read_to_end(&mut answer)?;
        assert!(answer.starts_with(b"HTTP/1.1 2"));
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl Write for Losing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[test]
fn a_client_that_names_its_requests_gets_a_lost_answer_and_one_record() {
    let stage = Stage::new();
    let token = stage.token("acme", &[Role::Agent, Role::Auditor]);
    let client = || {
        let address = stage.remote(None).address().clone();
        Client::new(LosesOne::default(), address).with_token(Some(token.clone()))
    };
    let request = crate::decisions::bash("named", "ls");
    let reply = client().naming_requests().decide(&request).unwrap();
    assert_eq!(reply.verdict, "allow");
    assert_eq!(count(&stage, &token, "POLICY_DECISION"), 1);
    let report = OutcomeReport {
        session_id: request.session_id,
        call_id: "named".to_owned(),
        outcome: Outcome::Completed,
        tenant_id: None,
        content: json!("x"),
    };
    client().naming_requests().report(&report).unwrap();
    assert_eq!(count(&stage, &token, "TOOL_RESULT"), 1);
    // Without a name it could be decided twice, so it is not sent again.
    let request = crate::decisions::bash("nameless", "ls");
    let lost = client().decide(&request).unwrap_err();
    assert!(matches!(lost, ClientError::Unreachable { .. }), "{lost:?}");
    assert_eq!(count(&stage, &token, "POLICY_DECISION"), 2);
}

#[test]
fn a_name_of_one_token_is_none_of_another_that_is_called_alike() {
    let stage = Stage::new();
    let [one, other] = [(); 2].map(|()| stage.token("acme", &[Role::Agent]));
    let body = proposal("git push --force");
    let asked = post(&stage, &one, "/v1/decisions", "name", &body);
    let id = asked.body["approval"]["approval_token"].as_str().unwrap();
    let approver = stage.token("acme", &[Role::Approver]);
    let path = format!("/v1/approvals/{id}/answer");
    let granted = json!({"approved": true}).to_string();
    assert_eq!(stage.status("POST", &path, Some(&approver), &granted), 200);
    let verdict = |token: &str| {
        let answered = post(&stage, token, "/v1/decisions", "name", &body);
        answered.body["verdict"].clone()
    };
    assert_eq!(verdict(&one), "allow");
    assert_ne!(verdict(&other), "allow");
}

#[test]
fn the_outcome_of_an_action_is_told_by_who_proposed_it() {
    let stage = Stage::new();
    let [one, other] = [(); 2].map(|()| stage.token("acme", &[Role::Agent]));
    // Whom a caller acts for is its word, and makes nobody else the proposer.
    for (name, user) in [("first", None), ("second", Some("bob"))] {
        let mut asked = proposal("ls");
        asked["session_id"] = json!(name);
        asked["user_id"] = json!(user);
        let decided = post(&stage, &one, "/v1/decisions", name, &asked);
        let body = json!({
            "session_id": decided.body["session_id"],
            "call_id": decided.body["call_id"],
            "outcome": "failed",
        })
        .to_string();
        let told = |token: &str| stage.status("POST", "/v1/outcomes", Some(token), &body);
        assert_eq!(told(&other), 403, "{name}");
        assert_eq!(told(&one), 201, "{name}");
    }
}
