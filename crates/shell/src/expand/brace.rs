//! Expands braces.

use std::rc::Rc;

use crate::limit::BRACES_MAX;
use crate::syntax::{Parameter, Piece};

/// The longest sequence expression, so that zeros in front cannot make words long.
const SEQUENCE_BYTES_MAX: usize = 48;

/// A character of unquoted text, or a piece that is left whole.
#[derive(Clone, Debug)]
enum Unit {
    Character(char),
    Piece(Piece),
}

/// Returns the words that braces make of one word; `None` if there are too many.
pub(super) fn alternatives(pieces: &[Piece]) -> Option<Vec<Vec<Piece>>> {
    let mut units = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bare(text) => units.extend(text.chars().map(Unit::Character)),
            Piece::Quoted(_)
            | Piece::Parameter(_)
            | Piece::Substitution { .. }
            | Piece::Process { .. }
            | Piece::Arithmetic { .. }
            | Piece::Glob(_)
            | Piece::Array(_) => units.push(Unit::Piece(piece.clone())),
        }
    }
    let mut left = units.len().saturating_mul(8).max(BRACES_MAX * 64);
    let words = expand(&units, 0, &mut left)?;
    Some(words.into_iter().map(|word| join(&word)).collect())
}

/// Expands the first group of `units` and everything in and after it.
fn expand(units: &[Unit], depth: u32, left: &mut usize) -> Option<Vec<Vec<Unit>>> {
    *left = left.checked_sub(units.len() + 1)?;
    if depth > 32 {
        return None;
    }
    let mut from = 0;
    let (start, end, choices) = loop {
        let Some(start) = find_open(units, from) else {
            return Some(vec![units.to_vec()]);
        };
        *left = left.checked_sub(units.len() - start)?;
        match choices_at(units, start) {
            Some((end, choices)) => break (start, end, choices),
            None => from = start + 1,
        }
    };
    let mut middles = Vec::new();
    for choice in choices {
        middles.extend(expand(&choice, depth + 1, left)?);
    }
    let tails = expand(units.get(end + 1..).unwrap_or_default(), depth + 1, left)?;
    if middles.len().saturating_mul(tails.len()) > BRACES_MAX {
        return None;
    }
    let head = units.get(..start).unwrap_or_default();
    let mut words = Vec::new();
    for middle in &middles {
        for tail in &tails {
            *left = left.checked_sub(head.len() + middle.len() + tail.len())?;
            words.push([head, middle, tail].concat());
        }
    }
    Some(words)
}

fn find_open(units: &[Unit], from: usize) -> Option<usize> {
    let after = units.get(from..)?;
    let found = after
        .iter()
        .position(|unit| matches!(unit, Unit::Character('{')));
    found.map(|position| from + position)
}

/// Returns where the group that opens at `start` ends, and what it offers.
fn choices_at(units: &[Unit], start: usize) -> Option<(usize, Vec<Vec<Unit>>)> {
    let mut choices = Vec::new();
    let mut choice = Vec::new();
    let mut depth = 0_u32;
    for (index, unit) in units.iter().enumerate().skip(start + 1) {
        match unit {
            Unit::Character('{') => depth += 1,
            Unit::Character('}') if depth == 0 => {
                if choices.is_empty() {
                    return sequence(&choice).map(|choices| (index, choices));
                }
                choices.push(choice);
                return Some((index, choices));
            }
            Unit::Character('}') => depth -= 1,
            Unit::Character(',') if depth == 0 => {
                choices.push(std::mem::take(&mut choice));
                continue;
            }
            Unit::Character(_) | Unit::Piece(_) => {}
        }
        choice.push(unit.clone());
    }
    None
}

/// Returns the members of `1..9` or `a..e`, with a step or without.
fn sequence(units: &[Unit]) -> Option<Vec<Vec<Unit>>> {
    let mut text = String::new();
    for unit in units {
        match unit {
            Unit::Character(character) => text.push(*character),
            Unit::Piece(_) => return None,
        }
    }
    let mut parts = text.split("..");
    let (first, last) = (parts.next()?, parts.next()?);
    let step = match parts.next() {
        Some(step) => step.parse::<i64>().ok()?,
        None => 1,
    };
    if parts.next().is_some() || text.len() > SEQUENCE_BYTES_MAX {
        return None;
    }
    let step = i64::try_from(step.unsigned_abs().max(1)).ok()?;
    if let (Ok(from), Ok(to)) = (first.parse::<i64>(), last.parse::<i64>()) {
        let width = width(first).max(width(last));
        return members(from, to, step, |number| format!("{number:0width$}"));
    }
    let (from, to) = (only_letter(first)?, only_letter(last)?);
    members(from, to, step, |number| {
        u8::try_from(number).map_or_else(|_| String::new(), |byte| char::from(byte).to_string())
    })
}

/// Returns how wide numbers are written; 0 unless one starts with a zero.
fn width(number: &str) -> usize {
    let digits = number.trim_start_matches('-');
    if digits.len() > 1 && digits.starts_with('0') {
        number.len()
    } else {
        0
    }
}

fn only_letter(text: &str) -> Option<i64> {
    match text.as_bytes() {
        [byte] if byte.is_ascii_alphabetic() => Some(i64::from(*byte)),
        _ => None,
    }
}

fn members(from: i64, to: i64, step: i64, write: impl Fn(i64) -> String) -> Option<Vec<Vec<Unit>>> {
    let mut all = Vec::new();
    let mut number = from;
    while (from <= to && number <= to) || (from > to && number >= to) {
        // One more than allowed makes the caller refuse the word.
        if all.len() > BRACES_MAX {
            break;
        }
        all.push(write(number).chars().map(Unit::Character).collect());
        number = if from <= to {
            number.checked_add(step)?
        } else {
            number.checked_sub(step)?
        };
    }
    Some(all)
}

/// Returns whether a character that braces put behind `$name` belongs to the name.
///
/// Braces are expanded before variables are looked at: `$a{b,c}` is `$ab $ac`.
fn lengthens(parameter: &Parameter, character: char) -> bool {
    let is_name = parameter
        .name
        .starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    !parameter.is_braced
        && !parameter.quoted
        && is_name
        && (character.is_ascii_alphanumeric() || character == '_')
}

fn join(units: &[Unit]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for unit in units {
        match unit {
            Unit::Piece(piece) => pieces.push(piece.clone()),
            Unit::Character(character) => match pieces.last_mut() {
                Some(Piece::Bare(text)) => text.push(*character),
                Some(Piece::Parameter(parameter)) if lengthens(parameter, *character) => {
                    let mut longer = Parameter::clone(parameter);
                    longer.name.push(*character);
                    *parameter = Rc::new(longer);
                }
                _ => pieces.push(Piece::Bare(character.to_string())),
            },
        }
    }
    pieces
}
