//! `aegis demo`: the whole pipeline on a scripted agent, in a temporary folder.
//!
//! Everything here is real but the agent: the policy is read from its file, the
//! gate decides and records, the person's answer comes through the log, and
//! what is allowed is carried out. Nothing outside the temporary folder is
//! touched, and no network is used.

mod act;
mod person;
mod script;
mod stage;
mod tamper;

use std::io::Write as _;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aegis_gate::{ApprovalFilter, Gate, Proposal, Reply, Submitted, WaitFor};
use aegis_log::{Depth, Evidence, Log, ReadLogError, SqliteLog, Verification, verify};
use aegis_types::{
    ApprovalStatus, ApproverId, Assurance, DurationMs, Envelope, Outcome, RequestId, SessionId,
    Verdict,
};
use serde_json::{Value, json};

use crate::arguments::DemoArguments;
use crate::command::verify as verification;
use crate::demo::person::Person;
use crate::demo::script::{Step, steps};
use crate::demo::stage::Stage;
use crate::describe;
use crate::exit::Exit;
use crate::page::{Page, Piece, Tone, piece};
use crate::report::{Failure, Report, causes};

/// What the log of the demonstration must hold, whoever runs it.
const EXPECTED: &str = include_str!("../demo/expected.json");

/// How long the agent thinks between two steps.
const PAUSE: Duration = Duration::from_millis(450);

/// When the timer answers in place of a person.
const TIMER: Duration = Duration::from_secs(4);

/// How often the approver looks at the log.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// The session of the demonstration.
const SESSION: &str = "demo";

/// Plays the demonstration.
pub(crate) fn demo(arguments: &DemoArguments) -> Result<Report, Failure> {
    let stage = Stage::build()?;
    let gate = stage.gate()?;
    let show = Show {
        is_fast: arguments.fast,
        person: Person::listen(),
    };
    show.say(&opening(&stage));
    for step in steps() {
        show.step(&stage, &gate, &step)?;
    }
    let log = SqliteLog::open_read_only(stage.log_path())
        .map_err(|error| Failure::environment(causes(&error)))?;
    let kept = envelopes(&log)?;
    if arguments.envelopes {
        show.say(&printed(&kept));
    }
    let sound = show.verify(&log)?;
    let found = show.tamper(&stage)?;
    let told: Vec<Value> = kept.iter().filter_map(in_short).collect();
    let as_expected = agrees(&told, &expected()?, show.person.answer());
    let good = sound && found && as_expected;
    show.say(&closing(good, as_expected));
    let json = json!({
        "records": told,
        "as_expected": as_expected,
        "consistent": sound,
        "tampering_found": found,
        "envelopes": arguments.envelopes.then(|| kept.iter().map(Envelope::to_json).collect::<Vec<_>>()),
    });
    let exit = if good { Exit::Done } else { Exit::No };
    Ok(Report::done(Page::default(), json).with(exit))
}

fn expected() -> Result<Vec<Value>, Failure> {
    serde_json::from_str(EXPECTED).map_err(|error| {
        Failure::environment(format!(
            "the snapshot of the demonstration is damaged: {error}"
        ))
    })
}

/// Returns what must be the same in every run of a record of the session: not
/// its time, its hashes, its folders or the name of an approval.
fn in_short(envelope: &Envelope) -> Option<Value> {
    envelope.chain.session()?;
    let kept = [
        "call_id",
        "tool_name",
        "verdict",
        "reason",
        "outcome",
        "approved",
        "decided_by",
    ];
    let mut short = serde_json::Map::new();
    short.insert("event".to_owned(), json!(envelope.kind));
    for key in kept {
        if let Some(value) = envelope.payload.get(key) {
            short.insert(key.to_owned(), value.clone());
        }
    }
    let rule = envelope.payload.pointer("/findings/0/rule");
    if let Some(rule) = rule {
        short.insert("rule".to_owned(), rule.clone());
    }
    Some(Value::Object(short))
}

/// Returns whether the records are those expected, as far as it was not a
/// person who answered instead of the timer.
fn agrees(told: &[Value], expected: &[Value], person: Option<bool>) -> bool {
    let until_asked = |records: &[Value]| -> Vec<Value> {
        let asked = json!(aegis_types::EventKind::ApprovalRequested);
        let before = records
            .iter()
            .take_while(|it| it.get("event") != Some(&asked));
        before.cloned().collect()
    };
    match person {
        None => told == expected,
        Some(_) => until_asked(told) == until_asked(expected),
    }
}

/// Prints as the demonstration goes on.
struct Show {
    is_fast: bool,
    person: Person,
}

