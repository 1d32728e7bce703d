//! From a proposal to its decision and its records.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod machine;

use aegis_gate::{Belongs, InForce, Proposal, RejectedPolicy, WaitFor};
use aegis_log::RETENTION_SESSION;
use aegis_types::{EventKind, Mode, Outcome, Reason, Verdict};
use machine::{ALLOW, Machine, in_force, policy, request, session};
use serde_json::json;

const DENY_RM: &str = "aegis: policy/v1\nname: strict\ndefault: allow\nrules:\n  - id: no-rm\n    match: {shell: {program: rm}}\n    verdict: deny\n    message: Do not remove things\n";

#[test]
fn request_and_decision_are_recorded_together_before_the_answer() {
    let machine = Machine::new(&[DENY_RM]);
    let submitted = machine
        .gate()
        .submit(&machine.bash("one", "rm -r build"), WaitFor::Later);
    assert_eq!(submitted.decision.verdict, Verdict::Deny);
    assert_eq!(submitted.decision.reason, Reason::RuleMatched);
    assert!(submitted.is_recorded);
    assert_eq!(
        machine.events(),
        ["TOOL_CALL_PROPOSED", "POLICY_DECISION deny"]
    );
    let envelopes = machine.envelopes();
    let digest = aegis_canon::Digest::of_value(&envelopes[0].payload).to_string();
    assert_eq!(envelopes[1].payload["request_digest"], json!(digest));
    let policy = submitted.decision.policies[0].digest;
    assert!(machine.log.document(&policy).unwrap().is_some());
}

#[test]
fn nothing_is_proposed_in_the_session_that_says_what_was_pruned() {
    let machine = Machine::new(&[ALLOW]);
    let proposal = Proposal {
        session: RETENTION_SESSION.parse().unwrap(),
        ..machine.bash("one", "ls build")
    };
    let tried = machine.gate().submit(&proposal, WaitFor::Later);
    for submitted in [tried, machine.gate().rehearse(&proposal)] {
        assert_eq!(submitted.decision.verdict, Verdict::Deny);
        assert_eq!(submitted.decision.reason, Reason::CannotDecide);
        let message = submitted.decision.findings[0].message.clone().unwrap();
        assert!(message.contains("name another session"), "{message}");
    }
    assert_eq!(machine.log.chains().unwrap(), []);
}

#[test]
fn what_no_rule_denies_is_allowed() {
    let machine = Machine::new(&[DENY_RM]);
    let submitted = machine
        .gate()
        .submit(&machine.bash("one", "ls build"), WaitFor::Later);
    assert!(submitted.is_allowed());
    assert_eq!(
        machine.events(),
        ["TOOL_CALL_PROPOSED", "POLICY_DECISION allow"]
    );
}

#[test]
fn secrets_are_gone_before_anything_is_recorded() {
    let machine = Machine::new(&[ALLOW]);
    let secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let line = format!("curl -H 'Authorization: Bearer {secret}' https://example.org");
    let submitted = machine
        .gate()
        .submit(&machine.bash("one", &line), WaitFor::Later);
    assert_eq!(submitted.request.params["command"], json!(line));
    let envelopes = machine.envelopes();
    for envelope in &envelopes {
        assert!(!envelope.to_json().to_string().contains(secret));
    }
    assert!(
        envelopes[0].payload["context"]["redacted"]
            .as_u64()
            .unwrap()
            > 0
    );
}

#[test]
fn a_secret_is_gone_from_the_words_and_paths_derived_of_a_command() {
    let secret = "Xk9vQ2mLr7TzB4w";
    for line in [
        format!("export API_TOKEN={secret} && ./deploy"),
        format!("PGPASSWORD={secret} psql -h db app"),
        format!("mysql -u root -p{secret} app"),
        format!("curl -u admin:{secret} https://example.org/x"),
        format!("deploy --password '{secret}' now"),
    ] {
        let machine = Machine::new(&[ALLOW]);
        let _ = machine
            .gate()
            .submit(&machine.bash("one", &line), WaitFor::Later);
        for envelope in machine.envelopes() {
            let text = envelope.to_json().to_string();
            assert!(!text.contains(secret), "{line}: {text}");
        }
    }
}

