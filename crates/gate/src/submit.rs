//! From a proposal to its decision.

mod ask;

mod wait;

use aegis_engine::{decide, memory_needed};
use aegis_log::{AppendError, Batch, Query, ReadLogError};
use aegis_types::{
    ActionRequest, Approval, ChainId, Decision, DurationMs, Entry, Event, EventKind, Head, Reason,
    Timestamp, Verdict,
};
use serde_json::{Value, json};

use crate::approvals::ReadApprovalError;
use crate::causes::with_causes;
use crate::gate::Gate;
use crate::gather::{self, Scene};
use crate::identifier::MakeIdError;
use crate::in_force::{InForce, RejectedPolicy};
use crate::oversize;
use crate::proposal::{Proposal, WaitFor};
use crate::record::{Recorded, record_decision, record_request};
use crate::reserved::{RESERVED_CAUSE, is_reserved};
use crate::siblings;
use crate::state::Memory;
use crate::submitted::Submitted;

/// How often a request is decided again because others moved the chain.
const TRIES_MAX: usize = 256;

/// After how many tries in a row a little time is given to the others.
const TRIES_AT_ONCE: usize = 4;

/// Why a proposal could not be decided or recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubmitError {
    #[error("the log cannot be read")]
    Read(#[from] ReadLogError),
    #[error("the decision cannot be recorded")]
    Append(#[from] AppendError),
    #[error("approvals cannot be read")]
    Approvals(#[from] ReadApprovalError),
    #[error("a record cannot be written as JSON")]
    Write(#[from] serde_json::Error),
    #[error("no name for an approval can be made")]
    Id(#[from] MakeIdError),
}

/// What one try came to.
pub(crate) enum Step {
    /// The answer.
    Settled(Box<Submitted>),
    /// A person was asked.
    Waiting(Box<Asked>),
}

/// A request that a person was asked about.
pub(crate) struct Asked {
    pub(crate) request: ActionRequest,
    pub(crate) recorded: Recorded,
    pub(crate) decision: Decision,
    pub(crate) approval: Approval,
    /// When whoever proposed it can wait no longer; never after the approval expires.
    pub(crate) until: Timestamp,
}

/// One request on its way, with what was read for it.
pub(crate) struct Underway<'a> {
    pub(crate) policies: &'a InForce,
    pub(crate) chain: ChainId,
    pub(crate) head: Head,
    pub(crate) request: ActionRequest,
    pub(crate) recorded: Recorded,
    pub(crate) decision: Decision,
    /// Events that belong before the request.
    pub(crate) before: Vec<Entry>,
}

impl Gate {
    /// Decides a proposal, and records request and decision before it returns.
    ///
    /// It never fails: whatever breaks is a denial with the reason
    /// `CANNOT_DECIDE`, recorded if at all possible. The verdict is `Ask` only
    /// with [`WaitFor::Later`] and [`WaitFor::Retry`].
    #[must_use]
    pub fn submit(&self, proposal: &Proposal, wait: WaitFor) -> Submitted {
        if is_reserved(&proposal.session) {
            // Not even a denial of it belongs there.
            return self.rehearse(proposal);
        }
        if let Some(kept) = oversize::kept_of(self.redactor(), proposal) {
            return self.deny_undecided(&kept, oversize::CAUSE);
        }
        let started = self.now();
        let turn = self.recents().turn(&self.chain(&proposal.session));
        let mut at_once = TRIES_AT_ONCE;
        for _ in 0..TRIES_MAX {
            let wait = self.rest_of(wait, started);
            let tried = {
                let _turn = turn.take();
                self.try_submit(proposal, wait)
            };
            let settled = match tried {
                Ok(Step::Settled(submitted)) => return *submitted,
                Ok(Step::Waiting(asked)) => self.wait_for_answer(proposal, *asked),
                Err(error) => Err(error),
            };
            match settled {
                Ok(Some(submitted)) => return submitted,
                // The grant was used up by an equal request: ask again.
                Ok(None) => {}
                Err(SubmitError::Append(AppendError::HeadMoved { .. })) => {
                    at_once = at_once.saturating_sub(1);
                    if at_once == 0 {
                        self.pause().pause(DurationMs::from_ms(1));
                    }
                }
                Err(error) => return self.deny_undecided(proposal, &with_causes(&error)),
            }
        }
        self.deny_undecided(proposal, "other actions of this session kept coming first")
    }

    /// Decides a proposal as [`Gate::submit`] would, and records nothing.
    ///
    /// Nobody is asked, so an `Ask` stays one. What cannot be decided is a
    /// denial, as when it is submitted.
    #[must_use]
    pub fn rehearse(&self, proposal: &Proposal) -> Submitted {
        let kept = oversize::kept_of(self.redactor(), proposal);
        let (request, decision) = match kept {
            Some(kept) => (self.bare(&kept), undecided(oversize::CAUSE)),
            None if is_reserved(&proposal.session) => {
                (self.bare(proposal), undecided(RESERVED_CAUSE))
            }
            None => self
                .try_rehearse(proposal)
                .unwrap_or_else(|error| (self.bare(proposal), undecided(&with_causes(&error)))),
        };
        Submitted {
            request,
            decision,
            approval: None,
            is_recorded: false,
        }
    }

    fn try_rehearse(&self, proposal: &Proposal) -> Result<(ActionRequest, Decision), SubmitError> {
        let policies = self.policies();
        let request = self.gather(proposal)?;
        if let Some(fault) = &policies.fault {
            return Ok((request, undecided(fault)));
        }
        let attached = policies.attached();
        let state = Memory::of(&request, &memory_needed(&attached)).read(self.log(), request.at)?;
        let decision = decide(&request, &attached, &state, &self.engine_settings());
        Ok((request, decision))
    }

    fn rest_of(&self, wait: WaitFor, started: Timestamp) -> WaitFor {
        match wait {
            WaitFor::Answer(longest) => {
                let spent = self.now().unix_ms().saturating_sub(started.unix_ms());
                let spent = u64::try_from(spent).unwrap_or(0);
                WaitFor::Answer(DurationMs::from_ms(longest.as_ms().saturating_sub(spent)))
            }
            WaitFor::Later | WaitFor::Retry | WaitFor::Nobody => wait,
        }
    }

    fn try_submit(&self, proposal: &Proposal, wait: WaitFor) -> Result<Step, SubmitError> {
        let policies = self.policies();
        let chain = self.chain(&proposal.session);
        // The head is read before everything that the decision depends on: if
        // it has not moved at the append, none of that has changed either.
        let head = self.head(&chain)?;
        let request = self.gather_at(proposal, &chain, || Ok(head))?;
        let recorded = record_request(self.redactor(), &request)?;
        let before = self.rejections(&policies, request.at)?;
        let mut underway = Underway {
            decision: Decision::denied_by_gate(Reason::CannotDecide, ""),
            policies: &policies,
            chain,
            head,
            request,
            recorded,
            before,
        };
        if let Some(fault) = &policies.fault {
            underway.decision = undecided(fault);
            return self.settle(underway);
        }
        let attached = policies.attached();
        let needed = memory_needed(&attached);
        let memory = Memory::of(&underway.request, &needed);
        let state = memory.read(self.log(), underway.request.at)?;
        let settings = self.engine_settings();
        underway.decision = decide(&underway.request, &attached, &state, &settings);
        match underway.decision.verdict {
            Verdict::Deny => self.settle(underway),
            Verdict::Allow if memory.crosses_sessions() => self.settle_across_sessions(underway),
            Verdict::Allow => self.settle(underway),
            Verdict::Ask => self.ask(underway, wait),
        }
    }

    /// Gathers the facts of a proposal, what other pending actions plan included.
    ///
    /// Nothing is decided and nothing is recorded.
    ///
    /// # Errors
    ///
    /// [`ReadLogError`] when what other actions plan cannot be read.
    pub fn gather(&self, proposal: &Proposal) -> Result<ActionRequest, ReadLogError> {
        let chain = self.chain(&proposal.session);
        self.gather_at(proposal, &chain, || self.log().head(&chain))
    }

    /// Gathers the facts of a proposal; `head` is where its chain ends.
    fn gather_at(
        &self,
        proposal: &Proposal,
        chain: &ChainId,
        head: impl FnOnce() -> Result<Head, ReadLogError>,
    ) -> Result<ActionRequest, ReadLogError> {
        let now = self.now();
        let pending = if siblings::matter(proposal) {
            siblings::of_session(self, chain, head()?, &proposal.session, now)?
                .pending(&proposal.id, now)
        } else {
            Vec::new()
        };
        Ok(gather::gather(&Scene {
            proposal,
            at: now,
            settings: self.settings(),
            surroundings: self.surroundings(),
            protected: self.protected(),
            pending: &pending,
        }))
    }

    /// Records request and decision, and answers by that decision.
    fn settle(&self, underway: Underway<'_>) -> Result<Step, SubmitError> {
        self.append_decided(&underway, Vec::new())?;
        Ok(Step::Settled(Box::new(Submitted {
            request: underway.request,
            decision: underway.decision,
            approval: None,
            is_recorded: true,
        })))
    }

    /// As [`Gate::settle`], where calls of other sessions count as well.
    ///
    /// The head of one chain does not show what other chains got meanwhile. So
    /// the request is decided once more from everything that stands before it
    /// in the log: of two at the same time, the later one sees the earlier.
    fn settle_across_sessions(&self, underway: Underway<'_>) -> Result<Step, SubmitError> {
        self.append_decided(&underway, Vec::new())?;
        let attached = underway.policies.attached();
        let needed = memory_needed(&attached);
        let memory = Memory::of(&underway.request, &needed);
        let state = memory.read_before(self.log(), &underway.recorded, underway.request.at)?;
        let again = decide(
            &underway.request,
            &attached,
            &state,
            &self.engine_settings(),
        );
        let decision = match again.verdict {
            Verdict::Allow => underway.decision,
            Verdict::Ask | Verdict::Deny => {
                let denied = Decision {
                    verdict: Verdict::Deny,
                    ..again
                };
                self.append_after(&underway, &denied)?;
                denied
            }
        };
        Ok(Step::Settled(Box::new(Submitted {
            request: underway.request,
            decision,
            approval: None,
            is_recorded: true,
        })))
    }

    fn append_after(
        &self,
        underway: &Underway<'_>,
        decision: &Decision,
    ) -> Result<(), SubmitError> {
        let entry = self.decision_entry(&underway.request, &underway.recorded, decision, None)?;
        // The chain may have moved on; a denial holds wherever it stands.
        self.append(Batch {
            chain: underway.chain.clone(),
            expected: None,
            entries: vec![entry],
            documents: Vec::new(),
        })?;
        Ok(())
    }

    /// Appends request, decision and what follows them, in one batch.
    pub(crate) fn append_decided(
        &self,
        underway: &Underway<'_>,
        after: Vec<Entry>,
    ) -> Result<(), SubmitError> {
        let decided = self.decision_entry(
            &underway.request,
            &underway.recorded,
            &underway.decision,
            None,
        )?;
        let mut entries = underway.before.clone();
        entries.push(underway.recorded.entry.clone());
        entries.push(decided);
        entries.extend(after);
        self.append(Batch {
            chain: underway.chain.clone(),
            expected: Some(underway.head),
            entries,
            documents: underway.policies.documents(),
        })?;
        if underway.recorded.is_whole {
            self.recents().know(&underway.chain, &underway.request);
        }
        Ok(())
    }

    /// Returns a decision on `request` as an entry for the log.
    pub(crate) fn decision_entry(
        &self,
        request: &ActionRequest,
        recorded: &Recorded,
        decision: &Decision,
        approval: Option<&Approval>,
    ) -> Result<Entry, serde_json::Error> {
        Event::decision_entry(
            &request.id,
            recorded.digest,
            &record_decision(self.redactor(), decision),
            approval.map(|approval| &approval.id),
            self.now(),
        )
    }

    /// Returns events on broken policy files, each content once in the log.
    fn rejections(&self, policies: &InForce, at: Timestamp) -> Result<Vec<Entry>, SubmitError> {
        let mut entries = Vec::new();
        for rejected in &policies.rejected {
            let event = rejection(rejected);
            let before = self.log().newest(&Query {
                tenant: Some(&self.settings().tenant.value),
                kinds: &[EventKind::PolicyRejected],
                subject: event.subject(),
                limit: 1,
                ..Query::default()
            })?;
            let content = |payload: &Value| payload.get("content").cloned();
            let is_known = match (before.first(), &event) {
                (Some(known), Event::Observed { detail, .. }) => {
                    content(&known.payload) == content(detail)
                }
                (Some(_) | None, _) => false,
            };
            if !is_known {
                entries.push(event.entry(at)?);
            }
        }
        Ok(entries)
    }

    /// Denies a proposal that could not be decided, and records that if possible.
    fn deny_undecided(&self, proposal: &Proposal, cause: &str) -> Submitted {
        let request = self.bare(proposal);
        let decision = undecided(cause);
        let is_recorded = self.try_record_denial(&request, &decision).is_ok();
        Submitted {
            request,
            decision,
            approval: None,
            is_recorded,
        }
    }

    /// Returns a proposal as a request of which nothing was gathered.
    fn bare(&self, proposal: &Proposal) -> ActionRequest {
        gather::bare(&Scene {
            proposal,
            at: self.now(),
            settings: self.settings(),
            surroundings: self.surroundings(),
            protected: self.protected(),
            pending: &[],
        })
    }

    fn try_record_denial(
        &self,
        request: &ActionRequest,
        decision: &Decision,
    ) -> Result<(), SubmitError> {
        let recorded = record_request(self.redactor(), request)?;
        let decided = self.decision_entry(request, &recorded, decision, None)?;
        self.append(Batch {
            chain: self.chain(&request.principal.session),
            expected: None,
            entries: vec![recorded.entry, decided],
            documents: Vec::new(),
        })?;
        Ok(())
    }
}

/// Returns the denial of what could not be decided.
fn undecided(cause: &str) -> Decision {
    let cause = aegis_redact::visible(cause, 600);
    let message = format!(
        "Aegis could not decide, so nothing was run: {cause}. Tell the user, who can run \
         `aegis doctor` to find the cause; trying again will not help before that."
    );
    Decision::denied_by_gate(Reason::CannotDecide, &message)
}

fn rejection(rejected: &RejectedPolicy) -> Event {
    let path = rejected.path.to_string_lossy();
    let end = path.floor_char_boundary(1_000);
    Event::Observed {
        kind: EventKind::PolicyRejected,
        subject: path.get(..end).map(str::to_owned),
        detail: json!({
            "path": path,
            "content": rejected.content.map(|digest| digest.to_string()),
            "cause": aegis_redact::visible(&rejected.cause, 2_000),
            "last_good": rejected.last_good.map(|digest| digest.to_string()),
        }),
    }
}
