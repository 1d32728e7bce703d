//! What `find` comes upon.

use aegis_types::{Command, Span, UnknownCause, Word, WordPart};

use super::path::starts;
use crate::locate::merged;
use crate::programs::Reading;

/// Returns words for the paths that `find` comes upon: with the name that its
/// expression asks for at the end, where it does so in all cases.
pub(crate) fn found(command: &Command) -> Vec<Word> {
    let mut paths = starts(command);
    if let Some(name) = name_wanted(&command.arguments) {
        for path in &mut paths {
            path.parts.push(WordPart::Literal("/".to_owned()));
            path.parts.push(name.clone());
        }
    }
    paths
}

/// Returns words for the paths that `fd` comes upon.
///
/// What is hidden it leaves alone, unless it is told otherwise.
pub(crate) fn found_by_fd(reading: &Reading<'_>, span: Span) -> Vec<Word> {
    let is_literal = |text: &str| WordPart::Literal(text.to_owned());
    let here = Word {
        span,
        parts: vec![is_literal(".")],
        ..Word::default()
    };
    let folders = reading.operands.iter().skip(1).copied();
    let named = reading.values("--search-path");
    let mut folders: Vec<&Word> = folders.chain(named).collect();
    if folders.is_empty() {
        folders.push(reading.values("--base-directory").last().unwrap_or(&here));
    }
    let sees_hidden = ["-H", "-u"].iter().any(|option| reading.has(option));
    let ending = reading.values("-e").last().and_then(Word::literal);
    let path = |folder: &Word| {
        let mut path = Word {
            is_operand: !may_be_option(folder),
            ..folder.clone()
        };
        path.parts.push(is_literal("/"));
        if !sees_hidden {
            path.parts.push(WordPart::Pattern("*".to_owned()));
        }
        path.parts.push(WordPart::Unknown(UnknownCause::Found));
        if let Some(ending) = ending.as_deref().filter(|it| is_plain_name(it)) {
            path.parts.push(is_literal(&format!(".{ending}")));
        }
        path.parts = merged(path.parts);
        path
    };
    folders.into_iter().map(path).collect()
}

/// Returns a path as a program takes it that ends it at blanks or line ends, where
/// something else may follow.
pub(crate) fn as_lines(path: &Word) -> Word {
    let mut path = path.clone();
    for part in &mut path.parts {
        if matches!(part, WordPart::Unknown(UnknownCause::Found)) {
            *part = WordPart::Unknown(UnknownCause::Output);
        }
    }
    path
}

/// Returns the name that everything has which an expression of `find` comes upon.
fn name_wanted(arguments: &[Word]) -> Option<WordPart> {
    let texts: Option<Vec<String>> = arguments.iter().map(Word::literal).collect();
    let texts = texts?;
    let is_choice =
        |text: &String| matches!(text.as_str(), "!" | "," | "(" | "-not" | "-o" | "-or");
    let acts = |text: &String| {
        let names = [
            "-exec", "-ok", "-print", "-fprint", "-ls", "-fls", "-delete",
        ];
        names.iter().any(|name| text.starts_with(name))
    };
    let end = texts.iter().position(acts).unwrap_or(texts.len());
    let tests = texts.get(..end).unwrap_or_default();
    if texts.iter().any(is_choice) {
        return None;
    }
    let place = tests.iter().position(|text| text == "-name")?;
    let name = texts.get(place + 1)?;
    let is_start = |text: &String| {
        let last = text.trim_end_matches('/').rsplit('/').next();
        crate::programs::matches(name, last.unwrap_or_default())
    };
    if !is_plain_name(name)
        || tests
            .iter()
            .take_while(|text| !text.starts_with('-'))
            .any(is_start)
    {
        return None;
    }
    Some(match name.starts_with('*') {
        true => WordPart::Pattern(name.clone()),
        false => WordPart::Literal(name.clone()),
    })
}

/// Returns whether what `find` looks for is one name, or all names with one ending.
fn is_plain_name(name: &str) -> bool {
    let ending = name.strip_prefix("*.").unwrap_or(name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    ending.chars().all(is_plain) && ending.contains(|c: char| c.is_ascii_alphanumeric())
}

/// Returns whether a word that is no option as written may turn out to be one.
pub(super) fn may_be_option(word: &Word) -> bool {
    match word.parts.first() {
        Some(WordPart::Literal(_) | WordPart::Home(_) | WordPart::Stream(_)) => false,
        // No option has a dot.
        Some(WordPart::Pattern(text)) => !text.contains('.'),
        Some(WordPart::Unknown(_)) | None => !word.is_operand,
    }
}
