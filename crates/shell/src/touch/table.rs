//! The programs whose arguments follow a simple plan.

use aegis_types::{Access, Command};

use super::{CHANGE, Extent, MOVE, Touched, here};
use crate::option::{self, Arguments, Spec};

/// How a program uses its arguments.
#[derive(Debug)]
pub(super) struct Entry {
    names: &'static [&'static str],
    spec: Spec,
    operands: Operands,
    /// The options that name files.
    options: &'static [(&'static [&'static str], Access)],
    beneath: Beneath,
    extent: fn(&Arguments<'_>) -> Extent,
}

/// How the operands of a program are used.
#[derive(Clone, Copy, Debug)]
enum Operands {
    /// Each names a file.
    All(Access),
    /// Each but the first, unless one of these options stands for the first.
    AfterFirst(Access, &'static [&'static str]),
    /// The first does, the others do not.
    First(Access),
    /// The first and the second each in its own way, the others not at all.
    Two(Access, Access),
    /// None does.
    None,
}

/// Whether what lies beneath a folder is meant too.
#[derive(Clone, Copy, Debug)]
enum Beneath {
    Never,
    Always,
    /// If one of these options is given.
    With(&'static [&'static str]),
}

use Operands::{AfterFirst, All, First, Two};

const R: Access = Access::READ;
const W: Access = Access::WRITE;
const D: Access = Access::DELETE;
const X: Access = Access::EXECUTE;
const WD: Access = Access::WRITE.or(Access::DELETE);
const RECURSIVE: Beneath = Beneath::With(&["r", "R", "recursive", "dereference-recursive"]);

const fn entry(names: &'static [&'static str], operands: Operands) -> Entry {
    Entry {
        names,
        spec: Spec {
            short: "",
            long: &[],
            ends_at_operand: false,
        },
        operands,
        options: &[],
        beneath: Beneath::Never,
        extent: |_| Extent::Said,
    }
}

