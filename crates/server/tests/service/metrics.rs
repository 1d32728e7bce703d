//! Figures, names of requests, and the description.

use std::io::Read as _;

use aegis_server::{Role, openapi};
use serde_json::Value;

use crate::decisions::bash;
use crate::stage::Stage;

/// Returns the whole reply as text.
fn reply(stage: &Stage, path: &str, token: Option<&str>, extra: &str) -> String {
    let mut text = String::new();
    let mut stream = stage.open("GET", path, token, extra, "");
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn figures_count_what_was_answered_and_decided_and_name_no_session() {
    let stage = Stage::new();
    let client = stage.remote(Some(&stage.token("acme", &[Role::Agent])));
    let mut request = bash("one", "ls");
    request.session_id = "secret-name".to_owned();
    client.decide(&request).unwrap();
    client.decide(&bash("two", "rm -rf /")).unwrap();
    client.decide(&bash("three", "git push --force")).unwrap();
    reply(&stage, "/v1/sessions/secret-name", None, "");
    for role in [Role::Operator, Role::Auditor] {
        let token = stage.token("local", &[role]);
        let text = reply(&stage, "/metrics", Some(&token), "");
        for line in [
            "aegis_requests_total{route=\"/v1/decisions\",method=\"POST\",status=\"200\"} 3",
            "aegis_requests_total{route=\"/v1/sessions/{id}\",method=\"GET\",status=\"401\"} 1",
            "aegis_refusals_total{kind=\"unauthenticated\"} 1",
            "aegis_approvals_pending 1",
            "aegis_connections 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        for verdict in ["allow", "ask", "deny"] {
            let start = format!("aegis_decisions_total{{verdict=\"{verdict}\",reason=\"");
            let mut lines = text.lines().filter(|line| line.starts_with(&start));
            let line = lines.next().unwrap();
            assert!(line.ends_with("\"} 1") && lines.next().is_none(), "{line}");
        }
        assert!(!text.contains("secret-name"));
    }
    for role in [Role::Agent, Role::Approver] {
        let token = stage.token("local", &[role]);
        assert_eq!(stage.status("GET", "/metrics", Some(&token), ""), 403);
    }
}

#[test]
fn every_reply_names_its_request_and_a_problem_names_it_too() {
    let stage = Stage::new();
    let text = reply(&stage, "/healthz", None, "X-Request-Id: mine-7\r\n");
    assert!(text.contains("x-request-id: mine-7\r\n"), "{text}");
    let text = reply(&stage, "/v1/sessions", None, "X-Request-Id: mine-7\r\n");
    assert!(
        text.contains("\"instance\":\"urn:aegis:request:mine-7\""),
        "{text}"
    );
    assert!(text.contains("application/problem+json"), "{text}");
    let text = reply(&stage, "/nowhere", None, "X-Request-Id: not \"sane\"\r\n");
    assert!(!text.contains("sane"), "{text}");
    let (_, name) = text.split_once("x-request-id: ").unwrap();
    let (name, _) = name.split_once("\r\n").unwrap();
    assert_eq!(name.len(), 24);
    assert!(
        text.contains(&format!("\"instance\":\"urn:aegis:request:{name}\"")),
        "{text}"
    );
}

#[test]
fn the_description_is_the_one_of_the_handlers() {
    let stage = Stage::new();
    let given: Value = stage.remote(None).get("/openapi.json").unwrap();
    assert_eq!(given, openapi());
    assert!(given["openapi"].as_str().unwrap().starts_with("3.1"));
}
