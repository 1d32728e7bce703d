//! What `find` selects among protected objects.
//!
//! `find` walks everything below its folders, so its tests decide whether it
//! means a protected object: names and paths that it asks for must fit, those
//! that it leaves out must not.

use std::fs;
use std::path::{Path, PathBuf};

use aegis_shell::{program_name, touched};
use aegis_types::{Access, Command, ProtectedKind, UnknownCause, Word, WordPart};

use super::glob::matches_name;
use super::held::{self, Shown};
use super::resolve::Last;
use super::shell::{Line, directory_of, text_of};
use super::touches::Touches;
use crate::protected::{ProtectedObject, Reach};
use crate::surroundings::Surroundings;
use aegis_shell::written;

/// What a `find` looks for.
struct Search {
    folders: Vec<String>,
    deletes: bool,
    only_files: bool,
    only_empty: bool,
    depth_max: usize,
    wanted: Vec<Test>,
    unwanted: Vec<Test>,
    /// What is left out with everything below it.
    pruned: Vec<Test>,
}

/// A test on names.
enum Test {
    Name(String),
    Path(String),
}

impl Test {
    fn fits(&self, shown: &str) -> bool {
        match self {
            Self::Name(pattern) => {
                let name = shown.rsplit('/').next().unwrap_or(shown);
                matches_name(pattern, name, true)
            }
            Self::Path(pattern) => matches_name(pattern, shown, true),
        }
    }
}

impl Search {
    fn of(command: &Command) -> Self {
        let words: Vec<String> = command.arguments.iter().map(written).collect();
        let starts_test = |word: &&String| word.starts_with(['-', '(', '!']);
        let is_early =
            |word: &String| matches!(word.as_str(), "-H" | "-L" | "-P") || word.starts_with("-O");
        let operands = words.iter().filter(|word| !is_early(word));
        let mut folders: Vec<String> = operands
            .clone()
            .take_while(|word| !starts_test(word))
            .cloned()
            .collect();
        if folders.is_empty() {
            folders.push(".".to_owned());
        }
        let mut search = Self {
            folders,
            deletes: false,
            only_files: false,
            only_empty: selects_only_empty(command),
            depth_max: usize::MAX,
            wanted: Vec::new(),
            unwanted: Vec::new(),
            pruned: Vec::new(),
        };
        let mut tests = operands.skip_while(|word| !starts_test(word)).peekable();
        let mut is_negated = false;
        while let Some(word) = tests.next() {
            match word.as_str() {
                "!" | "-not" => {
                    is_negated = true;
                    continue;
                }
                "-delete" => search.deletes = true,
                "-maxdepth" => {
                    let depth = tests.next().and_then(|depth| depth.parse().ok());
                    search.depth_max = depth.unwrap_or(usize::MAX);
                }
                "-type" => {
                    let kinds = tests.next().is_some_and(|kinds| kinds == "f");
                    search.only_files |= kinds && !is_negated;
                }
                "-name" | "-iname" | "-path" | "-ipath" | "-wholename" => {
                    let pattern = tests.next().cloned().unwrap_or_default();
                    let test = if word.ends_with("name") && word != "-wholename" {
                        Test::Name(pattern)
                    } else {
                        Test::Path(pattern)
                    };
                    let is_pruned = tests.peek().is_some_and(|next| *next == "-prune");
                    if is_pruned {
                        search.pruned.push(test);
                    } else if is_negated {
                        search.unwanted.push(test);
                    } else {
                        search.wanted.push(test);
                    }
                }
                _ => {}
            }
            is_negated = false;
        }
        search
    }

    /// Returns whether the file or folder shown as `shown` is selected.
    fn selects(&self, shown: &str) -> bool {
        let is_wanted = self.wanted.is_empty() || self.wanted.iter().any(|test| test.fits(shown));
        let is_pruned = Path::new(shown).ancestors().any(|above| {
            let above = above.to_string_lossy();
            self.pruned.iter().any(|test| test.fits(&above))
        });
        is_wanted && !is_pruned && !self.unwanted.iter().any(|test| test.fits(shown))
    }
}

/// Returns whether `-empty` surely holds of all that something is done to: it stands
/// before what is done, and nothing offers another way there.
fn selects_only_empty(command: &Command) -> bool {
    let words: Option<Vec<String>> = command.arguments.iter().map(Word::literal).collect();
    let Some(words) = words else {
        return false;
    };
    let joins = |word: &String| matches!(word.as_str(), "-o" | "-or" | "," | "!" | "-not" | "-D");
    let acts = |word: &&String| {
        let rest = word.strip_prefix('-').unwrap_or_default();
        ["delete", "exec", "ok", "print", "fprint", "ls", "fls"]
            .iter()
            .any(|action| rest.starts_with(action))
    };
    let mut before = words.iter().take_while(|word| !acts(word));
    before.any(|word| word == "-empty") && !words.iter().any(joins)
}

/// Returns whether a file holds something, or a folder a file that does.
fn holds_content(part: &Path) -> bool {
    let is_full = |path: &Path| {
        fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink() || it.is_file() && it.len() > 0)
    };
    let mut entries = fs::read_dir(part).into_iter().flatten().flatten();
    is_full(part) || part.is_dir() && entries.any(|entry| is_full(&entry.path()))
}

