//! Bytes that no good client sends: each gets a refusal or a closed
//! connection, within its time, and the next caller an answer.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use aegis_server::{Limits, Role};
use serde_json::Value;

use crate::stage::Stage;

/// How long a head and a body may take here.
const TIME: Duration = Duration::from_millis(300);

/// Within what time everything ends, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came back before the connection ended.
#[derive(Debug)]
struct Heard {
    /// The statuses of the replies.
    statuses: Vec<u16>,
    /// The body of the last one.
    body: String,
}

struct Target {
    stage: Stage,
    token: String,
}

impl Target {
    fn new() -> Self {
        let stage = Stage::with(Limits {
            head_time: TIME,
            body_time: TIME,
            ..Limits::default()
        });
        let token = stage.token("acme", &[Role::Agent, Role::Auditor]);
        Self { stage, token }
    }

    /// Sends `bytes` and listens until the service ends the connection.
    fn send(&self, bytes: &[u8]) -> Heard {
        let mut stream = TcpStream::connect(self.stage.port()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // A service that has heard enough may close before all is sent.
        let _ = stream.write_all(bytes);
        heard(&mut stream)
    }

    /// Returns the head of a request with a token, these `fields` and this `body`.
    fn request(&self, line: &str, fields: &str, body: &[u8]) -> Vec<u8> {
        let token = &self.token;
        let head = format!("{line} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n");
        [format!("{head}{fields}\r\n").as_bytes(), body].concat()
    }

    /// Returns a request whose body has the length that it says.
    fn framed(&self, line: &str, body: &[u8]) -> Vec<u8> {
        let fields = format!("Connection: close\r\nContent-Length: {}\r\n", body.len());
        self.request(line, &fields, body)
    }

    /// Checks that `bytes` are refused, if they are answered at all, and that
    /// whoever comes next is served.
    fn refuses(&self, name: &str, bytes: &[u8]) {
        let heard = self.send(bytes);
        for status in &heard.statuses {
            assert!((400..500).contains(status), "{name}: {heard:?}");
        }
        assert!(heard.statuses.len() <= 1, "{name}: {heard:?}");
        if !heard.body.is_empty() {
            let problem: Value = serde_json::from_str(&heard.body).unwrap();
            assert_eq!(problem["status"], heard.statuses[0], "{name}: {heard:?}");
        }
        let alive = self.stage.status("GET", "/healthz", None, "");
        assert_eq!(alive, 200, "after {name}");
    }
}

fn heard(stream: &mut TcpStream) -> Heard {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error} after {}", String::from_utf8_lossy(&bytes)),
    }
    let text = String::from_utf8_lossy(&bytes);
    let heads = text.split("HTTP/1.1 ").skip(1);
    let status = |head: &str| head.split(' ').next().unwrap().parse().unwrap();
    let (_, body) = text.rsplit_once("\r\n\r\n").unwrap_or_default();
    Heard {
        statuses: heads.map(status).collect(),
        body: body.to_owned(),
    }
}

