//! Programs that pack and unpack.

use aegis_types::{Access, Command, Word};

use super::{CHANGE, Listing, MOVE, Touched, here, read, word_at};
use crate::locate::beneath;
use crate::option::{Arguments, first_text, without_start};

/// Adds what an archiver is given.
pub(super) fn touched(name: &str, command: &Command, list: &mut Vec<Touched>) {
    match name {
        "tar" | "gtar" | "bsdtar" => tar(name, command, list),
        "unzip" => unzip(command, list),
        "zip" => zip(command, list),
        "cpio" => cpio(command, list),
        _ => other(command, list),
    }
}

fn tar(name: &str, command: &Command, list: &mut Vec<Touched>) {
    let short = match name {
        "bsdtar" => "fCTXIbsW",
        _ => "fCTXIgbFHKLNV",
    };
    let arguments = unbundled(&command.arguments, short);
    let read = read(&arguments, short, TAR_VALUES);
    // Each of several folders is meant from the one before.
    let folders = read.values(TAR_FOLDERS).cloned();
    let folder = folders.reduce(|folder, word| beneath(&folder, &word));
    let folder = folder.unwrap_or_else(|| here(command));
    let lists = read.has(&["t", "list", "d", "diff", "compare", "help", "version"]);
    let packs = read.has(TAR_PACKS);
    // Without a known mode it is one that is not written out.
    let extracts = read.has(&["x", "extract", "get"]) || !lists && !packs;
    let access = if extracts || lists {
        Access::READ
    } else {
        CHANGE
    };
    let archives = read.values(&["f", "file"]);
    let named = archives.filter(|word| word.literal().as_deref() != Some("-"));
    list.extend(named.map(|word| Touched::new(word, access)));
    list.extend(
        read.values(&["T", "X", "files-from", "exclude-from"])
            .map(|word| Touched::new(word, Access::READ)),
    );
    list.extend(
        read.values(&["g", "listed-incremental", "volno-file"])
            .map(|word| Touched::new(word, CHANGE)),
    );
    list.extend(
        read.values(&["index-file"])
            .map(|word| Touched::new(word, Access::WRITE)),
    );
    if lists {
        return;
    }
    if extracts {
        unpacked(&folder, &read.operands, tar_listing(command, &read), list);
        if read.has(TAR_ANYWHERE) {
            list.push(anywhere(command));
        }
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

/// Returns the arguments with the letters apart that a first word without a
/// dash bundles: their values are the words that follow, in order.
fn unbundled(arguments: &[Word], short: &str) -> Vec<Word> {
    let Some((first, rest)) = arguments.split_first() else {
        return Vec::new();
    };
    let Some(text) = first.literal().filter(|text| !text.starts_with('-')) else {
        return arguments.to_vec();
    };
    let mut rest = rest.iter();
    let mut words = Vec::new();
    for letter in text.chars() {
        words.push(word_at(first, &format!("-{letter}")));
        if short.contains(letter) {
            words.extend(rest.next().cloned());
        }
    }
    words.extend(rest.cloned());
    words
}

/// Returns what names the files that `tar` unpacks.
fn tar_listing(command: &Command, read: &Arguments<'_>) -> Listing {
    let mut names = read.options.iter().map(|option| option.name.as_str());
    let is_known = names.all(|name| TAR_KNOWN.contains(&name));
    let is_changed = command
        .assignments
        .iter()
        .any(|assignment| assignment.name.starts_with("TAR"));
    let mut files = read.values(&["f", "file"]);
    match (files.next(), files.next()) {
        (Some(file), None) if is_known && !is_changed && file.literal().as_deref() != Some("-") => {
            Listing::Archive {
                file: file.clone(),
                is_stripped: read.has(&["strip-components"]),
            }
        }
        _ => Listing::Unknown,
    }
}

/// The long options that take a value, also in the next word.
const TAR_VALUES: &[&str] = &[
    "file",
    "directory",
    "cd",
    "dir",
    "dire",
    "direc",
    "direct",
    "directo",
    "director",
    "files-from",
    "exclude-from",
    "exclude",
    "use-compress-program",
    "listed-incremental",
    "transform",
    "xform",
    "strip-components",
    "to-command",
    "owner",
    "group",
    "mode",
    "mtime",
    "format",
    "add-file",
    "blocking-factor",
    "exclude-ignore",
    "exclude-ignore-recursive",
    "exclude-tag",
    "exclude-tag-all",
    "exclude-tag-under",
    "group-map",
    "hole-detection",
    "index-file",
    "info-script",
    "label",
    "level",
    "new-volume-script",
    "newer",
    "newer-mtime",
    "after-date",
    "owner-map",
    "pax-option",
    "quote-chars",
    "quoting-style",
    "record-size",
    "rmt-command",
    "rsh-command",
    "sort",
    "sparse-version",
    "starting-file",
    "suffix",
    "tape-length",
    "volno-file",
    "warning",
    "checkpoint-action",
];

/// The options that say where to go; the name may be cut short.
const TAR_FOLDERS: &[&str] = &[
    "C",
    "cd",
    "dir",
    "dire",
    "direc",
    "direct",
    "directo",
    "director",
    "directory",
    "one-top-level",
];

/// The options that say to write an archive.
const TAR_PACKS: &[&str] = &[
    "c",
    "create",
    "r",
    "append",
    "u",
    "update",
    "A",
    "catenate",
    "concatenate",
    "delete",
    "test-label",
];

/// The options with which files may be written outside the folder.
const TAR_ANYWHERE: &[&str] = &[
    "P",
    "absolute-names",
    "absolute-paths",
    "T",
    "files-from",
    "W",
];

/// The options that leave alone which names are read and where they lead.
const TAR_KNOWN: &[&str] = &[
    "x",
    "f",
    "C",
    "v",
    "z",
    "j",
    "J",
    "Z",
    "a",
    "p",
    "k",
    "m",
    "o",
    "w",
    "X",
    "extract",
    "get",
    "file",
    "cd",
    "dir",
    "dire",
    "direc",
    "direct",
    "directo",
    "director",
    "directory",
    "verbose",
    "gzip",
    "gunzip",
    "ungzip",
    "bzip2",
    "xz",
    "lzma",
    "lzip",
    "lzop",
    "zstd",
    "compress",
    "uncompress",
    "auto-compress",
    "no-auto-compress",
    "exclude",
    "exclude-from",
    "strip-components",
    "same-owner",
    "no-same-owner",
    "same-permissions",
    "no-same-permissions",
    "preserve-permissions",
    "numeric-owner",
    "owner",
    "group",
    "mode",
    "keep-old-files",
    "skip-old-files",
    "keep-newer-files",
    "touch",
    "warning",
    "totals",
    "checkpoint",
];

/// Returns that files may be written wherever an archive says.
fn anywhere(command: &Command) -> Touched {
    Touched::listed(&word_at(&here(command), "/"), Listing::Unknown)
}

/// Adds what is written when `members`, or all that an archive holds, goes to `folder`.
///
/// Also where members are named, what they lead to is for the archive to say:
/// a name may be rewritten, and lead through a link.
fn unpacked(folder: &Word, members: &[&Word], listing: Listing, list: &mut Vec<Touched>) {
    list.push(Touched::new(folder, Access::WRITE));
    for member in members {
        let member = beneath(folder, member);
        list.push(Touched::new(&member, Access::WRITE).beneath(true));
    }
    list.push(Touched::listed(folder, listing));
}

fn unzip(command: &Command, list: &mut Vec<Touched>) {
    let read = read(&command.arguments, "dPxIO", &[]);
    let folder = read.values(&["d"]).last().cloned();
    let folder = folder.unwrap_or_else(|| here(command));
    let Some((archive, members)) = read.operands.split_first() else {
        return;
    };
    list.push(Touched::new(archive, Access::READ));
    if read.has(&["l", "t", "p", "Z", "z", "v"]) {
        return;
    }
    let known = [
        "d", "P", "x", "o", "n", "q", "u", "f", "j", "a", "b", "C", "X", "K", "D",
    ];
    let is_known = |name: &str| known.contains(&name);
    let listing = if read.options.iter().all(|option| is_known(&option.name)) {
        Listing::Archive {
            file: (*archive).clone(),
            is_stripped: read.has(&["j"]),
        }
    } else {
        Listing::Unknown
    };
    unpacked(&folder, members, listing, list);
    if read.has(&[":"]) {
        list.push(anywhere(command));
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

#[cfg(test)]
mod tests {
    use super::super::Extent;

    /// Returns the folders below which something is written, and by which list.
    fn listed(text: &str) -> Vec<String> {
        let plan = crate::plan(text);
        let touched = plan.commands.iter().flat_map(crate::touched);
        let shown = touched.filter_map(|item| {
            let folder = item.word.literal().unwrap_or_default();
            match item.extent {
                Extent::Listed(super::Listing::Archive { file, is_stripped }) => {
                    let file = file.literal().unwrap_or_default();
                    let sign = if is_stripped { "~" } else { "" };
                    Some(format!("{folder} {sign}{file}"))
                }
                Extent::Listed(super::Listing::Unknown) => Some(format!("{folder} ?")),
                Extent::Listed(super::Listing::Patches(_))
                | Extent::Said
                | Extent::Sealed
                | Extent::Visible
                | Extent::Handed => None,
            }
        });
        shown.collect()
    }

    #[test]
    fn plain_unpacking_is_listed_by_the_archive() {
        for (text, expected) in [
            ("tar -xf a.tar -C vendor", "vendor a.tar"),
            ("tar xfC a.tar vendor", "vendor a.tar"),
            ("tar xvf a.tar --dir vendor/", "vendor/ a.tar"),
            ("tar -xf a.tar -C a -C ..", "a/.. a.tar"),
            ("tar -xf a.tar src/a", ". a.tar"),
            ("tar -xf a.tar --strip-components 1 src", ". ~a.tar"),
            ("unzip -d vendor a.zip", "vendor a.zip"),
            ("unzip -qo a.zip src/a", ". a.zip"),
            ("unzip a.zip -x b c", ". a.zip"),
        ] {
            assert_eq!(listed(text), [expected], "{text}");
        }
        for text in ["tar -cf a.tar src", "tar tf a.tar", "unzip -l a.zip"] {
            assert!(listed(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_an_option_may_rewrite_or_redirect_is_listed_by_nothing() {
        for option in [
            "--xform s,^,.aegis/,",
            "--xform=s,^,.aegis/,",
            "--transf=s,^,.aegis/,",
            "--transform s,^,.aegis/,",
            "--strip=1",
            "-i",
            "--ignore-zeros",
            "-I cat",
            "--wildcards",
            "--unheard-of",
        ] {
            let text = format!("tar -xf a.tar {option} src/a");
            assert_eq!(listed(&text), [". ?"], "{text}");
        }
        for text in ["unzip -L a.zip", "tar --extr -f a.tar"] {
            assert_eq!(listed(text), [". ?"], "{text}");
        }
        // What the variable adds counts as well: names from the root.
        let text = "TAR_OPTIONS=-P tar xf a.tar";
        assert_eq!(listed(text), [". ?", ". ?", "/ ?"]);
    }

    #[test]
    fn a_folder_for_all_is_given_only_in_the_same_word() {
        let text = "tar -xf a.tar --one-top-level src/a";
        assert_eq!(listed(text), [". ?"]);
        let text = "tar -xf a.tar --one-top-level=vendor";
        assert_eq!(listed(text), ["vendor ?"]);
    }

    #[test]
    fn absolute_names_may_lead_anywhere() {
        for text in [
            "tar -xPf a.tar -C vendor",
            "tar -xf a.tar --absolute-names -C vendor",
            "tar -xf a.tar -T list -C vendor",
        ] {
            assert_eq!(listed(text), ["vendor ?", "/ ?"], "{text}");
        }
        assert_eq!(listed("unzip -: -d vendor a.zip"), ["vendor ?", "/ ?"]);
    }
}
