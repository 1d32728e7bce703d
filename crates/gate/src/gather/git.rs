//! What git changes of a work tree that holds protected objects.
//!
//! Git is too common to be treated like any program that is given a folder. A
//! protected file in the work tree is touched when git names it or its folder,
//! or when what git does to the whole tree reaches it: what is put back must
//! be tracked and changed, what is cleaned away must not be tracked. Going to
//! another commit may change every file; that is what git is for, and it is
//! left to the policies.

use std::fs;
use std::path::{Path, PathBuf};

use aegis_shell::{Touched, located};
use aegis_types::{Access, Command, ProtectedKind};

use super::git_index::{Tracking, tracking, work_tree_of};
use super::resolve::Last;
use super::shell::{Line, text_of};
use super::touches::Touches;
use super::word::{Shape, shape};
use crate::protected::{Reach, Relation};

/// How git changes files in bulk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Bulk {
    /// Puts back what is tracked and was changed.
    Restores,
    /// Removes what is not tracked.
    Cleans,
    /// Puts everything away, tracked or not.
    Stashes,
    /// Goes from commit to commit.
    Moves,
}

/// Judges a word of a git command; returns whether it has been dealt with.
pub(crate) fn touch(
    line: &Line<'_>,
    command: &Command,
    item: &Touched,
    touches: &mut Touches<'_>,
) -> bool {
    if !item.access.changes() || !item.recursive {
        return false;
    }
    let Some(place) = place_of(line, command, item, touches) else {
        return false;
    };
    let Some(found) = touches
        .resolver
        .follow(touches.base, &place, Last::Followed)
    else {
        return false;
    };
    let is_above = matches!(
        touches.protected.relation(&found),
        Some(Relation::Above(_) | Relation::Home(_))
    );
    if !item.work_tree && !is_above {
        return false;
    }
    let words = subcommand(command);
    if words.first().map(String::as_str) == Some("apply") {
        touch_patched(line, command, &words, touches);
    }
    let bulk = bulk_of(&words, item);
    let folder = if item.work_tree {
        work_tree_of(&found.path).unwrap_or_else(|| found.path.clone())
    } else {
        found.path.clone()
    };
    for (kind, path) in reached_in(&folder, bulk, touches) {
        let reach = Reach {
            access: item.access,
            is_certain: item.certain,
            is_deep: true,
        };
        touches.touch(kind, &path, reach, text_of(line, command));
    }
    if !item.work_tree {
        touches.add_fact_only(&place, &super::word::written(&item.word), item.access);
    }
    true
}

fn place_of(
    line: &Line<'_>,
    command: &Command,
    item: &Touched,
    touches: &Touches<'_>,
) -> Option<PathBuf> {
    let word = located(command, &item.word)?;
    match shape(&word, line.surroundings, touches.base).shape {
        // `:/` and `:` mean the root of the work tree.
        Shape::Path(text) if text.starts_with(':') => {
            work_tree_of(touches.base).or_else(|| Some(touches.base.to_path_buf()))
        }
        Shape::Path(text) => Some(PathBuf::from(text)),
        Shape::Pattern(_) | Shape::Gap { .. } => None,
    }
}

/// Returns the subcommand of git and what follows it.
fn subcommand(command: &Command) -> Vec<String> {
    let mut words: Vec<String> = command
        .arguments
        .iter()
        .map(|word| word.literal().unwrap_or_default())
        .collect();
    while let Some(first) = words.first() {
        let takes_value = matches!(
            first.as_str(),
            "-C" | "-c" | "--git-dir" | "--work-tree" | "--namespace" | "--exec-path"
        );
        if takes_value && words.len() > 1 {
            words.drain(..2);
        } else if first.starts_with('-') {
            words.remove(0);
        } else {
            break;
        }
    }
    words
}

