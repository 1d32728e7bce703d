//! Applies the operators of `${name…}` where the value is known.

use std::rc::Rc;

use aegis_types::{Word, WordPart};

use crate::surroundings::Value;

/// Returns what `sign` with `operand` makes of `value`.
pub(super) fn apply(value: &Value, sign: &str, operand: &Word, name: &str) -> Value {
    match sign {
        "-" | "=" | "?" | ":-" | ":=" | ":?" => match standing(value, name) {
            Standing::Filled => value.clone(),
            Standing::Empty if !sign.starts_with(':') => value.clone(),
            Standing::Empty | Standing::Unset => Value::Parts(operand.parts.as_slice().into()),
            Standing::Unknown => Value::Unknown,
        },
        "+" | ":+" => match standing(value, name) {
            Standing::Filled => Value::Parts(operand.parts.as_slice().into()),
            Standing::Empty if sign == "+" => Value::Parts(operand.parts.as_slice().into()),
            Standing::Empty | Standing::Unset => Value::Unset,
            Standing::Unknown => Value::Unknown,
        },
        _ => edited(value, sign, operand).unwrap_or(Value::Unknown),
    }
}

/// Returns whether `sign` may put its operand in the place of the value.
pub(super) fn gives_operand(sign: &str) -> bool {
    matches!(sign, "-" | "=" | ":-" | ":=" | "+" | ":+")
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
                WordPart::Pattern(_) | WordPart::Home(_) => true,
                WordPart::Unknown(_) => false,
            };
            if parts.iter().any(is_filled) {
                Standing::Filled
            } else {
                Standing::Unknown
            }
        }
        Value::Elements(words) if words.is_empty() => Standing::Unset,
        Value::Elements(_) => Standing::Unknown,
        Value::Unset => Standing::Unset,
        Value::Unknown => Standing::Unknown,
    }
}

/// Returns the text that an operator makes of known text.
fn edited(value: &Value, sign: &str, operand: &Word) -> Option<Value> {
    let Value::Parts(parts) = value else {
        return None;
    };
    let text = match parts.as_ref() {
        [] => "",
        [WordPart::Literal(text)] => text,
        _ => return None,
    };
    let operand = operand.literal()?;
    let text = match sign {
        ":" => substring(text, &operand)?,
        "#" | "##" | "%" | "%%" => stripped(text, sign, &operand)?,
        "/" | "//" => replaced(text, sign, &operand)?,
        "^^" if operand.is_empty() => text.to_uppercase(),
        ",," if operand.is_empty() => text.to_lowercase(),
        _ => return None,
    };
    Some(Value::Parts(Rc::new([WordPart::Literal(text)])))
}

fn substring(text: &str, operand: &str) -> Option<String> {
    let (offset, length) = match operand.split_once(':') {
        Some((offset, length)) => (offset, Some(length)),
        None => (operand, None),
    };
    let count = text.chars().count();
    let offset: i64 = offset.trim().parse().ok()?;
    let skipped = if offset < 0 {
        count.checked_sub(usize::try_from(offset.unsigned_abs()).ok()?)?
    } else {
        usize::try_from(offset).ok()?
    };
    let taken = match length {
        Some(length) => length.trim().parse().ok()?,
        None => count,
    };
    Some(text.chars().skip(skipped).take(taken).collect())
}

fn stripped(text: &str, sign: &str, operand: &str) -> Option<String> {
    let is_start = sign.starts_with('#');
    let is_longest = sign.len() == 2;
    // Only `*` at the far end of a literal is followed.
    let (operand, is_open) = if is_start {
        operand
            .strip_prefix('*')
            .map_or((operand, false), |rest| (rest, true))
    } else {
        operand
            .strip_suffix('*')
            .map_or((operand, false), |rest| (rest, true))
    };
    if operand.contains(['*', '?', '[', '(', '\\']) {
        return None;
    }
    let kept = match (is_start, is_open) {
        (true, false) => text.strip_prefix(operand),
        (false, false) => text.strip_suffix(operand),
        (true, true) if is_longest => text.rsplit_once(operand).map(|(_, after)| after),
        (true, true) => text.split_once(operand).map(|(_, after)| after),
        (false, true) if is_longest => text.split_once(operand).map(|(before, _)| before),
        (false, true) => text.rsplit_once(operand).map(|(before, _)| before),
    };
    Some(kept.unwrap_or(text).to_owned())
}

fn replaced(text: &str, sign: &str, operand: &str) -> Option<String> {
    let (pattern, replacement) = operand.split_once('/').unwrap_or((operand, ""));
    if pattern.is_empty()
        || pattern.contains(['*', '?', '[', '(', '\\'])
        || replacement.contains('&')
    {
        return None;
    }
    Some(if sign == "//" {
        text.replace(pattern, replacement)
    } else {
        text.replacen(pattern, replacement, 1)
    })
}
