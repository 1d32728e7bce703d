//! Notes programs that are given code in a language that is not followed, and
//! follows the command lines that it shows.

use aegis_types::{
    Condition, Redirection, RedirectionKind, Span, UnknownCause, Word, WordPart, Wrapper,
};

use super::Draft;
use super::given::enclosed_texts;
use super::shell::Input;
use super::tool::word_of;
use crate::code::{self, Tongue};
use crate::elsewhere::quoted;
use crate::hint::{self, Language};
use crate::input;
use crate::option::{first_text, shown_text, without_start};
use crate::syntax::{Origin, is_name};
use crate::walk::{Setting, Walk};

/// How many texts that code is given are followed.
const GIVEN_MAX: usize = 16;

/// Modules of Python that are programs of the same name.
const MODULES: [&str; 9] = [
    "IPython", "flit", "hatch", "pdm", "pip", "pipx", "poetry", "twine", "uv",
];

/// Returns the command in a line of a makefile: behind a tab, or behind `target: …;`.
fn recipe(line: &str) -> Option<&str> {
    line.strip_prefix('\t').or_else(|| {
        let (_, rest) = line.split_once(':')?;
        rest.split_once(';')
            .map(|(_, command)| command.trim_start())
    })
}

/// Returns the file of rules that make is given: `-f file`, `--file=file`.
fn makefile_of(words: &[Word]) -> Option<Word> {
    words.iter().enumerate().find_map(|(index, word)| {
        let text = first_text(word);
        if matches!(text, "-f" | "--file" | "--makefile") {
            return words.get(index + 1).cloned();
        }
        let start = ["--file=", "--makefile=", "-f"];
        let start = start.iter().find(|start| text.starts_with(**start))?;
        Some(without_start(word, start.len()))
    })
}

/// Returns the rules that make is given in place: `--eval=rules`.
fn evaluated(words: &[Word]) -> Vec<Word> {
    let mut rules = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let text = first_text(word);
        if matches!(text, "--eval" | "-E") {
            rules.extend(words.get(index + 1).cloned());
        } else if text.starts_with("--eval=") {
            rules.push(without_start(word, "--eval=".len()));
        }
    }
    rules
}

/// Returns what make runs as it expands a variable that it is given:
/// `X=$(shell text)`, `X!=text`.
fn expanded(word: &Word) -> Vec<String> {
    let text = shown_text(word);
    let mut texts = enclosed_texts(&text, "$(shell ");
    let assigned = text.split_once("!=").filter(|(name, _)| is_name(name));
    texts.extend(assigned.map(|(_, text)| text.to_owned()));
    texts
}

