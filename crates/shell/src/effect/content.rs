//! Commands out of which comes what is on this machine.

use aegis_types::EffectKind;

use super::command::{Told, is_told};
use crate::option::first_text;
use crate::touch::Touched;

/// Programs that show names and attributes of files, and not their content.
const LISTING: [&str; 33] = [
    "[",
    "b2sum",
    "basename",
    "cksum",
    "df",
    "dir",
    "dirname",
    "du",
    "exa",
    "eza",
    "fd",
    "fdfind",
    "file",
    "find",
    "getfacl",
    "getfattr",
    "ls",
    "lsattr",
    "lsd",
    "md5sum",
    "namei",
    "ncdu",
    "readlink",
    "realpath",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "stat",
    "sum",
    "test",
    "tree",
    "vdir",
    "wc",
];

/// Programs that show what databases hold.
const DUMPING: [&str; 10] = [
    "mariadb",
    "mongodump",
    "mongoexport",
    "mysql",
    "mysqldump",
    "pg_dump",
    "pg_dumpall",
    "psql",
    "redis-cli",
    "sqlite3",
];

/// Subcommands of git that show what a repository holds.
const SHOWING: [&str; 7] = [
    "archive",
    "bundle",
    "cat-file",
    "diff",
    "format-patch",
    "log",
    "show",
];

/// Returns whether the content of a file comes out of a command.
pub(super) fn reads(told: &Told<'_>, item: &Touched) -> bool {
    is_told(item)
        && item.access.read
        && !item.access.execute
        && !LISTING.contains(&told.name())
        && !item.word.is_open()
}

/// Returns whether a command shows the environment, or what is secret.
pub(super) fn shows_secret(told: &Told<'_>) -> bool {
    let has_no_words = told.command.arguments.is_empty();
    match told.name() {
        "printenv" => true,
        "env" | "set" => has_no_words,
        "export" | "declare" => {
            let mut words = told.command.arguments.iter();
            has_no_words || words.any(|word| matches!(first_text(word), "-p" | "-x"))
        }
        _ => {
            let mut readings = told.reading.iter();
            readings.any(|reading| {
                reading
                    .stated()
                    .any(|(kind, _)| *kind == EffectKind::Credential)
            })
        }
    }
}

/// Returns whether a command shows what a database or a repository holds.
pub(super) fn shows_records(told: &Told<'_>) -> bool {
    if told.name() != "git" {
        return DUMPING.contains(&told.name());
    }
    let mut words = told.reading.iter().flat_map(|reading| &reading.subcommands);
    words.any(|word| SHOWING.contains(&first_text(word)))
}
