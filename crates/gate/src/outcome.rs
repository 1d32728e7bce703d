//! What became of an action, and what happened besides.

use aegis_canon::canonical;
use aegis_log::{AppendError, Batch, Query, ReadLogError};
use aegis_types::{
    Answer, Assurance, ChainId, Decision, Entry, Event, EventKind, Outcome, ParseEventError,
    RequestId, SessionId, TenantId, Verdict,
};
use serde_json::{Value, json};

use crate::approvals::{ReadApprovalError, may_answer_in_host};
use crate::gate::Gate;
use crate::oversize::kept_of_value;
use crate::record::cut_text;
use crate::reserved::{RESERVED_CAUSE, TOKENS_SESSION, is_reserved};
use crate::sealing::SealError;

/// How large the recorded content of an outcome may be.
const CONTENT_BYTES_MAX: usize = 64 * 1024;

/// How much of a larger one is kept.
const CONTENT_HEAD_BYTES: usize = 8 * 1024;

/// How many records of one session are looked through.
const RECORDS_MAX: usize = 65_536;

/// How often a record is tried again when the chain moved meanwhile.
const TRIES_MAX: usize = 256;

/// What an outcome belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Belongs {
    /// To an action that was decided, and might happen.
    ToDecision,
    /// To an action that no decision let happen; recorded as `UNDECIDED_ACTION`.
    ToNothing,
}

