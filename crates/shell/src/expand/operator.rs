//! Applies the operators of `${name…}` where the value is known.

use std::rc::Rc;

use aegis_types::{Word, WordPart};

use super::pattern::Pattern;
use crate::limit::EDITED_BYTES_MAX;
use crate::surroundings::Value;

/// What an operator that tests a value puts in its place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Taken {
    /// The value itself.
    Value,
    /// The operand.
    Operand,
    /// Nothing.
    Nothing,
    /// The value or the operand.
    Either,
    /// The operand or nothing.
    Perhaps,
}

/// Returns what `sign` takes for `value`; `None` if it is an operator that edits.
pub(super) fn taken(value: &Value, sign: &str, name: &str) -> Option<Taken> {
    let is_strict = sign.starts_with(':');
    let standing = standing(value, name);
    Some(match sign {
        "-" | "=" | "?" | ":-" | ":=" | ":?" => match standing {
            Standing::Filled => Taken::Value,
            Standing::Empty if !is_strict => Taken::Value,
            Standing::Empty | Standing::Unset => Taken::Operand,
            Standing::Unknown => Taken::Either,
        },
        "+" | ":+" => match standing {
            Standing::Filled => Taken::Operand,
            Standing::Empty if !is_strict => Taken::Operand,
            Standing::Empty | Standing::Unset => Taken::Nothing,
            Standing::Unknown => Taken::Perhaps,
        },
        _ => return None,
    })
}

/// What is known of a value.
enum Standing {
    Filled,
    Empty,
    Unset,
    Unknown,
}

fn standing(value: &Value, name: &str) -> Standing {
    match value {
        // These are set in every shell.
        Value::Parts(_) if matches!(name, "HOME" | "PWD" | "IFS") => Standing::Filled,
        Value::Parts(parts) if parts.is_empty() => Standing::Empty,
        Value::Parts(parts) => {
            let is_filled = |part: &WordPart| match part {
                WordPart::Literal(text) => !text.is_empty(),
                WordPart::Pattern(_) | WordPart::Home(_) | WordPart::Stream(_) => true,
                WordPart::Unknown(_) => false,
            };
            let is_text = |part: &WordPart| matches!(part, WordPart::Literal(_));
            if parts.iter().any(is_filled) {
                Standing::Filled
            } else if parts.iter().all(is_text) {
                Standing::Empty
            } else {
                Standing::Unknown
            }
        }
        Value::Elements(words) => match words.as_ref() {
            [] => Standing::Unset,
            [_, _, ..] => Standing::Filled,
            [word] => standing(&Value::Parts(word.parts.as_slice().into()), ""),
        },
        Value::Unset => Standing::Unset,
        Value::Either(_) | Value::Unknown => Standing::Unknown,
    }
}

/// The operand of an operator that edits.
#[derive(Debug)]
pub(super) struct Operand {
    /// The text in which quoted characters stand behind a backslash.
    pub(super) pattern: Option<String>,
    /// What takes the place of what matches.
    pub(super) replacement: Option<Word>,
    /// The numbers of `:offset:length`.
    pub(super) numbers: Option<(i64, Option<i64>)>,
}

/// Returns what an operator that edits makes of a value.
pub(super) fn edited(value: &Value, sign: &str, operand: &Operand, letter: &str) -> Value {
    let edit = |parts: &[WordPart]| -> Option<Vec<WordPart>> {
        let text = match parts {
            [] => "",
            [WordPart::Literal(text)] => text,
            _ => return None,
        };
        let text = edited_text(text, sign, operand, letter)?;
        Some(vec![WordPart::Literal(text)])
    };
    match value {
        Value::Parts(parts) => {
            edit(parts).map_or(Value::Unknown, |parts| Value::Parts(parts.into()))
        }
        Value::Elements(words) => {
            let edited: Option<Vec<Word>> = words
                .iter()
                .map(|word| {
                    let parts = edit(&word.parts)?;
                    let span = word.span;
                    Some(Word {
                        span,
                        parts,
                        ..Word::default()
                    })
                })
                .collect();
            edited.map_or(Value::Unknown, |words| Value::Elements(words.into()))
        }
        Value::Unset => Value::Unset,
        Value::Either(_) | Value::Unknown => Value::Unknown,
    }
}

