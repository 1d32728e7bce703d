//! Walks compound commands.

use std::rc::Rc;

use aegis_types::{Redirection, Span, UnknownCause, Word, WordPart, Wrapper};

use super::repeat::is_read;
use super::scan::names_set_by;
use super::{Setting, Walk};
use crate::evaluate;
use crate::run::Draft;
use crate::surroundings::Ending;
use crate::syntax::{Arm, Kind, Node, Script};

impl Walk<'_> {
    /// Walks a compound command.
    pub(super) fn compound(&mut self, node: &Node, setting: &Setting) {
        if node.redirections.is_empty() {
            return self.compound_kind(node, setting);
        }
        let (redirections, sink) = self.redirections(&node.redirections, setting);
        let mut inner = self.reading_from(&redirections, setting);
        if redirections.iter().any(Redirection::is_input) {
            inner = inner.with_own_input();
        }
        let draft = Draft {
            span: node.span,
            redirections,
            ..Draft::default()
        };
        // What it redirects is listed as a command of its own.
        self.list(draft, setting);
        self.redirected(&sink, setting, |walk| walk.compound_kind(node, &inner));
    }

    fn compound_kind(&mut self, node: &Node, given: &Setting) {
        let (_, setting) = given.in_turn();
        let begun = setting.behind(|| turns(&node.kind) && names_set_by(node).reads);
        let setting = &begun.unwrap_or(setting);
        match &node.kind {
            Kind::Simple { .. } => {}
            Kind::Group(script) => self.members(script, &given.deeper()),
            Kind::Subshell(script) => {
                let inner = given.within(Wrapper::Subshell);
                self.own_shell(|walk| walk.members(script, &inner));
            }
            Kind::If {
                branches,
                otherwise,
            } => self.branches(branches, otherwise.as_ref(), setting),
            Kind::Loop {
                test,
                body,
                is_until,
            } => match self.inputs_of(test, body, *is_until, setting) {
                Some(inputs) => self.turns_over(inputs, test, body, setting),
                None if self.counted(test, body, *is_until, setting) => {}
                None => self.repetition(test, body, setting),
            },
            Kind::For {
                name,
                words,
                body,
                is_select,
            } => {
                let words = words.as_deref();
                if *is_select {
                    self.selection(name, words, body, setting);
                } else {
                    self.turns(node.span, name, words, body, setting);
                }
            }
            Kind::Count { expression, body } => self.counting(expression, body, setting),
            Kind::Case { subject, arms } => {
                self.single(subject, setting);
                self.arms(arms, setting);
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

    /// Walks what stands in a group: a `read` at its start has all of its input.
    fn members(&mut self, script: &Script, setting: &Setting) {
        let (first, rest) = setting.in_turn();
        match script.items.split_first() {
            Some((item, _)) if is_read(item) => self.script_from(script, &first, &rest),
            Some(_) | None => self.script(script, &rest),
        }
    }

    /// Walks tests and what runs when one succeeds: one of these does, or `otherwise`.
    fn branches(
        &mut self,
        branches: &[(Script, Script)],
        otherwise: Option<&Script>,
        setting: &Setting,
    ) {
        let mut open = Vec::new();
        for (test, body) in branches {
            if open.is_empty() {
                self.script(test, &setting.within(Wrapper::Compound));
            } else {
                self.script(test, &setting.branch());
            }
            let mark = self.around.mark();
            self.way(body, setting);
            let taken = self.around.ending(mark);
            open.push((self.around.mark(), taken));
        }
        if let Some(body) = otherwise {
            self.way(body, setting);
        }
        // What follows a test that failed is the other way.
        for (mark, taken) in open.into_iter().rev() {
            let rest = self.around.ending(mark);
            self.join(&[taken, rest]);
        }
    }

    /// Walks one of several ways, which may be left in its midst.
    fn way(&mut self, body: &Script, setting: &Setting) {
        let mark = self.around.mark();
        self.script(body, &setting.branch());
        if self.may_go_on_behind(body) {
            self.around.blur(mark);
        }
    }

    /// Goes on as after one of several endings.
    pub(crate) fn join(&mut self, endings: &[Ending]) {
        let size = endings.iter().map(Ending::size).sum();
        if self.limits.take_steps(size) {
            self.around.join(endings);
        } else {
            self.stop(Span::default());
        }
    }

    /// Walks the parts of a `case`.
    fn arms(&mut self, arms: &[Arm], setting: &Setting) {
        // One that goes on may run before any of those after it.
        let goes_on = arms.iter().any(|arm| arm.goes_on);
        let mut endings = Vec::new();
        let mut takes_all = false;
        for arm in arms {
            for pattern in &arm.patterns {
                self.single(pattern, setting);
                takes_all |= pattern.bare() == Some("*");
            }
            let mark = self.around.mark();
            self.way(&arm.body, setting);
            if goes_on {
                self.around.blur(mark);
            } else {
                endings.push(self.around.ending(mark));
            }
        }
        if !takes_all {
            endings.push(Ending::default());
        }
        self.join(&endings);
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
                WordPart::Pattern(_) | WordPart::Home(_) | WordPart::Stream(_) => {}
                WordPart::Unknown(_) => self.around.forget_all(),
            }
        }
    }
}

/// Returns whether what stands in it may run more than once, or after a test of it.
fn turns(kind: &Kind) -> bool {
    match kind {
        Kind::Loop { .. } | Kind::For { .. } | Kind::Count { .. } | Kind::If { .. } => true,
        Kind::Simple { .. }
        | Kind::Group(_)
        | Kind::Subshell(_)
        | Kind::Case { .. }
        | Kind::Function { .. }
        | Kind::Test(_)
        | Kind::Arithmetic(_)
        | Kind::Coprocess(_) => false,
    }
}
