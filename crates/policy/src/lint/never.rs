//! Patterns, and combinations of them, that nothing can match.

use super::clause::{Clause, Level, get, map, text, texts};
use super::cover::covers;
use super::tools;
use super::{Change, Lint, LintCode};
use crate::matcher::{Matcher, ParamTest};
use crate::parse::{Entry, Node, nearest};
use crate::pattern::Glob;
use crate::problem::quoted;

/// Schemes of addresses that programs and tools speak.
const SCHEMES: [&str; 14] = [
    "http", "https", "ftp", "ftps", "sftp", "ssh", "git", "ws", "wss", "file", "ldap", "ldaps",
    "tcp", "udp",
];

/// Finds what can never match.
pub(super) fn check(lint: &mut Lint<'_>, clause: &Clause<'_, '_>) {
    for level in clause.levels() {
        check_paths(lint, clause, &level);
        check_hosts(lint, clause, &level);
        for shell in level.shells() {
            check_shell(lint, clause, &level, shell);
        }
        check_tools(lint, &level);
    }
    check_excluded(lint, clause);
    check_bounds(lint, clause);
}

/// A text that nothing matches, and where it is written.
struct Dead<'l, 'n, 'a> {
    clause: &'l Clause<'n, 'a>,
    level: &'l Level<'n, 'a>,
    text: &'n str,
    node: &'n Node<'a>,
}

impl Dead<'_, '_, '_> {
    /// Tells why nothing matches it, and what was probably meant.
    fn tell(&self, lint: &mut Lint<'_>, message: String, help: &str, meant: Option<&str>) {
        // What matches nothing can only come to match more.
        let change = match self.level.is_negated {
            true => Change::Narrows,
            false => Change::Widens,
        };
        let is_safe = change.is_safe(self.clause, lint.policy);
        let change = meant.and_then(|meant| lint.change(self.node, self.text, meant, is_safe));
        lint.find(LintCode::NeverMatches, &self.node.span, message)
            .help(help)
            .mend(change);
    }
}

fn check_paths(lint: &mut Lint<'_>, clause: &Clause<'_, '_>, level: &Level<'_, '_>) {
    for (text, node) in level.paths() {
        let dead = Dead {
            clause,
            level,
            text,
            node,
        };
        if let Some(class) = reversed_class(text) {
            let class = quoted(class);
            let message = format!("{class} goes from a greater character to a smaller one");
            let help = "write the smaller one first, as in `[a-z]`";
            dead.tell(lint, message, help, None);
        }
        let Some((root, rest)) = text.split_once('/') else {
            continue;
        };
        if rest.split('/').any(|step| step == ".") {
            let steps: Vec<&str> = rest.split('/').filter(|step| *step != ".").collect();
            let meant = format!("{root}/{}", steps.join("/"));
            let path = quoted(text);
            let message = format!("{path} has a step `.`, and no resolved path has one");
            let help = "paths are compared after they are resolved";
            dead.tell(lint, message, help, Some(&meant));
        }
    }
}

/// Returns a class of characters that is empty because it runs backwards.
fn reversed_class(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(start) = rest.find('[') {
        let (_, inner) = rest.split_at(start);
        let end = inner.find(']')?;
        let class = inner.get(..=end)?;
        let letters: Vec<char> = class.chars().collect();
        if let ['[', from, '-', to, ']'] = letters.as_slice()
            && from > to
        {
            return Some(class);
        }
        rest = inner.get(end..)?;
    }
    None
}

fn check_hosts(lint: &mut Lint<'_>, clause: &Clause<'_, '_>, level: &Level<'_, '_>) {
    for (text, node) in level.hosts() {
        let dead = Dead {
            clause,
            level,
            text,
            node,
        };
        let name = text.trim_end_matches('.');
        let is_address = name.contains(':');
        if name.contains("..") || name.starts_with('.') && !is_address {
            let below = format!("*{name}");
            let meant = (!name.contains("..")).then_some(&*below);
            let host = quoted(text);
            let message = format!("{host} has a label without letters, and no host has one");
            let help = "`*.example.org` is every name below `example.org`";
            dead.tell(lint, message, help, meant);
        } else if name.contains([' ', ',']) && !name.contains('{') {
            let message = format!("{} is no name of a host", quoted(text));
            let help = "write a list for several hosts: `[a.example.org, b.example.org]`";
            dead.tell(lint, message, help, None);
        }
    }
    for (text, node) in level.schemes() {
        let lower = text.to_lowercase();
        let scheme = lower.trim_end_matches("://");
        let near = nearest(scheme, SCHEMES).filter(|_| !SCHEMES.contains(&scheme));
        if let Some(near) = near {
            let dead = Dead {
                clause,
                level,
                text,
                node,
            };
            let message = format!("nothing speaks {}", quoted(text));
            let help = format!("did you mean `{near}`?");
            dead.tell(lint, message, &help, Some(near));
        }
    }
}

