//! Follows commands that programs are given among their words, as the table says.

use aegis_types::{UnknownCause, Word, WordPart, Wrapper};

use super::{Draft, joined};
use crate::decode;
use crate::elsewhere::run_elsewhere;
use crate::option::{first_text, shown_text};
use crate::option_text::GivenText;
use crate::powershell::plan_powershell;
use crate::programs::{self, Reading, Role};
use crate::syntax::Origin;
use crate::walk::{Setting, Walk};

/// Programs that give their words to a shell as one text.
const JOINING: [&str; 2] = ["tmux", "zellij"];

/// Returns the command among the words of a program.
fn command_of(reading: &Reading<'_>, joins: bool) -> Option<Vec<Word>> {
    let is_meant = |role| role == Role::Command || role == Role::Code && joins;
    let mut operands = reading.operands_with_roles();
    let first = operands.find(|operand| is_meant(operand.role))?;
    let is_before = |word: &&&Word| !std::ptr::eq::<Word>(**word, first.word);
    let rest = reading.operands.iter().skip_while(is_before);
    Some(rest.map(|word| (*word).clone()).collect())
}

/// Returns the texts that the formats of tmux in `text` give to a shell.
fn format_texts(text: &str) -> Vec<String> {
    let starts = text.match_indices("#(").map(|(at, _)| at + 2);
    let inner = starts.filter_map(|at| {
        let rest = text.get(at..)?;
        let mut depth = 1_usize;
        let end = rest.find(|letter| {
            match letter {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        rest.get(..end.unwrap_or(rest.len())).map(str::to_owned)
    });
    inner.collect()
}

/// Returns the texts for a shell that a program is given.
fn shell_texts(reading: &Reading<'_>) -> Vec<GivenText> {
    let values = reading.values_with_roles();
    let given = values.chain(reading.operands_with_roles());
    let texts = given.filter(|it| it.role == Role::Shell);
    texts.map(|it| it.word.clone().into()).collect()
}

impl Walk<'_> {
    /// Follows the command that the table finds among the words of a program.
    pub(super) fn given_command(&mut self, name: &str, draft: &Draft, setting: &Setting) {
        // What git is given to run is read where its options are.
        let Some(entry) = programs::entry_for(name).filter(|_| name != "git") else {
            return;
        };
        if name == "expect" {
            return self.expected(draft, setting);
        }
        if name == "tmux" {
            self.further_commands(draft, setting);
        }
        let joins = JOINING.contains(&name);
        let words = draft.words.get(1..).unwrap_or_default();
        let reading = programs::read(entry, words);
        self.note_hidden(
            reading
                .values_with_roles()
                .filter(|it| it.role == Role::Code)
                .map(|it| it.word),
        );
        let texts = shell_texts(&reading);
        let mut commands: Vec<Vec<Word>> = command_of(&reading, joins).into_iter().collect();
        if let Some(otherwise) = programs::read_otherwise(entry, words, &reading) {
            let other = command_of(&otherwise, joins);
            commands.extend(other.filter(|other| !commands.contains(other)));
        }
        if texts.is_empty() && commands.is_empty() {
            return;
        }
        let is_elsewhere = self.plan.commands.last().and_then(run_elsewhere).is_some();
        let inner = setting.within(Wrapper::Program(name.to_owned()));
        if is_elsewhere || inner.is_too_deep() {
            return;
        }
        for rest in commands {
            let mark = self.around.mark();
            self.around.enter_process();
            let is_text = rest.len() == 1
                && rest
                    .iter()
                    .all(|word| first_text(word).contains(char::is_whitespace));
            if is_text || joins {
                let text = joined(&rest, draft.span);
                self.code_text(&text, draft.span, name, &inner);
            } else {
                self.run(draft.inner(rest), &inner);
            }
            self.around.restore(mark);
        }
        self.given_texts(&texts, name, setting);
    }

    /// Notes code of which nothing is shown: it may run anything.
    pub(super) fn note_hidden<'w>(&mut self, code: impl IntoIterator<Item = &'w Word>) {
        let shows_nothing = |part: &WordPart| match part {
            WordPart::Stream(_) | WordPart::Unknown(_) => true,
            WordPart::Literal(text) => text.trim().is_empty(),
            WordPart::Pattern(_) | WordPart::Home(_) => false,
        };
        for word in code {
            if word.is_open() && word.parts.iter().all(shows_nothing) {
                self.note(word.span, UnknownCause::Program);
            }
        }
    }

    /// Follows what tmux is told after its first command, and what its formats run.
    ///
    /// A word that is `;`, or ends with it, ends a command; `#(text)` in a
    /// format is given to a shell.
    fn further_commands(&mut self, draft: &Draft, setting: &Setting) {
        let inner = setting.within(Wrapper::Program("tmux".to_owned()));
        if inner.is_too_deep() {
            return;
        }
        let words = draft.words.get(1..).unwrap_or_default();
        let ends = |word: &Word| {
            let text = word.literal().unwrap_or_default();
            text.ends_with(';') && !text.ends_with("\\;")
        };
        let formats = words
            .iter()
            .flat_map(|word| format_texts(&shown_text(word)));
        let texts: Vec<GivenText> = formats
            .map(|text| {
                let parts = vec![WordPart::Literal(text)];
                let span = draft.span;
                GivenText::from(Word {
                    span,
                    parts,
                    ..Word::default()
                })
            })
            .collect();
        for text in &texts {
            self.note(text.text.span, UnknownCause::Code("tmux".to_owned()));
        }
        self.given_texts(&texts, "tmux", setting);
        let Some(at) = words.iter().position(ends) else {
            return;
        };
        let program = draft.words.first().cloned();
        let rest = words.get(at + 1..).unwrap_or_default().iter().cloned();
        let next: Vec<Word> = program.into_iter().chain(rest).collect();
        if next.len() > 1 {
            self.run(draft.inner(next), &inner);
        }
    }

    /// Follows a program that gives the words after `--` or `==` to a shell.
    pub(super) fn given_to_shell(&mut self, name: &str, draft: &Draft, setting: &Setting) {
        let is_end = |word: &Word| matches!(word.literal().as_deref(), Some("--" | "=="));
        let mut rest = draft.words.iter().skip_while(|word| !is_end(word));
        if rest.next().is_none() {
            return;
        }
        let shell = Word {
            span: draft.span,
            parts: vec![WordPart::Literal("bash".to_owned())],
            ..Word::default()
        };
        let words = std::iter::once(shell).chain(rest.cloned()).collect();
        let inner = setting.within(Wrapper::Program(name.to_owned()));
        self.run(draft.inner(words), &inner);
    }

    /// Follows what `expect` is told to start.
    fn expected(&mut self, draft: &Draft, setting: &Setting) {
        let inner = setting
            .within(Wrapper::Program("expect".to_owned()))
            .apart(Wrapper::Text);
        let texts = draft.words.iter().filter_map(Word::literal);
        let started: Vec<String> = texts
            .flat_map(|text| {
                let lines = text.split([';', '\n']);
                let starts = lines.filter_map(|line| line.trim().strip_prefix("spawn "));
                starts.map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        for line in started.iter().filter(|_| !inner.is_too_deep()) {
            let mark = self.around.mark();
            self.around.enter_process();
            self.text(line, Origin::Whole(draft.span), &inner);
            self.around.restore(mark);
        }
    }

    /// Lists the command interpreter of Windows, and the command after `/c` or `/k`.
    ///
    /// Its language is another one, so that it stays unknown what else that would run.
    pub(super) fn command_interpreter(&mut self, name: &str, draft: Draft, setting: &Setting) {
        self.list(draft.clone(), setting);
        let words = draft.words.get(1..).unwrap_or_default();
        let runs = |word: &Word| {
            let text = first_text(word).to_ascii_lowercase();
            matches!(text.as_str(), "/c" | "//c" | "/k" | "//k")
        };
        let Some(index) = words.iter().position(runs) else {
            return;
        };
        self.note(draft.span, UnknownCause::Code(name.to_owned()));
        let rest = words.get(index + 1..).unwrap_or_default();
        let inner = setting.within(Wrapper::Program(name.to_owned())).branch();
        let line = joined(rest, draft.span);
        let Some(text) = line.literal() else {
            return;
        };
        for part in text.split(['&', '|']) {
            let words: Vec<Word> = part
                .split_whitespace()
                .map(|word| Word {
                    span: draft.span,
                    parts: vec![WordPart::Literal(word.trim_matches('"').to_owned())],
                    ..Word::default()
                })
                .collect();
            if !words.is_empty() {
                let run = Draft {
                    span: draft.span,
                    words,
                    ..Draft::default()
                };
                self.list(run, &inner);
            }
        }
    }

    /// Lists PowerShell, and what the text that it is given would run.
    pub(super) fn powershell(&mut self, name: &str, draft: Draft, setting: &Setting) {
        let words = draft.words.get(1..).unwrap_or_default();
        let is_command = |word: &Word| {
            let text = first_text(word).to_ascii_lowercase();
            text.len() > 1 && "-command".starts_with(&text)
        };
        let is_encoded = |word: &Word| {
            let text = first_text(word).to_ascii_lowercase();
            text.len() > 1 && "-encodedcommand".starts_with(&text)
                || text == "-ec"
                || text == "-enc"
        };
        let encoded = words.iter().position(is_encoded);
        let encoded = encoded.and_then(|index| words.get(index + 1)?.literal());
        let decoded = encoded.and_then(|text| decode::wide_base64(&text));
        let text = match words.iter().position(is_command) {
            Some(index) => {
                let rest = words.get(index + 1..).unwrap_or_default();
                Some(joined(rest, draft.span))
            }
            None => decoded.map(|text| Word {
                span: draft.span,
                parts: vec![WordPart::Literal(text)],
                ..Word::default()
            }),
        };
        self.note(draft.span, UnknownCause::Code(name.to_owned()));
        let span = draft.span;
        self.list(draft, setting);
        let Some(text) = text.and_then(|text| text.literal()) else {
            return;
        };
        let inner = setting
            .within(Wrapper::Program(name.to_owned()))
            .apart(Wrapper::Text);
        for mut command in plan_powershell(&text).commands {
            command.span = span;
            command.through.clone_from(&inner.through);
            command.directory = self.around.places().current.clone();
            command.place = inner.command_place();
            let words = command.program.iter_mut().chain(&mut command.arguments);
            for word in words {
                word.span = span;
            }
            self.push(command);
        }
    }
}
