//! Past-tense facts: what the log records.

use std::fmt;

use aegis_canon::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::approval::{Answer, Approval};
use crate::decision::Decision;
use crate::envelope::SealedPayload;
use crate::id::{ApprovalId, RequestId};
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::request::ActionRequest;
use crate::time::Timestamp;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $wire:literal,)+) => {
        /// A kind of event; its wire name never changes.
        #[derive(
            Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
        )]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $wire)] $name,)+
        }

        impl EventKind {
            /// Every kind, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the wire name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $wire,)+
                }
            }

            /// Returns the kind with this wire name.
            #[must_use]
            pub fn from_wire(name: &str) -> Option<Self> {
                match name {
                    $($wire => Some(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// An agent proposed an action.
    ActionRequested = "TOOL_CALL_PROPOSED",
    /// The pipeline decided it.
    DecisionMade = "POLICY_DECISION",
    /// A person was asked.
    ApprovalRequested = "APPROVAL_REQUESTED",
    /// A person answered.
    ApprovalAnswered = "APPROVAL_DECIDED",
    /// Nobody answered in time, or the policy changed meanwhile.
    ApprovalExpired = "APPROVAL_EXPIRED",
    /// A grant let another request proceed than the one it was asked for.
    ApprovalUsed = "APPROVAL_USED",
    /// An action ended.
    OutcomeRecorded = "TOOL_RESULT",
    /// A result appeared without a decision.
    UndecidedActionFound = "UNDECIDED_ACTION",
    /// A session began or was resumed.
    SessionStarted = "SESSION_STARTED",
    /// A session ended.
    SessionEnded = "SESSION_ENDED",
    /// A person gave the agent a prompt.
    PromptSubmitted = "PROMPT_SUBMITTED",
    /// The agent's host loaded a file of instructions.
    InstructionsLoaded = "INSTRUCTIONS_LOADED",
    /// A sub-agent began.
    SubagentStarted = "SUBAGENT_STARTED",
    /// A sub-agent ended.
    SubagentStopped = "SUBAGENT_STOPPED",
    /// All calls of one message of the agent have ended.
    BatchCompleted = "BATCH_COMPLETED",
    /// The agent's turn ended.
    TurnEnded = "TURN_ENDED",
    /// The agent's host asked for its own permission.
    HostPermissionAsked = "HOST_PERMISSION_ASKED",
    /// The agent's host refused an action by itself.
    HostPermissionDenied = "HOST_PERMISSION_DENIED",
    /// The settings of the agent's host changed.
    HostSettingsChanged = "HOST_SETTINGS_CHANGED",
    /// A policy file was found broken; the last good one stays in force.
    PolicyRejected = "POLICY_REJECTED",
    /// A user trusted a file of settings, or no longer does.
    TrustChanged = "TRUST_CHANGED",
    /// Somebody was given a token for the service.
    TokenCreated = "TOKEN_CREATED",
    /// A token holds no longer.
    TokenRevoked = "TOKEN_REVOKED",
    /// Something failed inside Aegis.
    ErrorRaised = "ERROR_RAISED",
    /// Sealed payloads were erased.
    PayloadErased = "PAYLOAD_ERASED",
    /// Records were pruned; only in the session that says so.
    RecordsPruned = "RECORDS_PRUNED",
    /// The heads of chains after one append; only in a tenant's chain of heads.
    HeadsMoved = "HEADS_MOVED",
    /// A checkpoint was signed.
    CheckpointCreated = "CHECKPOINT_CREATED",
    /// A client added an event to a chain of its own.
    ForeignEventAdded = "FOREIGN_EVENT",
    /// A caller named its request, so that it is answered once.
    KeyUsed = "IDEMPOTENCY_KEY_USED",
}

impl fmt::Display for EventKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A past-tense fact.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An agent proposed an action.
    ActionRequested(Box<ActionRequest>),
    /// The pipeline decided it.
    DecisionMade {
        /// The request decided.
        request: RequestId,
        /// The digest of the recorded request's payload.
        request_digest: Digest,
        /// The answer.
        decision: Box<Decision>,
        /// The approval that led to it, when it follows an ask.
        approval: Option<ApprovalId>,
    },
    /// A person was asked.
    ApprovalRequested(Box<Approval>),
    /// A person answered.
    ApprovalAnswered(Answer),
    /// An approval came to nothing.
    ApprovalExpired {
        /// The approval.
        approval: ApprovalId,
        /// Why, for people.
        cause: String,
    },
    /// An action ended.
    OutcomeRecorded {
        /// The request.
        request: RequestId,
        /// What became of it.
        outcome: Outcome,
        /// What the tool gave back, redacted, or a digest of it when it is large.
        content: Value,
    },
    /// Something was observed that is recorded as it came.
    Observed {
        /// What kind of thing.
        kind: EventKind,
        /// What it is about, to find it again: a request, a file.
        subject: Option<String>,
        /// Its details.
        detail: Value,
    },
}

/// An event made ready for the log: a name and canonical-JSON-ready payload.
///
/// The log knows events in this form only, so it never learns what they mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When it happened.
    pub at: Timestamp,
    /// The wire name of its kind.
    pub kind: EventKind,
    /// What it is about, to find it again: the name of a request or an approval.
    pub subject: Option<String>,
    /// Its payload, I-JSON.
    pub payload: Payload,
    /// A payload encrypted under a key that can be destroyed.
    pub sealed: Option<SealedPayload>,
}

/// Why a recorded payload is not the event that its type says.
#[derive(Debug, thiserror::Error)]
#[error("the payload of a `{kind}` record does not read as one")]
pub struct ParseEventError {
    /// The kind recorded.
    pub kind: EventKind,
    /// What the reader found.
    #[source]
    pub source: serde_json::Error,
}

/// A decision with what it is about; `D` is a decision or a reference to one.
#[derive(Deserialize, Serialize)]
struct DecisionPayload<D> {
    call_id: RequestId,
    request_digest: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval_token: Option<ApprovalId>,
    #[serde(flatten)]
    decision: D,
}

#[derive(Deserialize, Serialize)]
struct ExpiredPayload {
    approval_token: ApprovalId,
    cause: String,
}

#[derive(Deserialize, Serialize)]
struct OutcomePayload {
    call_id: RequestId,
    outcome: Outcome,
    is_error: bool,
    content: Value,
}

impl Event {
    /// Returns the kind of the event.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::ActionRequested(_) => EventKind::ActionRequested,
            Self::DecisionMade { .. } => EventKind::DecisionMade,
            Self::ApprovalRequested(_) => EventKind::ApprovalRequested,
            Self::ApprovalAnswered(_) => EventKind::ApprovalAnswered,
            Self::ApprovalExpired { .. } => EventKind::ApprovalExpired,
            Self::OutcomeRecorded { .. } => EventKind::OutcomeRecorded,
            Self::Observed { kind, .. } => *kind,
        }
    }

    /// Returns what the event is about: the name of a request or an approval.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::ActionRequested(request) => Some(request.id.as_str()),
            Self::DecisionMade { request, .. } | Self::OutcomeRecorded { request, .. } => {
                Some(request.as_str())
            }
            Self::ApprovalRequested(approval) => Some(approval.id.as_str()),
            Self::ApprovalAnswered(answer) => Some(answer.approval.as_str()),
            Self::ApprovalExpired { approval, .. } => Some(approval.as_str()),
            Self::Observed { subject, .. } => subject.as_deref(),
        }
    }

    /// Returns the payload as it is recorded.
    ///
    /// # Errors
    ///
    /// When a part of it cannot be written as JSON; the types here all can.
    pub fn payload(&self) -> Result<Payload, serde_json::Error> {
        match self {
            Self::ActionRequested(request) => Payload::of(&**request),
            Self::DecisionMade {
                request,
                request_digest,
                decision,
                approval,
            } => decision_payload(request, *request_digest, decision, approval.as_ref()),
            Self::ApprovalRequested(approval) => Payload::of(&**approval),
            Self::ApprovalAnswered(answer) => Payload::of(answer),
            Self::ApprovalExpired { approval, cause } => Payload::of(&ExpiredPayload {
                approval_token: approval.clone(),
                cause: cause.clone(),
            }),
            Self::OutcomeRecorded {
                request,
                outcome,
                content,
            } => Payload::of(&OutcomePayload {
                call_id: request.clone(),
                outcome: *outcome,
                is_error: *outcome != Outcome::Completed,
                content: content.clone(),
            }),
            Self::Observed { detail, .. } => Ok(Payload::from(detail.clone())),
        }
    }

    /// Returns a request as an entry for the log, without copying it first.
    ///
    /// # Errors
    ///
    /// As [`Event::payload`].
    pub fn request_entry(request: &ActionRequest) -> Result<Entry, serde_json::Error> {
        Ok(Entry {
            at: request.at,
            kind: EventKind::ActionRequested,
            subject: Some(request.id.to_string()),
            payload: Payload::of(request)?,
            sealed: None,
        })
    }

    /// Returns a decision as an entry for the log, without copying it first.
    ///
    /// # Errors
    ///
    /// As [`Event::payload`].
    pub fn decision_entry(
        request: &RequestId,
        request_digest: Digest,
        decision: &Decision,
        approval: Option<&ApprovalId>,
        at: Timestamp,
    ) -> Result<Entry, serde_json::Error> {
        Ok(Entry {
            at,
            kind: EventKind::DecisionMade,
            subject: Some(request.to_string()),
            payload: decision_payload(request, request_digest, decision, approval)?,
            sealed: None,
        })
    }

    /// Returns the event as an entry for the log.
    ///
    /// # Errors
    ///
    /// As [`Event::payload`].
    pub fn entry(&self, at: Timestamp) -> Result<Entry, serde_json::Error> {
        Ok(Entry {
            at,
            kind: self.kind(),
            subject: self.subject().map(str::to_owned),
            payload: self.payload()?,
            sealed: None,
        })
    }

    /// Reads an event back from what the log recorded.
    ///
    /// # Errors
    ///
    /// [`ParseEventError`] when the payload is not of that kind.
    pub fn from_recorded(
        kind: EventKind,
        subject: Option<&str>,
        payload: &Value,
    ) -> Result<Self, ParseEventError> {
        let failed = |source| ParseEventError { kind, source };
        match kind {
            EventKind::ActionRequested => Ok(Self::ActionRequested(Box::new(
                ActionRequest::deserialize(payload).map_err(failed)?,
            ))),
            EventKind::DecisionMade => {
                let read = DecisionPayload::<Decision>::deserialize(payload).map_err(failed)?;
                Ok(Self::DecisionMade {
                    request: read.call_id,
                    request_digest: read.request_digest,
                    decision: Box::new(read.decision),
                    approval: read.approval_token,
                })
            }
            EventKind::ApprovalRequested => Ok(Self::ApprovalRequested(Box::new(
                Approval::deserialize(payload).map_err(failed)?,
            ))),
            EventKind::ApprovalAnswered => Ok(Self::ApprovalAnswered(
                Answer::deserialize(payload).map_err(failed)?,
            )),
            EventKind::ApprovalExpired => {
                let read = ExpiredPayload::deserialize(payload).map_err(failed)?;
                Ok(Self::ApprovalExpired {
                    approval: read.approval_token,
                    cause: read.cause,
                })
            }
            EventKind::OutcomeRecorded => {
                let read = OutcomePayload::deserialize(payload).map_err(failed)?;
                Ok(Self::OutcomeRecorded {
                    request: read.call_id,
                    outcome: read.outcome,
                    content: read.content,
                })
            }
            EventKind::ApprovalUsed
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
            | EventKind::TokenCreated
            | EventKind::TokenRevoked
            | EventKind::ErrorRaised
            | EventKind::PayloadErased
            | EventKind::RecordsPruned
            | EventKind::HeadsMoved
            | EventKind::CheckpointCreated
            | EventKind::ForeignEventAdded
            | EventKind::KeyUsed => Ok(Self::Observed {
                kind,
                subject: subject.map(str::to_owned),
                detail: payload.clone(),
            }),
        }
    }
}

fn decision_payload(
    request: &RequestId,
    request_digest: Digest,
    decision: &Decision,
    approval: Option<&ApprovalId>,
) -> Result<Payload, serde_json::Error> {
    Payload::of(&DecisionPayload {
        call_id: request.clone(),
        request_digest,
        approval_token: approval.cloned(),
        decision,
    })
}
