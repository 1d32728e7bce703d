//! Commands that make names lead elsewhere, or put files into folders.

use std::path::{Path, PathBuf};

use aegis_shell::program_name;
use aegis_types::{Access, Command, Word};

use super::resolve::{Found, Last, PlannedLink};
use super::shell::{Line, path_of, text_of};
use super::touches::{Reached, Touches};
use super::word::{Shape, shape};
use crate::protected::{Reach, Relation};
use aegis_shell::written;

/// A command that takes sources and a destination.
struct Transfer {
    kind: Kind,
    sources: Vec<Word>,
    destination: Destination,
    is_deep: bool,
    /// Whether the whole path of a source is made below the destination.
    keeps_path: bool,
    /// Whether a slash at the end of a source means what is in it.
    lays_content: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    SymbolicLink,
    HardLink,
    Move,
    Copy,
    Mount,
}

enum Destination {
    /// A file or folder; if it is a folder that exists, sources go into it.
    Named(Word),
    /// Surely a folder.
    Folder(Word),
    /// The name itself, even if it is a folder.
    Exactly(Word),
    /// The working directory.
    Here,
}

/// The programs that link, move, copy or mount.
const TRANSFERRING: [&str; 13] = [
    "ln", "gln", "link", "cp", "gcp", "install", "ginstall", "rsync", "scp", "mv", "gmv", "mount",
    "bindfs",
];

/// Returns whether a command may link, move, copy or mount files.
pub(crate) fn may_transfer(command: &Command) -> bool {
    transfer(command).is_some()
}

/// Reads a command that links, moves, copies or mounts.
fn transfer(command: &Command) -> Option<Transfer> {
    let program = program_name(command)?;
    if !TRANSFERRING.contains(&&*program) {
        return None;
    }
    let mut read = Read::of(&command.arguments);
    let is_symbolic = read.has('s', "--symbolic") || read.has('s', "--symbolic-link");
    let is_hard = read.has('l', "--link");
    let kind = match &*program {
        "ln" | "gln" if is_symbolic => Kind::SymbolicLink,
        "ln" | "gln" | "link" => Kind::HardLink,
        "cp" | "gcp" if is_symbolic => Kind::SymbolicLink,
        "cp" | "gcp" if is_hard => Kind::HardLink,
        "mv" | "gmv" => Kind::Move,
        "mount" | "bindfs" => Kind::Mount,
        _ => Kind::Copy,
    };
    let is_deep =
        read.has('r', "--recursive") || read.has('R', "--recursive") || read.has('a', "--archive");
    let is_link = matches!(kind, Kind::SymbolicLink | Kind::HardLink);
    let is_exact = program != "rsync"
        && (read.has('T', "--no-target-directory") || is_link && read.has('n', "--no-dereference"));
    let keeps_path = match &*program {
        "rsync" => read.has('R', "--relative"),
        _ => read.options.iter().any(|option| option == "--parents"),
    };
    let folder = read.folder.take();
    let mut sources = read.operands;
    let destination = match folder {
        Some(folder) => Destination::Folder(folder),
        None if sources.len() == 1 && matches!(kind, Kind::SymbolicLink | Kind::HardLink) => {
            Destination::Here
        }
        None => {
            let last = sources.pop()?;
            if kind == Kind::Mount || is_exact {
                Destination::Exactly(last)
            } else {
                Destination::Named(last)
            }
        }
    };
    Some(Transfer {
        kind,
        sources,
        destination,
        is_deep,
        keeps_path,
        lays_content: program == "rsync",
    })
}

/// The arguments of such a command.
struct Read {
    operands: Vec<Word>,
    options: Vec<String>,
    folder: Option<Word>,
}

