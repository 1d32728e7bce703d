//! Tokens that are known by their own shape.

use memchr::memchr_iter;

use crate::kind::SecretKind;
use crate::phrase;
use crate::placeholder::is_repetitive;
use crate::shape::{Alphabet, Shape, Start};
use crate::shape_table::SHAPES;
use crate::span::Span;

/// The shortest run of word characters that a token holds.
///
/// Every shape has one at least this long, so text is stepped through in
/// strides of this length and only long runs are looked at.
pub(crate) const RUN_MIN: usize = 16;

/// How far before a long run a token may start: `SG.`, `dp.pt.`, `xoxe.`.
const LEAD_MAX: usize = 24;

/// Finds tokens in `text`.
///
/// What only the word before it makes a secret goes to `named`, because
/// detectors that know more may name it better.
pub(crate) fn find(text: &str, spans: &mut Vec<Span>, named: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut done = 0;
    let mut from = 0;
    while let Some((start, end)) = long_run(bytes, from) {
        from = end + 1;
        done = in_run(bytes, start, end, done, spans);
        named.extend(phrase::after_word(text, start, end));
    }
    azure_secrets(bytes, spans);
}

/// Returns the next run of at least `RUN_MIN` word characters.
fn long_run(bytes: &[u8], mut from: usize) -> Option<(usize, usize)> {
    loop {
        let stride = bytes.get(from..from + RUN_MIN)?;
        // What breaks the run last makes all places up to it useless.
        match stride.iter().rposition(|byte| !is_run(*byte)) {
            Some(at) => from += at + 1,
            None => {
                let rest = bytes.get(from..)?;
                let length = rest.iter().position(|byte| !is_run(*byte));
                return Some((from, from + length.unwrap_or(rest.len())));
            }
        }
    }
}

fn is_run(byte: u8) -> bool {
    RUN.get(usize::from(byte)).copied().unwrap_or(false)
}

static RUN: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest: &mut [bool] = &mut table;
    let mut byte = 0_u8;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        rest = others;
        byte = byte.wrapping_add(1);
    }
    table
};

/// Returns the shapes of `index` whose first text starts with `byte`.
fn shapes_for(index: &'static Index, byte: u8) -> impl Iterator<Item = &'static Shape> {
    let first = index.first.get(usize::from(byte)).copied();
    let mut at = first.unwrap_or(NO_SHAPE);
    std::iter::from_fn(move || {
        let shape = SHAPES.get(usize::from(at))?;
        at = index.next.get(usize::from(at)).copied().unwrap_or(NO_SHAPE);
        Some(shape)
    })
}

/// Lists of shapes by the first byte of their first text.
struct Index {
    /// For each byte the place of its first shape.
    first: [u8; 256],
    /// For each shape the place of the next one with the same byte.
    next: [u8; NO_SHAPE as usize],
}

/// More than any place of a shape.
const NO_SHAPE: u8 = u8::MAX;

/// All shapes.
static AT_WORDS: Index = index(false);

/// The shapes that may start within a word.
static IN_WORDS: Index = index(true);

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where a wrong index is an error"
)]
const fn index(is_in_words: bool) -> Index {
    let mut first = [NO_SHAPE; 256];
    let mut next = [NO_SHAPE; NO_SHAPE as usize];
    let mut at = SHAPES.len();
    while at > 0 {
        at -= 1;
        let byte = SHAPES[at].first() as usize;
        if is_in_words && !matches!(SHAPES[at].start, Start::Anywhere) {
            continue;
        }
        next[at] = first[byte];
        first[byte] = at as u8;
    }
    Index { first, next }
}

/// Looks at a run and the few bytes before it; returns where to go on.
fn in_run(bytes: &[u8], start: usize, end: usize, done: usize, spans: &mut Vec<Span>) -> usize {
    let mut at = lead(bytes, start).max(done);
    let mut done = done;
    if let Some(span) = by_neighbours(bytes, start, end) {
        done = done.max(span.range.end);
        spans.push(span);
    }
    while at < end {
        match token_at(bytes, start, at) {
            Some(span) => {
                at = span.range.end;
                done = done.max(at);
                spans.push(span);
            }
            None => at += 1,
        }
    }
    done
}

/// Returns where the first text of a token in the run may start.
fn lead(bytes: &[u8], start: usize) -> usize {
    let before = bytes.get(start.saturating_sub(LEAD_MAX)..start);
    let lead = before
        .unwrap_or_default()
        .iter()
        .rev()
        .take_while(|byte| is_run(**byte) || matches!(byte, b'.' | b'~' | b'=' | b'$'))
        .count();
    start - lead
}

/// Returns the token at `at`, of the run from `start` or just before it.
fn token_at(bytes: &[u8], start: usize, at: usize) -> Option<Span> {
    let first = *bytes.get(at)?;
    let index = if is_word_start(bytes, start, at) {
        &AT_WORDS
    } else {
        &IN_WORDS
    };
    shapes_for(index, first).find_map(|shape| {
        if shape.start == Start::Run && !is_run_start(bytes, at) {
            return None;
        }
        let end = shape.end(bytes, at)?;
        let token = bytes.get(at..end)?;
        let goes_on = bytes
            .get(end)
            .is_some_and(|byte| *byte == b'_' || byte.is_ascii_alphanumeric());
        if goes_on && shape.start != Start::Anywhere {
            return None;
        }
        let has_digit = token.iter().any(u8::is_ascii_digit);
        if is_repetitive(token) || (shape.needs_digit && !has_digit) {
            return None;
        }
        Some(Span::new(at..end, shape.kind))
    })
}

