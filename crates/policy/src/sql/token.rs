//! Tells the words, names, values and signs of SQL apart.

use super::dialect::Dialect;

/// A piece of SQL.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Token {
    /// A word or a number, in lower case; a quoted name as well.
    Word(String),
    /// A value in quotes; a quoted name with blanks is taken for one.
    Value(String),
    /// Any other character.
    Sign(char),
}

impl Token {
    /// Returns the word, if it is one.
    pub(super) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Value(_) | Self::Sign(_) => None,
        }
    }

    /// Returns the value in quotes, if it is one.
    pub(super) fn value(&self) -> Option<&str> {
        match self {
            Self::Value(value) => Some(value),
            Self::Word(_) | Self::Sign(_) => None,
        }
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    pub(super) fn is_sign(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }
}

/// Returns the pieces of `text`, without comments, as a dialect reads it.
pub(super) fn tokens(text: &str, dialect: Dialect) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = after_comment(rest, dialect) {
            rest = after;
            continue;
        }
        let (token, length) = match first {
            'e' | 'E' if dialect.has(Dialect::E_QUOTES) && rest.get(1..2) == Some("'") => {
                let (value, length) = quoted(rest.get(1..).unwrap_or_default(), '\'', true);
                (Some(Token::Value(value)), 1 + length)
            }
            _ if is_of_word(first) => {
                let length = rest.find(|it| !is_of_word(it)).unwrap_or(rest.len());
                let word = rest.get(..length).unwrap_or_default();
                (Some(Token::Word(word.to_lowercase())), length)
            }
            '\'' => {
                let (value, length) = quoted(rest, first, dialect.has(Dialect::ESCAPES));
                (Some(Token::Value(value)), length)
            }
            '"' => name(rest, first, dialect.has(Dialect::ESCAPES)),
            '`' if dialect.has(Dialect::TICKS) => name(rest, first, false),
            '[' if dialect.has(Dialect::BRACKETS) => name(rest, ']', false),
            '$' => match after_dollars(rest, dialect) {
                Some((value, length)) => (Some(Token::Value(value.to_owned())), length),
                None => (None, 1),
            },
            _ if first.is_whitespace() || first == '\0' => (None, first.len_utf8()),
            _ => (Some(Token::Sign(first)), first.len_utf8()),
        };
        tokens.extend(token);
        rest = rest.get(length..).unwrap_or_default();
    }
    tokens
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Returns what follows the comment with which a text begins.
fn after_comment(text: &str, dialect: Dialect) -> Option<&str> {
    if dialect.has(Dialect::RUN_COMMENTS) {
        if let Some(run) = text.strip_prefix("/*!") {
            return Some(run.trim_start_matches(|it: char| it.is_ascii_digit()));
        }
        if let Some(after) = text.strip_prefix("*/") {
            return Some(after);
        }
    }
    if let Some(inner) = text.strip_prefix("/*") {
        return Some(after_block(inner, dialect.has(Dialect::NESTED)));
    }
    let is_dashed = text.strip_prefix("--").is_some_and(|after| {
        !dialect.has(Dialect::STRICT_DASHES) || !after.starts_with(|it: char| it > ' ')
    });
    let is_hash = dialect.has(Dialect::HASHES) && text.starts_with('#');
    if !is_dashed && !is_hash {
        return None;
    }
    let ends = |it| it == '\n' || it == '\r' && dialect.has(Dialect::RETURNS);
    Some(text.split_once(ends).map_or("", |(_, after)| after))
}

/// Returns what follows the end of `/*`, behind which `text` stands.
fn after_block(text: &str, is_nested: bool) -> &str {
    let mut depth = 1_usize;
    let mut rest = text;
    while let Some(at) = rest.find(['*', '/']) {
        rest = rest.get(at..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix("*/") {
            depth -= 1;
            rest = after;
            if depth == 0 {
                return rest;
            }
        } else if let Some(after) = rest.strip_prefix("/*").filter(|_| is_nested) {
            depth += 1;
            rest = after;
        } else {
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    ""
}

/// Returns what stands in `$tag$` with which a text begins, and how long that is
/// with both tags.
fn after_dollars(text: &str, dialect: Dialect) -> Option<(&str, usize)> {
    if !dialect.has(Dialect::DOLLARS) {
        return None;
    }
    let end = 1 + text.get(1..)?.find(|it| !is_of_word(it))?;
    let tag = text.get(..=end).filter(|tag| tag.ends_with('$'))?;
    let is_number = tag.chars().nth(1).is_some_and(char::is_numeric);
    let inner = text.get(tag.len()..).filter(|_| !is_number)?;
    Some(match inner.find(tag) {
        Some(length) => (inner.get(..length)?, length + 2 * tag.len()),
        None => (inner, text.len()),
    })
}

/// Returns the name in the quotes with which a text begins, and their length.
fn name(text: &str, end: char, escapes: bool) -> (Option<Token>, usize) {
    let (name, length) = quoted(text, end, escapes);
    let token = match name.contains(char::is_whitespace) {
        true => Token::Value(name),
        false => Token::Word(name.to_lowercase()),
    };
    (Some(token), length)
}

/// Returns what stands in the quotes with which a text begins, and how long that
/// is with them. An end written twice stands for one.
fn quoted(text: &str, end: char, escapes: bool) -> (String, usize) {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\' && escapes {
            value.extend(characters.next().map(|(_, next)| match next {
                'n' | 'r' => '\n',
                't' => '\t',
                _ => next,
            }));
        } else if character != end {
            value.push(character);
        } else if characters.next_if(|(_, next)| *next == end).is_some() {
            value.push(end);
        } else {
            return (value, at + end.len_utf8());
        }
    }
    (value, text.len())
}
