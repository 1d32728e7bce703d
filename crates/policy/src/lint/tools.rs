//! The tools that agents' hosts are known to have, and names that are none of them.

use super::clause::{Clause, Level};
use super::{Change, Lint, LintCode};
use crate::parse::nearest;
use crate::pattern::Glob;
use crate::problem::quoted;

/// What a tool is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum About {
    Commands,
    Files,
    Hosts,
    Other,
}

/// The tools that are known by name. The gate's table says what each does; a
/// test of the program compares the two.
const TOOLS: [(&str, About); 52] = [
    ("Bash", About::Commands),
    ("Monitor", About::Commands),
    ("PowerShell", About::Commands),
    ("BashOutput", About::Other),
    ("TaskOutput", About::Other),
    ("AgentOutputTool", About::Other),
    ("KillShell", About::Other),
    ("KillBash", About::Other),
    ("TaskStop", About::Other),
    ("Read", About::Files),
    ("NotebookRead", About::Files),
    ("Write", About::Files),
    ("Edit", About::Files),
    ("MultiEdit", About::Files),
    ("NotebookEdit", About::Files),
    ("Glob", About::Files),
    ("Grep", About::Files),
    ("LS", About::Files),
    ("LSP", About::Files),
    ("WebFetch", About::Hosts),
    ("WebSearch", About::Other),
    ("Agent", About::Other),
    ("Task", About::Other),
    ("Workflow", About::Other),
    ("Skill", About::Other),
    ("SlashCommand", About::Other),
    ("CronCreate", About::Other),
    ("ScheduleWakeup", About::Other),
    ("RemoteTrigger", About::Other),
    ("CronDelete", About::Other),
    ("CronList", About::Other),
    ("EnterWorktree", About::Files),
    ("ExitWorktree", About::Other),
    ("ListMcpResourcesTool", About::Other),
    ("ListMcpResources", About::Other),
    ("ReadMcpResourceTool", About::Other),
    ("ReadMcpResource", About::Other),
    ("SendMessage", About::Other),
    ("ToolSearch", About::Other),
    ("TaskCreate", About::Other),
    ("TaskUpdate", About::Other),
    ("TaskGet", About::Other),
    ("TaskList", About::Other),
    ("TeamCreate", About::Other),
    ("TeamDelete", About::Other),
    ("TodoWrite", About::Other),
    ("TodoRead", About::Other),
    ("AskUserQuestion", About::Other),
    ("EnterPlanMode", About::Other),
    ("ExitPlanMode", About::Other),
    ("StructuredOutput", About::Other),
    ("EndConversation", About::Other),
];

/// Returns the names of the tools that are known.
pub fn tool_names() -> impl Iterator<Item = &'static str> {
    TOOLS.iter().map(|(name, _)| *name)
}

/// Returns whether a glob names a known tool of a kind, or one that is not known.
pub(super) fn some_known(glob: &Glob, kind: fn(&str) -> bool) -> bool {
    let mut known = tool_names().filter(|name| glob.matches(name)).peekable();
    known.peek().is_none() || known.any(kind)
}

pub(super) fn runs_commands(name: &str) -> bool {
    is_about(name, &[About::Commands])
}

pub(super) fn touches_files(name: &str) -> bool {
    is_about(name, &[About::Commands, About::Files])
}

pub(super) fn speaks_to_hosts(name: &str) -> bool {
    is_about(name, &[About::Commands, About::Hosts])
}

fn is_about(name: &str, kinds: &[About]) -> bool {
    let found = TOOLS.iter().find(|(known, _)| *known == name);
    found.is_none_or(|(_, about)| kinds.contains(about))
}

/// Finds names of tools that no tool has.
pub(super) fn check(lint: &mut Lint<'_>, clause: &Clause<'_, '_>) {
    for level in clause.levels() {
        check_level(lint, clause, &level);
    }
}

fn check_level(lint: &mut Lint<'_>, clause: &Clause<'_, '_>, level: &Level<'_, '_>) {
    let change = match level.is_negated {
        true => Change::Narrows,
        false => Change::Widens,
    };
    let is_safe = change.is_safe(clause, lint.policy);
    for (text, node) in level.texts("tool") {
        let Some(meant) = meant(text) else {
            continue;
        };
        let message = format!("no tool is called {}", quoted(text));
        let change = lint.change(node, text, &meant, is_safe);
        lint.find(LintCode::NoSuchTool, &node.span, message)
            .help(format!("did you mean `{meant}`?"))
            .mend(change);
    }
}

/// Returns what is meant by the name of a tool that no tool has; nothing of one
/// that may well be there.
fn meant(text: &str) -> Option<String> {
    let glob = Glob(text.into());
    if tool_names().any(|name| glob.matches(name)) {
        return None;
    }
    if let Some(rest) = text.strip_prefix("mcp_") {
        return of_server(rest);
    }
    if glob.is_literal() {
        let same = tool_names().find(|name| name.eq_ignore_ascii_case(text));
        return same
            .or_else(|| nearest(text, tool_names()))
            .map(str::to_owned);
    }
    // A glob in another case, such as `bash*`.
    let is_word = text.starts_with(|it: char| it.is_ascii_lowercase());
    let other = text.chars().next()?.to_ascii_uppercase();
    let meant = format!("{other}{}", text.get(1..)?);
    let matches = Glob(meant.as_str().into());
    (is_word && tool_names().any(|name| matches.matches(name))).then_some(meant)
}

/// Returns what is meant by `mcp_` and `rest`; nothing if it is well formed.
fn of_server(rest: &str) -> Option<String> {
    let Some(rest) = rest.strip_prefix('_') else {
        let (server, tool) = rest.split_once("__")?;
        return Some(format!("mcp__{server}__{tool}"));
    };
    let is_name = |it: char| it.is_ascii_alphanumeric() || "-_".contains(it);
    let is_server = !rest.contains("__") && !rest.is_empty() && rest.chars().all(is_name);
    is_server.then(|| format!("mcp__{rest}__*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(meant(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn a_slip_in_the_name_of_a_tool_is_recognised() {
        check("bash", Some("Bash"));
        check("Bahs", Some("Bash"));
        check("WebFetsh", Some("WebFetch"));
        check("webfetch", Some("WebFetch"));
        check("bash*", Some("Bash*"));
        check("mcp__github", Some("mcp__github__*"));
        check("mcp_github__get_issue", Some("mcp__github__get_issue"));
    }

    #[test]
    fn other_tools_may_well_be_there() {
        for text in [
            "Bash",
            "*",
            "Notebook*",
            "deploy_to_staging",
            "mcp__github__*",
            "mcp__*",
            "mcp__*__delete_*",
            "*{shell,bash,run,exec,terminal,command}*",
        ] {
            check(text, None);
        }
    }
}
