//! What inline code shows of itself: its string literals.

mod filter;
mod language;

use std::borrow::Cow;
use std::collections::BTreeSet;

use aegis_types::{Command, RedirectionKind, Word, WordPart};

use crate::code::{self, Tongue};
use crate::program::{is_shell, program_name};

pub(crate) use filter::is_harmless;
pub(crate) use language::{
    DatabaseWords, Language, inline_code, is_foreign, language, reads_input,
};

/// The most hints of one command.
const HINTS_MAX: usize = 512;

/// Returns the text that the inline code of a command shows: its string
/// literals, literals that stand side by side also as one, and its words.
///
/// The code is that of an interpreter, an editor or a shell, on the command
/// line or in a here-document. Other commands have none. Hints are not what
/// the code does: text that is put together from smaller parts is not among them.
#[must_use]
pub fn hints(command: &Command) -> Vec<String> {
    let Some(name) = program_name(command) else {
        return Vec::new();
    };
    let mut texts: Vec<&Word> = Vec::new();
    let code;
    let values;
    let mut is_harmless_code = false;
    if let Some(language) = language(&name) {
        code = inline_code(language, &command.arguments);
        texts.extend(&code);
        is_harmless_code = code.iter().all(|word| is_harmless(language, word));
        values = if is_harmless_code {
            Vec::new()
        } else {
            language::given_values(language, &command.arguments)
        };
        texts.extend(&values);
    } else if runs_text(&name) {
        texts.extend(&command.arguments);
    } else {
        return Vec::new();
    }
    let given = command
        .redirections
        .iter()
        .filter(|redirection| redirection.kind == RedirectionKind::Text);
    texts.extend(given.map(|redirection| &redirection.target));
    let mut hints = Vec::new();
    let given = code::given(
        command.program.as_ref(),
        &command.arguments,
        &command.assignments,
    );
    for text in texts {
        let text = shown(text);
        if !is_harmless_code {
            for literal in code::texts(&text, Tongue::of(&name), &given) {
                add(&mut hints, literal);
            }
        }
        string_literals(&text, &mut hints);
        for word in loose_words(&text) {
            add(&mut hints, word);
        }
    }
    hints
}

/// Returns the pieces of a text that could be words, whatever its grammar.
///
/// This is for text that does not parse: it is cut at blanks, quotes and the
/// signs that separate things in most languages, and nothing is unescaped. All
/// of it is looked at, or padding would hide what comes after; a piece that
/// stands there often is told once.
#[must_use]
pub fn loose_words(text: &str) -> Vec<String> {
    let separates =
        |character: char| character.is_whitespace() || "'\"`;|&<>(){}[],=\\$!".contains(character);
    let mut seen = BTreeSet::new();
    text.split(separates)
        .filter(|word| !word.is_empty() && seen.insert(*word))
        .map(str::to_owned)
        .collect()
}

fn runs_text(name: &str) -> bool {
    is_shell(name)
        || matches!(
            name,
            "eval"
                | "su"
                | "watch"
                | "parallel"
                | "script"
                | "trap"
                | "source"
                | "ssh"
                | "make"
                | "gmake"
                | "tmux"
                | "screen"
                | "at"
                | "batch"
                | "crontab"
                | "entr"
                | "expect"
        )
}

/// Returns the parts of a word that are text.
pub(crate) fn shown(word: &Word) -> Cow<'_, str> {
    if let [WordPart::Literal(text)] = word.parts.as_slice() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for part in &word.parts {
        match part {
            WordPart::Literal(text) | WordPart::Pattern(text) => shown.push_str(text),
            WordPart::Home(_) => shown.push('~'),
            WordPart::Stream(_) | WordPart::Unknown(_) => shown.push(' '),
        }
    }
    Cow::Owned(shown)
}

fn add(hints: &mut Vec<String>, hint: String) {
    if !hint.is_empty() && hints.len() < HINTS_MAX && !hints.contains(&hint) {
        hints.push(hint);
    }
}

/// Adds the string literals of `code`, and those side by side as one.
fn string_literals(code: &str, hints: &mut Vec<String>) {
    let mut characters = code.chars();
    let mut together = String::new();
    let mut count = 0;
    while let Some(character) = characters.next() {
        match character {
            '\'' | '"' | '`' => {
                let literal = string_literal(&mut characters, character);
                together.push_str(&literal);
                count += 1;
                add(hints, literal);
            }
            '+' | '.' | ' ' | '\t' | '\n' => {}
            _ => {
                finish(&mut together, &mut count, hints);
            }
        }
    }
    finish(&mut together, &mut count, hints);
}

fn finish(together: &mut String, count: &mut u32, hints: &mut Vec<String>) {
    let whole = std::mem::take(together);
    if *count > 1 {
        add(hints, whole);
    }
    *count = 0;
}

/// Reads a string literal whose opening quote was read.
fn string_literal(characters: &mut std::str::Chars<'_>, quote: char) -> String {
    let mut text = String::new();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('x') => push_code(characters, 2, &mut text),
                Some('u') => push_code(characters, 4, &mut text),
                Some(escaped) => text.push(escaped),
                None => break,
            },
            _ if character == quote => break,
            _ => text.push(character),
        }
    }
    text
}

fn push_code(characters: &mut std::str::Chars<'_>, digits: usize, text: &mut String) {
    let rest = characters.as_str();
    let code = rest
        .get(..digits)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok());
    if let Some(character) = code.and_then(char::from_u32) {
        text.push(character);
        characters.by_ref().take(digits).for_each(drop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_does_not_hide_the_words_of_a_text_that_does_not_parse() {
        let padding: Vec<String> = (0..9_999).map(|index| format!("f{index}")).collect();
        let words = loose_words(&format!("rm {} .aegis/policy.yaml", padding.join(" ")));
        assert_eq!(words.last().map(String::as_str), Some(".aegis/policy.yaml"));
        assert_eq!(loose_words(&"true;".repeat(9_999)), ["true"]);
    }
}