impl Walk<'_> {
    /// Notes the code that a program is given on the command line or through its input.
    pub(super) fn code(&mut self, name: &str, draft: &Draft, setting: &Setting) {
        if matches!(name, "make" | "gmake") {
            return self.recipes(name, draft, setting);
        }
        let Some(language) = hint::language(name) else {
            return;
        };
        let arguments = draft.words.get(1..).unwrap_or_default();
        if matches!(Tongue::of(name), Tongue::Python) {
            self.module(name, draft, setting);
        }
        let inline = hint::inline_code(language, arguments);
        if !matches!(language, Language::Sed) {
            self.note_hidden(&inline);
        }
        if let Some(word) = inline.first() {
            let is_harmless = inline.iter().all(|word| hint::is_harmless(language, word));
            if !is_harmless {
                self.note(word.span, UnknownCause::Code(name.to_owned()));
                let mut may_run = false;
                for word in &inline {
                    may_run |= self.lines_of_code(name, word, draft, setting);
                }
                if may_run {
                    self.given_to_code(name, &inline, draft, setting);
                }
            }
            return;
        }
        self.written_code(name, language, draft, setting);
        let reads_input = match language {
            Language::Script(_) | Language::Database => hint::reads_input(language, arguments),
            // Line editors take commands, also those that run programs.
            Language::Editor => matches!(name, "ed" | "ex" | "red"),
            Language::Awk | Language::Sed => false,
        };
        if !reads_input {
            return;
        }
        match self.given_text(draft, setting) {
            Input::File => {}
            Input::Text(text) => {
                self.note_hidden([&text]);
                self.note(draft.span, UnknownCause::Code(name.to_owned()));
                if self.lines_of_code(name, &text, draft, setting) {
                    self.given_to_code(name, &[], draft, setting);
                }
            }
            Input::Unknown => self.note(draft.span, UnknownCause::Code(name.to_owned())),
        }
    }

    /// Follows a module that is a program of its own: `python -m pip`.
    fn module(&mut self, name: &str, draft: &Draft, setting: &Setting) {
        let is_option = |word: &Word| first_text(word) == "-m";
        let Some(at) = draft.words.iter().position(is_option) else {
            return;
        };
        let words = draft.words.get(at + 1..).unwrap_or_default();
        let is_program = words
            .first()
            .is_some_and(|module| MODULES.contains(&first_text(module)));
        let inner = setting.within(Wrapper::Program(name.to_owned()));
        if is_program && !inner.is_too_deep() {
            self.run(draft.inner(words.to_vec()), &inner);
        }
    }

    /// Follows the recipes of a makefile that the text shows.
    fn recipes(&mut self, name: &str, draft: &Draft, setting: &Setting) {
        let named = makefile_of(&draft.words);
        let usual = Word {
            span: draft.span,
            parts: vec![WordPart::Literal("Makefile".to_owned())],
            ..Word::default()
        };
        let file = named.as_ref().unwrap_or(&usual);
        let mut texts = self.written_texts(file);
        texts.extend(self.stream(file).map(|text| word_of(draft.span, &text)));
        if input::is_input(file)
            && let Input::Text(text) = self.given_text(draft, setting)
        {
            texts.push(text);
        }
        texts.extend(evaluated(&draft.words));
        let given = draft.words.iter().skip(1);
        let given = given.chain(draft.assignments.iter().map(|it| &it.value));
        let given: Vec<String> = given.flat_map(expanded).collect();
        let inner = setting
            .within(Wrapper::Program(name.to_owned()))
            .apart(Wrapper::Text)
            .when(Condition::Branch);
        if inner.is_too_deep() {
            return;
        }
        let mut lines = given;
        for text in &texts {
            let text = hint::shown(text);
            lines.extend(text.lines().filter_map(recipe).map(str::to_owned));
            // What stands in `$(shell …)` runs as the file is read.
            lines.extend(enclosed_texts(&text, "$(shell "));
        }
        let mut known = std::collections::BTreeSet::new();
        lines.retain(|line| known.insert(line.clone()));
        for line in &lines {
            let line = line.trim_start_matches(['@', '-', '+']).replace("$$", "$");
            let mark = self.around.mark();
            self.around.enter_process();
            self.text(&line, Origin::Whole(draft.span), &inner);
            self.around.restore(mark);
        }
    }

    /// Follows files of code that the text has written.
    fn written_code(&mut self, name: &str, language: Language, draft: &Draft, setting: &Setting) {
        let arguments = draft.words.get(1..).unwrap_or_default();
        let files: Vec<Word> = match language {
            Language::Script(_) => arguments.to_vec(),
            Language::Awk | Language::Sed | Language::Editor | Language::Database => Vec::new(),
        };
        for file in &files {
            let stream = self.stream(file).map(|text| word_of(file.span, &text));
            for text in self.written_texts(file).into_iter().chain(stream) {
                let inner = setting.within(Wrapper::Program(name.to_owned()));
                self.code_of_file(name, &text, draft, &inner.apart(Wrapper::Text));
            }
        }
    }

    /// Lists code that stands in a file as if it were given in place, and
    /// follows what it shows to be run.
    pub(super) fn code_of_file(
        &mut self,
        interpreter: &str,
        code: &Word,
        draft: &Draft,
        setting: &Setting,
    ) {
        let literal = |text: &str| Word {
            span: draft.span,
            parts: vec![WordPart::Literal(text.to_owned())],
            ..Word::default()
        };
        let given = Draft {
            span: draft.span,
            words: vec![literal(interpreter)],
            redirections: vec![Redirection {
                kind: RedirectionKind::Text,
                target: code.clone(),
                descriptor: None,
            }],
            ..Draft::default()
        };
        self.note(draft.span, UnknownCause::Code(interpreter.to_owned()));
        self.list(given, setting);
        self.lines_of_code(interpreter, code, draft, setting);
    }

    /// Walks the command lines that code shows to be run; returns whether it may
    /// run others that it is given.
    fn lines_of_code(&mut self, name: &str, code: &Word, draft: &Draft, setting: &Setting) -> bool {
        let arguments = draft.words.get(1..).unwrap_or_default();
        let given = code::given(draft.words.first(), arguments, &draft.assignments);
        let shown = code::shown(&hint::shown(code), Tongue::of(name), &given);
        for line in &shown.lines {
            self.line_of_code(name, line, code.span, setting);
        }
        shown.may_run()
    }

    /// Walks what code that runs something is given with it: its arguments, what it
    /// reads, and the variables that are set for it.
    fn given_to_code(&mut self, name: &str, code: &[Word], draft: &Draft, setting: &Setting) {
        // In text that is put together all words have one place; code may be the end of one.
        let is_code = |word: &Word| {
            let ends_with = |it: &Word| shown_text(word).ends_with(&shown_text(it));
            code.iter().any(|it| it.span == word.span && ends_with(it))
        };
        let end = draft.words.iter().rposition(is_code).unwrap_or_default();
        let behind = draft.words.iter().skip(end + 1);
        let is_sign = |word: &Word| matches!(first_text(word), "-" | "--");
        let arguments: Vec<&Word> = behind.filter(|word| !is_sign(word)).collect();
        // Awk is given values in front of its code as well.
        let beside = draft.words.iter().filter(|word| !is_code(word));
        let values = beside.filter_map(|word| {
            let text = word.literal()?;
            let (name, value) = text.split_once('=')?;
            is_name(name).then(|| value.to_owned())
        });
        let assigned = draft.assignments.iter().filter_map(|it| it.value.literal());
        // What is read is the code itself where none is given in place.
        let read = match self.given_text(draft, setting) {
            Input::Text(text) if !code.is_empty() => text.literal(),
            Input::Text(_) | Input::File | Input::Unknown => None,
        };
        let each = arguments.iter().filter_map(|word| word.literal());
        let whole: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
        let lines: Vec<String> = each
            .chain(values)
            .chain(assigned)
            .chain(read)
            .chain((whole.len() > 1).then(|| whole.join(" ")))
            .filter(|line| line.contains(char::is_whitespace))
            .take(GIVEN_MAX)
            .collect();
        for line in &lines {
            self.line_of_code(name, line, draft.span, setting);
        }
    }

    /// Walks a command line that code runs.
    fn line_of_code(&mut self, name: &str, line: &str, span: Span, setting: &Setting) {
        let inner = setting
            .within(Wrapper::Program(name.to_owned()))
            .apart(Wrapper::Text)
            .when(Condition::Branch);
        if inner.is_too_deep() {
            return;
        }
        let mark = self.around.mark();
        self.around.enter_process();
        self.text(line, Origin::Whole(span), &inner);
        self.around.restore(mark);
    }
}
