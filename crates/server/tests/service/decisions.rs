//! Proposals and outcomes.

use aegis_api::{ClientError, DecisionRequest, OutcomeReport};
use aegis_server::Role;
use aegis_types::Outcome;
use serde_json::json;

use crate::stage::Stage;

pub fn bash(id: &str, line: &str) -> DecisionRequest {
    DecisionRequest {
        session_id: "s".to_owned(),
        call_id: id.to_owned(),
        tool_name: "Bash".to_owned(),
        args: json!({ "command": line }),
        ..DecisionRequest::default()
    }
}

/// Returns the status with which `asked` was refused.
pub fn refused<T: std::fmt::Debug>(asked: Result<T, ClientError>) -> u16 {
    match asked {
        Err(ClientError::Problem(problem)) => problem.status,
        other => panic!("no refusal: {other:?}"),
    }
}

#[test]
fn a_proposal_is_decided_and_recorded_before_the_reply() {
    let stage = Stage::new();
    let reply = stage.local().decide(&bash("one", "ls")).unwrap();
    assert_eq!((reply.verdict.as_str(), reply.recorded), ("allow", true));
    let denied = stage.local().decide(&bash("two", "rm -rf /")).unwrap();
    assert_eq!((denied.verdict.as_str(), denied.recorded), ("deny", true));
    assert!(denied.message.is_some());
}

#[test]
fn an_outcome_that_no_decision_let_happen_is_told_apart() {
    let stage = Stage::new();
    let client = stage.local();
    client.decide(&bash("one", "ls")).unwrap();
    let outcome = |id: &str| OutcomeReport {
        tenant_id: None,
        session_id: "s".to_owned(),
        call_id: id.to_owned(),
        outcome: Outcome::Completed,
        content: json!("a b"),
    };
    assert!(client.report(&outcome("one")).unwrap().decided);
    assert!(!client.report(&outcome("never-asked")).unwrap().decided);
}

#[test]
fn an_ask_is_never_taken_for_an_answer_given_in_a_host() {
    let stage = Stage::new();
    let client = stage.local();
    let asked = client.decide(&bash("one", "git push --force")).unwrap();
    assert_eq!(asked.verdict, "ask");
    assert_eq!(asked.approval.unwrap()["asked_in_host"], false);
    let ran = OutcomeReport {
        tenant_id: None,
        session_id: "s".to_owned(),
        call_id: "one".to_owned(),
        outcome: Outcome::Completed,
        content: json!(null),
    };
    assert!(!client.report(&ran).unwrap().decided);
}

#[test]
fn a_rehearsal_records_nothing() {
    let stage = Stage::new();
    let reply: aegis_api::DecisionReply = stage
        .local()
        .post("/v1/decisions/rehearse", &bash("one", "rm -rf /"))
        .unwrap();
    assert_eq!((reply.verdict.as_str(), reply.recorded), ("deny", false));
    let ran = OutcomeReport {
        tenant_id: None,
        session_id: "s".to_owned(),
        call_id: "one".to_owned(),
        outcome: Outcome::Completed,
        content: json!(null),
    };
    assert!(!stage.local().report(&ran).unwrap().decided);
}

#[test]
fn a_port_needs_a_token_with_a_role_and_its_own_tenant() {
    let stage = Stage::new();
    assert_eq!(refused(stage.remote(None).decide(&bash("one", "ls"))), 401);
    let wrong = stage.remote(Some("aegis_x_y"));
    assert_eq!(refused(wrong.decide(&bash("one", "ls"))), 401);
    let auditor = stage.token("acme", &[Role::Auditor]);
    let asked = stage.remote(Some(&auditor)).decide(&bash("one", "ls"));
    assert_eq!(refused(asked), 403);
    let agent = stage.token("acme", &[Role::Agent]);
    let client = stage.remote(Some(&agent));
    assert_eq!(client.decide(&bash("one", "ls")).unwrap().verdict, "allow");
    let of_other = DecisionRequest {
        tenant_id: Some("other".to_owned()),
        ..bash("two", "ls")
    };
    assert_eq!(refused(client.decide(&of_other)), 403);
}

#[test]
fn what_is_wrong_with_a_body_is_said() {
    let stage = Stage::new();
    let client = stage.local();
    let mut wrong = bash("one", "ls");
    wrong.session_id = "a b".to_owned();
    match client.decide(&wrong) {
        Err(ClientError::Problem(problem)) => {
            assert_eq!(problem.status, 400);
            assert!(problem.detail.contains("session_id"), "{problem:?}");
            assert_eq!(problem.error, problem.detail);
        }
        other => panic!("{other:?}"),
    }
    let unknown: Result<serde_json::Value, _> =
        client.post("/v1/decisions", &json!({"session_id": "s", "surprise": 1}));
    assert_eq!(refused(unknown), 400);
    let missing: Result<serde_json::Value, _> = client.get("/v1/nowhere");
    assert_eq!(refused(missing), 404);
    let method: Result<serde_json::Value, _> = client.get("/v1/outcomes");
    assert_eq!(refused(method), 405);
}

#[test]
fn the_policy_of_the_service_holds_for_callers_from_elsewhere() {
    let stage = Stage::new();
    let policy = stage.folder().join("home/.config/aegis/policy.yaml");
    std::fs::create_dir_all(policy.parent().unwrap()).unwrap();
    let rule = "  - id: none\n    match: {tool: Bash}\n    verdict: deny\n";
    let text = format!("aegis: policy/v1\nname: own\ndefault: allow\nrules:\n{rule}");
    std::fs::write(&policy, text).unwrap();
    let agent = stage.token("acme", &[Role::Agent]);
    let claims = DecisionRequest {
        home: Some("/nowhere".to_owned()),
        ..bash("two", "ls")
    };
    for request in [bash("one", "ls"), claims] {
        let reply = stage.remote(Some(&agent)).decide(&request).unwrap();
        assert_eq!(reply.verdict, "deny", "{reply:?}");
        assert_eq!(reply.findings[0].policy.as_deref(), Some("own"));
    }
}

#[test]
fn what_is_proposed_where_settings_cannot_be_read_is_denied_on_record() {
    let stage = Stage::new();
    let project = stage.folder().join("project");
    std::fs::create_dir_all(project.join(".git")).unwrap();
    std::fs::create_dir_all(project.join(".aegis")).unwrap();
    std::fs::write(project.join(".aegis/settings.toml"), "mode = 7\n").unwrap();
    let request = DecisionRequest {
        directory: Some(project.display().to_string()),
        ..bash("one", "ls")
    };
    let reply = stage.local().decide(&request).unwrap();
    assert_eq!(reply.verdict, "deny", "{reply:?}");
    let told = format!("{reply:?}");
    assert!(reply.recorded && told.contains("settings.toml"), "{told}");
    std::fs::write(project.join(".aegis/settings.toml"), "").unwrap();
    let request = DecisionRequest {
        call_id: "two".to_owned(),
        ..request
    };
    assert_eq!(stage.local().decide(&request).unwrap().verdict, "allow");
}