#[test]
fn what_is_no_http_is_refused() {
    let target = Target::new();
    let many_fields = "X: y\r\n".repeat(1_000);
    for (name, bytes) in [
        ("nothing", ""),
        ("an empty line", "\r\n"),
        ("no version", "GET /healthz\r\n\r\n"),
        ("no method", " /healthz HTTP/1.1\r\n\r\n"),
        ("a version that never was", "GET /healthz HTTP/9.9\r\n\r\n"),
        ("the next version", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (
            "a method of control characters",
            "\u{1}\u{2} / HTTP/1.1\r\n\r\n",
        ),
        (
            "a target with a space",
            "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
        ),
        ("a target with NUL", "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"),
        ("a field without a colon", "GET / HTTP/1.1\r\nHost\r\n\r\n"),
        ("a field with a space", "GET / HTTP/1.1\r\nHost : h\r\n\r\n"),
        (
            "a field with NUL",
            "GET / HTTP/1.1\r\nHost: h\r\nX: \0\r\n\r\n",
        ),
        (
            "a folded field",
            "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
        ),
        ("another carriage return", "GET / HTTP/1.1\rHost: h\r\n\r\n"),
        (
            "a proxy",
            "CONNECT evil:80 HTTP/1.1\r\nHost: evil:80\r\n\r\n",
        ),
        (
            "a handshake of TLS",
            "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
        ),
        (
            "many fields",
            &format!("GET / HTTP/1.1\r\n{many_fields}\r\n"),
        ),
    ] {
        target.refuses(name, bytes.as_bytes());
    }
    let huge = "x".repeat(80 << 10);
    for (name, bytes) in [
        (
            "a huge target",
            format!("GET /{huge} HTTP/1.1\r\nHost: h\r\n\r\n"),
        ),
        (
            "a huge field",
            format!("GET / HTTP/1.1\r\nX: {huge}\r\n\r\n"),
        ),
        ("a huge method", format!("{huge} / HTTP/1.1\r\n\r\n")),
    ] {
        target.refuses(name, bytes.as_bytes());
    }
}

#[test]
fn lengths_that_two_readers_may_read_differently_end_the_connection() {
    let target = Target::new();
    let line = "POST /v1/decisions";
    let next = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    for fields in [
        "Content-Length: 2\r\nContent-Length: 36\r\n",
        "Content-Length: 2, 36\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +2\r\n",
        "Content-Length: 2a\r\n",
        "Content-Length: 0x2\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 2\r\nTransfer-Encoding : chunked\r\n",
        "Content-Length: 2\r\nTransfer-Encoding:\u{b}chunked\r\n",
        "Content-Length: 2\r\n Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    ] {
        let body = [b"0\r\n\r\n", next.as_slice()].concat();
        target.refuses(fields, &target.request(line, fields, &body));
    }
    // Where all read the same, whatever comes next is a request of its own.
    let next = [b"0\r\n\r\n", next.as_slice()].concat();
    let heard = target.send(&target.request(line, "Transfer-Encoding: chunked\r\n", &next));
    assert_eq!(heard.statuses, [400, 200]);
    let old = "POST /v1/decisions HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    target.refuses("chunks of a version without them", old.as_bytes());
}

#[test]
fn chunks_that_are_none_are_refused() {
    let target = Target::new();
    let long = format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(80 << 10));
    let trailers = format!("2\r\n{{}}\r\n0\r\n{}\r\n", "X: y\r\n".repeat(5_000));
    for body in [
        "zz\r\n{}\r\n0\r\n\r\n",
        "-1\r\n{}\r\n0\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "ffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}0\r\n\r\n",
        "2\r\n{} \r\n0\r\n\r\n",
        "2\n{}\n0\n\n",
        "5\r\n{}",
        "\r\n\r\n",
        &long,
        &trailers,
    ] {
        let fields = "Transfer-Encoding: chunked\r\n";
        let bytes = target.request("POST /v1/decisions", fields, body.as_bytes());
        target.refuses(body.lines().next().unwrap_or_default(), &bytes);
    }
}

