//! The narrowest rule that allows a call that was looked at.

mod insert;
mod params;
mod shell;

pub use insert::{CannotInsert, with_rules};

use std::fmt::Write as _;

use aegis_types::{Access, Action, HostFact, NetworkClass, PathFact};
use serde_json::{Map, Value, json};

use crate::holds::{Facts, below};
use crate::truth::Truth;
use crate::yaml;

/// In what a rule may be wider than the call that it is made of.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Widening {
    /// Any arguments of a command, or parameters of a tool.
    pub arguments: bool,
    /// Further flags of a command.
    pub flags: bool,
    /// Every file in the folders of those that are touched.
    pub path: bool,
    /// Any scheme and port of a host.
    pub host: bool,
}

/// A rule that allows no more than what it was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct NarrowRule {
    /// Its name.
    pub id: String,
    /// What it is about, by the keys of `match` in their order.
    about: Vec<(&'static str, Value)>,
    /// Calls that it should match.
    pub matches: Vec<NarrowExample>,
    /// Calls beside them that it should miss.
    pub misses: Vec<NarrowExample>,
}

/// A call that shows what a rule is about.
#[derive(Clone, Debug, PartialEq)]
pub struct NarrowExample {
    /// The tool.
    pub tool: String,
    /// The arguments.
    pub params: Value,
}

/// Why no rule can be made of a call.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CannotNarrow {
    /// What was recorded is not what was asked for.
    #[error("a secret or a text that is no JSON was replaced before the call was recorded")]
    Replaced,
    /// Part of a command line is not followed.
    #[error("it holds what only running it would show")]
    Unknown,
    /// A word of a command is not known.
    #[error("a word after `{program}` is known only when it runs")]
    Word {
        /// The program.
        program: String,
    },
    /// It is not known which program runs, or none does.
    #[error("it is no plain command with a known program")]
    Program,
    /// A path cannot be told.
    #[error("where `{written}` leads is not known")]
    Path {
        /// The path as written.
        written: String,
    },
    /// A host cannot be told.
    #[error("which host `{written}` is is not known")]
    Host {
        /// The host as written.
        written: String,
    },
    /// A parameter is no plain value.
    #[error("the parameter `{path}` cannot stand in a rule")]
    Parameter {
        /// The path to it.
        path: String,
    },
    /// Nothing tells the call from others.
    #[error("nothing tells this call from others of the tool `{tool}`")]
    Nothing {
        /// The tool.
        tool: String,
    },
}

/// Returns the narrowest rule that allows one part of a call.
///
/// Whether it does, and what else, only deciding tells.
///
/// # Errors
///
/// [`CannotNarrow`] where something is unknown: a rule is never made of a guess.
pub fn narrowest(
    facts: &Facts<'_>,
    part: usize,
    wider: Widening,
) -> Result<NarrowRule, CannotNarrow> {
    let request = facts.request();
    let context = &request.context;
    if context.redacted > 0 || context.tagged > 0 {
        return Err(CannotNarrow::Replaced);
    }
    match request.action {
        Action::ShellExec => shell::narrowest(facts, part, wider),
        Action::FsRead | Action::FsWrite | Action::FsSearch => {
            let paths: Vec<&PathFact> = context.paths.iter().collect();
            let about = paths_about(facts, &paths, wider)?;
            let written = paths.iter().map(|fact| &*fact.written);
            of_tool(facts, about.map(|it| ("path", it)), written, |text| {
                format!("{text}.other")
            })
        }
        Action::NetFetch => {
            let hosts: Vec<&HostFact> = context.hosts.iter().collect();
            let about = hosts_about(&hosts, wider)?;
            let written = hosts.iter().map(|fact| &*fact.written);
            of_tool(facts, about.map(|it| ("host", it)), written, |text| {
                text.replacen("://", "://other.", 1)
            })
        }
        Action::NetSearch
        | Action::McpCall
        | Action::AgentStart
        | Action::SkillUse
        | Action::ToolCall => params::narrowest(facts, wider),
    }
}

