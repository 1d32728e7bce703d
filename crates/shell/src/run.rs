//! Follows a simple command to the program it runs in the end.

mod builtin;
mod code;
mod directory;
mod function;
mod given;
mod prefix;
mod read;
mod runner;
mod search;
mod shell;
mod tool;
mod ways;

pub(crate) use directory::path_from;

use std::rc::Rc;

use aegis_types::{
    Assignment, Command, Directory, Redirection, Span, UnknownCause, Word, WordPart, Wrapper,
};

use crate::escape::{escapes, reads_escapes};
use crate::evaluate;
use crate::limit::WORDS_MAX;
use crate::option::first_text;
use crate::option_code::option_code;
use crate::option_text::{GivenText, option_texts};
use crate::output::Sink;
use crate::program::{is_shell, name_of};
use crate::quote::in_quotes;
use crate::surroundings::{Saved, Value};
use crate::syntax::{Node, Origin, Piece, RawAssignment, RawWord, is_name, split_assignment};
use crate::variable;
use crate::walk::{Local, Setting, Walk};

/// The longest text of an alias whose end is another one.
const ALIAS_BYTES_MAX: usize = 4 * 1024;

/// A command that may turn out to run another one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    /// Where it stands.
    pub(crate) span: Span,
    /// The program and its arguments.
    pub(crate) words: Vec<Word>,
    /// What it sets.
    pub(crate) assignments: Vec<Assignment>,
    /// Its redirections.
    pub(crate) redirections: Vec<Redirection>,
    /// Whether it sees none of the variables that are set before it.
    pub(crate) is_cleared: bool,
    /// Where its standard output goes.
    pub(crate) sink: Sink,
    /// Its directory, if it is not that of the shell.
    pub(crate) directory: Option<Directory>,
    /// What its name can mean.
    pub(crate) lookup: Lookup,
}

impl Draft {
    /// Returns the draft of what this one runs, with the words `words`.
    fn inner(&self, words: Vec<Word>) -> Self {
        Self {
            words,
            lookup: Lookup::Programs,
            ..self.clone()
        }
    }

    /// Returns the directory in which it runs, `current` unless it has its own.
    fn directory_from(&self, current: &Directory) -> Directory {
        self.directory.clone().unwrap_or_else(|| current.clone())
    }
}

/// What the name of a program can mean.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Lookup {
    /// Anything: a function, an alias, a builtin, a program.
    #[default]
    Shell,
    /// A builtin or a program.
    Builtins,
    /// A program.
    Programs,
}

