//! Walks compound commands.

use std::rc::Rc;

use aegis_types::{Span, UnknownCause, Word, WordPart, Wrapper};

use super::scan::names_set;
use super::{Setting, Walk};
use crate::limit::TURNS_MAX;
use crate::run::Draft;
use crate::surroundings::Value;
use crate::syntax::{Kind, Node, RawWord, Script};

impl Walk<'_> {
    /// Walks a compound command.
    pub(super) fn compound(&mut self, node: &Node, setting: &Setting) {
        self.compound_redirections(node, setting);
        match &node.kind {
            Kind::Simple { .. } => {}
            Kind::Group(script) => self.script(script, &setting.deeper()),
            Kind::Subshell(script) => {
                let mark = self.around.mark();
                self.script(script, &setting.within(Wrapper::Subshell));
                self.around.restore(mark);
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
                    self.single(word, setting);
                }
            }
            Kind::Arithmetic(expression) => {
                let word = self.single(expression, setting);
                self.forget_set_by(&[word]);
            }
            Kind::Coprocess(inner) => {
                let mark = self.around.mark();
                self.node(inner, &setting.in_background().within(Wrapper::Subshell));
                self.around.restore(mark);
            }
        }
    }

    /// Lists the redirections of a compound command as a command of their own.
    fn compound_redirections(&mut self, node: &Node, setting: &Setting) {
        if node.redirections.is_empty() {
            return;
        }
        let redirections = self.redirections(&node.redirections, setting);
        let draft = Draft {
            span: node.span,
            redirections,
            ..Draft::default()
        };
        self.list(draft, setting);
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
