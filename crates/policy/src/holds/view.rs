//! What of a request a rule is asked about.

use aegis_types::{
    Action, ActionRequest, Effect, EffectKind, EffectResource, HostFact, PathFact, Plan, Span,
};

use super::facts::{Facts, hides_commands};
use super::line::{Line, Program};
use super::options;
use super::part::Part;
use super::sense::Sense;
use crate::truth::WhyUnknown;

/// A request, or one part of its command line; and, where conditions stand
/// beside one on effects, what one of these is done to.
#[derive(Clone, Copy)]
pub(super) struct View<'f, 'a> {
    facts: &'f Facts<'a>,
    part: Option<&'f Part>,
    effect: Option<&'f Effect>,
}

impl<'f, 'a> View<'f, 'a> {
    pub(super) const fn whole(facts: &'f Facts<'a>) -> Self {
        Self {
            facts,
            part: None,
            effect: None,
        }
    }

    pub(super) fn part(facts: &'f Facts<'a>, part: usize) -> Self {
        Self {
            part: facts.parts().get(part),
            ..Self::whole(facts)
        }
    }

    /// Returns what `effect` is done to.
    pub(super) const fn of_effect(self, effect: &'f Effect) -> Self {
        Self {
            effect: Some(effect),
            ..self
        }
    }

    pub(super) const fn is_part(self) -> bool {
        self.part.is_some()
    }

