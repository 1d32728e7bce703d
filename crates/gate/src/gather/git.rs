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

use aegis_shell::{Extent, Touched, located, program_name};
use aegis_types::{Command, ProtectedKind};

use super::git_ignore::Cleaning;
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
    /// Removes or puts back what is tracked.
    Thins,
    /// Lays files of another commit over what is there, tracked or not.
    Lays,
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
    if !item.access.changes() || !item.recursive || item.extent != Extent::Said {
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
    let bulk = bulk_of(&words, item, &found.path);
    let folder = if item.work_tree {
        work_tree_of(&found.path).unwrap_or_else(|| found.path.clone())
    } else {
        found.path.clone()
    };
    let cleaning = (bulk == Bulk::Cleans).then(|| Cleaning::of(line, command, &words));
    let spares = |root: &Path, file: &Path| {
        let mut cleaning = cleaning.iter();
        cleaning.any(|it| it.spares(line.surroundings, root, file))
    };
    let is_foreign = is_foreign(line, command) || bulk == Bulk::Cleans && forgets(line);
    for (kind, path) in reached_in(&folder, bulk, is_foreign, spares, touches) {
        let reach = Reach::certain(item.access)
            .if_certain(item.certain)
            .deep(true);
        touches.touch(kind, &path, reach, text_of(line, command));
    }
    if !item.work_tree {
        touches.add_fact_only(&place, &aegis_shell::written(&item.word), item.access);
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

/// Returns whether git may use another repository or index than that of the folder.
fn is_foreign(line: &Line<'_>, command: &Command) -> bool {
    let mut assigned = line.plan.commands.iter().flat_map(|it| &it.assignments);
    let names = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"];
    assigned.any(|assignment| names.contains(&assignment.name.as_str()))
        || command.arguments.iter().any(|word| {
            let text = word.literal().unwrap_or_default();
            text.starts_with("--git-dir") || text.starts_with("--work-tree")
        })
}

/// Returns whether a line makes git forget what it tracks.
fn forgets(line: &Line<'_>) -> bool {
    let mut gits = line
        .plan
        .commands
        .iter()
        .filter(|it| program_name(it).as_deref() == Some("git"));
    gits.any(|it| {
        let words = subcommand(it);
        let name = words.first().map_or("", String::as_str);
        matches!(name, "rm" | "mv" | "update-index" | "read-tree" | "init")
    })
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

fn bulk_of(words: &[String], item: &Touched, folder: &Path) -> Bulk {
    let has = |option: &str| words.iter().any(|word| word == option);
    match words.first().map(String::as_str) {
        Some("clean") => Bulk::Cleans,
        Some("sparse-checkout") if !has("list") => Bulk::Thins,
        Some("checkout-index") => Bulk::Restores,
        Some("read-tree") if has("-u") => Bulk::Lays,
        Some("checkout" | "restore") if item.certain && names_commit(words, folder) => Bulk::Lays,
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

/// Returns whether files are taken from a commit that is named, and is not the last one.
fn names_commit(words: &[String], folder: &Path) -> bool {
    let is_last = |word: &str| matches!(word, "HEAD" | "@");
    let mut rest = words.iter().skip(1).map(String::as_str);
    if words.first().map(String::as_str) == Some("restore") {
        while let Some(word) = rest.next() {
            let source = match word {
                "-s" | "--source" => rest.next(),
                _ => word.strip_prefix("--source=").or(word.strip_prefix("-s")),
            };
            if source.is_some_and(|source| !is_last(source)) {
                return true;
            }
        }
        return false;
    }
    let first = rest.find(|word| *word == "--" || !word.starts_with('-'));
    // Without dashes the first word may be a path as well.
    first.is_some_and(|word| {
        word != "--" && !is_last(word) && !word.starts_with([':', '.']) && {
            words.iter().any(|word| word == "--") || !folder.join(word).exists()
        }
    })
}

/// Returns the protected objects below `folder` that git reaches.
fn reached_in(
    folder: &Path,
    bulk: Bulk,
    is_foreign: bool,
    spares: impl Fn(&Path, &Path) -> bool,
    touches: &Touches<'_>,
) -> Vec<(ProtectedKind, PathBuf)> {
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
        let is_laid = bulk == Bulk::Lays;
        let is_reached = is_laid
            || files
                .iter()
                .filter(|file| object.contains(file))
                .any(|file| {
                    let seen = match root.as_deref() {
                        Some(root) if !is_foreign => tracking(root, file),
                        Some(_) | None => Tracking::Unknown,
                    };
                    let is_spared = seen == Tracking::Untracked
                        && root.as_deref().is_some_and(|root| spares(root, file));
                    is_meant(bulk, seen, file.exists()) && !is_spared
                });
        if is_reached {
            reached.push((object.kind, object.path.clone()));
        }
    }
    reached
}

const fn is_meant(bulk: Bulk, seen: Tracking, exists: bool) -> bool {
    match (bulk, seen) {
        (Bulk::Lays, _)
        | (Bulk::Restores, Tracking::Changed | Tracking::Unknown)
        | (Bulk::Thins, Tracking::Clean | Tracking::Changed | Tracking::Unknown)
        | (Bulk::Stashes, Tracking::Changed) => true,
        (Bulk::Cleans, Tracking::Untracked | Tracking::Unknown)
        | (Bulk::Stashes, Tracking::Untracked | Tracking::Unknown) => exists,
        (Bulk::Restores, Tracking::Clean | Tracking::Untracked)
        | (Bulk::Cleans, Tracking::Clean | Tracking::Changed)
        | (Bulk::Stashes, Tracking::Clean)
        | (Bulk::Thins, Tracking::Untracked)
        | (Bulk::Moves, _) => false,
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default()
}
