//! Asking people, and what becomes of their answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod machine;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aegis_gate::{
    AnswerError, ApprovalFilter, Approver, FixedProcesses, Gate, Process, Reply, ScriptedAnswer,
    ScriptedApprover, WaitFor,
};
use aegis_types::{
    Approval, ApprovalStatus, Assurance, DurationMs, EventKind, Outcome, Reason, Verdict,
};
use machine::{Machine, START, in_force, request, session};
use serde_json::json;

fn ask(risk: &str, more: &str) -> String {
    format!(
        "aegis: policy/v1\nname: asking\ndefault: allow\nrules:\n  - id: push\n    match: {{shell: {{program: git, subcommand: push}}}}\n    verdict: ask\n    risk: {risk}\n    message: A push needs a person\n{more}"
    )
}

fn scripted(answers: &[ScriptedAnswer]) -> Arc<dyn Approver> {
    Arc::new(ScriptedApprover::new(
        "ada".parse().unwrap(),
        answers.iter().copied(),
    ))
}

const WAIT: WaitFor = WaitFor::Answer(DurationMs::from_secs(120));

fn reply(is_granted: bool, assurance: Assurance) -> Reply {
    Reply {
        is_granted,
        approver: "ada".parse().unwrap(),
        assurance,
        channel: "terminal".to_owned(),
        note: None,
        process: None,
    }
}

fn asking(more: &str) -> Machine {
    Machine::new(&[&ask("medium", more)])
}

fn push(machine: &Machine, gate: &Gate, id: &str, wait: WaitFor) -> aegis_gate::Submitted {
    gate.submit(&machine.bash(id, "git push origin main"), wait)
}

#[test]
fn a_granted_ask_is_allowed_and_the_log_tells_the_whole_story() {
    let mut machine = asking("");
    machine.approver = scripted(&[ScriptedAnswer {
        after: DurationMs::from_secs(30),
        ..ScriptedAnswer::GRANT
    }]);
    let submitted = push(&machine, &machine.gate(), "one", WAIT);
    assert_eq!(submitted.decision.verdict, Verdict::Allow);
    assert!(submitted.decision.is_explicit());
    assert_eq!(
        machine.events(),
        [
            "TOOL_CALL_PROPOSED",
            "POLICY_DECISION ask",
            "APPROVAL_REQUESTED",
            "APPROVAL_DECIDED",
            "POLICY_DECISION allow"
        ]
    );
    let last = machine.envelopes().pop().unwrap();
    let approval = submitted.approval.unwrap();
    assert_eq!(last.payload["approval_token"], json!(approval.id.as_str()));
    assert_eq!(approval.summary, "Bash: git push origin main");
}

#[test]
fn an_approver_is_told_the_tool_and_every_argument_without_secrets() {
    let asks = "aegis: policy/v1\nname: asking\ndefault: ask\n";
    let machine = Machine::new(&[asks]);
    let gate = machine.gate();
    let source = r#"{"command":"ls","command":"make all"}"#;
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
    for (id, tool, params, expected) in [
        (
            "one",
            "mcp__hub__create_issue",
            json!({"title": "Fix it", "labels": ["a"]}),
            "mcp__hub__create_issue: hub · \"labels\"=[\"a\"] · \"title\"=\"Fix it\"",
        ),
        (
            "two",
            "Bash",
            json!({"$json": source}),
            "Bash: {\"command\":\"ls\",\"command\":\"make all\"}",
        ),
        (
            "three",
            "mcp__hub__sign_in",
            json!({"password": "correct horse", "note": format!("use {secret}\u{202e}")}),
            "[redacted:",
        ),
    ] {
        let submitted = gate.submit(&machine.proposal(id, tool, params), WaitFor::Later);
        let told = submitted.approval.unwrap().summary;
        assert!(told.contains(expected), "{told}");
        let hidden = [secret, "correct horse", "\u{202e}"];
        assert!(hidden.iter().all(|text| !told.contains(text)), "{told}");
    }
}

#[test]
fn what_an_approver_is_shown_of_a_request_that_is_gone_says_so() {
    let machine = Machine::new(&["aegis: policy/v1\nname: asking\ndefault: ask\n"]);
    let gate = machine.gate();
    let params = json!({"file_path": "/x", "content": "/x"});
    let submitted = gate.submit(&machine.proposal("one", "Write", params), WaitFor::Later);
    let mut approval = submitted.approval.unwrap();
    assert_eq!(approval.summary, "Write: /x · \"content\"=\"/x\"");
    let asked = gate.asked_for(&approval).unwrap();
    assert_eq!(asked.request.unwrap()["args"]["content"], "/x");
    assert_eq!(asked.left_out, None);
    approval.request_digest = approval.policy_digest;
    let asked = gate.asked_for(&approval).unwrap();
    assert_eq!(asked.request, None);
    assert!(asked.left_out.unwrap().contains("cannot be shown"));
}

