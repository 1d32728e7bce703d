//! Actions of the same session that were allowed and have not ended.
//!
//! An agent's host may run several actions of one message at the same time. A
//! link that one of them is about to make may lead another one's write
//! elsewhere. So each request is resolved against the links that pending ones
//! plan, and a request that plans links is also judged by what it does to the
//! writes that are pending. Requests of one session are recorded one after the
//! other, so of two such actions the later one always sees the earlier.
//!
//! Nothing is pending any more when the host says that a batch, a turn or a
//! prompt begins or ends. A command that the host leaves running in the
//! background has ended by then as far as it tells.

use std::sync::{Arc, OnceLock};

use aegis_log::{Query, ReadLogError};
use aegis_types::{
    ActionRequest, ChainId, DurationMs, Envelope, EventKind, Head, PathFact, Plan, RequestId,
    SessionId, Timestamp, Verdict,
};
use serde::Deserialize;

use crate::gate::Gate;
use crate::gather::links;
use crate::gather::tool::{Subject, tool};
use crate::proposal::Proposal;

/// How long an action without an outcome counts as pending.
const PENDING_FOR: DurationMs = DurationMs::from_secs(600);

/// How many records are looked through: at first, and if none of them is a
/// boundary before which nothing is pending.
const RECORDS_FIRST: usize = 12;
const RECORDS_MAX: usize = 512;

/// How many actions that have not ended are held.
const ACTIONS_MAX: usize = RECORDS_MAX / 2;

/// What is looked for.
const KINDS: [EventKind; 7] = [
    EventKind::ActionRequested,
    EventKind::DecisionMade,
    EventKind::OutcomeRecorded,
    EventKind::BatchCompleted,
    EventKind::TurnEnded,
    EventKind::PromptSubmitted,
    EventKind::SessionStarted,
];

/// The actions of one session that have not ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Siblings {
    /// When a sub-agent last began or ended, if one did lately.
    subagent_at: Option<Timestamp>,
    /// Oldest first.
    actions: Vec<Sibling>,
}

/// An action as it was recorded.
#[derive(Clone, Debug)]
struct Sibling {
    record: Arc<Envelope>,
    /// What the record says, once somebody asked; what cannot be read back
    /// plans nothing that could be told.
    request: OnceLock<Option<Arc<Pending>>>,
    is_let_happen: bool,
}

/// What a recorded request says of what it does to files.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Pending {
    #[serde(rename = "call_id")]
    pub(crate) id: RequestId,
    pub(crate) context: PendingContext,
}

/// The facts of such a request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PendingContext {
    pub(crate) directory: String,
    /// What its command line runs, if some of that moves or links files.
    pub(crate) plan: Option<Plan>,
    pub(crate) paths: Vec<PathFact>,
}

/// Returns whether what others plan matters to a proposal.
pub(crate) fn matter(proposal: &Proposal) -> bool {
    match tool(&proposal.tool).subject {
        Subject::Path(_)
        | Subject::CommandLine(_)
        | Subject::Server
        | Subject::ServerNamed(_)
        | Subject::None => true,
        Subject::PowerShell(_) | Subject::Url(_) | Subject::Named(_) => false,
    }
}

/// Returns the actions of `session` that have not ended where its chain ends
/// at `head`.
pub(crate) fn of_session(
    gate: &Gate,
    chain: &ChainId,
    head: Head,
    session: &SessionId,
    now: Timestamp,
) -> Result<Arc<Siblings>, ReadLogError> {
    let remembered = gate.recents().at(chain, head);
    if let Some(siblings) = remembered.filter(|siblings| !siblings.are_outdated(now)) {
        return Ok(siblings);
    }
    let siblings = Arc::new(read(gate, session, now)?);
    gate.recents().keep(chain, head, Arc::clone(&siblings));
    Ok(siblings)
}

