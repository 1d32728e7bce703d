//! The name of a program.

use std::borrow::Cow;

use aegis_types::{Command, Word, WordPart};

use crate::option::Spec;

/// Shells; the code of each is read as if it were that of bash.
pub(crate) const SHELLS: [&str; 21] = [
    "ash", "bash", "csh", "dash", "elvish", "es", "fish", "ksh", "mksh", "nu", "oksh", "osh",
    "posh", "rbash", "rc", "sh", "tcsh", "xonsh", "yash", "ysh", "zsh",
];

/// Options of shells that take a value.
pub(crate) const SHELL: Spec = Spec {
    short: "oO",
    long: &["rcfile", "init-file"],
    ends_at_operand: true,
};

/// The same for fish, some of whose values are text that it runs.
const FISH: Spec = Spec {
    short: "CDdfop",
    long: &[
        "init-command",
        "command",
        "debug",
        "debug-output",
        "features",
        "profile",
        "profile-startup",
    ],
    ends_at_operand: true,
};

/// Returns which options of the shell `name` take a value.
pub(crate) fn shell_spec(name: &str) -> &'static Spec {
    if name == "fish" { &FISH } else { &SHELL }
}

/// Returns whether `name` is that of a shell.
pub(crate) fn is_shell(name: &str) -> bool {
    SHELLS.contains(&name)
}

/// Returns the name of the program of a command without its folder, if the text shows it.
#[must_use]
pub fn program_name(command: &Command) -> Option<Cow<'_, str>> {
    name_of(command.program.as_ref()?)
}

/// Returns the last component of a word, if it is literal.
pub(crate) fn name_of(word: &Word) -> Option<Cow<'_, str>> {
    if let [WordPart::Literal(text)] = word.parts.as_slice() {
        return Some(Cow::Borrowed(last_component(text)));
    }
    // A folder that is not literal does not hide the name of the program in it.
    match word.parts.last()? {
        WordPart::Literal(text) if text.contains('/') => Some(Cow::Borrowed(last_component(text))),
        WordPart::Literal(_) => word
            .literal()
            .map(|text| Cow::Owned(last_component(&text).to_owned())),
        WordPart::Pattern(_) | WordPart::Home(_) | WordPart::Stream(_) | WordPart::Unknown(_) => {
            None
        }
    }
}

fn last_component(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
