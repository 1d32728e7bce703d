//! What the arguments of MCP tools are: a table of well-known servers, what
//! settings say, and what the server itself says where an event shows it.

use aegis_types::Access;
use serde_json::Value;

use super::params::words_of;
use crate::settings::{Role, ServerRoles, Settings};

/// A server that many people use.
struct Known {
    /// The words of its names, without those that say that it is a server.
    names: &'static [&'static str],
    /// What its arguments are.
    roles: &'static [(Role, &'static [&'static str])],
    /// How its tools reach for what they are given; `*` stands for any rest.
    access: &'static [(&'static str, Access)],
    /// Whether its tools speak to another machine.
    is_remote: bool,
}

const READ: Access = Access::READ;
const WRITE: Access = Access::WRITE;
const DELETE: Access = Access::DELETE;
const CHANGE: Access = READ.or(WRITE);
const MOVE: Access = READ.or(WRITE).or(DELETE);

/// Reading tools of servers whose names say what they do.
const READS: [(&str, Access); 4] = [
    ("get_*", READ),
    ("list_*", READ),
    ("search_*", READ),
    ("find_*", READ),
];

const SERVERS: [Known; 16] = [
    Known {
        names: &["filesystem", "fs"],
        roles: &[
            (Role::Path, &["path", "paths", "source", "destination"]),
            (Role::Text, &["content", "oldText", "newText"]),
        ],
        access: &[
            ("read_*", READ),
            ("list_*", READ),
            ("search_files", READ),
            ("search_within_files", READ),
            ("directory_tree", READ),
            ("get_file_info", READ),
            ("write_file", WRITE),
            ("edit_file", CHANGE),
            ("create_directory", WRITE),
            ("move_file", MOVE),
            ("copy_file", CHANGE),
            ("delete_*", DELETE),
        ],
        is_remote: false,
    },
    Known {
        names: &["git"],
        roles: &[(Role::Path, &["repo_path", "files"])],
        access: &[
            ("git_status", READ),
            ("git_diff*", READ),
            ("git_log", READ),
            ("git_show", READ),
            ("git_branch", READ),
            ("git_add", CHANGE),
            ("git_commit", CHANGE),
            ("git_reset", CHANGE),
            ("git_create_branch", CHANGE),
            ("git_checkout", CHANGE),
            ("git_init", WRITE),
        ],
        is_remote: false,
    },
    // Their paths are those of a repository that lies elsewhere.
    Known {
        names: &["github", "gitlab", "bitbucket", "gitea"],
        roles: &[(
            Role::Text,
            &[
                "path",
                "file_path",
                "files",
                "source",
                "target",
                "content",
                "body",
                "title",
                "message",
                "to",
            ],
        )],
        access: &READS,
        is_remote: true,
    },
    Known {
        names: &["fetch", "firecrawl", "exa", "tavily", "brightdata"],
        roles: &[
            (Role::Url, &["url", "urls"]),
            (Role::Text, &["query", "prompt"]),
        ],
        access: &[],
        is_remote: true,
    },
    Known {
        names: &[
            "puppeteer",
            "playwright",
            "browsermcp",
            "browserbase",
            "chrome",
        ],
        roles: &[
            (Role::Url, &["url"]),
            (Role::Path, &["paths", "filename", "filePath", "savePath"]),
            (
                Role::Text,
                &[
                    "script", "function", "code", "selector", "element", "ref", "target", "text",
                ],
            ),
        ],
        access: &[],
        is_remote: true,
    },
    Known {
        names: &[
            "brave",
            "brave search",
            "context7",
            "perplexity",
            "duckduckgo",
        ],
        roles: &[(Role::Text, &["query", "libraryName", "topic"])],
        access: &[],
        is_remote: true,
    },
    Known {
        names: &[
            "postgres",
            "postgresql",
            "mysql",
            "mariadb",
            "mssql",
            "snowflake",
            "bigquery",
            "clickhouse",
            "supabase",
            "neon",
            "redshift",
            "database",
            "db",
        ],
        roles: &[(Role::Query, &["sql", "query", "queries", "statement"])],
        access: &[],
        is_remote: false,
    },
    Known {
        names: &["sqlite", "duckdb"],
        roles: &[
            (Role::Query, &["sql", "query", "statement"]),
            (Role::Path, &["db_path", "database_path"]),
        ],
        access: &[],
        is_remote: false,
    },
    Known {
        names: &["slack", "discord", "telegram", "teams"],
        roles: &[
            (
                Role::Recipient,
                &[
                    "channel",
                    "channel_id",
                    "channelId",
                    "user",
                    "user_id",
                    "users",
                    "chat_id",
                    "recipient",
                ],
            ),
            (
                Role::Text,
                &["text", "message", "content", "payload", "query"],
            ),
        ],
        access: &[
            ("slack_get_*", READ),
            ("slack_list_*", READ),
            ("get_*", READ),
            ("list_*", READ),
            ("search_*", READ),
        ],
        is_remote: true,
    },
    Known {
        names: &[
            "gmail", "email", "mail", "smtp", "outlook", "resend", "sendgrid",
        ],
        roles: &[
            (
                Role::Recipient,
                &["to", "cc", "bcc", "recipient", "recipients"],
            ),
            (Role::Path, &["attachments"]),
            (
                Role::Text,
                &["subject", "body", "text", "html", "content", "query"],
            ),
        ],
        access: &[
            ("get_*", READ),
            ("list_*", READ),
            ("search_*", READ),
            ("read_*", READ),
        ],
        is_remote: true,
    },
    Known {
        names: &["memory", "knowledge graph"],
        roles: &[(
            Role::Text,
            &[
                "entities",
                "relations",
                "observations",
                "names",
                "from",
                "to",
                "query",
            ],
        )],
        access: &[
            ("read_*", READ),
            ("search_*", READ),
            ("open_*", READ),
            ("create_*", WRITE),
            ("add_*", WRITE),
            ("delete_*", DELETE),
        ],
        is_remote: false,
    },
    Known {
        names: &[
            "sentry",
            "linear",
            "jira",
            "atlassian",
            "notion",
            "asana",
            "figma",
            "stripe",
            "datadog",
            "grafana",
        ],
        roles: &[
            (Role::Url, &["issueUrl", "url"]),
            (
                Role::Text,
                &[
                    "query",
                    "path",
                    "body",
                    "content",
                    "title",
                    "description",
                    "text",
                    "source",
                    "target",
                ],
            ),
        ],
        access: &READS,
        is_remote: true,
    },
    Known {
        names: &[
            "shell", "terminal", "bash", "commands", "command", "cli", "iterm",
        ],
        roles: &[(Role::Command, &["command", "cmd", "commands"])],
        access: &[],
        is_remote: false,
    },
    Known {
        names: &["desktop commander"],
        roles: &[
            (Role::Command, &["command"]),
            (
                Role::Path,
                &["path", "paths", "source", "destination", "file_path"],
            ),
        ],
        access: &[
            ("read_file", READ),
            ("read_multiple_files", READ),
            ("list_directory", READ),
            ("get_file_info", READ),
            ("write_file", WRITE),
            ("edit_block", CHANGE),
            ("create_directory", WRITE),
            ("move_file", MOVE),
        ],
        is_remote: false,
    },
    Known {
        names: &["sequential thinking", "sequentialthinking", "time"],
        roles: &[(
            Role::Text,
            &[
                "thought",
                "time",
                "timezone",
                "source_timezone",
                "target_timezone",
            ],
        )],
        access: &[("get_current_time", READ), ("convert_time", READ)],
        is_remote: false,
    },
    Known {
        names: &["ssh"],
        roles: &[(Role::Host, &["host", "hostname", "server"])],
        access: &[],
        is_remote: true,
    },
];

