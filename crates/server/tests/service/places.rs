//! Places of requests: no caller and no tenant has them all.

use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aegis_api::VerifyRequest;
use aegis_server::{Limits, Role};
use serde_json::Value;

use crate::stage::{PATIENCE, Stage};

/// How long a request waits for a place here.
const QUEUE_TIME: Duration = Duration::from_millis(100);

fn limits(requests: usize) -> Limits {
    Limits {
        requests,
        queue_time: QUEUE_TIME,
        ..Limits::default()
    }
}

fn text(mut stream: impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn who_fills_a_share_is_told_so_and_others_are_served() {
    let (stage, hold) = Stage::holding(limits(4));
    let token = stage.token("acme", &[Role::Auditor]);
    let hooks = [stage.hook(), stage.hook()];
    hold.begun();
    hold.begun();
    let refused = text(stage.hook());
    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
    assert!(refused.contains("retry-after: 1\r\n"), "{refused}");
    let cause = "too many requests are in hand: this caller may have 2 at a time";
    assert!(refused.contains(cause), "{refused}");
    assert_eq!(stage.status("GET", "/v1/sessions", Some(&token), ""), 200);
    // Which of them goes on first is up to the system.
    hold.let_go();
    hold.let_go();
    for hook in hooks {
        assert!(text(hook).starts_with("HTTP/1.1 200 "));
    }
    let hook = stage.hook();
    hold.begun();
    hold.let_go();
    assert!(text(hook).starts_with("HTTP/1.1 200 "));
}

#[test]
fn one_tenant_does_not_follow_at_all_places() {
    let stage = Stage::with(Limits {
        streams: 2,
        ..Limits::default()
    });
    let tokens = [("one", "acme"), ("same", "acme"), ("two", "other")]
        .map(|(name, tenant)| stage.token_named(name, tenant, &[Role::Auditor]));
    let follow = |token: &String| stage.open("GET", "/v1/events/stream", Some(token), "", "");
    let [first, same, second] = &tokens;
    let status = |mut stream: TcpStream| {
        let mut head = [0_u8; 12];
        stream.read_exact(&mut head).unwrap();
        (String::from_utf8(head.to_vec()).unwrap(), stream)
    };
    let (held, _stream) = status(follow(first));
    assert_eq!(held, "HTTP/1.1 200");
    assert_eq!(status(follow(first)).0, "HTTP/1.1 429");
    assert_eq!(status(follow(same)).0, "HTTP/1.1 429");
    assert_eq!(status(follow(second)).0, "HTTP/1.1 200");
}

#[test]
fn who_verifies_without_end_keeps_no_other_from_its_turn() {
    let stage = Stage::new();
    let agent = stage.token("one", &[Role::Agent]);
    stage.add_large_events(&agent, 4);
    let [busy, other] = ["one", "two"].map(|tenant| {
        let token = stage.token(tenant, &[Role::Auditor]);
        stage.remote(Some(&token))
    });
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    // All but one of them are refused at a time.
                    let _ = busy.verify_log(&VerifyRequest::default());
                }
            });
        }
        let verified = (0..10).map(|_| other.verify_log(&VerifyRequest::default()));
        let refused = verified.filter(Result::is_err).count();
        ended.store(true, Ordering::Relaxed);
        assert_eq!(refused, 0);
    });
}

/// Asks for the head of a page and reads nothing more of it.
fn unread(stage: &Stage, token: &str, path: &str) -> UnixStream {
    let mut stream = UnixStream::connect(stage.socket()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200", "{path}");
    stream
}

#[test]
fn a_page_that_nobody_reads_has_a_place_and_gives_it_back_in_time() {
    let stage = Stage::with(Limits {
        large_replies: 1,
        body_time: 10 * QUEUE_TIME,
        queue_time: QUEUE_TIME,
        ..Limits::default()
    });
    let agent = stage.token("acme", &[Role::Agent]);
    let auditor = stage.token("acme", &[Role::Auditor]);
    // More than the system keeps for who reads nothing of a socket.
    stage.add_large_events(&agent, 3);
    for path in ["/v1/events", "/v2/events", "/v1/records"] {
        let mut page = unread(&stage, &auditor, path);
        let status = || stage.status("GET", path, Some(&auditor), "");
        assert_eq!(status(), 429, "{path}");
        let begun = Instant::now();
        while status() != 200 {
            assert!(begun.elapsed() < PATIENCE, "{path}: the place is kept");
        }
        let mut rest = Vec::new();
        let _ = page.read_to_end(&mut rest);
        assert!(rest.len() < 1_000_000, "{path}: {} bytes came", rest.len());
    }
}

/// Sends `text` as the beginning of an event, and nothing more.
fn stall(stage: &Stage, token: &str, text: &str) -> TcpStream {
    let length = text.len() + 1;
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    let mut stream = TcpStream::connect(stage.port()).unwrap();
    stream.write_all((head + text).as_bytes()).unwrap();
    stream
}

#[test]
fn bodies_that_stall_keep_neither_another_tenant_out_nor_who_runs_the_service() {
    let stage = Stage::with(Limits {
        body_time: PATIENCE,
        queue_time: QUEUE_TIME,
        ..Limits::default()
    });
    let tokens = ["one", "two"]
        .map(|tenant| ["a", "b"].map(|name| stage.token_named(name, tenant, &[Role::Agent])));
    let text = "x".repeat(100_000);
    // Each of them waits for a place of its own, and some are refused.
    let callers = tokens.iter().flatten();
    let stalled: Vec<_> = callers
        .flat_map(|token| vec![token; 16])
        .map(|token| stall(&stage, token, &text))
        .collect();
    let event = format!(
        "{{\"session_id\":\"s\",\"event_type\":\"MEMORY_READ\",\"payload\":{{\"text\":\"{text}\"}}}}"
    );
    let add = |token: &str| stage.status("POST", "/v1/events", Some(token), &event);
    let [[full, _], _] = &tokens;
    let begun = Instant::now();
    while add(full) == 201 {
        assert!(begun.elapsed() < PATIENCE, "the places are never taken");
    }
    let other = stage.token("three", &[Role::Agent]);
    assert_eq!(add(&other), 201);
    let same = stage.token_named("c", "one", &[Role::Agent]);
    assert!(
        [429, 503].contains(&add(&same)),
        "its tenant has what it may have"
    );
    let value: Value = serde_json::from_str(&event).unwrap();
    let added = stage.local().post::<Value>("/v1/events", &value);
    assert!(added.is_ok(), "the account of the service: {added:?}");
    drop(stalled);
}