fn read(gate: &Gate, session: &SessionId, now: Timestamp) -> Result<Siblings, ReadLogError> {
    let subagents = [EventKind::SubagentStarted, EventKind::SubagentStopped];
    let subagent = newest(gate, session, now, &subagents, 1)?;
    let mut siblings = Siblings {
        subagent_at: subagent.first().map(|record| record.at),
        actions: Vec::new(),
    };
    let mut records = newest(gate, session, now, &KINDS, RECORDS_FIRST)?;
    let has_boundary = records.iter().any(|record| siblings.end_with(record.kind));
    if records.len() == RECORDS_FIRST && !has_boundary {
        records = newest(gate, session, now, &KINDS, RECORDS_MAX)?;
    }
    for record in records.into_iter().rev() {
        siblings.follow(record);
    }
    Ok(siblings)
}

fn newest(
    gate: &Gate,
    session: &SessionId,
    now: Timestamp,
    kinds: &[EventKind],
    limit: usize,
) -> Result<Vec<Envelope>, ReadLogError> {
    gate.log().newest(&Query {
        tenant: Some(&gate.settings().tenant.value),
        session: Some(session),
        kinds,
        subject: None,
        since: Some(now.minus(PENDING_FOR)),
        limit,
    })
}

impl Siblings {
    /// Returns whether what was remembered says less than the log does: the
    /// last sub-agent is so long ago that batches end everything again.
    fn are_outdated(&self, now: Timestamp) -> bool {
        let since = now.minus(PENDING_FOR);
        self.subagent_at.is_some_and(|at| at < since)
    }

    /// Returns whether everything that was asked for before a record of such a
    /// kind has ended.
    fn end_with(&self, kind: EventKind) -> bool {
        // The batch of one agent ends while another one's is underway.
        let is_shared = self.subagent_at.is_some();
        let ends_whatever = matches!(
            kind,
            EventKind::TurnEnded | EventKind::PromptSubmitted | EventKind::SessionStarted
        );
        ends_whatever || (kind == EventKind::BatchCompleted && !is_shared)
    }

    /// Takes in the next record of the session.
    pub(crate) fn follow(&mut self, record: Envelope) {
        if self.end_with(record.kind) {
            self.actions.clear();
            return;
        }
        if record.kind == EventKind::ActionRequested {
            let since = record.at.minus(PENDING_FOR);
            self.actions.retain(|action| action.record.at >= since);
            if self.actions.len() == ACTIONS_MAX {
                self.actions.remove(0);
            }
            self.actions.push(Sibling {
                record: Arc::new(record),
                request: OnceLock::new(),
                is_let_happen: false,
            });
        } else if record.kind == EventKind::OutcomeRecorded {
            self.actions.retain(|action| !action.is(&record));
        } else if record.kind == EventKind::DecisionMade {
            let verdict = record.payload.text("verdict");
            if verdict == Some(Verdict::Deny.as_str()) {
                self.actions.retain(|action| !action.is(&record));
            } else if let Some(action) = self.actions.iter_mut().rfind(|action| action.is(&record))
            {
                action.is_let_happen = true;
            }
        }
    }

    /// Takes in what the record of `request` says, so that nobody has to read it back.
    pub(crate) fn know(&self, request: &ActionRequest) {
        let id = Some(request.id.as_str());
        let mut newest = self.actions.iter().rev();
        if let Some(action) = newest.find(|action| action.record.subject.as_deref() == id) {
            let _ = action.request.set(Some(Arc::new(Pending::of(request))));
        }
    }

    /// Returns the requests other than `own` that were let happen lately.
    pub(crate) fn pending(&self, own: &RequestId, now: Timestamp) -> Vec<Arc<Pending>> {
        let since = now.minus(PENDING_FOR);
        self.actions
            .iter()
            .filter(|action| action.is_let_happen && action.record.at >= since)
            .filter(|action| action.record.subject.as_deref() != Some(own.as_str()))
            .filter_map(Sibling::request)
            .collect()
    }
}

