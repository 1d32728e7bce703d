//! Shapes of tokens: fixed texts and runs of characters.

use crate::kind::SecretKind;

/// The characters of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Alphabet {
    /// `0-9`
    Digits,
    /// `0-9a-fA-F`
    Hex,
    /// `0-9A-Z`
    Upper,
    /// `0-9a-zA-Z`
    Alnum,
    /// `0-9a-zA-Z_-`
    Word,
    /// `0-9a-zA-Z_=-` and `.`
    Dotted,
    /// `0-9a-zA-Z+/=_-`
    Base64,
    /// `0-9a-zA-Z_~.-`
    Tilde,
}

impl Alphabet {
    pub(crate) fn has(self, byte: u8) -> bool {
        match self {
            Alphabet::Digits => byte.is_ascii_digit(),
            Alphabet::Hex => byte.is_ascii_hexdigit(),
            Alphabet::Upper => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            Alphabet::Alnum => byte.is_ascii_alphanumeric(),
            Alphabet::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Alphabet::Dotted => Alphabet::Word.has(byte) || matches!(byte, b'.' | b'='),
            Alphabet::Base64 => Alphabet::Word.has(byte) || matches!(byte, b'+' | b'/' | b'='),
            Alphabet::Tilde => Alphabet::Word.has(byte) || matches!(byte, b'.' | b'~'),
        }
    }
}

/// A piece of a shape.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// This text.
    Text(&'static str),
    /// From so many to so many characters of an alphabet.
    Run(Alphabet, usize, usize),
}

/// Where a shape may start.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Start {
    /// Anywhere, because its first text is like nothing else.
    Anywhere,
    /// Where no letter or digit stands before it.
    Word,
    /// Where a whole run of word characters starts; for runs without end.
    Run,
}

/// The shape of a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) kind: SecretKind,
    pub(crate) start: Start,
    pub(crate) parts: &'static [Part],
    /// Whether it must hold a digit; prose and identifiers rarely do.
    pub(crate) needs_digit: bool,
}

impl Shape {
    /// Returns the first byte of the first text.
    pub(crate) const fn first(&self) -> u8 {
        match self.parts {
            [Part::Text(text), ..] => match text.as_bytes() {
                [first, ..] => *first,
                [] => 0,
            },
            _ => 0,
        }
    }

    /// Returns where the shape ends if it starts at `start`.
    ///
    /// A run takes all it can, and ends where its alphabet does: a longer run
    /// than the shape allows is something else.
    pub(crate) fn end(&self, bytes: &[u8], start: usize) -> Option<usize> {
        let mut at = start;
        for part in self.parts {
            let rest = bytes.get(at..)?;
            match part {
                Part::Text(text) => {
                    if !rest.starts_with(text.as_bytes()) {
                        return None;
                    }
                    at += text.len();
                }
                Part::Run(alphabet, min, max) => {
                    let run = rest
                        .iter()
                        .take(max.saturating_add(1))
                        .take_while(|byte| alphabet.has(**byte))
                        .count();
                    if run < *min || run > *max {
                        return None;
                    }
                    at += run;
                }
            }
        }
        Some(at)
    }
}
