//! Under which keys a condition on a path is filed.

use super::key::{Key, Kind, key, way_key, ways};
use crate::holds::{Anchor, anchor};
use crate::matcher::PathPattern;
use crate::pattern::Glob;

/// How many names one step of a glob is filed under.
const NAMES_MAX: usize = 64;

/// Characters that may not stand for themselves.
const SPECIAL: [char; 9] = ['*', '?', '[', ']', '{', '}', ',', '\\', '!'];

/// Returns the keys of which a path that `pattern` is about has one; a path that
/// cannot be told, or of which what lies below it counts, has one of each.
pub(super) fn path_keys(pattern: &PathPattern) -> Vec<Key> {
    let mut keys: Vec<Key> = pattern.glob.iter().flat_map(glob_keys).collect();
    if pattern.glob.is_empty() {
        keys.push(key(Kind::AnyPath, ""));
    }
    keys.push(key(Kind::UnsurePath, ""));
    ways(pattern.access)
        .flat_map(|way| keys.iter().map(move |key| way_key(*key, way)))
        .collect()
}

/// Returns the keys of a glob: its first step below where it is anchored, or the
/// name or the ending that every file it matches has.
fn glob_keys(glob: &Glob) -> Vec<Key> {
    let first = |rest: &str| names(rest.split('/').next().unwrap_or_default());
    let of = |kind: Kind| move |names: Vec<String>| of_names(kind, &names);
    let any = || vec![key(Kind::AnyPath, "")];
    match anchor(glob.as_str()) {
        Anchor::Home(rest) => first(rest).map_or_else(|| vec![in_home(rest)], of(Kind::Home)),
        Anchor::Directory(rest) => {
            first(rest).map_or_else(|| vec![key(Kind::InDirectory, "")], of(Kind::Directory))
        }
        Anchor::None => match glob.as_str().strip_prefix("**/") {
            Some(name) if name.contains('/') => any(),
            Some(name) => names(name)
                .map(of(Kind::FileName))
                .or_else(|| endings(name).map(of(Kind::Ending)))
                .unwrap_or_else(any),
            None => {
                let rest = glob.as_str().strip_prefix('/');
                rest.and_then(first).map_or_else(any, of(Kind::Root))
            }
        },
    }
}

fn of_names(kind: Kind, names: &[String]) -> Vec<Key> {
    names.iter().map(|name| key(kind, name)).collect()
}

/// Returns the key of what lies in the home directory and begins as `rest` does.
fn in_home(rest: &str) -> Key {
    let plain = letter(rest).filter(|letter| !letter.contains(SPECIAL));
    plain.map_or_else(
        || key(Kind::InHome, ""),
        |letter| key(Kind::HomeStart, letter),
    )
}

/// Returns the first letter of a text.
pub(super) fn letter(text: &str) -> Option<&str> {
    let end = text.chars().next()?.len_utf8();
    text.get(..end)
}

/// Returns the endings of which a file has one whose name `name` matches, if that
/// says so.
fn endings(name: &str) -> Option<Vec<String>> {
    let (_, ending) = name.rsplit_once('.')?;
    names(ending).filter(|_| !name.contains(['\\', '!']))
}

/// Returns the names that one step of a glob stands for, if they are few.
fn names(step: &str) -> Option<Vec<String>> {
    let mut all = vec![String::new()];
    let mut rest = step;
    while let Some((before, after)) = rest.split_once('{') {
        let (choices, after) = after.split_once('}')?;
        let of = |start: &String| {
            let start = format!("{start}{before}");
            let names = choices.split(',').map(|choice| format!("{start}{choice}"));
            names.collect::<Vec<_>>()
        };
        all = all.iter().flat_map(of).collect();
        if all.len() > NAMES_MAX {
            return None;
        }
        rest = after;
    }
    all.iter_mut().for_each(|name| name.push_str(rest));
    all.iter()
        .all(|name| !name.contains(SPECIAL))
        .then_some(all)
}
