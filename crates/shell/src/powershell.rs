//! Recognises PowerShell without following it.

use aegis_types::{
    Command, Dialect, Directory, Place, Plan, Span, Unknown, UnknownCause, Word, WordPart,
};

use crate::limit::TEXT_BYTES_MAX;

/// Returns the words of a PowerShell text as one command, and that it is not followed.
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
        let mut words = words(text).into_iter();
        if let Some(program) = words.next() {
            plan.commands.push(Command {
                span,
                program: Some(program),
                arguments: words.collect(),
                assignments: Vec::new(),
                redirections: Vec::new(),
                through: Vec::new(),
                directory: Directory::Start,
                place: Place {
                    length: 1,
                    ..Place::default()
                },
            });
        }
        UnknownCause::Construct("powershell".to_owned())
    };
    plan.unknowns.push(Unknown { span, cause });
    plan
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut word = String::new();
    let mut quote = None;
    for (index, character) in text.char_indices() {
        let separates = character.is_whitespace() || matches!(character, ';' | '|' | '(' | ')');
        match quote {
            Some(open) if open == character => quote = None,
            None if matches!(character, '\'' | '"') => quote = Some(character),
            None if separates => {
                push(&mut words, &mut word, start, index);
                start = index + character.len_utf8();
            }
            Some(_) | None => word.push(character),
        }
    }
    push(&mut words, &mut word, start, text.len());
    words
}

fn push(words: &mut Vec<Word>, word: &mut String, start: usize, end: usize) {
    let text = std::mem::take(word);
    if text.is_empty() {
        return;
    }
    let place = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
    let part = if text.contains('$') {
        WordPart::Unknown(UnknownCause::Expansion)
    } else {
        WordPart::Literal(text)
    };
    words.push(Word {
        span: Span {
            start: place(start),
            end: place(end),
        },
        parts: vec![part],
    });
}