#[test]
fn a_policy_that_cannot_be_used_denies_and_the_denial_is_recorded() {
    let machine = Machine::new(&[]);
    machine.policies.replace(InForce {
        fault: Some("the policy `/x` is broken".to_owned()),
        ..InForce::default()
    });
    let submitted = machine
        .gate()
        .submit(&machine.bash("one", "ls"), WaitFor::Later);
    assert_eq!(submitted.decision.reason, Reason::CannotDecide);
    assert!(submitted.is_recorded);
    let message = submitted.decision.findings[0].message.clone().unwrap();
    assert!(message.contains("the policy `/x` is broken") && message.contains("aegis doctor"));
    assert_eq!(
        machine.events(),
        ["TOOL_CALL_PROPOSED", "POLICY_DECISION deny"]
    );
}

#[test]
fn a_broken_policy_file_is_recorded_once_for_each_content() {
    let machine = Machine::new(&[]);
    let broken = |content: &str| InForce {
        policies: vec![policy(ALLOW)],
        fault: None,
        rejected: vec![RejectedPolicy {
            path: "/home/x/policy.yaml".into(),
            content: Some(aegis_canon::Digest::of(content.as_bytes())),
            cause: "line 3".to_owned(),
            last_good: None,
        }],
    };
    let count = || {
        machine
            .envelopes()
            .iter()
            .filter(|envelope| envelope.kind == EventKind::PolicyRejected)
            .count()
    };
    machine.policies.replace(broken("one"));
    for id in ["a", "b"] {
        let _ = machine
            .gate()
            .submit(&machine.bash(id, "ls"), WaitFor::Later);
    }
    assert_eq!(count(), 1);
    machine.policies.replace(broken("two"));
    let _ = machine
        .gate()
        .submit(&machine.bash("c", "ls"), WaitFor::Later);
    assert_eq!(count(), 2);
}

#[test]
fn a_policy_that_only_watches_lets_through_and_says_so() {
    let machine = Machine::new(&[]);
    let watching = DENY_RM.replace("default:", "mode: observe\ndefault:");
    machine.policies.replace(in_force(&[&watching]));
    assert_eq!(machine.policies_mode(), Mode::Observe, "the policy watches");
    let submitted = machine
        .gate()
        .submit(&machine.bash("one", "rm -r build"), WaitFor::Later);
    assert!(submitted.is_allowed());
    assert_eq!(submitted.decision.observed, Some(Verdict::Deny));
}

#[test]
fn an_outcome_is_recorded_with_its_content_cut_and_without_secrets() {
    let machine = Machine::new(&[ALLOW]);
    let gate = machine.gate();
    let _ = gate.submit(&machine.bash("one", "ls"), WaitFor::Later);
    let secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    let content = json!({"stdout": format!("token {secret} {}", "x".repeat(100_000))});
    let belongs = gate
        .record_outcome(&session(), &request("one"), Outcome::Completed, &content)
        .unwrap();
    assert_eq!(belongs, Belongs::ToDecision);
    let last = machine.envelopes().pop().unwrap();
    let text = last.payload.to_string();
    assert_eq!(last.kind, EventKind::OutcomeRecorded);
    assert!(!text.contains(secret) && text.len() < 16_384 && text.contains("sha256"));
}

#[test]
fn an_outcome_that_says_little_is_recorded_as_it_was() {
    let machine = Machine::new(&[ALLOW]);
    let gate = machine.gate();
    for (number, content) in [json!(false), json!(0), json!(""), json!([]), json!(null)]
        .into_iter()
        .enumerate()
    {
        let id = number.to_string();
        let _ = gate.submit(&machine.bash(&id, "ls"), WaitFor::Later);
        gate.record_outcome(&session(), &request(&id), Outcome::Completed, &content)
            .unwrap();
        let last = machine.envelopes().pop().unwrap();
        assert_eq!(last.payload["content"], content);
    }
}