impl Pending {
    fn of(request: &ActionRequest) -> Self {
        let context = &request.context;
        Self {
            id: request.id.clone(),
            context: PendingContext {
                directory: context.directory.clone(),
                plan: context.plan.as_ref().filter(|plan| matters(plan)).cloned(),
                paths: context.paths.clone(),
            },
        }
    }
}

/// Returns whether a plan moves or links anything; no other matters to anybody.
fn matters(plan: &Plan) -> bool {
    plan.commands.iter().any(links::may_transfer)
}

impl Sibling {
    fn is(&self, record: &Envelope) -> bool {
        self.record.subject.is_some() && self.record.subject == record.subject
    }

    fn request(&self) -> Option<Arc<Pending>> {
        self.request
            .get_or_init(|| {
                let mut request: Pending = self.record.payload.read().ok()?;
                request.context.plan.take_if(|plan| !matters(plan));
                Some(Arc::new(request))
            })
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use aegis_canon::Digest;
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_000_000);

    /// Returns the names of what is pending after these records.
    fn check(records: &[(EventKind, &str)], expected: &[&str]) {
        let mut siblings = Siblings::default();
        for (kind, about) in records {
            siblings.follow(record(*kind, about));
        }
        let pending: Vec<_> = siblings
            .actions
            .iter()
            .filter(|action| action.is_let_happen)
            .filter_map(|action| action.record.subject.clone())
            .collect();
        assert_eq!(pending, expected, "{records:?}");
    }

    fn record(kind: EventKind, about: &str) -> Envelope {
        let (subject, verdict) = about.split_once(' ').unwrap_or((about, ""));
        Envelope {
            chain: ChainId::Session {
                tenant: "local".parse().unwrap(),
                session: "session".parse().unwrap(),
            },
            seq: 0,
            at: NOW,
            kind,
            subject: Some(subject.to_owned()),
            payload: json!({"verdict": verdict}).into(),
            sealed: None,
            previous: None,
            hash: Digest::of(b""),
        }
    }

    #[test]
    fn what_was_let_happen_is_pending_until_its_outcome() {
        use EventKind::{ActionRequested, DecisionMade, OutcomeRecorded};
        let asked = [
            (ActionRequested, "one"),
            (DecisionMade, "one allow"),
            (ActionRequested, "two"),
            (DecisionMade, "two ask"),
            (ActionRequested, "three"),
            (DecisionMade, "three deny"),
            (ActionRequested, "four"),
        ];
        check(&asked, &["one", "two"]);
        let ended: Vec<_> = asked
            .into_iter()
            .chain([(OutcomeRecorded, "one")])
            .collect();
        check(&ended, &["two"]);
        let refused: Vec<_> = asked
            .into_iter()
            .chain([(DecisionMade, "two deny")])
            .collect();
        check(&refused, &["one"]);
    }

    #[test]
    fn a_batch_ends_everything_unless_a_sub_agent_works_beside_it() {
        use EventKind::{ActionRequested, BatchCompleted, DecisionMade};
        let batch = [
            (ActionRequested, "one"),
            (DecisionMade, "one allow"),
            (BatchCompleted, ""),
        ];
        check(&batch, &[]);
        let mut shared = Siblings {
            subagent_at: Some(NOW),
            actions: Vec::new(),
        };
        for (kind, about) in batch {
            shared.follow(record(kind, about));
        }
        assert_eq!(shared.actions.len(), 1);
        assert!(!shared.are_outdated(NOW));
        assert!(shared.are_outdated(Timestamp::from_unix_ms(
            NOW.unix_ms() + i64::try_from(PENDING_FOR.as_ms()).unwrap() + 1
        )));
    }

    #[test]
    fn the_oldest_of_too_many_is_let_go() {
        let mut siblings = Siblings::default();
        for number in 0..=ACTIONS_MAX {
            siblings.follow(record(EventKind::ActionRequested, &number.to_string()));
        }
        assert_eq!(siblings.actions.len(), ACTIONS_MAX);
        let oldest = siblings.actions.first().unwrap().record.subject.clone();
        assert_eq!(oldest.as_deref(), Some("1"));
    }
}