/// Says whether no word goes on at `at`, in the run from `start`.
fn is_word_start(bytes: &[u8], start: usize, at: usize) -> bool {
    match at.checked_sub(1).and_then(|before| bytes.get(before)) {
        Some(b'_') => false,
        // An escape starts before the run, so only its first places follow one.
        Some(byte) if byte.is_ascii_alphanumeric() => {
            at < start + ESCAPE_MAX && is_after_escape(bytes, at)
        }
        Some(_) | None => true,
    }
}

fn is_run_start(bytes: &[u8], at: usize) -> bool {
    match at.checked_sub(1).and_then(|before| bytes.get(before)) {
        Some(byte) if is_run(*byte) => is_after_escape(bytes, at),
        Some(_) | None => true,
    }
}

/// The length of the longest escape.
const ESCAPE_MAX: usize = 6;

/// Says whether the bytes before `at` are an escape rather than a word:
/// `\n` in a string within a string, `%3D` in a URL, `\u003d` in JSON.
fn is_after_escape(bytes: &[u8], at: usize) -> bool {
    let before = |length: usize| {
        let start = at.checked_sub(length)?;
        bytes.get(start..at)
    };
    matches!(before(2), Some([b'\\', b'n' | b't' | b'r']))
        || matches!(before(3), Some([b'%', a, b]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
        || matches!(before(6), Some([b'\\', b'u', ..]))
}

/// Finds tokens that have no first text, by what stands around a run.
fn by_neighbours(bytes: &[u8], start: usize, end: usize) -> Option<Span> {
    telegram(bytes, start, end)
        .or_else(|| facebook(bytes, start, end))
        .or_else(|| mailchimp(bytes, start, end))
        .or_else(|| terraform(bytes, start, end))
}

/// A bot's number, a colon, and 34 to 36 characters that start with `A`.
fn telegram(bytes: &[u8], start: usize, end: usize) -> Option<Span> {
    let number = digits_before(bytes, start, b':')?;
    let is_fitting = (34..=36).contains(&(end - start)) && bytes.get(start) == Some(&b'A');
    let digits = start - 1 - number;
    let is_bot = is_fitting && (8..=10).contains(&digits) && !has_bare_digit_before(bytes, number);
    let token = bytes.get(start..end)?;
    (is_bot && !is_repetitive(token)).then(|| Span::new(number..end, SecretKind::TelegramToken))
}

/// An application's number, a bar, and 27 characters.
fn facebook(bytes: &[u8], start: usize, end: usize) -> Option<Span> {
    let number = digits_before(bytes, start, b'|')?;
    let is_fitting = (26..=28).contains(&(end - start));
    let is_token = is_fitting && (15..=16).contains(&(start - 1 - number));
    is_token.then(|| Span::new(number..end, SecretKind::ServiceToken))
}

/// Returns where the digits before `separator` start that ends at `start`.
fn digits_before(bytes: &[u8], start: usize, separator: u8) -> Option<usize> {
    let (last, before) = bytes.get(..start)?.split_last()?;
    if *last != separator {
        return None;
    }
    let digits = before.iter().rev().take(20);
    let count = digits.take_while(|byte| byte.is_ascii_digit()).count();
    Some(start - 1 - count)
}

/// Says whether the word before `at` goes on as `arn:aws:…:1111` does.
fn has_bare_digit_before(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    before.is_some_and(|byte| byte.is_ascii_alphanumeric() && !is_after_escape(bytes, at))
        && !bytes.get(..at).is_some_and(|head| head.ends_with(b"bot"))
}

/// 32 hexadecimal digits and the name of a data centre.
fn mailchimp(bytes: &[u8], start: usize, end: usize) -> Option<Span> {
    let run = bytes.get(start..end)?;
    let digits = run.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    let head = run.get(..run.len() - digits)?.strip_suffix(b"-us")?;
    let key = head.len().checked_sub(32)?;
    let hex = head.get(key..)?;
    let is_hex = hex
        .iter()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_word = is_word_start(bytes, start, start + key);
    let is_key = (1..=2).contains(&digits) && is_hex && is_word && !is_repetitive(hex);
    is_key.then(|| Span::new(start + key..end, SecretKind::MailchimpKey))
}

/// 14 characters, `.atlasv1.` and about 67 more.
fn terraform(bytes: &[u8], start: usize, end: usize) -> Option<Span> {
    let head = bytes.get(..start)?.strip_suffix(b".atlasv1.")?;
    let id = head.iter().rev().take(15);
    let id = id.take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let is_token = id == 14 && (60..=70).contains(&(end - start));
    is_token.then(|| Span::new(head.len() - id..end, SecretKind::ServiceToken))
}

/// Finds client secrets of Entra: three characters, a digit, `Q~` and 31 to
/// 34 more, of which some may be dots and tildes.
fn azure_secrets(bytes: &[u8], spans: &mut Vec<Span>) {
    for tilde in memchr_iter(b'~', bytes) {
        let Some(start) = tilde.checked_sub(5) else {
            continue;
        };
        let head = bytes.get(start..tilde).unwrap_or_default();
        let [a, b, c, digit, b'Q'] = head else {
            continue;
        };
        let is_head = [a, b, c].iter().all(|byte| Alphabet::Tilde.has(**byte));
        let rest = bytes.get(tilde + 1..).unwrap_or_default();
        let tail = rest.iter().take(36);
        let tail = tail.take_while(|byte| Alphabet::Tilde.has(**byte)).count();
        if is_head && digit.is_ascii_digit() && (31..=34).contains(&tail) {
            let range = start..tilde + 1 + tail;
            spans.push(Span::new(range, SecretKind::AzureClientSecret));
        }
    }
}
