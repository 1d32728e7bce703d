//! Which words of a command may name files, and how they are reached for.

mod archive;
mod change;
mod clone;
mod container;
mod entry;
mod git;
mod network;
mod other;
mod own;
mod transfer;

pub(crate) use clone::cloned;
pub(crate) use network::sent_file;
pub(crate) use transfer::{is_remote, is_web_address};

use aegis_types::{Access, Command, RedirectionKind, Word};

use crate::code;
use crate::escape::has_escapes;
use crate::input;
use crate::option::{self, Spec, first_text};
use crate::option_code::git_files;
use crate::program::program_name;
use crate::programs;
use crate::variable;

/// A word that may name a file or a folder, and how it is reached for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Touched {
    /// The word: a path as the command gets it, relative to its directory.
    pub word: Word,
    /// How it is reached for.
    pub access: Access,
    /// Whether the command, as far as it is understood, does reach for it so.
    ///
    /// `false` when it may: an unknown program may do anything with its
    /// arguments.
    pub certain: bool,
    /// Whether what lies beneath a folder is reached for as well.
    ///
    /// Together with `certain`, all of it; else some of it, perhaps.
    pub recursive: bool,
    /// Whether the whole work tree of git that holds the folder is meant.
    pub work_tree: bool,
    /// What is meant besides.
    pub extent: Extent,
}

/// What a command means beside the file or folder that a word names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Extent {
    /// Nothing but what [`Touched::recursive`] says.
    #[default]
    Said,
    /// A folder is replaced or closed as a whole: nothing below it can be
    /// reached any more as it was.
    Sealed,
    /// Of what lies below, only what is not hidden.
    Visible,
    /// The folder is handed to something that may do anything below it.
    Handed,
    /// Files below that something else names.
    Listed(Listing),
}

/// What names the files that a command writes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Listing {
    /// The archive in this file.
    Archive {
        /// The file.
        file: Word,
        /// Whether the names lose what they start with.
        is_stripped: bool,
    },
    /// The patches in these files; without any, what is read from standard input.
    Patches(Vec<Word>),
    /// It cannot be told.
    Unknown,
}

impl Touched {
    /// Returns that `word` is reached for.
    pub(crate) fn new(word: &Word, access: Access) -> Self {
        Self {
            word: word.clone(),
            access,
            certain: true,
            recursive: false,
            work_tree: false,
            extent: Extent::Said,
        }
    }

    /// Returns the same as only possible.
    pub(crate) fn possible(self) -> Self {
        Self {
            certain: false,
            ..self
        }
    }

    /// Returns the same with this extent.
    pub(crate) fn over(self, extent: Extent) -> Self {
        Self { extent, ..self }
    }

    /// Returns that `listing` names files beneath `folder` that are written.
    pub(crate) fn listed(folder: &Word, listing: Listing) -> Self {
        let access = match listing {
            Listing::Patches(_) => Access::WRITE.or(Access::DELETE),
            Listing::Archive { .. } | Listing::Unknown => Access::WRITE,
        };
        let inside = Self::new(folder, access).possible().beneath(true);
        inside.over(Extent::Listed(listing))
    }

    /// Returns the same with what lies beneath, if `recursive`.
    pub(crate) fn beneath(self, recursive: bool) -> Self {
        Self { recursive, ..self }
    }
}

/// What reads a file that is also changed.
pub(crate) const CHANGE: Access = Access::READ.or(Access::WRITE);

/// What takes a file away from where it is.
pub(crate) const MOVE: Access = Access::READ.or(Access::DELETE);