/// Words in the names of servers that only say that each is one.
const NOISE: [&str; 7] = [
    "mcp", "server", "plugin", "claude", "ai", "official", "local",
];

/// What is known of a tool of a server.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct KnownTool {
    /// What its arguments are.
    pub(crate) roles: ServerRoles,
    /// How it reaches for what it is given.
    pub(crate) access: Option<Access>,
    /// Whether it speaks to another machine.
    pub(crate) is_remote: bool,
}

/// Returns what is known of the tool called `tool` of the server called `server`.
///
/// `definition` is what the server itself says of the tool, as in a list of its
/// tools; hooks are not shown it. What settings say counts above the table, and
/// that above what the server says.
pub(crate) fn known_tool(
    server: &str,
    tool: &str,
    settings: &Settings,
    definition: Option<&Value>,
) -> KnownTool {
    let mut roles = definition.map(roles_in).unwrap_or_default();
    let known = known_server(server);
    if let Some(known) = known {
        roles.extend(&ServerRoles {
            arguments: known
                .roles
                .iter()
                .map(|(role, names)| {
                    let names = names.iter().map(|name| (*name).to_owned());
                    (*role, names.collect())
                })
                .collect(),
            access: known
                .access
                .iter()
                .map(|(tool, access)| ((*tool).to_owned(), *access))
                .collect(),
        });
    }
    for name in ["*", server] {
        if let Some(said) = settings.mcp.get(name) {
            roles.extend(&said.value);
        }
    }
    KnownTool {
        access: roles.access_of(tool),
        is_remote: known.is_some_and(|known| known.is_remote),
        roles,
    }
}

