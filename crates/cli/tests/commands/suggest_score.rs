//! What suggested rules cover of what was used, and allow of what is dangerous.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use aegis_gate::{Gate, Proposal, Reply, Surroundings, WaitFor};
use aegis_types::{Assurance, Outcome, Verdict};
use serde_json::{Value, json};

use super::stage::{Stage, repository};

/// What decides while sessions are recorded.
const STRICT: &str = "aegis: policy/v1\nname: own\nextends: aegis:strict\n";

/// How many calls one session has: of more, not all may wait for a person.
const OF_SESSION: usize = 12;

/// The greatest share of dangerous calls that rules may allow, per mille.
const DANGEROUS_MAX_PER_MILLE: usize = 10;

/// Every how many calls of the ordinary set one is made.
const STEP: usize = 3;

#[derive(Clone)]
struct Call {
    tool: String,
    params: Value,
}

/// The home, the project in it, and the calls of the labelled sets.
struct Day {
    stage: Stage,
    ordinary: Vec<Call>,
    dangerous: Vec<Call>,
}

impl Day {
    fn new() -> Self {
        let stage = Stage::new();
        stage.write("home/.config/aegis/policy.yaml", STRICT);
        stage.write("home/shop/.git/HEAD", "ref: refs/heads/main\n");
        stage.write("home/shop/src/main.rs", "fn main() {}\n");
        let home = stage.path("home").to_string_lossy().into_owned();
        let folder = repository("fixtures/score");
        let mut dangerous = Vec::new();
        for entry in fs::read_dir(folder.join("dangerous")).unwrap() {
            dangerous.extend(calls(&entry.unwrap().path(), &home));
        }
        let ordinary = calls(&folder.join("ordinary.jsonl"), &home);
        Self {
            ordinary: ordinary.into_iter().step_by(STEP).collect(),
            dangerous,
            stage,
        }
    }

    /// Opens the gate in the home folder, with the policies and the log there.
    fn gate(&self) -> Gate {
        let home = self.stage.path("home");
        Gate::open(Surroundings {
            variables: BTreeMap::from([
                ("HOME".to_owned(), home.to_string_lossy().into_owned()),
                ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            ]),
            directory: home.join("shop"),
            managed: self.stage.path("managed"),
            host_managed: self.stage.path("host-managed"),
            home,
            ..Surroundings::default()
        })
        .unwrap()
    }

    fn proposal(&self, call: &Call, session: &str, number: usize) -> Proposal {
        Proposal {
            id: format!("{session}-{number}").parse().unwrap(),
            session: format!("{session}-{}", number / OF_SESSION)
                .parse()
                .unwrap(),
            agent: None,
            subagent: None,
            user: None,
            tool: Arc::from(call.tool.as_str()),
            params: call.params.clone(),
            tagged: 0,
            directory: self.stage.path("home/shop"),
            host_mode: Some("default".to_owned()),
            skill: None,
        }
    }

    /// Proposes each call; a person approves whatever is asked about if `approves`.
    fn verdicts(&self, calls: &[Call], session: &str, approves: bool) -> Vec<Verdict> {
        let gate = self.gate();
        let verdict = |(number, call)| {
            let proposal = self.proposal(call, session, number);
            let submitted = gate.submit(&proposal, WaitFor::Later);
            if approves && submitted.decision.verdict == Verdict::Ask {
                approve(&gate, &proposal, &submitted);
            }
            submitted.decision.verdict
        };
        calls.iter().enumerate().map(verdict).collect()
    }

    /// Returns those of the calls that are allowed without a question.
    fn allowed(&self, calls: &[Call], session: &str) -> Vec<Call> {
        let verdicts = self.verdicts(calls, session, false);
        let both = calls.iter().zip(verdicts);
        let allowed = both.filter(|(_, verdict)| *verdict == Verdict::Allow);
        allowed.map(|(call, _)| call.clone()).collect()
    }
}

fn calls(file: &Path, home: &str) -> Vec<Call> {
    let text = fs::read_to_string(file).unwrap();
    let cases = text.lines().map(|line| {
        let case: Value = serde_json::from_str(&line.replace("/home/ada", home)).unwrap();
        match case["command"].as_str() {
            Some(command) => Call {
                tool: "Bash".to_owned(),
                params: json!({ "command": command }),
            },
            None => Call {
                tool: case["tool"].as_str().unwrap().to_owned(),
                params: case["params"].clone(),
            },
        }
    });
    cases.collect()
}

/// Approves a call in the agent's host where that is enough, and else by name.
fn approve(gate: &Gate, proposal: &Proposal, submitted: &aegis_gate::Submitted) {
    if !submitted.host_may_answer() {
        let reply = Reply {
            is_granted: true,
            approver: "local:ada".parse().unwrap(),
            assurance: Assurance::High,
            channel: "test".to_owned(),
            note: None,
            process: None,
        };
        let id = &submitted.approval.as_ref().unwrap().id;
        gate.answer(id, reply).unwrap();
        let _ = gate.submit(proposal, WaitFor::Later);
    }
    let content = json!("done");
    gate.record_outcome(
        &proposal.session,
        &proposal.id,
        Outcome::Completed,
        &content,
    )
    .unwrap();
}

/// Suggests rules for a recorded day, writes them, and proposes everything again.
#[track_caller]
fn check(widen: &[&str]) {
    let day = Day::new();
    let before = day.verdicts(&day.ordinary, "ordinary", true);
    let mut words = vec!["policy", "suggest", "--write", "--yes", "--json"];
    words.extend(widen.iter().flat_map(|what| ["--widen", what]));
    let told = day.stage.aegis(&words).exits(0).json();
    let left: Vec<&str> = told["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    let after = day.verdicts(&day.ordinary, "again", false);
    let mut used = 0;
    for (number, (before, after)) in before.iter().zip(&after).enumerate() {
        let is_left = left.contains(&&*format!("ordinary-{number}"));
        if *before == Verdict::Ask && !is_left {
            used += 1;
            let call = &day.ordinary[number].params;
            assert_eq!(*after, Verdict::Allow, "{call}");
        }
    }
    let tests = day.stage.path("home/.config/aegis");
    day.stage
        .aegis(&["policy", "test", tests.to_str().unwrap()])
        .exits(0);
    let allowed = day.allowed(&day.dangerous, "with");
    day.stage.write("home/.config/aegis/policy.yaml", STRICT);
    let number = allowed.len() - day.allowed(&allowed, "without").len();
    println!(
        "widened in {widen:?}: {} rules for {used} of {} calls that were asked about and approved, \
         {} left out; newly allowed {} of {} dangerous calls",
        told["rules"].as_array().unwrap().len(),
        told["approved"],
        left.len(),
        number,
        day.dangerous.len()
    );
    assert!(used > 100, "{told:#}");
    assert_eq!(told["covered"], json!(used));
    assert!(number * 1_000 < day.dangerous.len() * DANGEROUS_MAX_PER_MILLE);
}

#[test]
fn narrow_rules_cover_what_was_used_and_nothing_dangerous() {
    check(&[]);
}

#[test]
fn wider_rules_cover_what_was_used_and_next_to_nothing_dangerous() {
    check(&["arguments", "path", "host"]);
}
