//! Reading what was recorded.

use std::collections::BTreeSet;

use aegis_api::{
    ActionView, AgentList, Client, DecisionList, OutcomeReport, PolicyList, SessionList,
    SessionView, TokenList, TokenReply, TokenRequest,
};
use aegis_server::Role;
use aegis_types::Outcome;
use serde_json::json;

use crate::decisions::{bash, refused};
use crate::stage::Stage;

struct Acme {
    stage: Stage,
    agent: Client,
    auditor: Client,
}

impl Acme {
    fn new() -> Self {
        let stage = Stage::new();
        let agent = stage.token_for("acme", &[Role::Agent], &["ana"]);
        let auditor = stage.token("acme", &[Role::Auditor]);
        Self {
            agent: stage.remote(Some(&agent)),
            auditor: stage.remote(Some(&auditor)),
            stage,
        }
    }

    fn decide(&self, session: &str, call: &str, line: &str) {
        let mut request = bash(call, line);
        request.session_id = session.to_owned();
        self.agent.decide(&request).unwrap();
    }
}

#[test]
fn pages_lose_and_repeat_nothing_while_others_append() {
    let acme = Acme::new();
    let sessions = ["c", "a", "b"];
    for round in 0..20 {
        for session in sessions {
            acme.decide(session, &format!("old-{round}"), "ls");
        }
    }
    let mut found = Vec::new();
    let mut path = "/v1/decisions?limit=7".to_owned();
    for turn in 0.. {
        let page: DecisionList = acme.auditor.get(&path).unwrap();
        assert!(page.decisions.len() <= 7);
        found.extend(page.decisions);
        for session in sessions {
            acme.decide(session, &format!("new-{turn}"), "ls");
        }
        match page.next_page_token {
            Some(token) => path = format!("/v1/decisions?limit=7&page_token={token}"),
            None => break,
        }
    }
    let names: Vec<String> = found
        .iter()
        .map(|line| format!("{}/{}", line.session_id, line.call_id))
        .collect();
    let different: BTreeSet<&String> = names.iter().collect();
    assert_eq!(different.len(), names.len());
    let expected: BTreeSet<String> = sessions
        .iter()
        .flat_map(|session| (0..20).map(move |round| format!("{session}/old-{round}")))
        .collect();
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn decisions_are_found_by_session_verdict_and_time() {
    let acme = Acme::new();
    acme.decide("a", "one", "ls");
    acme.decide("a", "two", "rm -rf /");
    acme.decide("b", "three", "ls");
    let calls = |query: &str| {
        let list: DecisionList = acme.auditor.get(&format!("/v1/decisions?{query}")).unwrap();
        let calls = list.decisions.into_iter().map(|line| line.call_id);
        calls.collect::<Vec<_>>()
    };
    assert_eq!(calls(""), ["three", "two", "one"]);
    assert_eq!(calls("session_id=a"), ["two", "one"]);
    assert_eq!(calls("verdict=deny"), ["two"]);
    assert_eq!(calls("verdict=allow&limit=1"), ["three"]);
    assert_eq!(calls("since=0"), ["three", "two", "one"]);
    assert_eq!(calls("since=9999999999999"), [""; 0]);
    for wrong in [
        "limit=0",
        "limit=1001",
        "verdict=x",
        "page_token=7",
        "limt=1",
        "since=x",
    ] {
        let asked = acme
            .auditor
            .get::<DecisionList>(&format!("/v1/decisions?{wrong}"));
        assert_eq!(refused(asked), 400, "{wrong}");
    }
}

#[test]
fn an_action_is_shown_with_its_findings_and_its_outcome() {
    let acme = Acme::new();
    acme.decide("a/b", "one", "ls");
    acme.agent
        .report(&OutcomeReport {
            tenant_id: None,
            session_id: "a/b".to_owned(),
            call_id: "one".to_owned(),
            outcome: Outcome::Completed,
            content: json!("x"),
        })
        .unwrap();
    let view: ActionView = acme.auditor.get("/v1/decisions/a%2Fb/one").unwrap();
    assert_eq!(view.request.unwrap()["tool_name"], "Bash");
    assert_eq!(view.decisions.len(), 1);
    assert_eq!(view.decisions[0].decision.verdict, "allow");
    assert!(!view.decisions[0].findings.is_empty());
    assert_eq!(view.outcome.as_deref(), Some("completed"));
    assert_eq!(
        refused(acme.auditor.get::<ActionView>("/v1/decisions/a%2Fb/two")),
        404
    );
}

#[test]
fn sessions_are_listed_page_by_page_with_their_heads() {
    let acme = Acme::new();
    for session in ["b", "c", "a"] {
        acme.decide(session, "one", "ls");
    }
    let first: SessionList = acme.auditor.get("/v1/sessions?limit=2").unwrap();
    let token = first.next_page_token.clone().unwrap();
    let second: SessionList = acme
        .auditor
        .get(&format!("/v1/sessions?limit=2&page_token={token}"))
        .unwrap();
    let names: Vec<&str> = first
        .sessions
        .iter()
        .chain(&second.sessions)
        .map(|session| session.session_id.as_str())
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(second.next_page_token, None);
    let view: SessionView = acme.auditor.get("/v1/sessions/a").unwrap();
    assert_eq!(view, first.sessions[0]);
    assert_eq!(view.records, 2);
    assert_eq!(view.head.len(), 64);
    assert_eq!(
        refused(acme.auditor.get::<SessionView>("/v1/sessions/nowhere")),
        404
    );
}

#[test]
fn policies_are_shown_by_what_is_in_force_and_by_what_was_used() {
    let acme = Acme::new();
    acme.decide("a", "one", "ls");
    let list: PolicyList = acme.auditor.get("/v1/policies").unwrap();
    assert_eq!(list.fault, None);
    assert_eq!(list.decisions_looked_through, 1);
    assert_eq!(list.in_force[0].digest, list.versions[0].digest);
    let path = format!("/v1/policies/{}", list.in_force[0].digest);
    let token = acme.stage.token("acme", &[Role::Auditor]);
    assert_eq!(acme.stage.status("GET", &path, Some(&token), ""), 200);
    let unknown = format!("/v1/policies/{}", "0".repeat(64));
    assert_eq!(acme.stage.status("GET", &unknown, Some(&token), ""), 404);
}

#[test]
fn agents_are_those_that_proposed_something() {
    let acme = Acme::new();
    acme.decide("a", "one", "ls");
    acme.decide("b", "one", "ls");
    let list: AgentList = acme.auditor.get("/v1/agents").unwrap();
    assert_eq!(list.agents.len(), 1);
    let agent = &list.agents[0];
    assert_eq!(
        (agent.agent_id.as_str(), agent.sessions, agent.requests),
        ("ana", 2, 2)
    );
}

#[test]
fn a_token_is_made_shown_once_and_revoked() {
    let stage = Stage::new();
    let operator = stage.remote(Some(&stage.token("acme", &[Role::Operator])));
    let new = TokenRequest {
        name: "ci".to_owned(),
        roles: vec!["auditor".to_owned()],
        expires_in: Some("1h".to_owned()),
        ..TokenRequest::default()
    };
    let made: TokenReply = operator.post("/v1/tokens", &new).unwrap();
    let holder = stage.remote(Some(&made.token));
    assert!(holder.get::<SessionList>("/v1/sessions").is_ok());
    let listed = operator.get::<serde_json::Value>("/v1/tokens").unwrap();
    assert!(!listed.to_string().contains(&made.token));
    let listed: TokenList = operator.get("/v1/tokens").unwrap();
    assert!(
        listed
            .tokens
            .iter()
            .any(|token| token.id == made.id && token.name == "ci")
    );
    operator.delete(&format!("/v1/tokens/{}", made.id)).unwrap();
    assert_eq!(refused(holder.get::<SessionList>("/v1/sessions")), 401);
    assert_eq!(
        refused(operator.delete(&format!("/v1/tokens/{}", made.id))),
        404
    );
    let both = TokenRequest {
        roles: vec!["agent".to_owned(), "approver".to_owned()],
        ..new.clone()
    };
    assert_eq!(
        refused(operator.post::<TokenReply>("/v1/tokens", &both)),
        400
    );
    let of_other = TokenRequest {
        tenant_id: Some("other".to_owned()),
        ..new
    };
    assert_eq!(
        refused(operator.post::<TokenReply>("/v1/tokens", &of_other)),
        403
    );
}

#[test]
fn tokens_that_are_made_at_the_same_time_are_all_kept() {
    let stage = Stage::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..4 {
                    stage.token("acme", &[Role::Agent]);
                }
            });
        }
    });
    let operator = stage.remote(Some(&stage.token("acme", &[Role::Operator])));
    let listed: TokenList = operator.get("/v1/tokens").unwrap();
    assert_eq!(listed.tokens.len(), 33);
}
