//! Values of keys that are named as secrets.

use memchr::{memchr, memchr3_iter, memrchr};

use crate::candidate::{Form, is_secret, is_worded};
use crate::key_name::{KeyName, classify, may_be_secret};
use crate::kind::SecretKind;
use crate::placeholder::is_placeholder;
use crate::span::Span;
use crate::{assigned, url};

/// The longest key, with the words before it.
const KEY_MAX: usize = 64;

/// The longest value that is looked for.
const VALUE_MAX: usize = 8 * 1024;

/// How far back the start of a line is looked for.
const LINE_MAX: usize = 256;

/// Finds the values of named keys, and the passwords of URLs.
pub(crate) fn find(text: &str, spans: &mut Vec<Span>) {
    for separator in memchr3_iter(b':', b'=', b'>', text.as_bytes()) {
        if text.as_bytes().get(separator) == Some(&b'>') {
            spans.extend(element(text, separator));
        } else if url::is_at(text, separator) {
            url::find(text, separator, spans);
        } else if let Some(span) = pair(text, separator) {
            spans.push(span);
        }
    }
}

/// Finds the secret in an XML element that is named as one.
fn element(text: &str, closing: usize) -> Option<Span> {
    if !may_follow_key(text, closing) {
        return None;
    }
    let (name, start, end) = assigned::element(text, closing)?;
    let class = classify(name).filter(|class| *class != KeyName::Doubtful)?;
    let value = text.get(start..end)?;
    is_secret(class, name, value, Form::Quoted).then(|| Span::new(start..end, class.kind()))
}

/// A key and what stands around it.
struct Key<'a> {
    name: &'a str,
    class: KeyName,
    start: usize,
    /// Whether the separator follows at once.
    is_tight: bool,
}

fn pair(text: &str, separator: usize) -> Option<Span> {
    let key = key_before(text, separator)?;
    let value = value_after(text, separator, &key)?;
    let found = text.get(value.start..value.end)?;
    if key.class == KeyName::Authorization {
        return authorization(text, value.start, value.end);
    }
    is_secret(key.class, key.name, found, value.form)
        .then(|| Span::new(value.start..value.end, key.class.kind()))
}

fn key_before(text: &str, separator: usize) -> Option<Key<'_>> {
    if !may_follow_key(text, separator) || is_path_separator(text, separator) {
        return None;
    }
    let window = text.floor_char_boundary(separator.saturating_sub(KEY_MAX));
    let before = text.get(window..separator)?;
    // `key" :`, `key\":`, `key']=`, and `:=` with the colon before the sign.
    let trimmed =
        before.trim_end_matches([' ', '\t', '"', '\'', '\\', ']', '`', ':', '?', '*', '+']);
    let start = trimmed
        .bytes()
        .rposition(|byte| !is_key_byte(byte))
        .map_or(0, |at| at + 1);
    let name = trimmed.get(start..)?;
    let is_openssl = name == "pass" && trimmed.get(..start).is_some_and(ends_with_pass_flag);
    if is_openssl {
        return Some(Key {
            name,
            class: KeyName::Password,
            start: window + start,
            is_tight: true,
        });
    }
    if name.eq_ignore_ascii_case("value") {
        let (name, class) = assigned::name_before(text, window + start)?;
        return Some(Key {
            name,
            class,
            start: window + start,
            is_tight: trimmed.len() == before.len(),
        });
    }
    let class = match classify(name) {
        Some(KeyName::Doubtful) | None => classify_words(trimmed).or_else(|| classify(name))?,
        Some(class) => class,
    };
    Some(Key {
        name,
        class,
        start: window + start,
        is_tight: trimmed.len() == before.len(),
    })
}

/// Says whether `byte` may stand between a key and its separator.
fn is_between(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'"' | b'\'' | b'\\' | b']' | b'`' | b':' | b'?' | b'*' | b'+'
    )
}

