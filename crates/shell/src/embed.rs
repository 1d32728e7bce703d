//! Carries unknown parts through text that is read as code again.
//!
//! When `bash -c "ls $HOME/x"` is followed, the inner text is text, a home
//! directory, and text. The part that is no text is replaced by one of the
//! characters that Unicode reserves for such uses, and put back in the words
//! that are found.

use aegis_types::{Word, WordPart};

use crate::locate::merged;

/// The first of the characters that stand for parts.
const FIRST: u32 = 0xfdd0;

/// How many there are.
const COUNT: usize = 32;

/// The parts that stand in texts being read.
#[derive(Debug, Default)]
pub(crate) struct Embedded {
    parts: Vec<WordPart>,
}

/// Returns whether `text` holds characters that are used to stand for parts.
pub(crate) fn is_reserved(text: &str) -> bool {
    // Each of them starts with these two bytes in UTF-8.
    let bytes = text.as_bytes();
    bytes.windows(2).any(|pair| pair == [0xef, 0xb7]) && text.chars().any(|c| index(c).is_some())
}

fn index(character: char) -> Option<usize> {
    let index = usize::try_from(u32::from(character).checked_sub(FIRST)?).ok()?;
    (index < COUNT).then_some(index)
}

impl Embedded {
    /// Returns whether no text holds a part.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns the text of `word` with characters for its other parts; `None` if there are too many.
    pub(crate) fn text(&mut self, word: &Word) -> Option<String> {
        let mut text = String::new();
        for part in &word.parts {
            match part {
                WordPart::Literal(literal) => text.push_str(literal),
                WordPart::Pattern(_)
                | WordPart::Home(_)
                | WordPart::Stream(_)
                | WordPart::Unknown(_) => {
                    text.push(self.character(part)?);
                }
            }
        }
        Some(text)
    }

    fn character(&mut self, part: &WordPart) -> Option<char> {
        let known = self.parts.iter().position(|known| known == part);
        let index = match known {
            Some(index) => index,
            None if self.parts.len() < COUNT => {
                self.parts.push(part.clone());
                self.parts.len() - 1
            }
            None => return None,
        };
        char::from_u32(FIRST.checked_add(u32::try_from(index).ok()?)?)
    }

    /// Puts the parts back into `word`.
    pub(crate) fn restore(&self, word: &mut Word) {
        if self.is_empty() {
            return;
        }
        let holds = |part: &WordPart| match part {
            WordPart::Literal(text) | WordPart::Pattern(text) => is_reserved(text),
            WordPart::Home(_) | WordPart::Stream(_) | WordPart::Unknown(_) => false,
        };
        if !word.parts.iter().any(holds) {
            return;
        }
        let mut parts = Vec::new();
        for part in &word.parts {
            match part {
                WordPart::Literal(text) => self.split(text, WordPart::Literal, &mut parts),
                WordPart::Pattern(text) => self.split(text, WordPart::Pattern, &mut parts),
                WordPart::Home(_) | WordPart::Stream(_) | WordPart::Unknown(_) => {
                    parts.push(part.clone())
                }
            }
        }
        word.parts = merged(parts);
    }

    fn split(&self, text: &str, wrap: impl Fn(String) -> WordPart, parts: &mut Vec<WordPart>) {
        let mut plain = String::new();
        for character in text.chars() {
            match index(character).and_then(|index| self.parts.get(index)) {
                Some(part) => {
                    if !plain.is_empty() {
                        parts.push(wrap(std::mem::take(&mut plain)));
                    }
                    parts.push(part.clone());
                }
                None => plain.push(character),
            }
        }
        if !plain.is_empty() {
            parts.push(wrap(plain));
        }
    }
}