fn edited_text(text: &str, sign: &str, operand: &Operand, letter: &str) -> Option<String> {
    if text.len() > EDITED_BYTES_MAX {
        return None;
    }
    let characters: Vec<char> = text.chars().collect();
    if sign == ":" {
        let (offset, length) = operand.numbers?;
        let (from, to) = range(offset, length, characters.len())?;
        return Some(
            characters
                .get(from..to)
                .unwrap_or_default()
                .iter()
                .collect(),
        );
    }
    if sign == "@" {
        return transformed(text, letter);
    }
    let pattern = Pattern::new(operand.pattern.as_deref()?)?;
    match sign {
        "#" | "##" => {
            let length = pattern.at_start(&characters, sign == "##")?;
            let rest = characters.get(length.unwrap_or_default()..);
            Some(rest.unwrap_or_default().iter().collect())
        }
        "%" | "%%" => {
            let length = pattern.at_end(&characters, sign == "%%")?;
            let end = characters.len().saturating_sub(length.unwrap_or_default());
            Some(characters.get(..end).unwrap_or_default().iter().collect())
        }
        "/" | "//" | "/#" | "/%" => replaced(text, &characters, sign, &pattern, operand),
        "^" | "," | "^^" | ",," => Some(recased(&characters, sign, &pattern)),
        _ => None,
    }
}

/// Returns the range that an offset and a length give in `count` things.
pub(super) fn range(offset: i64, length: Option<i64>, count: usize) -> Option<(usize, usize)> {
    let count = i64::try_from(count).ok()?;
    let from = if offset < 0 {
        count.checked_add(offset)?
    } else {
        offset
    };
    if from < 0 || from > count {
        return Some((0, 0));
    }
    let to = match length {
        None => count,
        // A length below zero counts from the end; where it lies before the start, bash fails.
        Some(length) if length < 0 => count.checked_add(length).filter(|to| *to >= from)?,
        Some(length) => from.checked_add(length)?.min(count),
    };
    Some((usize::try_from(from).ok()?, usize::try_from(to).ok()?))
}

fn transformed(text: &str, letter: &str) -> Option<String> {
    match letter {
        "U" => Some(text.to_uppercase()),
        "L" => Some(text.to_lowercase()),
        "u" => {
            let characters: Vec<char> = text.chars().collect();
            Some(recased(&characters, "^", &Pattern::new("")?))
        }
        "Q" if !text.contains(['\'', '\n']) && !text.contains(char::is_control) => {
            Some(format!("'{text}'"))
        }
        _ => None,
    }
}

fn recased(characters: &[char], sign: &str, pattern: &Pattern) -> String {
    let mut text = String::new();
    for (index, character) in characters.iter().enumerate() {
        let is_meant = (index == 0 || sign.len() == 2) && pattern.fits(*character);
        match (is_meant, sign.starts_with('^')) {
            (true, true) => text.extend(character.to_uppercase()),
            (true, false) => text.extend(character.to_lowercase()),
            (false, _) => text.push(*character),
        }
    }
    text
}

fn replaced(
    text: &str,
    characters: &[char],
    sign: &str,
    pattern: &Pattern,
    operand: &Operand,
) -> Option<String> {
    let replacement = match &operand.replacement {
        Some(word) => word.literal()?,
        None => String::new(),
    };
    // Since bash 5.2 this stands for what matches.
    if replacement.contains('&') {
        return None;
    }
    if let Some(literal) = pattern.literal()
        && matches!(sign, "/" | "//")
    {
        return Some(match (literal.is_empty(), sign) {
            (true, _) => text.to_owned(),
            (false, "//") => text.replace(&literal, &replacement),
            (false, _) => text.replacen(&literal, &replacement, 1),
        });
    }
    let mut edited = String::new();
    if sign == "/#" || sign == "/%" {
        let (length, is_start) = if sign == "/#" {
            (pattern.at_start(characters, true)?, true)
        } else {
            (pattern.at_end(characters, true)?, false)
        };
        let Some(length) = length else {
            return Some(text.to_owned());
        };
        let kept = characters.len().saturating_sub(length);
        if is_start {
            edited.push_str(&replacement);
            edited.extend(characters.get(length..).unwrap_or_default());
        } else {
            edited.extend(characters.get(..kept).unwrap_or_default());
            edited.push_str(&replacement);
        }
        return Some(edited);
    }
    let mut rest = characters;
    let mut is_open = true;
    while let [first, after @ ..] = rest {
        match pattern
            .at_start(rest, true)?
            .filter(|length| *length > 0 && is_open)
        {
            Some(length) => {
                edited.push_str(&replacement);
                rest = rest.get(length..).unwrap_or_default();
                is_open = sign == "//";
            }
            None => {
                edited.push(*first);
                rest = after;
            }
        }
    }
    Some(edited)
}

/// Returns what `sign` does to what is known of the elements of an array.
pub(super) fn sliced(words: &[Word], numbers: (i64, Option<i64>)) -> Option<Value> {
    let (offset, length) = numbers;
    if length.is_some_and(|length| length < 0) {
        return None;
    }
    let (from, to) = range(offset, length, words.len())?;
    Some(Value::Elements(Rc::from(words.get(from..to)?)))
}
