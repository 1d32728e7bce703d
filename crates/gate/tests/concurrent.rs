//! Many at once.

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

use aegis_gate::{Proposal, WaitFor};
use aegis_log::{Options, SqliteLog};
use aegis_types::Verdict;
use machine::{ALLOW, Machine};
use serde_json::json;

fn limited(by: &str) -> String {
    format!(
        "aegis: policy/v1\nname: limited\ndefault: allow\nrules:\n  - id: few\n    match: {{tool: Bash}}\n    when: {{calls: {{over: 5, per: 1h, by: {by}}}}}\n    verdict: deny\n"
    )
}

fn on_disk(mut machine: Machine) -> Machine {
    let path = machine.root().join("real.db");
    machine.log = Arc::new(SqliteLog::open(path, Options::default()).unwrap());
    machine
}

fn check(machine: &Machine, sessions: usize) {
    let allowed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let gate = machine.gate();
            let allowed = &allowed;
            scope.spawn(move || {
                for number in 0..5 {
                    let session = format!("s{}", thread % sessions);
                    let proposal = Proposal {
                        session: session.parse().unwrap(),
                        ..machine.bash(&format!("t{thread}-{number}"), "ls")
                    };
                    let submitted = gate.submit(&proposal, WaitFor::Nobody);
                    assert!(submitted.is_recorded, "{:?}", submitted.decision);
                    if submitted.is_allowed() {
                        allowed.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(allowed.load(Ordering::SeqCst), 5);
}

#[test]
fn a_limit_holds_in_one_session_whoever_comes_first() {
    check(&Machine::new(&[&limited("session")]), 1);
    check(&on_disk(Machine::new(&[&limited("session")])), 1);
}

#[test]
fn a_limit_across_sessions_never_lets_more_through() {
    for _ in 0..5 {
        check(&Machine::new(&[&limited("tenant")]), 4);
    }
    check(&on_disk(Machine::new(&[&limited("agent")])), 4);
}

#[test]
fn a_write_through_a_link_that_another_action_is_about_to_make_is_denied() {
    for link_first in [true, false] {
        let machine = Machine::new(&[ALLOW]);
        let gate = machine.gate();
        let link = machine.bash("link", "ln -s ../home/.config conf");
        let write = machine.proposal(
            "write",
            "Write",
            json!({"file_path": "conf/aegis/policy.yaml", "content": "x"}),
        );
        let (first, second) = if link_first {
            (link, write)
        } else {
            (write, link)
        };
        assert!(gate.submit(&first, WaitFor::Nobody).is_allowed());
        let submitted = gate.submit(&second, WaitFor::Nobody);
        assert_eq!(
            submitted.decision.verdict,
            Verdict::Deny,
            "link first: {link_first}"
        );
    }
}

#[test]
fn a_link_that_was_made_and_ended_counts_as_it_is() {
    let machine = Machine::new(&[ALLOW]);
    let gate = machine.gate();
    let link = machine.bash("link", "ln -s ../home/.config conf");
    assert!(gate.submit(&link, WaitFor::Nobody).is_allowed());
    gate.record_outcome(
        &machine::session(),
        &machine::request("link"),
        aegis_types::Outcome::Failed,
        &json!("no"),
    )
    .unwrap();
    let write = machine.proposal(
        "write",
        "Write",
        json!({"file_path": "conf/aegis/policy.yaml", "content": "x"}),
    );
    assert!(gate.submit(&write, WaitFor::Nobody).is_allowed());
}

#[test]
fn a_batch_that_ended_leaves_nothing_pending_unless_another_agent_works() {
    use aegis_types::EventKind;
    for is_shared in [false, true] {
        let machine = Machine::new(&[ALLOW]);
        let gate = machine.gate();
        let link = machine.bash("link", "ln -s ../home/.config conf");
        assert!(gate.submit(&link, WaitFor::Nobody).is_allowed());
        let observe = |kind| {
            gate.observe(&machine::session(), kind, None, &json!({}))
                .unwrap();
        };
        if is_shared {
            observe(EventKind::SubagentStarted);
        }
        observe(EventKind::BatchCompleted);
        let write = machine.proposal(
            "write",
            "Write",
            json!({"file_path": "conf/aegis/policy.yaml", "content": "x"}),
        );
        let submitted = gate.submit(&write, WaitFor::Nobody);
        assert_eq!(submitted.is_allowed(), !is_shared);
    }
}
