//! Deciding the requests of chains again, one after the other.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use aegis_canon::Digest;
use aegis_engine::{Attached, Fallback, Settings, decide, reduce};
use aegis_log::Log;
use aegis_policy::{Compiled, ParseDocumentError, ScopeName, parse_document};
use aegis_types::{
    ActionRequest, ChainId, Decision, Envelope, EventKind, Mode, ParseEventError, Reason,
    RequestId, State, Verdict,
};
use serde::Deserialize;

use super::compare::{Difference, is_by_gate, same};
use super::reader::{Open, READ_AT_A_TIME, Reader, read_in_order, readers_of};
use super::{Instead, Replay, ReplayError, Trial};

/// A policy kept for all decisions that name it; nothing if it cannot be had.
type Known = Option<Arc<Compiled>>;

/// Plays chains, and counts what comes of it.
pub(super) struct Player<'a> {
    log: &'a dyn Log,
    instead: Instead<'a>,
    policies: BTreeMap<(Digest, bool), Known>,
    state: State,
    /// Whether a policy counts calls of one session in another.
    crosses_sessions: bool,
    replay: Replay,
}

impl<'a> Player<'a> {
    /// Returns a player of `log`, which decides by `instead` if that is given.
    pub(super) fn new(log: &'a dyn Log, instead: Instead<'a>) -> Self {
        let crosses_sessions = instead.is_some_and(|trial| {
            cross_sessions(trial.policies) || trial.before.is_some_and(cross_sessions)
        });
        Self {
            log,
            instead,
            policies: BTreeMap::new(),
            state: State::default(),
            crosses_sessions,
            replay: Replay::default(),
        }
    }

    /// Plays each of `chains` by itself; nothing if calls of one may count in another.
    pub(super) fn play_apart<'c>(
        mut self,
        chains: impl Iterator<Item = &'c &'c ChainId>,
    ) -> Result<Option<Replay>, ReplayError> {
        for chain in chains {
            let mut reader = Reader::new((*chain).clone(), READ_AT_A_TIME);
            self.state = State::default();
            while reader.next_at(self.log)?.is_some() && !self.crosses_sessions {
                self.step_next(&mut reader)?;
            }
            self.end(&mut reader);
        }
        Ok((!self.crosses_sessions).then_some(self.replay))
    }

    /// Plays chains side by side, in the order of time: calls of one session
    /// may count in another.
    pub(super) fn play_all(mut self, chains: &[&ChainId]) -> Result<Replay, ReplayError> {
        let mut readers = readers_of(chains);
        read_in_order(self.log, &mut readers, |reader| {
            self.step_next(reader)?;
            Ok(ControlFlow::Continue(()))
        })?;
        for reader in &mut readers {
            self.end(reader);
        }
        Ok(self.replay)
    }

    /// Ends a chain: what no later decision has explained differs.
    fn end(&mut self, reader: &mut Reader) {
        self.close(reader);
        for difference in std::mem::take(&mut reader.suspects).into_values() {
            self.differs(difference);
        }
    }

    fn step_next(&mut self, reader: &mut Reader) -> Result<(), ReplayError> {
        match reader.ahead.pop_front() {
            Some(envelope) => self.step(reader, envelope),
            None => Ok(()),
        }
    }

    fn step(&mut self, reader: &mut Reader, envelope: Envelope) -> Result<(), ReplayError> {
        if envelope.kind == EventKind::ActionRequested {
            self.close(reader);
            reader.open = Some(Open {
                request: read_payload(&envelope)?,
                record: envelope,
                decision: None,
            });
        } else if envelope.kind == EventKind::DecisionMade {
            let follows_approval = envelope.payload.get("approval_token").is_some();
            let request = envelope.subject.as_deref().map(str::parse::<RequestId>);
            let Some(Ok(request)) = request else {
                return Ok(());
            };
            // The decision stands among the fields of its payload.
            let decision = read_payload(&envelope)?;
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
        reduce(&mut self.state, &open.record);
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
            Some(trial) => Some(self.tried(request, trial, trial.policies)),
            None => self.decide_again(request, recorded),
        };
        let Some(again) = again else {
            self.replay.without_policy += 1;
            return None;
        };
        let before = self.instead.and_then(|trial| {
            let policies = trial.before?;
            Some(self.tried(request, trial, policies))
        });
        let recorded = before.as_ref().unwrap_or(recorded);
        self.count(request, recorded.verdict, again.verdict);
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

    fn tried(
        &self,
        request: &ActionRequest,
        trial: Trial<'_>,
        policies: &[Attached<'_>],
    ) -> Decision {
        decide(request, policies, &self.state, &trial.settings)
    }

    /// Counts the questions that two verdicts on a request come to.
    fn count(&mut self, request: &ActionRequest, recorded: Verdict, replayed: Verdict) {
        let session = request.principal.session.clone();
        let asked = self.replay.questions.entry(session).or_default();
        asked.recorded += u64::from(recorded == Verdict::Ask);
        asked.replayed += u64::from(replayed == Verdict::Ask);
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
        self.crosses_sessions |= known.as_deref().is_some_and(counts_across);
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

/// Returns whether a rule of `policies` counts calls of other sessions.
pub(super) fn cross_sessions(policies: &[Attached<'_>]) -> bool {
    policies
        .iter()
        .any(|attached| counts_across(attached.policy))
}

fn counts_across(policy: &Compiled) -> bool {
    policy.memory().iter().any(|(scope, _)| match scope {
        ScopeName::Session => false,
        ScopeName::Agent | ScopeName::Tenant => true,
    })
}

fn read_payload<'de, T: Deserialize<'de>>(envelope: &'de Envelope) -> Result<T, ReplayError> {
    let failed = |source| {
        ReplayError::Event(ParseEventError {
            kind: envelope.kind,
            source,
        })
    };
    T::deserialize(&*envelope.payload).map_err(failed)
}