impl Show {
    fn say(&self, page: &[Vec<Piece>]) {
        let mut text = Page::default();
        for line in page {
            text.line(line);
        }
        // Standard error, so that standard output is the report alone.
        let mut out = anstream::stderr().lock();
        let _ = out.write_all(text.into_text().as_bytes());
        let _ = out.flush();
    }

    fn pause(&self) {
        if !self.is_fast {
            std::thread::sleep(PAUSE);
        }
    }

    /// Lets the agent propose one action, and carries it out if it may happen.
    fn step(&self, stage: &Stage, gate: &Gate, step: &Step) -> Result<(), Failure> {
        self.pause();
        self.say(&[
            vec![],
            vec![
                piece(Tone::Quiet, "  agent  "),
                piece(Tone::Plain, step.says),
            ],
        ]);
        self.pause();
        let proposal = proposal(stage, step)?;
        self.say(&[call_line(&proposal)]);
        let submitted = self.decide(stage, gate, &proposal)?;
        self.say(&verdict_lines(&submitted));
        let outcome = if step.is_harmless {
            act::act(stage, &submitted)?
        } else {
            None
        };
        if let Some((outcome, content)) = &outcome {
            gate.record_outcome(&proposal.session, &proposal.id, *outcome, content)
                .map_err(|error| Failure::environment(causes(&error)))?;
            self.say(&act::lines(*outcome, content));
        }
        Ok(())
    }

    /// Decides while an approver looks on, who answers what is asked.
    fn decide(
        &self,
        stage: &Stage,
        gate: &Gate,
        proposal: &Proposal,
    ) -> Result<Submitted, Failure> {
        let is_over = Arc::new(AtomicBool::new(false));
        std::thread::scope(|threads| {
            let watcher = {
                let is_over = Arc::clone(&is_over);
                threads.spawn(move || self.approver(stage, &is_over))
            };
            let submitted = gate.submit(proposal, WaitFor::Answer(DurationMs::from_secs(30)));
            is_over.store(true, Ordering::Release);
            match watcher.join() {
                Ok(Ok(())) => Ok(submitted),
                Ok(Err(failure)) => Err(failure),
                Err(_) => Err(Failure::environment(
                    "the approver of the demonstration failed",
                )),
            }
        })
    }

