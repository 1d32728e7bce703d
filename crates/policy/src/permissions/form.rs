//! The form of one permission rule: a tool, and in parentheses what of it.

use std::sync::Arc;

use aegis_types::Verdict;

use super::{command, path};
use crate::lint::tool_names;
use crate::matcher::{HostPattern, Matcher, ParamCondition, ParamTest, Scalar};
use crate::native::check_host_name;
use crate::parse::{Node, Walker, nearest};
use crate::pattern::{Glob, Pattern};
use crate::problem::{ProblemCode, quoted};

/// The tools that run what a rule on `Bash` is about.
const SHELLS: [&str; 2] = ["Bash", "Monitor"];
/// The tools that a rule on `Read` is about.
const READERS: [&str; 5] = ["Read", "NotebookRead", "Glob", "Grep", "LS"];
/// The tools that a rule on `Edit` is about.
const EDITORS: [&str; 4] = ["Edit", "MultiEdit", "Write", "NotebookEdit"];
/// Parameters of tools whose rules have a form of their own: a rule may name
/// these besides.
const PARAMS: [(&str, &[&str]); 6] = [
    (
        "Bash",
        &[
            "dangerouslyDisableSandbox",
            "description",
            "run_in_background",
            "timeout",
        ],
    ),
    ("Read", &["limit", "offset", "pages"]),
    ("Edit", &["replace_all"]),
    (
        "Agent",
        &["isolation", "model", "name", "run_in_background"],
    ),
    ("Skill", &["args"]),
    ("WebFetch", &["prompt", "url"]),
];

/// One rule, taken apart.
pub(super) struct Form<'n, 'a> {
    pub(super) node: &'n Node<'a>,
    /// The whole text.
    pub(super) text: &'n str,
    /// The tool.
    tool: &'n str,
    /// What stands in parentheses, unless it is everything.
    pub(super) about: Option<&'n str>,
    pub(super) verdict: Verdict,
}

impl Form<'_, '_> {
    /// Returns a rule that is about more, if writing it loosens nothing.
    pub(super) fn wider(&self, text: &str) -> String {
        match self.restricts() {
            true => text.to_owned(),
            false => String::new(),
        }
    }

    /// Returns whether it asks or denies.
    pub(super) fn restricts(&self) -> bool {
        self.verdict != Verdict::Allow
    }
}

/// Reads what a rule is about.
pub(super) fn matcher<'a>(
    walker: &mut Walker<'a>,
    node: &Node<'a>,
    verdict: Verdict,
) -> Option<Matcher> {
    let text = walker.some_text(node, "a permission rule")?;
    let form = taken_apart(walker, node, text, verdict)?;
    if form.tool.starts_with("mcp__") || form.tool.contains('*') {
        return named(walker, &form);
    }
    check_tool(walker, &form)?;
    let Some(about) = form.about else {
        return Some(every_use(&form));
    };
    if let Some((param, value)) = param(&form, about) {
        return by_param(walker, &form, param, value);
    }
    match form.tool {
        "Bash" => command::matcher(walker, &form, about),
        "Read" | "Edit" | "Write" | "MultiEdit" | "NotebookEdit" => {
            path::matcher(walker, &form, about)
        }
        "WebFetch" => domain(walker, &form, about),
        "Agent" | "Task" => Some(equals(&form, "subagent_type", [about.to_owned()])),
        "Skill" => Some(skill(&form, about)),
        _ => refuse(
            walker,
            &form,
            format!("a rule on `{}` has no such form", form.tool),
            "write the name alone, or `Tool(parameter:value)` to ask or deny",
            form.wider(form.tool),
        ),
    }
}

fn taken_apart<'n, 'a>(
    walker: &mut Walker<'a>,
    node: &'n Node<'a>,
    text: &'n str,
    verdict: Verdict,
) -> Option<Form<'n, 'a>> {
    let (tool, about) = match text.split_once('(') {
        None => (text, None),
        Some((tool, rest)) => match rest.strip_suffix(')') {
            Some("" | "*") => (tool, None),
            Some(about) => (tool, Some(about)),
            None => {
                let message = format!("{} does not end with `)`", quoted(text));
                let problem = walker.error(ProblemCode::UnknownValue, &node.span, message);
                // Closed with nothing in it, it would be about every call.
                match rest.trim() {
                    "" => problem.help("say what it is about, or write the name of the tool alone"),
                    _ => problem.suggest(format!("\"{text})\"")),
                };
                return None;
            }
        },
    };
    let is_part_of_name =
        |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | '.' | '*');
    if tool.is_empty() || !tool.chars().all(is_part_of_name) {
        let message = format!("{} does not begin with the name of a tool", quoted(text));
        walker
            .error(ProblemCode::UnknownValue, &node.span, message)
            .help("write for example `Bash(git status)`, `Read(./.env)` or `mcp__server__tool`");
        return None;
    }
    Some(Form {
        node,
        text,
        tool,
        about,
        verdict,
    })
}