/// Returns the rule on a tool that is told by what it touches; its examples have
/// the parameters that name that, and `other` makes another of each.
fn of_tool<'w>(
    facts: &Facts<'_>,
    about: Option<(&'static str, Value)>,
    written: impl Iterator<Item = &'w str>,
    other: impl Fn(&str) -> String,
) -> Result<NarrowRule, CannotNarrow> {
    let request = facts.request();
    let tool = request.tool.to_string();
    let about = about.ok_or_else(|| CannotNarrow::Nothing { tool: tool.clone() })?;
    let written: Vec<&str> = written.collect();
    let named = |change: &dyn Fn(&str) -> String| {
        let members = request.params.as_object().into_iter().flatten();
        let texts = members.filter_map(|(key, value)| Some((key, value.as_str()?)));
        let named = texts.filter(|(_, text)| written.contains(text));
        let changed = named.map(|(key, text)| (key.clone(), Value::from(change(text))));
        NarrowExample {
            tool: tool.clone(),
            params: Value::Object(changed.collect::<Map<_, _>>()),
        }
    };
    let what = written.first().copied().unwrap_or_default();
    Ok(NarrowRule {
        id: id(&[&tool, what]),
        matches: vec![named(&str::to_owned)],
        misses: vec![named(&other)],
        about: vec![("tool", json!(tool)), about],
    })
}

/// Returns what `path` says of exactly these; nothing if there are none.
fn paths_about(
    facts: &Facts<'_>,
    paths: &[&PathFact],
    wider: Widening,
) -> Result<Option<Value>, CannotNarrow> {
    let mut about = Vec::new();
    for fact in paths {
        let resolved = fact.resolved.as_deref().filter(|_| !fact.unknown);
        let resolved = resolved.ok_or_else(|| CannotNarrow::Path {
            written: fact.written.clone(),
        })?;
        let place = place(facts, &fact.written, resolved, wider.path);
        let pattern = json!({"glob": place, "access": ways(fact.access)});
        if !about.contains(&pattern) {
            about.push(pattern);
        }
    }
    Ok(one_or_many(about))
}

/// Returns the glob for a path: from the working directory where it was written
/// so, and else from the root.
///
/// All that lies in a working directory is no project where that directory holds the
/// home directory, so it is no place to take in whole.
fn place(facts: &Facts<'_>, written: &str, resolved: &str, takes_folder: bool) -> String {
    let context = &facts.request().context;
    let holds_home = below(&context.home, &context.directory).is_some();
    let is_absolute = written.starts_with(['/', '~']) || takes_folder && holds_home;
    let inner = below(resolved, &context.directory).filter(|_| !is_absolute);
    let place = match inner {
        Some("") => ".".to_owned(),
        Some(inner) => format!("./{}", literal(inner)),
        None => literal(resolved),
    };
    match place.rsplit_once('/') {
        Some((folder, _)) if takes_folder => format!("{folder}/**"),
        Some(_) | None => place,
    }
}

fn ways(access: Access) -> Value {
    let ways = [
        (access.read, "read"),
        (access.write, "write"),
        (access.delete, "delete"),
        (access.execute, "execute"),
    ];
    let given = ways.into_iter().filter(|(is_given, _)| *is_given);
    let given: Vec<Value> = given.map(|(_, way)| json!(way)).collect();
    one_or_many(given).unwrap_or_default()
}

/// Returns what `host` says of exactly these; nothing if there are none.
fn hosts_about(hosts: &[&HostFact], wider: Widening) -> Result<Option<Value>, CannotNarrow> {
    let mut about = Vec::new();
    for fact in hosts {
        let is_known = fact.class != NetworkClass::Unknown;
        let name = fact.host.as_deref().filter(|_| is_known);
        let name = name.ok_or_else(|| CannotNarrow::Host {
            written: fact.written.clone(),
        })?;
        let mut pattern = Map::new();
        pattern.insert("name".to_owned(), json!(literal(name)));
        let scheme = fact.scheme.as_ref().map(|it| ("scheme", json!(it)));
        let port = fact.port.map(|it| ("port", json!(it)));
        let exact = scheme.into_iter().chain(port).filter(|_| !wider.host);
        pattern.extend(exact.map(|(key, value)| (key.to_owned(), value)));
        let pattern = Value::Object(pattern);
        if !about.contains(&pattern) {
            about.push(pattern);
        }
    }
    Ok(one_or_many(about))
}