/// Returns every word of `command` that may name a file, with how it is reached for.
///
/// A program that is not known may do anything with every argument that could
/// be a path. Words are as the command gets them; [`located`](crate::located)
/// tells where they lead from the start of the text.
#[must_use]
pub fn touched(command: &Command) -> Vec<Touched> {
    let mut list = Vec::new();
    if redirects_to_mark(command) {
        let possible = |word| Touched::new(word, Access::WRITE).possible();
        list.extend(command.arguments.iter().map(possible));
    }
    for redirection in &command.redirections {
        let access = match redirection.kind {
            RedirectionKind::Read => Access::READ,
            RedirectionKind::Write | RedirectionKind::Append => Access::WRITE,
            RedirectionKind::ReadWrite => CHANGE,
            RedirectionKind::Text | RedirectionKind::Descriptor => continue,
        };
        list.push(Touched::new(&redirection.target, access));
    }
    let kept = variable::written_to(&command.assignments);
    list.extend(kept.map(|word| Touched::new(word, Access::WRITE)));
    let loaded = loaded_by(command).into_iter();
    list.extend(loaded.map(|word| Touched::new(&word, Access::READ).possible()));
    let Some(program) = &command.program else {
        return list;
    };
    if program.literal().is_none_or(|text| text.contains('/')) {
        list.push(Touched::new(program, Access::EXECUTE));
    }
    match program_name(command) {
        Some(name) => {
            by_name(&name, command, &mut list);
            own::touched(&name, command, &mut list);
            clone::touched(command, &mut list);
        }
        None => other::any_program(&command.arguments, &mut list),
    }
    let shown = code::shown_by(command).map(|shown| shown.paths);
    for (mut word, access) in shown.into_iter().flatten() {
        word.span = command.span;
        list.push(Touched::new(&word, access).possible());
    }
    // What a process has open already is touched where it is opened; what a stream
    // stands for, by the commands in it.
    let stays = |access: Access| access.delete || access.execute;
    list.retain(|it| stays(it.access) || !(it.word.is_stream() || is_own_descriptor(&it.word)));
    let is_client = program_name(command).is_some_and(|name| has_escapes(&name));
    list.retain(|it| !is_client || !first_text(&it.word).starts_with('|'));
    list.dedup();
    list
}

/// Returns whether a word names something that the process itself has open.
fn is_own_descriptor(word: &Word) -> bool {
    let path = word.literal();
    path.is_some_and(|path| path.starts_with("/dev/") && input::descriptor(&path).is_some())
}

/// Returns the files and folders whose code a command loads into programs that
/// were not told to: through variables, and through options of git.
pub(crate) fn loaded_by(command: &Command) -> Vec<Word> {
    let name = program_name(command);
    let mut loaded = Vec::new();
    if !command.assignments.is_empty() || name.as_deref().is_some_and(variable::sets) {
        let program = command.program.iter();
        let words: Vec<Word> = program.chain(&command.arguments).cloned().collect();
        let set = variable::set_by(&words, &command.assignments, &command.redirections);
        loaded = variable::loaded(&set);
    }
    if name.as_deref() == Some("git") {
        loaded.extend(git_files(&command.arguments));
    }
    loaded
}

/// Returns whether a redirection names `!`: in zsh `>! file` writes the file.
fn redirects_to_mark(command: &Command) -> bool {
    command.redirections.iter().any(|redirection| {
        let writes = match redirection.kind {
            RedirectionKind::Write | RedirectionKind::Append => true,
            RedirectionKind::Read
            | RedirectionKind::ReadWrite
            | RedirectionKind::Text
            | RedirectionKind::Descriptor => false,
        };
        writes && redirection.target.literal().as_deref() == Some("!")
    })
}

fn by_name(name: &str, command: &Command, list: &mut Vec<Touched>) {
    let arguments = command.arguments.as_slice();
    match name {
        "git" => git::touched(command, list),
        "cp" | "mv" | "install" | "ln" | "link" | "rsync" | "scp" | "ginstall" | "gcp" | "gmv" => {
            transfer::touched(name, command, list);
        }
        "tar" | "gtar" | "bsdtar" | "unzip" | "cpio" | "7z" | "7za" | "zip" | "ar" | "jar" => {
            archive::touched(name, command, list);
        }
        "sed" | "gsed" | "perl" | "ruby" | "awk" | "gawk" | "mawk" | "nawk" | "find" | "patch"
        | "dd" | "mount" | "yq" | "test" | "[" | "chmod" | "gchmod" | "chattr" => {
            change::touched(name, command, list);
        }
        "curl" | "wget" | "openssl" | "socat" => network::touched(name, arguments, list),
        "docker" | "podman" | "nerdctl" => container::touched(arguments, list),
        "sqlite3" | "duckdb" => change::database(arguments, list),
        _ => match programs::entry_for(name) {
            Some(found) => entry::touched(name, found, command, list),
            None => other::by_name(name, command, list),
        },
    }
}

/// Returns a word of this text at the place of another.
pub(crate) fn word_at(place: &Word, text: &str) -> Word {
    Word {
        span: place.span,
        parts: vec![aegis_types::WordPart::Literal(text.to_owned())],
        ..Word::default()
    }
}

/// Returns the folder in which a command runs, as a word.
pub(crate) fn here(command: &Command) -> Word {
    let program = command.program.clone().unwrap_or_default();
    word_at(&program, ".")
}

/// Reads arguments of which options may stand anywhere.
pub(crate) fn read<'w>(
    arguments: &'w [Word],
    short: &'static str,
    long: &'static [&'static str],
) -> option::Arguments<'w> {
    let spec = Spec {
        short,
        long,
        ends_at_operand: false,
    };
    option::read(arguments, &spec)
}