#[test]
fn an_outcome_that_no_decision_let_happen_is_told() {
    let machine = Machine::new(&[DENY_RM]);
    let gate = machine.gate();
    let record = |id: &str, outcome| {
        gate.record_outcome(&session(), &request(id), outcome, &json!("x"))
            .unwrap()
    };
    assert_eq!(record("never", Outcome::Completed), Belongs::ToNothing);
    let _ = gate.submit(&machine.bash("denied", "rm x"), WaitFor::Later);
    assert_eq!(record("denied", Outcome::Prevented), Belongs::ToDecision);
    assert_eq!(record("denied", Outcome::Completed), Belongs::ToNothing);
    let undecided = machine
        .events()
        .iter()
        .filter(|event| *event == "UNDECIDED_ACTION")
        .count();
    assert_eq!(undecided, 2);
}

#[test]
fn a_batch_shows_which_actions_were_never_decided() {
    let machine = Machine::new(&[DENY_RM]);
    let gate = machine.gate();
    let _ = gate.submit(&machine.bash("known", "ls"), WaitFor::Later);
    let listed = [request("known"), request("unknown")];
    for _ in 0..2 {
        assert_eq!(
            gate.undecided(&session(), &listed).unwrap(),
            [request("unknown")]
        );
    }
    assert_eq!(machine.events().len(), 3);
    assert_eq!(gate.unresolved(&session()).unwrap(), [request("known")]);
    gate.record_outcome(&session(), &request("known"), Outcome::Failed, &json!(""))
        .unwrap();
    assert!(gate.unresolved(&session()).unwrap().is_empty());
}

#[test]
fn a_request_beyond_what_a_record_holds_is_cut_and_recorded() {
    let machine = Machine::new(&[ALLOW]);
    // Written as JSON, each of these characters is six.
    let content = "\u{1}".repeat(900 << 10);
    let proposal = machine.proposal(
        "one",
        "Write",
        json!({"file_path": "big.txt", "content": content}),
    );
    let submitted = machine.gate().submit(&proposal, WaitFor::Later);
    assert!(submitted.is_allowed() && submitted.is_recorded);
    let payload = &machine.envelopes()[0].payload;
    let kept = payload["args"]["content"].as_str().unwrap();
    assert!(kept.contains("(cut: 921600 bytes, sha256"));
}

#[test]
fn a_request_that_is_too_large_to_be_examined_is_denied_and_its_beginning_recorded() {
    let machine = Machine::new(&[ALLOW]);
    let content = format!("password=hunter2x {}", "y".repeat(9 << 20));
    let proposal = machine.proposal(
        "one",
        "Write",
        json!({"file_path": "big.txt", "content": content}),
    );
    let submitted = machine.gate().submit(&proposal, WaitFor::Later);
    assert_eq!(submitted.decision.verdict, Verdict::Deny);
    assert_eq!(submitted.decision.reason, Reason::CannotDecide);
    assert!(submitted.is_recorded);
    let envelopes = machine.envelopes();
    assert_eq!(envelopes.len(), 2);
    let kept = envelopes[0].payload["args"]["content"].as_str().unwrap();
    assert!(kept.ends_with("(cut: 9437202 bytes)"));
    assert!(kept.len() < 20 << 10 && !kept.contains("hunter2x"));
    assert_eq!(envelopes[0].payload["args"]["file_path"], "big.txt");
}

#[test]
fn the_outcome_of_an_action_is_recorded_however_large_it_is() {
    let machine = Machine::new(&[ALLOW]);
    let gate = machine.gate();
    let _ = gate.submit(&machine.bash("one", "make"), WaitFor::Later);
    let stdout = "password=hunter2x ".repeat(1 << 20);
    gate.record_outcome(
        &session(),
        &request("one"),
        Outcome::Completed,
        &json!({ "stdout": stdout }),
    )
    .unwrap();
    let recorded = machine.envelopes().pop().unwrap().payload.to_string();
    assert!(recorded.contains("(cut: 18874368 bytes)"), "{recorded}");
    assert!(!recorded.contains("hunter2x"));
}

impl Machine {
    fn policies_mode(&self) -> Mode {
        use aegis_gate::Policies as _;
        self.policies.in_force().policies[0].compiled.policy().mode
    }
}