impl Entry {
    const fn values(mut self, short: &'static str, long: &'static [&'static str]) -> Self {
        self.spec.short = short;
        self.spec.long = long;
        self
    }

    const fn files(mut self, options: &'static [(&'static [&'static str], Access)]) -> Self {
        self.options = options;
        self
    }

    const fn over(mut self, extent: fn(&Arguments<'_>) -> Extent) -> Self {
        self.extent = extent;
        self
    }

    const fn beneath(mut self, beneath: Beneath) -> Self {
        self.beneath = beneath;
        self
    }
}

const TABLE: &[Entry] = &[
    // Removing and making.
    entry(&["rm", "grm"], All(D)).beneath(RECURSIVE),
    entry(&["rmdir", "unlink"], All(D)).values("", &[]),
    entry(&["trash", "trash-put", "gio", "srm"], All(D)).beneath(Beneath::Always),
    entry(&["shred"], All(WD)).values("ns", &["iterations", "size", "random-source"]),
    entry(&["mkdir"], All(W)).values("mZ", &["mode"]),
    entry(&["touch"], All(W))
        .values("drt", &["date", "reference", "time"])
        .files(&[(&["r", "reference"], R)]),
    entry(&["truncate"], All(W))
        .values("sr", &["size", "reference"])
        .files(&[(&["r", "reference"], R)]),
    entry(&["fallocate"], All(W)).values("lon", &["length", "offset"]),
    entry(&["mkfifo", "mknod"], All(W)).values("m", &["mode"]),
    entry(&["tee", "sponge"], All(W)),
    entry(&["mktemp"], Operands::None)
        .values("p", &["suffix"])
        .files(&[(&["p", "tmpdir"], W)]),
    entry(&["split"], Two(R, W)).values("abClnt", &["bytes", "lines", "number", "suffix-length"]),
    entry(&["csplit"], First(R))
        .values("bfn", &["prefix"])
        .files(&[(&["f", "prefix"], W)]),
    // Attributes.
    entry(&["chgrp"], AfterFirst(W, &["reference"]))
        .values("", &["reference"])
        .files(&[(&["reference"], R)])
        .beneath(RECURSIVE),
    // Whoever no longer owns a folder may be kept out of it.
    entry(&["chown", "gchown"], AfterFirst(W, &["reference"]))
        .over(|_| Extent::Sealed)
        .values("", &["from", "reference"])
        .files(&[(&["reference"], R)])
        .beneath(RECURSIVE),
    entry(&["setfacl"], All(W))
        .over(|_| Extent::Sealed)
        .values(
            "mxMX",
            &[
                "modify",
                "remove",
                "set",
                "modify-file",
                "remove-file",
                "restore",
            ],
        )
        .files(&[(&["restore"], R)])
        .beneath(RECURSIVE),
    entry(&["setfattr", "xattr"], All(W)).values("nvx", &["name", "value", "remove"]),
    entry(&["chcon", "restorecon"], All(W))
        .values("urtl", &["user", "role", "type"])
        .beneath(RECURSIVE),
    // Reading. What changes something of Aegis is found by its subcommand.
    entry(&["aegis"], All(R)),
    entry(
        &[
            "cat",
            "tac",
            "less",
            "more",
            "bat",
            "batcat",
            "nl",
            "wc",
            "rev",
            "paste",
            "comm",
            "cmp",
            "file",
            "stat",
            "md5sum",
            "sha1sum",
            "sha256sum",
            "sha512sum",
            "b2sum",
            "cksum",
            "sum",
            "strings",
            "base64",
            "base32",
            "fold",
            "fmt",
            "column",
            "expand",
            "unexpand",
            "join",
            "readlink",
            "realpath",
            "hexdump",
            "od",
            "zcat",
            "bzcat",
            "xzcat",
            "zless",
            "pr",
            "tsort",
            "getfacl",
            "getfattr",
            "lsattr",
            "namei",
            "df",
            "view",
            "glow",
            "most",
            "zstdcat",
        ],
        All(R),
    )
    .values("", &[]),
    entry(&["head", "tail"], All(R)).values("ncs", &["lines", "bytes", "sleep-interval", "pid"]),
    entry(&["cut"], All(R)).values("bcdf", &["bytes", "characters", "delimiter", "fields"]),
    entry(&["ls", "exa", "eza", "lsd", "dir", "vdir"], All(R))
        .values("IwTL", &["hide", "ignore", "level"])
        .beneath(Beneath::With(&["R", "recursive", "T", "tree"])),
    entry(&["du", "tree", "ncdu"], All(R))
        .values("dLIPBt", &["max-depth", "exclude", "filelimit"])
        .files(&[(&["o"], W)])
        .beneath(Beneath::Always),
    entry(&["diff", "colordiff", "sdiff"], All(R))
        .values("CUILWxX", &["unified", "context", "exclude"])
        .files(&[(&["o", "output"], W)])
        .beneath(RECURSIVE),
    entry(&["sort", "gsort"], All(R))
        .values(
            "kotST",
            &[
                "key",
                "output",
                "field-separator",
                "buffer-size",
                "temporary-directory",
            ],
        )
        .files(&[(&["o", "output"], W), (&["files0-from"], R)]),
    entry(&["uniq", "xxd", "iconv-to"], Two(R, W)).values("fswcglos", &["skip-fields"]),
    entry(
        &["grep", "egrep", "fgrep", "zgrep", "ggrep"],
        AfterFirst(R, &["e", "f", "regexp", "file"]),
    )
    .values(
        "efmABCdD",
        &[
            "regexp",
            "file",
            "max-count",
            "include",
            "exclude",
            "exclude-dir",
            "context",
            "after-context",
            "before-context",
            "color",
        ],
    )
    .files(&[(&["f", "file"], R)])
    .beneath(RECURSIVE),
    entry(
        &["rg", "ag", "ack", "ugrep"],
        AfterFirst(R, &["e", "f", "regexp", "file", "files"]),
    )
    .values(
        "efgtTmABCjMrG",
        &[
            "regexp",
            "file",
            "glob",
            "type",
            "type-not",
            "max-count",
            "context",
            "max-depth",
            "replace",
            "iglob",
        ],
    )
    .files(&[(&["f", "file"], R)])
    .beneath(Beneath::Always)
    .over(|read| {
        let sees_all = read.has(&["hidden", "unrestricted", "u", "a", "."]);
        if sees_all {
            Extent::Said
        } else {
            Extent::Visible
        }
    }),
    entry(&["jq", "gojq", "jaq"], AfterFirst(R, &["f", "from-file"]))
        .values("fL", &["from-file", "indent", "tab"])
        .files(&[(&["f", "from-file"], R)]),
    entry(&["iconv"], All(R))
        .values("fto", &["from-code", "to-code", "output"])
        .files(&[(&["o", "output"], W)]),
    entry(&["source", "."], First(R.or(X))),
    // Compressing: the original goes away.
    entry(
        &[
            "gzip",
            "gunzip",
            "bzip2",
            "bunzip2",
            "xz",
            "unxz",
            "zstd",
            "unzstd",
            "lzma",
            "compress",
            "uncompress",
            "lz4",
        ],
        All(MOVE.or(W)),
    )
    .values("SoT", &["suffix", "output"])
    .files(&[(&["o", "output"], W)])
    .beneath(RECURSIVE),
    // Mounting.
    entry(&["umount", "fusermount"], All(D)).values("tO", &[]),
    entry(&["crontab"], All(R)).values("u", &[]),
    entry(&["ssh-keygen"], Operands::None)
        .values("bCfFIJKNnOPRrstVwYyZz", &[])
        .files(&[(&["f", "R"], CHANGE)]),
    // Programs that are given commands as text or words.
    entry(
        &[
            "su", "runuser", "watch", "sudo", "doas", "env", "nohup", "nice",
        ],
        Operands::None,
    ),
    entry(&["script"], All(W)).values("cEImOBTo", &["command"]),
    entry(&["parallel"], Operands::None)
        .values("ajIN", &["arg-file", "results", "joblog"])
        .files(&[(&["a", "arg-file"], R), (&["results", "joblog"], W)]),
    entry(&["xargs"], Operands::None)
        .values("adEILnPs", &["arg-file", "delimiter"])
        .files(&[(&["a", "arg-file"], R)]),
    entry(&["strace", "ltrace", "time"], Operands::None)
        .values("o", &["output"])
        .files(&[(&["o", "output"], W)]),
    // Editors: what they are given, they may write.
    entry(
        &[
            "ed", "ex", "vi", "vim", "nvim", "nano", "pico", "emacs", "micro", "hx", "joe", "red",
        ],
        All(CHANGE),
    )
    .values(
        "cSuUTwWpi",
        &["cmd", "eval", "execute", "script", "startuptime"],
    )
    .files(&[(&["S", "w", "W", "script"], CHANGE)]),
    entry(&["code", "cursor", "subl", "zed"], All(CHANGE)),
    // Nothing of what these are given is a file.
    entry(
        &[
            "echo",
            "printf",
            "true",
            "false",
            ":",
            "pwd",
            "sleep",
            "date",
            "whoami",
            "id",
            "uname",
            "hostname",
            "ps",
            "kill",
            "pkill",
            "killall",
            "seq",
            "yes",
            "expr",
            "basename",
            "dirname",
            "which",
            "type",
            "command",
            "hash",
            "wait",
            "jobs",
            "fg",
            "bg",
            "disown",
            "exit",
            "return",
            "break",
            "continue",
            "shift",
            "unset",
            "local",
            "declare",
            "typeset",
            "readonly",
            "export",
            "set",
            "shopt",
            "trap",
            "read",
            "umask",
            "ulimit",
            "let",
            "getopts",
            "history",
            "tty",
            "nproc",
            "uptime",
            "free",
            "tr",
            "tput",
            "clear",
            "groups",
            "who",
            "w",
            "cd",
            "pushd",
            "popd",
            "dirs",
            "alias",
            "unalias",
            "printenv",
            "arch",
            "eval",
            "builtin",
            "man",
            "systemctl",
            "service",
        ],
        Operands::None,
    ),
];

/// Returns the entry for `name`.
pub(super) fn entry_for(name: &str) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.names.contains(&name))
}

impl Entry {
    /// Adds what a program is given.
    pub(super) fn touched(&self, command: &Command, list: &mut Vec<Touched>) {
        let read = option::read(&command.arguments, &self.spec);
        let recursive = match self.beneath {
            Beneath::Never => false,
            Beneath::Always => true,
            Beneath::With(options) => read.has(options),
        };
        for (names, access) in self.options {
            list.extend(read.values(names).map(|word| Touched::new(word, *access)));
        }
        let (skipped, accesses): (usize, &[Access]) = match &self.operands {
            All(access) => (0, &[*access]),
            AfterFirst(access, instead) => (usize::from(!read.has(instead)), &[*access]),
            First(access) => (0, &[*access]),
            Two(first, second) => (0, &[*first, *second]),
            Operands::None => return,
        };
        let is_search = matches!(self.operands, AfterFirst(Access::READ, _)) && recursive;
        if is_search && read.operands.len() == skipped && command.place.position == 0 {
            // A search without a folder begins where it runs.
            let searched = Touched::new(&here(command), Access::READ).beneath(true);
            list.push(searched.over((self.extent)(&read)));
        }
        let is_counted = matches!(self.operands, First(_) | Two(..));
        for (index, word) in read.operands.iter().skip(skipped).enumerate() {
            let access = match accesses.get(index) {
                Some(access) => *access,
                None if is_counted => break,
                None => accesses.first().copied().unwrap_or(Access::ANY),
            };
            let touched = Touched::new(word, access).beneath(recursive);
            list.push(touched.over((self.extent)(&read)));
        }
    }
}
