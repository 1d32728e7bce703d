//! Follows a simple command to the program it runs in the end.

mod builtin;
mod code;
mod directory;
mod given;
mod prefix;
mod search;
mod shell;

use std::rc::Rc;

use aegis_types::{
    Assignment, Command, Directory, Redirection, Span, UnknownCause, Word, WordPart, Wrapper,
};

use crate::limit::WORDS_MAX;
use crate::option_code::option_code;
use crate::option_text::{GivenText, option_texts, variable_texts};
use crate::program::name_of;
use crate::surroundings::Value;
use crate::syntax::{Node, Origin, Piece, RawAssignment, RawWord, split_assignment};
use crate::walk::{Setting, Walk};

/// How many bodies of one function are followed.
const BODIES_MAX: usize = 8;

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
    /// Its directory, if it is not that of the shell.
    pub(crate) directory: Option<Directory>,
    /// What its name can mean.
    pub(crate) lookup: Lookup,
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
    /// Walks a simple command; where a word may be one of two, once more for the other.
    pub(crate) fn simple(
        &mut self,
        node: &Node,
        assignments: &[RawAssignment],
        words: &[RawWord],
        setting: &Setting,
    ) {
        let outer = std::mem::replace(&mut self.has_other_words, false);
        let start = self.plan.commands.len();
        self.simple_once(node, assignments, words, setting);
        if self.has_other_words && !self.takes_other_words {
            let mark = self.around.mark();
            self.takes_other_words = true;
            let end = self.plan.commands.len();
            self.simple_once(node, assignments, words, &setting.branch());
            self.takes_other_words = false;
            self.forget_repeated(start, end);
            self.around.restore(mark);
        }
        self.has_other_words = outer;
    }

    /// Takes commands from the end of the plan that stand between `start` and `end` as well.
    fn forget_repeated(&mut self, start: usize, end: usize) {
        if end >= self.plan.commands.len() {
            return;
        }
        let others = self.plan.commands.split_off(end);
        let before = self.plan.commands.get(start..).unwrap_or_default();
        let is_known = |command: &Command| {
            before.iter().any(|known| {
                known.span == command.span
                    && known.program == command.program
                    && known.arguments == command.arguments
                    && known.redirections == command.redirections
                    && known.directory == command.directory
            })
        };
        let kept: Vec<Command> = others.into_iter().filter(|it| !is_known(it)).collect();
        self.plan.commands.extend(kept);
    }

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
        for assignment in assignments {
            values.push(self.assignment(assignment, setting, &mut draft));
        }
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
        draft.redirections = self.redirections(&node.redirections, setting);
        if draft.words.is_empty() || declares {
            for (name, value) in values {
                self.around.set(&name, value);
            }
        }
        if draft.words.is_empty() && !words.is_empty() && draft.redirections.is_empty() {
            // Every word vanished: the program was an empty value.
            return self.list(draft, setting);
        }
        self.run(draft, setting);
    }

    /// Expands an assignment into `draft`; returns the name and the value it gets.
    fn assignment(
        &mut self,
        raw: &RawAssignment,
        setting: &Setting,
        draft: &mut Draft,
    ) -> (String, Value) {
        if let Some(pieces) = &raw.subscript {
            let subscript = RawWord {
                span: raw.value.span,
                pieces: pieces.clone(),
            };
            self.single(&subscript, setting);
        }
        let mut value = Value::Unknown;
        let word = if let [Piece::Array(elements)] = raw.value.pieces.as_slice() {
            let words = self.words(elements, setting);
            let word = joined(&words, raw.value.span);
            value = Value::Elements(words.into());
            word
        } else {
            let word = self.single(&raw.value, setting);
            value = match raw.subscript {
                Some(_) => value,
                None => Value::Parts(word.parts.as_slice().into()),
            };
            word
        };
        if raw.appends {
            value = match (self.around.value(&raw.name), value) {
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
        if is_plain && draft.lookup == Lookup::Shell && self.call(&name, &draft, setting) {
            return;
        }
        if is_plain && draft.lookup != Lookup::Programs && self.builtin(&name, &draft, setting) {
            return;
        }
        let script = program.clone();
        let given = draft.clone();
        self.program(&name, draft, setting);
        if !is_plain {
            self.written_script(&script, &given, &name, setting);
        }
    }

    /// Follows a file that the text has written, when it is run as a program.
    fn written_script(&mut self, script: &Word, draft: &Draft, name: &str, setting: &Setting) {
        for text in self.written_texts(script) {
            let first = text.literal().unwrap_or_default();
            let interpreter = first
                .lines()
                .next()
                .and_then(|line| line.strip_prefix("#!"));
            let interpreter = interpreter.and_then(|line| line.split_whitespace().last());
            let interpreter = interpreter.and_then(|path| path.rsplit('/').next());
            let interpreter = interpreter.unwrap_or("sh").to_owned();
            self.follow_written(&interpreter, &text, draft, name, setting);
        }
    }

    /// Follows text that stands in a file which the text itself has written.
    pub(crate) fn follow_written(
        &mut self,
        interpreter: &str,
        text: &Word,
        draft: &Draft,
        name: &str,
        setting: &Setting,
    ) {
        let inner = setting
            .within(Wrapper::Program(name.to_owned()))
            .apart(Wrapper::Text);
        if inner.is_too_deep() {
            return self.stop(draft.span);
        }
        if !shell::is_shell(interpreter) {
            return self.code_of_file(interpreter, text, draft, &inner);
        }
        let mark = self.around.mark();
        self.around.enter_process();
        let arguments = draft.words.get(1..).unwrap_or_default();
        self.around.set_positional(Some(arguments.into()));
        self.code_text(text, draft.span, name, &inner);
        self.around.restore(mark);
    }

    /// Follows a program that may run others.
    fn program(&mut self, name: &str, draft: Draft, setting: &Setting) {
        match name {
            _ if shell::is_shell(name) => self.shell(name, draft, setting),
            "pwsh" | "powershell" | "pwsh.exe" | "powershell.exe" => {
                self.powershell(name, draft, setting);
            }
            "xargs" => self.xargs(draft, setting),
            "find" => self.find(draft, setting),
            "su" | "runuser" | "script" | "watch" | "parallel" => {
                self.text_program(name, draft, setting);
            }
            _ => match prefix::of(name) {
                Some(prefix) => self.prefixed(prefix, draft, setting),
                None => {
                    if let Some(code) = option_code(name, &draft.words) {
                        self.note(code.span, UnknownCause::Code(name.to_owned()));
                    }
                    self.code(name, &draft, setting);
                    let texts = option_texts(name, &draft.words);
                    let given = draft.clone();
                    self.list(draft, setting);
                    self.given_texts(&texts, name, setting);
                    self.given_command(name, &given, setting);
                }
            },
        }
    }

    /// Calls a function or expands an alias of this name; returns whether the
    /// name surely means nothing else.
    fn call(&mut self, name: &str, draft: &Draft, setting: &Setting) -> bool {
        if let Some(text) = self.around.alias(name) {
            self.aliased(name, &text, draft, setting);
        }
        let Some(function) = self.around.function(name) else {
            return false;
        };
        self.called.insert(name.to_owned());
        let wrapper = Wrapper::Function(name.to_owned());
        let recurs = setting.through.contains(&wrapper);
        if recurs || function.bodies.len() > BODIES_MAX {
            let construct = if recurs { "recursion" } else { "function" };
            self.note(draft.span, UnknownCause::Construct(construct.to_owned()));
            self.list(draft.clone(), setting);
            return function.is_certain;
        }
        self.list_rest(draft, setting);
        if let [body] = function.bodies.as_slice()
            && function.is_certain
        {
            self.call_body(body, draft, &setting.within(wrapper));
            return true;
        }
        let start = self.around.mark();
        for body in &function.bodies {
            let setting = setting.branch().within(wrapper.clone());
            self.call_body(body, draft, &setting);
            self.around.blur(start);
        }
        function.is_certain
    }

    fn call_body(&mut self, body: &Node, draft: &Draft, setting: &Setting) {
        let arguments: Rc<[Word]> = draft.words.get(1..).unwrap_or_default().into();
        let before = self.around.positional();
        self.around.set_positional(Some(arguments));
        let locals = std::mem::take(&mut self.locals);
        self.set_for(draft);
        self.node(body, setting);
        self.forget_set_for(draft);
        for local in std::mem::replace(&mut self.locals, locals) {
            self.around.forget(&local);
        }
        self.around.set_positional(before);
    }

    /// Sets the variables that stand before the name of a function or builtin.
    fn set_for(&mut self, draft: &Draft) {
        for assignment in &draft.assignments {
            let parts = assignment.value.parts.as_slice().into();
            self.around.set(&assignment.name, Value::Parts(parts));
        }
    }

    /// Makes uncertain what [`Self::set_for`] set, which ends with the command.
    fn forget_set_for(&mut self, draft: &Draft) {
        for assignment in &draft.assignments {
            self.around.forget(&assignment.name);
        }
    }

    /// Walks the text of an alias with the arguments of its use.
    fn aliased(&mut self, name: &str, text: &str, draft: &Draft, setting: &Setting) {
        let wrapper = Wrapper::Function(name.to_owned());
        if setting.through.contains(&wrapper) {
            return;
        }
        let mut whole = text.to_owned();
        for word in draft.words.get(1..).unwrap_or_default() {
            let Some(word) = word.literal() else {
                self.note(draft.span, UnknownCause::Construct("alias".to_owned()));
                break;
            };
            whole.push_str(" '");
            whole.push_str(&word.replace('\'', "'\\''"));
            whole.push('\'');
        }
        self.text(&whole, Origin::Whole(draft.span), &setting.within(wrapper));
    }

    /// Walks the functions that nothing in the text has called.
    pub(crate) fn uncalled_functions(&mut self) {
        for (name, body) in self.around.functions_defined() {
            if !self.called.contains(&name) {
                let setting = Setting::default().branch();
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
        let texts = variable_texts(&draft.assignments);
        self.list_plainly(draft, setting);
        self.given_texts(&texts, "sh", setting);
    }

    /// Walks texts that a program gives to a shell when it sees fit.
    fn given_texts(&mut self, texts: &[GivenText], name: &str, setting: &Setting) {
        for GivenText { text, is_elsewhere } in texts {
            let mark = self.around.mark();
            self.around.enter_process();
            if *is_elsewhere {
                self.around.move_to_unknown();
            }
            let inner = setting.branch().within(Wrapper::Program(name.to_owned()));
            self.code_text(text, text.span, name, &inner);
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
            directory: directory.unwrap_or_else(|| self.around.places().current.clone()),
            place: setting.command_place(),
        };
        self.note_written(&command, setting);
        self.push(command);
    }
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
    };
    for word in words {
        if !whole.parts.is_empty() {
            push_text(&mut whole, " ");
        }
        for part in &word.parts {
            match part {
                WordPart::Literal(text) => push_text(&mut whole, text),
                WordPart::Pattern(_) | WordPart::Home(_) | WordPart::Unknown(_) => {
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
