//! The hook of an agent's host: hook JSON in, a decision out.
//!
//! [`serve`] is the whole program: it reads one event from standard input,
//! hands what it proposes to the gate and writes one answer, or none.
//! [`run`] is the same without a process around it. The host lets a call pass
//! on most failures of a hook, so every way out of here leads through
//! [`Guard`]: an answer, or a well-formed denial.
//!
//! Only `PreToolUse` decides. On every other event a fault is silence: it
//! neither locks a person out nor keeps an agent going.

mod event;
mod input;
mod output;
mod say;

mod guard;

mod attendance;
mod obligation;
mod registered;
mod skill;

mod decide;
mod observe;
mod outcome;
mod permission;
mod settings_change;

mod service;

mod run;

pub use event::HookEvent;
pub use guard::Guard;
pub use input::INPUT_BYTES_MAX;
pub use output::Reply;
pub use run::{guarded, run, run_at, serve};
