//! Whether two rules are surely about some call in common.
//!
//! A yes has a witness; a no may only mean that none was found.

use std::collections::BTreeSet;

use aegis_types::Access;

use super::cover::{Spread, expanded};
use super::tools;
use crate::matcher::{Matcher, PathPattern, ShellPattern};
use crate::pattern::Glob;
use crate::rule::Rule;

/// Programs whose arguments are files that they read or write.
const FILE_PROGRAMS: [&str; 16] = [
    "cat", "less", "more", "head", "tail", "cp", "mv", "rm", "ln", "tee", "sed", "grep", "touch",
    "chmod", "chown", "dd",
];

/// Returns whether some call is surely one that both are about.
pub(super) fn overlap(left: &Spread<'_>, right: &Spread<'_>) -> bool {
    left.alternatives.iter().any(|left| {
        right
            .alternatives
            .iter()
            .any(|right| overlap_one(left, right))
    })
}

/// Returns whether some call is surely one that both rules are about, as far as
/// their tools, commands, paths and hosts say.
pub(crate) fn rules_meet(left: &Rule, right: &Rule) -> bool {
    let plain = |rule: &Rule| {
        let mut rule = rule.clone();
        rule.matcher.not = None;
        rule.matcher.params.clear();
        rule
    };
    overlap(&Spread::new(&plain(left)), &Spread::new(&plain(right)))
}

fn overlap_one(left: &Matcher, right: &Matcher) -> bool {
    let is_simple = |it: &Matcher| {
        it.not.is_none()
            && it.params.is_empty()
            && it.risk.is_none()
            && it.agent.is_empty()
            && it.skill.is_empty()
            && it.action.is_empty()
            && it.effect.is_empty()
            && it.host.iter().all(|host| host.class.is_empty())
    };
    if !is_simple(left) || !is_simple(right) {
        return false;
    }
    let shell = some(&left.shell, &right.shell, shells_overlap);
    let path = some(&left.path, &right.path, paths_overlap);
    let host = some(&left.host, &right.host, |left, right| {
        some(&left.name, &right.name, names_overlap) != Some(false)
            && some(&left.port, &right.port, |left, right| left == right) != Some(false)
            && some(&left.scheme, &right.scheme, |left, right| left == right) != Some(false)
    });
    let tool = some(&left.tool, &right.tool, names_overlap);
    if [shell, path, host, tool].contains(&Some(false)) {
        return false;
    }
    // What they name must be of a kind, or the one must reach what the other names.
    let is_shared = shell.or(path).or(host).is_some() || tool.is_some();
    (is_shared || is_whole_tool(left) || reaches_files(left, right) || reaches_files(right, left))
        && suits_tools(left, right)
        && suits_tools(right, left)
}

/// Returns whether some of both agree; nothing if one of them is about everything.
fn some<T>(left: &[T], right: &[T], agree: impl Fn(&T, &T) -> bool) -> Option<bool> {
    let is_given = !left.is_empty() && !right.is_empty();
    is_given.then(|| {
        left.iter()
            .any(|left| right.iter().any(|right| agree(left, right)))
    })
}

/// Returns whether a rule is about whole tools that are known, whatever their calls do.
fn is_whole_tool(rule: &Matcher) -> bool {
    let is_known = |glob: &Glob| tools::tool_names().any(|name| glob.matches(name));
    rule.shell.is_empty()
        && rule.path.is_empty()
        && rule.host.is_empty()
        && rule.tool.iter().any(is_known)
}

/// Returns whether the commands of one rule touch the paths of another.
fn reaches_files(commands: &Matcher, files: &Matcher) -> bool {
    let is_plain = |it: &ShellPattern| {
        it.subcommand.is_empty()
            && it.flags.is_empty()
            && it.arguments.is_empty()
            && it.words.is_none()
            && it.options.is_empty()
            && it.text.is_empty()
            && it.sql.is_empty()
    };
    let touches = |it: &ShellPattern| {
        is_plain(it)
            && it
                .program
                .iter()
                .any(|program| FILE_PROGRAMS.iter().any(|known| program.matches(known)))
    };
    commands.path.is_empty() && !files.path.is_empty() && commands.shell.iter().any(touches)
}

/// Returns whether the tools of one rule have what the other is about.
fn suits_tools(tools: &Matcher, about: &Matcher) -> bool {
    let has = |kind: fn(&str) -> bool| {
        tools.tool.is_empty() || tools.tool.iter().any(|it| tools::some_known(it, kind))
    };
    (about.shell.is_empty() || has(tools::runs_commands))
        && (about.path.is_empty() || has(tools::touches_files))
        && (about.host.is_empty() || has(tools::speaks_to_hosts))
}

fn shells_overlap(left: &ShellPattern, right: &ShellPattern) -> bool {
    // A flag or an argument of the one does not exclude those of the other.
    some(&left.program, &right.program, names_overlap) != Some(false)
        && some(&left.subcommand, &right.subcommand, names_overlap) != Some(false)
        && (left.words.is_none() || right.words.is_none() || left.words == right.words)
}

fn paths_overlap(left: &PathPattern, right: &PathPattern) -> bool {
    let any = Access::default();
    let shares = |left: Access, right: Access| {
        left == any
            || right == any
            || left.read && right.read
            || left.write && right.write
            || left.delete && right.delete
            || left.execute && right.execute
    };
    shares(left.access, right.access)
        && some(&left.glob, &right.glob, path_globs_overlap) == Some(true)
}

