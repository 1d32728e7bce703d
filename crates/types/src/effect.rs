//! What an action would do to the world.

use serde::{Deserialize, Serialize};

use crate::plan::Span;

/// One thing an action would do, and to what.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Effect {
    /// What is done.
    pub kind: EffectKind,
    /// What it is done to.
    pub resource: EffectResource,
    /// The words of the command line that cause it; empty when a parameter does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Span>,
}

/// A kind of effect.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// Content is read.
    Read,
    /// Content or attributes are changed, or something is made.
    Write,
    /// Something is removed.
    Delete,
    /// A program runs.
    Execute,
    /// Data crosses the network.
    Network,
    /// Content of this machine goes to a host.
    Upload,
    /// Rights are gained.
    Privilege,
    /// Something will run again later by itself.
    Persistence,
    /// A secret is read or changed.
    Credential,
    /// Another process is stopped or changed.
    Process,
    /// Software is installed or removed.
    Package,
    /// A recorded history is rewritten.
    History,
    /// What comes from a host is run.
    RemoteCode,
    /// A file that the same action writes is run.
    WrittenCode,
    /// Code of a file is loaded into programs that were not told to.
    LoadedCode,
    /// A shell is bound to a connection.
    RemoteShell,
    /// What happens cannot be told.
    Unknown,
}

impl EffectKind {
    /// Every kind, in order.
    pub const ALL: [Self; 17] = [
        Self::Read,
        Self::Write,
        Self::Delete,
        Self::Execute,
        Self::Network,
        Self::Upload,
        Self::Privilege,
        Self::Persistence,
        Self::Credential,
        Self::Process,
        Self::Package,
        Self::History,
        Self::RemoteCode,
        Self::WrittenCode,
        Self::LoadedCode,
        Self::RemoteShell,
        Self::Unknown,
    ];

    /// Returns the wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Execute => "execute",
            Self::Network => "network",
            Self::Upload => "upload",
            Self::Privilege => "privilege",
            Self::Persistence => "persistence",
            Self::Credential => "credential",
            Self::Process => "process",
            Self::Package => "package",
            Self::History => "history",
            Self::RemoteCode => "remote_code",
            Self::WrittenCode => "written_code",
            Self::LoadedCode => "loaded_code",
            Self::RemoteShell => "remote_shell",
            Self::Unknown => "unknown",
        }
    }
}

/// What an effect is done to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectResource {
    /// A path, as written; its resolved form is among the path facts.
    Path(String),
    /// A host, as written; its parsed form is among the host facts.
    Host(String),
    /// A program.
    Program(String),
    /// A named thing of another kind: a process, a package, a branch.
    Named(String),
    /// It cannot be told.
    Unknown,
}
