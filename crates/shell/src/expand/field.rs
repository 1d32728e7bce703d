//! Collects the words that one word of the tree becomes.

use aegis_types::{Span, UnknownCause, Word, WordPart};

use crate::syntax::is_name;

/// The words that one word of the tree becomes.
#[derive(Debug)]
pub(super) struct Fields {
    span: Span,
    done: Vec<Word>,
    parts: Vec<WordPart>,
    has_content: bool,
    /// Whether variables that the text does not set are those of the environment.
    is_closed: bool,
    /// Whether an unknown part of the present word may bring an option with it.
    brings_options: bool,
    /// Whether the last word ended at a blank, so that a mark after it ends nothing more.
    ended_at_blank: bool,
}

impl Fields {
    /// Starts with none.
    ///
    /// `is_closed` says that variables which the text does not set are those of
    /// the environment.
    pub(super) fn new(span: Span, is_closed: bool) -> Self {
        Self {
            span,
            is_closed,
            brings_options: false,
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

    /// Adds a part, which may become several words if it is unknown.
    pub(super) fn part(&mut self, part: WordPart) {
        self.brings_options |= self.is_open(&part);
        self.push(part);
    }

    /// Adds a part that stays within the present word.
    pub(super) fn inner_part(&mut self, part: WordPart) {
        self.brings_options |= self.is_open(&part) && !self.has_start();
        self.push(part);
    }

    /// Adds several parts that stay within the present word.
    pub(super) fn inner_parts(&mut self, parts: &[WordPart]) {
        for part in parts {
            self.inner_part(part.clone());
        }
    }

    fn push(&mut self, part: WordPart) {
        self.has_content = true;
        self.ended_at_blank = false;
        match part {
            WordPart::Literal(text) => self.literal(&text),
            WordPart::Pattern(_)
            | WordPart::Home(_)
            | WordPart::Stream(_)
            | WordPart::Unknown(_) => {
                self.parts.push(part);
            }
        }
    }

    /// Returns whether the text decides what a part stands for, or what it runs does.
    fn is_open(&self, part: &WordPart) -> bool {
        match part {
            WordPart::Unknown(UnknownCause::Variable(name)) => !self.is_closed || !is_name(name),
            WordPart::Unknown(_) => true,
            WordPart::Literal(_)
            | WordPart::Pattern(_)
            | WordPart::Home(_)
            | WordPart::Stream(_) => false,
        }
    }

    /// Returns whether the present word begins with what no option begins with.
    fn has_start(&self) -> bool {
        match self.parts.first() {
            Some(WordPart::Literal(text)) => !text.starts_with('-'),
            Some(WordPart::Home(_) | WordPart::Stream(_)) => true,
            Some(WordPart::Pattern(_) | WordPart::Unknown(_)) | None => false,
        }
    }

    fn take_word(&mut self) -> Word {
        let parts = std::mem::take(&mut self.parts);
        let brings_options = std::mem::take(&mut self.brings_options);
        let is_unknown = |part: &WordPart| matches!(part, WordPart::Unknown(_));
        Word {
            span: self.span,
            is_operand: !brings_options && parts.iter().any(is_unknown),
            parts,
        }
    }

    /// Ends the present word, if there is one.
    pub(super) fn split(&mut self) {
        if self.has_content {
            let word = self.take_word();
            self.done.push(word);
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
    pub(super) fn into_single(mut self) -> Word {
        self.take_word()
    }
}
