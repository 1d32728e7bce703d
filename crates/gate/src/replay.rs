//! Deciding recorded requests again.
//!
//! A record holds everything that a decision hung on: the facts of the
//! request, the policies by digest, and what stood in the log before it. So
//! deciding again must give the same answer, and where it does not, something
//! has changed that should not have.

mod compare;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;

use aegis_canon::Digest;
use aegis_engine::{Attached, Fallback, Settings, decide, reduce};
use aegis_log::{Log, ReadLogError};
use aegis_policy::{Compiled, ParseDocumentError, parse_document};
use aegis_types::{
    ActionRequest, ChainId, Decision, Envelope, EventKind, Mode, ParseEventError, Reason,
    RequestId, State, Verdict,
};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use compare::Difference;
use compare::{is_by_gate, same};

/// How many envelopes of one chain are read at a time.
const READ_AT_A_TIME: usize = 1_024;

/// How many envelopes of all chains are held at a time, if there are many.
const READ_AT_ALL: usize = 65_536;

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

/// A policy kept for all decisions that name it; nothing if it cannot be had.
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
    /// The record of the request, with no more than what counting calls needs.
    call: Envelope,
    decision: Option<Decision>,
}

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
        let at_a_time = (READ_AT_ALL / chains.len().max(1)).clamp(16, READ_AT_A_TIME);
        let mut readers: Vec<Reader> = chains
            .iter()
            .filter(|chain| chain.session().is_some())
            .map(|chain| Reader::new(chain.clone(), at_a_time))
            .collect();
        let mut order = BinaryHeap::new();
        for (index, reader) in readers.iter_mut().enumerate() {
            order.extend(reader.next_at(self.log)?.map(|at| Reverse((at, index))));
        }
        while let Some(Reverse((_, index))) = order.pop() {
            let Some(reader) = readers.get_mut(index) else {
                continue;
            };
            // A chain is followed as long as no other one has an earlier record.
            let limit = order.peek().map_or(i64::MAX, |Reverse((at, _))| *at);
            while let Some(at) = reader.next_at(self.log)? {
                if at > limit {
                    order.push(Reverse((at, index)));
                    break;
                }
                if let Some(envelope) = reader.ahead.pop_front() {
                    self.step(reader, envelope)?;
                }
            }
        }
        for reader in &mut readers {
            self.close(reader);
            let late = std::mem::take(&mut reader.suspects);
            for difference in late.into_values() {
                self.differs(difference);
            }
        }
        Ok(self.replay)
    }

    fn step(&mut self, reader: &mut Reader, envelope: Envelope) -> Result<(), ReplayError> {
        if envelope.kind == EventKind::ActionRequested {
            self.close(reader);
            let call = part_that_counts(&envelope);
            reader.open = Some(Open {
                request: read_payload(envelope.kind, envelope.payload)?,
                call,
                decision: None,
            });
        } else if envelope.kind == EventKind::DecisionMade {
            let follows_approval = envelope.payload.get("approval_token").is_some();
            let request = envelope.subject.as_deref().map(str::parse::<RequestId>);
            let Some(Ok(request)) = request else {
                return Ok(());
            };
            // The decision stands among the fields of its payload.
            let decision = read_payload(envelope.kind, envelope.payload)?;
            self.decided(reader, &request, decision, follows_approval);
        }
        Ok(())
    }

    /// Takes a decision; the last one on a request is the one that counts.
    fn decided(
        &mut self,
        reader: &mut Reader,
        request: &RequestId,
        decision: Decision,
        follows_approval: bool,
    ) {
        if follows_approval || is_by_gate(&decision) {
            self.replay.decided += 1;
            self.replay.by_gate += 1;
            return;
        }
        if let Some(open) = &mut reader.open
            && open.request.id == *request
        {
            open.decision = Some(decision);
            return;
        }
        self.replay.decided += 1;
        match reader.suspects.remove(request) {
            // Decided once more from what other sessions had recorded before it.
            Some(difference) if same(&difference.replayed, &decision) => {
                self.replay.identical += 2;
            }
            Some(difference) => self.differs(difference),
            None => self.replay.by_gate += 1,
        }
    }

    /// Decides the open request again, and counts it for those that follow.
    fn close(&mut self, reader: &mut Reader) {
        let Some(open) = reader.open.take() else {
            return;
        };
        if let Some(recorded) = &open.decision {
            let difference = self.compare(&open.request, recorded);
            reader
                .suspects
                .extend(difference.map(|difference| (open.request.id.clone(), difference)));
        }
        reduce(&mut self.state, &open.call);
    }

    fn differs(&mut self, difference: Difference) {
        if difference.request.context.redacted > 0 && self.instead.is_none() {
            self.replay.redacted += 1;
        } else {
            self.replay.differing.push(difference);
        }
    }

    fn compare(&mut self, request: &ActionRequest, recorded: &Decision) -> Option<Difference> {
        self.replay.decided += 1;
        let again = match self.instead {
            Some((policies, settings)) => Some(decide(request, policies, &self.state, &settings)),
            None => self.decide_again(request, recorded),
        };
        let Some(again) = again else {
            self.replay.without_policy += 1;
            return None;
        };
        let is_same = match self.instead {
            Some(_) => again.verdict == recorded.verdict,
            None => same(&again, recorded),
        };
        if is_same {
            self.replay.identical += 1;
            return None;
        }
        Some(Difference {
            request: Box::new(request.clone()),
            recorded: Box::new(recorded.clone()),
            replayed: Box::new(again),
        })
    }

    fn decide_again(&mut self, request: &ActionRequest, recorded: &Decision) -> Option<Decision> {
        let mut policies = Vec::with_capacity(recorded.policies.len());
        for (index, named) in recorded.policies.iter().enumerate() {
            // That a policy only watched by a setting shows in its findings.
            let observes = recorded.findings.iter().any(|finding| {
                finding.observed
                    && finding
                        .policy
                        .is_some_and(|place| usize::from(place) == index)
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
        let has_denied = recorded.reason == Reason::Fallback && recorded.verdict == Verdict::Deny;
        let fallback = if has_denied {
            Fallback::Deny
        } else {
            Fallback::Host
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

/// Reads what an envelope holds without copying it.
fn read_payload<T: DeserializeOwned>(kind: EventKind, payload: Value) -> Result<T, ReplayError> {
    let failed = |source| ReplayError::Event(ParseEventError { kind, source });
    T::deserialize(payload).map_err(failed)
}

/// Returns a record of a request without its arguments and facts.
fn part_that_counts(envelope: &Envelope) -> Envelope {
    let fields = ["at", "tool_name", "principal"].into_iter();
    let kept: Map<String, Value> = fields
        .filter_map(|key| Some((key.to_owned(), envelope.payload.get(key)?.clone())))
        .collect();
    Envelope {
        chain: envelope.chain.clone(),
        seq: envelope.seq,
        at: envelope.at,
        kind: envelope.kind,
        subject: None,
        payload: Value::Object(kept),
        sealed: None,
        previous: None,
        hash: envelope.hash,
    }
}

/// Reads one chain in pieces.
struct Reader {
    chain: ChainId,
    at_a_time: usize,
    from: u64,
    ahead: VecDeque<Envelope>,
    is_at_end: bool,
    open: Option<Open>,
    /// Decisions that came out otherwise, until a later one explains them.
    suspects: BTreeMap<RequestId, Difference>,
}

impl Reader {
    const fn new(chain: ChainId, at_a_time: usize) -> Self {
        Self {
            chain,
            at_a_time,
            from: 0,
            ahead: VecDeque::new(),
            is_at_end: false,
            open: None,
            suspects: BTreeMap::new(),
        }
    }

    /// Returns the time of the next envelope; nothing at the end.
    fn next_at(&mut self, log: &dyn Log) -> Result<Option<i64>, ReadLogError> {
        if self.ahead.is_empty() && !self.is_at_end {
            let read = log.read(&self.chain, self.from, self.at_a_time)?;
            self.is_at_end = read.len() < self.at_a_time;
            self.from = read
                .last()
                .map_or(self.from, |last| last.seq.saturating_add(1));
            self.ahead = read.into();
        }
        Ok(self.ahead.front().map(|envelope| envelope.at.unix_ms()))
    }
}
