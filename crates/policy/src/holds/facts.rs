//! A request as rules see it.

use std::cell::OnceCell;

use aegis_types::{ActionRequest, HostFact, PathFact, Span, UnknownCause};

use super::line::Line;
use super::options::{base_name, is_shell};
use super::part::{self, Part};
use super::view::{self, View};
use super::words;
use crate::index::RequestKeys;

/// A request as rules see it; what several rules need is worked out once.
#[derive(Debug)]
pub struct Facts<'a> {
    request: &'a ActionRequest,
    lines: OnceCell<Vec<Line<'a>>>,
    parts: OnceCell<Vec<Part>>,
    keys: RequestKeys,
}

impl<'a> Facts<'a> {
    /// Returns the facts of `request`.
    #[must_use]
    pub const fn new(request: &'a ActionRequest) -> Self {
        Self {
            request,
            lines: OnceCell::new(),
            parts: OnceCell::new(),
            keys: RequestKeys::new(),
        }
    }

    /// Returns the request.
    #[must_use]
    pub const fn request(&self) -> &'a ActionRequest {
        self.request
    }

    /// Returns the commands of the command line in their normal form.
    pub(crate) fn lines(&self) -> &[Line<'a>] {
        self.lines.get_or_init(|| match &self.request.context.plan {
            Some(plan) => {
                let programs = &self.request.context.programs;
                let text = self.request.params.get("command");
                let text = text.and_then(serde_json::Value::as_str).unwrap_or_default();
                let lines = plan.commands.iter().enumerate();
                lines
                    .map(|command| Line::new(plan, command, programs, text))
                    .collect()
            }
            None => Vec::new(),
        })
    }

    /// Returns the keys of the request, for looking rules up.
    pub(crate) const fn keys(&self) -> &RequestKeys {
        &self.keys
    }

    /// Returns the parts of the command line; none if it is one part.
    pub(super) fn parts(&self) -> &[Part] {
        self.parts.get_or_init(|| part::parts(self.request))
    }

    /// Returns of how many parts, each decided by itself, the request consists.
    #[must_use]
    pub fn part_count(&self) -> usize {
        self.parts().len().max(1)
    }

    /// Returns where these parts stand in the command line.
    #[must_use]
    pub fn words_of(&self, parts: impl IntoIterator<Item = usize>) -> Vec<Span> {
        let words = parts
            .into_iter()
            .flat_map(|part| View::part(self, part).words())
            .collect();
        words::outermost(words)
    }

    /// Returns the commands of one part.
    pub(crate) fn lines_of(&self, part: usize) -> impl Iterator<Item = &Line<'a>> {
        View::part(self, part).lines()
    }

    /// Returns the paths that one part touches.
    pub(crate) fn paths_of(&self, part: usize) -> impl Iterator<Item = &'a PathFact> {
        View::part(self, part).paths()
    }

    /// Returns the hosts that one part speaks to.
    pub(crate) fn hosts_of(&self, part: usize) -> impl Iterator<Item = &'a HostFact> {
        View::part(self, part).hosts()
    }

    /// Returns whether something of one part is not understood at all.
    pub(crate) fn is_partial_in(&self, part: usize) -> bool {
        View::part(self, part).is_partial()
    }

    /// Returns whether the command line may run, touch or do something that
    /// none of the recorded facts shows.
    pub(crate) fn hides_something(&self) -> bool {
        View::whole(self).hides_something()
    }

    /// Returns whether part of the command line is not understood at all, be it
    /// only code in another language.
    pub(crate) fn is_partial(&self) -> bool {
        View::whole(self).is_partial()
    }

    /// Returns whether some effect is done to a path of which nothing is told.
    pub(crate) fn has_untold_path(&self) -> bool {
        let context = &self.request.context;
        context.effects.iter().any(|effect| {
            view::has_path(effect)
                && !context
                    .paths
                    .iter()
                    .any(|fact| view::is_path_of(effect, fact))
        })
    }

    /// Returns whether some effect is done to a host of which nothing is told.
    pub(crate) fn has_untold_host(&self) -> bool {
        let context = &self.request.context;
        context.effects.iter().any(|effect| {
            view::has_host(effect)
                && !context
                    .hosts
                    .iter()
                    .any(|fact| view::is_host_of(effect, fact))
        })
    }
}

/// Returns whether what is unknown for this cause may be any command.
///
/// Code in another language is not: what a program does by itself is not seen,
/// with or without such code.
pub(super) fn hides_commands(cause: &UnknownCause) -> bool {
    match cause {
        UnknownCause::Syntax
        | UnknownCause::TooComplex
        | UnknownCause::Construct(_)
        | UnknownCause::Program => true,
        UnknownCause::Code(program) => is_shell(base_name(program)),
        UnknownCause::Variable(_)
        | UnknownCause::Output
        | UnknownCause::Found
        | UnknownCause::Branch
        | UnknownCause::Settings
        | UnknownCause::Arithmetic
        | UnknownCause::Expansion => false,
    }
}