#[test]
fn an_ask_that_was_left_pending_is_waited_for_without_asking_again() {
    let after_a_while = ScriptedAnswer {
        after: DurationMs::from_secs(30),
        ..ScriptedAnswer::GRANT
    };
    for (answers, patience, verdict, end) in [
        (&[after_a_while][..], 60, Verdict::Allow, "APPROVAL_DECIDED"),
        (&[after_a_while], 20, Verdict::Deny, "APPROVAL_EXPIRED"),
        (
            &[ScriptedAnswer::REFUSE],
            60,
            Verdict::Deny,
            "APPROVAL_DECIDED",
        ),
        (&[], 60, Verdict::Deny, "APPROVAL_EXPIRED"),
        (&[], 0, Verdict::Deny, "APPROVAL_EXPIRED"),
    ] {
        let mut machine = asking("");
        machine.approver = scripted(answers);
        let gate = machine.gate();
        let proposal = machine.bash("one", "git push origin main");
        let pending = gate.submit(&proposal, WaitFor::Later);
        assert_eq!(pending.decision.verdict, Verdict::Ask);
        let ended = gate.wait_for(&proposal, pending.clone(), DurationMs::from_secs(patience));
        assert_eq!(ended.decision.verdict, verdict);
        assert_eq!(ended.request, pending.request);
        assert_eq!(
            machine.events(),
            [
                "TOOL_CALL_PROPOSED",
                "POLICY_DECISION ask",
                "APPROVAL_REQUESTED",
                end,
                &format!("POLICY_DECISION {}", verdict.as_str()),
            ]
        );
    }
}

#[test]
fn what_was_settled_already_is_not_waited_for() {
    let machine = asking("");
    let gate = machine.gate();
    let proposal = machine.bash("one", "git push origin main");
    let settled = gate.submit(&proposal, WaitFor::Nobody);
    let count = machine.events().len();
    let ended = gate.wait_for(&proposal, settled.clone(), DurationMs::from_secs(60));
    assert_eq!(ended, settled);
    assert_eq!(machine.events().len(), count);
}

#[test]
fn only_an_ask_that_the_host_may_answer_is_left_to_it() {
    for (risk, in_host) in [("low", true), ("medium", true), ("high", false)] {
        let machine = Machine::new(&[&ask(risk, "")]);
        let pending = push(&machine, &machine.gate(), "one", WaitFor::Later);
        assert_eq!(pending.host_may_answer(), in_host, "{risk}");
        assert_eq!(pending.approval.unwrap().asked_in_host, in_host, "{risk}");
    }
}

#[test]
fn a_refused_ask_is_denied_and_stays_refused_for_the_same_question() {
    let mut machine = asking("");
    machine.approver = scripted(&[ScriptedAnswer::REFUSE]);
    let gate = machine.gate();
    for id in ["one", "two"] {
        let submitted = push(&machine, &gate, id, WAIT);
        assert_eq!(submitted.decision.reason, Reason::ApprovalRefused, "{id}");
    }
    let asked = machine
        .envelopes()
        .iter()
        .filter(|envelope| envelope.kind == EventKind::ApprovalRequested)
        .count();
    assert_eq!(asked, 1);
    let other = gate.submit(
        &machine.bash("three", "git push origin dev"),
        WaitFor::Nobody,
    );
    assert_eq!(other.decision.reason, Reason::ApprovalExpired);
}

#[test]
fn silence_expires_to_deny_unless_the_rule_says_otherwise() {
    let machine = asking("");
    let submitted = push(&machine, &machine.gate(), "one", WAIT);
    assert_eq!(submitted.decision.reason, Reason::ApprovalExpired);
    assert_eq!(submitted.decision.verdict, Verdict::Deny);
    assert!(machine.events().contains(&"APPROVAL_EXPIRED".to_owned()));
    let terms = "    approval: {within: 1m, otherwise: allow}\n";
    let machine = asking(terms);
    let submitted = push(&machine, &machine.gate(), "one", WAIT);
    assert_eq!(submitted.decision.reason, Reason::ApprovalExpired);
    assert_eq!(submitted.decision.verdict, Verdict::Allow);
    assert!(!submitted.is_recorded || submitted.is_allowed());
}

