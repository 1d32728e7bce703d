//! The files that a text writes, where it shows what it writes to them.

use std::rc::Rc;

use aegis_types::{Command, RedirectionKind, Span, Word, WordPart};

use crate::hint::shown;
use crate::locate::{located, written};
use crate::output::{Output, printed_by};
use crate::program::program_name;

use super::{Setting, Walk};

/// How many files are remembered.
const FILES_MAX: usize = 64;

/// The files that a text writes.
///
/// Nothing is ever taken back: a file that may have been written counts.
#[derive(Debug, Default)]
pub(crate) struct WrittenFiles {
    files: Vec<(String, Rc<str>)>,
}

impl WrittenFiles {
    /// Returns what may stand in the file that a word of `command` names.
    pub(crate) fn texts(&self, command: &Command, word: &Word) -> Vec<Rc<str>> {
        if self.files.is_empty() {
            return Vec::new();
        }
        let Some(path) = path_of(command, word) else {
            return Vec::new();
        };
        self.files
            .iter()
            .filter(|(known, _)| *known == path)
            .map(|(_, text)| Rc::clone(text))
            .collect()
    }

    fn note(&mut self, path: Option<String>, text: Rc<str>) {
        if let Some(path) = path
            && self.files.len() < FILES_MAX
        {
            self.files.push((path, text));
        }
    }
}

impl Walk<'_> {
    /// Remembers what a command writes to files.
    pub(crate) fn note_written(&mut self, command: &Command, setting: &Setting) {
        let name = program_name(command);
        let operands = || {
            let words = command.arguments.iter();
            words.filter(|word| !written(word).starts_with('-'))
        };
        match name.as_deref() {
            Some("tee" | "sponge") => {
                if let Some(Output::Text(text)) = &setting.input {
                    let text: Rc<str> = text.as_str().into();
                    for word in operands() {
                        self.files.note(path_of(command, word), Rc::clone(&text));
                    }
                }
            }
            Some("cp" | "mv" | "install" | "ln") => {
                let words: Vec<&Word> = operands().collect();
                if let [from, to] = words.as_slice() {
                    for text in self.files.texts(command, from) {
                        self.files.note(path_of(command, to), text);
                    }
                }
            }
            _ => {}
        }
        let mut targets = command
            .redirections
            .iter()
            .filter(|redirection| match redirection.kind {
                RedirectionKind::Write | RedirectionKind::Append | RedirectionKind::ReadWrite => {
                    true
                }
                RedirectionKind::Read | RedirectionKind::Text | RedirectionKind::Descriptor => {
                    false
                }
            })
            .map(|redirection| &redirection.target)
            .peekable();
        if targets.peek().is_none() {
            return;
        }
        let text: Rc<str> = match printed_by(command) {
            Some(text) => text.into(),
            None => match given(command).filter(|_| name.as_deref() == Some("cat")) {
                Some(word) => shown(word).into(),
                None => match &setting.input {
                    Some(Output::Text(text)) if name.as_deref() == Some("cat") => {
                        text.as_str().into()
                    }
                    _ => return,
                },
            },
        };
        for target in targets {
            self.files.note(path_of(command, target), Rc::clone(&text));
        }
    }

    /// Returns what may stand in the file that `word` names where a command runs.
    pub(crate) fn written_texts(&self, word: &Word) -> Vec<Word> {
        let command = Command {
            span: Span::default(),
            program: None,
            arguments: Vec::new(),
            assignments: Vec::new(),
            redirections: Vec::new(),
            through: Vec::new(),
            directory: self.around.places().current.clone(),
            place: aegis_types::Place::default(),
        };
        let texts = self.files.texts(&command, word);
        let as_word = |text: Rc<str>| Word {
            span: word.span,
            parts: vec![WordPart::Literal(text.as_ref().to_owned())],
        };
        texts.into_iter().map(as_word).collect()
    }
}

/// Returns the text that a command is given in place.
fn given(command: &Command) -> Option<&Word> {
    let mut redirections = command.redirections.iter().rev();
    redirections
        .find(|redirection| redirection.kind == RedirectionKind::Text)
        .map(|redirection| &redirection.target)
}

/// Returns the path of a file seen from where the text starts, steps that lead
/// nowhere left out.
fn path_of(command: &Command, word: &Word) -> Option<String> {
    if word.is_unknown() && !word.parts.first().is_some_and(is_variable) {
        return None;
    }
    let path = written(&located(command, word)?);
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            "." | "" => {}
            ".." if steps.last().is_some_and(|last| *last != "..") => {
                steps.pop();
            }
            _ => steps.push(step),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    Some(format!("{root}{}", steps.join("/")))
}

/// A variable of the environment stands for one folder throughout a text.
const fn is_variable(part: &WordPart) -> bool {
    matches!(
        part,
        WordPart::Unknown(aegis_types::UnknownCause::Variable(_))
    )
}
