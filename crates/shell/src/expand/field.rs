//! Collects the words that one word of the tree becomes.

use aegis_types::{Span, Word, WordPart};

/// The words that one word of the tree becomes.
#[derive(Debug)]
pub(super) struct Fields {
    span: Span,
    done: Vec<Word>,
    parts: Vec<WordPart>,
    has_content: bool,
    /// Whether the last word ended at a blank, so that a mark after it ends nothing more.
    ended_at_blank: bool,
}

impl Fields {
    /// Starts with none.
    pub(super) fn new(span: Span) -> Self {
        Self {
            span,
            done: Vec::new(),
            parts: Vec::new(),
            has_content: false,
            ended_at_blank: false,
        }
    }

    /// Returns the place of the word in the text.
    pub(super) fn span(&self) -> Span {
        self.span
    }

    /// Adds text that stands for itself; empty text still makes a word.
    pub(super) fn literal(&mut self, text: &str) {
        self.has_content = true;
        self.ended_at_blank = false;
        if text.is_empty() {
            return;
        }
        if let Some(WordPart::Literal(last)) = self.parts.last_mut() {
            last.push_str(text);
        } else {
            self.parts.push(WordPart::Literal(text.to_owned()));
        }
    }

    /// Adds a part.
    pub(super) fn part(&mut self, part: WordPart) {
        self.has_content = true;
        self.ended_at_blank = false;
        match part {
            WordPart::Literal(text) => self.literal(&text),
            WordPart::Pattern(_) | WordPart::Home(_) | WordPart::Unknown(_) => {
                self.parts.push(part);
            }
        }
    }

    /// Adds several parts.
    pub(super) fn parts(&mut self, parts: &[WordPart]) {
        for part in parts {
            self.part(part.clone());
        }
    }

    /// Ends the present word, if there is one.
    pub(super) fn split(&mut self) {
        if self.has_content {
            self.done.push(Word {
                span: self.span,
                parts: std::mem::take(&mut self.parts),
            });
            self.has_content = false;
        }
    }

    /// Ends the present word at a blank that separates.
    pub(super) fn end_at_blank(&mut self) {
        self.ended_at_blank |= self.has_content;
        self.split();
    }

    /// Ends the present word, empty or not, at another character that separates.
    pub(super) fn end_at_mark(&mut self) {
        if !self.has_content && !self.ended_at_blank {
            self.has_content = true;
        }
        self.split();
        self.ended_at_blank = false;
    }

    /// Moves the words to `words`.
    pub(super) fn finish(mut self, words: &mut Vec<Word>) {
        self.split();
        words.append(&mut self.done);
    }

    /// Returns the parts as one word.
    pub(super) fn into_single(self) -> Word {
        Word {
            span: self.span,
            parts: self.parts,
        }
    }
}
