//! The pipeline: gather, decide, append, ask, and the outcome.
//!
//! An edge hands a [`Proposal`] to [`Gate::submit`] and enforces the
//! [`Submitted`] it gets back. Between the two the gate gathers facts about the
//! world, lets the engine decide on them, removes secrets and appends request
//! and decision to the log before anything may act. Whatever breaks on the way
//! is a denial with the reason `CANNOT_DECIDE`, never an error and never
//! silence.
//!
//! The gate alone writes decisions and approvals. It knows no protocol and no
//! policy logic.

mod proposal;

mod submitted;

mod gate;

mod open;

mod gates;

mod submit;

mod record;

mod state;

mod gather;

mod siblings;

mod recent;

mod protected;

mod approvals;

mod summary;

mod answer;

mod approver;

mod process;

mod outcome;

mod foreign;

mod sealing;

mod erase;
mod prune;

pub mod replay;

mod in_force;

mod active;

mod settings;

mod trust;

mod places;

mod surroundings;

mod user_database;

mod clock;

mod pause;

mod identifier;

mod oversize;
mod reserved;

mod own_files;

mod file_stamp;

mod read_file;

mod guarded;

mod write_file;

mod causes;

pub use active::{
    ActivePolicies, PolicyFolder, case_request, case_state, example_request, example_request_in,
    probe_request,
};
pub use answer::{AnswerError, Reply};
pub use approvals::{ApprovalFilter, ApprovalView, AskedFor, ReadApprovalError};
pub use approver::{Approver, ScriptedAnswer, ScriptedApprover, SilentApprover};
pub use causes::with_causes;
pub use clock::{Clock, FixedClock, SystemClock};
pub use erase::{EraseError, Erased};
pub use file_stamp::{FileStamp, Stamped};
pub use foreign::{
    AddForeignError, EventOrder, FOREIGN_PREFIX, ForeignAdded, ForeignBody, ForeignEvent,
    ForeignRecord, Sealer, foreign_chain, foreign_session,
};
pub use gate::{Gate, Parts};
pub use gates::{Caller, Gates, LogPlace};
pub use guarded::{GuardError, Secrecy, open_guarded, read_guarded};
pub use in_force::{FixedPolicies, InForce, Policies, PolicyInForce, RejectedPolicy};
pub use open::OpenGateError;
pub use outcome::{Belongs, RecordError};
pub use own_files::link_among;
pub use pause::{ClockPause, Pause, SleepingPause};
pub use places::{Places, Project};
pub use process::{FixedProcesses, ProcFs, Process, Processes, agent_above};
pub use proposal::{Proposal, WaitFor};
pub use protected::{Protected, ProtectedObject};
pub use prune::{PRUNE_AGE_MIN, Prunable, PruneLogError, PruneReport, PruneWish};
pub use read_file::{Reader, open_regular, read_bounded, read_regular};
pub use reserved::{RESERVED_CAUSE, TOKENS_SESSION, is_reserved};
pub use sealing::{Opened, PayloadKeys, SealError};
pub use settings::{
    DurabilityLevel, FallbackLevel, Headless, Ignored, LoadSettingsError, Origin, Role, SealLevel,
    ServerRoles, ServiceAt, ServiceUser, Setting, Settings, SettingsFile,
};
pub use submitted::Submitted;
pub use summary::told_arguments;
pub use surroundings::{HomeOrigin, Surroundings};
pub use trust::{Trust, TrustError};
pub use write_file::{make_private_folder, write_private};