fn bulk_of(words: &[String], item: &Touched) -> Bulk {
    let has = |option: &str| words.iter().any(|word| word == option);
    match words.first().map(String::as_str) {
        Some("clean") => Bulk::Cleans,
        Some("stash") if item.certain => Bulk::Stashes,
        Some("stash" | "restore") => Bulk::Restores,
        Some("reset") => {
            let goes_elsewhere = words
                .iter()
                .skip(1)
                .any(|word| !word.starts_with('-') && word != "HEAD");
            if goes_elsewhere {
                Bulk::Moves
            } else {
                Bulk::Restores
            }
        }
        // With paths it restores them, else it goes to another branch.
        Some("checkout") if item.certain || has("--") || has("-f") || has("--force") => {
            Bulk::Restores
        }
        Some("rm" | "mv") => Bulk::Stashes,
        _ => Bulk::Moves,
    }
}

/// Returns the protected objects below `folder` that git reaches.
fn reached_in(folder: &Path, bulk: Bulk, touches: &Touches<'_>) -> Vec<(ProtectedKind, PathBuf)> {
    let root = work_tree_of(folder);
    let mut reached = Vec::new();
    for object in touches.protected.objects() {
        if !object.path.starts_with(folder) {
            continue;
        }
        let files = if object.is_folder {
            files_in(&object.path)
        } else {
            vec![object.path.clone()]
        };
        let is_reached = files
            .iter()
            .filter(|file| object.contains(file))
            .any(|file| {
                let seen = root
                    .as_deref()
                    .map_or(Tracking::Unknown, |root| tracking(root, file));
                is_meant(bulk, seen, file.exists())
            });
        if is_reached {
            reached.push((object.kind, object.path.clone()));
        }
    }
    reached
}

const fn is_meant(bulk: Bulk, seen: Tracking, exists: bool) -> bool {
    match (bulk, seen) {
        (Bulk::Restores, Tracking::Changed | Tracking::Unknown)
        | (Bulk::Stashes, Tracking::Changed) => true,
        (Bulk::Cleans, Tracking::Untracked | Tracking::Unknown)
        | (Bulk::Stashes, Tracking::Untracked | Tracking::Unknown) => exists,
        (Bulk::Restores, Tracking::Clean | Tracking::Untracked)
        | (Bulk::Cleans, Tracking::Clean | Tracking::Changed)
        | (Bulk::Stashes, Tracking::Clean)
        | (Bulk::Moves, _) => false,
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default()
}

/// Judges the files that the patches of `git apply` name.
fn touch_patched(line: &Line<'_>, command: &Command, words: &[String], touches: &mut Touches<'_>) {
    for patch in words.iter().skip(1).filter(|word| !word.starts_with('-')) {
        let Some(found) = touches
            .resolver
            .follow(touches.base, Path::new(patch), Last::Followed)
        else {
            continue;
        };
        for path in patched_by(&found.path) {
            let reached = super::touches::Reached {
                path: &path,
                written: patch,
                reach: Reach {
                    access: Access::WRITE.or(Access::DELETE),
                    is_certain: true,
                    is_deep: false,
                },
                is_unknown: false,
                through: text_of(line, command),
            };
            touches.reach(&reached);
        }
    }
}

/// Returns the files that a patch changes, without their first step.
pub(crate) fn patched_by(patch: &Path) -> Vec<PathBuf> {
    let is_small = fs::metadata(patch).is_ok_and(|metadata| metadata.len() < 8 << 20);
    let text = if is_small {
        fs::read_to_string(patch).unwrap_or_default()
    } else {
        String::new()
    };
    let mut paths = Vec::new();
    for line in text.lines() {
        let Some(name) = ["+++ ", "--- ", "rename to ", "copy to "]
            .iter()
            .find_map(|start| line.strip_prefix(start))
        else {
            continue;
        };
        let name = name.split('\t').next().unwrap_or(name).trim_matches('"');
        let stripped = name
            .strip_prefix("a/")
            .or_else(|| name.strip_prefix("b/"))
            .unwrap_or(name);
        if stripped != "/dev/null" && paths.len() < 256 {
            paths.push(PathBuf::from(stripped));
        }
    }
    paths
}