/// Says whether the colon at `separator` is one of `Token::Variant`.
fn is_path_separator(text: &str, separator: usize) -> bool {
    let around = text.as_bytes().get(separator.saturating_sub(1)..);
    matches!(around, Some([b':', b':', ..] | [_, b':', b':', ..]))
}

/// Says quickly of most separators that no secret's key is before them.
fn may_follow_key(text: &str, separator: usize) -> bool {
    let before = text.as_bytes().get(..separator).unwrap_or_default();
    let between = before.iter().rev().take_while(|byte| is_between(**byte));
    let between = between.take(8).count();
    let name = before.get(..before.len() - between).unwrap_or_default();
    let start = name.len().saturating_sub(6);
    name.get(start..).is_some_and(may_be_secret)
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$')
}

/// Says whether a flag of OpenSSL asks for `pass:…` after `text`.
fn ends_with_pass_flag(text: &str) -> bool {
    let text = text.trim_end();
    ["-pass", "-passin", "-passout"]
        .iter()
        .any(|flag| text.ends_with(flag))
}

/// Classifies keys of several words: `Client Secret`, `connection string`.
fn classify_words(text: &str) -> Option<KeyName> {
    let two = text.rmatch_indices(' ').nth(1).map_or(0, |(at, _)| at + 1);
    let words = text.get(two..)?;
    let is_words = words.bytes().all(|byte| is_key_byte(byte) || byte == b' ');
    match classify(words) {
        Some(KeyName::Doubtful) | None => None,
        class => class.filter(|_| is_words),
    }
}

/// A value and how it is written.
struct Found {
    start: usize,
    end: usize,
    form: Form,
}

fn value_after(text: &str, separator: usize, key: &Key<'_>) -> Option<Found> {
    let after = text.get(separator..)?;
    let signs = after
        .bytes()
        .take_while(|byte| matches!(byte, b'=' | b':' | b'>'));
    let signs = signs.count();
    let after = after.get(signs..)?;
    let spaces = after.len() - after.trim_start_matches([' ', '\t']).len();
    let mut start = separator + signs + spaces;
    start += block_start(text.get(start..)?);
    let rest = text.get(start..text.floor_char_boundary(start + VALUE_MAX))?;
    let is_comparison = text.get(..separator)?.ends_with(['!', '=', '<', '>', '~']) || signs > 1;
    if let Some((opening, length)) = quoted(rest) {
        let start = start + opening;
        let end = start + length;
        return Some(Found {
            start,
            end,
            form: Form::Quoted,
        });
    }
    let is_assigned = after.len() < text.len() && text.as_bytes().get(separator) == Some(&b'=');
    let form = if is_comparison {
        Form::Code
    } else {
        bare_form(text, key, is_assigned, spaces)
    };
    let is_line_start = is_line_start(line_before(text, key.start));
    let is_phrase = is_line_start && key.name.to_ascii_lowercase().ends_with("passphrase");
    if is_phrase {
        let end = start + rest.find(['\n', '\r']).unwrap_or(rest.len());
        return Some(Found { start, end, form });
    }
    let is_tight = is_assigned && key.is_tight && spaces == 0;
    let length = if key.class == KeyName::Authorization || form == Form::Code {
        to_delimiter(rest, key.class)
    } else if !is_tight {
        to_white_space(rest)
    } else if is_line_start {
        to_shell_end(rest)
    } else {
        to_delimiter(rest, key.class)
    };
    let end = start + length;
    Some(Found { start, end, form })
}

/// Returns how far after the sign of a YAML block its first line starts.
fn block_start(rest: &str) -> usize {
    let sign = rest
        .bytes()
        .take_while(|byte| matches!(byte, b'|' | b'>' | b'-' | b'+'));
    let sign = sign.count();
    let line = rest.get(sign..).unwrap_or_default();
    if !(1..=2).contains(&sign) || !line.starts_with('\n') {
        return 0;
    }
    rest.len() - line.trim_start().len()
}

