//! What a command writes to its standard output, where the text shows it.

use aegis_types::{Command, RedirectionKind, UnknownCause, Word, WordPart};

use crate::option::first_text;
use crate::program::program_name;

/// What comes through a pipe.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Output {
    /// This text.
    Text(String),
    /// Paths, each of which starts like one of these words.
    Paths(Vec<Word>),
    /// It cannot be told.
    Unknown,
}

/// Returns what `command` writes to its standard output.
pub(crate) fn output_of(command: &Command) -> Output {
    let goes_elsewhere = command
        .redirections
        .iter()
        .any(|redirection| match redirection.kind {
            RedirectionKind::Write | RedirectionKind::Append | RedirectionKind::ReadWrite => true,
            RedirectionKind::Read | RedirectionKind::Text | RedirectionKind::Descriptor => false,
        });
    if goes_elsewhere {
        return Output::Unknown;
    }
    match program_name(command).as_deref() {
        Some("find") => Output::Paths(starts(command)),
        Some("ls") => Output::Paths(names(command)),
        Some("tee") if command.arguments.is_empty() => {
            document(command).map_or(Output::Unknown, Output::Text)
        }
        _ => printed_by(command).map_or(Output::Unknown, Output::Text),
    }
}

/// Returns the text that `command` prints, wherever that goes.
pub(crate) fn printed_by(command: &Command) -> Option<String> {
    match program_name(command).as_deref() {
        Some("echo") => echoed(&command.arguments),
        Some("printf") => printed(&command.arguments),
        Some("cat") if command.arguments.is_empty() => document(command),
        _ => None,
    }
}

fn echoed(arguments: &[Word]) -> Option<String> {
    let mut words = Vec::new();
    let mut has_escapes = false;
    let mut ends_line = true;
    for argument in arguments {
        let word = argument.literal()?;
        if words.is_empty() && is_echo_option(&word) {
            has_escapes |= word.contains('e');
            ends_line &= !word.contains('n');
        } else {
            words.push(word);
        }
    }
    let mut text = words.join(" ");
    if has_escapes && text.contains('\\') {
        return None;
    }
    if ends_line {
        text.push('\n');
    }
    Some(text)
}

fn is_echo_option(word: &str) -> bool {
    word.strip_prefix('-')
        .is_some_and(|letters| !letters.is_empty() && letters.chars().all(|c| "neE".contains(c)))
}

fn printed(arguments: &[Word]) -> Option<String> {
    let (format, values) = arguments.split_first()?;
    let format = format.literal()?;
    if format.starts_with('-') {
        return None;
    }
    let format = unescaped(&format)?;
    let mut parts = format.split("%s");
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    if format.replace("%s", "").contains('%') {
        return None;
    }
    if rest.is_empty() {
        return values.is_empty().then(|| format.clone());
    }
    let mut text = String::new();
    let mut values = values.iter();
    loop {
        text.push_str(first);
        for part in &rest {
            if let Some(value) = values.next() {
                text.push_str(&value.literal()?);
            }
            text.push_str(part);
        }
        if values.len() == 0 {
            return Some(text);
        }
    }
}

/// Resolves the escapes of a format; `None` if there are others.
fn unescaped(format: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        text.push(match characters.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            same @ ('\\' | '"' | '\'') => same,
            _ => return None,
        });
    }
    Some(text)
}

fn document(command: &Command) -> Option<String> {
    let mut inputs = command.redirections.iter().rev().filter(|it| {
        matches!(
            it.kind,
            RedirectionKind::Text | RedirectionKind::Read | RedirectionKind::ReadWrite
        )
    });
    let input = inputs.next()?;
    let is_text = input.kind == RedirectionKind::Text;
    input.target.literal().filter(|_| is_text)
}

/// Returns words with which the names start that `ls` writes: those of a
/// folder's content stand without the folder.
fn names(command: &Command) -> Vec<Word> {
    let has = |letters: &[char]| {
        command.arguments.iter().any(|word| {
            let text = first_text(word);
            text.starts_with('-') && !text.starts_with("--") && text.contains(letters)
        })
    };
    let all = has(&['a', 'A', 'f'])
        || command
            .arguments
            .iter()
            .any(|word| matches!(first_text(word), "--all" | "--almost-all"));
    let mut names = starts(command);
    let is_here = matches!(names.as_slice(), [name] if first_text(name) == ".");
    for name in &mut names {
        let is_pattern = |part: &WordPart| matches!(part, WordPart::Pattern(_));
        if name.parts.iter().any(is_pattern) {
            continue;
        }
        if has(&['d']) {
            name.parts.pop();
        } else {
            // What lies here is all that such a name can mean here.
            let pattern = if all { "@(.*|*)" } else { "*" };
            name.parts = if all || is_here {
                vec![WordPart::Pattern(pattern.to_owned())]
            } else {
                vec![WordPart::Unknown(UnknownCause::Output)]
            };
        }
    }
    names
}

/// Returns words with which the paths start that `find` writes.
pub(crate) fn starts(command: &Command) -> Vec<Word> {
    let mut folders: Vec<&Word> = Vec::new();
    for argument in &command.arguments {
        let is_option = match argument.parts.first() {
            Some(WordPart::Literal(text)) => text.starts_with(['-', '(', '!']),
            Some(WordPart::Pattern(_) | WordPart::Home(_) | WordPart::Unknown(_)) | None => false,
        };
        if !is_option {
            folders.push(argument);
        } else if !folders.is_empty() {
            break;
        }
    }
    let here = Word {
        span: command.span,
        parts: vec![WordPart::Literal(".".to_owned())],
    };
    if folders.is_empty() {
        folders.push(&here);
    }
    folders
        .into_iter()
        .map(|folder| {
            let mut word = folder.clone();
            word.parts.push(WordPart::Unknown(UnknownCause::Output));
            word
        })
        .collect()
}
