//! Agent hosts: finding them, installing into them, diagnosing and driving them.
//!
//! [`plan_install`] registers the hook in the settings of Claude Code by small
//! edits of their text, and [`plan_uninstall`] takes away what is ours and
//! nothing else. [`plan_service`] puts the service under an account of its own.
//! [`ScriptedModel`] stands in for the model a host talks to, and
//! [`Client`] drives a real Claude Code against it. Together they show what the
//! installed hook does in the real client, with no account and no network.

mod json_text;
mod settings_file;

mod difference;
mod registration;

mod install;
mod service;

mod client;
mod scripted;

mod doctor;
mod prove;

pub use client::{
    Client, ClientVersion, FindClientError, Mode, PermissionDenial, Session, SessionError,
    Transcript,
};
pub use doctor::{Grade, Grading, Level, Part, Patient, Report, Symptom, examine, examine_at};
pub use install::{
    Change, FailOpen, InstallError, Note, Target, check_client, plan_install, plan_uninstall,
    registration,
};
pub use prove::{Proof, ProveError, prove};
pub use registration::{EVENTS, Registration};
pub use scripted::{
    Alternative, Conversation, Fault, LastResult, LoadScriptError, ModelRequest, Script,
    ScriptedModel, Source, StartModelError, ToolResult, ToolUse, Turn,
};
pub use service::{
    DaemonWanted, Deed, Keep, Plan, SERVICE_USER, ServiceError, Start, Tree, Wanted, Word,
    plan_daemon, plan_daemon_removal, plan_service, plan_service_removal,
};
pub use settings_file::SettingsFileError;