/// Reports a form that means nothing, and returns nothing.
pub(super) fn refuse<T>(
    walker: &mut Walker<'_>,
    form: &Form<'_, '_>,
    message: String,
    help: &str,
    meant: String,
) -> Option<T> {
    let problem = walker.error(ProblemCode::UnknownValue, &form.node.span, message);
    problem.help(help);
    if !meant.is_empty() {
        problem.suggest(format!("\"{meant}\""));
    }
    None
}

/// Refuses a tool that no host has.
fn check_tool<'a>(walker: &mut Walker<'a>, form: &Form<'_, 'a>) -> Option<()> {
    let tool = form.tool;
    if tool == "Task" || tool_names().any(|it| it == tool) {
        return Some(());
    }
    let is_same = |it: &&str| it.eq_ignore_ascii_case(tool);
    let near = tool_names()
        .find(is_same)
        .or_else(|| nearest(tool, tool_names()));
    let meant = near.map(|near| form.text.replacen(tool, near, 1));
    let message = format!("unknown tool {}", quoted(tool));
    refuse(
        walker,
        form,
        message,
        "tools of servers are written `mcp__server__tool`",
        meant.unwrap_or_default(),
    )
}

/// Reads a rule on tools by their names: those of a server, or a pattern.
fn named<'a>(walker: &mut Walker<'a>, form: &Form<'_, 'a>) -> Option<Matcher> {
    let tool = form.tool;
    if form.about.is_some() && !form.restricts() || form.about.is_some_and(|it| !it.contains(':')) {
        let message = "a rule on a tool of a server names the tool alone".to_owned();
        return refuse(
            walker,
            form,
            message,
            "leave the parentheses out",
            form.wider(tool),
        );
    }
    let server = tool
        .strip_prefix("mcp__")
        .map(|it| it.split_once("__").unwrap_or((it, "*")));
    let names_server =
        server.is_some_and(|(server, _)| !server.is_empty() && !server.contains('*'));
    if !form.restricts() && !names_server {
        let message = format!(
            "{} would allow tools of servers that it does not name",
            quoted(tool)
        );
        return refuse(
            walker,
            form,
            message,
            "name the server: `mcp__server__*`",
            String::new(),
        );
    }
    let name = match server {
        Some((server, tool)) => format!("mcp__{server}__{tool}"),
        None => tool.to_owned(),
    };
    let glob = walker.check_glob(form.node, "the name of a tool", &name)?;
    let matcher = Matcher {
        tool: vec![glob],
        ..Matcher::default()
    };
    match form.about.and_then(|it| it.split_once(':')) {
        Some((param, value)) => {
            let params = conditions(walker, form, param, value)?;
            Some(Matcher { params, ..matcher })
        }
        None => Some(matcher),
    }
}

/// Returns the tools with these names.
pub(super) fn tools(names: &[&str]) -> Vec<Glob> {
    names.iter().map(|name| Glob((*name).into())).collect()
}

/// Returns the tools that a rule on `tool` is about: where it asks or denies, all
/// that do the same.
pub(super) fn tools_of(form: &Form<'_, '_>) -> Vec<Glob> {
    match (form.tool, form.restricts()) {
        ("Bash", true) => tools(&SHELLS),
        ("Read", true) => tools(&READERS),
        ("Edit", true) => tools(&EDITORS),
        ("Task", _) => tools(&["Agent"]),
        (tool, _) => tools(&[tool]),
    }
}

fn every_use(form: &Form<'_, '_>) -> Matcher {
    let changes = form.tool == "Bash" || EDITORS.contains(&form.tool);
    let is_whole = form.about.is_none() && !form.restricts();
    let hidden = (changes && is_whole).then(|| path::hidden(""));
    Matcher {
        tool: tools_of(form),
        not: hidden.map(Box::new),
        ..Matcher::default()
    }
}