/// Returns where a quoted value starts and how long it is.
///
/// The quotes may be escaped, as in JSON within a string, and may have a
/// letter before them, as in Python.
fn quoted(rest: &str) -> Option<(usize, usize)> {
    let letters = rest
        .bytes()
        .take_while(|byte| matches!(byte, b'f' | b'b' | b'r' | b'u' | b'F' | b'R' | b'B' | b'@'))
        .count();
    let from = if letters <= 2 { letters } else { 0 };
    let slashes = rest.get(from..)?.bytes().take_while(|byte| *byte == b'\\');
    let slashes = slashes.count();
    let quote = *rest.as_bytes().get(from + slashes)?;
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return None;
    }
    let opening = from + slashes + 1;
    if let Some((start, length)) = triple_quoted(rest, from, quote) {
        return Some((start, length));
    }
    let body = rest.as_bytes().get(opening..)?;
    let mut at = 0;
    loop {
        let next = at + memchr(quote, body.get(at..)?)?;
        let escapes = body.get(..next)?.iter().rev();
        let escapes = escapes.take_while(|byte| **byte == b'\\').count();
        // As many backslashes as before the opening quote, or an even number
        // of them, leave the quote its meaning.
        let is_closing = escapes == slashes || slashes == 0 && escapes % 2 == 0;
        // YAML and SQL write a quote as two.
        let is_doubled = quote == b'\'' && next > 0 && body.get(next + 1) == Some(&quote);
        if is_closing && is_doubled {
            at = next + 2;
            continue;
        }
        if is_closing {
            return Some((opening, next - slashes));
        }
        at = next + 1;
    }
}

fn triple_quoted(rest: &str, from: usize, quote: u8) -> Option<(usize, usize)> {
    let quotes: String = std::iter::repeat_n(char::from(quote), 3).collect();
    let body = rest.get(from..)?.strip_prefix(&quotes)?;
    Some((from + 3, body.find(&quotes)?))
}

/// Says whether only data stands where the bare value of `key` is.
fn bare_form(text: &str, key: &Key<'_>, is_assigned: bool, spaces: usize) -> Form {
    let before = line_before(text, key.start);
    let is_openssl = key.name == "pass";
    if (is_assigned || is_openssl) && key.is_tight && spaces == 0 {
        // `f(password=word)` and `f(a, password=word)` are code.
        let is_argument =
            before.ends_with('(') || before.trim_end().ends_with(',') && before.ends_with(' ');
        return if is_argument { Form::Code } else { Form::Data };
    }
    if is_line_start(before) && is_alone(text, key, is_assigned) {
        return Form::Data;
    }
    Form::Code
}

/// Says whether `before` is what may stand before the first key of a line.
fn is_line_start(before: &str) -> bool {
    matches!(
        before.trim(),
        "" | "-"
            | "#"
            | "//"
            | "export"
            | "set"
            | "setx"
            | "ENV"
            | "ARG"
            | "-e"
            | "--env"
            | "env"
            | "declare -x"
            | ";"
            | "\""
            | "'"
            | "- \""
    )
}

/// Says whether the value is one word at the end of its line, as in YAML and
/// INI files, without the sign that ends a statement.
fn is_alone(text: &str, key: &Key<'_>, is_assigned: bool) -> bool {
    let line = text.get(key.start..).unwrap_or_default();
    let line = line.split(['\n', '\r']).next().unwrap_or_default();
    let line = line.split("\\n").next().unwrap_or_default();
    let sign = if is_assigned { '=' } else { ':' };
    let value = line.split_once(sign).map_or("", |(_, value)| value.trim());
    let value = value.split(" #").next().unwrap_or_default().trim_end();
    !value.is_empty() && !value.contains([' ', '\t']) && !value.ends_with([';', ',', '{', '('])
}

fn line_before(text: &str, at: usize) -> &str {
    let from = text.floor_char_boundary(at.saturating_sub(LINE_MAX));
    let before = text.get(from..at).unwrap_or_default();
    let newline = memrchr(b'\n', before.as_bytes()).map_or(0, |newline| newline + 1);
    let line = before.get(newline..).unwrap_or_default();
    line.rsplit("\\n").next().unwrap_or(line)
}

