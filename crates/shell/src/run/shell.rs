//! Follows text that is given to a shell.

use aegis_types::{Directory, RedirectionKind, Span, UnknownCause, Word, WordPart, Wrapper};

use super::{Draft, Lookup, joined};
use crate::option::{self, Spec};
use crate::output::Output;
use crate::syntax::Origin;
use crate::walk::{Setting, Walk};

const SHELL: Spec = Spec {
    short: "oO",
    long: &["rcfile", "init-file"],
    ends_at_operand: true,
};

/// Returns whether the program `name` reads the language of the shell.
pub(super) fn is_shell(name: &str) -> bool {
    matches!(
        name,
        "sh" | "bash" | "zsh" | "dash" | "ksh" | "ash" | "mksh" | "fish" | "rbash"
    )
}

/// A text that is given to a shell.
struct Given<'a> {
    /// The name of the shell.
    name: &'a str,
    text: &'a Word,
    /// What `$0`, `$1` and so on are.
    positional: Vec<Word>,
}

impl Walk<'_> {
    /// Follows a shell that is started as a program.
    pub(super) fn shell(&mut self, name: &str, draft: Draft, setting: &Setting) {
        let arguments = draft.words.get(1..).unwrap_or_default();
        let read = option::read(arguments, &SHELL);
        let inner = setting.within(Wrapper::Program(name.to_owned()));
        let has_command = read.has(&["c"]);
        let reads_input = read.has(&["s"]) || read.operands.is_empty();
        if has_command {
            let Some((text, positional)) = read.operands.split_first() else {
                return self.list(draft, setting);
            };
            let positional: Vec<Word> = positional.iter().map(|word| (*word).clone()).collect();
            let text = (*text).clone();
            let given = Given {
                name,
                text: &text,
                positional,
            };
            return self.shell_text(&given, &draft, setting, &inner);
        }
        if read.operands.first().is_some_and(|word| is_computed(word)) {
            self.note(draft.span, UnknownCause::Code(name.to_owned()));
            return self.list(draft, setting);
        }
        let is_stdin = read.operands.first().and_then(|word| word.literal());
        let is_stdin = matches!(is_stdin.as_deref(), Some("-" | "/dev/stdin"));
        if !reads_input && !is_stdin || read.has(&["version", "help"]) {
            let script = read.operands.first().map(|word| (*word).clone());
            let run: Vec<Word> = read.operands.iter().map(|word| (*word).clone()).collect();
            let given = Draft {
                words: run,
                span: draft.span,
                ..Draft::default()
            };
            self.list(draft, setting);
            let texts = script.map(|script| self.written_texts(&script));
            for text in texts.unwrap_or_default() {
                self.follow_written("sh", &text, &given, name, setting);
            }
            return;
        }
        let own_name = draft.words.first();
        let positional = own_name.into_iter().chain(read.operands.iter().copied());
        let positional: Vec<Word> = positional.cloned().collect();
        match given_text(&draft, setting) {
            Input::Text(text) => {
                let text_setting = inner.within(Wrapper::Text);
                let given = Given {
                    name,
                    text: &text,
                    positional,
                };
                self.shell_text(&given, &draft, setting, &text_setting);
            }
            Input::File => self.list(draft, setting),
            Input::Unknown => {
                self.note(draft.span, UnknownCause::Code(name.to_owned()));
                self.list(draft, setting);
            }
        }
    }

    fn shell_text(&mut self, given: &Given<'_>, draft: &Draft, setting: &Setting, inner: &Setting) {
        let text = given.text;
        if text.is_unknown() {
            // What the text hides may be code: the shell is listed as well.
            self.list(draft.clone(), setting);
        } else {
            self.list_rest(draft, setting);
        }
        let mark = self.around.mark();
        for assignment in &draft.assignments {
            let parts = assignment.value.parts.as_slice().into();
            let value = crate::surroundings::Value::Parts(parts);
            self.around.set(&assignment.name, value);
            self.around.export(&assignment.name);
        }
        if let Some(directory) = &draft.directory {
            let mut places = self.around.places().clone();
            places.current = directory.clone();
            self.around.set_places(places);
        }
        self.around.enter_process();
        if let Some((name, rest)) = given.positional.split_first() {
            let parts = name.parts.as_slice().into();
            self.around
                .set("0", crate::surroundings::Value::Parts(parts));
            self.around.set_positional(Some(rest.into()));
        } else {
            self.around.set_positional(Some(Vec::new().into()));
        }
        self.code_text(text, draft.span, given.name, inner);
        self.around.restore(mark);
    }

    /// Walks a word that is shell code, or notes that it cannot be told.
    pub(super) fn code_text(&mut self, word: &Word, whole: Span, name: &str, setting: &Setting) {
        if word.is_unknown() {
            self.note(word.span, UnknownCause::Code(name.to_owned()));
        }
        let Some(text) = self.embedded.text(word) else {
            self.note(whole, UnknownCause::TooComplex);
            return;
        };
        if setting.is_too_deep() {
            self.stop(whole);
            return;
        }
        let origin = self.origin_of(word, &text).unwrap_or(Origin::Whole(whole));
        self.text(&text, origin, setting);
    }

    /// Returns where `text` stands in the first text, if it stands there as it is.
    fn origin_of(&self, word: &Word, text: &str) -> Option<Origin> {
        let start = usize::try_from(word.span.start).ok()?;
        let end = usize::try_from(word.span.end).ok()?;
        let source = self.source.get(start..end)?;
        let skipped = usize::from(source.starts_with(['\'', '"']));
        let stands_there =
            source.get(skipped..)?.starts_with(text) && source.len() <= text.len() + 2 * skipped;
        stands_there.then(|| Origin::Offset(0).from(start + skipped))
    }

    /// Follows programs that are given text for a shell, or words that make such text.
    pub(super) fn text_program(&mut self, name: &str, draft: Draft, setting: &Setting) {
        let arguments = draft.words.get(1..).unwrap_or_default();
        let spec = text_spec(name);
        let read = option::read(arguments, &spec);
        let option = read.values(&["c", "command", "session-command"]).next();
        let text = match (option, name) {
            (Some(text), _) => Some(text.clone()),
            (None, "watch" | "parallel") if !read.operands.is_empty() => {
                let words: Vec<Word> = read.operands.iter().map(|word| (*word).clone()).collect();
                let end = words
                    .iter()
                    .position(|word| word.literal().is_some_and(|text| text.starts_with(":::")));
                Some(joined(
                    words.get(..end.unwrap_or(words.len())).unwrap_or_default(),
                    draft.span,
                ))
            }
            (None, _) => None,
        };
        self.list(draft.clone(), setting);
        if let Some(text) = text {
            let inner = setting.within(Wrapper::Program(name.to_owned()));
            let mark = self.around.mark();
            self.around.enter_process();
            if takes_login(name, &read) {
                self.around.move_to_unknown();
            }
            self.code_text(&text, draft.span, name, &inner);
            self.around.restore(mark);
        }
    }
}