    pub(super) const fn request(self) -> &'a ActionRequest {
        self.facts.request()
    }

    pub(super) fn plan(self) -> Option<&'a Plan> {
        self.request().context.plan.as_ref()
    }

    pub(super) fn lines(self) -> impl Iterator<Item = &'f Line<'a>> {
        each(self.facts.lines(), self.part.map(|part| &*part.lines))
    }

    /// Returns every command of the line, whichever part is looked at.
    pub(super) fn whole_lines(self) -> &'f [Line<'a>] {
        self.facts.lines()
    }

    /// Returns whether the program `name`, which runs a command, is a command of
    /// its own beside it, with all that it is given.
    pub(super) fn lists_runner(self, line: &Line<'_>, name: &str) -> bool {
        let Some(run) = line.command.program.as_ref() else {
            return false;
        };
        self.facts.lines().iter().any(|other| {
            let runs = other.program.name().map(options::base_name) == Some(name);
            let given = &other.command.arguments;
            runs && given.iter().any(|word| word.span.contains(run.span))
        })
    }

    pub(super) fn effects(self) -> impl Iterator<Item = &'a Effect> {
        let effects = &self.request().context.effects;
        each(effects, self.part.map(|part| &*part.effects))
    }

    pub(super) fn paths(self) -> impl Iterator<Item = &'a PathFact> {
        // An effect says itself which facts are about what it is done to.
        let part = self.part.filter(|_| self.effect.is_none());
        let paths = &self.request().context.paths;
        each(paths, part.map(|part| &*part.paths))
            .filter(move |fact| self.effect.is_none_or(|effect| is_path_of(effect, fact)))
    }

    pub(super) fn hosts(self) -> impl Iterator<Item = &'a HostFact> {
        let part = self.part.filter(|_| self.effect.is_none());
        let hosts = &self.request().context.hosts;
        each(hosts, part.map(|part| &*part.hosts))
            .filter(move |fact| self.effect.is_none_or(|effect| is_host_of(effect, fact)))
    }

    /// Returns where the part stands in the text.
    pub(super) fn words(self) -> Vec<Span> {
        match (self.part, self.plan()) {
            (Some(part), _) => part.words.clone(),
            (None, Some(plan)) => plan.commands.iter().map(|command| command.span).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Returns why there may be more paths than are told; as [`View::hidden`].
    pub(super) fn hidden_paths(self, sense: Sense) -> Option<WhyUnknown> {
        match self.effect {
            None => self.hidden(sense),
            Some(effect) => {
                (has_path(effect) && self.paths().next().is_none()).then_some(WhyUnknown::Path)
            }
        }
    }

    /// Returns why there may be more hosts than are told; as [`View::hidden`].
    pub(super) fn hidden_hosts(self, sense: Sense) -> Option<WhyUnknown> {
        match self.effect {
            None => self.hidden(sense),
            Some(effect) => {
                (has_host(effect) && self.hosts().next().is_none()).then_some(WhyUnknown::Host)
            }
        }
    }

    /// Returns why there may be more than the facts show, as far as it matters
    /// in this sense: an allow must know everything, a restriction is only
    /// stirred by what may be any command at all.
    pub(super) fn hidden(self, sense: Sense) -> Option<WhyUnknown> {
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
        if self.request().action == Action::ShellExec {
            return Some(command_line());
        }
        // What such a tool names among its facts is all an allow can be about.
        (!sense.covers()).then_some(WhyUnknown::Touches)
    }

    /// Returns whether something may be run, touched or done that none of the
    /// recorded facts shows.
    pub(super) fn hides_something(self) -> bool {
        let Some(plan) = self.plan() else {
            return self.request().action == Action::ShellExec;
        };
        let unknowns = each(&plan.unknowns, self.part.map(|part| &*part.unknowns));
        unknowns
            .into_iter()
            .any(|unknown| hides_commands(&unknown.cause))
            || self
                .lines()
                .any(|line| matches!(line.program, Program::Unknown))
    }

    /// Returns whether something is not understood at all, be it only code in
    /// another language.
    pub(super) fn is_partial(self) -> bool {
        let has_unknowns = self.plan().is_some_and(|plan| match self.part {
            Some(part) => !part.unknowns.is_empty(),
            None => !plan.unknowns.is_empty(),
        });
        has_unknowns || self.hides_something()
    }

    /// Returns whether the facts are not sure to be the whole of what the
    /// action does, so that nothing can be allowed because of what is not in them.
    fn is_incomplete(self) -> bool {
        match self.request().action {
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
}

/// Returns those of `all` whose places are `chosen`; every one without a choice.
fn each<'t, T>(all: &'t [T], chosen: Option<&[u32]>) -> impl Iterator<Item = &'t T> {
    let count = chosen.map_or(all.len(), <[u32]>::len);
    (0..count).filter_map(move |number| match chosen {
        None => all.get(number),
        Some(chosen) => all.get(*chosen.get(number)? as usize),
    })
}

/// Returns whether an effect is done to something that has a path.
pub(super) fn has_path(effect: &Effect) -> bool {
    let is_of_files = matches!(
        effect.kind,
        EffectKind::Read
            | EffectKind::Write
            | EffectKind::Delete
            | EffectKind::Credential
            | EffectKind::Persistence
    );
    match effect.resource {
        EffectResource::Path(_) => true,
        EffectResource::Unknown => is_of_files,
        EffectResource::Host(_) | EffectResource::Program(_) | EffectResource::Named(_) => false,
    }
}

/// Returns whether an effect is done to something that is a host.
pub(super) fn has_host(effect: &Effect) -> bool {
    match effect.resource {
        EffectResource::Host(_) => true,
        EffectResource::Unknown => {
            matches!(effect.kind, EffectKind::Network | EffectKind::Upload)
        }
        EffectResource::Path(_) | EffectResource::Program(_) | EffectResource::Named(_) => false,
    }
}

/// Returns whether a fact is about the path that an effect is done to, or about
/// one whose content it is about.
pub(super) fn is_path_of(effect: &Effect, fact: &PathFact) -> bool {
    let is_meant = match &effect.resource {
        EffectResource::Path(written) => *written == fact.written,
        EffectResource::Host(_)
        | EffectResource::Program(_)
        | EffectResource::Named(_)
        | EffectResource::Unknown => true,
    };
    is_meant && have_common_cause(&effect.causes, &fact.causes)
}

/// Returns whether a fact is about the host that an effect is done to.
pub(super) fn is_host_of(effect: &Effect, fact: &HostFact) -> bool {
    let is_meant = match &effect.resource {
        EffectResource::Host(written) => *written == fact.written,
        EffectResource::Path(_)
        | EffectResource::Program(_)
        | EffectResource::Named(_)
        | EffectResource::Unknown => true,
    };
    // What flows to a host is caused by where it comes from.
    let is_named = matches!(effect.resource, EffectResource::Host(_));
    is_meant && (is_named || have_common_cause(&effect.causes, &fact.causes))
}

/// Returns whether two things may have the same cause.
fn have_common_cause(one: &[Span], other: &[Span]) -> bool {
    one.is_empty()
        || other.is_empty()
        || one.iter().any(|cause| {
            other
                .iter()
                .any(|it| it.contains(*cause) || cause.contains(*it))
        })
}
