//! Walks compound commands.

use std::rc::Rc;

use aegis_types::{Span, UnknownCause, Word, WordPart, Wrapper};

use super::scan::names_set;
use super::{Setting, Walk};
use crate::evaluate;
use crate::limit::TURNS_MAX;
use crate::run::Draft;
use crate::surroundings::Value;
use crate::syntax::{Kind, Node, RawWord, Script};

impl Walk<'_> {
    /// Walks a compound command.
    pub(super) fn compound(&mut self, node: &Node, setting: &Setting) {
        if node.redirections.is_empty() {
            return self.compound_kind(node, setting);
        }
        let (redirections, sink) = self.redirections(&node.redirections, setting);
        let inner = self.reading_from(&redirections, setting);
        let draft = Draft {
            span: node.span,
            redirections,
            ..Draft::default()
        };
        // What it redirects is listed as a command of its own.
        self.list(draft, setting);
        self.redirected(&sink, setting, |walk| walk.compound_kind(node, &inner));
    }

    fn compound_kind(&mut self, node: &Node, setting: &Setting) {
        match &node.kind {
            Kind::Simple { .. } => {}
            Kind::Group(script) => self.script(script, &setting.deeper()),
            Kind::Subshell(script) => {
                let setting = setting.within(Wrapper::Subshell);
                self.own_shell(|walk| walk.script(script, &setting));
            }
            Kind::If {
                branches,
                otherwise,
            } => self.branches(branches, otherwise.as_ref(), setting),
            Kind::Loop { test, body } => {
                self.forget_set_in(&[test, body]);
                let mark = self.around.mark();
                self.script(test, &setting.within(Wrapper::Compound));
                self.script(body, &setting.branch());
                self.around.blur(mark);
            }
            Kind::For { name, words, body } => {
                self.turns(node.span, name, words.as_deref(), body, setting);
            }
            Kind::Count { expression, body } => {
                let word = self.single(expression, setting);
                self.forget_set_by(&[word]);
                self.forget_set_in(&[body]);
                let mark = self.around.mark();
                self.script(body, &setting.branch());
                self.around.blur(mark);
            }
            Kind::Case { subject, arms } => {
                self.single(subject, setting);
                for (patterns, body) in arms {
                    for pattern in patterns {
                        self.single(pattern, setting);
                    }
                    self.branch(body, setting);
                }
            }
            Kind::Function { name, body } => self.around.define(name, Rc::clone(body)),
            Kind::Test(words) => {
                for word in words {
                    let word = self.single(word, setting);
                    if evaluate::has_subscript(&word) {
                        let construct = UnknownCause::Construct("a subscript".to_owned());
                        self.note(word.span, construct);
                    }
                }
            }
            Kind::Arithmetic(expression) => {
                let word = self.single(expression, setting);
                self.calculate_word(&word);
            }
            Kind::Coprocess(inner) => {
                let setting = setting.in_background().within(Wrapper::Subshell);
                self.captured(|walk| walk.own_shell(|walk| walk.node(inner, &setting)));
            }
        }
    }

    fn branches(
        &mut self,
        branches: &[(Script, Script)],
        otherwise: Option<&Script>,
        setting: &Setting,
    ) {
        let mut is_first = true;
        for (test, body) in branches {
            if is_first {
                self.script(test, &setting.within(Wrapper::Compound));
                is_first = false;
            } else {
                self.branch(test, setting);
            }
            self.branch(body, setting);
        }
        if let Some(body) = otherwise {
            self.branch(body, setting);
        }
    }

    fn branch(&mut self, body: &Script, setting: &Setting) {
        let mark = self.around.mark();
        self.script(body, &setting.branch());
        self.around.blur(mark);
    }

    /// Walks a loop over words: value by value when they are few and known.
    fn turns(
        &mut self,
        span: Span,
        name: &str,
        words: Option<&[RawWord]>,
        body: &Script,
        setting: &Setting,
    ) {
        let values = match words {
            Some(words) => Some(self.words(words, setting)),
            None => self.around.positional().map(|words| words.to_vec()),
        };
        let values = values.filter(|values| {
            values.len() <= TURNS_MAX && values.iter().all(|value| !value.is_unknown())
        });
        let is_pattern = |part: &WordPart| matches!(part, WordPart::Pattern(_));
        if let Some(values) = &values
            && !values
                .iter()
                .any(|value| value.parts.iter().any(is_pattern))
            && !self.may_leave(body)
        {
            // Every turn happens, one after the other.
            for value in values {
                let parts = value.parts.as_slice().into();
                self.around.set(name, Value::Parts(parts));
                self.script(body, &setting.turn());
            }
            return;
        }
        let values = values.unwrap_or_else(|| {
            vec![Word {
                span,
                parts: vec![WordPart::Unknown(UnknownCause::Expansion)],
            }]
        });
        let mark = self.around.mark();
        for value in values {
            self.forget_set_in(&[body]);
            self.around.set(name, Value::Parts(value.parts.into()));
            self.script(body, &setting.branch());
        }
        self.around.blur(mark);
    }

    /// Sets what an arithmetic expression sets, or makes it uncertain.
    pub(crate) fn calculate_word(&mut self, word: &Word) {
        let value = word.literal().and_then(|text| self.calculate(&text));
        if value.is_none() {
            self.forget_set_by(std::slice::from_ref(word));
        }
    }

    /// Makes uncertain what arithmetic expressions may set.
    pub(crate) fn forget_set_by(&mut self, expressions: &[Word]) {
        for part in expressions.iter().flat_map(|word| &word.parts) {
            match part {
                WordPart::Literal(text) => {
                    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    if !text.contains(['=', '+', '-']) {
                        continue;
                    }
                    for name in text.split(|character| !is_name(character)) {
                        if name.starts_with(|first: char| !first.is_ascii_digit()) {
                            self.around.forget(name);
                        }
                    }
                }
                WordPart::Pattern(_) | WordPart::Home(_) => {}
                WordPart::Unknown(_) => self.around.forget_all(),
            }
        }
    }

    /// Returns whether a part of a text may end the loop or the shell in which it stands.
    fn may_leave(&self, body: &Script) -> bool {
        let names = names_set(&[body]);
        let is_function = |name: &String| self.around.function(name).is_some();
        names.leaves || names.programs.iter().any(is_function)
    }

    /// Makes uncertain what a loop may have set in an earlier turn.
    fn forget_set_in(&mut self, scripts: &[&Script]) {
        let names = names_set(scripts);
        for name in &names.variables {
            self.around.forget(name);
        }
        let calls_function = names
            .programs
            .iter()
            .any(|name| self.around.function(name).is_some());
        if names.any_variable || calls_function {
            self.around.forget_all();
        }
        if names.directory || calls_function {
            self.around.move_to_unknown();
        }
        if names.positional {
            self.around.set_positional(None);
        }
    }
}
