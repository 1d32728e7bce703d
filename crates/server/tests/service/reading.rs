//! Reading what was recorded.

use std::collections::BTreeSet;

use aegis_api::{
    ActionView, AgentList, Client, DecisionList, OutcomeReport, PolicyList, RecordQuery,
    SessionList, SessionView, TokenList, TokenReply, TokenRequest, VerifyRequest,
};
use aegis_log::envelope_of;
use aegis_server::Role;
use aegis_types::Outcome;
use serde_json::{Value, json};

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
    assert_eq!((view.last_seq, view.head.len()), (Some(1), 64));
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

/// Checks that the log of the tenant says who made and revoked a token, and for whom,
/// without the secret.
fn are_recorded(stage: &Stage, made: &TokenReply) {
    let auditor = stage.remote(Some(&stage.token("acme", &[Role::Auditor])));
    let records: Value = auditor
        .get(&format!("/v1/records?subject={}", made.id))
        .unwrap();
    let records = records["records"].as_array().unwrap();
    let told: Vec<_> = records
        .iter()
        .map(|record| {
            let token = &record["payload"]["token"];
            assert!(
                record["payload"]["by"]
                    .as_str()
                    .unwrap()
                    .starts_with("token:")
            );
            assert_eq!(token["name"], "ci");
            assert_eq!(token["tenant_id"], "acme");
            assert_eq!(token["roles"], serde_json::json!(["auditor"]));
            assert!(token["expires_unix_ms"].as_i64().is_some());
            record["event_type"].as_str().unwrap()
        })
        .collect();
    assert_eq!(told, ["TOKEN_REVOKED", "TOKEN_CREATED"]);
    let text = serde_json::json!(records).to_string();
    let secret = made.token.rsplit('_').next().unwrap();
    assert!(!text.contains(secret) && !text.contains("digest"), "{text}");
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
    let listed = operator.get::<Value>("/v1/tokens").unwrap();
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
    are_recorded(&stage, &made);
    // Who holds one token must not become as many people as an approval needs.
    for role in ["approver", "operator"] {
        let status = |roles: &[&str]| {
            let trusted = TokenRequest {
                roles: roles.iter().map(ToString::to_string).collect(),
                ..new.clone()
            };
            refused(operator.post::<TokenReply>("/v1/tokens", &trusted))
        };
        assert_eq!(status(&[role]), 403);
        assert_eq!(status(&["agent", role]), 400);
    }
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

#[test]
fn records_are_listed_as_they_are_sealed_and_only_to_their_tenant() {
    let acme = Acme::new();
    for (session, call) in [("a", "one"), ("b", "two"), ("a", "three")] {
        acme.decide(session, call, "ls");
    }
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = acme.auditor.records(&RecordQuery {
            limit: 2,
            page_token: token.as_deref(),
            ..RecordQuery::default()
        });
        let page = page.unwrap();
        found.extend(
            page.records
                .into_iter()
                .map(|one| envelope_of(one).unwrap()),
        );
        token = page.next_page_token;
        if token.is_none() {
            break;
        }
    }
    let subjects: Vec<&str> = found
        .iter()
        .filter_map(|one| one.subject.as_deref())
        .collect();
    assert_eq!(subjects, ["three", "three", "two", "two", "one", "one"]);
    let narrowed = |query: RecordQuery<'_>| acme.auditor.records(&query).unwrap().records.len();
    let all = RecordQuery {
        limit: 100,
        ..RecordQuery::default()
    };
    assert_eq!(
        narrowed(RecordQuery {
            session: Some("a"),
            ..all
        }),
        4
    );
    let kinds = Some("POLICY_DECISION,TOOL_RESULT");
    assert_eq!(
        narrowed(RecordQuery {
            event_type: kinds,
            ..all
        }),
        3
    );
    assert_eq!(
        narrowed(RecordQuery {
            subject: Some("two"),
            ..all
        }),
        2
    );
    assert_eq!(
        narrowed(RecordQuery {
            since: Some(i64::MAX),
            ..all
        }),
        0
    );
    let strange = RecordQuery {
        event_type: Some("NOTHING"),
        ..all
    };
    assert_eq!(refused(acme.auditor.records(&strange)), 400);
    let other = acme.stage.token("other", &[Role::Auditor]);
    let other = acme.stage.remote(Some(&other));
    assert_eq!(other.records(&all).unwrap().records, Vec::<Value>::new());
}