#[test]
fn where_nobody_can_answer_an_ask_is_denied_at_once() {
    let machine = asking("");
    let submitted = push(&machine, &machine.gate(), "one", WaitFor::Nobody);
    assert_eq!(submitted.decision.verdict, Verdict::Deny);
    assert_eq!(submitted.decision.reason, Reason::ApprovalExpired);
    assert_eq!(machine.events().len(), 5);
}

#[test]
fn a_wait_is_no_longer_than_the_setting_allows() {
    let mut machine = asking("    approval: {within: 1h}\n");
    machine.settings.approval_wait_max.value = DurationMs::from_secs(5);
    let submitted = push(&machine, &machine.gate(), "one", WAIT);
    let approval = submitted.approval.unwrap();
    assert_eq!(approval.expires_at, START.plus(DurationMs::from_secs(5)));
}

#[test]
fn a_change_of_policy_expires_what_waits() {
    struct ChangesPolicy(Arc<aegis_gate::FixedPolicies>, ScriptedApprover);
    impl Approver for ChangesPolicy {
        fn look(&self, gate: &Gate, waiting: &Approval) {
            self.0.replace(in_force(&[&ask("low", "")]));
            self.1.look(gate, waiting);
        }
    }
    let mut machine = asking("");
    machine.approver = Arc::new(ChangesPolicy(
        Arc::clone(&machine.policies),
        ScriptedApprover::new("ada".parse().unwrap(), [ScriptedAnswer::GRANT]),
    ));
    let submitted = push(&machine, &machine.gate(), "one", WAIT);
    assert_eq!(submitted.decision.reason, Reason::ApprovalExpired);
    let message = submitted
        .decision
        .deciding()
        .unwrap()
        .message
        .clone()
        .unwrap();
    assert!(message.contains("the policy changed"), "{message}");
}

#[test]
fn a_grant_does_not_hold_for_what_changed_under_it() {
    struct MovesTheGround(std::path::PathBuf, ScriptedApprover);
    impl Approver for MovesTheGround {
        fn look(&self, gate: &Gate, waiting: &Approval) {
            let link = self.0.join("app/out");
            if !link.exists() {
                std::os::unix::fs::symlink(self.0.join("home"), link).unwrap();
            }
            self.1.look(gate, waiting);
        }
    }
    let text = "aegis: policy/v1\nname: a\ndefault: ask\n";
    let mut machine = Machine::new(&[text]);
    machine.approver = Arc::new(MovesTheGround(
        machine.root(),
        ScriptedApprover::new("ada".parse().unwrap(), [ScriptedAnswer::GRANT]),
    ));
    let submitted = machine
        .gate()
        .submit(&machine.bash("one", "echo x > out/file"), WAIT);
    assert_eq!(submitted.decision.reason, Reason::ApprovalExpired);
}

#[test]
fn a_grant_is_picked_up_later_once_and_only_for_the_same_question() {
    let machine = asking("");
    let gate = machine.gate();
    let first = push(&machine, &gate, "one", WaitFor::Later);
    assert_eq!(first.decision.verdict, Verdict::Ask);
    let approval = first.approval.unwrap();
    gate.answer(&approval.id, reply(true, Assurance::High))
        .unwrap();
    let other = gate.submit(
        &machine.bash("one", "git push -f origin main"),
        WaitFor::Later,
    );
    assert_eq!(other.decision.verdict, Verdict::Ask);
    let resumed = push(&machine, &gate, "one", WaitFor::Later);
    assert_eq!(resumed.decision.verdict, Verdict::Allow);
    let again = push(&machine, &gate, "one", WaitFor::Later);
    assert_eq!(again.decision.verdict, Verdict::Ask);
    assert_ne!(again.approval.unwrap().id, approval.id);
}

#[test]
fn a_grant_that_another_request_used_says_so_itself() {
    let machine = asking("");
    let gate = machine.gate();
    let first = push(&machine, &gate, "one", WaitFor::Later);
    let approval = first.approval.unwrap();
    gate.answer(&approval.id, reply(true, Assurance::High))
        .unwrap();
    let equal = push(&machine, &gate, "two", WaitFor::Later);
    assert_eq!(equal.decision.verdict, Verdict::Allow);
    let last = machine.envelopes().pop().unwrap();
    assert_eq!(last.kind, EventKind::ApprovalUsed);
    assert_eq!(last.subject.as_deref(), Some(approval.id.as_str()));
    assert_eq!(last.payload["call_id"], "two");
    // What the approval was asked for finds it used as well.
    let again = push(&machine, &gate, "one", WaitFor::Later);
    assert_eq!(again.decision.verdict, Verdict::Ask);
    assert_ne!(again.approval.unwrap().id, approval.id);
}

