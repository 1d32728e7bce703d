//! Follows `find` and `xargs` to what they run.

use aegis_types::{UnknownCause, Word, WordPart, Wrapper};

use super::{Draft, push_text};
use crate::option::{self, Spec};
use crate::output::{Output, starts};
use crate::walk::{Setting, Walk};

const XARGS: Spec = Spec {
    short: "adEILnPsJRS",
    long: &[
        "arg-file",
        "delimiter",
        "max-lines",
        "max-args",
        "max-procs",
        "max-chars",
        "process-slot-var",
    ],
    ends_at_operand: true,
};

impl Walk<'_> {
    /// Lists `find` itself, then what it runs on what it finds.
    pub(super) fn find(&mut self, mut draft: Draft, setting: &Setting) {
        let before = self.plan.commands.len();
        self.list(draft.clone(), setting);
        // Each of what it runs begins with a copy of the draft.
        let words = std::mem::take(&mut draft.words);
        let found = self
            .plan
            .commands
            .get(before)
            .map(starts)
            .unwrap_or_default();
        let inner_setting = setting.within(Wrapper::Program("find".to_owned()));
        let mut rest = words.iter().skip(1);
        while let Some(word) = rest.next() {
            if self.has_stopped() {
                return;
            }
            let action = word.literal();
            if !matches!(
                action.as_deref(),
                Some("-exec" | "-execdir" | "-ok" | "-okdir")
            ) {
                continue;
            }
            let mut run = Vec::new();
            for word in rest.by_ref() {
                match word.literal().as_deref() {
                    Some(";") => break,
                    Some("+") if run.last().is_some_and(is_placeholder) => break,
                    _ => run.push(word.clone()),
                }
            }
            let mut inner = draft.inner(fill(&run, "{}", &found));
            inner.redirections = Vec::new();
            self.run(inner, &inner_setting);
        }
    }

    /// Lists what `xargs` runs with what it reads.
    pub(super) fn xargs(&mut self, draft: Draft, setting: &Setting) {
        let words = draft.words.get(1..).unwrap_or_default();
        let arguments = option::read(words, &XARGS);
        let read = match &setting.input {
            _ if arguments.has(&["a", "arg-file"]) => Vec::new(),
            Some(Output::Paths(paths)) => paths.clone(),
            Some(Output::Text(text)) => text_words(text, &draft),
            Some(Output::Unknown) | None => Vec::new(),
        };
        let read = if read.is_empty() {
            vec![Word {
                span: draft.span,
                parts: vec![WordPart::Unknown(UnknownCause::Output)],
            }]
        } else {
            read
        };
        let placeholder = arguments
            .values(&["I", "J"])
            .last()
            .and_then(Word::literal)
            .or_else(|| arguments.has(&["i", "replace"]).then(|| "{}".to_owned()));
        let operands: Vec<Word> = arguments
            .operands
            .iter()
            .map(|word| (*word).clone())
            .collect();
        if operands.is_empty() {
            return self.list(draft, setting);
        }
        let run = match placeholder {
            Some(placeholder) => fill(&operands, &placeholder, &read),
            None => [operands, read].concat(),
        };
        let inner = draft.inner(run);
        let mut inner_setting = setting.within(Wrapper::Program("xargs".to_owned()));
        inner_setting.input = None;
        self.run(inner, &inner_setting);
    }
}

fn is_placeholder(word: &Word) -> bool {
    word.literal().as_deref() == Some("{}")
}

/// Returns `words` with what was found in the place of `placeholder`.
fn fill(words: &[Word], placeholder: &str, found: &[Word]) -> Vec<Word> {
    let mut filled = Vec::new();
    for word in words {
        let is_whole = word.literal().as_deref() == Some(placeholder);
        if is_whole {
            filled.extend(found.iter().map(|path| Word {
                span: word.span,
                parts: path.parts.clone(),
            }));
        } else {
            filled.push(fill_within(word, placeholder, found));
        }
    }
    filled
}

fn fill_within(word: &Word, placeholder: &str, found: &[Word]) -> Word {
    let Some(text) = word.literal().filter(|text| text.contains(placeholder)) else {
        return word.clone();
    };
    let mut filled = Word {
        span: word.span,
        parts: Vec::new(),
    };
    for (index, piece) in text.split(placeholder).enumerate() {
        if index > 0 {
            match found {
                [path] => filled.parts.extend(path.parts.iter().cloned()),
                _ => filled.parts.push(WordPart::Unknown(UnknownCause::Output)),
            }
        }
        push_text(&mut filled, piece);
    }
    filled
}

/// Returns the words of text that `xargs` reads.
fn text_words(text: &str, draft: &Draft) -> Vec<Word> {
    if text.contains(['\'', '"', '\\']) {
        return Vec::new();
    }
    text.split_whitespace()
        .map(|word| Word {
            span: draft.span,
            parts: vec![WordPart::Literal(word.to_owned())],
        })
        .collect()
}
