//! Follows the builtins that change the shell or run text.

use std::rc::Rc;

use aegis_types::{RedirectionKind, UnknownCause, Word, WordPart, Wrapper};

use super::{Draft, joined};
use crate::output::Output;
use crate::surroundings::Value;
use crate::walk::{Setting, Walk};

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
                    self.forget_set_by(std::slice::from_ref(word));
                }
            }
            "read" | "mapfile" | "readarray" | "getopts" | "printf" | "wait" => {
                self.fill(name, arguments, setting);
            }
            "set" => self.set_positional(arguments),
            "shift" => self.shift(arguments),
            "alias" => self.define_aliases(arguments),
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
        let is_other = name != "export" && (flags('n') || flags('i') || flags('u') || flags('l'));
        let assigned = draft.assignments.iter().map(|assignment| &assignment.name);
        let named = texts.iter().filter(|text| !text.starts_with('-'));
        for variable in assigned.chain(named) {
            if is_other {
                self.around.forget(variable);
            }
            if exports {
                self.around.export(variable);
            }
            if name == "local" {
                self.locals.push(variable.clone());
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

    /// Makes uncertain what a builtin fills with what it reads or computes.
    fn fill(&mut self, name: &str, arguments: &[Word], setting: &Setting) {
        let mut names = arguments.iter();
        if name == "printf" {
            match arguments.first().and_then(Word::literal).as_deref() {
                Some("-v") => names.next(),
                Some(_) => return,
                None => return self.around.forget_all(),
            };
            if let Some(variable) = names.next() {
                self.forget_word(variable);
            }
            return;
        }
        // One of the paths that come through the pipe.
        let path = match (&setting.input, name) {
            (Some(Output::Paths(paths)), "read") if paths.len() == 1 => paths.first().cloned(),
            _ => None,
        };
        for variable in names {
            match (&path, variable.literal()) {
                (Some(path), Some(variable)) if !variable.starts_with('-') => {
                    let parts = Rc::from(path.parts.as_slice());
                    self.around.set(&variable, Value::Parts(parts));
                }
                _ => self.forget_word(variable),
            }
        }
        for implied in ["REPLY", "MAPFILE", "OPTARG", "OPTIND"] {
            self.around.forget(implied);
        }
    }

    fn forget_word(&mut self, word: &Word) {
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

    fn trap(&mut self, arguments: &[Word], draft: &Draft, setting: &Setting) {
        let (action, signals) = match arguments.split_first() {
            Some((first, rest)) if first.literal().as_deref() == Some("--") => {
                (rest.first(), rest.len())
            }
            first => (first.map(|(word, _)| word), arguments.len()),
        };
        let action = action.filter(|word| !crate::option::first_text(word).starts_with('-'));
        let Some(action) = action.filter(|_| signals > 1) else {
            return;
        };
        let mark = self.around.mark();
        self.around.forget_all();
        self.code_text(
            action,
            draft.span,
            "trap",
            &setting.branch().within(Wrapper::Text),
        );
        self.around.restore(mark);
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
        if is_unknown {
            self.list(draft.clone(), setting);
        } else {
            self.list_rest(draft, setting);
        }
        self.set_for(draft);
        self.code_text(&text, draft.span, "eval", &setting.within(Wrapper::Text));
        self.forget_set_for(draft);
        if is_unknown {
            self.around.forget_all();
            self.around.move_to_unknown();
        }
    }

    fn source(&mut self, arguments: &[Word], draft: &Draft, setting: &Setting) {
        let Some(file) = arguments.first() else {
            return self.list(draft.clone(), setting);
        };
        self.list(draft.clone(), setting);
        let input = draft
            .redirections
            .iter()
            .rfind(|redirection| redirection.kind == RedirectionKind::Text);
        match (file.literal().as_deref(), input) {
            (Some("/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0"), Some(input)) => {
                let setting = setting.within(Wrapper::Text);
                self.code_text(&input.target, draft.span, "source", &setting);
            }
            (Some(path), _) if !path.starts_with("/dev/") && !path.starts_with("/proc/") => {
                // A script is a program: what it does to files is not seen here,
                // and so neither is where it moves to. Variables may be its own.
                for text in self.written_texts(file) {
                    let inner = setting.within(Wrapper::Text);
                    self.code_text(&text, draft.span, "source", &inner);
                }
                self.around.forget_all();
            }
            _ if file.parts.iter().any(is_output) => {
                self.note(file.span, UnknownCause::Code("source".to_owned()));
                self.around.forget_all();
                self.around.move_to_unknown();
            }
            _ => self.around.forget_all(),
        }
    }
}

fn is_output(part: &WordPart) -> bool {
    match part {
        WordPart::Unknown(cause) => *cause == UnknownCause::Output,
        WordPart::Literal(_) | WordPart::Pattern(_) | WordPart::Home(_) => false,
    }
}
