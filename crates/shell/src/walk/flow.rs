//! Follows what commands write: to a pipe, to a file, into a word.

use aegis_types::{Command, Directory, Redirection, RedirectionKind, Span, Word, WordPart};

use super::{Setting, Walk};
use crate::file::{Content, Writing};
use crate::hint::shown;
use crate::locate::beneath;
use crate::option::{self, Spec, first_text};
use crate::output::{Output, Sink, copied_by, output_of};
use crate::program::program_name;
use crate::run::path_from;

const SPLIT: Spec = Spec {
    short: "abClnt",
    long: &[
        "suffix-length",
        "additional-suffix",
        "bytes",
        "line-bytes",
        "filter",
        "lines",
        "number",
        "separator",
    ],
    ends_at_operand: false,
};

const CSPLIT: Spec = Spec {
    short: "bfn",
    long: &["suffix-format", "prefix", "digits"],
    ends_at_operand: false,
};

impl Walk<'_> {
    /// Walks something, and returns what it writes instead of collecting that.
    pub(crate) fn captured(&mut self, walk: impl FnOnce(&mut Self)) -> Output {
        let outer = std::mem::take(&mut self.collected);
        walk(self);
        std::mem::replace(&mut self.collected, outer).into_output()
    }

    /// Walks what runs in a shell of its own, whose state ends with it.
    pub(crate) fn own_shell(&mut self, walk: impl FnOnce(&mut Self)) {
        let mark = self.around.mark();
        let traps = std::mem::take(&mut self.traps);
        let returns = self.returns.take();
        walk(self);
        self.late_traps();
        (self.traps, self.returns) = (traps, returns);
        self.around.restore(mark);
    }

    /// Walks something whose standard output goes to `sink`.
    pub(crate) fn redirected(
        &mut self,
        sink: &Sink,
        setting: &Setting,
        walk: impl FnOnce(&mut Self),
    ) {
        match sink {
            Sink::Usual => walk(self),
            Sink::File { .. } | Sink::Elsewhere => {
                let directory = self.around.places().current.clone();
                let output = self.captured(walk);
                self.deposit(sink, output, &directory, setting);
            }
        }
    }

    /// Follows what a command that is listed writes.
    pub(crate) fn follow_output(&mut self, command: &Command, sink: &Sink, setting: &Setting) {
        let output = self.written(command, setting.input.as_ref());
        let makes_files = ["mkfifo", "mknod", "split", "csplit"];
        let makes = |name: std::borrow::Cow<'_, str>| makes_files.contains(&&*name);
        if !self.around.files().is_empty() || program_name(command).is_some_and(makes) {
            self.follow_change(command);
        }
        let (targets, copy) = copied_by(command, setting.input.as_ref());
        for (target, appends) in targets {
            let sink = Sink::File { target, appends };
            self.deposit(&sink, copy.clone(), &command.directory, setting);
        }
        let is_unknown = output == Output::Unknown;
        self.deposit(sink, output, &command.directory, setting);
        if let Sink::File { target, .. } = sink
            && is_unknown
        {
            self.keep_shown(command, target, setting);
        }
    }

    /// Keeps what is shown of a document with unknown parts that `cat` puts into a file.
    fn keep_shown(&mut self, command: &Command, target: &Word, setting: &Setting) {
        let mut inputs = command.redirections.iter().rev();
        let document = inputs.find(|it| it.is_input() && it.kind == RedirectionKind::Text);
        let is_cat = program_name(command).as_deref() == Some("cat");
        if let Some(document) = document.filter(|_| is_cat && command.arguments.is_empty()) {
            let sink = Sink::File {
                target: target.clone(),
                appends: false,
            };
            let text = Output::Text(shown(&document.target).into_owned());
            self.deposit(&sink, text, &command.directory, setting);
            if let Some(path) = path_from(&command.directory, target) {
                self.around.change_file(&path);
            }
        }
    }

    fn deposit(&mut self, sink: &Sink, output: Output, directory: &Directory, setting: &Setting) {
        match sink {
            Sink::Elsewhere => {}
            Sink::Usual if !setting.is_open_here() || output.is_nothing() => {
                self.collected.add(output)
            }
            Sink::Usual => self.collected.add(Output::Unknown),
            Sink::File { target, appends } => {
                let Some(path) = path_from(directory, target) else {
                    return;
                };
                let text = match &output {
                    Output::Text(text) => Some(text.as_str()),
                    Output::Paths(_) | Output::Unknown => None,
                };
                let writing = Writing {
                    appends: *appends,
                    is_sure: !setting.is_open(),
                };
                self.around.write_file(&path, text, writing);
            }
        }
    }

    fn written(&self, command: &Command, input: Option<&Output>) -> Output {
        let is_read = |it: &&Redirection| it.is_input() && it.kind == RedirectionKind::Read;
        let redirected = command.redirections.iter().rfind(is_read);
        let from_file = redirected.map(|redirection| {
            let content = self.content(&command.directory, &redirection.target);
            let text = content.and_then(Content::only);
            text.map_or(Output::Unknown, |text| Output::Text(text.to_owned()))
        });
        if command.program.is_none() {
            // `$(< file)` is the content of the file.
            return from_file.unwrap_or_else(|| Output::Text(String::new()));
        }
        let is_cat = program_name(command).as_deref() == Some("cat");
        let names = command.arguments.as_slice();
        if is_cat && !self.around.files().is_empty() && !names.is_empty() {
            let texts = names.iter().map(|name| {
                let content = self.content(&command.directory, name)?;
                content.only().map(str::to_owned)
            });
            if let Some(texts) = texts.collect::<Option<Vec<_>>>() {
                return Output::Text(texts.concat());
            }
        }
        output_of(command, from_file.as_ref().or(input))
    }

    /// Returns what a file may hold, if the text writes it.
    pub(crate) fn content(&self, directory: &Directory, word: &Word) -> Option<&Content> {
        if self.around.files().is_empty() {
            return None;
        }
        self.around.files().get(&path_from(directory, word)?)
    }

    /// Returns the texts that the file may hold which `word` names.
    pub(crate) fn written_texts(&self, word: &Word) -> Vec<Word> {
        let directory = &self.around.places().current;
        let content = self.content(directory, word);
        let texts = content.map(|content| content.texts.as_slice());
        let as_word = |text: &std::rc::Rc<str>| Word {
            span: word.span,
            parts: vec![WordPart::Literal(text.to_string())],
            ..Word::default()
        };
        texts.unwrap_or_default().iter().map(as_word).collect()
    }

    /// Makes open what files hold that a program is given by name.
    ///
    /// A program may change files that it is not given; no more is claimed than
    /// that the text does not show it.
    fn follow_change(&mut self, command: &Command) {
        let name = program_name(command);
        let paths = command
            .arguments
            .iter()
            .filter_map(|word| path_from(&command.directory, word));
        match name.as_deref() {
            Some(
                "cat" | "tee" | "chmod" | "chown" | "ls" | "test" | "[" | "echo" | "printf" | "sh"
                | "bash" | "zsh" | "dash" | "ksh" | "." | "source" | "touch" | "cd" | "grep"
                | "head" | "wc" | "export",
            ) => {}
            Some("cp" | "mv" | "ln") => {
                let words = command.arguments.iter();
                let (options, operands): (Vec<&Word>, Vec<&Word>) =
                    words.partition(|word| first_text(word).starts_with('-'));
                if let [from, to] = operands.as_slice() {
                    let links = name.as_deref() == Some("ln") && options.iter().any(is_symbolic);
                    let target = links.then(|| linked(from, to));
                    let from = path_from(&command.directory, target.as_ref().unwrap_or(from));
                    if let Some((from, to)) = from.zip(path_from(&command.directory, to)) {
                        self.around.change_file(&to);
                        self.around.copy_file(&from, &to);
                    }
                }
            }
            // What stands in a pipe, another command writes while this one reads.
            Some("mkfifo" | "mknod") => {
                let writing = Writing {
                    appends: false,
                    is_sure: true,
                };
                for path in paths.collect::<Vec<_>>() {
                    self.around.write_file(&path, None, writing);
                }
            }
            Some(name @ ("split" | "csplit")) => {
                let begin = path_from(&command.directory, &parts_begin(name, command));
                self.around.write_files(begin.unwrap_or_default());
            }
            _ => {
                for path in paths.collect::<Vec<_>>() {
                    self.around.change_file(&path);
                }
            }
        }
    }

    /// Remembers what a process substitution at `span` writes.
    pub(crate) fn add_stream(&mut self, span: Span, output: Output) {
        let is_known = self.streams.iter().any(|(known, _)| *known == span);
        self.streams.retain(|(known, _)| *known != span);
        // Two at one place cannot be told apart.
        let output = if is_known { Output::Unknown } else { output };
        self.streams.push((span, output));
    }

    /// Returns the text that the process substitution `word` writes.
    pub(crate) fn stream(&self, word: &Word) -> Option<String> {
        match self.stream_output(word)? {
            Output::Text(text) => Some(text.clone()),
            Output::Paths(_) | Output::Unknown => None,
        }
    }

    fn stream_output(&self, word: &Word) -> Option<&Output> {
        if word.parts.len() != 1 {
            return None;
        }
        let mut streams = self.streams.iter();
        let (_, output) = streams.find(|(span, _)| *span == word.span)?;
        Some(output)
    }

    /// Returns what a process substitution writes that something reads from.
    fn output_in(&self, file: &Word) -> Output {
        let output = self.stream_output(file).cloned();
        output.unwrap_or(Output::Unknown)
    }

    /// Returns the setting of what reads the text among `redirections`.
    pub(crate) fn reading_from(&self, redirections: &[Redirection], setting: &Setting) -> Setting {
        let last = redirections.iter().rfind(|it| it.is_input());
        let input = last.map(|it| match it.kind {
            RedirectionKind::Text => match it.target.literal() {
                Some(text) => Output::Text(text),
                None => Output::Unknown,
            },
            RedirectionKind::Read if is_nothing(&it.target) => Output::Text(String::new()),
            RedirectionKind::Read => self.output_in(&it.target),
            RedirectionKind::ReadWrite
            | RedirectionKind::Write
            | RedirectionKind::Append
            | RedirectionKind::Descriptor => Output::Unknown,
        });
        match input {
            Some(input) => setting.clone().reading(Some(input)),
            None => setting.clone(),
        }
    }
}