fn one_or_many(mut values: Vec<Value>) -> Option<Value> {
    match values.len() {
        0 => None,
        1 => values.pop(),
        _ => Some(Value::Array(values)),
    }
}

/// Returns the glob that matches only `text`.
fn literal(text: &str) -> String {
    let mut glob = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!') {
            glob.push('\\');
        }
        glob.push(letter);
    }
    glob
}

/// Returns a name for a rule on what these texts say.
fn id(texts: &[&str]) -> String {
    let mut id = "always".to_owned();
    let words = texts
        .iter()
        .flat_map(|text| text.split(|it: char| !it.is_ascii_alphanumeric()));
    for word in words.filter(|word| !word.is_empty()) {
        if id.len() + word.len() > 48 {
            break;
        }
        id.push('-');
        id.push_str(&word.to_ascii_lowercase());
    }
    id
}

impl NarrowRule {
    /// Returns whether both rules are about the same, whatever they are called and
    /// whichever examples they have.
    #[must_use]
    pub fn means_same(&self, other: &Self) -> bool {
        self.about == other.about
    }

    /// Returns whether something bounds the rule besides the name of a program and
    /// a folder of the root: words or a subcommand, and a path of some length.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        let each = |value: &Value, is_bounded: fn(&Value) -> bool| match value {
            Value::Array(values) => values.iter().all(is_bounded),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => is_bounded(value),
        };
        self.about.iter().all(|(key, value)| match *key {
            "shell" => each(value, |it| {
                it.get("subcommand").is_some() || it.get("words").is_some()
            }),
            "path" => each(value, |it| {
                let glob = it.get("glob").and_then(Value::as_str).unwrap_or_default();
                !(glob.starts_with('/') && glob.ends_with("/**") && glob.matches('/').count() < 3)
            }),
            _ => true,
        })
    }

    /// Returns the rule as a member of the list of rules, `indent` blanks from the left.
    #[must_use]
    pub fn text(&self, indent: usize) -> String {
        let mut lines = vec![format!("- id: {}", self.id), "  match:".to_owned()];
        let about = self.about.iter();
        lines.extend(about.map(|(key, value)| format!("    {key}: {}", yaml::inline(value))));
        lines.push("  verdict: allow".to_owned());
        if !(self.matches.is_empty() && self.misses.is_empty()) {
            lines.push("  examples:".to_owned());
        }
        for (key, examples) in [("matches", &self.matches), ("misses", &self.misses)] {
            if !examples.is_empty() {
                lines.push(format!("    {key}:"));
            }
            let values = examples.iter().map(NarrowExample::value);
            lines.extend(values.map(|it| format!("      - {}", yaml::inline(&it))));
        }
        let mut text = String::new();
        for line in lines {
            let _ = writeln!(text, "{:indent$}{line}", "");
        }
        text
    }
}

impl NarrowExample {
    fn shell(tool: &str, line: &str) -> Self {
        Self {
            tool: tool.to_owned(),
            params: json!({"command": line}),
        }
    }

    /// Returns the example as it is written in a policy.
    fn value(&self) -> Value {
        match self.params.get("command") {
            Some(line) if self.tool == crate::native::SHELL_TOOL => line.clone(),
            Some(_) | None => json!({"tool": self.tool, "params": self.params}),
        }
    }
}

/// Returns whether a rule surely holds for a part, or why it does not.
#[must_use]
pub fn allows_part(rule: &crate::rule::Rule, facts: &Facts<'_>, part: usize) -> Truth {
    let whole = rule.matcher.holds_of_whole(facts, rule.verdict);
    rule.matcher
        .holds_of_part(facts, rule.verdict, &whole, part)
}
