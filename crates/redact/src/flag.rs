//! Secrets in the arguments of commands.

use memchr::memchr_iter;

use crate::candidate::{Form, is_secret};
use crate::key_name::{KeyName, classify, may_be_secret};
use crate::kind::SecretKind;
use crate::placeholder::is_placeholder;
use crate::span::Span;

/// The longest argument that is looked at.
const VALUE_MAX: usize = 4 * 1024;

/// How a program's flag carries its secret.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Carries {
    /// In the same word: `-pSECRET`.
    Attached,
    /// In the next word: `-p SECRET`.
    Next,
    /// After a user's name in the next or same word: `-u NAME:SECRET`.
    AfterUser,
}

/// Flags whose meaning hangs on the program.
const PROGRAM_FLAGS: &[(&str, &str, Carries)] = &[
    ("mysql", "-p", Carries::Attached),
    ("mysqldump", "-p", Carries::Attached),
    ("mysqladmin", "-p", Carries::Attached),
    ("mysqlimport", "-p", Carries::Attached),
    ("mariadb", "-p", Carries::Attached),
    ("mariadb-dump", "-p", Carries::Attached),
    ("sshpass", "-p", Carries::Attached),
    ("sshpass", "-p", Carries::Next),
    ("docker", "-p", Carries::Next),
    ("redis-cli", "-a", Carries::Next),
    ("curl", "-u", Carries::AfterUser),
    ("curl", "-U", Carries::AfterUser),
    ("curl", "--user", Carries::AfterUser),
    ("curl", "--proxy-user", Carries::AfterUser),
];

/// Finds the secrets that flags carry.
pub(crate) fn find(text: &str, spans: &mut Vec<Span>) {
    let mut command = Command::default();
    for start in memchr_iter(b'-', text.as_bytes()) {
        if !is_word_start(text, start) {
            continue;
        }
        let flag = text.as_bytes().get(start..).unwrap_or_default();
        let dashes = if flag.starts_with(b"--") { 2 } else { 1 };
        let name = flag.get(dashes..).unwrap_or_default();
        let length = name
            .iter()
            .take(64)
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            .count();
        let end = start + dashes + length;
        let name = text.get(start + dashes..end).unwrap_or_default();
        let found = named(text, name, end).or_else(|| of_program(text, start, end, &mut command));
        spans.extend(found);
    }
}

fn is_word_start(text: &str, at: usize) -> bool {
    match at
        .checked_sub(1)
        .and_then(|before| text.as_bytes().get(before))
    {
        Some(byte) => matches!(
            byte,
            b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b'(' | b'['
        ),
        None => true,
    }
}

/// Finds the argument of a flag that is named as a secret.
fn named(text: &str, name: &str, end: usize) -> Option<Span> {
    if !may_be_secret(name.as_bytes()) {
        return None;
    }
    // `--auth`, `--key`: names of files and methods more often than not.
    let class = classify(name).filter(|class| *class != KeyName::Doubtful)?;
    let (from, value, form) = next_word(text, end)?;
    let is_argument = !value.starts_with('-') && !is_all_capitals(value);
    (is_argument && is_secret(class, name, value, form))
        .then(|| Span::new(from..from + value.len(), class.kind()))
}

/// Says whether `value` is a stand-in of a help text: `--password PASSWORD`.
fn is_all_capitals(value: &str) -> bool {
    value.len() < 16
        && value
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// Returns the word after `end`, unquoted, and how it is written.
fn next_word(text: &str, end: usize) -> Option<(usize, &str, Form)> {
    let rest = text.get(end..text.floor_char_boundary(end + VALUE_MAX))?;
    let value = rest.trim_start_matches([' ', '\t']);
    let gap = rest.len() - value.len();
    if gap == 0 {
        return None;
    }
    word_at(text, end + gap)
}

fn word_at(text: &str, at: usize) -> Option<(usize, &str, Form)> {
    let value = text.get(at..text.floor_char_boundary(at + VALUE_MAX))?;
    let escapes = value.bytes().take_while(|byte| *byte == b'\\').count();
    let quote = value.as_bytes().get(escapes).copied();
    if let Some(quote @ (b'"' | b'\'')) = quote {
        let from = escapes + 1;
        let body = value.get(from..)?;
        let length = body.find(char::from(quote))?;
        let word = body.get(..length - escapes.min(length))?;
        return Some((at + from, word, Form::Quoted));
    }
    let length = value
        .find(|c: char| {
            c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '|' | '&' | '<' | '>' | ')')
        })
        .unwrap_or(value.len());
    Some((at, value.get(..length)?, Form::Data))
}

