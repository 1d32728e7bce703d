//! Which requests a rule is about.

use std::ops::Range;
use std::sync::Arc;

use aegis_shell::ascii_host;
use aegis_types::{Access, Action, EffectKind, NetworkClass};

use super::params;
use super::rules::RISKS;
use crate::matcher::{HostPattern, Matcher, OptionPattern, PathPattern, ShellPattern};
use crate::parse::{Map, Node, NodeValue, Walker};
use crate::pattern::Glob;
use crate::problem::{ProblemCode, quoted};
use crate::sql::SqlKind;

const KEYS: [&str; 13] = [
    "tool", "action", "agent", "skill", "risk", "params", "shell", "path", "host", "effect", "any",
    "all", "not",
];

/// Reads what a rule matches, or `all` for everything.
pub(super) fn matcher_or_all<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<Matcher> {
    match &node.value {
        NodeValue::Scalar { text, .. } if text == "all" => Some(Matcher::default()),
        NodeValue::Map(entries) if entries.is_empty() => {
            let message = "`match` holds nothing";
            walker
                .error(ProblemCode::Nothing, &node.span, message)
                .help("write `match: all` if everything is meant")
                .suggest("all");
            None
        }
        NodeValue::Scalar { .. } => {
            walker
                .wrong_type(node, "`match`", "a mapping, or `all`")
                .help("write for example `match: {tool: Bash}`, or `match: all` for everything");
            None
        }
        NodeValue::List(_) | NodeValue::Map(_) => matcher(walker, node, "`match`"),
    }
}

/// Reads what a rule matches.
///
/// The depth of the tree is bounded, so the recursion is.
fn matcher<'a>(walker: &mut Walker<'a>, node: &Node<'a>, noun: &'static str) -> Option<Matcher> {
    if let NodeValue::List(_) = &node.value {
        walker
            .wrong_type(node, noun, "a mapping")
            .help("write alternatives under `any:`");
        return None;
    }
    let map = walker.map(node, noun, &KEYS)?;
    Some(Matcher {
        tool: globs(walker, map, "tool"),
        action: many(walker, map, "action", action),
        resource: Vec::new(),
        agent: globs(walker, map, "agent"),
        skill: globs(walker, map, "skill"),
        risk: map
            .get("risk")
            .and_then(|it| walker.choice(it, "`risk`", &RISKS)),
        params: map
            .get("params")
            .map_or_else(Vec::new, |it| params::conditions(walker, it)),
        shell: many(walker, map, "shell", shell),
        path: paths(walker, map),
        host: hosts(walker, map),
        effect: many(walker, map, "effect", effect),
        any: many(walker, map, "any", |walker, it| {
            matcher(walker, it, "`any`")
        }),
        all: many(walker, map, "all", |walker, it| {
            matcher(walker, it, "`all`")
        }),
        not: map
            .get("not")
            .and_then(|it| matcher(walker, it, "`not`"))
            .map(Box::new),
    })
}

fn many<'a, T>(
    walker: &mut Walker<'a>,
    map: Map<'_, 'a>,
    key: &'static str,
    read: impl FnMut(&mut Walker<'a>, &Node<'a>) -> Option<T>,
) -> Vec<T> {
    match map.get(key) {
        Some(node) => walker.one_or_many(node, &format!("`{key}`"), read),
        None => Vec::new(),
    }
}

fn globs<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>, key: &'static str) -> Vec<Glob> {
    let what = format!("`{key}`");
    many(walker, map, key, |walker, node| walker.glob(node, &what))
}

fn texts<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>, key: &'static str) -> Vec<Arc<str>> {
    let what = format!("`{key}`");
    many(walker, map, key, |walker, node| {
        walker.some_text(node, &what).map(Arc::from)
    })
}

fn action<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<Action> {
    let choices = Action::ALL.map(|it| (it.as_str(), it));
    walker.choice(node, "`action`", &choices)
}

fn effect<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<EffectKind> {
    let choices = EffectKind::ALL.map(|it| (it.as_str(), it));
    walker.choice(node, "`effect`", &choices)
}

fn shell<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<ShellPattern> {
    const KEYS: [&str; 9] = [
        "program",
        "subcommand",
        "flags",
        "arguments",
        "line",
        "words",
        "options",
        "text",
        "sql",
    ];
    let map = walker.map(node, "`shell`", &KEYS)?;
    let pattern = ShellPattern {
        program: globs(walker, map, "program"),
        subcommand: globs(walker, map, "subcommand"),
        flags: many(walker, map, "flags", flag),
        arguments: globs(walker, map, "arguments"),
        line: globs(walker, map, "line"),
        words: map.get("words").map(|it| words(walker, it)),
        options: map
            .get("options")
            .map_or_else(Vec::new, |it| options(walker, it)),
        text: many(walker, map, "text", |walker, node| {
            walker.regex(node, "`text`")
        }),
        sql: many(walker, map, "sql", |walker, node| {
            walker.choice(node, "`sql`", &SqlKind::NAMES)
        }),
    };
    for entry in map.entries().iter().filter(|it| it.key == "program") {
        check_programs(walker, &entry.value);
    }
    Some(pattern)
}

