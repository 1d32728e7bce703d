//! A request as rules see it.

use std::cell::OnceCell;

use aegis_types::{Action, ActionRequest, Plan, UnknownCause};

use super::line::{Line, Program};
use super::options::{base_name, is_shell};
use super::sense::Sense;
use crate::index::RequestKeys;
use crate::truth::WhyUnknown;

/// A request as rules see it; what several rules need is worked out once.
#[derive(Debug)]
pub struct Facts<'a> {
    request: &'a ActionRequest,
    lines: OnceCell<Vec<Line<'a>>>,
    keys: RequestKeys,
}

impl<'a> Facts<'a> {
    /// Returns the facts of `request`.
    #[must_use]
    pub const fn new(request: &'a ActionRequest) -> Self {
        Self {
            request,
            lines: OnceCell::new(),
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
            Some(plan) => plan.commands.iter().map(Line::new).collect(),
            None => Vec::new(),
        })
    }

    /// Returns the keys of the request, for looking rules up.
    pub(crate) const fn keys(&self) -> &RequestKeys {
        &self.keys
    }

    /// Returns whether the command line may run, touch or do something that
    /// none of the recorded facts shows.
    pub(crate) fn hides_something(&self) -> bool {
        match &self.request.context.plan {
            Some(plan) => {
                plan.unknowns
                    .iter()
                    .any(|unknown| hides_commands(&unknown.cause))
                    || self
                        .lines()
                        .iter()
                        .any(|line| matches!(line.program, Program::Unknown))
            }
            None => self.request.action == Action::ShellExec,
        }
    }

    /// Returns whether part of the command line is not understood at all, be it
    /// only code in another language.
    pub(crate) fn is_partial(&self) -> bool {
        self.hides_something()
            || self
                .request
                .context
                .plan
                .as_ref()
                .is_some_and(|plan| !plan.unknowns.is_empty())
    }

    /// Returns whether the facts are not sure to be the whole of what the
    /// action does, so that nothing can be allowed because of what is not in them.
    fn is_incomplete(&self) -> bool {
        match self.request.action {
            Action::McpCall | Action::ToolCall => true,
            Action::ShellExec => self.is_partial(),
            Action::FsRead
            | Action::FsWrite
            | Action::FsSearch
            | Action::NetFetch
            | Action::NetSearch
            | Action::AgentStart
            | Action::SkillUse => false,
        }
    }

    pub(super) fn plan(&self) -> Option<&'a Plan> {
        self.request.context.plan.as_ref()
    }
}

/// Returns whether what is unknown for this cause may be any command.
///
/// Code in another language is not: what a program does by itself is not seen,
/// with or without such code.
fn hides_commands(cause: &UnknownCause) -> bool {
    match cause {
        UnknownCause::Syntax
        | UnknownCause::TooComplex
        | UnknownCause::Construct(_)
        | UnknownCause::Program => true,
        UnknownCause::Code(program) => is_shell(base_name(program)),
        UnknownCause::Variable(_)
        | UnknownCause::Output
        | UnknownCause::Arithmetic
        | UnknownCause::Expansion => false,
    }
}

impl Facts<'_> {
    /// Returns why there may be more than the facts show, as far as it matters
    /// in this sense: an allow must know everything, a restriction is only
    /// stirred by what may be any command at all.
    pub(super) fn hidden(&self, sense: Sense) -> Option<WhyUnknown> {
        let command_line = || match self.plan() {
            Some(_) => WhyUnknown::CommandLine,
            None => WhyUnknown::NoPlan,
        };
        if self.hides_something() {
            return Some(command_line());
        }
        if !sense.permits || !self.is_incomplete() {
            return None;
        }
        if self.request.action == Action::ShellExec {
            return Some(command_line());
        }
        // What such a tool names among its facts is all an allow can be about.
        (!sense.covers()).then_some(WhyUnknown::Touches)
    }
}
