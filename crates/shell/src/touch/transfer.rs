//! Programs that copy, move and link.

use aegis_types::{Access, Command, Word, WordPart};

use super::{Extent, Listing, MOVE, Touched, read, word_at};
use crate::locate::{beneath, merged};
use crate::option::{Arguments, first_text};

/// Adds what `cp` and its kin are given.
pub(super) fn touched(name: &str, command: &Command, list: &mut Vec<Touched>) {
    let arguments = command.arguments.as_slice();
    match name {
        "cp" | "gcp" | "mv" | "gmv" => copy(name.trim_start_matches('g'), arguments, list),
        "install" | "ginstall" => install(arguments, list),
        "ln" | "link" => link(arguments, list),
        _ => remote(name, arguments, list),
    }
}

fn copy(name: &str, arguments: &[Word], list: &mut Vec<Touched>) {
    let read = read(arguments, "tS", &["target-directory", "suffix"]);
    let is_move = name == "mv";
    let recursive = is_move || read.has(&["r", "R", "a", "recursive", "archive"]);
    // A hard or symbolic link gives what it links to another name.
    let links = read.has(&["l", "s", "link", "symbolic-link"]);
    let access = match (is_move, links) {
        (true, _) => MOVE,
        (false, true) => Access::READ.or(Access::WRITE),
        (false, false) => Access::READ,
    };
    let (sources, target) = sources_and_target(&read);
    for source in &sources {
        list.push(Touched::new(source, access).beneath(recursive));
    }
    if let Some(target) = target {
        // What takes the place of a folder does not go into it.
        let replaces = read.has(&["T", "no-target-directory", "exchange"]);
        if is_move && replaces {
            list.push(Touched::new(&target, WRITE_OR_DELETE).over(Extent::Sealed));
        } else {
            into(&sources, &target, recursive, list);
        }
    }
}

const WRITE_OR_DELETE: Access = Access::WRITE.or(Access::DELETE);

fn install(arguments: &[Word], list: &mut Vec<Touched>) {
    let read = read(
        arguments,
        "tSmog",
        &["target-directory", "suffix", "mode", "owner", "group"],
    );
    if read.has(&["d", "directory"]) {
        list.extend(
            read.operands
                .iter()
                .map(|word| Touched::new(word, Access::WRITE)),
        );
        return;
    }
    let (sources, target) = sources_and_target(&read);
    for source in &sources {
        list.push(Touched::new(source, Access::READ));
    }
    if let Some(target) = target {
        into(&sources, &target, false, list);
    }
}

/// A link gives its source another name, under which it can be written.
fn link(arguments: &[Word], list: &mut Vec<Touched>) {
    let read = read(arguments, "tS", &["target-directory", "suffix"]);
    let is_symbolic = read.has(&["s", "symbolic"]);
    let (sources, target) = sources_and_target(&read);
    for source in &sources {
        list.push(Touched::new(source, Access::WRITE).beneath(true));
        if let Some(target) = target.as_ref().filter(|_| is_symbolic) {
            // A symbolic link is read from the folder in which it lies: the
            // target itself if that is a folder, else the folder around it.
            for folder in [parent(target), Some(target.clone())].into_iter().flatten() {
                let seen = beneath(&folder, source);
                list.push(Touched::new(&seen, Access::WRITE).possible().beneath(true));
            }
        }
    }
    let replaces = read.has(&["T", "no-target-directory", "n", "no-dereference"]);
    match target {
        Some(target) if replaces => {
            list.push(Touched::new(&target, WRITE_OR_DELETE).over(Extent::Sealed));
        }
        Some(target) => into(&sources, &target, false, list),
        None => {
            for source in &sources {
                if let Some(name) = last_component(source) {
                    list.push(Touched::new(&name, Access::WRITE));
                }
            }
        }
    }
}

/// The long options that take a value.
const REMOTE_VALUES: &[&str] = &[
    "rsh",
    "exclude",
    "include",
    "filter",
    "exclude-from",
    "files-from",
    "backup-dir",
    "temp-dir",
    "partial-dir",
    "log-file",
    "compare-dest",
    "copy-dest",
    "link-dest",
    "password-file",
    "port",
    "rsync-path",
    "write-batch",
    "only-write-batch",
    "read-batch",
    "include-from",
    "remote-option",
    "bwlimit",
    "timeout",
    "chmod",
    "chown",
    "block-size",
    "max-size",
    "min-size",
    "suffix",
    "out-format",
    "info",
    "early-input",
];

/// The options whose value is a file or folder that is written.
const REMOTE_WRITTEN: &[&str] = &[
    "log-file",
    "backup-dir",
    "T",
    "temp-dir",
    "partial-dir",
    "write-batch",
    "only-write-batch",
];

/// The options whose value is a file that is read.
const REMOTE_READ: &[&str] = &[
    "exclude-from",
    "files-from",
    "include-from",
    "read-batch",
    "early-input",
    "copy-dest",
    "compare-dest",
    "password-file",
    "i",
    "F",
    "link-dest",
];

