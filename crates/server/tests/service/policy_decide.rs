//! The dry run under the name of the control plane.

use aegis_server::Role;
use serde_json::{Value, json};

use crate::stage::Stage;

fn event(line: &str) -> Value {
    json!({"event_type": "TOOL_CALL_PROPOSED", "session_id": "s",
           "payload": {"call_id": "c", "tool_name": "Bash", "args": {"command": line}}})
}

#[test]
fn a_question_is_decided_by_what_the_service_knows_and_says_so() {
    let stage = Stage::new();
    let token = stage.token("acme", &[Role::Agent, Role::Auditor]);
    let ask = |body: &Value| stage.post(&token, "/v1/policy/decide", body);
    for (line, outcome) in [
        ("ls", "allow"),
        ("rm -rf /", "deny"),
        ("git push --force", "require_approval"),
    ] {
        let reply = ask(&json!({"event": event(line), "snapshot": {}})).body;
        assert_eq!(reply["outcome"], outcome, "{line}");
        assert!(reply["reason"].is_string() && reply["constraints"].is_object());
        assert_eq!(
            (&reply["dry_run"], &reply["ignored"]),
            (&json!(true), &json!([]))
        );
        assert!(reply["not_checked"].to_string().contains("manifest"));
    }
    let claims = json!({
        "event": event("rm -rf /"),
        "snapshot": {"steps_consumed": 9, "tool_calls_consumed": 0},
        "manifest": {"permissions": {"tools": ["Bash"]}},
    });
    let reply = ask(&claims).body;
    assert_eq!(reply["outcome"], "deny");
    assert_eq!(reply["ignored"][0]["field"], "snapshot");
    assert_eq!(
        reply["ignored"][0]["differences"],
        json!({"steps_consumed": {"sent": 9, "known": 0}})
    );
    assert_eq!(reply["ignored"][1]["field"], "manifest");
    // Nothing of it is in the log.
    assert_eq!(stage.get(&token, "/v1/sessions/s/verify").status, 404);
}

#[test]
fn only_proposals_are_decided() {
    let stage = Stage::new();
    let token = stage.token("acme", &[Role::Agent]);
    for wrong in [
        json!({}),
        json!({"event": {}}),
        json!({"event": {"event_type": "tool_call_proposed", "payload": {"tool_name": "Bash"}}}),
        json!({"event": {"event_type": "TOOL_RESULT", "payload": {"tool_name": "Bash"}}}),
        json!({"event": {"event_type": "TOOL_CALL_PROPOSED", "payload": {}}}),
        json!({"event": {"event_type": "TOOL_CALL_PROPOSED", "payload": {"tool_name": 1}}}),
        json!({"event": event("ls"), "surprise": 1}),
    ] {
        assert_eq!(
            stage.post(&token, "/v1/policy/decide", &wrong).status,
            400,
            "{wrong}"
        );
    }
    let auditor = stage.token("acme", &[Role::Auditor]);
    let asked = json!({"event": event("ls")});
    assert_eq!(
        stage.post(&auditor, "/v1/policy/decide", &asked).status,
        403
    );
    let mut theirs = event("ls");
    theirs["tenant_id"] = json!("other");
    assert_eq!(
        stage
            .post(&token, "/v1/policy/decide", &json!({"event": theirs}))
            .status,
        403
    );
}
