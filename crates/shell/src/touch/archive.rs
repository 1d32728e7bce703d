//! Programs that pack and unpack.

use aegis_types::{Access, Command, Word};

use super::{CHANGE, Listing, MOVE, Touched, here, read, word_at};
use crate::locate::beneath;
use crate::option::{Arguments, first_text, without_start};

/// Adds what an archiver is given.
pub(super) fn touched(name: &str, command: &Command, list: &mut Vec<Touched>) {
    match name {
        "tar" | "gtar" | "bsdtar" => tar(command, list),
        "unzip" => unzip(command, list),
        "zip" => zip(command, list),
        "cpio" => cpio(command, list),
        _ => other(command, list),
    }
}

fn tar(command: &Command, list: &mut Vec<Touched>) {
    let mut arguments = command.arguments.clone();
    // The first word is a bundle of letters even without a dash.
    if let Some(first) = arguments.first_mut()
        && !first_text(first).starts_with('-')
        && let Some(text) = first.literal()
    {
        *first = word_at(first, &format!("-{text}"));
    }
    let read = read(&arguments, "fCTXIgbHKLNV", TAR_VALUES);
    let folder = read.values(&["C", "directory", "one-top-level"]).last();
    let folder = folder.cloned().unwrap_or_else(|| here(command));
    let extracts = read.has(&["x", "extract", "get"]);
    let lists = read.has(&["t", "list", "d", "diff", "compare"]);
    let access = if extracts || lists {
        Access::READ
    } else {
        CHANGE
    };
    let listing = tar_listing(&read);
    let archives = read.values(&["f", "file"]);
    let named = archives.filter(|word| word.literal().as_deref() != Some("-"));
    list.extend(named.map(|word| Touched::new(word, access)));
    list.extend(
        read.values(&["T", "X", "files-from", "exclude-from", "g"])
            .map(|word| Touched::new(word, Access::READ)),
    );
    if lists {
        return;
    }
    if extracts {
        unpacked(&folder, &read.operands, listing, list);
        return;
    }
    let access = if read.has(&["remove-files"]) {
        MOVE
    } else {
        Access::READ
    };
    for member in &read.operands {
        let member = beneath(&folder, member);
        list.push(Touched::new(&member, access).beneath(true));
    }
}

/// Returns what names the files that `tar` unpacks.
fn tar_listing(read: &Arguments<'_>) -> Listing {
    let changes = ["transform", "xform", "s", "to-command", "wildcards"];
    let file = read.values(&["f", "file"]).last();
    match file.filter(|_| !read.has(&changes)) {
        Some(file) if file.literal().as_deref() != Some("-") => Listing::Archive {
            file: file.clone(),
            is_stripped: read.has(&["strip-components", "strip"]),
        },
        Some(_) | None => Listing::Unknown,
    }
}

const TAR_VALUES: &[&str] = &[
    "file",
    "directory",
    "files-from",
    "exclude-from",
    "exclude",
    "use-compress-program",
    "listed-incremental",
    "one-top-level",
    "transform",
    "strip-components",
    "to-command",
    "owner",
    "group",
    "mode",
    "mtime",
    "format",
];

/// Adds what is written when `members`, or all that an archive holds, goes to `folder`.
fn unpacked(folder: &Word, members: &[&Word], listing: Listing, list: &mut Vec<Touched>) {
    list.push(Touched::new(folder, Access::WRITE));
    let is_pattern = |word: &&Word| first_text(word).contains(['*', '?', '[']);
    let are_all_named = !members.iter().any(is_pattern);
    for member in members {
        let member = beneath(folder, member);
        list.push(Touched::new(&member, Access::WRITE).beneath(true));
    }
    if members.is_empty() || !are_all_named {
        list.push(Touched::listed(folder, listing));
    }
}

fn unzip(command: &Command, list: &mut Vec<Touched>) {
    let read = read(&command.arguments, "dPxI", &[]);
    let folder = read.values(&["d"]).last().cloned();
    let folder = folder.unwrap_or_else(|| here(command));
    let Some((archive, members)) = read.operands.split_first() else {
        return;
    };
    list.push(Touched::new(archive, Access::READ));
    if !read.has(&["l", "t", "p", "Z", "z", "v"]) {
        let listing = Listing::Archive {
            file: (*archive).clone(),
            is_stripped: read.has(&["j"]),
        };
        unpacked(&folder, members, listing, list);
    }
}

fn zip(command: &Command, list: &mut Vec<Touched>) {
    let read = read(
        &command.arguments,
        "bnPtxiO",
        &["exclude", "include", "output-file"],
    );
    let recursive = read.has(&["r", "R"]);
    let moves = read.has(&["m", "move"]);
    let mut operands = read.operands.iter();
    if let Some(archive) = operands.next() {
        list.push(Touched::new(archive, CHANGE));
    }
    list.extend(
        read.values(&["O", "output-file"])
            .map(|word| Touched::new(word, Access::WRITE)),
    );
    let access = if moves { MOVE } else { Access::READ };
    list.extend(operands.map(|word| Touched::new(word, access).beneath(recursive)));
}

fn cpio(command: &Command, list: &mut Vec<Touched>) {
    let read = read(&command.arguments, "DEFHIOMCR", &["directory", "file"]);
    let folder = read.values(&["D", "directory"]).last().cloned();
    let folder = folder.unwrap_or_else(|| here(command));
    if read.has(&["i", "p", "extract", "pass-through"]) {
        list.push(Touched::new(&folder, Access::WRITE));
        list.push(Touched::listed(&folder, Listing::Unknown));
    }
    list.extend(
        read.values(&["F", "O", "file"])
            .map(|word| Touched::new(word, CHANGE)),
    );
    list.extend(
        read.operands
            .iter()
            .map(|word| Touched::new(word, Access::WRITE).beneath(true)),
    );
}

/// 7z, ar, jar: a command letter, an archive, files; extraction goes to the
/// folder, or to that of `-o`.
fn other(command: &Command, list: &mut Vec<Touched>) {
    let mut folder = here(command);
    for word in &command.arguments {
        let text = first_text(word);
        if text.starts_with("-o") && text.len() > 2 {
            folder = without_start(word, 2);
        } else if !text.starts_with('-') {
            list.push(Touched::new(word, CHANGE).possible().beneath(true));
        }
    }
    let mode = command
        .arguments
        .first()
        .map(first_text)
        .unwrap_or_default();
    if mode.contains('x') || mode.starts_with('e') {
        list.push(Touched::new(&folder, Access::WRITE));
        list.push(Touched::listed(&folder, Listing::Unknown));
    }
}