pub(super) fn names_overlap(left: &Glob, right: &Glob) -> bool {
    let rights = expanded(right.as_str());
    let tokens = |text: &str| tokens(text, false);
    expanded(left.as_str())
        .iter()
        .any(|left| rights.iter().any(|right| meet(tokens(left), tokens(right))))
}

fn path_globs_overlap(left: &Glob, right: &Glob) -> bool {
    let rights = expanded(right.as_str());
    expanded(left.as_str()).iter().any(|left| {
        rights.iter().any(|right| {
            let ((left_root, left), (right_root, right)) = (rooted(left), rooted(right));
            let is_same = left_root == right_root || left_root == "**/" || right_root == "**/";
            is_same && meet(tokens(left, true), tokens(right, true))
        })
    })
}

/// Returns where a path begins, and the rest of it; all of one at any depth.
fn rooted(text: &str) -> (&str, &str) {
    for root in ["./", "~/", "/"] {
        if let Some(rest) = text.strip_prefix(root) {
            return (root, rest);
        }
    }
    ("**/", text)
}

/// A piece of a glob.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Token {
    /// This character.
    Letter(char),
    /// One character but `/`.
    One,
    /// Any characters but `/`.
    Many,
    /// Any folders, or none.
    Folders,
    /// Anything.
    All,
}

/// The greatest number of pairs of pieces that are compared.
const PAIRS_MAX: usize = 1 << 14;

/// Returns the pieces of a glob without braces; nothing if it has others.
///
/// In a name, `/` is a character like any other.
fn tokens(text: &str, is_path: bool) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let (token, length) = match letter {
            '[' | ']' | '{' | '}' | '\\' | '!' => return None,
            '*' if is_path && rest.starts_with("**/") => (Token::Folders, 3),
            '*' if rest.starts_with("**") => (Token::All, 2),
            '*' if is_path => (Token::Many, 1),
            '*' => (Token::All, 1),
            '?' => (Token::One, 1),
            letter => (Token::Letter(letter), letter.len_utf8()),
        };
        tokens.push(token);
        rest = rest.get(length..)?;
    }
    Some(tokens)
}

/// Returns whether some text is matched by both.
fn meet(left: Option<Vec<Token>>, right: Option<Vec<Token>>) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return false;
    };
    if left.len() * right.len() > PAIRS_MAX {
        return false;
    }
    let mut tried = BTreeSet::new();
    let mut open = vec![(0, 0)];
    while let Some((at, other)) = open.pop() {
        if !tried.insert((at, other)) {
            continue;
        }
        match (left.get(at), right.get(other)) {
            (None, None) => return true,
            (one, two) => {
                open.extend(steps(one, two).map(|(left, right)| (at + left, other + right)));
                let beyond = |tokens: &[Token], from: usize| {
                    let rest = tokens.iter().enumerate().skip(from);
                    rest.filter(|(_, it)| **it == Token::Letter('/'))
                        .map(|(place, _)| place + 1)
                        .collect::<Vec<_>>()
                };
                // Folders stand for all up to any later `/`.
                if one == Some(&Token::Folders) {
                    open.extend(beyond(&right, other).into_iter().map(|it| (at + 1, it)));
                }
                if two == Some(&Token::Folders) {
                    open.extend(beyond(&left, at).into_iter().map(|it| (it, other + 1)));
                }
            }
        }
    }
    false
}

/// Returns how far each side may go on from these two pieces.
fn steps(one: Option<&Token>, two: Option<&Token>) -> impl Iterator<Item = (usize, usize)> {
    use Token::{All, Folders, Letter, Many, One};
    let is_name = |it: &Token| matches!(it, Letter(letter) if *letter != '/') || *it == One;
    let takes = |wide: Option<&Token>, other: Option<&Token>| match (wide, other) {
        (Some(All), Some(_)) => true,
        (Some(Many), Some(other)) => is_name(other),
        _ => false,
    };
    let ends = |it: Option<&Token>| matches!(it, Some(All | Many | Folders));
    let is_pair = match (one, two) {
        (Some(Letter(one)), Some(Letter(two))) => one == two,
        (Some(One), Some(other)) | (Some(other), Some(One)) => is_name(other),
        _ => false,
    };
    [
        (is_pair, (1, 1)),
        (ends(one), (1, 0)),
        (ends(two), (0, 1)),
        (takes(one, two), (0, 1)),
        (takes(two, one), (1, 0)),
    ]
    .into_iter()
    .filter_map(|(may, step)| may.then_some(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_overlap_where_a_file_lies_in_both() {
        for (left, right, expected) in [
            ("./**", "**/.env", true),
            ("./src/**", "./docs/**", false),
            ("~/**", "~/.ssh/**", true),
            ("**/*.rs", "./src/**", true),
            ("/etc/**", "./**", false),
        ] {
            let overlap = path_globs_overlap(&Glob::new(left), &Glob::new(right));
            assert_eq!(overlap, expected, "{left} {right}");
        }
    }

    #[test]
    fn names_overlap_where_one_begins_and_the_other_ends_so() {
        for (left, right, expected) in [
            ("mcp__github__*", "mcp__*__delete_*", true),
            ("git", "git", true),
            ("git", "hg", false),
            ("Read", "mcp__*", false),
            ("v*", "*-rc1", true),
        ] {
            let overlap = names_overlap(&Glob::new(left), &Glob::new(right));
            assert_eq!(overlap, expected, "{left} {right}");
        }
    }
}