/// Returns whether an option of `ln` says that the link holds a path.
fn is_symbolic(option: &&Word) -> bool {
    let text = first_text(option);
    text == "--symbolic" || !text.starts_with("--") && text.contains('s')
}

/// Returns where a link leads that holds the path `target`: from the folder in which it lies.
fn linked(target: &Word, link: &Word) -> Word {
    let folder = link
        .literal()
        .and_then(|link| Some(link.rsplit_once('/')?.0.to_owned()));
    match folder {
        Some(folder) => {
            let folder = Word {
                parts: vec![WordPart::Literal(folder)],
                ..link.clone()
            };
            beneath(&folder, target)
        }
        None => target.clone(),
    }
}

/// Returns what the names of the files begin with that `split` or `csplit` writes.
fn parts_begin(name: &str, command: &Command) -> Word {
    let (spec, usual) = if name == "split" {
        (SPLIT, "x")
    } else {
        (CSPLIT, "xx")
    };
    let read = option::read(&command.arguments, &spec);
    let named = match name {
        "split" => read.operands.get(1).copied(),
        _ => read.values(&["f", "prefix"]).last(),
    };
    named.cloned().unwrap_or_else(|| Word {
        span: command.span,
        parts: vec![WordPart::Literal(usual.to_owned())],
        ..Word::default()
    })
}

/// Returns whether a file is that which is always empty.
pub(crate) fn is_nothing(file: &Word) -> bool {
    file.literal().as_deref() == Some("/dev/null")
}