fn remote(name: &str, arguments: &[Word], list: &mut Vec<Touched>) {
    let read = read(
        arguments,
        if name == "scp" {
            "cDFiJloPSX"
        } else {
            "efTBMi"
        },
        REMOTE_VALUES,
    );
    let recursive = read.has(&["r", "a", "R", "recursive", "archive"]);
    list.extend(
        read.values(REMOTE_WRITTEN)
            .map(|word| Touched::new(word, Access::WRITE).beneath(true)),
    );
    list.extend(
        read.values(REMOTE_READ)
            .map(|word| Touched::new(word, Access::READ)),
    );
    let (sources, target) = sources_and_target(&read);
    let access = if read.has(&["remove-source-files"]) {
        MOVE
    } else {
        Access::READ
    };
    for source in sources.iter().filter(|word| !is_remote(word)) {
        list.push(Touched::new(source, access).beneath(recursive));
    }
    let Some(target) = target.filter(|word| !is_remote(word)) else {
        return;
    };
    into(&sources, &target, recursive, list);
    let deletes = read
        .options
        .iter()
        .any(|option| option.name.starts_with("del"));
    if deletes {
        list.push(Touched::new(&target, Access::DELETE).beneath(true));
    }
    // What another machine sends names itself, unless the line does.
    let mut names_itself = read.has(&["files-from"]);
    for source in sources.iter().filter(|word| is_remote(word)) {
        match name_from_afar(source).filter(|_| !read.has(&["R", "relative"])) {
            Some(name) => {
                let place = beneath(&target, &word_at(source, &name));
                list.push(
                    Touched::new(&place, Access::WRITE)
                        .possible()
                        .beneath(recursive),
                );
            }
            None => names_itself |= recursive,
        }
    }
    if names_itself {
        list.push(Touched::listed(&target, Listing::Unknown));
        return;
    }
    // `dir/` means what is in it, whose names are not shown.
    list.push(
        Touched::new(&target, Access::WRITE)
            .possible()
            .beneath(true),
    );
}

/// Returns whether a word is an address of the web, and no name of a file.
pub(crate) fn is_web_address(word: &Word) -> bool {
    let text = first_text(word);
    ["http://", "https://", "ftp://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

/// Returns whether a word names something on another machine.
pub(crate) fn is_remote(word: &Word) -> bool {
    let text = first_text(word);
    match text.split_once(':') {
        Some((host, _)) => !host.is_empty() && !host.contains('/'),
        None => false,
    }
}

/// Returns the name under which what `source` names on another machine is laid
/// into a folder; nothing if only that machine can tell.
fn name_from_afar(source: &Word) -> Option<String> {
    let text = source.literal()?;
    let (_, path) = text.split_once(':')?;
    let is_one = !path.ends_with('/') && !path.contains(['*', '?', '[', '~', '$', ' ', '`']);
    let name = path.rsplit('/').next().unwrap_or(path);
    (is_one && !matches!(name, "" | "." | "..")).then(|| name.to_owned())
}

fn sources_and_target(read: &Arguments<'_>) -> (Vec<Word>, Option<Word>) {
    let mut operands: Vec<Word> = read.operands.iter().map(|word| (*word).clone()).collect();
    let target = read.values(&["t", "target-directory"]).last().cloned();
    if target.is_some() {
        return (operands, target);
    }
    let target = if operands.len() > 1 {
        operands.pop()
    } else {
        None
    };
    (operands, target)
}

/// Adds a target that is written, or written into if it is a folder.
fn into(sources: &[Word], target: &Word, recursive: bool, list: &mut Vec<Touched>) {
    list.push(Touched::new(target, Access::WRITE));
    let mut names_all = true;
    for source in sources {
        match last_component(source) {
            Some(name) => {
                let inside = beneath(target, &name);
                let inside = Touched::new(&inside, Access::WRITE).possible();
                list.push(inside.beneath(recursive));
            }
            None => names_all = false,
        }
    }
    if !names_all || recursive {
        list.push(Touched::new(target, Access::WRITE).possible().beneath(true));
    }
}

/// Returns the last component of a path as a word of its own, if the text shows it.
pub(super) fn last_component(word: &Word) -> Option<Word> {
    let text = match word.parts.last()? {
        WordPart::Literal(text) => text.trim_end_matches('/'),
        WordPart::Pattern(_) | WordPart::Home(_) | WordPart::Stream(_) | WordPart::Unknown(_) => {
            return None;
        }
    };
    let name = match text.rsplit_once('/') {
        Some((_, name)) => name,
        None if word.parts.len() == 1 => text,
        None => return None,
    };
    let is_name = !name.is_empty() && name != "." && name != "..";
    is_name.then(|| word_at(word, name))
}

/// Returns the folder of a path, if it has one.
fn parent(word: &Word) -> Option<Word> {
    let (last, before) = word.parts.split_last()?;
    let WordPart::Literal(text) = last else {
        return None;
    };
    let (folder, _) = text.trim_end_matches('/').rsplit_once('/')?;
    let mut parts = before.to_vec();
    let folder = if folder.is_empty() { "/" } else { folder };
    parts.push(WordPart::Literal(folder.to_owned()));
    Some(Word {
        span: word.span,
        parts: merged(parts),
        ..Word::default()
    })
}
