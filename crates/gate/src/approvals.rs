//! Where approvals stand.

use aegis_canon::Digest;
use aegis_log::{Query, ReadLogError};
use aegis_types::{
    Answer, Approval, ApprovalId, ApprovalStatus, ApprovalTerms, Assurance, Envelope, Event,
    EventKind, ParseEventError, RequestId, Risk, SessionId, TenantId, Timestamp, Verdict,
};
use serde_json::{Value, json};

use crate::gate::Gate;

/// How many approvals are listed at most.
const LIST_MAX: usize = 1_024;

/// How many records about one approval are read.
const RECORDS_MAX: usize = 4_096;

/// How many requests of one name are searched for the one that was asked for.
const NAMESAKES_MAX: usize = 64;

/// An approval and where it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApprovalView {
    /// The approval.
    pub approval: Approval,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// The answers that count, oldest first.
    pub answers: Vec<Answer>,
}

/// The request that an answer allows or refuses, for who may answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AskedFor {
    /// The request, all that is recorded of it; absent if the log has it no more.
    pub request: Option<Value>,
    /// What of it nobody can be shown, and why; absent if it is whole.
    pub left_out: Option<String>,
}

/// Which approvals are listed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ApprovalFilter {
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those of this session.
    pub session: Option<SessionId>,
    /// Only those that stand like this.
    pub status: Option<ApprovalStatus>,
}

/// Why approvals cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadApprovalError {
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] ReadLogError),
    /// A record about an approval is damaged.
    #[error(transparent)]
    Event(#[from] ParseEventError),
}

impl ApprovalView {
    /// Returns the view with one more answer, at `now`.
    pub(crate) fn with(mut self, answer: Answer, now: Timestamp) -> Self {
        self.answers.push(answer);
        self.status = status_of(&self.approval, &self.answers, false, now);
        self
    }

    /// Returns the names of those who answered, for people.
    pub(crate) fn approvers(&self) -> String {
        let names: Vec<&str> = self
            .answers
            .iter()
            .map(|answer| answer.approver.as_str())
            .collect();
        names.join(", ")
    }
}

/// Returns where an approval stands after `answers`, at `now`.
fn status_of(
    approval: &Approval,
    answers: &[Answer],
    is_over: bool,
    now: Timestamp,
) -> ApprovalStatus {
    if answers.iter().any(|answer| !answer.is_granted) {
        return ApprovalStatus::Refused;
    }
    if is_over {
        return ApprovalStatus::Expired;
    }
    let needed = Assurance::needed_for(approval.risk);
    let mut granted_by: Vec<_> = answers
        .iter()
        .filter(|answer| answer.is_granted && answer.assurance >= needed)
        .map(|answer| &answer.approver)
        .collect();
    granted_by.sort();
    granted_by.dedup();
    if granted_by.len() >= usize::from(approval.terms.approvers.max(1)) {
        return ApprovalStatus::Granted;
    }
    if now >= approval.expires_at {
        return ApprovalStatus::Expired;
    }
    ApprovalStatus::Pending
}

impl Gate {
    /// Returns the approvals that `filter` names, newest first.
    ///
    /// # Errors
    ///
    /// [`ReadApprovalError`] when the log or a record cannot be read.
    pub fn approvals(
        &self,
        filter: &ApprovalFilter,
    ) -> Result<Vec<ApprovalView>, ReadApprovalError> {
        let mut views = Vec::new();
        for approval in self.asked(filter.tenant.as_ref(), filter.session.as_ref(), None)? {
            let view = self.view(approval)?;
            if filter.status.is_none_or(|status| status == view.status) {
                views.push(view);
            }
        }
        Ok(views)
    }

    /// Returns the approval called `id`, if there is one; only one of `tenant`,
    /// if one is named.
    ///
    /// # Errors
    ///
    /// As [`Gate::approvals`].
    pub fn approval(
        &self,
        id: &ApprovalId,
        tenant: Option<&TenantId>,
    ) -> Result<Option<ApprovalView>, ReadApprovalError> {
        let asked = self.log().newest(&Query {
            tenant,
            kinds: &[EventKind::ApprovalRequested],
            subject: Some(id.as_str()),
            limit: 1,
            ..Query::default()
        })?;
        match asked.first() {
            Some(envelope) => {
                let approval = read_approval(&envelope.payload)?;
                self.view(approval).map(Some)
            }
            None => Ok(None),
        }
    }

