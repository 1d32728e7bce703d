//! Deciding recorded requests again.
//!
//! A record holds everything that a decision hung on: the facts of the
//! request, the policies by digest, and what stood in the log before it. So
//! deciding again must give the same answer, and where it does not, something
//! has changed that should not have.

mod compare;

use std::collections::BTreeMap;
use std::sync::Arc;

use aegis_canon::Digest;
use aegis_engine::{Attached, Fallback, Settings, decide, reduce};
use aegis_log::{Log, ReadLogError};
use aegis_policy::{Compiled, ParseDocumentError, parse_document};
use aegis_types::{
    ActionRequest, ChainId, Decision, Envelope, Event, EventKind, Mode, ParseEventError, RequestId,
    State, Verdict,
};

pub use compare::Difference;
use compare::{is_by_gate, same};

/// How many envelopes are read at a time.
const READ_AT_A_TIME: usize = 1_024;

/// What replaying a log showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replay {
    /// How many recorded decisions were looked at.
    pub decided: u64,
    /// How many came out the same.
    pub identical: u64,
    /// How many were made by the gate itself, such as the end of an approval;
    /// there is nothing to decide again.
    pub by_gate: u64,
    /// How many came out otherwise because something was redacted or cut
    /// before it was recorded.
    pub redacted: u64,
    /// How many name a policy that the log does not hold, or that this program
    /// cannot read.
    pub without_policy: u64,
    /// Those that came out otherwise.
    pub differing: Vec<Difference>,
}

/// Why a log cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] ReadLogError),
    /// A record is damaged.
    #[error(transparent)]
    Event(#[from] ParseEventError),
}

/// Decides every recorded request of `chains` again, with the policies that
/// decided it.
///
/// # Errors
///
/// [`ReplayError`] when the log or a record cannot be read.
pub fn exact(log: &dyn Log, chains: &[ChainId]) -> Result<Replay, ReplayError> {
    Player::new(log, None).play(chains)
}

/// Decides every recorded request of `chains` with `policies` instead of those
/// that decided it, and shows what would be different.
///
/// # Errors
///
/// As [`exact`].
pub fn against(
    log: &dyn Log,
    chains: &[ChainId],
    policies: &[Attached<'_>],
    settings: Settings,
) -> Result<Replay, ReplayError> {
    Player::new(log, Some((policies, settings))).play(chains)
}

/// A policy kept for all decisions that name it, in both modes.
type Known = Option<Arc<Compiled>>;

struct Player<'a> {
    log: &'a dyn Log,
    instead: Option<(&'a [Attached<'a>], Settings)>,
    policies: BTreeMap<(Digest, bool), Known>,
    state: State,
    replay: Replay,
}

/// A request whose decision is awaited, or has been read.
struct Open {
    request: ActionRequest,
    envelope: Envelope,
    decision: Option<Decision>,
    is_counted: bool,
}

/// The requests of one chain that may still get another decision.
#[derive(Default)]
struct OpenRequests(BTreeMap<RequestId, Open>);