impl Walk<'_> {
    /// Walks a simple command one way.
    fn simple_once(
        &mut self,
        node: &Node,
        assignments: &[RawAssignment],
        words: &[RawWord],
        setting: &Setting,
    ) {
        let declares = words
            .first()
            .and_then(RawWord::bare)
            .is_some_and(is_declaration);
        let mut draft = Draft {
            span: node.span,
            ..Draft::default()
        };
        let mut values = Vec::new();
        // Each sees those before it; a program's own end before its words are looked at.
        let (mut saved, mut given) = (Vec::new(), Vec::new());
        for assignment in assignments {
            let (name, value) = self.assignment(assignment, setting, &mut draft);
            if !words.is_empty() {
                saved.push(self.around.saved(&name));
                given.push((name.clone(), value.clone()));
            } else if self.around.is_fixed(&name) {
                // The shell drops all that stands with it in one command or list.
                let construct = UnknownCause::Construct("readonly".to_owned());
                self.note(node.span, construct);
            }
            self.around.set(&name, value);
        }
        self.put_back(saved);
        if declares {
            for word in words {
                match split_assignment(word) {
                    Some(assignment) => {
                        values.push(self.assignment(&assignment, setting, &mut draft));
                    }
                    None => draft
                        .words
                        .append(&mut self.words(std::slice::from_ref(word), setting)),
                }
            }
        } else {
            draft.words = self.words(words, setting);
        }
        (draft.redirections, draft.sink) = self.redirections(&node.redirections, setting);
        if declares {
            self.save_locals(&draft, &values, setting);
        }
        if draft.words.is_empty() {
            // Where every word vanished, there is no program with which they would end.
            values.append(&mut given);
        }
        for (name, value) in values {
            self.around.set(&name, value);
        }
        // Nothing is chosen any more once the words are read.
        let choices = self.choices.take();
        if draft.words.is_empty() && !words.is_empty() && draft.redirections.is_empty() {
            // Every word vanished: the program was an empty value.
            self.list(draft, setting);
        } else {
            self.run(draft, setting);
        }
        self.choices = choices;
    }

    /// Remembers what the variables were that a declaration makes local.
    fn save_locals(&mut self, draft: &Draft, values: &[(String, Value)], setting: &Setting) {
        let words: Vec<String> = draft.words.iter().filter_map(Word::literal).collect();
        let is_local = words.first().is_some_and(|name| match name.as_str() {
            "local" => true,
            "declare" | "typeset" => !words
                .iter()
                .any(|word| word.starts_with('-') && word.contains('g')),
            _ => false,
        });
        let is_function = |wrapper: &Wrapper| matches!(wrapper, Wrapper::Function(_));
        if !is_local || !setting.through.iter().any(is_function) {
            return;
        }
        let is_sure = !setting.is_open_here();
        for (name, _) in values {
            let saved = self.around.saved(name);
            self.locals.push(Local { saved, is_sure });
        }
        for name in words.iter().skip(1).filter(|word| is_name(word)) {
            let saved = self.around.saved(name);
            self.locals.push(Local { saved, is_sure });
            self.around.set(name, Value::Unset);
        }
    }

    /// Expands an assignment into `draft`; returns the name and the value it gets.
    fn assignment(
        &mut self,
        raw: &RawAssignment,
        setting: &Setting,
        draft: &mut Draft,
    ) -> (String, Value) {
        let mut subscript = None;
        if let Some(pieces) = &raw.subscript {
            let word = RawWord {
                span: raw.value.span,
                pieces: pieces.clone(),
            };
            subscript = self.single(&word, setting).literal();
        }
        let mut value = Value::Unknown;
        let word = if let [Piece::Array(elements)] = raw.value.pieces.as_slice() {
            let words = self.words(elements, setting);
            let word = joined(&words, raw.value.span);
            // Elements with subscripts of their own are not in order.
            let has_subscript = |word: &RawWord| matches!(word.pieces.first(), Some(Piece::Bare(text)) if text.starts_with('['));
            if !elements.iter().any(has_subscript) {
                value = Value::Elements(words.into());
            }
            word
        } else {
            let word = self.single(&raw.value, setting);
            value = match &raw.subscript {
                Some(_) if raw.appends => value,
                Some(_) => self.with_element(&raw.name, subscript.as_deref(), &word),
                None => Value::Parts(word.parts.as_slice().into()),
            };
            word
        };
        if raw.appends && raw.subscript.is_none() {
            value = match (self.variable(&raw.name), value) {
                (Some(Value::Parts(before)), Value::Parts(after)) => {
                    Value::Parts([before.as_ref(), after.as_ref()].concat().into())
                }
                (Some(Value::Elements(before)), Value::Elements(after)) => {
                    Value::Elements([before.as_ref(), after.as_ref()].concat().into())
                }
                (Some(Value::Unset), value) => value,
                _ => Value::Unknown,
            };
        }
        draft.assignments.push(Assignment {
            name: raw.name.clone(),
            value: word,
        });
        (raw.name.clone(), value)
    }

    /// Returns an array with one more element, or one that is another.
    fn with_element(&mut self, name: &str, subscript: Option<&str>, word: &Word) -> Value {
        let index = subscript.and_then(|text| self.calculate(text));
        let index = index.and_then(|index| usize::try_from(index).ok());
        let known = match self.around.value(name) {
            Some(Value::Elements(words)) => words,
            Some(Value::Unset) => Rc::new([]),
            Some(Value::Parts(_) | Value::Either(_) | Value::Unknown) | None => {
                return Value::Unknown;
            }
        };
        // A word that may be several moves those after it, and gaps are not kept.
        let is_plain = known.iter().all(|word| word.literal().is_some());
        let mut words = known.to_vec();
        match index {
            Some(index) if is_plain && index < words.len() => {
                words.splice(index..=index, [word.clone()]);
            }
            Some(index) if is_plain && index == words.len() => words.push(word.clone()),
            _ => return Value::Unknown,
        }
        Value::Elements(words.into())
    }

    /// Follows a command to what it runs, and lists that.
    pub(crate) fn run(&mut self, draft: Draft, setting: &Setting) {
        // What has more words than a plan may hold is not followed either: each
        // wrapper copies the words of what it runs.
        let is_too_long = draft.words.len() > WORDS_MAX;
        let is_too_deep = is_too_long || setting.is_too_deep();
        if self.has_stopped() || !self.limits.take_step() || is_too_deep {
            self.stop(draft.span);
            return;
        }
        let Some(program) = draft.words.first() else {
            self.list(draft, setting);
            return;
        };
        if program.is_unknown() {
            self.note(program.span, UnknownCause::Program);
        }
        let Some(name) = name_of(program).map(|name| name.into_owned()) else {
            if !program.is_unknown() {
                self.note(program.span, UnknownCause::Program);
            }
            self.list(draft, setting);
            return;
        };
        let is_plain = program.literal().is_some_and(|text| !text.contains('/'));
        let is_aliased =
            is_plain && draft.lookup == Lookup::Shell && self.alias(&name, &draft, setting);
        // Whether aliases are expanded at all is a setting of the shell.
        let branch = is_aliased.then(|| setting.branch());
        let setting = branch.as_ref().unwrap_or(setting);
        if is_plain && draft.lookup == Lookup::Shell && self.call(&name, &draft, setting) {
            return;
        }
        if is_plain && draft.lookup != Lookup::Programs && self.builtin(&name, &draft, setting) {
            return;
        }
        self.program(&name, draft, setting);
    }

    /// Follows a program that may run others.
    fn program(&mut self, name: &str, draft: Draft, setting: &Setting) {
        let is_path = || {
            draft
                .words
                .first()
                .is_some_and(|word| first_text(word).contains('/'))
        };
        if !self.around.files().is_empty() && is_path() && self.own_script(&draft, setting) {
            return;
        }
        if name == "exec" && draft.redirections.iter().any(Redirection::is_input) {
            self.has_other_input = true;
        }
        match name {
            _ if is_shell(name) => self.shell(name, draft, setting),
            "pwsh" | "powershell" | "pwsh.exe" | "powershell.exe" => {
                self.powershell(name, draft, setting);
            }
            "cmd" | "cmd.exe" => self.command_interpreter(name, draft, setting),
            "xargs" => self.xargs(draft, setting),
            "find" => self.find(draft, setting),
            "npx" | "bunx" | "pnpx" | "uvx" | "pipx" | "uv" | "npm" | "pnpm" | "yarn"
            | "poetry" | "pipenv" | "bundle" | "rye" | "hatch" | "mise" | "nix-shell"
            | "direnv" => {
                let mut texts = option_texts(name, &draft.words);
                texts.extend(given::table_texts(name, &draft.words));
                let given = (!self.around.files().is_empty()).then(|| draft.clone());
                self.runner(name, draft, setting);
                self.given_texts(&texts, name, setting);
                if let Some(given) = given {
                    self.found_code(name, &given, setting);
                }
            }
            "su" | "runuser" | "script" | "watch" | "parallel" => {
                self.text_program(name, draft, setting);
            }
            _ => match prefix::of(name) {
                Some(prefix) => self.prefixed(prefix, draft, setting),
                None => {
                    let mut texts = option_texts(name, &draft.words);
                    if reads_escapes(name)
                        && let shell::Input::Text(text) = self.given_text(&draft, setting)
                    {
                        texts.extend(escapes(name, &[text]));
                    }
                    // Text that is followed is not unknown.
                    if texts.is_empty()
                        && let Some(code) = option_code(name, &draft.words)
                    {
                        self.note(code.span, UnknownCause::Code(name.to_owned()));
                    }
                    self.code(name, &draft, setting);
                    let given = draft.clone();
                    self.list(draft, setting);
                    self.given_texts(&texts, name, setting);
                    self.given_command(name, &given, setting);
                    self.given_arguments(name, &given, setting);
                    self.found_code(name, &given, setting);
                    if name == "capsh" {
                        self.given_to_shell(name, &given, setting);
                    }
                }
            },
        }
    }

    /// Sets the variables that stand before the name of a function or builtin;
    /// returns what they were, since that ends with the command.
    fn set_for(&mut self, draft: &Draft) -> Vec<Saved> {
        let mut saved = Vec::new();
        for assignment in &draft.assignments {
            saved.push(self.around.saved(&assignment.name));
            let parts = assignment.value.parts.as_slice().into();
            self.around.set(&assignment.name, Value::Parts(parts));
        }
        saved
    }

    /// Gives variables back what they were.
    fn put_back(&mut self, saved: Vec<Saved>) {
        for variable in saved.into_iter().rev() {
            self.around.put_back(variable);
        }
    }

    /// Walks what a command is if its name is an alias; returns whether it is one.
    fn alias(&mut self, name: &str, draft: &Draft, setting: &Setting) -> bool {
        let texts = self.around.alias(name);
        let wrapper = Wrapper::Function(name.to_owned());
        if texts.is_empty() || setting.through.contains(&wrapper) {
            return !texts.is_empty();
        }
        let setting = self.reading_from(&draft.redirections, &setting.branch().within(wrapper));
        self.list_rest(draft, &setting);
        let start = self.around.mark();
        for text in texts {
            let whole = self.alias_line(&text, draft);
            self.redirected(&draft.sink, &setting, |walk| {
                walk.text(&whole, Origin::Whole(draft.span), &setting);
            });
        }
        self.around.blur(start);
        true
    }

    /// Returns the line that an alias makes of a command.
    fn alias_line(&mut self, text: &str, draft: &Draft) -> String {
        let mut whole = text.to_owned();
        let mut arguments = draft.words.get(1..).unwrap_or_default().iter().peekable();
        // After a blank at the end the next word may be an alias as well.
        while whole.ends_with([' ', '\t'])
            && let Some(next) = arguments.peek().and_then(|word| word.literal())
            && let [.., text] = self.around.alias(&next).as_slice()
        {
            arguments.next();
            whole.push_str(text);
            if whole.len() > ALIAS_BYTES_MAX {
                break;
            }
        }
        for word in arguments {
            let Some(word) = self.embedded.text(word) else {
                self.note(draft.span, UnknownCause::TooComplex);
                break;
            };
            whole.push(' ');
            whole.push_str(&in_quotes(&word));
        }
        whole
    }

    /// Walks the functions that nothing in the text has called.
    pub(crate) fn uncalled_functions(&mut self) {
        for (name, body) in self.around.functions_defined() {
            if !self.called.contains(&name) {
                let setting = Setting::default().perhaps();
                let setting = setting.within(Wrapper::Function(name));
                self.around.set_positional(None);
                self.node(&body, &setting);
            }
        }
    }

    /// Lists what a command sets and redirects when its program is followed elsewhere.
    pub(crate) fn list_rest(&mut self, draft: &Draft, setting: &Setting) {
        if draft.assignments.is_empty() && draft.redirections.is_empty() {
            return;
        }
        let rest = Draft {
            words: Vec::new(),
            ..draft.clone()
        };
        self.list(rest, setting);
    }

    /// Lists a command as it stands.
    pub(crate) fn list(&mut self, draft: Draft, setting: &Setting) {
        let set = variable::set_by(&draft.words, &draft.assignments, &draft.redirections);
        let mut texts = variable::texts(&set);
        if !set.is_empty() {
            texts.extend(variable::texts_named(&draft.words, &set));
        }
        self.list_plainly(draft, setting);
        self.given_texts(&texts, "sh", setting);
    }

    /// Walks texts that a program gives to a shell when it sees fit.
    pub(crate) fn given_texts(&mut self, texts: &[GivenText], name: &str, setting: &Setting) {
        for GivenText { text, is_elsewhere } in texts {
            let mark = self.around.mark();
            self.around.enter_process();
            if *is_elsewhere {
                self.around.move_to_unknown();
            }
            let inner = setting.perhaps().within(Wrapper::Program(name.to_owned()));
            self.captured(|walk| walk.code_text(text, text.span, name, &inner));
            self.around.restore(mark);
        }
    }

    fn list_plainly(&mut self, draft: Draft, setting: &Setting) {
        let directory = draft.directory;
        let mut words = draft.words.into_iter();
        let program = words.next();
        let command = Command {
            span: draft.span,
            program,
            arguments: words.collect(),
            assignments: draft.assignments,
            redirections: draft.redirections,
            through: setting.through.clone(),
            directory: directory.unwrap_or_else(|| Directory::clone(&self.around.places().current)),
            place: setting.command_place(),
        };
        if evaluate::evaluates(&command) {
            let construct = UnknownCause::Construct("a subscript or prompt".to_owned());
            self.note(command.span, construct);
        }
        self.follow_output(&command, &draft.sink, setting);
        self.push(command);
    }
}

/// Returns whether a program runs the command that is given as its arguments.
pub(crate) fn is_prefix(name: &str) -> bool {
    prefix::of(name).is_some()
}

fn is_declaration(name: &str) -> bool {
    matches!(
        name,
        "export" | "declare" | "typeset" | "local" | "readonly"
    )
}

/// Returns words as one, with blanks between them.
pub(crate) fn joined(words: &[Word], span: Span) -> Word {
    let mut whole = Word {
        span,
        parts: Vec::new(),
        ..Word::default()
    };
    for word in words {
        if !whole.parts.is_empty() {
            push_text(&mut whole, " ");
        }
        for part in &word.parts {
            match part {
                WordPart::Literal(text) => push_text(&mut whole, text),
                WordPart::Pattern(_)
                | WordPart::Home(_)
                | WordPart::Stream(_)
                | WordPart::Unknown(_) => {
                    whole.parts.push(part.clone());
                }
            }
        }
    }
    whole
}

/// Adds text to a word.
pub(crate) fn push_text(word: &mut Word, text: &str) {
    if let Some(WordPart::Literal(last)) = word.parts.last_mut() {
        last.push_str(text);
    } else if !text.is_empty() {
        word.parts.push(WordPart::Literal(text.to_owned()));
    }
}
