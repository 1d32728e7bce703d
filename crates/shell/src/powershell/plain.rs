//! Whether a PowerShell text is nothing but plain commands.

use aegis_types::{Command, Word};

use super::Statement;
use crate::programs::entry_for;
use crate::quote::in_quotes;

/// Commands of PowerShell of which the table says what they read, write and remove.
const TOLD: [&str; 30] = [
    "add-content",
    "clear-content",
    "convertfrom-json",
    "convertto-json",
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
    "where-object",
    "write-host",
    "write-output",
];

/// Commands of these that take no path from what a pipeline hands to them.
const BEHIND_PIPE: [&str; 10] = [
    "convertfrom-json",
    "convertto-json",
    "format-list",
    "format-table",
    "measure-object",
    "out-null",
    "out-string",
    "select-object",
    "sort-object",
    "where-object",
];

/// Programs of the table that are commands of PowerShell on some machines.
const ALIASES: [&str; 8] = ["cat", "del", "dir", "erase", "ls", "rd", "rm", "rmdir"];

/// Names that the table knows as another program than PowerShell does, that it
/// runs text or a file by, or after which paths begin elsewhere.
const OTHER: [&str; 38] = [
    ".", "cd", "chdir", "choco", "clear", "copy", "cp", "curl", "diff", "eval", "exec", "history",
    "icm", "iex", "ii", "invoke", "irm", "iwr", "kill", "man", "move", "mv", "popd", "pushd", "r",
    "rundll32", "sal", "saps", "set", "sort", "source", "spps", "start", "tee", "type", "wget",
    "winget", "wmic",
];

/// Signs with which PowerShell computes, groups, escapes or redirects.
const SIGNS: [char; 16] = [
    '*', '$', '`', '(', ')', '{', '}', '@', '#', '[', ']', '%', '?', '<', '>', ',',
];

/// Signs that make a word a pattern for a command of PowerShell, quoted or not.
const PATTERN_SIGNS: [char; 4] = ['*', '?', '[', '`'];

/// Returns whether every command of a text is a known one with words that stand
/// for themselves.
pub(super) fn is_plain(text: &str, statements: &[Statement]) -> bool {
    let is_known = |it: &Statement| is_known(&it.command, it.is_behind_pipe);
    is_simple(text) && statements.iter().all(is_known)
}

/// Returns whether a text is made of words, quotes around whole words, `;`, `|`,
/// `&&` and ends of lines: nothing in it is computed.
fn is_simple(text: &str) -> bool {
    let is_edge = |it: char| it.is_ascii_whitespace() || matches!(it, ';' | '|' | '&');
    let mut quote = None;
    for (at, character) in text.char_indices() {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + character.len_utf8()..).unwrap_or_default();
        match quote {
            Some(open) if open == character => {
                if before.ends_with(open) || !after.chars().next().is_none_or(is_edge) {
                    return false;
                }
                quote = None;
            }
            Some('"') if matches!(character, '$' | '`') => return false,
            // Quotes that are typeset end a text as others do.
            Some(_) if matches!(character, '\u{2018}'..='\u{201f}') => return false,
            Some(_) => {}
            None if matches!(character, '\'' | '"') => {
                if !before.chars().next_back().is_none_or(is_edge) {
                    return false;
                }
                quote = Some(character);
            }
            None if SIGNS.contains(&character) || character == '=' => return false,
            // A sign before a program runs what the word says.
            None if character == '&' && !before.ends_with('&') && !after.starts_with('&') => {
                return false;
            }
            // Quotes that are typeset, and what ends the reading of options.
            None if !character.is_ascii() => return false,
            None => {}
        }
    }
    quote.is_none() && !text.contains("--%")
}

/// Returns whether it is known what a command does.
fn is_known(command: &Command, is_behind_pipe: bool) -> bool {
    let program = command.program.as_ref().filter(|it| is_bare(it));
    let Some(name) = program.and_then(Word::literal) else {
        return false;
    };
    let words: Option<Vec<String>> = command.arguments.iter().map(Word::literal).collect();
    let Some(words) = words else {
        return false;
    };
    if is_behind_pipe && !BEHIND_PIPE.contains(&name.as_str()) {
        return false;
    }
    if words.iter().any(|word| is_other_path(word)) {
        return false;
    }
    let is_told = TOLD.contains(&name.as_str());
    let takes_patterns = is_told || ALIASES.contains(&name.as_str());
    if takes_patterns && words.iter().any(|word| word.contains(PATTERN_SIGNS)) {
        return false;
    }
    if is_told {
        return names_options(&name, &command.arguments);
    }
    let is_named = !name.contains(['-', '/', '\\', '.']) && entry_for(&name).is_some();
    is_named && !OTHER.contains(&name.as_str()) && runs_alone(&name, &words)
}

/// Returns whether a word stands in the text as it is read, without quotes or a
/// dot before it.
fn is_bare(word: &Word) -> bool {
    let length = usize::try_from(word.span.end - word.span.start).ok();
    word.literal().map(|text| text.len()) == length
}

/// Returns whether a word may name another file than it seems to, or none: a path
/// of Windows, the value of an option, or what is in the environment, the registry
/// or a certificate store.
fn is_other_path(word: &str) -> bool {
    let (drive, rest) = word.split_once(':').unwrap_or_default();
    let names_drive = drive.len() > 1
        && drive.bytes().all(|it| it.is_ascii_alphabetic())
        && !rest.starts_with("//");
    names_drive || word.contains('\\') || word.starts_with('-') && word.contains(':')
}

/// Returns whether the table names every option of a command of PowerShell.
fn names_options(name: &str, words: &[Word]) -> bool {
    entry_for(name).is_some_and(|entry| {
        words.iter().all(|word| {
            let text = word.literal().unwrap_or_default();
            !text.starts_with('-') || is_bare(word) && entry.option(&text).is_some()
        })
    })
}

/// Returns whether a program with these words runs nothing besides, and no text
/// that is not followed.
fn runs_alone(name: &str, words: &[String]) -> bool {
    let quoted = words.iter().map(|word| format!(" {}", in_quotes(word)));
    let line = quoted.fold(name.to_owned(), |line, word| line + &word);
    let plan = crate::plan(&line);
    let [only] = plan.commands.as_slice() else {
        return false;
    };
    let is_same = only.program.as_ref().and_then(Word::literal).as_deref() == Some(name);
    plan.unknowns.is_empty() && is_same && only.through.is_empty()
}