fn known_server(server: &str) -> Option<&'static Known> {
    let words = words_of(server);
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| !NOISE.contains(word))
        .collect();
    let name = words.join(" ");
    let last = words.last().copied().unwrap_or_default();
    let called = |name: &str| SERVERS.iter().find(|known| known.names.contains(&name));
    // `plugin_NAME_SERVER` is how a plugin's server is called.
    called(&name).or_else(|| called(last).filter(|_| server.starts_with("plugin_")))
}

/// Returns what the definition of a tool says of its arguments, by their formats.
fn roles_in(definition: &Value) -> ServerRoles {
    let mut roles = ServerRoles::default();
    let properties = definition
        .pointer("/inputSchema/properties")
        .and_then(Value::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        let format = |schema: &Value| schema.get("format")?.as_str().map(str::to_owned);
        let format = format(schema).or_else(|| format(schema.get("items")?));
        let role = match format.as_deref() {
            Some("uri" | "url" | "iri" | "uri-reference") => Role::Url,
            Some("hostname" | "idn-hostname" | "ipv4" | "ipv6") => Role::Host,
            Some("email" | "idn-email") => Role::Recipient,
            Some("path" | "file-path" | "directory-path") => Role::Path,
            Some(_) | None => continue,
        };
        roles
            .arguments
            .entry(role)
            .or_default()
            .insert(name.clone());
    }
    roles
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(text: &str) -> Settings {
        let mut settings = Settings::defaults().unwrap();
        let roles = toml::from_str(text).unwrap();
        settings.mcp.insert(
            "files".to_owned(),
            crate::settings::Setting {
                value: roles,
                ..Default::default()
            },
        );
        settings
    }

    #[test]
    fn a_well_known_server_is_known_by_the_names_people_give_it() {
        for (server, tool, access) in [
            ("filesystem", "read_text_file", Some(READ)),
            ("mcp-server-filesystem", "write_file", Some(WRITE)),
            ("filesystem_mcp", "move_file", Some(MOVE)),
            ("plugin_acme_github", "get_issue", Some(READ)),
            ("claude_ai_Slack", "slack_list_channels", Some(READ)),
            ("my-filesystem-proxy", "read_file", None),
            ("git", "git_push", None),
            ("unknown", "get_x", None),
        ] {
            let known = known_tool(server, tool, &Settings::defaults().unwrap(), None);
            assert_eq!(known.access, access, "{server} {tool}");
        }
    }

    #[test]
    fn settings_count_above_the_table_and_the_table_above_the_server() {
        let said = json!({"inputSchema": {"properties": {
            "to": {"format": "email"},
            "where": {"items": {"format": "uri"}},
            "note": {"type": "string"},
        }}});
        let settings = settings("path = [\"where\"]\naccess = {look = \"read\"}");
        let known = known_tool("files", "look", &settings, Some(&said));
        assert!(known.roles.is(Role::Path, "where") && !known.roles.is(Role::Url, "where"));
        assert!(known.roles.is(Role::Recipient, "to"));
        assert_eq!(known.access, Some(READ));
        let defaults = Settings::defaults().unwrap();
        let known = known_tool("github", "get_issue", &defaults, Some(&said));
        assert!(known.roles.is(Role::Text, "to") && known.is_remote);
    }
}