#[test]
fn a_page_of_large_records_is_short_and_the_next_one_goes_on() {
    let acme = Acme::new();
    let agent = acme.stage.token("acme", &[Role::Agent]);
    acme.stage.add_large_events(&agent, 36);
    let (mut pages, mut found) = (0, Vec::new());
    let mut token: Option<String> = None;
    loop {
        let page = acme.auditor.records(&RecordQuery {
            session: Some("foreign:large"),
            limit: 1_000,
            page_token: token.as_deref(),
            ..RecordQuery::default()
        });
        let page = page.unwrap();
        let bytes = serde_json::to_vec(&page).unwrap().len();
        assert!(bytes < 9_000_000, "{bytes}");
        found.extend(page.records.iter().map(|one| one["seq"].as_u64().unwrap()));
        pages += 1;
        token = page.next_page_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(found, (0..36).rev().collect::<Vec<_>>());
    assert_eq!(pages, 3);
}

#[test]
fn a_record_that_was_changed_on_its_way_is_none() {
    let acme = Acme::new();
    acme.decide("a", "one", "ls");
    let query = RecordQuery {
        limit: 1,
        ..RecordQuery::default()
    };
    let mut changed = acme.auditor.records(&query).unwrap().records.remove(0);
    assert!(envelope_of(changed.clone()).is_ok());
    changed["ts_unix_ms"] = json!(1);
    assert!(envelope_of(changed).is_err());
}

#[test]
fn a_log_is_recomputed_for_its_tenant_and_says_nothing_of_others() {
    let acme = Acme::new();
    acme.decide("a", "one", "ls");
    let whole = VerifyRequest::default();
    let alone = acme.auditor.verify_log(&whole).unwrap();
    assert!(alone.sound && alone.documents.is_some());
    let agent = acme.stage.token_for("other", &[Role::Agent], &["ana"]);
    let mut request = bash("one", "ls");
    request.session_id = "theirs".to_owned();
    acme.stage.remote(Some(&agent)).decide(&request).unwrap();
    let shared = acme.auditor.verify_log(&whole).unwrap();
    assert_eq!((shared.sound, shared.documents), (true, None));
    assert_eq!(
        (&shared.chains, shared.records),
        (&alone.chains, alone.records)
    );
    let head = shared
        .chains
        .iter()
        .find(|one| one.session.is_none())
        .unwrap();
    let hash = head.head.as_deref().unwrap();
    let anchor = format!("acme@{}:{hash}", head.next - 1);
    let request = VerifyRequest {
        anchors: vec!["1:2".to_owned()],
        ..VerifyRequest::default()
    };
    assert_eq!(refused(acme.auditor.verify_log(&request)), 400);
    // Whether there is another tenant, and such a record of it, is not told.
    let refusals = ["other@0", "nobody@0", "other/theirs@1"].map(|place| {
        let request = VerifyRequest {
            anchors: vec![anchor.clone(), format!("{place}:{hash}")],
            ..VerifyRequest::default()
        };
        acme.auditor.verify_log(&request).unwrap_err().to_string()
    });
    assert!(refusals[0].contains("belongs to another tenant"));
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]));
    let request = VerifyRequest {
        canonical: true,
        anchors: vec![anchor],
    };
    let held = acme.auditor.verify_log(&request).unwrap();
    assert!(
        held.chains
            .iter()
            .all(|one| one.ranges[0].standing == "anchored")
    );
    let sqlite = acme.stage.intruder();
    sqlite
        .execute(
            "UPDATE records SET at = 0 WHERE chain = (SELECT id FROM chains WHERE session = 'theirs')",
            [],
        )
        .unwrap();
    assert!(acme.auditor.verify_log(&whole).unwrap().sound);
    let other = acme.stage.token("other", &[Role::Auditor]);
    let theirs = acme.stage.remote(Some(&other)).verify_log(&whole).unwrap();
    assert!(!theirs.sound);
    assert_eq!(theirs.faults[0].session.as_deref(), Some("theirs"));
}

#[test]
fn a_log_in_memory_is_recomputed_as_well() {
    let stage = Stage::in_memory();
    let agent = stage.token_for("acme", &[Role::Agent], &["ana"]);
    stage
        .remote(Some(&agent))
        .decide(&bash("one", "ls"))
        .unwrap();
    let auditor = stage.token("acme", &[Role::Auditor]);
    let found = stage
        .remote(Some(&auditor))
        .verify_log(&VerifyRequest::default());
    let found = found.unwrap();
    assert!(found.sound);
    assert_eq!((found.records, found.documents), (3, Some(1)));
}
