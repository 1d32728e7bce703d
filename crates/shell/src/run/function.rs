//! Follows calls of functions.

use std::rc::Rc;

use aegis_types::{Span, UnknownCause, Word, Wrapper};

use super::Draft;
use crate::surroundings::BODIES_MAX;
use crate::syntax::Node;
use crate::walk::{Returns, Setting, Walk};

impl Walk<'_> {
    /// Calls a function of this name; returns whether the name surely means
    /// nothing else.
    pub(super) fn call(&mut self, name: &str, draft: &Draft, setting: &Setting) -> bool {
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
        let setting = self.reading_from(&draft.redirections, setting);
        if let [body] = function.bodies.as_slice()
            && function.is_certain
        {
            let inner = setting.within(wrapper);
            self.redirected(&draft.sink, &setting, |walk| {
                walk.call_body(body, draft, &inner);
            });
            return true;
        }
        let start = self.around.mark();
        let inner = setting.branch().within(wrapper);
        self.redirected(&draft.sink, &inner, |walk| {
            for body in &function.bodies {
                walk.call_body(body, draft, &inner);
                walk.around.blur(start);
            }
        });
        function.is_certain
    }

    fn call_body(&mut self, body: &Node, draft: &Draft, setting: &Setting) {
        let arguments: Rc<[Word]> = draft.words.get(1..).unwrap_or_default().into();
        let before = self.around.positional();
        self.around.set_positional(Some(arguments));
        let locals = std::mem::take(&mut self.locals);
        let given = self.set_for(draft);
        self.returning(self.may_return(body), |walk| walk.node(body, setting));
        for local in std::mem::replace(&mut self.locals, locals)
            .into_iter()
            .rev()
        {
            if local.is_sure {
                self.around.put_back(local.saved);
            } else {
                self.around.perhaps_put_back(&local.saved);
            }
        }
        self.put_back(given);
        self.around.set_positional(before);
    }

    /// Walks what `return` ends, as it may wherever it stands if `may_return`.
    pub(super) fn returning(&mut self, may_return: bool, walk: impl FnOnce(&mut Self)) {
        let mark = self.around.mark();
        let outer = self.returns.replace(Returns {
            from: mark,
            endings: Vec::new(),
        });
        walk(self);
        if may_return {
            // What it was at any place may be what it is after it.
            self.around.blur(mark);
        }
        let inner = std::mem::replace(&mut self.returns, outer);
        let mut endings = inner.map(|it| it.endings).unwrap_or_default();
        if !endings.is_empty() {
            endings.push(self.around.ending(mark));
            self.join(&endings);
        }
    }

    /// Keeps what is there where a function, or a file that is read, ends early:
    /// branches show what they come to at their end alone.
    pub(super) fn keep_return(&mut self, span: Span) {
        let Some(returns) = &mut self.returns else {
            return;
        };
        let ending = self.around.ending_here(returns.from);
        if self.limits.take_steps(ending.size()) {
            returns.endings.push(ending);
        } else {
            self.stop(span);
        }
    }
}
