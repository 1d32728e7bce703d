//! Private keys in armour.

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};

use crate::kind::SecretKind;
use crate::span::Span;

/// What every armour of a private key has in its first line.
const LABEL: &str = "PRIVATE KEY";

static LABELS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(LABEL));

/// How far before the label the word `BEGIN` may stand: `ENCRYPTED`, `OPENSSH`.
const BEGIN_WITHIN: usize = 40;

/// The longest block that is searched for its last line.
const BLOCK_MAX: usize = 64 * 1024;

/// The fewest characters that can be a key; fewer are an illustration.
const BODY_MIN: usize = 32;

pub(crate) fn find(text: &str, spans: &mut Vec<Span>) {
    let mut done = 0;
    for label in LABELS.find_iter(text.as_bytes()) {
        if label < done {
            continue;
        }
        if let Some(span) = block(text, label) {
            done = span.range.end;
            spans.push(span);
        }
    }
}

fn block(text: &str, label: usize) -> Option<Span> {
    let before = text
        .as_bytes()
        .get(label.saturating_sub(BEGIN_WITHIN)..label)?;
    let begin = label - before.len() + memmem::rfind(before, b"BEGIN ")?;
    let dashes = text.get(..begin)?.trim_end_matches([' ', '-']);
    if begin - dashes.len() < 4 {
        return None;
    }
    let start = dashes.len() + leading_spaces(text.get(dashes.len()..begin)?);
    let body_start = label + LABEL.len();
    let limit = text.floor_char_boundary(body_start + BLOCK_MAX);
    let body = text.get(body_start..limit)?;
    let end = match memmem::find(body.as_bytes(), b"END ") {
        Some(end) if is_body(body.get(..end)?) => body_start + end_of_last_line(body, end)?,
        // The last line was cut off, so all that can be a key goes.
        _ => body_start + cut_body(body),
    };
    let size = text.get(body_start..end)?;
    let size = size.split("END ").next().unwrap_or(size);
    let size = size.bytes().filter(u8::is_ascii_alphanumeric).count();
    (size >= BODY_MIN).then(|| Span::new(start..end, SecretKind::PrivateKey))
}

fn leading_spaces(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// Says whether `text` holds no second block.
fn is_body(text: &str) -> bool {
    memmem::find(text.as_bytes(), b"BEGIN ").is_none()
}

fn end_of_last_line(body: &str, end: usize) -> Option<usize> {
    let line = body.get(end..)?;
    let label = line
        .bytes()
        .take_while(|byte| byte.is_ascii_uppercase() || matches!(byte, b' ' | b'0'..=b'9'))
        .count();
    let dashes = line.get(label..)?.bytes().take_while(|byte| *byte == b'-');
    Some(end + label + dashes.count())
}

/// Returns the length of what can belong to a block without a last line.
fn cut_body(body: &str) -> usize {
    let length = body
        .bytes()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'\\' | b'\n' | b'\r')
        })
        .count();
    let taken = body.get(..length).unwrap_or_default();
    taken.trim_end_matches(['\n', '\r', '\\']).len()
}
