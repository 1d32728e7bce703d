//! What each tool of an agent's host does: one table.

use aegis_types::{Access, Action, Resource};
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
    }
}

const fn other(action: Action, subject: Subject) -> Tool {
    Tool {
        action,
        subject,
        paths: &[],
        access: Access::ANY,
        is_deep: false,
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

/// Tools whose names do not say by themselves what they do.
const TOOLS: [(&str, Tool); 18] = [
    ("Bash", SHELL),
    ("Monitor", SHELL),
    (
        "PowerShell",
        other(Action::ShellExec, Subject::PowerShell("command")),
    ),
    ("Read", file(Action::FsRead, &["file_path"], Access::READ)),
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
    ("WebFetch", other(Action::NetFetch, Subject::Url("url"))),
    (
        "WebSearch",
        other(Action::NetSearch, Subject::Named("query")),
    ),
    (
        "Agent",
        other(Action::AgentStart, Subject::Named("subagent_type")),
    ),
    (
        "Task",
        other(Action::AgentStart, Subject::Named("subagent_type")),
    ),
    ("Skill", other(Action::SkillUse, Subject::Named("skill"))),
    (
        "CronCreate",
        other(Action::ToolCall, Subject::Named("prompt")),
    ),
    (
        "ScheduleWakeup",
        other(Action::ToolCall, Subject::Named("prompt")),
    ),
];

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
    let (server, tool) = name.strip_prefix("mcp__")?.split_once("__")?;
    (!server.is_empty() && !tool.is_empty()).then_some(server)
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

/// Returns what an action is done to, if the tool says so plainly.
pub(crate) fn resource(name: &str, tool: &Tool, params: &Value) -> Option<Resource> {
    let text = |key: &str| params.get(key)?.as_str().map(str::to_owned);
    match tool.subject {
        Subject::Path(key) => text(key).map(Resource::Path),
        Subject::CommandLine(key) | Subject::PowerShell(key) => {
            text(key).map(Resource::CommandLine)
        }
        Subject::Url(key) => text(key).map(Resource::Url),
        Subject::Named(key) => text(key).map(Resource::Named),
        Subject::Server => server(name).map(|server| Resource::Server(server.to_owned())),
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
    fn a_tool_that_is_not_known_is_called_and_nothing_is_assumed() {
        for name in ["Frobnicate", "mcp__", "mcp__x", "mcp____x", "bash"] {
            check(name, &json!({"command": "ls"}), Action::ToolCall, None);
        }
    }
}
