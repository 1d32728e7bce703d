//! What the arguments of the tools of a server are, as settings say it.

use std::collections::{BTreeMap, BTreeSet};

use aegis_types::Access;
use serde::Deserialize;

/// What an argument of a tool is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A path, or a list of them.
    Path,
    /// A URL.
    Url,
    /// A host, with or without a port.
    Host,
    /// A command line for a shell, or a program with its arguments as a list.
    Command,
    /// Statements in SQL.
    Query,
    /// Somebody who is sent something.
    Recipient,
    /// Text that is none of these, whatever its name.
    Text,
}

impl Role {
    /// Every role, in order.
    pub const ALL: [Self; 7] = [
        Self::Path,
        Self::Url,
        Self::Host,
        Self::Command,
        Self::Query,
        Self::Recipient,
        Self::Text,
    ];

    /// Returns the key under which settings name its arguments.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Url => "url",
            Self::Host => "host",
            Self::Command => "command",
            Self::Query => "query",
            Self::Recipient => "recipient",
            Self::Text => "text",
        }
    }
}

/// What is known of the tools of a server.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ServerRoles {
    /// The names of arguments, by what they are.
    pub arguments: BTreeMap<Role, BTreeSet<String>>,
    /// How a tool reaches for what it is given, by its name; a `*` at the end
    /// stands for any rest.
    pub access: BTreeMap<String, Access>,
}

impl ServerRoles {
    /// Returns whether the argument called `name` has this role.
    pub(crate) fn is(&self, role: Role, name: &str) -> bool {
        self.arguments
            .get(&role)
            .is_some_and(|names| names.contains(name))
    }

    /// Returns how the tool called `tool` reaches for what it is given.
    pub(crate) fn access_of(&self, tool: &str) -> Option<Access> {
        if let Some(access) = self.access.get(tool) {
            return Some(*access);
        }
        let starts = self
            .access
            .iter()
            .filter_map(|(name, access)| Some((name.strip_suffix('*')?, access)));
        starts
            .filter(|(start, _)| tool.starts_with(start))
            .max_by_key(|(start, _)| start.len())
            .map(|(_, access)| *access)
    }

    /// Takes what `other` says as well; where both say something else, `other` counts.
    pub(crate) fn extend(&mut self, other: &Self) {
        for (role, names) in &other.arguments {
            for known in self.arguments.values_mut() {
                known.retain(|name| !names.contains(name));
            }
            let known = self.arguments.entry(*role).or_default();
            known.extend(names.iter().cloned());
        }
        let access = other.access.iter();
        self.access
            .extend(access.map(|(tool, access)| (tool.clone(), *access)));
    }

    /// Takes what `other` says if it makes more of a tool known; returns
    /// whether something else was said that does not count.
    ///
    /// An argument that is something cannot become text from here, and how a
    /// tool reaches for things is not believed.
    pub(crate) fn tighten(&mut self, other: &Self) -> bool {
        let mut is_ignored = !other.access.is_empty();
        for (role, names) in &other.arguments {
            match role {
                Role::Text => is_ignored = true,
                Role::Path
                | Role::Url
                | Role::Host
                | Role::Command
                | Role::Query
                | Role::Recipient => {
                    if let Some(text) = self.arguments.get_mut(&Role::Text) {
                        text.retain(|name| !names.contains(name));
                    }
                    let known = self.arguments.entry(*role).or_default();
                    known.extend(names.iter().cloned());
                }
            }
        }
        is_ignored
    }
}

impl<'de> Deserialize<'de> for ServerRoles {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = Table::deserialize(deserializer)?;
        let lists = [
            (Role::Path, table.path),
            (Role::Url, table.url),
            (Role::Host, table.host),
            (Role::Command, table.command),
            (Role::Query, table.query),
            (Role::Recipient, table.recipient),
            (Role::Text, table.text),
        ];
        Ok(Self {
            arguments: lists
                .into_iter()
                .filter(|(_, names)| !names.is_empty())
                .collect(),
            access: table
                .access
                .into_iter()
                .map(|(tool, ways)| (tool, ways.access()))
                .collect(),
        })
    }
}

/// A table of settings: `[mcp.NAME]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    path: BTreeSet<String>,
    url: BTreeSet<String>,
    host: BTreeSet<String>,
    command: BTreeSet<String>,
    query: BTreeSet<String>,
    recipient: BTreeSet<String>,
    text: BTreeSet<String>,
    access: BTreeMap<String, Ways>,
}

/// One way of reaching for something, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ways {
    One(Way),
    Several(Vec<Way>),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Way {
    Read,
    Write,
    Delete,
    Execute,
}

impl Ways {
    fn access(&self) -> Access {
        let ways = match self {
            Self::One(way) => std::slice::from_ref(way),
            Self::Several(ways) => ways,
        };
        ways.iter().fold(Access::default(), |access, way| {
            access.or(match way {
                Way::Read => Access::READ,
                Way::Write => Access::WRITE,
                Way::Delete => Access::DELETE,
                Way::Execute => Access::EXECUTE,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ServerRoles {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_tool_is_known_by_its_name_or_by_how_that_begins() {
        let roles = read(
            "access = {get_all = [\"read\", \"write\"], \"get_*\" = \"read\", \"g*\" = \"delete\"}",
        );
        assert_eq!(
            roles.access_of("get_all"),
            Some(Access::READ.or(Access::WRITE))
        );
        assert_eq!(roles.access_of("get_one"), Some(Access::READ));
        assert_eq!(roles.access_of("go"), Some(Access::DELETE));
        assert_eq!(roles.access_of("put"), None);
    }

    #[test]
    fn what_is_said_later_counts_and_from_a_project_only_what_is_stricter() {
        let mut roles = read("path = [\"a\", \"b\"]\ntext = [\"c\"]");
        roles.extend(&read("text = [\"a\"]\nurl = [\"d\"]"));
        assert!(roles.is(Role::Text, "a") && !roles.is(Role::Path, "a"));
        assert!(roles.is(Role::Path, "b") && roles.is(Role::Url, "d"));
        assert!(!roles.tighten(&read("path = [\"c\"]")));
        assert!(roles.is(Role::Path, "c") && !roles.is(Role::Text, "c"));
        assert!(roles.tighten(&read("text = [\"b\"]\naccess = {x = \"read\"}")));
        assert!(roles.is(Role::Path, "b") && roles.access_of("x").is_none());
    }

    #[test]
    fn a_key_or_a_way_that_is_not_known_is_an_error() {
        for text in ["paths = [\"a\"]", "access = {x = \"reed\"}", "path = 1"] {
            assert!(toml::from_str::<ServerRoles>(text).is_err(), "{text}");
        }
    }
}
