//! Tells filters that only filter from programs that reach further.

use aegis_types::Word;

use super::Language;
use crate::code::sed;

/// Returns whether inline code can do nothing but turn its input into output.
///
/// `false` also when that cannot be told.
pub(crate) fn is_harmless(language: Language, code: &Word) -> bool {
    let Some(text) = code.literal() else {
        return false;
    };
    match language {
        Language::Awk => awk_only_filters(&text),
        Language::Sed => sed_only_filters(&text),
        Language::Database => sql_only_queries(&text),
        Language::Script(_) | Language::Editor => false,
    }
}

/// Commands of a database in a file reach others through commands that begin
/// with a dot, through `attach` and `vacuum`, and through functions for files.
fn sql_only_queries(text: &str) -> bool {
    let has_dot_command = text.lines().any(|line| line.trim_start().starts_with('.'));
    let text = text.to_ascii_lowercase();
    let reaches = |word: &str| {
        matches!(
            word,
            "attach" | "vacuum" | "copy" | "export" | "import" | "install" | "load" | "pragma"
        ) || word == "edit"
            || word.contains("file") && !word.contains("profile")
            || ["load_", "read_", "shell"]
                .iter()
                .any(|part| word.contains(part))
    };
    !has_dot_command
        && !text
            .split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
            .any(reaches)
}

/// Awk reaches files and programs through `>` and `|` after `print`, `getline`,
/// `system`, and directives that load.
fn awk_only_filters(text: &str) -> bool {
    let mut characters = text.chars().peekable();
    let mut word = String::new();
    let mut prints = false;
    let mut open = 0_u32;
    while let Some(character) = characters.next() {
        if character.is_ascii_alphanumeric() || character == '_' {
            word.push(character);
            continue;
        }
        match std::mem::take(&mut word).as_str() {
            "system" | "getline" => return false,
            "print" | "printf" => prints = true,
            _ => {}
        }
        match character {
            '"' => skip_string(&mut characters),
            '@' => return false,
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            '{' | '}' | ';' | '\n' => (prints, open) = (false, 0),
            '>' if prints && open == 0 => return false,
            '|' if characters.peek() == Some(&'|') => {
                characters.next();
            }
            '|' if !(prints && open > 0) => return false,
            _ => {}
        }
    }
    !matches!(word.as_str(), "system" | "getline")
}

fn skip_string(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '"' => return,
            _ => {}
        }
    }
}

/// Sed reaches files and programs through the commands `e`, `r`, `R`, `w` and
/// `W` and the flags `e` and `w` of `s`.
fn sed_only_filters(text: &str) -> bool {
    let script = sed::read(text);
    script.is_whole && script.acts.is_empty()
}