    /// Answers approvals as another program would: through the log.
    fn approver(&self, stage: &Stage, is_over: &AtomicBool) -> Result<(), Failure> {
        let gate = stage.gate()?;
        let pending = ApprovalFilter {
            tenant: None,
            session: None,
            status: Some(ApprovalStatus::Pending),
        };
        let mut asked_at = None;
        while !is_over.load(Ordering::Acquire) {
            let waiting = gate
                .approvals(&pending)
                .map_err(|error| Failure::environment(causes(&error)))?;
            if let Some(view) = waiting.first() {
                let began = *asked_at.get_or_insert_with(|| {
                    self.say(&question(&view.approval.message));
                    self.person.forget();
                    Instant::now()
                });
                let is_timer = self.is_fast || began.elapsed() >= TIMER;
                if let Some(is_granted) = self.person.answer().or(is_timer.then_some(true)) {
                    let reply = self.reply(is_granted)?;
                    gate.answer(&view.approval.id, reply)
                        .map_err(|error| Failure::environment(causes(&error)))?;
                    return Ok(());
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    fn reply(&self, is_granted: bool) -> Result<Reply, Failure> {
        let who = self.person.answer().map_or("timer", |_| "person");
        Ok(Reply {
            is_granted,
            approver: ApproverId::from_str(&format!("demo:{who}"))
                .map_err(|error| Failure::environment(error.to_string()))?,
            assurance: Assurance::Host,
            channel: "demo".to_owned(),
            note: Some(format!("answered by the {who} of the demonstration")),
            process: None,
        })
    }

    fn verify(&self, log: &SqliteLog) -> Result<bool, Failure> {
        self.pause();
        let found = recomputed(log)?;
        let mut lines = vec![
            vec![],
            vec![piece(Tone::Strong, "The record, recomputed from its bytes")],
        ];
        lines.extend(verification::lines(&found));
        self.say(&lines);
        Ok(found.is_sound())
    }

    fn tamper(&self, stage: &Stage) -> Result<bool, Failure> {
        self.pause();
        let copy = tamper::altered_copy(stage)?;
        let log = SqliteLog::open_read_only(&copy)
            .map_err(|error| Failure::environment(causes(&error)))?;
        let found = recomputed(&log)?;
        let mut lines = vec![
            vec![],
            vec![piece(
                Tone::Strong,
                "A copy in which one denial was rewritten as an allow",
            )],
        ];
        lines.extend(verification::lines(&found));
        self.say(&lines);
        Ok(!found.is_sound())
    }
}

fn recomputed(log: &SqliteLog) -> Result<Verification, Failure> {
    let evidence = Evidence {
        depth: Depth::Canonical,
        ..Evidence::NONE
    };
    verify(log, &evidence).map_err(|error| Failure::environment(causes(&error)))
}

fn proposal(stage: &Stage, step: &Step) -> Result<Proposal, Failure> {
    let named = |error: aegis_types::ParseIdError| Failure::environment(error.to_string());
    Ok(Proposal {
        id: RequestId::from_str(step.id).map_err(named)?,
        session: SessionId::from_str(SESSION).map_err(named)?,
        agent: None,
        subagent: None,
        user: None,
        tool: Arc::from(step.tool),
        params: stage.fill(&step.params),
        tagged: 0,
        directory: stage.project().to_path_buf(),
        host_mode: None,
        skill: None,
    })
}

fn opening(stage: &Stage) -> Vec<Vec<Piece>> {
    vec![
        vec![piece(Tone::Strong, "Aegis governs a scripted agent.")],
        vec![piece(
            Tone::Quiet,
            format!(
                "Its world is {}; nothing else is touched.",
                stage.root().display()
            ),
        )],
        vec![piece(
            Tone::Quiet,
            "Its notes hold a hidden instruction, and it will obey.",
        )],
    ]
}

fn call_line(proposal: &Proposal) -> Vec<Piece> {
    let text = |key: &str| proposal.params.get(key).and_then(Value::as_str);
    let subject = text("command").or_else(|| text("file_path"));
    vec![
        piece(Tone::Quiet, "  call   "),
        piece(Tone::Strong, &*proposal.tool),
        piece(Tone::Plain, format!("  {}", subject.unwrap_or_default())),
    ]
}

fn verdict_lines(submitted: &Submitted) -> Vec<Vec<Piece>> {
    let decision = &submitted.decision;
    let tone = Tone::of(decision.verdict);
    let verdict = format!("{} {}", describe::sign(decision.verdict), decision.verdict);
    let cause = match &submitted.approval {
        Some(_) if submitted.is_allowed() => "  approved".to_owned(),
        Some(_) | None => format!("  {}", describe::cause(decision)),
    };
    let mut lines = vec![vec![
        piece(Tone::Quiet, "  aegis  "),
        piece(tone, verdict),
        piece(Tone::Quiet, cause),
    ]];
    let message = decision
        .deciding()
        .and_then(|finding| finding.message.as_deref());
    if let Some(message) = message.filter(|_| decision.verdict != Verdict::Allow) {
        lines.push(vec![piece(Tone::Plain, format!("         {message}"))]);
    }
    lines
}

fn question(message: &Option<String>) -> Vec<Vec<Piece>> {
    vec![vec![
        piece(Tone::Quiet, "  asks   "),
        piece(
            Tone::Careful,
            message.as_deref().unwrap_or("May this happen?"),
        ),
        piece(
            Tone::Quiet,
            format!("  [y/n]  (a timer says y in {} s)", TIMER.as_secs()),
        ),
    ]]
}

fn envelopes(log: &dyn Log) -> Result<Vec<Envelope>, Failure> {
    let failed = |error: ReadLogError| Failure::environment(causes(&error));
    let mut kept = Vec::new();
    for summary in log.chains().map_err(failed)? {
        kept.extend(log.read(&summary.chain, 0, usize::MAX).map_err(failed)?);
    }
    Ok(kept)
}

fn printed(envelopes: &[Envelope]) -> Vec<Vec<Piece>> {
    let mut lines = vec![
        vec![],
        vec![piece(Tone::Strong, "The envelopes of the log")],
    ];
    lines.extend(envelopes.iter().map(|envelope| {
        vec![piece(
            Tone::Quiet,
            String::from_utf8_lossy(&aegis_canon::canonical(&envelope.to_json())),
        )]
    }));
    lines
}

fn closing(is_good: bool, as_expected: bool) -> Vec<Vec<Piece>> {
    let last = if is_good {
        piece(Tone::Good, "Everything came as it must.")
    } else if as_expected {
        piece(Tone::Bad, "The record is not as it must be.")
    } else {
        piece(
            Tone::Bad,
            "The decisions are not those that this version must come to.",
        )
    };
    vec![
        vec![],
        vec![last],
        vec![piece(
            Tone::Quiet,
            "Next: `aegis init`, then `aegis install claude-code --project`.",
        )],
    ]
}

/// Whether an action that was carried out came to its end.
const fn outcome_of(is_success: bool) -> Outcome {
    if is_success {
        Outcome::Completed
    } else {
        Outcome::Failed
    }
}
