//! Notes programs that are given code in a language that is not followed.

use aegis_types::UnknownCause;

use super::Draft;
use super::shell::{Input, given_text};
use crate::hint::{self, Language};
use crate::walk::{Setting, Walk};

impl Walk<'_> {
    /// Notes the code that a program is given on the command line or through its input.
    pub(super) fn code(&mut self, name: &str, draft: &Draft, setting: &Setting) {
        let Some(language) = hint::language(name) else {
            return;
        };
        let arguments = draft.words.get(1..).unwrap_or_default();
        let inline = hint::inline_code(language, arguments);
        if let Some(word) = inline.first() {
            let is_harmless = inline.iter().all(|word| hint::is_harmless(language, word));
            if !is_harmless {
                self.note(word.span, UnknownCause::Code(name.to_owned()));
            }
            return;
        }
        let reads_input = match language {
            Language::Script(_) | Language::Database => hint::reads_input(language, arguments),
            // Line editors take commands, also those that run programs.
            Language::Editor => matches!(name, "ed" | "ex" | "red"),
            Language::Awk | Language::Sed => false,
        };
        if !reads_input {
            return;
        }
        match given_text(draft, setting) {
            Input::File => {}
            Input::Text(_) | Input::Unknown => {
                self.note(draft.span, UnknownCause::Code(name.to_owned()));
            }
        }
    }
}