/// Returns the length of a bare value in a file of data.
fn to_white_space(rest: &str) -> usize {
    let length = rest
        .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\''))
        .unwrap_or(rest.len());
    let value = rest.get(..length).unwrap_or_default();
    let value = value.split("\\n").next().unwrap_or(value);
    value
        .trim_end_matches([',', ';', '}', ')', ']', '\\'])
        .len()
}

/// Returns the length of a bare value that a shell reads.
fn to_shell_end(rest: &str) -> usize {
    let is_end =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ';' | '&' | '|' | '<' | '>');
    if rest.starts_with(['<', '$', '`']) {
        return to_delimiter(rest, KeyName::Password);
    }
    let value = rest
        .get(..rest.find(is_end).unwrap_or(rest.len()))
        .unwrap_or_default();
    let value = value.split("\\n").next().unwrap_or(value);
    value.trim_end_matches(['\\', ',']).len()
}

/// Returns the length of a bare value among other text.
fn to_delimiter(rest: &str, class: KeyName) -> usize {
    let is_end = |c: char| {
        matches!(c, '"' | '\'' | '`' | '\n' | '\r')
            || class != KeyName::Authorization
                && (c.is_whitespace()
                    || matches!(c, ';' | ',' | '&' | '<' | '>' | '|' | ')' | '}' | ']'))
    };
    let length = if rest.starts_with('<') || rest.starts_with("${") || rest.starts_with("{{") {
        reference_length(rest)
    } else {
        rest.find(is_end).unwrap_or(rest.len())
    };
    let value = rest.get(..length).unwrap_or_default();
    let value = value.split("\\n").next().unwrap_or(value);
    let value = value.split("\\r").next().unwrap_or(value);
    value.trim_end_matches('\\').len()
}

fn reference_length(rest: &str) -> usize {
    rest.find(['>', '}'])
        .map(|at| {
            at + rest.get(at..).map_or(0, |tail| {
                tail.len() - tail.trim_start_matches(['>', '}']).len()
            })
        })
        .unwrap_or(rest.len())
}

/// Finds the credentials after the scheme of an authorization header.
fn authorization(text: &str, start: usize, end: usize) -> Option<Span> {
    let value = text.get(start..end)?.trim_end();
    let lead = value.len() - value.trim_start().len();
    let start = start + lead;
    let value = value.trim_start();
    let scheme = value.split([' ', '\t']).next()?;
    let rest = value.get(scheme.len()..)?;
    let is_scheme = scheme
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'='));
    let credentials = rest.trim_start();
    let (from, credentials) = if is_scheme && !credentials.is_empty() {
        let gap = rest.len() - credentials.len();
        (start + scheme.len() + gap, first_word(scheme, credentials))
    } else {
        (start, scheme)
    };
    let credentials = credentials.trim_end_matches([',', ';', ')', '}', ']', '\\']);
    let has_scheme = from > start;
    let is_likely = credentials.len() >= 8
        && (has_scheme || is_bare_credential(credentials))
        && !is_placeholder(credentials)
        && !credentials.starts_with(['$', '{', '<', '%', '('])
        && credentials
            .bytes()
            .any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase() || byte == b'=');
    is_likely.then(|| Span::new(from..from + credentials.len(), SecretKind::Authorization))
}

/// Says whether `text` can be credentials without a scheme, and no code.
fn is_bare_credential(text: &str) -> bool {
    let is_token = text.bytes().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=' | b':' | b'|' | b'%'
            )
    });
    is_token && !is_worded(text) && !text.contains("::")
}

/// Returns all credentials of a scheme with several, else the first word.
fn first_word<'a>(scheme: &str, credentials: &'a str) -> &'a str {
    let is_list = scheme.eq_ignore_ascii_case("digest") || scheme.starts_with("AWS4");
    if is_list {
        return credentials;
    }
    credentials.split_whitespace().next().unwrap_or(credentials)
}