    /// Returns what `approval` was asked for: it shows an approver the whole of
    /// what an answer allows.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn asked_for(&self, approval: &Approval) -> Result<AskedFor, ReadLogError> {
        let Some(record) = self.request_record(approval)? else {
            let left_out = format!(
                "the request is not among the newest {NAMESAKES_MAX} of its name in the log, so \
                 what an answer allows cannot be shown; deny it, and let it be asked again"
            );
            return Ok(AskedFor {
                request: None,
                left_out: Some(left_out),
            });
        };
        let parts = record.payload.pointer("/context/redacted");
        let left_out = parts.and_then(Value::as_u64).map(|parts| {
            format!(
                "{parts} parts are not recorded, and each says so in its place: they are secrets, \
                 or too long"
            )
        });
        Ok(AskedFor {
            request: Some(record.payload.into_value()),
            left_out,
        })
    }

    /// Returns the record of the very request that `approval` is bound to; others
    /// may have taken its name since.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn request_record(&self, approval: &Approval) -> Result<Option<Envelope>, ReadLogError> {
        let namesakes = self.log().newest(&Query {
            tenant: Some(&approval.tenant),
            session: Some(&approval.session),
            kinds: &[EventKind::ActionRequested],
            subject: Some(approval.request.as_str()),
            since: None,
            limit: NAMESAKES_MAX,
        })?;
        Ok(namesakes
            .into_iter()
            .find(|record| Digest::of_value(&record.payload) == approval.request_digest))
    }

    /// Returns the approvals asked for, newest first.
    pub(crate) fn asked(
        &self,
        tenant: Option<&TenantId>,
        session: Option<&SessionId>,
        since: Option<Timestamp>,
    ) -> Result<Vec<Approval>, ReadApprovalError> {
        let asked = self.log().newest(&Query {
            tenant,
            session,
            kinds: &[EventKind::ApprovalRequested],
            subject: None,
            since,
            limit: LIST_MAX,
        })?;
        asked
            .iter()
            .map(|envelope| Ok(read_approval(&envelope.payload)?))
            .collect()
    }

    /// Returns where `approval` stands.
    pub(crate) fn view(&self, approval: Approval) -> Result<ApprovalView, ReadApprovalError> {
        let records = self.log().newest(&Query {
            tenant: Some(&approval.tenant),
            session: Some(&approval.session),
            kinds: &[EventKind::ApprovalAnswered, EventKind::ApprovalExpired],
            subject: Some(approval.id.as_str()),
            since: None,
            limit: RECORDS_MAX,
        })?;
        let mut answers = Vec::new();
        let mut is_over = false;
        for record in records.iter().rev() {
            let event =
                Event::from_recorded(record.kind, record.subject.as_deref(), &record.payload)?;
            match event {
                // What came after the end does not count.
                Event::ApprovalAnswered(answer) if !is_over && record.at < approval.expires_at => {
                    answers.push(answer);
                }
                Event::ApprovalExpired { .. } => is_over = true,
                Event::ApprovalAnswered(_)
                | Event::ActionRequested(_)
                | Event::DecisionMade { .. }
                | Event::ApprovalRequested(_)
                | Event::OutcomeRecorded { .. }
                | Event::Observed { .. } => {}
            }
        }
        Ok(ApprovalView {
            status: status_of(&approval, &answers, is_over, self.now()),
            approval,
            answers,
        })
    }

    /// Returns the event that `request` proceeds because of `approval`, unless
    /// that is the request it was asked for.
    ///
    /// The decisions of that one are found by its name. Those of an equal one
    /// are not, so the approval itself says that it is used.
    pub(crate) fn use_by(request: &RequestId, approval: &Approval) -> Option<Event> {
        (*request != approval.request).then(|| Event::Observed {
            kind: EventKind::ApprovalUsed,
            subject: Some(approval.id.as_str().to_owned()),
            detail: json!({
                "approval_token": approval.id.as_str(),
                "call_id": request.as_str(),
            }),
        })
    }

    /// Returns whether some action has already proceeded because of `approval`.
    pub(crate) fn is_used(&self, approval: &Approval) -> Result<bool, ReadApprovalError> {
        let about = |kind: EventKind, subject: &str, limit| {
            self.log().newest(&Query {
                tenant: Some(&approval.tenant),
                session: Some(&approval.session),
                kinds: &[kind],
                subject: Some(subject),
                // By a clock that was set back, the use came before the question.
                since: None,
                limit,
            })
        };
        if !about(EventKind::ApprovalUsed, approval.id.as_str(), 1)?.is_empty() {
            return Ok(true);
        }
        let request = approval.request.as_str();
        let decisions = about(EventKind::DecisionMade, request, RECORDS_MAX)?;
        Ok(decisions.iter().any(|record| {
            let text = |key: &str| record.payload.get(key).and_then(Value::as_str);
            text("approval_token") == Some(approval.id.as_str())
                && text("verdict") == Some(Verdict::Allow.as_str())
        }))
    }
}

/// Returns whether an answer given in the agent's host is enough.
pub(crate) fn may_answer_in_host(risk: Risk, terms: &ApprovalTerms) -> bool {
    Assurance::needed_for(risk) <= Assurance::Host && terms.approvers <= 1
}

fn read_approval(payload: &Value) -> Result<Approval, ParseEventError> {
    serde::Deserialize::deserialize(payload).map_err(|source| ParseEventError {
        kind: EventKind::ApprovalRequested,
        source,
    })
}
