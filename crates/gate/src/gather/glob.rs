//! Glob patterns of a shell, matched name by name.

use std::fs;
use std::path::{Path, PathBuf};

/// How many paths one pattern may stand for.
const PATHS_MAX: usize = 512;

/// What may still be looked at for the patterns of one action.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    /// How many names they may be compared with.
    names: usize,
    /// How many paths they may stand for.
    paths: usize,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            names: 20_000,
            paths: 4 * PATHS_MAX,
        }
    }
}

/// Returns whether `pattern` matches the whole of `name`.
///
/// `*` and `?` never match a leading dot unless `dots` says so, as in a shell.
/// Extended patterns such as `@(…)` match anything: what is not followed might.
pub(crate) fn matches_name(pattern: &str, name: &str, dots: bool) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let hides = name.first() == Some(&'.') && !dots;
    if hides && !matches!(pattern.first(), Some('.' | '\\')) {
        return may_begin_with_dot(&pattern);
    }
    let is_extended = pattern
        .iter()
        .zip(pattern.iter().skip(1))
        .any(|(one, other)| matches!(one, '@' | '!' | '+' | '?' | '*') && *other == '(');
    is_extended || matches_from(&pattern, &name)
}

/// Returns whether a pattern begins with a group, and what it matches may begin
/// with a dot: `@(.a|b)`, `?(a).b`.
fn may_begin_with_dot(pattern: &[char]) -> bool {
    let [sign, '(', group @ ..] = pattern else {
        return false;
    };
    let mut before = '(';
    matches!(sign, '@' | '+' | '?' | '*')
        && group.iter().any(|character| {
            let is_start = matches!(before, '(' | '|' | ')' | '\\');
            before = *character;
            *character == '.' && is_start
        })
}

/// Matches with one point to return to, so the time is at most quadratic.
fn matches_from(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(at) {
            Some('*') => {
                back = Some((at + 1, from));
                at += 1;
                continue;
            }
            None if from == name.len() => return true,
            None => None,
            Some(_) => name
                .get(from)
                .and_then(|character| matches_one(pattern.get(at..)?, *character)),
        };
        match (step, back) {
            (Some(length), _) => {
                at += length;
                from += 1;
            }
            (None, Some((after_star, start))) if start < name.len() => {
                back = Some((after_star, start + 1));
                at = after_star;
                from = start + 1;
            }
            (None, _) => return false,
        }
    }
}

/// Returns the length of the first element of `pattern` if it matches `character`.
fn matches_one(pattern: &[char], character: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['\\', literal, ..] => (*literal == character).then_some(2),
        ['[', rest @ ..] => match class(rest, character) {
            Some((true, length)) => Some(length + 1),
            Some((false, _)) => None,
            None => (character == '[').then_some(1),
        },
        [literal, ..] => (*literal == character).then_some(1),
        [] => None,
    }
}

/// Reads a class after its `[`: whether it holds `character`, and its length.
fn class(rest: &[char], character: char) -> Option<(bool, usize)> {
    let is_negated = matches!(rest.first(), Some('!' | '^'));
    let mut at = usize::from(is_negated);
    let first = at;
    let mut holds = false;
    loop {
        let start = *rest.get(at)?;
        if start == ']' && at > first {
            return Some((holds != is_negated, at + 1));
        }
        // `[:alpha:]` and its like are not told apart: any of them might match.
        if start == '[' && rest.get(at + 1) == Some(&':') {
            let close = rest.get(at..)?.iter().position(|found| *found == ']')?;
            holds = true;
            at += close + 1;
            continue;
        }
        match (rest.get(at + 1), rest.get(at + 2)) {
            (Some('-'), Some(end)) if *end != ']' => {
                holds |= (start..=*end).contains(&character);
                at += 3;
            }
            _ => {
                holds |= start == character;
                at += 1;
            }
        }
    }
}

/// The paths that a pattern stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Expansion {
    /// The paths, in the order of their names.
    pub(crate) paths: Vec<PathBuf>,
    /// Whether there were too many to look at all of them.
    pub(crate) is_cut: bool,
}

/// Returns the paths below the absolute folder `base` that `pattern` stands for now.
///
/// What it takes to find them is taken off the allowance.
pub(crate) fn expand(base: &Path, pattern: &str, dots: bool, left: &mut Allowance) -> Expansion {
    let start = if pattern.starts_with('/') {
        PathBuf::from("/")
    } else {
        base.to_path_buf()
    };
    let mut found = vec![start];
    let paths_max = PATHS_MAX.min(left.paths);
    let mut is_cut = false;
    for step in pattern.split('/').filter(|step| !step.is_empty()) {
        let mut next = Vec::new();
        for folder in found {
            if step == "**" {
                // Any depth cannot be listed within bounds.
                is_cut = true;
            }
            if !step.contains(['*', '?', '[', '(']) {
                next.push(folder.join(step.replace('\\', "")));
                continue;
            }
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                if left.names == 0 || next.len() >= paths_max {
                    is_cut = true;
                    break;
                }
                left.names -= 1;
                let name = entry.file_name();
                if matches_name(step, &name.to_string_lossy(), dots) {
                    next.push(folder.join(name));
                }
            }
        }
        found = next;
    }
    found.retain(|path| fs::symlink_metadata(path).is_ok());
    found.sort();
    left.paths = left.paths.saturating_sub(found.len());
    Expansion {
        paths: found,
        is_cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(
            matches_name(pattern, name, false),
            expected,
            "{pattern} {name}"
        );
    }

    #[test]
    fn patterns_match_names_as_a_shell_does() {
        check("set*.json", "settings.json", true);
        check("set*.json", "settings.jsonc", false);
        check("*", "plain", true);
        check("*", ".hidden", false);
        check(".*", ".hidden", true);
        check("?ettings", "settings", true);
        check("[a-f]x", "bx", true);
        check("[!a-f]x", "bx", false);
        check("[]x]", "]", true);
        check("a*b*c", "axxbxxc", true);
        check("a*b*c", "axxbxx", false);
        check("a\\*", "a*", true);
        check("a\\*", "ab", false);
        check("@(a|b)", "zzz", true);
        check("@(a|b)", ".zzz", false);
        check("@(a|.b)", ".zzz", true);
        check("!(a|.b)", ".zzz", false);
    }

    #[test]
    fn a_pattern_stands_for_the_names_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["one.txt", "two.txt", ".three.txt", "four.md"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let names = |pattern: &str, dots| {
            expand(folder.path(), pattern, dots, &mut Allowance::default())
                .paths
                .iter()
                .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names("*.txt", false), ["one.txt", "two.txt"]);
        assert_eq!(names("*.txt", true).len(), 3);
        assert_eq!(names("none*", false).len(), 0);
    }
}