fn check_shell(
    lint: &mut Lint<'_>,
    clause: &Clause<'_, '_>,
    level: &Level<'_, '_>,
    shell: &[Entry<'_>],
) {
    let programs = get(shell, "program").map_or_else(Vec::new, texts);
    for (text, node) in get(shell, "subcommand").map_or_else(Vec::new, texts) {
        let dead = Dead {
            clause,
            level,
            text,
            node,
        };
        let is_option = |word: &str| word.starts_with('-');
        if text.split(' ').any(is_option) {
            let message = format!("{} holds an option, and no subcommand does", quoted(text));
            let help = "write options under `flags:`, where every spelling of them counts";
            dead.tell(lint, message, help, None);
            continue;
        }
        let own = programs.iter().find_map(|(program, _)| {
            let rest = text.strip_prefix(program)?.strip_prefix(' ')?;
            Some((program, rest.trim_start()))
        });
        if let Some((program, rest)) = own {
            let message = format!("the subcommand repeats the program {}", quoted(program));
            let help = "a subcommand is what stands after the program";
            dead.tell(lint, message, help, Some(rest));
        }
    }
    let known = |name: &str| aegis_shell::program_names().any(|it| it == name);
    for (text, node) in programs {
        let lower = text.to_lowercase();
        if lower != text && !known(text) && known(&lower) {
            let dead = Dead {
                clause,
                level,
                text,
                node,
            };
            let message = format!("no program is called {}", quoted(text));
            let help = format!("did you mean `{lower}`?");
            dead.tell(lint, message, &help, Some(&lower));
        }
    }
}

/// Finds tools that never have what the same `match` is about.
fn check_tools(lint: &mut Lint<'_>, level: &Level<'_, '_>) {
    let named = level.texts("tool");
    if named.is_empty() {
        return;
    }
    type Suits = fn(&str) -> bool;
    let kinds: [(&str, Suits, &str); 3] = [
        ("shell", tools::runs_commands, "runs a command line"),
        ("path", tools::touches_files, "touches a path"),
        ("host", tools::speaks_to_hosts, "speaks to a host"),
    ];
    for (key, has, words) in kinds {
        let Some(entry) = level.entries.iter().find(|entry| entry.key == key) else {
            continue;
        };
        let some = |(text, _): &(&str, _)| tools::some_known(&Glob((*text).into()), has);
        if !named.iter().any(some) {
            let message = format!("no tool that is named here {words}");
            lint.find(LintCode::NeverMatches, &entry.key_span, message)
                .help("all that one `match` says must hold of one call");
        }
    }
}

/// Finds matchers that exclude all that they are about.
fn check_excluded(lint: &mut Lint<'_>, clause: &Clause<'_, '_>) {
    let Some(not) = clause.matcher.not.as_deref() else {
        return;
    };
    let about = Matcher {
        not: None,
        ..clause.matcher.clone()
    };
    if !covers(not, &about) {
        return;
    }
    let levels = clause.levels();
    let entry = levels
        .first()
        .and_then(|level| level.entries.iter().find(|entry| entry.key == "not"));
    if let Some(entry) = entry {
        let message = "this excludes all that the rule is about";
        lint.find(LintCode::NeverMatches, &entry.key_span, message)
            .help("exclude less than what the rest of `match` says");
    }
}

/// Finds bounds on a number that leave none.
fn check_bounds(lint: &mut Lint<'_>, clause: &Clause<'_, '_>) {
    for level in clause.levels() {
        for entry in level.params() {
            let tests = map(&entry.value);
            let number = |key: &str| {
                let value = get(tests, key).and_then(text)?;
                value.parse::<i64>().ok()
            };
            let least = number("gte").or(number("gt").map(|it| it.saturating_add(1)));
            let most = number("lte").or(number("lt").map(|it| it.saturating_sub(1)));
            let is_empty = least.zip(most).is_some_and(|(least, most)| least > most);
            let is_absent =
                get(tests, "present").and_then(text) == Some("false") && tests.len() > 1;
            if is_empty || is_absent {
                let message = format!("no value of {} passes all of this", quoted(&entry.key));
                lint.find(LintCode::NeverMatches, &entry.key_span, message)
                    .help(
                        "the tests of one parameter must all hold; write alternatives under `any:`",
                    );
            }
        }
    }
    check_one_value(lint, clause);
}

/// Finds a parameter that must equal two values at once.
fn check_one_value(lint: &mut Lint<'_>, clause: &Clause<'_, '_>) {
    for one in &clause.matcher.all {
        for condition in &one.params {
            let ParamTest::Equals(value) = &condition.test else {
                continue;
            };
            let other = clause
                .matcher
                .all
                .iter()
                .flat_map(|it| &it.params)
                .any(|it| {
                    it.path == condition.path
                        && matches!(&it.test, ParamTest::Equals(other) if other != value)
                });
            if other {
                let path = condition.path.join(".");
                let message = format!("{} cannot equal two values at once", quoted(&path));
                lint.find(LintCode::NeverMatches, &clause.span, message)
                    .help("write alternatives under `any:`, or a list of values");
                return;
            }
        }
    }
}
