//! Tells the words, names, values and signs of SQL apart.

/// How many tokens of a text are looked at.
const TOKENS_MAX: usize = 16_384;

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

/// Returns the pieces of `text`, without comments.
///
/// What stands in `/*! */`, which one database runs, and in `$$` is no comment
/// and no value, but part of the text.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if tokens.len() >= TOKENS_MAX {
            break;
        }
        if let Some(after) = after_comment(rest) {
            rest = after;
            continue;
        }
        let (token, length) = match first {
            _ if is_of_word(first) => {
                let length = rest.find(|it| !is_of_word(it)).unwrap_or(rest.len());
                let word = rest.get(..length).unwrap_or_default();
                (Some(Token::Word(word.to_lowercase())), length)
            }
            '\'' => {
                let (value, length) = quoted(rest, first);
                (Some(Token::Value(value)), length)
            }
            '"' | '`' => {
                let (name, length) = quoted(rest, first);
                let token = match name.contains(char::is_whitespace) {
                    true => Token::Value(name),
                    false => Token::Word(name.to_lowercase()),
                };
                (Some(token), length)
            }
            _ if first.is_whitespace() || matches!(first, '$' | '\0') => (None, first.len_utf8()),
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
fn after_comment(text: &str) -> Option<&str> {
    if let Some(run) = text.strip_prefix("/*!") {
        return Some(run.trim_start_matches(|it: char| it.is_ascii_digit()));
    }
    let (end, inner) = match text {
        _ if text.starts_with("--") => ("\n", text.get(2..)?),
        _ if text.starts_with("/*") => ("*/", text.get(2..)?),
        _ => return text.strip_prefix("*/"),
    };
    Some(inner.split_once(end).map_or("", |(_, after)| after))
}

/// Returns what stands in the quotes with which a text begins, and how long that
/// is with them. A quote written twice stands for one.
fn quoted(text: &str, quote: char) -> (String, usize) {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != quote {
            value.push(character);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            value.push(quote);
        } else {
            return (value, at + quote.len_utf8());
        }
    }
    (value, text.len())
}