impl Read {
    fn of(arguments: &[Word]) -> Self {
        let mut read = Self {
            operands: Vec::new(),
            options: Vec::new(),
            folder: None,
        };
        let mut is_over = false;
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let text = word.literal().unwrap_or_default();
            if is_over || !text.starts_with('-') || text == "-" {
                read.operands.push(word.clone());
                continue;
            }
            if text == "--" {
                is_over = true;
            } else if matches!(text.as_str(), "-t" | "--target-directory") {
                read.folder = words.next().cloned();
            } else if let Some(folder) = text.strip_prefix("--target-directory=") {
                read.folder = Some(literal(folder));
            } else if matches!(
                text.as_str(),
                "-S" | "--suffix" | "-m" | "-o" | "-g" | "--mode" | "--owner" | "--group"
            ) {
                words.next();
            } else {
                read.options.push(text);
            }
        }
        read
    }

    fn has(&self, short: char, long: &str) -> bool {
        self.options.iter().any(|option| {
            option == long
                || (option.starts_with('-') && !option.starts_with("--") && option.contains(short))
        })
    }
}

fn literal(text: &str) -> Word {
    Word {
        parts: vec![aegis_types::WordPart::Literal(text.to_owned())],
        ..Word::default()
    }
}

fn find(path: &Path, last: Last, touches: &Touches<'_>) -> Option<Found> {
    touches.resolver.follow(touches.base, path, last)
}

/// Returns the names under which the sources of a transfer will stand.
fn names(
    line: &Line<'_>,
    command: &Command,
    transfer: &Transfer,
    touches: &Touches<'_>,
) -> Vec<(Word, PathBuf)> {
    let path = |word: &Word| path_of(line, command, word, touches);
    let (place, is_folder) = match &transfer.destination {
        Destination::Folder(word) => (path(word), true),
        Destination::Here => (path(&literal(".")), true),
        Destination::Exactly(word) => (path(word), false),
        Destination::Named(word) => {
            let place = path(word);
            let is_folder = place
                .as_deref()
                .and_then(|place| find(place, Last::Followed, touches))
                .is_some_and(|found| found.is_folder);
            (place, is_folder || transfer.sources.len() > 1)
        }
    };
    let Some(place) = place else {
        return Vec::new();
    };
    transfer
        .sources
        .iter()
        .filter_map(|source| {
            if !is_folder {
                return Some((source.clone(), place.clone()));
            }
            let text = written(source);
            let is_content = transfer.lays_content && text.ends_with('/');
            let name = text.trim_end_matches('/').rsplit('/').next()?;
            let name = if transfer.keeps_path {
                text.trim_start_matches('/')
            } else if is_content {
                "."
            } else {
                name
            };
            // What stands at the end of `folder/.` is the content of the folder.
            let is_name = !name.is_empty() && name != "." && name != "..";
            Some((
                source.clone(),
                if is_name {
                    place.join(name)
                } else {
                    place.clone()
                },
            ))
        })
        .collect()
}

/// Returns the names that a command will make lead elsewhere.
pub(crate) fn planned(
    line: &Line<'_>,
    command: &Command,
    touches: &Touches<'_>,
) -> Vec<PlannedLink> {
    let Some(transfer) = transfer(command) else {
        return Vec::new();
    };
    names(line, command, &transfer, touches)
        .into_iter()
        .filter_map(|(source, name)| {
            let name = find(&name, Last::Kept, touches)?.path;
            let leads_to = match transfer.kind {
                Kind::SymbolicLink => match shape(&source, line.surroundings, touches.base).shape {
                    Shape::Path(text) => PathBuf::from(text),
                    Shape::Pattern(_) | Shape::Gap { .. } => return None,
                },
                Kind::HardLink | Kind::Mount => {
                    let source = path_of(line, command, &source, touches)?;
                    find(&source, Last::Followed, touches)?.path
                }
                Kind::Move | Kind::Copy => {
                    let source = path_of(line, command, &source, touches)?;
                    let kept = find(&source, Last::Kept, touches)?;
                    let followed = find(&source, Last::Followed, touches)?;
                    let is_link = kept.path != followed.path;
                    let takes_folder = transfer.kind == Kind::Move && followed.is_folder;
                    if !is_link && !takes_folder {
                        return None;
                    }
                    followed.path
                }
            };
            (name != leads_to).then_some(PlannedLink { name, leads_to })
        })
        .collect()
}

