//! Events as they come.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use aegis_server::{Limits, Role, Tokens};
use serde_json::Value;

use crate::decisions::bash;
use crate::stage::Stage;

/// A stream that somebody follows.
struct Followed(BufReader<TcpStream>);

impl Followed {
    /// Follows from after the event `last`, if one is named.
    fn new(stage: &Stage, token: &str, query: &str, last: Option<&str>) -> Self {
        let extra = last.map_or_else(String::new, |last| format!("Last-Event-ID: {last}\r\n"));
        let path = format!("/v1/events/stream{query}");
        let stream = stage.open("GET", &path, Some(token), &extra, "");
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while line != ": open\n" {
            line.clear();
            assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the stream ended");
            assert!(
                !line.starts_with("HTTP/1.1") || line.contains("200"),
                "{line}"
            );
        }
        Self(reader)
    }

    /// Returns the id and the envelope of the next event.
    fn next(&mut self) -> (String, Value) {
        let mut id = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream ended");
            if let Some(found) = line.strip_prefix("id: ") {
                id = found.trim().to_owned();
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return (id, serde_json::from_str(data).unwrap());
            }
        }
    }
}

fn place(envelope: &Value) -> (String, u64) {
    let session = envelope["session_id"].as_str().unwrap().to_owned();
    (session, envelope["seq"].as_u64().unwrap())
}

fn decide(stage: &Stage, token: &str, session: &str, call: &str) {
    let mut request = bash(call, "ls");
    request.session_id = session.to_owned();
    stage.remote(Some(token)).decide(&request).unwrap();
}

#[test]
fn what_is_recorded_comes_at_once_and_only_to_its_tenant() {
    let stage = Stage::new();
    let acme = stage.token("acme", &[Role::Agent]);
    let other = stage.token("other", &[Role::Agent]);
    decide(&stage, &acme, "s", "before");
    let auditor = stage.token("acme", &[Role::Auditor]);
    let mut followed = Followed::new(&stage, &auditor, "", None);
    decide(&stage, &other, "s", "not-seen");
    decide(&stage, &acme, "s", "seen");
    let (_, request) = followed.next();
    assert_eq!(request["event_type"], "TOOL_CALL_PROPOSED");
    assert_eq!(
        (&request["tenant_id"], &request["subject"]),
        (&"acme".into(), &"seen".into())
    );
    assert_eq!(followed.next().1["event_type"], "POLICY_DECISION");
}

#[test]
fn a_stream_is_resumed_without_loss_while_others_append() {
    let stage = Stage::new();
    let agent = stage.token("acme", &[Role::Agent]);
    let auditor = stage.token("acme", &[Role::Auditor]);
    let rounds = 30;
    std::thread::scope(|scope| {
        for session in ["a", "b"] {
            let (stage, agent) = (&stage, &agent);
            scope.spawn(move || {
                for round in 0..rounds {
                    decide(stage, agent, session, &format!("c{round}"));
                }
            });
        }
        let mut last = "p0".to_owned();
        let mut seen = Vec::new();
        while seen.len() < 4 * rounds {
            let mut followed = Followed::new(&stage, &auditor, "", Some(&last));
            for _ in 0..17.min(4 * rounds - seen.len()) {
                let (id, envelope) = followed.next();
                seen.push(place(&envelope));
                last = id;
            }
        }
        let different: BTreeSet<_> = seen.iter().cloned().collect();
        assert_eq!(different.len(), seen.len());
        let each = 2 * u64::try_from(rounds).unwrap();
        let expected = ["a", "b"]
            .into_iter()
            .flat_map(|session| (0..each).map(move |seq| (session.to_owned(), seq)));
        assert_eq!(different, expected.collect());
    });
}

#[test]
fn a_stream_of_large_records_comes_in_small_parts() {
    let stage = Stage::new();
    let agent = stage.token("acme", &[Role::Agent]);
    let auditor = stage.token("acme", &[Role::Auditor]);
    stage.add_large_events(&agent, 4);
    let extra = "Last-Event-ID: p0\r\n";
    let stream = stage.open("GET", "/v1/events/stream", Some(&auditor), extra, "");
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    let (mut seqs, mut part) = (Vec::new(), Vec::new());
    while seqs.len() < 4 {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        assert!(length < 600_000, "a part of {length} bytes");
        part.resize(length + "\r\n".len(), 0);
        reader.read_exact(&mut part).unwrap();
        let text = std::str::from_utf8(&part).unwrap();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        seqs.extend(data.map(|data| place(&serde_json::from_str(data).unwrap()).1));
    }
    assert_eq!(seqs, [0, 1, 2, 3]);
}

#[test]
fn an_agent_follows_its_own_sessions_only() {
    let stage = Stage::new();
    let ana = stage.token_for("acme", &[Role::Agent], &["ana"]);
    let ben = stage.token_for("acme", &[Role::Agent], &["ben"]);
    decide(&stage, &ana, "of-ana", "one");
    decide(&stage, &ben, "of-ben", "one");
    let status = |query: &str| {
        let path = format!("/v1/events/stream{query}");
        stage.status("GET", &path, Some(&ana), "")
    };
    assert_eq!(status(""), 400);
    assert_eq!(status("?session_id=of-ben"), 404);
    assert_eq!(status("?session_id=nowhere"), 404);
    let mut followed = Followed::new(&stage, &ana, "?session_id=of-ana", Some("p0"));
    assert_eq!(place(&followed.next().1), ("of-ana".to_owned(), 0));
    followed.next();
    // From the moment another agent acts in it, it is not its own any more.
    decide(&stage, &ben, "of-ana", "two");
    let mut rest = String::new();
    while followed.0.read_line(&mut rest).unwrap() > 0 {}
    assert!(!rest.contains("data: "), "{rest}");
}

#[test]
fn only_so_many_streams_are_open_and_the_service_ends_without_them() {
    let stage = Stage::with(Limits {
        streams: 1,
        ..Limits::default()
    });
    let auditor = stage.token("acme", &[Role::Auditor]);
    let followed = Followed::new(&stage, &auditor, "", None);
    assert_eq!(
        stage.status("GET", "/v1/events/stream", Some(&auditor), ""),
        503
    );
    drop(followed);
    let begun = Instant::now();
    while stage.status("GET", "/v1/events/stream", Some(&auditor), "") != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
    let begun = Instant::now();
    drop(stage);
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn an_id_that_no_stream_gave_is_refused() {
    let stage = Stage::new();
    let auditor = stage.token("acme", &[Role::Auditor]);
    let mut line = String::new();
    let stream = stage.open(
        "GET",
        "/v1/events/stream",
        Some(&auditor),
        "Last-Event-ID: 7\r\n",
        "",
    );
    BufReader::new(stream).read_line(&mut line).unwrap();
    assert!(line.contains("400"), "{line}");
}

#[test]
fn who_holds_a_token_that_is_revoked_hears_nothing_more() {
    let stage = Stage::new();
    let agent = stage.token("acme", &[Role::Agent]);
    let auditor = stage.token("acme", &[Role::Auditor]);
    let mut followed = Followed::new(&stage, &auditor, "", None);
    decide(&stage, &agent, "s", "one");
    followed.next();
    let id = auditor.split('_').nth(1).unwrap();
    let tokens = Tokens::at(&stage.folder().join("state/tokens.json"));
    assert!(tokens.revoke(id, |_| Ok(())).unwrap());
    decide(&stage, &agent, "s", "two");
    let mut rest = String::new();
    while followed.0.read_line(&mut rest).unwrap() > 0 {}
    assert!(!rest.contains("two"), "{rest}");
}
