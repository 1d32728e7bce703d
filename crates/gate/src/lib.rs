//! The pipeline: gather, decide, append, ask, and the outcome.
//!
//! An edge hands a [`Proposal`] to [`Gate::submit`] and enforces the
//! [`Ruling`] it gets back. Between the two the gate gathers facts about the
//! world, lets the engine decide on them, removes secrets and appends request
//! and decision to the log before anything may act. Whatever breaks on the way
//! is a denial with the reason `CANNOT_DECIDE`, never an error and never
//! silence.
//!
//! The gate alone writes decisions and approvals. It knows no protocol and no
//! policy logic.

mod clock;

mod pause;

mod identifier;

mod write_file;

mod surroundings;

mod places;

mod trust;

mod settings;

mod gather;

mod protected;

mod process;

mod proposal;

mod ruling;

pub use clock::{Clock, FixedClock, SystemClock};
pub use pause::{ClockPause, Pause, SleepingPause};
pub use places::{Places, Project};
pub use process::{FixedProcesses, ProcFs, Process, Processes};
pub use proposal::{Proposal, WaitFor};
pub use protected::{Protected, ProtectedObject};
pub use ruling::Ruling;
pub use settings::{
    DurabilityLevel, FallbackLevel, Headless, Ignored, LoadSettingsError, Origin, Setting,
    Settings, SettingsFile,
};
pub use surroundings::Surroundings;
pub use trust::{Trust, TrustError};