#[test]
fn a_grant_that_waiting_requests_share_is_used_by_one() {
    let mut machine = asking("");
    let gate = machine.gate();
    let pending = push(&machine, &gate, "one", WaitFor::Later);
    machine.approver = scripted(&[ScriptedAnswer::GRANT]);
    let waiting = push(&machine, &machine.gate(), "two", WAIT);
    assert_eq!(waiting.decision.verdict, Verdict::Allow);
    assert_eq!(waiting.approval, pending.approval);
    let proposal = machine.bash("one", "git push origin main");
    let late = gate.wait_for(&proposal, pending, DurationMs::from_secs(1));
    assert_eq!(late.decision.verdict, Verdict::Deny);
    assert_eq!(late.decision.reason, Reason::ApprovalExpired);
}

#[test]
fn equal_questions_share_one_approval_and_many_different_ones_are_capped() {
    let machine = asking("");
    let gate = machine.gate();
    let one = push(&machine, &gate, "one", WaitFor::Later);
    let two = push(&machine, &gate, "two", WaitFor::Later);
    assert_eq!(one.approval.unwrap().id, two.approval.unwrap().id);
    for number in 0..15 {
        let line = format!("git push origin b{number}");
        let submitted = gate.submit(&machine.bash(&format!("n{number}"), &line), WaitFor::Later);
        assert_eq!(submitted.decision.verdict, Verdict::Ask, "{number}");
    }
    let last = gate.submit(&machine.bash("last", "git push origin c"), WaitFor::Later);
    assert_eq!(last.decision.reason, Reason::CannotDecide);
    let filter = ApprovalFilter {
        tenant: None,
        session: Some(session()),
        status: Some(ApprovalStatus::Pending),
    };
    assert_eq!(gate.approvals(&filter).unwrap().len(), 16);
}

#[test]
fn the_greater_the_risk_the_surer_a_grant_must_be() {
    for (risk, given, counts) in [
        ("medium", Assurance::Host, true),
        ("high", Assurance::Host, false),
        ("high", Assurance::High, true),
        ("critical", Assurance::Host, false),
        ("critical", Assurance::High, true),
    ] {
        let machine = Machine::new(&[&ask(risk, "")]);
        let gate = machine.gate();
        let asked = push(&machine, &gate, "one", WaitFor::Later);
        assert_eq!(asked.host_may_answer(), risk == "medium", "{risk}");
        let answered = gate.answer(&asked.approval.unwrap().id, reply(true, given));
        assert_eq!(answered.is_ok(), counts, "{risk} {given:?}");
    }
}

#[test]
fn nobody_answers_twice_and_what_is_settled_stays_settled() {
    let machine = asking("    approval: {approvers: 2}\n");
    let gate = machine.gate();
    let id = push(&machine, &gate, "one", WaitFor::Later)
        .approval
        .unwrap()
        .id;
    let view = gate.answer(&id, reply(true, Assurance::High)).unwrap();
    assert_eq!(view.status, ApprovalStatus::Pending);
    assert!(matches!(
        gate.answer(&id, reply(true, Assurance::High)),
        Err(AnswerError::AnsweredAlready { .. })
    ));
    let other = |is_granted| Reply {
        approver: "bob".parse().unwrap(),
        ..reply(is_granted, Assurance::High)
    };
    assert_eq!(
        gate.answer(&id, other(true)).unwrap().status,
        ApprovalStatus::Granted
    );
    assert!(matches!(
        gate.answer(&id, other(false)),
        Err(AnswerError::Settled {
            status: ApprovalStatus::Granted
        })
    ));
    machine.clock.advance(DurationMs::from_secs(3_600));
    let submitted = push(&machine, &gate, "two", WaitFor::Later);
    assert_eq!(submitted.decision.verdict, Verdict::Ask, "a grant ends too");
}

