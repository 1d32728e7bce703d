//! Follows text that is given to a shell.

use std::rc::Rc;

use aegis_types::{Redirection, RedirectionKind, Span, UnknownCause, Word, WordPart, Wrapper};

use super::tool::word_of;
use super::{Draft, joined, path_from};
use crate::file::Content;
use crate::input;
use crate::option::{self, Spec};
use crate::option_text::GivenText;
use crate::output::{Output, Sink};
use crate::program::{is_shell, shell_spec};
use crate::surroundings::Value;
use crate::syntax::Origin;
use crate::walk::{Setting, Walk, is_nothing};

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
        let read = option::read_signed(arguments, shell_spec(name), &['-', '+']);
        let inner = setting.within(Wrapper::Program(name.to_owned()));
        let has_command = read.has(&["c"]);
        self.begin_shell(name, &draft, &inner);
        let begun = read.values(&["C", "init-command", "command"]).cloned();
        self.given_texts(
            &begun.map(GivenText::from).collect::<Vec<_>>(),
            name,
            setting,
        );
        if read.has(&["command"]) {
            return self.list_rest(&draft, setting);
        }
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
            let inner = self.reading_from(&draft.redirections, &inner);
            return self.shell_text(&given, &draft, setting, &inner);
        }
        if read.operands.first().is_some_and(|word| is_computed(word)) {
            let file = read.operands.first().copied().cloned();
            let Some(text) = file.as_ref().and_then(|file| self.stream(file)) else {
                self.note(draft.span, UnknownCause::Code(name.to_owned()));
                return self.list(draft, setting);
            };
            let text = word_of(draft.span, &text);
            let given = Given {
                name,
                text: &text,
                positional: read.operands.iter().copied().cloned().collect(),
            };
            let inner = inner.within(Wrapper::Text);
            let inner = self.reading_from(&draft.redirections, &inner);
            return self.shell_text(&given, &draft, setting, &inner);
        }
        let first = read.operands.first();
        let is_stdin = first.is_some_and(|word| input::is_input(word));
        if first.is_some_and(|word| !is_stdin && input::is_open(word)) {
            self.note(draft.span, UnknownCause::Code(name.to_owned()));
            return self.list(draft, setting);
        }
        if !reads_input && !is_stdin || read.has(&["version", "help"]) {
            let file: Vec<Word> = read.operands.iter().copied().cloned().collect();
            return self.shell_file(name, &file, draft, setting);
        }
        let own_name = draft.words.first();
        let operands = read.operands.iter().copied();
        let operands = operands.skip_while(|word| input::is_input(word));
        let positional = own_name.into_iter().chain(operands);
        let positional: Vec<Word> = positional.cloned().collect();
        self.shell_input(name, positional, draft, (setting, &inner));
    }

    /// Follows what a shell runs before anything else, as a variable says.
    fn begin_shell(&mut self, name: &str, draft: &Draft, inner: &Setting) {
        if self.around.exported("BASH_ENV").is_none()
            && !draft.assignments.iter().any(|it| it.name == "BASH_ENV")
        {
            return;
        }
        let start = Given {
            name,
            text: &Word::default(),
            positional: Vec::new(),
        };
        self.in_shell(&start, draft, |walk| walk.start_up(name, draft, inner));
    }

    /// Follows a shell that reads its input.
    fn shell_input(
        &mut self,
        name: &str,
        positional: Vec<Word>,
        draft: Draft,
        (setting, inner): (&Setting, &Setting),
    ) {
        if let Some(content) = self.input_content(&draft).cloned() {
            // It is the file that is run: that stays to be seen.
            return self.script_file(name, Some(content), positional, draft, setting);
        }
        match self.given_text(&draft, setting) {
            Input::Text(text) => {
                let is_own = draft.redirections.iter().any(Redirection::is_input);
                if !is_own && setting.is_input_begun() {
                    // Where its part of the text begins is open.
                    self.note(draft.span, UnknownCause::Code(name.to_owned()));
                }
                // What it starts reads what is left of the text, which is listed as it is.
                let text_setting = inner.within(Wrapper::Text);
                let text_setting = text_setting.reading(Some(Output::Unknown));
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
        let is_empty = text.literal().is_some_and(|text| text.trim().is_empty());
        if text.is_unknown() || is_empty {
            // What the text hides may be code, or there is none: the shell is listed.
            self.list(draft.clone(), setting);
        } else {
            self.list_rest(draft, setting);
        }
        self.redirected(&draft.sink, setting, |walk| {
            walk.in_shell(given, draft, |walk| {
                walk.code_text(text, draft.span, given.name, inner);
            });
        });
    }

    /// Follows a script that a shell runs, if the text writes it.
    fn shell_file(&mut self, name: &str, file: &[Word], draft: Draft, setting: &Setting) {
        let directory = draft.directory_from(&self.around.places().current);
        let content = file.first().and_then(|word| self.content(&directory, word));
        let content = content.cloned();
        let positional = file.to_vec();
        self.script_file(name, content, positional, draft, setting);
    }

    /// Follows a program that is a script which the text writes; returns
    /// whether it is one.
    pub(super) fn own_script(&mut self, draft: &Draft, setting: &Setting) -> bool {
        let directory = draft.directory_from(&self.around.places().current);
        let content = draft
            .words
            .first()
            .and_then(|word| self.content(&directory, word));
        let Some(content) = content.cloned() else {
            return false;
        };
        let line = content.texts.first().map_or("", |text| text);
        let (finder, interpreter) = interpreter(line);
        let found = finder.map(|name| setting.within(Wrapper::Program(name.to_owned())));
        let setting = found.as_ref().unwrap_or(setting);
        if !is_shell(interpreter) {
            let name = interpreter.to_owned();
            self.list(draft.clone(), setting);
            let inner = setting.within(Wrapper::Program(name.clone()));
            for text in &content.texts {
                let text = word_of(draft.span, text);
                self.code_of_file(&name, &text, draft, &inner.apart(Wrapper::Text));
            }
            return true;
        }
        let name = interpreter.to_owned();
        self.script_file(
            &name,
            Some(content),
            draft.words.clone(),
            draft.clone(),
            setting,
        );
        true
    }

    fn script_file(
        &mut self,
        name: &str,
        content: Option<Content>,
        positional: Vec<Word>,
        draft: Draft,
        setting: &Setting,
    ) {
        let Some(content) = content else {
            return self.list(draft, setting);
        };
        let sink = draft.sink.clone();
        let listed = Draft {
            sink: Sink::Usual,
            ..draft.clone()
        };
        self.captured(|walk| walk.list(listed, setting));
        if content.is_open {
            self.note(draft.span, UnknownCause::Code(name.to_owned()));
        }
        let mut inner = setting.within(Wrapper::Program(name.to_owned()));
        inner = inner.within(Wrapper::Text);
        if content.is_open || content.texts.len() > 1 {
            inner = inner.branch();
        }
        let inner = self.reading_from(&draft.redirections, &inner);
        self.redirected(&sink, &inner, |walk| {
            for text in &content.texts {
                let text = word_of(draft.span, text);
                let given = Given {
                    name,
                    text: &text,
                    positional: positional.clone(),
                };
                walk.in_shell(&given, &draft, |walk| {
                    walk.code_text(&text, draft.span, name, &inner);
                });
            }
        });
    }

    /// Follows the file that a shell reads when it starts.
    fn start_up(&mut self, name: &str, draft: &Draft, setting: &Setting) {
        let mut assigned = draft.assignments.iter().rev();
        let assigned = assigned.find(|it| it.name == "BASH_ENV");
        let text = assigned.and_then(|it| {
            if !input::is_input(&it.value) {
                return self
                    .stream(&it.value)
                    .map(|text| word_of(draft.span, &text));
            }
            match self.given_text(draft, setting) {
                Input::Text(text) => Some(text),
                Input::File | Input::Unknown => None,
            }
        });
        if let Some(text) = text {
            return self.code_text(&text, draft.span, name, &setting.within(Wrapper::Text));
        }
        let Some(value) = self.around.exported("BASH_ENV").filter(|_| name == "bash") else {
            return;
        };
        let content = match value {
            Value::Parts(parts) => {
                let word = Word {
                    span: draft.span,
                    parts: parts.to_vec(),
                    ..Word::default()
                };
                if word.parts.is_empty() {
                    return;
                }
                let directory = self.around.places().current.clone();
                if word.is_open() && path_from(&directory, &word).is_none() {
                    self.note(draft.span, UnknownCause::Code("BASH_ENV".to_owned()));
                }
                self.content(&directory, &word).cloned()
            }
            Value::Unset => return,
            Value::Elements(_) | Value::Either(_) | Value::Unknown => {
                return self.note(draft.span, UnknownCause::Code("BASH_ENV".to_owned()));
            }
        };
        // A file that the text does not write is a program like any other.
        let Some(content) = content else { return };
        if content.is_open {
            self.note(draft.span, UnknownCause::Code("BASH_ENV".to_owned()));
        }
        let setting = if content.only().is_some() {
            setting.within(Wrapper::Text)
        } else {
            setting.branch()
        };
        for text in &content.texts {
            let text = word_of(draft.span, text);
            self.code_text(&text, draft.span, "BASH_ENV", &setting);
        }
    }

    /// Walks something as the shell does that `draft` starts.
    fn in_shell(&mut self, given: &Given<'_>, draft: &Draft, walk: impl FnOnce(&mut Self)) {
        let mark = self.around.mark();
        if draft.is_cleared {
            self.around.clear_environment();
        }
        for assignment in &draft.assignments {
            let parts = assignment.value.parts.as_slice().into();
            let value = Value::Parts(parts);
            self.around.set(&assignment.name, value);
            self.around.export(&assignment.name);
        }
        if let Some(directory) = &draft.directory {
            let mut places = self.around.places().clone();
            places.current = Rc::new(directory.clone());
            self.around.set_places(places);
        }
        self.around.enter_process();
        if let Some((name, rest)) = given.positional.split_first() {
            let parts = name.parts.as_slice().into();
            self.around.set("0", Value::Parts(parts));
            self.around.set_positional(Some(rest.into()));
        } else {
            self.around.set_positional(Some(Vec::new().into()));
        }
        self.own_shell(walk);
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
            (None, "watch") if !read.operands.is_empty() => {
                let words: Vec<Word> = read.operands.iter().map(|word| (*word).clone()).collect();
                Some(joined(&words, draft.span))
            }
            (None, "parallel") => {
                let words: Vec<Word> = read.operands.iter().map(|word| (*word).clone()).collect();
                return self.parallel(&words, draft, setting);
            }
            (None, "runuser") if read.has(&["u", "user"]) && !read.operands.is_empty() => {
                let spec = Spec {
                    ends_at_operand: true,
                    ..spec
                };
                let read = option::read(arguments, &spec);
                let words = read.operands.iter().map(|word| (*word).clone()).collect();
                let inner = setting.within(Wrapper::Program(name.to_owned()));
                self.list(draft.clone(), setting);
                return self.run(draft.inner(words), &inner);
            }
            // Some take a command after the file.
            (None, "script") if read.operands.len() > 1 => {
                let first = read.operands.first().copied();
                let at = arguments.iter().position(|word| Some(word) == first);
                let rest = arguments.get(at.map_or(0, |at| at + 1)..);
                let words = rest.unwrap_or_default().to_vec();
                let inner = setting.within(Wrapper::Program(name.to_owned()));
                self.list(draft.clone(), setting);
                return self.run(draft.inner(words), &inner);
            }
            // What follows the user is given to the shell.
            (None, "su" | "runuser") => read
                .operands
                .iter()
                .skip_while(|word| word.literal().as_deref() != Some("-c"))
                .nth(1)
                .map(|word| (*word).clone()),
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
            short: "nqs",
            long: &["interval", "equexit", "shotsdir"],
            ends_at_operand: true,
        },
        _ => Spec {
            short: "jaINLdSnPsCE",
            long: &[
                "jobs",
                "max-procs",
                "arg-file",
                "delay",
                "joblog",
                "results",
                "sshlogin",
                "sshloginfile",
                "colsep",
                "delimiter",
                "max-args",
                "max-replace-args",
                "max-lines",
                "max-chars",
                "arg-sep",
                "arg-file-sep",
                "basefile",
                "block",
                "env",
                "halt",
                "load",
                "memfree",
                "nice",
                "profile",
                "recstart",
                "recend",
                "retries",
                "return",
                "tagstring",
                "timeout",
                "tmpdir",
                "transferfile",
                "trc",
                "workdir",
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

impl Walk<'_> {
    /// Returns what `draft` reads from its standard input.
    pub(super) fn given_text(&self, draft: &Draft, setting: &Setting) -> Input {
        if let Some(redirection) = draft.redirections.iter().rfind(|it| it.is_input()) {
            return match redirection.kind {
                RedirectionKind::Text => Input::Text(redirection.target.clone()),
                RedirectionKind::Read | RedirectionKind::ReadWrite => {
                    self.given_file(&redirection.target, draft)
                }
                RedirectionKind::Write | RedirectionKind::Append | RedirectionKind::Descriptor => {
                    Input::Unknown
                }
            };
        }
        if self.has_other_input {
            return Input::Unknown;
        }
        match &setting.input {
            Some(Output::Text(text)) if !text.contains('\0') => {
                Input::Text(word_of(draft.span, text))
            }
            Some(Output::Text(_) | Output::Paths(_) | Output::Unknown) | None => Input::Unknown,
        }
    }

    /// Returns what the file holds that `draft` reads from, if the text writes it.
    fn input_content(&self, draft: &Draft) -> Option<&Content> {
        let redirection = draft.redirections.iter().rfind(|it| it.is_input())?;
        let directory = draft.directory_from(&self.around.places().current);
        match redirection.kind {
            RedirectionKind::Read => self.content(&directory, &redirection.target),
            RedirectionKind::Write
            | RedirectionKind::Append
            | RedirectionKind::ReadWrite
            | RedirectionKind::Text
            | RedirectionKind::Descriptor => None,
        }
    }

    fn given_file(&self, file: &Word, draft: &Draft) -> Input {
        let text = if is_nothing(file) {
            Some(String::new())
        } else if is_computed(file) {
            self.stream(file)
        } else {
            let directory = draft.directory_from(&self.around.places().current);
            match self.content(&directory, file) {
                Some(content) => content.only().map(str::to_owned),
                None => return Input::File,
            }
        };
        text.map_or(Input::Unknown, |text| {
            Input::Text(word_of(draft.span, &text))
        })
    }
}

/// Returns the name of the program that runs a script, and of that which finds it.
///
/// It stands after `#!`; a script without that is run by a shell.
fn interpreter(text: &str) -> (Option<&str>, &str) {
    let Some(line) = text.strip_prefix("#!") else {
        return (None, "sh");
    };
    let mut words = line.lines().next().unwrap_or_default().split_whitespace();
    let path = words.next().unwrap_or("sh");
    let name = path.rsplit('/').next().unwrap_or(path);
    if name == "env" {
        let found = words.find(|word| !word.starts_with('-'));
        return (Some(name), found.unwrap_or("sh"));
    }
    (None, name)
}

/// Returns whether a word names what another command writes.
pub(super) fn is_computed(word: &Word) -> bool {
    word.parts.iter().any(|part| match part {
        WordPart::Stream(_) => true,
        WordPart::Unknown(cause) => {
            matches!(cause, UnknownCause::Output | UnknownCause::Settings)
        }
        WordPart::Literal(_) | WordPart::Pattern(_) | WordPart::Home(_) => false,
    })
}
