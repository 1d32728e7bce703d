//! The vocabulary of Aegis: what every other crate speaks of.
//!
//! An agent's proposal is an [`ActionRequest`]; the answer is a [`Decision`];
//! what happened is an [`Event`], sealed in an [`Envelope`]; what the log adds
//! up to is a [`State`]. Types here carry their own invariants and nothing
//! else: no decision, no I/O, no clock. There are no floats, so that canonical
//! JSON and hashes agree on every machine and in every language.

mod id;
mod time;

mod reason;
mod risk;
mod role;
mod tier;
mod verdict;

mod context;
mod effect;
mod fact;
mod plan;
mod request;

mod approval;
mod decision;
mod obligation;
mod outcome;

mod payload;

mod envelope;
mod event;
mod state;

pub use approval::{Answer, Approval, ApprovalStatus, ApprovalTerms, Assurance, Otherwise};
pub use context::{Context, Derivation, NestedAgent};
pub use decision::{CheckName, Decision, Finding, Mode, PolicyRef, PolicyStanding, Standing};
pub use effect::{Effect, EffectKind, EffectResource};
pub use envelope::{ChainId, ENVELOPE_VERSION, Envelope, Head, SealedPayload};
pub use event::{Entry, Event, EventKind, ParseEventError};
pub use fact::{
    Access, FileIdentity, HostFact, NetworkClass, PathFact, ProgramFact, ProgramStanding,
    ProtectedKind, ProtectedTouch,
};
pub use id::{
    AgentId, ApprovalId, ApproverId, ParseIdError, PolicyName, RequestId, RuleId, SessionId,
    TenantId, UserId,
};
pub use obligation::{Obligation, RedactScope, SandboxScope};
pub use outcome::Outcome;
pub use payload::Payload;
pub use plan::{
    Assignment, Command, Condition, Dialect, Directory, Place, Plan, Redirection, RedirectionKind,
    Span, Stream, Unknown, UnknownCause, Word, WordPart, Wrapper,
};
pub use reason::Reason;
pub use request::{Action, ActionRequest, Principal, Resource};
pub use risk::Risk;
pub use role::Role;
pub use state::{CALLS_KEPT_MAX, CallTimes, Scope, State};
pub use tier::Tier;
pub use time::{DurationMs, ParseDurationError, Timestamp};
pub use verdict::Verdict;
