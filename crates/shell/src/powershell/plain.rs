//! Whether a PowerShell text is nothing but plain commands.

use aegis_types::{Command, Word};

use crate::programs::entry_for;

/// Commands of PowerShell of which the table says what they read, write and remove.
const TOLD: [&str; 30] = [
    "add-content",
    "clear-content",
    "convertfrom-json",
    "convertto-json",
    "copy-item",
    "format-list",
    "format-table",
    "gc",
    "gci",
    "get-childitem",
    "get-content",
    "get-date",
    "get-item",
    "get-location",
    "get-process",
    "get-service",
    "measure-object",
    "out-file",
    "out-null",
    "out-string",
    "remove-item",
    "resolve-path",
    "ri",
    "select-object",
    "set-content",
    "sort-object",
    "start-sleep",
    "test-path",
    "write-host",
    "write-output",
];

/// Names that the table knows as another program than PowerShell does, that it
/// runs text or a file by, or after which paths begin elsewhere.
const OTHER: [&str; 36] = [
    ".", "cd", "chdir", "choco", "clear", "curl", "diff", "eval", "exec", "history", "icm", "iex",
    "ii", "invoke", "irm", "iwr", "kill", "man", "move", "mv", "popd", "pushd", "r", "rundll32",
    "sal", "saps", "set", "sort", "source", "spps", "start", "tee", "type", "wget", "winget",
    "wmic",
];

/// Signs with which PowerShell computes, groups, escapes or redirects.
const SIGNS: [char; 15] = [
    '*', '$', '`', '(', ')', '{', '}', '@', '#', '[', ']', '%', '?', '<', '>',
];

/// Returns whether every command of a text is a known one with words that stand
/// for themselves.
pub(super) fn is_plain(text: &str, commands: &[Command]) -> bool {
    is_simple(text) && commands.iter().all(is_known)
}

/// Returns whether a text is made of words, quotes, `;`, `|`, `&&` and ends of
/// lines: nothing in it is computed.
fn is_simple(text: &str) -> bool {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match quote {
            Some(open) if open == character => quote = None,
            Some('"') if matches!(character, '$' | '`') => return false,
            Some(_) => {}
            None if matches!(character, '\'' | '"') => quote = Some(character),
            None if SIGNS.contains(&character) || character == '=' => return false,
            // A sign before a program runs what the word says.
            None if character == '&' => {
                let before = text.get(..at).unwrap_or_default();
                let after = text.get(at + 1..).unwrap_or_default();
                if !before.ends_with('&') && !after.starts_with('&') {
                    return false;
                }
            }
            // Quotes that are typeset, and what ends the reading of options.
            None if !character.is_ascii() => return false,
            None => {}
        }
    }
    quote.is_none() && !text.contains("--%")
}

/// Returns whether it is known what a command does.
fn is_known(command: &Command) -> bool {
    let Some(name) = command.program.as_ref().and_then(|it| it.literal()) else {
        return false;
    };
    let words: Option<Vec<String>> = command.arguments.iter().map(Word::literal).collect();
    let Some(words) = words else {
        return false;
    };
    // What stands for the environment, the registry or a certificate store is no file.
    let names_drive = words.iter().any(|word| {
        let (drive, rest) = word.split_once(':').unwrap_or_default();
        drive.len() > 1
            && drive.bytes().all(|it| it.is_ascii_alphabetic())
            && !rest.starts_with("//")
    });
    if TOLD.contains(&name.as_str()) {
        return !names_drive;
    }
    let is_named = !name.contains(['-', '/', '\\', '.']) && entry_for(&name).is_some();
    is_named && !names_drive && !OTHER.contains(&name.as_str()) && runs_alone(&name, &words)
}

/// Returns whether a program with these words runs nothing besides, and no text
/// that is not followed.
fn runs_alone(name: &str, words: &[String]) -> bool {
    let quoted = |word: &String| format!(" '{}'", word.replace('\'', "'\\''"));
    let line = words
        .iter()
        .map(quoted)
        .fold(name.to_owned(), |line, word| line + &word);
    let plan = crate::plan(&line);
    let [only] = plan.commands.as_slice() else {
        return false;
    };
    let is_same = only.program.as_ref().and_then(Word::literal).as_deref() == Some(name);
    plan.unknowns.is_empty() && is_same && only.through.is_empty()
}