/// Returns the parameter and its value, if the rule names one.
fn param<'n>(form: &Form<'_, '_>, about: &'n str) -> Option<(&'n str, &'n str)> {
    let (param, value) = about.split_once(':')?;
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let known = match form.tool {
        "Write" | "MultiEdit" | "NotebookEdit" => "Edit",
        "Task" => "Agent",
        tool => tool,
    };
    let is_known = match PARAMS.iter().find(|(tool, _)| *tool == known) {
        Some((_, params)) => params.contains(&param),
        None => true,
    };
    (is_known && !value.is_empty() && param.chars().all(is_name)).then_some((param, value))
}

fn by_param<'a>(
    walker: &mut Walker<'a>,
    form: &Form<'_, 'a>,
    param: &str,
    value: &str,
) -> Option<Matcher> {
    if !form.restricts() {
        let message = format!(
            "a rule on the parameter {} can only ask or deny",
            quoted(param)
        );
        return refuse(
            walker,
            form,
            message,
            "the host heeds no such rule in `allow`",
            String::new(),
        );
    }
    let params = conditions(walker, form, param, value)?;
    Some(Matcher {
        params,
        ..every_use(form)
    })
}

/// Returns the conditions that a parameter is given and has this value, in which
/// `*` stands for any characters.
fn conditions<'a>(
    walker: &mut Walker<'a>,
    form: &Form<'_, 'a>,
    param: &str,
    value: &str,
) -> Option<Vec<ParamCondition>> {
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
    if param.is_empty() || value.is_empty() || !param.chars().all(is_name) {
        let message = format!("{} names no parameter and its value", quoted(form.text));
        return refuse(
            walker,
            form,
            message,
            "write `Tool(parameter:value)`",
            String::new(),
        );
    }
    let is_given = ParamTest::Present(true);
    // In the order in which an imported policy writes them.
    let tests = if value.contains('*') {
        let parts: Vec<String> = value.split('*').map(regex::escape).collect();
        let pattern = format!("(?s)^{}$", parts.join(".*"));
        [is_given, ParamTest::Regex(Pattern::new(&pattern))]
    } else {
        [ParamTest::OneOf(scalars(value)), is_given]
    };
    let condition = |test| ParamCondition {
        path: vec![Arc::from(param)],
        test,
    };
    Some(tests.map(condition).into())
}

/// Returns all values that are written like this.
fn scalars(value: &str) -> Vec<Scalar> {
    let text = Scalar::Text(Arc::from(value));
    let other = match value {
        "true" => Some(Scalar::Bool(true)),
        "false" => Some(Scalar::Bool(false)),
        "null" => Some(Scalar::Null),
        _ => value.parse().ok().map(Scalar::Integer),
    };
    std::iter::once(text).chain(other).collect()
}

/// Returns that a parameter is one of these texts.
fn equals<const N: usize>(form: &Form<'_, '_>, param: &str, texts: [String; N]) -> Matcher {
    let texts = texts.iter().map(|it| Scalar::Text(Arc::from(it.as_str())));
    let test = ParamTest::OneOf(texts.collect());
    let path = vec![Arc::from(param)];
    Matcher {
        params: vec![ParamCondition { path, test }],
        ..every_use(form)
    }
}

/// Returns what a rule on a skill is about; its arguments are not told apart.
fn skill(form: &Form<'_, '_>, about: &str) -> Matcher {
    let name = about
        .strip_suffix(":*")
        .or_else(|| about.strip_suffix(" *"));
    let name = name.unwrap_or(about).trim_start_matches('/');
    match form.restricts() {
        true => equals(form, "skill", [name.to_owned(), format!("/{name}")]),
        false => equals(form, "skill", [name.to_owned()]),
    }
}

fn domain<'a>(walker: &mut Walker<'a>, form: &Form<'_, 'a>, about: &str) -> Option<Matcher> {
    let Some(name) = about.strip_prefix("domain:").filter(|it| !it.is_empty()) else {
        let name = about.rsplit("//").next().unwrap_or(about);
        let name = name.split('/').next().unwrap_or(name);
        let message = format!("{} names no domain", quoted(form.text));
        let meant = format!("WebFetch(domain:{name})");
        return refuse(
            walker,
            form,
            message,
            "a rule on `WebFetch` goes by the domain",
            meant,
        );
    };
    if name == "*" {
        return Some(every_use(form));
    }
    let name = check_host_name(walker, form.node, name)?;
    let host = vec![HostPattern {
        name: vec![name],
        ..HostPattern::default()
    }];
    Some(Matcher {
        host,
        ..every_use(form)
    })
}
