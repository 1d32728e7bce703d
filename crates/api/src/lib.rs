//! The service over HTTP: what goes over the wire, and a client for it.
//!
//! The shapes are plain data with the field names of the wire. The server
//! answers in them, and whoever asks it reads them, so neither can drift. The
//! client is small and blocks: the program of a hook links it, and it starts
//! before every call of an agent.

mod problem;

mod decision;

mod events;

mod approval;

mod reading;
mod record;

mod token;

mod hook;

mod http;

mod client;

pub use approval::{AnswerRequest, ApprovalList, ApprovalReply};
pub use client::{Client, ClientError};
pub use decision::{DecisionReply, DecisionRequest, FindingView, OutcomeReply, OutcomeReport};
pub use events::{
    EventOrigin, EventPage, EventReply, EventRequest, EventView, PlainEventPage, PlainEventView,
};
pub use hook::{HookCall, HookFrameError, HookReply};
pub use http::{
    Address, Connect, ParseAddressError, PeerRule, Response, Stream, SystemConnector, escaped,
};
pub use problem::{Problem, ProblemKind};
pub use reading::{
    ActionView, AgentList, AgentView, DecisionLine, DecisionList, DecisionView, PolicyList,
    PolicyVersion, PolicyView, SessionList, SessionView,
};
pub use record::{
    FaultView, PrunedView, RangeView, RecordList, RecordQuery, VerificationView, VerifiedChainView,
    VerifyRequest,
};
pub use token::{TokenList, TokenReply, TokenRequest, TokenView};