#[test]
fn bodies_that_say_nothing_are_refused_with_the_cause() {
    let target = Target::new();
    let deep = "[".repeat(100_000);
    let deep_objects = "{\"a\":".repeat(100_000);
    let long_name = format!("{{\"session_id\":\"{}\"}}", "x".repeat(100_000));
    let bodies: [&[u8]; 22] = [
        b"",
        b" ",
        b"{",
        b"{}",
        b"null",
        b"[]",
        b"7",
        b"\"x\"",
        b"{}{}",
        b"{\"session_id\":\"s\",\"session_id\":\"t\"}",
        b"{\"session_id\":\"\xff\"}",
        b"{\"session_id\":\"\xed\xa0\x80\"}",
        b"{\"session_id\":\"\\ud800\"}",
        b"{\"session_id\":\"\0\"}",
        b"{\"session_id\":1e999}",
        b"{\"session_id\":-0}",
        b"{'session_id':'s'}",
        b"{\"session_id\":\"s\",}",
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
        deep_objects.as_bytes(),
        long_name.as_bytes(),
    ];
    for path in [
        "/v1/decisions",
        "/v1/decisions/rehearse",
        "/v1/outcomes",
        "/v1/events",
        "/v1/policy/decide",
        "/v1/tokens",
        "/v1/hooks/claude-code",
    ] {
        for body in bodies {
            let name = String::from_utf8_lossy(&body[..body.len().min(40)]);
            target.refuses(
                &format!("{path} {name}"),
                &target.framed(&format!("POST {path}"), body),
            );
        }
    }
}

#[test]
fn paths_and_queries_that_say_nothing_are_refused() {
    let target = Target::new();
    for path in [
        "/%",
        "/%zz",
        "/v1/sessions/%",
        "/v1/sessions/%ff",
        "/v1/sessions/%00",
        "/v1/sessions/%c0%ae",
        "/v1/sessions/%2e%2e%2f",
        "/v1/sessions/../../etc/passwd",
        "/v1/sessions//snapshot",
        "/v1/sessions?limit=%zz",
        "/v1/sessions?limit=1&limit=2",
        "/v1/sessions?limit=0",
        "/v1/sessions?limit=18446744073709551616",
        "/v1/sessions?page_token=%ff",
        "/v1/sessions?page_token=n%00",
        "/v1/sessions?unknown=1",
        "/v2/events?page_token=g-1.x.61",
        "/v2/events?from_ts=1e9",
        "/v1/decisions/%ff/%ff",
        "/v1/events?origin=%",
        "http://evil.example/v1/nothing",
        "*",
    ] {
        for method in ["GET", "DELETE", "TRACE", "BREW"] {
            let line = format!("{method} {path}");
            target.refuses(&line, &target.request(&line, "Connection: close\r\n", b""));
        }
    }
}

/// Sends `first`, and then one byte at a time for as long as somebody listens;
/// returns how long that was, and what was answered.
fn drip(target: &Target, first: &[u8]) -> (Duration, Heard) {
    let mut stream = TcpStream::connect(target.stage.port()).unwrap();
    stream.set_read_timeout(Some(TIME / 20)).unwrap();
    stream.write_all(first).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && stream.write_all(b"x").is_ok() {
        // Waiting for an answer is the pause between two bytes.
        match stream.peek(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => break,
        }
    }
    let took = begun.elapsed();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    (took, heard(&mut stream))
}

#[test]
fn a_head_or_a_body_that_drips_is_given_up_in_its_time() {
    let target = Target::new();
    let chunked = target.request(
        "POST /v1/decisions",
        "Transfer-Encoding: chunked\r\n",
        b"ffff\r\n",
    );
    let body = target.request("POST /v1/decisions", "Content-Length: 9999\r\n", b"{");
    for (name, first, status) in [
        ("a head", b"GET /healthz HTTP/1.1\r\nX: ".as_slice(), None),
        ("a body", &body, Some(408)),
        ("a body in chunks", &chunked, Some(408)),
    ] {
        let (took, heard) = drip(&target, first);
        assert!(took >= TIME / 2 && took < PATIENCE, "{name}: {took:?}");
        assert_eq!(heard.statuses.first().copied(), status, "{name}: {heard:?}");
        assert_eq!(target.stage.status("GET", "/healthz", None, ""), 200);
    }
}

#[test]
fn a_connection_that_says_nothing_is_closed_before_and_after_a_request() {
    let target = Target::new();
    let begun = Instant::now();
    assert!(target.send(b"").statuses.is_empty());
    let heard = target.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(heard.statuses, [200]);
    assert!(begun.elapsed() >= TIME && begun.elapsed() < PATIENCE);
}
