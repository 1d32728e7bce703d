//! Secrets that follow the word that names them.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::candidate::{Form, is_secret};
use crate::key_name::{KeyName, classify, may_be_secret};
use crate::kind::SecretKind;
use crate::placeholder::is_placeholder;
use crate::span::Span;

/// How far before a password of a `.netrc` its `login` may stand.
const LOGIN_WITHIN: usize = 128;

/// The longest value that is looked for.
const VALUE_MAX: usize = 1024;

/// What stands before such a password.
static WORDS: LazyLock<[Finder<'static>; 4]> =
    LazyLock::new(|| ["assword ", "ASSWORD ", "IDENTIFIED BY ", "identified by "].map(Finder::new));

/// Finds passwords of SQL and `.netrc`: `PASSWORD '…'`, `login me password …`.
pub(crate) fn find(text: &str, spans: &mut Vec<Span>) {
    for word in &*WORDS {
        for at in word.find_iter(text.as_bytes()) {
            spans.extend(password(text, at, at + word.needle().len()));
        }
    }
}

fn password(text: &str, word: usize, end: usize) -> Option<Span> {
    let rest = text.get(end..text.floor_char_boundary(end + VALUE_MAX))?;
    let value = rest.trim_start_matches([' ', '\t']);
    let start = end + rest.len() - value.len();
    if let Some(quoted) = value.strip_prefix('\'') {
        let password = quoted.get(..quoted.find('\'')?)?;
        let start = start + 1;
        let is_secret = is_secret(KeyName::Password, "", password, Form::Quoted);
        return is_secret.then(|| Span::new(start..start + password.len(), SecretKind::Password));
    }
    let from = text.floor_char_boundary(word.saturating_sub(LOGIN_WITHIN));
    let before = text.get(from..word)?;
    let login = before.rfind("login ")?;
    // Between `login` and `password` stands a name and nothing else.
    let is_entry = before.get(login..)?.split_whitespace().count() == 3;
    let password = value
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\\'))
        .next()?;
    let is_secret = is_entry && password.len() >= 2 && !is_placeholder(password);
    is_secret.then(|| Span::new(start..start + password.len(), SecretKind::Password))
}

/// Finds a secret that holds the long run at `start..end` and whose name or
/// scheme is the word before it: `Bearer …`, `set aws_secret_access_key …`.
pub(crate) fn after_word(text: &str, start: usize, end: usize) -> Option<Span> {
    let is_end =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '<' | '>' | '\\');
    let from = text.floor_char_boundary(start.saturating_sub(64));
    let before = text.get(from..start)?;
    let value_start = from + before.rfind([' ', '\t', '"', '\''])? + 1;
    let head = text.get(from..value_start)?;
    let word = head.trim_end_matches([' ', '\t', '"', '\'']);
    if word.len() == head.len() {
        return None;
    }
    let word = word.get(
        word.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .map_or(0, |at| at + 1)..,
    )?;
    let is_scheme = word.eq_ignore_ascii_case("bearer");
    if !is_scheme && !may_be_secret(word.as_bytes()) {
        return None;
    }
    let rest = text.get(end..text.floor_char_boundary(end + VALUE_MAX))?;
    let value_end = end + rest.find(is_end).unwrap_or(rest.len());
    let value = text
        .get(value_start..value_end)?
        .trim_end_matches([')', ']', '}', '.']);
    let class = if is_scheme {
        KeyName::Secret(SecretKind::Authorization)
    } else {
        classify(word).filter(|class| matches!(class, KeyName::Secret(_)))?
    };
    is_secret(class, word, value, Form::Code)
        .then(|| Span::new(value_start..value_start + value.len(), class.kind()))
}
