//! What becomes of limits, approvals and the record when the clock jumps.

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

use aegis_gate::{Approver, Clock, FixedClock, Gate, Reply, WaitFor};
use aegis_log::{Evidence, SqliteLog, verify};
use aegis_types::{Approval, ApprovalStatus, Assurance, DurationMs, Reason, Timestamp, Verdict};
use machine::{Machine, START};

const HOUR: DurationMs = DurationMs::from_secs(3_600);

const ASK: &str = "aegis: policy/v1\nname: asking\ndefault: allow\nrules:\n  - id: push\n    \
    match: {shell: {program: git, subcommand: push}}\n    verdict: ask\n    risk: medium\n    \
    approval: {within: 2m, otherwise: deny}\n";

const LIMITED: &str = "aegis: policy/v1\nname: limited\ndefault: allow\nrules:\n  - id: often\n    \
    match: {tool: Bash}\n    when: {calls: {over: 2, per: 5m, by: session}}\n    verdict: deny\n";

fn list(machine: &Machine, id: &str) -> Verdict {
    let submitted = machine
        .gate()
        .submit(&machine.bash(id, "ls"), WaitFor::Nobody);
    assert!(submitted.is_recorded);
    submitted.decision.verdict
}

fn push(machine: &Machine, id: &str, wait: WaitFor) -> aegis_gate::Submitted {
    let proposal = machine.bash(id, "git push origin main");
    machine.gate().submit(&proposal, wait)
}

fn grant(machine: &Machine, approval: &Approval) {
    let reply = Reply {
        is_granted: true,
        approver: "ada".parse().unwrap(),
        assurance: Assurance::High,
        channel: "terminal".to_owned(),
        note: None,
        process: None,
    };
    let view = machine.gate().answer(&approval.id, reply).unwrap();
    assert_eq!(view.status, ApprovalStatus::Granted);
}

/// Sets the clock back whenever it is told that an approval waits.
struct Backward {
    clock: Arc<FixedClock>,
    looks: AtomicUsize,
}

impl Approver for Backward {
    fn look(&self, _: &Gate, _: &Approval) {
        let looks = self.looks.fetch_add(1, Ordering::Relaxed);
        assert!(looks < 10_000, "the wait does not end");
        self.clock.set(Clock::now(&*self.clock).minus(HOUR));
    }
}

#[test]
fn a_clock_that_is_set_back_again_and_again_lengthens_no_wait() {
    let mut machine = Machine::new(&[ASK]);
    machine.approver = Arc::new(Backward {
        clock: Arc::clone(&machine.clock),
        looks: AtomicUsize::new(0),
    });
    let submitted = push(&machine, "one", WaitFor::Answer(DurationMs::from_secs(60)));
    assert_eq!(submitted.decision.verdict, Verdict::Deny);
    assert_eq!(submitted.decision.reason, Reason::ApprovalExpired);
}

#[test]
fn a_clock_that_is_set_back_resets_no_limit() {
    let machine = Machine::new(&[LIMITED]);
    for id in ["one", "two"] {
        assert_eq!(list(&machine, id), Verdict::Allow);
    }
    assert_eq!(list(&machine, "three"), Verdict::Deny);
    machine.clock.set(START.minus(HOUR));
    assert_eq!(list(&machine, "four"), Verdict::Deny);
    machine.clock.set(START.plus(HOUR));
    assert_eq!(list(&machine, "five"), Verdict::Allow);
}

#[test]
fn a_clock_that_jumps_ahead_ends_what_waits_and_what_was_granted() {
    let machine = Machine::new(&[ASK]);
    let asked = push(&machine, "one", WaitFor::Retry).approval.unwrap();
    machine.clock.advance(HOUR);
    let again = push(&machine, "two", WaitFor::Retry);
    assert_eq!(again.decision.verdict, Verdict::Ask);
    let fresh = again.approval.unwrap();
    assert_ne!(fresh.id, asked.id);
    grant(&machine, &fresh);
    machine.clock.advance(HOUR);
    let late = push(&machine, "three", WaitFor::Retry);
    assert_eq!(late.decision.verdict, Verdict::Ask);
    assert_ne!(late.approval.unwrap().id, fresh.id);
}

#[test]
fn a_clock_that_is_set_back_lets_a_grant_be_used_once_as_ever() {
    let machine = Machine::new(&[ASK]);
    let asked = push(&machine, "one", WaitFor::Retry).approval.unwrap();
    grant(&machine, &asked);
    machine.clock.set(START.minus(HOUR));
    let used = push(&machine, "two", WaitFor::Retry);
    assert_eq!(used.decision.verdict, Verdict::Allow);
    let more = push(&machine, "three", WaitFor::Retry);
    assert_eq!(more.decision.verdict, Verdict::Ask);
    assert_ne!(more.approval.unwrap().id, asked.id);
}

#[test]
fn what_is_recorded_while_the_clock_jumps_verifies() {
    let mut machine = Machine::new(&[ASK]);
    let path = machine.root().join("jumps.db");
    let log = Arc::new(SqliteLog::open(path, aegis_log::Options::default()).unwrap());
    machine.log = Arc::clone(&log) as _;
    let last = Timestamp::from_unix_ms((1 << 53) - 1);
    for (number, at) in [
        START,
        START.minus(HOUR),
        last,
        Timestamp::from_unix_ms(0),
        START,
    ]
    .into_iter()
    .enumerate()
    {
        machine.clock.set(at);
        assert_eq!(list(&machine, &format!("list-{number}")), Verdict::Allow);
        push(&machine, &format!("push-{number}"), WaitFor::Retry);
    }
    let report = verify(&log, &Evidence::NONE).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
}

#[test]
fn a_time_that_cannot_be_recorded_denies() {
    for at in [i64::MIN, i64::MAX] {
        let machine = Machine::new(&[ASK]);
        machine.clock.set(Timestamp::from_unix_ms(at));
        let submitted = machine
            .gate()
            .submit(&machine.bash("one", "ls"), WaitFor::Nobody);
        assert_eq!(submitted.decision.verdict, Verdict::Deny, "{at}");
        assert_eq!(submitted.decision.reason, Reason::CannotDecide);
    }
}
