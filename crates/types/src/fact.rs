//! Facts about paths, hosts and protected objects, gathered before deciding.

use std::fmt::{self, Write as _};
use std::ops::Not;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::plan::Span;

/// How something is reached for: any of four ways together.
///
/// Written as the letters `r`, `w`, `d` and `x`, in this order.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Access {
    /// Its content is read.
    pub read: bool,
    /// It is made or changed, its name, links and attributes included.
    pub write: bool,
    /// It is removed or moved away.
    pub delete: bool,
    /// It is run.
    pub execute: bool,
}

impl fmt::Display for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ways = [
            (self.read, 'r'),
            (self.write, 'w'),
            (self.delete, 'd'),
            (self.execute, 'x'),
        ];
        ways.iter()
            .filter(|(given, _)| *given)
            .try_for_each(|(_, way)| formatter.write_char(*way))
    }
}

impl Serialize for Access {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Access {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let mut access = Self::default();
        for way in text.chars() {
            match way {
                'r' => access.read = true,
                'w' => access.write = true,
                'd' => access.delete = true,
                'x' => access.execute = true,
                other => {
                    return Err(serde::de::Error::custom(format_args!(
                        "unknown access `{other}`"
                    )));
                }
            }
        }
        Ok(access)
    }
}

impl Access {
    /// Reading only.
    pub const READ: Self = Self {
        read: true,
        write: false,
        delete: false,
        execute: false,
    };
    /// Writing only.
    pub const WRITE: Self = Self {
        read: false,
        write: true,
        delete: false,
        execute: false,
    };
    /// Deleting only.
    pub const DELETE: Self = Self {
        read: false,
        write: false,
        delete: true,
        execute: false,
    };
    /// Running only.
    pub const EXECUTE: Self = Self {
        read: false,
        write: false,
        delete: false,
        execute: true,
    };
    /// What a program that is not understood may do: anything.
    pub const ANY: Self = Self {
        read: true,
        write: true,
        delete: true,
        execute: true,
    };

    /// Returns the union of both.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            read: self.read || other.read,
            write: self.write || other.write,
            delete: self.delete || other.delete,
            execute: self.execute || other.execute,
        }
    }

    /// Returns whether both share a way.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        (self.read && other.read)
            || (self.write && other.write)
            || (self.delete && other.delete)
            || (self.execute && other.execute)
    }

    /// Returns whether it changes or removes anything.
    #[must_use]
    pub const fn changes(self) -> bool {
        self.write || self.delete
    }
}

/// Which file a path leads to, whatever its name: two paths with equal
/// identities are one file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct FileIdentity {
    /// The device.
    pub device: u64,
    /// The inode on that device.
    pub inode: u64,
}

/// A path that an action would touch.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PathFact {
    /// The path as written.
    pub written: String,
    /// The real path: absolute, without links and `..`; absent when it cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<String>,
    /// The file it leads to; absent when there is none, or it cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<FileIdentity>,
    /// How the action reaches for it.
    pub access: Access,
    /// Whether the written form holds what only running would show.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub unknown: bool,
    /// Whether only its name and attributes are looked at, and not its content.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub listed: bool,
    /// The words of the command line that cause it; empty when a parameter does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Span>,
}

/// A host that an action would speak to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HostFact {
    /// The address as written: a URL, a host, or host and port.
    pub written: String,
    /// The scheme in lower case, if one is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// The host in lower case, an IP address in its usual form; absent when it cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The port, written or that of the scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// What kind of address the host is.
    pub class: NetworkClass,
    /// The words of the command line that cause it; empty when a parameter does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Span>,
}

/// A kind of network address.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum NetworkClass {
    /// A name that was not looked up.
    Name,
    /// An address reachable by anybody.
    Global,
    /// This machine.
    Loopback,
    /// A private network, carrier-grade NAT included.
    Private,
    /// This link only.
    LinkLocal,
    /// A cloud's metadata service.
    Metadata,
    /// Many hosts at once.
    Multicast,
    /// No host: unspecified, reserved, or kept for documents and measuring.
    Unspecified,
    /// It cannot be told.
    #[default]
    Unknown,
}

/// A program that a command line runs by its name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProgramFact {
    /// The name.
    pub name: String,
    /// The real path of the file that the search path leads to; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<String>,
    /// Whether the name stands for what everybody takes it for.
    pub standing: ProgramStanding,
}

/// Whether the name of a program stands for what everybody takes it for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgramStanding {
    /// It lies outside of where the agent works.
    Trusted,
    /// It is a tool of the project, and hides no program of the system.
    Own,
    /// It may be another program than the name says.
    Shadowed,
    /// No file of the search path has the name: it is part of the shell, or nothing.
    Absent,
}

/// A touch of something that Aegis itself stands on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProtectedTouch {
    /// What it is.
    pub kind: ProtectedKind,
    /// Its real path, or a folder above it.
    pub path: String,
    /// How the action reaches for it.
    pub access: Access,
    /// Whether it is only possible, because part of the action cannot be understood.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub uncertain: bool,
    /// Whether only a list of names could tell, that of an archive or a patch,
    /// and it cannot be read.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub unlisted: bool,
    /// The part of the action that touches it, cut to a line.
    pub through: String,
}

/// What a protected object is to Aegis.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProtectedKind {
    /// A policy, or a list of trusted ones.
    Policy,
    /// A settings file of Aegis.
    Settings,
    /// The log and what belongs to it.
    Log,
    /// A key.
    Key,
    /// A program of Aegis.
    Program,
    /// A settings file of the agent's host, in which Aegis is registered.
    HostSettings,
    /// A command of Aegis that changes any of these.
    Control,
}

impl ProtectedKind {
    /// Returns what it is, for people.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Policy => "the policy",
            Self::Settings => "the settings of Aegis",
            Self::Log => "the log",
            Self::Key => "a key of Aegis",
            Self::Program => "a program of Aegis",
            Self::HostSettings => "the settings that register Aegis",
            Self::Control => "a command that changes Aegis",
        }
    }
}