#[test]
fn of_two_answers_at_the_same_time_one_counts() {
    for _ in 0..20 {
        let machine = asking("");
        let gate = machine.gate();
        let id = push(&machine, &gate, "one", WaitFor::Later)
            .approval
            .unwrap()
            .id;
        let counted = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for (name, is_granted) in [("ada", true), ("bob", false), ("cyd", true)] {
                let (gate, id, counted) = (&gate, &id, &counted);
                scope.spawn(move || {
                    let answer = Reply {
                        approver: name.parse().unwrap(),
                        ..reply(is_granted, Assurance::High)
                    };
                    if gate.answer(id, answer).is_ok() {
                        counted.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(counted.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn one_grant_lets_one_of_two_equal_requests_proceed() {
    let mut all = 0;
    for _ in 0..20 {
        let mut machine = asking("");
        machine.approver = scripted(&[ScriptedAnswer::GRANT]);
        let gate = machine.gate();
        let allowed = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for id in ["one", "two", "three"] {
                let (gate, machine, allowed) = (&gate, &machine, &allowed);
                scope.spawn(move || {
                    if push(machine, gate, id, WAIT).is_allowed() {
                        allowed.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        // Those that wait move the clock, so the question may expire before a
        // thread that was held up has given its answer.
        let allowed = allowed.load(Ordering::SeqCst);
        assert!(allowed <= 1);
        all += allowed;
    }
    assert!(all > 0);
}

#[test]
fn a_process_that_descends_from_an_agent_may_not_answer() {
    let process = |id, name: &str| Process {
        id,
        name: name.to_owned(),
        ..Process::default()
    };
    let mut machine = asking("");
    machine.processes = FixedProcesses(vec![
        process(50, "aegis"),
        process(40, "bash"),
        process(30, "node"),
        process(1, "init"),
    ]);
    let gate = machine.gate();
    let id = push(&machine, &gate, "one", WaitFor::Later)
        .approval
        .unwrap()
        .id;
    let by = |process| Reply {
        process,
        ..reply(true, Assurance::Low)
    };
    assert!(matches!(
        gate.answer(&id, by(None)),
        Err(AnswerError::Unseen)
    ));
    assert!(matches!(
        gate.answer(&id, by(Some(99))),
        Err(AnswerError::Unseen)
    ));
    gate.observe(
        &session(),
        EventKind::SessionStarted,
        None,
        &json!({"host_pid": 30}),
    )
    .unwrap();
    assert!(matches!(
        gate.answer(&id, by(Some(50))),
        Err(AnswerError::Agent { .. })
    ));
    assert!(gate.answer(&id, by(Some(1))).is_ok());
}

#[test]
fn a_host_that_runs_what_it_should_ask_about_has_been_answered() {
    let machine = asking("");
    let gate = machine.gate();
    push(&machine, &gate, "one", WaitFor::Later);
    let belongs = gate
        .record_outcome(
            &session(),
            &request("one"),
            Outcome::Completed,
            &json!("ok"),
        )
        .unwrap();
    assert_eq!(belongs, aegis_gate::Belongs::ToDecision);
    assert_eq!(
        machine.events()[3..],
        ["APPROVAL_DECIDED", "POLICY_DECISION allow", "TOOL_RESULT"]
    );
    let machine = Machine::new(&[&ask("high", "")]);
    let gate = machine.gate();
    push(&machine, &gate, "one", WaitFor::Later);
    let belongs = gate
        .record_outcome(
            &session(),
            &request("one"),
            Outcome::Completed,
            &json!("ok"),
        )
        .unwrap();
    assert_eq!(belongs, aegis_gate::Belongs::ToNothing);
}

/// Stands for a hook that is killed while it waits.
struct Killed;

impl Approver for Killed {
    fn look(&self, _: &Gate, _: &Approval) {
        panic!("the hook is killed here");
    }
}

#[test]
fn what_runs_after_a_hook_was_killed_while_it_waited_was_never_approved() {
    let mut machine = asking("");
    machine.approver = Arc::new(Killed);
    let gate = machine.gate();
    let waiting = std::panic::AssertUnwindSafe(|| push(&machine, &gate, "one", WAIT));
    assert!(std::panic::catch_unwind(waiting).is_err());
    let belongs = gate
        .record_outcome(
            &session(),
            &request("one"),
            Outcome::Completed,
            &json!("ok"),
        )
        .unwrap();
    assert_eq!(belongs, aegis_gate::Belongs::ToNothing);
    assert_eq!(machine.events()[3..], ["UNDECIDED_ACTION", "TOOL_RESULT"]);
}

#[test]
fn who_can_wait_no_longer_is_denied_although_the_approval_would_last() {
    let machine = asking("");
    let gate = machine.gate();
    push(&machine, &gate, "one", WaitFor::Later);
    let patience = WaitFor::Answer(DurationMs::from_secs(5));
    let submitted = push(&machine, &gate, "one", patience);
    assert_eq!(submitted.decision.reason, Reason::ApprovalExpired);
    assert_eq!(submitted.decision.verdict, Verdict::Deny);
}
