//! What stands where a secret would, but is none.

use crate::marker::without_markers;

/// So many equal characters in a row do not happen by chance.
const REPEATS: usize = 8;

/// Words that say that a value is not the real one.
const WORDS: &[&str] = &[
    "changeme",
    "change",
    "placeholder",
    "example",
    "dummy",
    "fake",
    "sample",
    "your",
    "insert",
    "replace",
    "replaceme",
    "redacted",
    "removed",
    "masked",
    "todo",
    "fixme",
    "here",
    "foobar",
];

/// Words that are values of settings about secrets, and no secrets.
const NO_VALUES: &[&str] = &[
    "null",
    "nil",
    "none",
    "undefined",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "unset",
    "empty",
    "n/a",
    "na",
    "enabled",
    "disabled",
    "required",
    "optional",
];

/// Says whether `token` repeats one character too often to be generated.
pub(crate) fn is_repetitive(token: &[u8]) -> bool {
    longest_repetition(token) >= REPEATS
}

/// Says whether most of `value` is one character, as of one that fills a blank.
fn is_blank(value: &[u8]) -> bool {
    let longest = longest_repetition(value);
    longest >= REPEATS && 2 * longest >= value.len()
}

fn longest_repetition(bytes: &[u8]) -> usize {
    let mut longest = 0;
    let mut length = 0;
    let mut last = None;
    for &byte in bytes {
        length = if last == Some(byte) { length + 1 } else { 1 };
        longest = longest.max(length);
        last = Some(byte);
    }
    longest
}

/// Says whether `value` stands for a secret without being one.
pub(crate) fn is_placeholder(value: &str) -> bool {
    let left = without_markers(value);
    let is_rest = left.len() < value.len();
    let value = left.trim();
    value.is_empty()
        // Line ends and brackets around a redaction are no secret of their own.
        || is_rest && value.chars().filter(|c| c.is_alphanumeric()).count() < 3
        || is_filler(value)
        || is_blank(value.as_bytes())
        || is_reference(value)
        || NO_VALUES
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word))
        || has_placeholder_word(value)
}

/// Says whether all characters are one that fills a blank.
fn is_filler(value: &str) -> bool {
    let mut bytes = value.bytes();
    let Some(first) = bytes.next() else {
        return true;
    };
    let is_blank = matches!(
        first,
        b'x' | b'X' | b'*' | b'.' | b'-' | b'_' | b'0' | b'#' | b'?'
    );
    is_blank && bytes.all(|byte| byte == first) || value.chars().all(|c| c == '•' || c == '…')
}

/// Says whether `value` names where the secret is to be taken from.
fn is_reference(value: &str) -> bool {
    let is_between = |opening: &str, closing: &str| {
        let inner = value.strip_prefix(opening);
        let inner = inner.and_then(|rest| rest.strip_suffix(closing));
        inner.is_some_and(|inner| inner.len() < 200 && !inner.contains(opening))
    };
    let is_variable = |rest: &str| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.'))
    };
    is_between("<", ">")
        || is_between("${", "}")
        || is_between("$(", ")")
        || is_between("`", "`")
        || is_between("{{", "}}")
        || is_between("${{", "}}")
        || is_between("%(", ")s")
        || is_between("__", "__")
        || (is_between("{", "}") || is_between("[", "]") || is_between("%", "%"))
            && is_name(
                value
                    .get(1..value.len().saturating_sub(1))
                    .unwrap_or_default(),
            )
        || value.strip_prefix('$').is_some_and(is_variable)
        || matches!(value, "%s" | "%d" | "%v" | "%q" | "{}" | "?" | "$" | "@")
        || value.starts_with("vault:") && value.contains('/')
        || value.starts_with("op://")
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphabetic() || matches!(c, '_' | '-' | '.' | ' '))
}

/// Says whether one of the words of `value` says that it is not the real one.
///
/// Words end where letters do and where a capital follows a small letter, so
/// that a random string hardly ever has one of these.
fn has_placeholder_word(value: &str) -> bool {
    if value.len() > 80 {
        return false;
    }
    let mut word = String::new();
    let mut was_lower = false;
    for character in value.chars().chain(Some(' ')) {
        let is_new = !character.is_alphabetic() || (was_lower && character.is_uppercase());
        if is_new {
            if is_placeholder_word(&word) {
                return true;
            }
            word.clear();
        }
        if character.is_alphabetic() {
            word.extend(character.to_lowercase());
        }
        was_lower = character.is_lowercase();
    }
    false
}

fn is_placeholder_word(word: &str) -> bool {
    WORDS.contains(&word)
        || word.len() > 4 && word.starts_with("your")
        || word.starts_with("example")
        || word.starts_with("changeme")
        || word.starts_with("placeholder")
        || word.len() >= 4 && word.bytes().all(|byte| byte == b'x')
}
