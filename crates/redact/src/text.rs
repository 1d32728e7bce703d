//! Finding all secrets of a text.

use crate::marker::markers;
use crate::span::{Span, join, outside};
use crate::{flag, pair, pem, phrase, token};

/// Returns the places of the secrets in `text`, in order and apart.
pub(crate) fn secrets(text: &str) -> Vec<Span> {
    let marks = text.bytes().fold(0, |marks, byte| marks | mark_of(byte));
    let has = |mark: u8| marks & mark != 0;
    let mut spans = Vec::new();
    let mut named = Vec::new();
    if has(SPACE) {
        pem::find(text, &mut spans);
    }
    if has(TILDE) || text.len() >= token::RUN_MIN {
        token::find(text, &mut spans, &mut named);
    }
    if has(SEPARATOR) {
        pair::find(text, &mut spans);
    }
    if has(DASH) {
        flag::find(text, &mut spans);
    }
    if has(SPACE) {
        phrase::find(text, &mut spans);
    }
    spans.append(&mut named);
    if spans.is_empty() {
        return spans;
    }
    outside(join(spans), &markers(text))
}

/// A space; like the others below, a mark of what a text must hold for a
/// detector to find anything in it.
const SPACE: u8 = 1;
/// A colon, a sign of equality or the end of a tag.
const SEPARATOR: u8 = 2;
const DASH: u8 = 4;
const TILDE: u8 = 8;

fn mark_of(byte: u8) -> u8 {
    MARKS.get(usize::from(byte)).copied().unwrap_or_default()
}

static MARKS: [u8; 256] = {
    let mut table = [0; 256];
    let mut rest: &mut [u8] = &mut table;
    let mut byte = 0_u8;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = match byte {
            b' ' => SPACE,
            b':' | b'=' | b'>' => SEPARATOR,
            b'-' => DASH,
            b'~' => TILDE,
            _ => 0,
        };
        rest = others;
        byte = byte.wrapping_add(1);
    }
    table
};