/// Why something was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The session is the one that says what was pruned.
    #[error("{}", RESERVED_CAUSE)]
    Reserved,
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Read(#[from] ReadLogError),
    /// The log cannot be written.
    #[error("the log cannot be written")]
    Append(#[from] AppendError),
    /// A record in the log is damaged.
    #[error(transparent)]
    Event(#[from] ParseEventError),
    /// Approvals cannot be read.
    #[error("approvals cannot be read")]
    Approvals(#[from] ReadApprovalError),
    /// What is to be sealed cannot be.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The record cannot be written as JSON.
    #[error("a record cannot be written as JSON")]
    Write(#[from] serde_json::Error),
}

/// What the log says of a request.
enum Standing {
    Missing,
    Decided(Verdict),
}

/// Refuses the session in which nothing of an agent belongs.
fn must_be_of_agents(session: &SessionId) -> Result<(), RecordError> {
    if is_reserved(session) {
        return Err(RecordError::Reserved);
    }
    Ok(())
}

impl Gate {
    /// Records what became of the action `request`.
    ///
    /// An outcome of an ask that nobody answered here was answered in the
    /// agent's host, which is recorded as an approval of the assurance `host`,
    /// if that is enough for its risk. An outcome that no decision let happen
    /// is recorded together with an event that says so.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when the log cannot be read or written, or the session is reserved.
    pub fn record_outcome(
        &self,
        session: &SessionId,
        request: &RequestId,
        outcome: Outcome,
        content: &Value,
    ) -> Result<Belongs, RecordError> {
        must_be_of_agents(session)?;
        let (content, sealed) = self.seal(session, request, self.content(content))?;
        let event = Event::OutcomeRecorded {
            request: request.clone(),
            outcome,
            content,
        };
        let last = Entry {
            sealed,
            ..event.entry(self.now())?
        };
        for _ in 0..TRIES_MAX {
            match self.try_record_outcome(session, request, outcome, &last) {
                Err(RecordError::Append(AppendError::HeadMoved { .. })) => {}
                recorded => return recorded,
            }
        }
        Err(RecordError::Append(AppendError::Busy { waited_ms: 0 }))
    }

    fn try_record_outcome(
        &self,
        session: &SessionId,
        request: &RequestId,
        outcome: Outcome,
        last: &Entry,
    ) -> Result<Belongs, RecordError> {
        let chain = self.chain(session);
        let head = self.log().head(&chain)?;
        let mut events = Vec::new();
        let did_happen = match outcome {
            Outcome::Completed | Outcome::Failed => true,
            Outcome::Prevented => false,
        };
        let belongs = match self.standing_of(session, request)? {
            Standing::Decided(Verdict::Allow) => Belongs::ToDecision,
            Standing::Decided(Verdict::Deny | Verdict::Ask) if !did_happen => Belongs::ToDecision,
            Standing::Decided(Verdict::Ask) => match self.answer_of_host(session, request)? {
                Some(answered) => {
                    events.extend(answered);
                    Belongs::ToDecision
                }
                None => Belongs::ToNothing,
            },
            Standing::Decided(Verdict::Deny) | Standing::Missing => Belongs::ToNothing,
        };
        if belongs == Belongs::ToNothing {
            events.push(undecided_event(request, "a result was reported"));
        }
        let mut entries = events
            .iter()
            .map(|event| event.entry(self.now()))
            .collect::<Result<Vec<_>, _>>()?;
        entries.push(Entry {
            at: self.now(),
            ..last.clone()
        });
        self.append(Batch {
            chain,
            expected: Some(head),
            entries,
            documents: Vec::new(),
        })?;
        Ok(belongs)
    }

    fn standing_of(
        &self,
        session: &SessionId,
        request: &RequestId,
    ) -> Result<Standing, RecordError> {
        let decision = self.last_decision(session, request)?;
        Ok(decision.map_or(Standing::Missing, |(_, decision)| {
            Standing::Decided(decision.verdict)
        }))
    }

    fn last_decision(
        &self,
        session: &SessionId,
        request: &RequestId,
    ) -> Result<Option<(Event, Decision)>, RecordError> {
        let decisions = self.log().newest(&Query {
            tenant: Some(&self.settings().tenant.value),
            session: Some(session),
            kinds: &[EventKind::DecisionMade],
            subject: Some(request.as_str()),
            limit: 1,
            ..Query::default()
        })?;
        let Some(envelope) = decisions.first() else {
            return Ok(None);
        };
        let event = Event::from_recorded(
            envelope.kind,
            envelope.subject.as_deref(),
            &envelope.payload,
        )?;
        Ok(match &event {
            Event::DecisionMade { decision, .. } => {
                let decision = (**decision).clone();
                Some((event, decision))
            }
            Event::ActionRequested(_)
            | Event::ApprovalRequested(_)
            | Event::ApprovalAnswered(_)
            | Event::ApprovalExpired { .. }
            | Event::OutcomeRecorded { .. }
            | Event::Observed { .. } => None,
        })
    }

    /// Returns the answer that the agent's host must have given, and the
    /// decision that follows from it; nothing if the host could not give it.
    fn answer_of_host(
        &self,
        session: &SessionId,
        request: &RequestId,
    ) -> Result<Option<Vec<Event>>, RecordError> {
        let tenant = &self.settings().tenant.value;
        let asked = self.asked(Some(tenant), Some(session), None)?;
        let Some(approval) = asked
            .into_iter()
            .find(|approval| approval.request == *request)
        else {
            return Ok(None);
        };
        // A hook that was killed while it waited for an answer from elsewhere
        // asked nobody in the host: what runs then was never decided.
        let is_enough =
            approval.asked_in_host && may_answer_in_host(approval.risk, &approval.terms);
        let host = "host".parse().ok();
        let Some((last, approver)) = self.last_decision(session, request)?.zip(host) else {
            return Ok(None);
        };
        if !is_enough || !self.view(approval.clone())?.answers.is_empty() {
            return Ok(None);
        }
        let (Event::DecisionMade { request_digest, .. }, mut decision) = last else {
            return Ok(None);
        };
        decision.verdict = Verdict::Allow;
        decision.approval = None;
        let answer = Answer {
            approval: approval.id.clone(),
            is_granted: true,
            approver,
            assurance: Assurance::Host,
            channel: "host".to_owned(),
            note: Some("the agent's host ran the action after it was told to ask".to_owned()),
        };
        Ok(Some(vec![
            Event::ApprovalAnswered(answer),
            Event::DecisionMade {
                request: request.clone(),
                request_digest,
                decision: Box::new(decision),
                approval: Some(approval.id),
            },
        ]))
    }

    /// Records something that happened besides actions, as it came.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when the log cannot be written, or the session is reserved.
    pub fn observe(
        &self,
        session: &SessionId,
        kind: EventKind,
        subject: Option<&str>,
        detail: &Value,
    ) -> Result<(), RecordError> {
        must_be_of_agents(session)?;
        let event = Event::Observed {
            kind,
            subject: subject.map(|subject| {
                let end = subject.floor_char_boundary(1_000);
                self.redact_text(subject.get(..end).unwrap_or_default())
            }),
            detail: self.content(detail),
        };
        self.append_event(session, &event)
    }

    /// Records that `by` made or revoked the token `id` of `tenant`, which lets do
    /// what `detail` says.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when the log cannot be written.
    pub fn record_token(
        &self,
        (tenant, id): (&TenantId, &str),
        kind: EventKind,
        by: &str,
        detail: &Value,
    ) -> Result<(), RecordError> {
        let event = Event::Observed {
            kind,
            subject: Some(id.to_owned()),
            detail: json!({"by": by, "token": self.content(detail)}),
        };
        let session = TOKENS_SESSION.parse();
        self.append(Batch {
            chain: ChainId::Session {
                tenant: tenant.clone(),
                session: session.map_err(|_| RecordError::Reserved)?,
            },
            expected: None,
            entries: vec![event.entry(self.now())?],
            documents: Vec::new(),
        })?;
        Ok(())
    }

    pub(crate) fn append_event(
        &self,
        session: &SessionId,
        event: &Event,
    ) -> Result<(), RecordError> {
        self.append(Batch {
            chain: self.chain(session),
            expected: None,
            entries: vec![event.entry(self.now())?],
            documents: Vec::new(),
        })?;
        Ok(())
    }

    /// Returns those of `requests` that no decision let happen.
    ///
    /// Each is recorded as `UNDECIDED_ACTION`, once.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when the log cannot be read or written, or the session is reserved.
    pub fn undecided(
        &self,
        session: &SessionId,
        requests: &[RequestId],
    ) -> Result<Vec<RequestId>, RecordError> {
        must_be_of_agents(session)?;
        let mut undecided = Vec::new();
        for request in requests {
            match self.standing_of(session, request)? {
                Standing::Missing => {}
                Standing::Decided(Verdict::Allow | Verdict::Ask | Verdict::Deny) => continue,
            }
            if !self.is_known_undecided(session, request)? {
                let event = undecided_event(request, "the agent's host listed it as done");
                self.append_event(session, &event)?;
            }
            undecided.push(request.clone());
        }
        Ok(undecided)
    }

    fn is_known_undecided(
        &self,
        session: &SessionId,
        request: &RequestId,
    ) -> Result<bool, RecordError> {
        let known = self.log().newest(&Query {
            tenant: Some(&self.settings().tenant.value),
            session: Some(session),
            kinds: &[EventKind::UndecidedActionFound],
            subject: Some(request.as_str()),
            limit: 1,
            ..Query::default()
        })?;
        Ok(!known.is_empty())
    }

    /// Returns the requests that were allowed and whose outcome never came, oldest first.
    ///
    /// Their outcome is *unknown*, which is told by its absence.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when the log cannot be read.
    pub fn unresolved(&self, session: &SessionId) -> Result<Vec<RequestId>, RecordError> {
        let records = self.log().newest(&Query {
            tenant: Some(&self.settings().tenant.value),
            session: Some(session),
            kinds: &[EventKind::DecisionMade, EventKind::OutcomeRecorded],
            limit: RECORDS_MAX,
            ..Query::default()
        })?;
        let mut open: Vec<RequestId> = Vec::new();
        for record in records.iter().rev() {
            let Some(Ok(request)) = record.subject.as_deref().map(str::parse::<RequestId>) else {
                continue;
            };
            open.retain(|known| *known != request);
            let verdict = record.payload.get("verdict").and_then(Value::as_str);
            if record.kind == EventKind::DecisionMade && verdict == Some(Verdict::Allow.as_str()) {
                open.push(request);
            }
        }
        Ok(open)
    }

    /// Returns `content` without secrets, and not larger than what is kept.
    fn content(&self, content: &Value) -> Value {
        let kept = kept_of_value(self.redactor(), content);
        let content = kept.as_ref().unwrap_or(content);
        let redacted = self.redactor().redact_value(content).value.into_owned();
        let bytes = canonical(&redacted);
        if bytes.len() <= CONTENT_BYTES_MAX {
            return redacted;
        }
        let text = String::from_utf8_lossy(&bytes);
        json!({ "cut": cut_text(&text, CONTENT_HEAD_BYTES) })
    }
}

fn undecided_event(request: &RequestId, cause: &str) -> Event {
    Event::Observed {
        kind: EventKind::UndecidedActionFound,
        subject: Some(request.as_str().to_owned()),
        detail: json!({
            "call_id": request.as_str(),
            "reason": aegis_types::Reason::UndecidedAction.as_str(),
            "cause": cause,
        }),
    }
}
