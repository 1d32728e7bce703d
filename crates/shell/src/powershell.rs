//! Recognises PowerShell without following it: which commands it names, and
//! with which words.

use aegis_types::{
    Command, Dialect, Directory, Place, Plan, Span, Unknown, UnknownCause, Word, WordPart,
};

use crate::limit::TEXT_BYTES_MAX;

/// Returns the commands that a PowerShell text names, and that it is not followed.
///
/// Names and options are in lower case, as PowerShell makes no difference.
#[must_use]
pub fn plan_powershell(text: &str) -> Plan {
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let span = Span { start: 0, end };
    let mut plan = Plan {
        dialect: Dialect::Powershell,
        ..Plan::default()
    };
    let cause = if text.len() > TEXT_BYTES_MAX {
        UnknownCause::TooComplex
    } else {
        plan.commands = statements(text).into_iter().map(command).collect();
        UnknownCause::Construct("powershell".to_owned())
    };
    plan.unknowns.push(Unknown { span, cause });
    plan
}

/// The most commands of a text that are listed.
const COMMANDS_MAX: usize = 256;

fn command(words: Vec<Word>) -> Command {
    let start = words.first().map_or(0, |word| word.span.start);
    let end = words.last().map_or(0, |word| word.span.end);
    let mut words = words.into_iter();
    Command {
        span: Span { start, end },
        program: words.next(),
        arguments: words.collect(),
        assignments: Vec::new(),
        redirections: Vec::new(),
        through: Vec::new(),
        directory: Directory::Start,
        place: Place {
            length: 1,
            ..Place::default()
        },
    }
}

/// Returns the words of each statement, and of each part of a pipeline or in brackets.
fn statements(text: &str) -> Vec<Vec<Word>> {
    let mut statements = vec![Vec::new()];
    let mut start = 0;
    let mut word = String::new();
    let mut quote = None;
    for (index, character) in text.char_indices() {
        let ends = matches!(
            character,
            ';' | '|' | '&' | '(' | ')' | '{' | '}' | '\n' | '='
        );
        match quote {
            Some(open) if open == character => quote = None,
            None if matches!(character, '\'' | '"') => quote = Some(character),
            None if ends || character.is_whitespace() || character == ',' => {
                if let Some(words) = statements.last_mut() {
                    // What is assigned to is no command.
                    if character == '=' && word.starts_with('$') {
                        word.clear();
                    }
                    push(words, &mut word, start, index);
                }
                start = index + character.len_utf8();
                if ends && statements.len() < COMMANDS_MAX {
                    statements.push(Vec::new());
                }
            }
            Some(_) | None => word.push(character),
        }
    }
    if let Some(words) = statements.last_mut() {
        push(words, &mut word, start, text.len());
    }
    statements.retain(|words| !words.is_empty());
    statements
}

fn push(words: &mut Vec<Word>, word: &mut String, start: usize, end: usize) {
    let text = std::mem::take(word);
    if text.is_empty() {
        return;
    }
    let is_name = words.is_empty();
    let text = if is_name {
        text.trim_start_matches('.').to_ascii_lowercase()
    } else if text.starts_with('-') {
        text.to_ascii_lowercase()
    } else {
        text
    };
    let place = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
    words.push(Word {
        span: Span {
            start: place(start),
            end: place(end),
        },
        parts: parts(text),
    });
}

fn parts(text: String) -> Vec<WordPart> {
    let lower = text.to_ascii_lowercase();
    for home in ["~", "$home", "$env:userprofile", "$env:home"] {
        let Some(rest) = lower.strip_prefix(home) else {
            continue;
        };
        let rest = text.get(text.len() - rest.len()..).unwrap_or_default();
        if rest.is_empty() {
            return vec![WordPart::Home(None)];
        }
        if rest.starts_with(['/', '\\']) && !rest.contains('$') {
            let rest = rest.replace('\\', "/");
            return vec![WordPart::Home(None), WordPart::Literal(rest)];
        }
    }
    if text.contains('$') {
        return vec![WordPart::Unknown(UnknownCause::Expansion)];
    }
    vec![WordPart::Literal(text)]
}