/// Returns whether the command runs in the home directory of another user.
fn takes_login(name: &str, read: &option::Arguments<'_>) -> bool {
    let is_dash = |word: &&Word| word.literal().as_deref() == Some("-");
    matches!(name, "su" | "runuser")
        && (read.has(&["l", "login"]) || read.operands.iter().any(is_dash))
}

fn text_spec(name: &str) -> Spec {
    match name {
        "su" | "runuser" => Spec {
            short: "cgGsuw",
            long: &[
                "command",
                "group",
                "supp-group",
                "shell",
                "user",
                "session-command",
            ],
            ends_at_operand: false,
        },
        "script" => Spec {
            short: "cEImOBTo",
            long: &["command", "log-in", "log-out", "log-io", "log-timing"],
            ends_at_operand: false,
        },
        "watch" => Spec {
            short: "nq",
            long: &["interval"],
            ends_at_operand: true,
        },
        _ => Spec {
            short: "jaINLdS",
            long: &[
                "jobs", "arg-file", "delay", "joblog", "results", "sshlogin", "colsep",
            ],
            ends_at_operand: true,
        },
    }
}

/// What a program reads from its standard input.
pub(super) enum Input {
    /// This text.
    Text(Word),
    /// A file that is named.
    File,
    /// It cannot be told.
    Unknown,
}

/// Returns what `draft` reads from its standard input.
pub(super) fn given_text(draft: &Draft, setting: &Setting) -> Input {
    for redirection in draft.redirections.iter().rev() {
        match redirection.kind {
            RedirectionKind::Text => return Input::Text(redirection.target.clone()),
            RedirectionKind::Read | RedirectionKind::ReadWrite => {
                return if is_computed(&redirection.target) {
                    Input::Unknown
                } else {
                    Input::File
                };
            }
            RedirectionKind::Write | RedirectionKind::Append | RedirectionKind::Descriptor => {}
        }
    }
    match &setting.input {
        Some(Output::Text(text)) => Input::Text(Word {
            span: draft.span,
            parts: vec![WordPart::Literal(text.clone())],
        }),
        Some(Output::Paths(_) | Output::Unknown) | None => Input::Unknown,
    }
}

/// Returns whether a word names what another command writes.
fn is_computed(word: &Word) -> bool {
    word.parts.iter().any(|part| match part {
        WordPart::Unknown(cause) => *cause == UnknownCause::Output,
        WordPart::Literal(_) | WordPart::Pattern(_) | WordPart::Home(_) => false,
    })
}

impl Draft {
    /// Returns the draft of what this one runs, with the words `words`.
    pub(super) fn inner(&self, words: Vec<Word>) -> Self {
        Self {
            words,
            lookup: Lookup::Programs,
            ..self.clone()
        }
    }

    /// Returns the directory in which it runs, `current` unless it has its own.
    pub(super) fn directory_from(&self, current: &Directory) -> Directory {
        self.directory.clone().unwrap_or_else(|| current.clone())
    }
}