/// Refuses programs that hold more than a name: they would never match.
fn check_programs<'a>(walker: &mut Walker<'a>, node: &Node<'a>) {
    let items = match &node.value {
        NodeValue::List(items) => items.as_slice(),
        NodeValue::Scalar { .. } | NodeValue::Map(_) => std::slice::from_ref(node),
    };
    for item in items {
        let NodeValue::Scalar { text, .. } = &item.value else {
            continue;
        };
        if text.contains('/') {
            let name = text.rsplit('/').next().unwrap_or_default();
            walker
                .error(
                    ProblemCode::UnknownValue,
                    &item.span,
                    "a program is named without its folder",
                )
                .suggest(name);
        } else if text.contains(char::is_whitespace) {
            let message = format!("{} is more than the name of a program", quoted(text));
            walker
                .error(ProblemCode::UnknownValue, &item.span, message)
                .help("write the rest under `subcommand:`, `flags:` or `arguments:`");
        }
    }
}

/// Reads every word after a program; there may be none.
fn words<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Vec<Arc<str>> {
    match &node.value {
        NodeValue::List(items) if items.is_empty() => Vec::new(),
        NodeValue::List(_) | NodeValue::Scalar { .. } | NodeValue::Map(_) => {
            walker.list(node, "`words`", |walker, item| {
                walker.text(item, "a word").map(Arc::from)
            })
        }
    }
}

/// Reads options, each with the values that it may be given.
fn options<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Vec<OptionPattern> {
    let Some(map) = walker.free_map(node, "`options`") else {
        return Vec::new();
    };
    let mut options = Vec::new();
    for entry in map.entries() {
        let name = check_flag(walker, &entry.key_span, &entry.key);
        let value = walker.one_or_many(&entry.value, "the value of an option", |walker, node| {
            walker.glob(node, "the value of an option")
        });
        options.extend(name.map(|name| OptionPattern { name, value }));
    }
    options
}

fn flag<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<Arc<str>> {
    let text = walker.some_text(node, "a flag")?;
    check_flag(walker, &node.span, text)
}

fn check_flag(walker: &mut Walker<'_>, span: &Range<usize>, text: &str) -> Option<Arc<str>> {
    if text.starts_with('-') && text.len() > 1 && !text.contains(['=', ' ']) {
        return Some(Arc::from(text));
    }
    let message = format!("{} is no flag", quoted(text));
    walker
        .error(ProblemCode::UnknownValue, span, message)
        .help("a flag begins with `-` and stands without its value, such as `--force` or `-f`");
    None
}

fn paths<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Vec<PathPattern> {
    let Some(node) = map.get("path") else {
        return Vec::new();
    };
    let is_text = |node: &Node<'_>| matches!(node.value, NodeValue::Scalar { .. });
    let is_plain = match &node.value {
        NodeValue::Scalar { .. } => true,
        NodeValue::List(items) => !items.is_empty() && items.iter().all(is_text),
        NodeValue::Map(_) => false,
    };
    if is_plain {
        let glob = walker.one_or_many(node, "`path`", path_glob);
        let access = Access::default();
        return vec![PathPattern { glob, access }];
    }
    walker.one_or_many(node, "`path`", |walker, item| match &item.value {
        NodeValue::Scalar { .. } => Some(PathPattern {
            glob: path_glob(walker, item).into_iter().collect(),
            access: Access::default(),
        }),
        NodeValue::List(_) | NodeValue::Map(_) => path(walker, item),
    })
}

fn path<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<PathPattern> {
    const WAYS: [(&str, Access); 4] = [
        ("read", Access::READ),
        ("write", Access::WRITE),
        ("delete", Access::DELETE),
        ("execute", Access::EXECUTE),
    ];
    let map = walker.map(node, "`path`", &["glob", "access"])?;
    let ways = many(walker, map, "access", |walker, node| {
        walker.choice(node, "`access`", &WAYS)
    });
    let glob = walker.required(map, "glob")?;
    Some(PathPattern {
        glob: walker.one_or_many(glob, "`glob`", path_glob),
        access: ways.into_iter().fold(Access::default(), Access::or),
    })
}

