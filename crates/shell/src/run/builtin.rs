//! Follows the builtins that change the shell or run text.

use std::rc::Rc;

use aegis_types::{Span, UnknownCause, Word, WordPart, Wrapper};

use super::shell::{Input, is_computed};
use super::tool::word_of;
use super::{Draft, joined};
use crate::file::Content;
use crate::input;
use crate::option::{self, Spec, first_text};
use crate::output::{Output, Sink, printed};
use crate::surroundings::Value;
use crate::syntax::is_name;
use crate::walk::{Setting, Walk};

/// The options of `hash`.
const HASH: Spec = Spec {
    short: "p",
    long: &[],
    ends_at_operand: true,
};

impl Walk<'_> {
    /// Follows a builtin; returns `false` if `name` is none that needs it.
    pub(super) fn builtin(&mut self, name: &str, draft: &Draft, setting: &Setting) -> bool {
        let arguments = draft.words.get(1..).unwrap_or_default();
        match name {
            "cd" | "chdir" | "pushd" | "popd" => {
                self.list(draft.clone(), setting);
                self.move_directory(name, draft);
                return true;
            }
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                self.declare(name, draft);
            }
            "unset" => self.unset(arguments),
            "let" => {
                for word in arguments {
                    self.calculate_word(word);
                }
            }
            "read" | "mapfile" | "readarray" => self.read(name, draft, setting),
            "getopts" | "printf" | "wait" => self.fill(name, arguments, setting),
            "return" => self.keep_return(draft.span),
            "set" => self.set_positional(arguments),
            "shift" => self.shift(arguments),
            "alias" => self.define_aliases(arguments),
            "hash" => self.remember_programs(arguments),
            "enable"
                if arguments
                    .iter()
                    .any(|word| first_text(word).starts_with("-f")) =>
            {
                // A builtin from a file may do anything.
                self.note(draft.span, UnknownCause::Construct("enable -f".to_owned()));
            }
            "unalias" => {
                for name in arguments.iter().filter_map(Word::literal) {
                    self.around.forget_alias(&name);
                }
            }
            "trap" => {
                self.list(draft.clone(), setting);
                self.trap(arguments, draft, setting);
                return true;
            }
            "eval" => {
                self.eval(arguments, draft, setting);
                return true;
            }
            "source" | "." => {
                self.source(arguments, draft, setting);
                return true;
            }
            _ => return false,
        }
        self.list(draft.clone(), setting);
        true
    }

    fn declare(&mut self, name: &str, draft: &Draft) {
        let arguments = draft.words.get(1..).unwrap_or_default();
        let texts: Vec<String> = arguments.iter().filter_map(Word::literal).collect();
        let flags = |letter: char| {
            texts
                .iter()
                .any(|text| text.starts_with('-') && text.contains(letter))
        };
        let exports = name == "export" && !flags('n') || flags('x');
        // A name reference or an integer does not hold the text it is given.
        if name != "export" && flags('n') {
            self.around.add_reference();
        }
        let fixes = name == "readonly" || name != "export" && flags('r');
        let is_other = name != "export" && (flags('n') || flags('i') || flags('u') || flags('l'));
        let assigned = draft.assignments.iter().map(|assignment| &assignment.name);
        let named = texts.iter().filter(|text| !text.starts_with('-'));
        for variable in assigned.chain(named) {
            if is_other {
                self.around.loosen(variable);
            }
            if exports {
                self.around.export(variable);
            }
            if fixes {
                self.around.fix(variable);
            }
        }
    }

    fn unset(&mut self, arguments: &[Word]) {
        let only_functions = arguments
            .iter()
            .any(|word| word.literal().as_deref() == Some("-f"));
        for word in arguments {
            if let Some(name) = word.literal()
                && let Some(function) = self.around.function(&name)
            {
                // Without `-f` it goes only if there is no variable of that name.
                let rest = crate::surroundings::Function {
                    is_certain: false,
                    ..function
                };
                let rest = Some(rest).filter(|_| !only_functions);
                self.around.set_function(&name, rest);
            }
            if only_functions {
                continue;
            }
            match word.literal() {
                Some(name) if name.starts_with('-') => {}
                Some(name) if name.contains('[') => {
                    let name = name.split('[').next().unwrap_or_default();
                    self.around.forget(name);
                }
                Some(name) => self.around.set(&name, Value::Unset),
                None => self.around.forget_all(),
            }
        }
    }

    /// Makes uncertain what a builtin fills with what it computes.
    fn fill(&mut self, name: &str, arguments: &[Word], setting: &Setting) {
        let mut names = arguments.iter();
        if name == "printf" {
            match arguments.first().and_then(Word::literal).as_deref() {
                Some("-v") => names.next(),
                Some(joined) if joined.starts_with("-v") => {
                    return self.around.forget(joined.trim_start_matches("-v"));
                }
                Some(_) => return,
                None => return self.around.forget_all(),
            };
            let Some(variable) = names.next() else {
                return;
            };
            let values = arguments.get(2..).unwrap_or_default();
            let text = printed(values, setting.is_in_strict_shell());
            match (variable.literal().filter(|name| is_name(name)), text) {
                (Some(name), Some(text)) => {
                    let text = WordPart::Literal(text);
                    self.around.set(&name, Value::Parts([text].into()));
                }
                _ => self.forget_word(variable),
            }
            return;
        }
        for variable in names {
            self.forget_word(variable);
        }
        for implied in ["OPTARG", "OPTIND"] {
            self.around.forget(implied);
        }
    }

    /// Makes uncertain the variable that a word names.
    pub(super) fn forget_word(&mut self, word: &Word) {
        match word.literal() {
            Some(name) => {
                let name = name.split(['=', '[', '+']).next().unwrap_or_default();
                self.around.forget(name);
            }
            None => self.around.forget_all(),
        }
    }

    fn set_positional(&mut self, arguments: &[Word]) {
        let first = arguments.first().map(Word::literal);
        match first {
            None => {}
            Some(Some(text)) if text == "--" => {
                let words = arguments.get(1..).unwrap_or_default();
                self.around.set_positional(Some(words.into()));
            }
            Some(Some(text)) if text.starts_with(['-', '+']) => {
                let sets_more = arguments
                    .iter()
                    .any(|word| word.literal().is_none_or(|text| text == "--"));
                if sets_more {
                    self.around.set_positional(None);
                }
            }
            Some(_) => self.around.set_positional(Some(arguments.into())),
        }
    }

    fn shift(&mut self, arguments: &[Word]) {
        let count = match arguments.first() {
            None => Some(1),
            Some(word) => word.literal().and_then(|text| text.parse::<usize>().ok()),
        };
        let shifted = match (self.around.positional(), count) {
            (Some(words), Some(count)) => words.get(count..).map(Rc::from),
            _ => None,
        };
        self.around.set_positional(shifted);
    }

    fn define_aliases(&mut self, arguments: &[Word]) {
        for word in arguments {
            let text = word.literal();
            match text.as_deref().and_then(|text| text.split_once('=')) {
                Some((name, text)) => self.around.define_alias(name, text),
                None if text.is_some() => {}
                None => self.note(word.span, UnknownCause::Construct("alias".to_owned())),
            }
        }
    }

    /// Takes up the programs that `hash -p` gives names: such a name runs what an
    /// alias of it would.
    fn remember_programs(&mut self, arguments: &[Word]) {
        let read = option::read(arguments, &HASH);
        for program in read.values(&["p"]) {
            for name in &read.operands {
                match (name.literal(), program.literal()) {
                    (Some(name), Some(program)) => self.around.define_alias(&name, &program),
                    _ => self.note(name.span, UnknownCause::Construct("hash".to_owned())),
                }
            }
        }
    }

    fn trap(&mut self, arguments: &[Word], draft: &Draft, setting: &Setting) {
        let (action, signals) = match arguments.split_first() {
            Some((first, rest)) if first.literal().as_deref() == Some("--") => {
                (rest.first(), rest.len())
            }
            first => (first.map(|(word, _)| word), arguments.len()),
        };
        let action = action.filter(|word| !first_text(word).starts_with('-'));
        let Some(action) = action.filter(|_| signals > 1) else {
            return;
        };
        self.around.watch();
        self.traps
            .push((action.clone(), draft.span, setting.clone()));
        let is_exit = |word: &Word| matches!(first_text(word), "EXIT" | "0");
        let mut names = arguments.iter().rev().take(signals - 1);
        let changes = self.trapped(action, draft.span, setting);
        if changes && !names.all(is_exit) {
            // Between any two commands everything may be otherwise.
            self.note(draft.span, UnknownCause::Construct("trap".to_owned()));
        }
        self.collected.add(Output::Unknown);
    }

    /// Walks what a trap runs; returns whether that changes the state of the shell.
    fn trapped(&mut self, action: &Word, span: Span, setting: &Setting) -> bool {
        let mark = self.around.mark();
        let setting = setting.perhaps().within(Wrapper::Text);
        self.captured(|walk| walk.code_text(action, span, "trap", &setting));
        let changes = self.around.has_changed_since(mark);
        self.around.restore(mark);
        changes
    }

    /// Walks traps again at the end: they may run at any time until then, when
    /// variables and functions may have been others.
    pub(crate) fn late_traps(&mut self) {
        for (action, span, setting) in std::mem::take(&mut self.traps) {
            let start = self.plan.commands.iter().position(|it| it.span == span);
            let end = self.plan.commands.len();
            let mark = self.around.mark();
            self.around.set_to_any_watched();
            self.trapped(&action, span, &setting);
            self.around.restore(mark);
            self.forget_repeated(start.unwrap_or_default(), end);
        }
    }

    fn eval(&mut self, arguments: &[Word], draft: &Draft, setting: &Setting) {
        let arguments = match arguments.split_first() {
            Some((first, rest)) if first.literal().as_deref() == Some("--") => rest,
            _ => arguments,
        };
        let text = match arguments {
            [word] => word.clone(),
            _ => joined(arguments, draft.span),
        };
        let is_unknown = text.is_unknown();
        if is_settings(&text) {
            // They are the program's own doing, which is listed.
            self.list_rest(draft, setting);
            return self.around.forget_all();
        }
        if is_unknown {
            self.list(draft.clone(), setting);
        } else {
            self.list_rest(draft, setting);
        }
        let given = self.set_for(draft);
        let inner = self.reading_from(&draft.redirections, &setting.within(Wrapper::Text));
        self.redirected(&draft.sink, setting, |walk| {
            walk.code_text(&text, draft.span, "eval", &inner);
        });
        self.put_back(given);
        if is_unknown {
            self.around.forget_all();
            self.around.move_to_unknown();
        }
    }

    fn source(&mut self, arguments: &[Word], draft: &Draft, setting: &Setting) {
        let Some(file) = arguments.first() else {
            return self.list(draft.clone(), setting);
        };
        let input = match self.given_text(draft, setting) {
            Input::Text(text) => Some(text),
            Input::File | Input::Unknown => None,
        };
        let directory = self.around.places().current.clone();
        let written = self.content(&directory, file).cloned();
        let stream = self.stream(file).map(|text| Content {
            texts: vec![text.into()],
            ..Content::default()
        });
        if let Some(content) = written.or(stream) {
            return self.source_content(&content, arguments, draft, setting);
        }
        self.list(draft.clone(), setting);
        match (file.literal().as_deref(), input) {
            (Some(path), Some(input)) if input::descriptor(path) == Some("0") => {
                let setting = setting.within(Wrapper::Text);
                self.code_text(&input, draft.span, "source", &setting);
            }
            (Some(path), _) if !path.starts_with("/dev/") && !path.starts_with("/proc/") => {
                // A script is a program: what it does to files is not seen here,
                // and so neither is where it moves to. Variables may be its own.
                self.around.forget_all();
            }
            _ if is_computed(file) => {
                self.note(file.span, UnknownCause::Code("source".to_owned()));
                self.around.forget_all();
                self.around.move_to_unknown();
            }
            _ => {
                // What the process has open may be text that another command gave it.
                if input::is_open(file) {
                    self.note(file.span, UnknownCause::Code("source".to_owned()));
                }
                self.around.forget_all();
            }
        }
    }
}

