//! What each tool of an agent's host does: one table.

use aegis_types::{Access, Action, EffectKind, Resource};
use serde_json::Value;

/// What a tool does, and with which parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    /// The verb.
    pub(crate) action: Action,
    /// The parameter that names what it is done to.
    pub(crate) subject: Subject,
    /// The parameters that hold paths, and how those are reached for.
    pub(crate) paths: &'static [&'static str],
    /// How they are.
    pub(crate) access: Access,
    /// Whether paths are reached for with everything below them.
    pub(crate) is_deep: bool,
    /// What it does besides, and the parameter that says to what.
    pub(crate) effects: &'static [(EffectKind, &'static str)],
}

/// The parameter that names what an action is done to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Subject {
    /// A path.
    Path(&'static str),
    /// A command line of a POSIX shell.
    CommandLine(&'static str),
    /// A command line of PowerShell.
    PowerShell(&'static str),
    /// A URL.
    Url(&'static str),
    /// A named thing.
    Named(&'static str),
    /// The server that the tool's own name holds.
    Server,
    /// A server that a parameter names.
    ServerNamed(&'static str),
    /// Nothing that is plainly said.
    None,
}

const fn file(action: Action, key: &'static [&'static str], access: Access) -> Tool {
    let subject = match key {
        [first, ..] => Subject::Path(first),
        [] => Subject::None,
    };
    Tool {
        action,
        subject,
        paths: key,
        access,
        is_deep: false,
        effects: &[],
    }
}

const fn other(action: Action, subject: Subject) -> Tool {
    Tool {
        action,
        subject,
        paths: &[],
        access: Access::ANY,
        is_deep: false,
        effects: &[],
    }
}

/// A tool that does nothing but what these effects say.
const fn named(
    action: Action,
    key: &'static str,
    effects: &'static [(EffectKind, &'static str)],
) -> Tool {
    Tool {
        effects,
        ..other(action, Subject::Named(key))
    }
}

const SHELL: Tool = other(Action::ShellExec, Subject::CommandLine("command"));
const CHANGE: Access = Access {
    read: true,
    write: true,
    delete: false,
    execute: false,
};
const SEARCH: Tool = Tool {
    is_deep: true,
    ..file(Action::FsSearch, &["path"], Access::READ)
};

const WEB: Tool = Tool {
    effects: &[(EffectKind::Network, "query")],
    ..other(Action::NetSearch, Subject::Named("query"))
};
const OUTPUT: Tool = named(
    Action::ToolCall,
    "task_id",
    &[(EffectKind::Read, "task_id")],
);
const STOP: Tool = named(
    Action::ToolCall,
    "task_id",
    &[(EffectKind::Process, "task_id")],
);
const LATER: Tool = named(
    Action::ToolCall,
    "prompt",
    &[(EffectKind::Persistence, "prompt")],
);
const AGENT: Tool = other(Action::AgentStart, Subject::Named("subagent_type"));
/// What only concerns the conversation.
const TALK: Tool = named(Action::ToolCall, "", &[]);
const SERVER_RESOURCE: Tool = Tool {
    effects: &[(EffectKind::Read, "uri")],
    ..other(Action::McpCall, Subject::ServerNamed("server"))
};
/// The paths of an LSP request are optional: some look at the whole project.
const LANGUAGE: Tool = file(Action::FsSearch, &["filePath"], Access::READ);
const ENTER_WORKTREE: Tool = Tool {
    paths: &["path"],
    access: Access::WRITE,
    ..named(Action::ToolCall, "name", &[(EffectKind::Write, "name")])
};

/// Tools whose names do not say by themselves what they do.
const TOOLS: [(&str, Tool); 52] = [
    ("Bash", SHELL),
    ("Monitor", SHELL),
    (
        "PowerShell",
        other(Action::ShellExec, Subject::PowerShell("command")),
    ),
    (
        "BashOutput",
        named(
            Action::ToolCall,
            "bash_id",
            &[(EffectKind::Read, "bash_id")],
        ),
    ),
    ("TaskOutput", OUTPUT),
    (
        "AgentOutputTool",
        named(
            Action::ToolCall,
            "agentId",
            &[(EffectKind::Read, "agentId")],
        ),
    ),
    (
        "KillShell",
        named(
            Action::ToolCall,
            "shell_id",
            &[(EffectKind::Process, "shell_id")],
        ),
    ),
    (
        "KillBash",
        named(
            Action::ToolCall,
            "shell_id",
            &[(EffectKind::Process, "shell_id")],
        ),
    ),
    ("TaskStop", STOP),
    ("Read", file(Action::FsRead, &["file_path"], Access::READ)),
    (
        "NotebookRead",
        file(Action::FsRead, &["notebook_path"], Access::READ),
    ),
    (
        "Write",
        file(Action::FsWrite, &["file_path"], Access::WRITE),
    ),
    ("Edit", file(Action::FsWrite, &["file_path"], CHANGE)),
    ("MultiEdit", file(Action::FsWrite, &["file_path"], CHANGE)),
    (
        "NotebookEdit",
        file(Action::FsWrite, &["notebook_path"], CHANGE),
    ),
    // It shows names and no content.
    ("Glob", file(Action::FsSearch, &["path"], Access::READ)),
    ("Grep", SEARCH),
    ("LS", file(Action::FsSearch, &["path"], Access::READ)),
    ("LSP", LANGUAGE),
    ("WebFetch", other(Action::NetFetch, Subject::Url("url"))),
    ("WebSearch", WEB),
    ("Agent", AGENT),
    ("Task", AGENT),
    (
        "Workflow",
        other(Action::AgentStart, Subject::Named("name")),
    ),
    ("Skill", other(Action::SkillUse, Subject::Named("skill"))),
    (
        "SlashCommand",
        other(Action::SkillUse, Subject::Named("command")),
    ),
    ("CronCreate", LATER),
    ("ScheduleWakeup", LATER),
    (
        "RemoteTrigger",
        named(
            Action::ToolCall,
            "trigger_id",
            &[
                (EffectKind::Network, "trigger_id"),
                (EffectKind::Persistence, "trigger_id"),
            ],
        ),
    ),
    (
        "CronDelete",
        named(Action::ToolCall, "id", &[(EffectKind::Delete, "id")]),
    ),
    ("CronList", TALK),
    ("EnterWorktree", ENTER_WORKTREE),
    (
        "ExitWorktree",
        named(
            Action::ToolCall,
            "action",
            &[(EffectKind::Delete, "action")],
        ),
    ),
    (
        "ListMcpResourcesTool",
        other(Action::McpCall, Subject::ServerNamed("server")),
    ),
    (
        "ListMcpResources",
        other(Action::McpCall, Subject::ServerNamed("server")),
    ),
    ("ReadMcpResourceTool", SERVER_RESOURCE),
    ("ReadMcpResource", SERVER_RESOURCE),
    ("SendMessage", named(Action::ToolCall, "to", &[])),
    ("ToolSearch", named(Action::ToolCall, "query", &[])),
    ("TaskCreate", named(Action::ToolCall, "subject", &[])),
    ("TaskUpdate", named(Action::ToolCall, "taskId", &[])),
    ("TaskGet", named(Action::ToolCall, "taskId", &[])),
    ("TaskList", TALK),
    ("TeamCreate", named(Action::ToolCall, "team_name", &[])),
    ("TeamDelete", named(Action::ToolCall, "team_name", &[])),
    ("TodoWrite", TALK),
    ("TodoRead", TALK),
    ("AskUserQuestion", TALK),
    ("EnterPlanMode", TALK),
    ("ExitPlanMode", TALK),
    ("StructuredOutput", TALK),
    ("EndConversation", TALK),
];

impl Tool {
    /// Returns the parameter whose text is what an action is done to.
    pub(crate) fn subject_key(&self) -> Option<&'static str> {
        match self.subject {
            Subject::Path(key)
            | Subject::CommandLine(key)
            | Subject::PowerShell(key)
            | Subject::Url(key)
            | Subject::Named(key)
            | Subject::ServerNamed(key) => Some(key),
            Subject::Server | Subject::None => None,
        }
    }
}

/// Returns what the tool called `name` does.
pub(crate) fn tool(name: &str) -> Tool {
    if let Some((_, tool)) = TOOLS.iter().find(|(known, _)| *known == name) {
        return *tool;
    }
    if server(name).is_some() {
        return other(Action::McpCall, Subject::Server);
    }
    other(Action::ToolCall, Subject::None)
}

/// Returns the MCP server that a tool named `mcp__server__tool` belongs to.
fn server(name: &str) -> Option<&str> {
    server_and_tool(name).map(|(server, _)| server)
}

/// Returns the MCP server of a tool named `mcp__server__tool`, and its name there.
pub(crate) fn server_and_tool(name: &str) -> Option<(&str, &str)> {
    let (server, tool) = name.strip_prefix("mcp__")?.split_once("__")?;
    (!server.is_empty() && !tool.is_empty()).then_some((server, tool))
}

/// Words with which the names of tools begin that look and change nothing.
const LOOKING: [&str; 12] = [
    "read",
    "list",
    "get",
    "search",
    "view",
    "find",
    "stat",
    "show",
    "describe",
    "directory",
    "grep",
    "glob",
];

/// Words that the names of such tools have besides.
const LOOKED_AT: [&str; 29] = [
    "a",
    "all",
    "allowed",
    "content",
    "contents",
    "directories",
    "directory",
    "dir",
    "file",
    "files",
    "folder",
    "folders",
    "for",
    "in",
    "info",
    "lines",
    "many",
    "media",
    "metadata",
    "multiple",
    "of",
    "resource",
    "sizes",
    "status",
    "text",
    "tree",
    "value",
    "with",
    "image",
];

/// Returns whether the name of an MCP server's tool says that it only looks.
///
/// Every word of it must be known: `read_and_write` and `get_or_create` are
/// not tools that look.
pub(crate) fn only_looks(name: &str) -> bool {
    let Some((_, tool)) = name
        .strip_prefix("mcp__")
        .and_then(|rest| rest.split_once("__"))
    else {
        return false;
    };
    let words = super::params::words_of(tool);
    let Some((first, rest)) = words.split_first() else {
        return false;
    };
    let is_known =
        |word: &String| LOOKED_AT.contains(&word.as_str()) || LOOKING.contains(&word.as_str());
    LOOKING.contains(&first.as_str()) && rest.iter().all(is_known)
}

/// Words in the names of servers and tools that say that they speak to a database.
const DATABASES: [&str; 16] = [
    "sql",
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "sqlite",
    "duckdb",
    "mssql",
    "database",
    "db",
    "snowflake",
    "bigquery",
    "clickhouse",
    "redshift",
    "supabase",
    "oracle",
];

/// Returns whether the name of a tool says that it speaks to a database.
pub(crate) fn is_database(name: &str) -> bool {
    super::params::words_of(name)
        .iter()
        .any(|word| DATABASES.contains(&word.as_str()))
}

/// Returns the folders that a search for the names of files looks through: the
/// one it begins in and those that its pattern names.
pub(crate) fn folders_of_search(begins_in: Option<&str>, pattern: &str) -> Vec<String> {
    let end = pattern.find(['*', '?', '[', '{', '\\']);
    let known = end.map_or(pattern, |end| pattern.get(..end).unwrap_or_default());
    let folder = known.rsplit_once('/').map(|(folder, _)| folder);
    let begins_in = begins_in.map(str::to_owned);
    if pattern.starts_with(['/', '~']) || pattern.contains("..") {
        let named = folder.filter(|folder| !folder.is_empty()).unwrap_or("/");
        return begins_in.into_iter().chain([named.to_owned()]).collect();
    }
    let within = match (begins_in, folder) {
        (Some(outer), Some(inner)) => Some(format!("{outer}/{inner}")),
        (outer, inner) => outer.or(inner.map(str::to_owned)),
    };
    within.into_iter().collect()
}

/// Words in the names of tools that say what they do besides looking.
const VERBS: [(EffectKind, &[&str]); 6] = [
    (
        EffectKind::Write,
        &[
            "write", "create", "update", "edit", "save", "append", "put", "insert", "set", "add",
            "modify", "patch", "replace", "rename", "move", "copy", "commit", "merge", "upload",
        ],
    ),
    (
        EffectKind::Delete,
        &[
            "delete", "remove", "drop", "destroy", "purge", "wipe", "truncate", "unlink", "clear",
            "erase",
        ],
    ),
    (
        EffectKind::Execute,
        &["run", "exec", "execute", "eval", "spawn"],
    ),
    (
        EffectKind::Network,
        &[
            "send", "post", "fetch", "download", "upload", "publish", "navigate", "crawl", "scrape",
        ],
    ),
    (EffectKind::Persistence, &["schedule"]),
    (EffectKind::Process, &["kill", "terminate"]),
];

/// Returns what the name of an MCP server's tool says that it does.
pub(crate) fn effects_by_name(name: &str) -> Vec<EffectKind> {
    if only_looks(name) {
        return vec![EffectKind::Read];
    }
    let Some((_, tool)) = server_and_tool(name) else {
        return Vec::new();
    };
    let words = super::params::words_of(tool);
    let says = |verbs: &&[&str]| words.iter().any(|word| verbs.contains(&word.as_str()));
    let said = VERBS.iter().filter(|(_, verbs)| says(verbs));
    said.map(|(kind, _)| *kind).collect()
}

/// Returns what an action is done to, if the tool says so plainly.
pub(crate) fn resource(name: &str, tool: &Tool, params: &Value) -> Option<Resource> {
    let text = || params.get(tool.subject_key()?)?.as_str().map(str::to_owned);
    match tool.subject {
        Subject::Path(_) => text().map(Resource::Path),
        Subject::CommandLine(_) | Subject::PowerShell(_) => text().map(Resource::CommandLine),
        Subject::Url(_) => text().map(Resource::Url),
        Subject::Named(_) => text().map(Resource::Named),
        Subject::Server => server(name).map(|server| Resource::Server(server.to_owned())),
        Subject::ServerNamed(_) => text().map(Resource::Server),
        Subject::None => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(name: &str, params: &Value, action: Action, expected: Option<Resource>) {
        let tool = tool(name);
        assert_eq!(tool.action, action, "{name}");
        assert_eq!(resource(name, &tool, params), expected, "{name}");
    }

    #[test]
    fn the_lint_of_policies_knows_the_same_tools() {
        let names: Vec<&str> = TOOLS.iter().map(|(name, _)| *name).collect();
        assert_eq!(aegis_policy::tool_names().collect::<Vec<_>>(), names);
    }

    #[test]
    fn each_tool_has_its_verb_and_says_what_it_is_done_to() {
        let line = json!({"command": "ls"});
        let command = || Some(Resource::CommandLine("ls".to_owned()));
        for name in ["Bash", "Monitor", "PowerShell"] {
            check(name, &line, Action::ShellExec, command());
        }
        let path = json!({"file_path": "/x"});
        check(
            "Edit",
            &path,
            Action::FsWrite,
            Some(Resource::Path("/x".to_owned())),
        );
        let agent = json!({"subagent_type": "explore"});
        for name in ["Agent", "Task"] {
            let named = Some(Resource::Named("explore".to_owned()));
            check(name, &agent, Action::AgentStart, named);
        }
        check(
            "mcp__git__push",
            &json!({}),
            Action::McpCall,
            Some(Resource::Server("git".to_owned())),
        );
    }

    #[test]
    fn a_tool_only_looks_if_every_word_of_its_name_says_so() {
        for name in [
            "read_file",
            "readTextFile",
            "list-directory",
            "search_files",
        ] {
            assert!(only_looks(&format!("mcp__files__{name}")), "{name}");
        }
        for name in [
            "read_and_write",
            "get_or_create",
            "search_and_replace",
            "write",
            "",
        ] {
            assert!(!only_looks(&format!("mcp__files__{name}")), "{name}");
        }
        assert!(!only_looks("mcp__read_file__go"));
        assert!(!only_looks("read_file"));
    }

    #[test]
    fn tools_of_the_contract_say_what_they_are_about() {
        let params = json!({
            "bash_id": "b", "task_id": "t", "shell_id": "s", "notebook_path": "/n", "filePath": "/f",
            "query": "q", "prompt": "p", "server": "docs", "uri": "u", "name": "w", "command": "/x y",
            "to": "ann", "action": "remove", "id": "7", "skill": "k", "url": "https://a.example",
        });
        let named = |text: &str| Some(Resource::Named(text.to_owned()));
        let path = |text: &str| Some(Resource::Path(text.to_owned()));
        let server = || Some(Resource::Server("docs".to_owned()));
        for (name, action, resource) in [
            ("BashOutput", Action::ToolCall, named("b")),
            ("TaskOutput", Action::ToolCall, named("t")),
            ("KillShell", Action::ToolCall, named("s")),
            ("TaskStop", Action::ToolCall, named("t")),
            ("NotebookEdit", Action::FsWrite, path("/n")),
            ("LSP", Action::FsSearch, path("/f")),
            ("WebSearch", Action::NetSearch, named("q")),
            (
                "WebFetch",
                Action::NetFetch,
                Some(Resource::Url("https://a.example".to_owned())),
            ),
            ("ToolSearch", Action::ToolCall, named("q")),
            ("CronCreate", Action::ToolCall, named("p")),
            ("CronDelete", Action::ToolCall, named("7")),
            ("CronList", Action::ToolCall, None),
            ("EnterWorktree", Action::ToolCall, named("w")),
            ("ExitWorktree", Action::ToolCall, named("remove")),
            ("Workflow", Action::AgentStart, named("w")),
            ("Skill", Action::SkillUse, named("k")),
            ("SlashCommand", Action::SkillUse, named("/x y")),
            ("SendMessage", Action::ToolCall, named("ann")),
            ("ReadMcpResourceTool", Action::McpCall, server()),
            ("ListMcpResourcesTool", Action::McpCall, server()),
            ("AskUserQuestion", Action::ToolCall, None),
        ] {
            check(name, &params, action, resource);
        }
    }

    #[test]
    fn the_name_of_a_tool_says_what_it_does() {
        use EffectKind::{Delete, Network, Read, Write};
        for (name, expected) in [
            ("read_file", &[Read][..]),
            ("createIssue", &[Write]),
            ("write_and_purge", &[Write, Delete]),
            ("upload", &[Write, Network]),
            ("get_invoice", &[]),
        ] {
            assert_eq!(
                effects_by_name(&format!("mcp__x__{name}")),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn a_tool_that_is_not_known_is_called_and_nothing_is_assumed() {
        for name in ["Frobnicate", "mcp__", "mcp__x", "mcp____x", "bash"] {
            check(name, &json!({"command": "ls"}), Action::ToolCall, None);
        }
    }
}