fn path_glob<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<Glob> {
    let text = walker.some_text(node, "a path")?;
    let is_anchored = ["/", "~/", "./", "**/"]
        .iter()
        .any(|it| text.starts_with(it));
    if !is_anchored && !matches!(text, "~" | "." | "**") {
        let message = format!("{} does not say where it begins", quoted(text));
        let problem = walker.error(ProblemCode::BadGlob, &node.span, message);
        problem.help(
            "a path begins with `/`, `~/` (home), `./` (working directory) or `**/` (at any depth)",
        );
        let is_name = !text.starts_with(['~', '.', '*', '!', '$', '{', '[']);
        if is_name || text.starts_with('.') && !text.contains('/') {
            let at = if text.contains('/') { "./" } else { "**/" };
            problem.suggest(format!("\"{at}{text}\""));
        }
        return None;
    }
    let steps = text.strip_prefix('/').unwrap_or(text);
    let is_odd = |step: &str| step.is_empty() || step == "..";
    if text != "/" && steps.split('/').any(is_odd) {
        let message = format!("{} holds an empty step or `..`", quoted(text));
        let problem = walker.error(ProblemCode::BadGlob, &node.span, message);
        problem.help("paths are compared after they are resolved; write `…/**` for all that lies in a folder");
        return None;
    }
    walker.check_glob(node, "a path", text)
}

fn hosts<'a>(walker: &mut Walker<'a>, map: Map<'_, 'a>) -> Vec<HostPattern> {
    let Some(node) = map.get("host") else {
        return Vec::new();
    };
    let is_plain = match &node.value {
        NodeValue::Scalar { .. } => true,
        NodeValue::List(items) => {
            let is_text = |node: &Node<'_>| matches!(node.value, NodeValue::Scalar { .. });
            !items.is_empty() && items.iter().all(is_text)
        }
        NodeValue::Map(_) => false,
    };
    if is_plain {
        let name = walker.one_or_many(node, "`host`", host_name);
        return vec![HostPattern {
            name,
            ..HostPattern::default()
        }];
    }
    walker.one_or_many(node, "`host`", |walker, item| match &item.value {
        NodeValue::Scalar { .. } => Some(HostPattern {
            name: host_name(walker, item).into_iter().collect(),
            ..HostPattern::default()
        }),
        NodeValue::List(_) | NodeValue::Map(_) => host(walker, item),
    })
}

fn host<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<HostPattern> {
    const CLASSES: [(&str, NetworkClass); 9] = [
        ("name", NetworkClass::Name),
        ("global", NetworkClass::Global),
        ("loopback", NetworkClass::Loopback),
        ("private", NetworkClass::Private),
        ("link_local", NetworkClass::LinkLocal),
        ("metadata", NetworkClass::Metadata),
        ("multicast", NetworkClass::Multicast),
        ("unspecified", NetworkClass::Unspecified),
        ("unknown", NetworkClass::Unknown),
    ];
    let map = walker.map(node, "`host`", &["name", "scheme", "port", "class"])?;
    let lower = |it: Arc<str>| Arc::from(it.to_lowercase().trim_end_matches("://"));
    Some(HostPattern {
        name: many(walker, map, "name", host_name),
        scheme: texts(walker, map, "scheme")
            .into_iter()
            .map(lower)
            .collect(),
        port: many(walker, map, "port", |walker, node| {
            let port = walker.integer(node, "`port`", 1..=65_535)?;
            u16::try_from(port).ok()
        }),
        class: many(walker, map, "class", |walker, node| {
            walker.choice(node, "`class`", &CLASSES)
        }),
    })
}

fn host_name<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<Glob> {
    let text = walker.some_text(node, "a host")?;
    check_host_name(walker, node, text)
}

/// Checks the name of a host that `node` says.
pub(crate) fn check_host_name<'a>(
    walker: &mut Walker<'a>,
    node: &Node<'a>,
    text: &str,
) -> Option<Glob> {
    let lower = text.to_lowercase();
    let is_address = lower.matches(':').count() > 1;
    if lower.contains('/') || (lower.contains(':') && !is_address) || lower.contains('@') {
        let message = format!("{} is more than the name of a host", quoted(text));
        walker
            .error(ProblemCode::UnknownValue, &node.span, message)
            .help(
                "write `host: {name: example.org, scheme: https, port: 443}`; a host has no path",
            );
        return None;
    }
    let name = looked_up(walker, node, lower.trim_end_matches('.'))?;
    walker.check_glob(node, "a host", &name)
}

/// Returns `name` as facts on hosts spell it: letters outside ASCII in Punycode.
fn looked_up<'a>(walker: &mut Walker<'a>, node: &Node<'a>, name: &str) -> Option<String> {
    let mut labels = Vec::new();
    for label in name.split('.') {
        let is_plain = label.is_ascii() || !label.contains(['*', '?', '[', ']', '{', '}', '\\']);
        let Some(code) = is_plain.then(|| ascii_host(label)).flatten() else {
            let message = format!("how {} is looked up cannot be told", quoted(label));
            walker
                .error(ProblemCode::UnknownValue, &node.span, message)
                .help("write it in Punycode, as in `xn--mnchen-3ya.de`");
            return None;
        };
        labels.push(code);
    }
    Some(labels.join("."))
}
