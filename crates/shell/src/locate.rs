//! Joins a word with the directory in which its command runs.

use aegis_types::{Command, Directory, UnknownCause, Word, WordPart};

/// Returns `word` as a path seen from where the text starts, if that can be told.
///
/// The word returned is absolute, or starts with a home directory, or is
/// relative to the directory in which the whole text starts. `None` means that
/// it is relative to a directory that only running would show.
///
/// A `cd` is taken to succeed. Whoever can look must see whether every folder
/// of [`Directory::Moved`] exists, each `..` stepping back by name; if one does
/// not, the directory is as unknown as [`Directory::Unknown`]. A path there that
/// starts with `~` starts with a home directory.
#[must_use]
pub fn located(command: &Command, word: &Word) -> Option<Word> {
    let is_free = match word.parts.first() {
        None => true,
        Some(WordPart::Literal(text) | WordPart::Pattern(text)) => text.starts_with('/'),
        Some(WordPart::Home(_) | WordPart::Stream(_)) => true,
        Some(WordPart::Unknown(cause)) => is_start(cause),
    };
    if is_free {
        return Some(word.clone());
    }
    match &command.directory {
        Directory::Start => Some(word.clone()),
        Directory::Unknown => None,
        Directory::Moved(path) => {
            let folder = Word {
                span: word.span,
                parts: directory_parts(path),
                ..Word::default()
            };
            Some(beneath(&folder, word))
        }
    }
}

/// Returns `word` as text, with a mark where it cannot be told.
#[must_use]
pub fn written(word: &Word) -> String {
    let mut text = String::new();
    for part in &word.parts {
        match part {
            WordPart::Literal(part) | WordPart::Pattern(part) => text.push_str(part),
            WordPart::Home(user) => {
                text.push('~');
                text.push_str(user.as_deref().unwrap_or_default());
            }
            WordPart::Unknown(UnknownCause::Variable(name)) => {
                text.push('$');
                text.push_str(name);
            }
            WordPart::Stream(_) | WordPart::Unknown(_) => text.push('…'),
        }
    }
    text
}

/// Returns whether an unknown stands for the directory in which the text starts.
fn is_start(cause: &UnknownCause) -> bool {
    matches!(cause, UnknownCause::Variable(name) if name == "PWD")
}

/// Returns the parts of a directory as recorded: `~` at its start is a home directory.
fn directory_parts(path: &str) -> Vec<WordPart> {
    let Some(rest) = path.strip_prefix('~') else {
        return vec![WordPart::Literal(path.to_owned())];
    };
    let (user, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let user = Some(user).filter(|user| !user.is_empty());
    let home = WordPart::Home(user.map(str::to_owned));
    merged(vec![home, WordPart::Literal(path.to_owned())])
}

/// Returns `parts` with neighbouring text joined.
pub(crate) fn merged(parts: Vec<WordPart>) -> Vec<WordPart> {
    let mut merged: Vec<WordPart> = Vec::with_capacity(parts.len());
    for part in parts {
        match (merged.last_mut(), part) {
            (Some(WordPart::Literal(last)), WordPart::Literal(text)) => last.push_str(&text),
            (_, WordPart::Literal(text)) if text.is_empty() => {}
            (_, part) => merged.push(part),
        }
    }
    merged
}

/// Returns the path `folder/word`, or `word` alone if it does not start in a folder.
pub(crate) fn beneath(folder: &Word, word: &Word) -> Word {
    let is_absolute = match word.parts.first() {
        Some(WordPart::Literal(text) | WordPart::Pattern(text)) => text.starts_with('/'),
        Some(WordPart::Home(_) | WordPart::Stream(_)) => true,
        Some(WordPart::Unknown(_)) | None => false,
    };
    if is_absolute {
        return word.clone();
    }
    let mut parts = folder.parts.clone();
    let ends_in_slash =
        matches!(parts.last(), Some(WordPart::Literal(text)) if text.ends_with('/'));
    if !ends_in_slash {
        parts.push(WordPart::Literal("/".to_owned()));
    }
    parts.extend(word.parts.iter().cloned());
    Word {
        span: word.span,
        parts: merged(parts),
        ..Word::default()
    }
}