/// Finds the secret of a short flag that a program gives its meaning.
fn of_program(text: &str, start: usize, end: usize, command: &mut Command) -> Option<Span> {
    let flag = text.get(start..end)?;
    let mut candidates = PROGRAM_FLAGS
        .iter()
        .filter(|(_, prefix, _)| flag.starts_with(prefix))
        .peekable();
    candidates.peek()?;
    command.advance(text, start);
    candidates
        .filter(|(program, _, _)| command.program == Some(program))
        .find_map(|(program, prefix, carries)| {
            let is_exact = flag.len() == prefix.len();
            let (from, value) = match carries {
                Carries::Attached => {
                    let (from, value, _) = word_at(text, start + prefix.len())?;
                    (from, value)
                }
                Carries::Next if is_exact && (*program != "docker" || command.is_login) => {
                    let (from, value, _) = next_word(text, end)?;
                    (from, value)
                }
                Carries::AfterUser if is_exact || prefix.len() == 2 => {
                    after_user(text, start + prefix.len())?
                }
                Carries::Next | Carries::AfterUser => return None,
            };
            let is_secret = value.len() >= 2
                && !is_placeholder(value)
                && !value.starts_with(['$', '-', '`', '(']);
            is_secret.then(|| Span::new(from..from + value.len(), SecretKind::Password))
        })
}

/// Returns the password of `NAME:PASSWORD` after `end`, either of which may
/// be quoted.
fn after_user(text: &str, end: usize) -> Option<(usize, &str)> {
    let rest = text.get(end..)?;
    let gap = rest.len() - rest.trim_start_matches([' ', '\t', '=']).len();
    let (from, word, _) = word_at(text, end + gap)?;
    let closing = from + word.len();
    match word.split_once(':') {
        Some((user, password)) if !password.is_empty() => Some((from + user.len() + 1, password)),
        // `NAME:"PASSWORD"`
        Some(_) => word_at(text, closing).map(|(from, password, _)| (from, password)),
        // `"NAME":"PASSWORD"`
        None => {
            let rest = text.get(closing..)?;
            let rest = rest.strip_prefix(['"', '\''])?.strip_prefix(':')?;
            let (from, password, _) = word_at(text, text.len() - rest.len())?;
            Some((from, password))
        }
    }
}

/// The command that a flag belongs to, as far as the text was read.
#[derive(Default)]
struct Command {
    /// How far the text was read; no part of it is read twice.
    read: usize,
    /// Its program, if the meaning of flags hangs on it.
    program: Option<&'static str>,
    /// Whether it logs in somewhere.
    is_login: bool,
}

impl Command {
    /// Reads on to `at`, which must not be before what was read.
    fn advance(&mut self, text: &str, at: usize) {
        let new = text.get(self.read..at).unwrap_or_default();
        self.read = at;
        let mut was_backslash = false;
        let mut word_start = 0;
        for (index, byte) in new.bytes().enumerate() {
            let is_word = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            if !is_word {
                self.word(new.get(word_start..index).unwrap_or_default());
                word_start = index + 1;
            }
            // A line that ends in a backslash goes on.
            let is_end = matches!(byte, b'|' | b';' | b'&') || byte == b'\n' && !was_backslash;
            if is_end {
                self.program = None;
                self.is_login = false;
            }
            was_backslash = byte == b'\\' || byte == b'\r' && was_backslash;
        }
        self.word(new.get(word_start..).unwrap_or_default());
    }

    fn word(&mut self, word: &str) {
        let word = word.strip_suffix(".exe").unwrap_or(word);
        self.is_login |= word == "login";
        let program = PROGRAM_FLAGS
            .iter()
            .find(|(program, _, _)| *program == word);
        self.program = program.map_or(self.program, |(program, _, _)| Some(program));
    }
}
