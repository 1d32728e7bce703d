//! Places of requests: no caller and no tenant has them all.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aegis_api::VerifyRequest;
use aegis_server::{Limits, Role};

use crate::stage::Stage;

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
    let status = |mut stream: std::net::TcpStream| {
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