/// Judges what every `find` of a line selects, if something is done to it.
pub(crate) fn touch(line: &Line<'_>, touches: &mut Touches<'_>) {
    for command in &line.plan.commands {
        if program_name(command).as_deref() != Some("find") {
            continue;
        }
        let search = Search::of(command);
        let access = access_to_found(line, command, &search);
        if access.read {
            add_shown(line, command, &search, touches);
        }
        if access.changes() || access.read {
            touch_selected(line, command, &search, access, touches);
        }
    }
}

/// Returns how what is found is reached for: by `find` itself, and by commands
/// that are given what it lists.
fn access_to_found(line: &Line<'_>, find: &Command, search: &Search) -> Access {
    let mut access = if search.deletes {
        Access::DELETE
    } else {
        Access::default()
    };
    for command in &line.plan.commands {
        if std::ptr::eq(command, find) {
            continue;
        }
        for item in touched(command) {
            if is_found(&item.word, search) {
                access = access.or(item.access);
            }
        }
    }
    access
}

/// Adds the secrets that a `find` selects, and whose content a command shows.
fn add_shown(line: &Line<'_>, find: &Command, search: &Search, touches: &mut Touches<'_>) {
    let reads = |command: &&Command| {
        let touched = touched(command);
        let mut given = touched.iter();
        given.any(|item| item.access.read && is_found(&item.word, search))
    };
    let mut readers = line.plan.commands.iter().filter(reads);
    let Some((reader, shown)) = readers.find_map(|it| Some((it, Shown::by(it)?))) else {
        return;
    };
    let Some(directory) = directory_of(line, find, touches) else {
        return;
    };
    touches.cause = Some(reader.span);
    for folder in &search.folders {
        let path = directory.join(real_name(folder, line.surroundings));
        let selects = |below: &Path| {
            let named = Path::new(folder).join(below);
            below.iter().count() <= search.depth_max && search.selects(&named.to_string_lossy())
        };
        let place = (path.as_path(), folder.as_str());
        held::add_selected(line.surroundings, place, &shown, selects, touches);
    }
    touches.cause = None;
}

/// Returns whether a word stands for something found: a folder and a gap.
fn is_found(word: &Word, search: &Search) -> bool {
    let is_open = |part: &WordPart| {
        matches!(
            part,
            WordPart::Unknown(UnknownCause::Found | UnknownCause::Output)
        )
    };
    let Some(gap) = word.parts.iter().position(is_open) else {
        return false;
    };
    let mut start = word.clone();
    start.parts.truncate(gap);
    search.folders.contains(&written(&start))
}

fn touch_selected(
    line: &Line<'_>,
    command: &Command,
    search: &Search,
    access: Access,
    touches: &mut Touches<'_>,
) {
    let Some(directory) = directory_of(line, command, touches) else {
        return;
    };
    let mut selected = Vec::new();
    for folder in &search.folders {
        let text = real_name(folder, line.surroundings);
        let Some(root) = touches
            .resolver
            .follow(&directory, Path::new(&text), Last::Followed)
        else {
            continue;
        };
        for object in touches.protected.objects() {
            if !access.changes() && object.kind != ProtectedKind::Key {
                continue;
            }
            let parts = parts_of(object);
            let is_selected = parts.iter().any(|part| {
                if search.only_files && part.is_dir() || search.only_empty && holds_content(part) {
                    return false;
                }
                let Ok(rest) = part.strip_prefix(&root.path) else {
                    // The search may begin inside of the object.
                    return root.path.starts_with(part) && object.contains(&root.path);
                };
                if rest.components().count() > search.depth_max {
                    // A folder above it may be selected, and what is in it with it.
                    let mut above = rest.ancestors().skip(1);
                    let is_near = |folder: &&Path| {
                        let steps = folder.components().count();
                        (1..=search.depth_max).contains(&steps)
                    };
                    return access.changes()
                        && !search.only_files
                        && above.any(|above| {
                            let shown = PathBuf::from(folder).join(above);
                            is_near(&above) && search.selects(&shown.to_string_lossy())
                        });
                }
                let shown = PathBuf::from(folder).join(rest);
                search.selects(&shown.to_string_lossy())
            });
            if is_selected {
                selected.push((object.kind, object.path.clone()));
            }
        }
    }
    let reach = Reach::certain(access)
        .if_certain(line.is_certain)
        .deep(true);
    for (kind, path) in selected {
        touches.touch(kind, &path, reach, text_of(line, command));
    }
}

fn real_name(folder: &str, surroundings: &Surroundings) -> String {
    match folder.strip_prefix('~') {
        Some(rest) => format!("{}{rest}", surroundings.home.display()),
        None => folder.to_owned(),
    }
}

/// Returns the object, and what lies in it if it is a folder.
fn parts_of(object: &ProtectedObject) -> Vec<PathBuf> {
    let mut parts = vec![object.path.clone()];
    if object.is_folder {
        let entries = fs::read_dir(&object.path).into_iter().flatten().flatten();
        parts.extend(
            entries
                .map(|entry| entry.path())
                .filter(|path| object.contains(path))
                .take(256),
        );
    }
    parts.retain(|part| fs::symlink_metadata(part).is_ok());
    parts
}