impl Walk<'_> {
    /// Follows what a file holds that the shell reads.
    fn source_content(
        &mut self,
        content: &Content,
        arguments: &[Word],
        draft: &Draft,
        setting: &Setting,
    ) {
        let listed = Draft {
            sink: Sink::Usual,
            ..draft.clone()
        };
        self.captured(|walk| walk.list(listed, setting));
        let mut inner = setting.within(Wrapper::Text);
        let name = arguments.first().map(first_text).unwrap_or_default();
        // A strict shell looks for a name without a folder on the search path only.
        let is_searched = !name.contains('/') && setting.is_in_strict_shell();
        if content.only().is_none() || is_searched {
            inner = inner.branch();
        }
        let before = self.around.positional();
        let given = arguments.get(1..).filter(|words| !words.is_empty());
        if let Some(words) = given {
            self.around.set_positional(Some(words.into()));
        }
        let mut texts = content.texts.iter();
        let may_return = texts.any(|text| self.text_may_return(text));
        self.returning(content.only().is_none() || may_return, |walk| {
            walk.redirected(&draft.sink, &inner, |walk| {
                for text in &content.texts {
                    let text = word_of(draft.span, text);
                    walk.code_text(&text, draft.span, "source", &inner);
                }
            });
        });
        if given.is_some() {
            self.around.set_positional(before);
        }
        if content.is_open {
            self.note(draft.span, UnknownCause::Code("source".to_owned()));
            self.around.forget_all();
            self.around.move_to_unknown();
        }
    }
}

/// Returns whether a text is what programs print as settings, and nothing besides.
fn is_settings(text: &Word) -> bool {
    let is_one = |part: &WordPart| match part {
        WordPart::Unknown(cause) => *cause == UnknownCause::Settings,
        WordPart::Literal(text) => text.trim().is_empty(),
        WordPart::Pattern(_) | WordPart::Home(_) | WordPart::Stream(_) => false,
    };
    text.is_unknown() && text.parts.iter().all(is_one)
}