/// Judges what links are made to: whoever can reach a file by another name can
/// change it there.
pub(crate) fn touch_sources(line: &Line<'_>, command: &Command, touches: &mut Touches<'_>) {
    let Some(transfer) = transfer(command) else {
        return;
    };
    if !matches!(
        transfer.kind,
        Kind::SymbolicLink | Kind::HardLink | Kind::Mount
    ) {
        return;
    }
    let through = text_of(line, command);
    let mut places: Vec<PathBuf> = names(line, command, &transfer, touches)
        .into_iter()
        .filter_map(|(source, name)| {
            if transfer.kind != Kind::SymbolicLink {
                return path_of(line, command, &source, touches);
            }
            // A symbolic link counts from the folder in which it stands.
            let folder = find(&name, Last::Kept, touches)?
                .path
                .parent()
                .map(Path::to_path_buf)?;
            match shape(&source, line.surroundings, touches.base).shape {
                Shape::Path(text) => Some(folder.join(text)),
                Shape::Pattern(_) | Shape::Gap { .. } => None,
            }
        })
        .collect();
    if transfer.kind == Kind::Mount {
        let target = names(line, command, &transfer, touches);
        touch_mount_point(line, command, &target, touches);
    }
    places.dedup();
    for place in places {
        let Some(found) = find(&place, Last::Followed, touches) else {
            continue;
        };
        if let Some(Relation::In(object)) = touches.protected.relation(&found) {
            let (kind, path) = (object.kind, object.path.clone());
            let reach = Reach::certain(Access::WRITE).if_certain(line.is_certain);
            touches.touch(kind, &path, reach, through);
        }
    }
}

/// Judges what a mount would cover.
fn touch_mount_point(
    line: &Line<'_>,
    command: &Command,
    target: &[(Word, PathBuf)],
    touches: &mut Touches<'_>,
) {
    for (source, place) in target {
        touches.reach(&Reached {
            path: place,
            written: &written(source),
            reach: Reach::certain(Access::WRITE)
                .if_certain(line.is_certain)
                .deep(true),
            is_unknown: false,
            through: text_of(line, command),
        });
    }
}

/// Judges what a copy or move puts into a folder that exists.
pub(crate) fn touch_into_folder(line: &Line<'_>, command: &Command, touches: &mut Touches<'_>) {
    let Some(transfer) = transfer(command) else {
        return;
    };
    if !matches!(transfer.kind, Kind::Copy | Kind::Move) {
        return;
    }
    let through = text_of(line, command);
    for (source, place) in names(line, command, &transfer, touches) {
        let text = written(&source);
        touches.reach(&Reached {
            path: &place,
            written: &text,
            reach: Reach::certain(Access::WRITE).if_certain(line.is_certain),
            is_unknown: false,
            through,
        });
        let carries_tree = transfer.is_deep || transfer.kind == Kind::Move;
        if let Some(source) = path_of(line, command, &source, touches)
            && carries_tree
        {
            touch_by_content(&source, &place, line.is_certain, through, touches);
        }
    }
}

/// Judges a folder that is laid over another one: what it holds at the place
/// of an object replaces the object.
fn touch_by_content(
    source: &Path,
    place: &Path,
    is_certain: bool,
    through: &str,
    touches: &mut Touches<'_>,
) {
    let Some(source) = find(source, Last::Followed, touches) else {
        return;
    };
    let Some(place) = find(place, Last::Followed, touches) else {
        return;
    };
    let covered: Vec<_> = touches
        .protected
        .objects()
        .iter()
        .filter_map(|object| {
            let rest = object.path.strip_prefix(&place.path).ok()?;
            let is_there = source.path.join(rest).exists();
            is_there.then(|| (object.kind, object.path.clone()))
        })
        .collect();
    for (kind, path) in covered {
        let reach = Reach::certain(Access::WRITE)
            .if_certain(is_certain)
            .deep(true);
        touches.touch(kind, &path, reach, through);
    }
}