impl<'a> Player<'a> {
    fn new(log: &'a dyn Log, instead: Option<(&'a [Attached<'a>], Settings)>) -> Self {
        Self {
            log,
            instead,
            policies: BTreeMap::new(),
            state: State::default(),
            replay: Replay::default(),
        }
    }

    /// Plays chains side by side, in the order of time: calls of one session
    /// may count in another.
    fn play(mut self, chains: &[ChainId]) -> Result<Replay, ReplayError> {
        let mut readers = Vec::new();
        for chain in chains {
            if chain.session().is_some() {
                readers.push(Reader::new(chain.clone()));
            }
        }
        loop {
            let mut next: Option<(usize, i64)> = None;
            for (index, reader) in readers.iter_mut().enumerate() {
                if let Some(at) = reader.next_at(self.log)?
                    && next.is_none_or(|(_, earliest)| at < earliest)
                {
                    next = Some((index, at));
                }
            }
            let Some(reader) = next.and_then(|(index, _)| readers.get_mut(index)) else {
                break;
            };
            if let Some(envelope) = reader.take() {
                self.step(&mut reader.open, envelope)?;
            }
            if reader.is_alone_until_end {
                continue;
            }
        }
        for reader in &mut readers {
            let open = std::mem::take(&mut reader.open);
            for (_, open) in open.0 {
                self.close(open);
            }
        }
        Ok(self.replay)
    }

    fn step(&mut self, open: &mut OpenRequests, envelope: Envelope) -> Result<(), ReplayError> {
        match envelope.kind {
            EventKind::ActionRequested => {
                let event = Event::from_recorded(
                    envelope.kind,
                    envelope.subject.as_deref(),
                    &envelope.payload,
                )?;
                let Event::ActionRequested(request) = event else {
                    return Ok(());
                };
                for (_, before) in std::mem::take(&mut open.0) {
                    self.close(before);
                }
                let begun = Open {
                    envelope,
                    decision: None,
                    is_counted: false,
                    request: *request,
                };
                open.0.insert(begun.request.id.clone(), begun);
            }
            EventKind::DecisionMade => {
                let event = Event::from_recorded(
                    envelope.kind,
                    envelope.subject.as_deref(),
                    &envelope.payload,
                )?;
                let Event::DecisionMade {
                    request,
                    decision,
                    approval,
                    ..
                } = event
                else {
                    return Ok(());
                };
                self.decided(open, &request, *decision, approval.is_some());
            }
            EventKind::ApprovalRequested
            | EventKind::ApprovalAnswered
            | EventKind::ApprovalExpired
            | EventKind::OutcomeRecorded
            | EventKind::UndecidedActionFound
            | EventKind::SessionStarted
            | EventKind::SessionEnded
            | EventKind::PromptSubmitted
            | EventKind::InstructionsLoaded
            | EventKind::SubagentStarted
            | EventKind::SubagentStopped
            | EventKind::BatchCompleted
            | EventKind::TurnEnded
            | EventKind::HostPermissionAsked
            | EventKind::HostPermissionDenied
            | EventKind::HostSettingsChanged
            | EventKind::PolicyRejected
            | EventKind::TrustChanged
            | EventKind::ErrorRaised
            | EventKind::HeadsMoved
            | EventKind::CheckpointCreated => {}
        }
        Ok(())
    }

    fn decided(
        &mut self,
        open: &mut OpenRequests,
        request: &RequestId,
        decision: Decision,
        follows_approval: bool,
    ) {
        if follows_approval || is_by_gate(&decision) {
            self.replay.decided += 1;
            self.replay.by_gate += 1;
            return;
        }
        // A request may be decided again from what came before it; the last
        // decision is the one that counts.
        if let Some(open) = open.0.get_mut(request) {
            open.decision = Some(decision);
        }
    }

    /// Decides a request again and counts it for those that follow.
    fn close(&mut self, mut open: Open) {
        if let Some(recorded) = open.decision.take() {
            self.compare(&open.request, &recorded);
        }
        if !open.is_counted {
            reduce(&mut self.state, &open.envelope);
        }
    }

    fn compare(&mut self, request: &ActionRequest, recorded: &Decision) {
        self.replay.decided += 1;
        let again = match self.instead {
            Some((policies, settings)) => {
                Some(decide(request, policies, &self.state, &settings))
            }
            None => self.decide_again(request, recorded),
        };
        let Some(again) = again else {
            self.replay.without_policy += 1;
            return;
        };
        let is_same = match self.instead {
            Some(_) => again.verdict == recorded.verdict,
            None => same(&again, recorded),
        };
        if is_same {
            self.replay.identical += 1;
        } else if request.context.redacted > 0 && self.instead.is_none() {
            self.replay.redacted += 1;
        } else {
            self.replay
                .differing
                .push(Difference::of(request, recorded, &again));
        }
    }

    fn decide_again(&mut self, request: &ActionRequest, recorded: &Decision) -> Option<Decision> {
        let mut policies = Vec::with_capacity(recorded.policies.len());
        for (index, named) in recorded.policies.iter().enumerate() {
            // That a policy only watched by a setting shows in its findings.
            let observes = recorded.findings.iter().any(|finding| {
                finding.observed && finding.policy.is_some_and(|place| usize::from(place) == index)
            });
            let compiled = self.policy(named.digest, observes)?;
            policies.push((compiled, named));
        }
        let attached: Vec<Attached<'_>> = policies
            .iter()
            .map(|(compiled, named)| Attached {
                policy: compiled,
                standing: named.standing,
                only_tightens: named.only_tightens,
            })
            .collect();
        // The setting only shows where it decided, and only matters there.
        let fallback = match (recorded.reason, recorded.verdict) {
            (aegis_types::Reason::Fallback, Verdict::Deny) => Fallback::Deny,
            _ => Fallback::Host,
        };
        Some(decide(
            request,
            &attached,
            &self.state,
            &Settings { fallback },
        ))
    }

    fn policy(&mut self, digest: Digest, observes: bool) -> Known {
        if let Some(known) = self.policies.get(&(digest, observes)) {
            return known.clone();
        }
        let known = self.read_policy(digest, observes);
        self.policies.insert((digest, observes), known.clone());
        known
    }

    fn read_policy(&self, digest: Digest, observes: bool) -> Known {
        let document = self.log.document(&digest).ok()??;
        let parsed: Result<_, ParseDocumentError> = parse_document(&document);
        let mut policy = parsed.ok()?.policy;
        if observes {
            policy.mode = Mode::Observe;
        }
        Some(Arc::new(Compiled::new(policy, digest)))
    }
}

/// Reads one chain in pieces.
struct Reader {
    chain: ChainId,
    from: u64,
    ahead: std::collections::VecDeque<Envelope>,
    is_at_end: bool,
    is_alone_until_end: bool,
    open: OpenRequests,
}

impl Reader {
    fn new(chain: ChainId) -> Self {
        Self {
            chain,
            from: 0,
            ahead: std::collections::VecDeque::new(),
            is_at_end: false,
            is_alone_until_end: false,
            open: OpenRequests::default(),
        }
    }

    /// Returns the time of the next envelope; nothing at the end.
    fn next_at(&mut self, log: &dyn Log) -> Result<Option<i64>, ReadLogError> {
        if self.ahead.is_empty() && !self.is_at_end {
            let read = log.read(&self.chain, self.from, READ_AT_A_TIME)?;
            self.is_at_end = read.len() < READ_AT_A_TIME;
            self.from = read
                .last()
                .map_or(self.from, |last| last.seq.saturating_add(1));
            self.ahead = read.into();
        }
        Ok(self.ahead.front().map(|envelope| envelope.at.unix_ms()))
    }

    fn take(&mut self) -> Option<Envelope> {
        self.ahead.pop_front()
    }
}
