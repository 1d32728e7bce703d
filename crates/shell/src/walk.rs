//! Walks the tree of a text and lists what it runs.

mod choice;
mod compound;
mod counted;
mod flow;
mod repeat;
mod scan;
mod setting;

use std::collections::BTreeSet;

use aegis_types::{
    Command, Condition, Dialect, Place, Plan, Span, Unknown, UnknownCause, Word, Wrapper,
};

use crate::embed::Embedded;
use crate::limit::Limits;
use crate::output::{Collected, Output};
use crate::surroundings::{Ending, Mark, Saved, Surroundings};
use crate::syntax::{After, Item, Kind, Link, Node, Origin, Parser, Pipeline, Script, Stop};

pub(crate) use choice::{Choices, WAYS_MAX};
use scan::{item_reads, pipeline_reads, script_reads};

pub(crate) use flow::is_nothing;
pub(crate) use setting::{Setting, is_strict};

/// A variable that a function has made local.
pub(crate) struct Local {
    /// What it was.
    pub(crate) saved: Saved,
    /// Whether it surely is local.
    pub(crate) is_sure: bool,
}

/// What may be there after a function, or a file that is read.
pub(crate) struct Returns {
    /// Where it began.
    pub(crate) from: Mark,
    /// What it came to wherever it ended early.
    pub(crate) endings: Vec<Ending>,
}

/// What is known while a text is walked.
pub(crate) struct Walk<'t> {
    /// The text that was given first.
    pub(crate) source: &'t str,
    pub(crate) plan: Plan,
    pub(crate) around: Surroundings,
    pub(crate) limits: Limits,
    /// What stands in texts that are made of more than text.
    pub(crate) embedded: Embedded,
    /// What the variables were that the function being followed has made local.
    pub(crate) locals: Vec<Local>,
    /// What the function or the file being followed may come to before its end.
    pub(crate) returns: Option<Returns>,
    /// The functions that were called.
    pub(crate) called: BTreeSet<String>,
    /// Which of several values words take; `None` where what they are is left open.
    pub(crate) choices: Option<Choices>,
    /// What the commands walked so far write to the output that is collected.
    pub(crate) collected: Collected,
    /// What the process substitutions of the present command write, by their place.
    pub(crate) streams: Vec<(Span, Output)>,
    /// What traps run, where they stand and how they are reached.
    pub(crate) traps: Vec<(Word, Span, Setting)>,
    /// Whether the shell itself may read from elsewhere than it began to.
    pub(crate) has_other_input: bool,
    /// Whether what is walked is what a tool has found in files.
    pub(crate) is_found: bool,
    pipelines: u32,
    has_stopped: bool,
}

impl<'t> Walk<'t> {
    /// Starts with nothing known.
    pub(crate) fn new(source: &'t str) -> Self {
        Self {
            source,
            plan: Plan {
                dialect: Dialect::Bash,
                ..Plan::default()
            },
            around: Surroundings::default(),
            limits: Limits::new(),
            embedded: Embedded::default(),
            locals: Vec::new(),
            returns: None,
            called: BTreeSet::new(),
            choices: None,
            collected: Collected::default(),
            streams: Vec::new(),
            traps: Vec::new(),
            has_other_input: false,
            is_found: false,
            pipelines: 0,
            has_stopped: false,
        }
    }

    /// Notes something that may run commands that are not listed.
    pub(crate) fn note(&mut self, span: Span, cause: UnknownCause) {
        let unknown = Unknown { span, cause };
        if self.plan.unknowns.last() != Some(&unknown) {
            self.plan.unknowns.push(unknown);
        }
    }

    /// Notes once that the text is too complex, and stops.
    pub(crate) fn stop(&mut self, span: Span) {
        if !self.has_stopped {
            self.has_stopped = true;
            self.note(span, UnknownCause::TooComplex);
        }
    }

    /// Returns whether the walk has stopped.
    pub(crate) fn has_stopped(&self) -> bool {
        self.has_stopped
    }

    /// Adds a command to the plan.
    pub(crate) fn push(&mut self, command: Command) {
        let words = 1 + command.arguments.len() + command.redirections.len();
        if self.has_stopped || !self.limits.take_command(words) {
            self.stop(command.span);
            return;
        }
        self.plan.commands.push(command);
    }

    /// Walks a text that is shell code.
    pub(crate) fn text(&mut self, text: &str, origin: Origin, setting: &Setting) {
        let whole = origin.span(0, text.len());
        if !self.limits.take_read(text.len()) {
            self.stop(whole);
            return;
        }
        let mut parser = Parser::new(text, origin, setting.depth);
        let mut begun = None;
        while !self.has_stopped {
            let start = parser.position();
            let cause = match parser.batch() {
                Ok(Some(script)) => {
                    let setting = begun.as_ref().unwrap_or(setting);
                    self.script(&script, setting);
                    begun = setting.behind(|| script_reads(&script)).or(begun);
                    continue;
                }
                Ok(None) => return,
                Err(Stop::Syntax) => UnknownCause::Syntax,
                Err(Stop::TooComplex) => UnknownCause::TooComplex,
            };
            self.note(origin.span(start, text.len()), cause);
            return;
        }
    }

    /// Walks a list.
    pub(crate) fn script(&mut self, script: &Script, setting: &Setting) {
        self.script_from(script, setting, setting);
    }

    /// Walks a list whose first member is reached through `first`.
    fn script_from(&mut self, script: &Script, first: &Setting, rest: &Setting) {
        // Each of its commands makes choices of its own.
        let outer = self.choices.take();
        let mut begun = None;
        for (position, item) in script.items.iter().enumerate() {
            let setting = if position == 0 { first } else { rest };
            let setting = begun.as_ref().unwrap_or(setting);
            if item.background {
                self.own_shell(|walk| walk.item(item, &setting.in_background()));
            } else {
                self.item(item, setting);
            }
            begun = begun.or_else(|| rest.behind(|| item_reads(item)));
        }
        self.choices = outer;
    }

    /// Walks pipelines joined by `&&` and `||`.
    ///
    /// The first one is taken to succeed when nothing waits for its failure:
    /// after `cd a; make`, `make` runs in `a`.
    fn item(&mut self, item: &Item, setting: &Setting) {
        // What changed before this mark and may not have happened is uncertain already.
        let mut settled = self.around.mark();
        let mut uncertain = None;
        let mut is_negated = false;
        let mut begun = None;
        for (position, Link { after, pipeline }) in item.links.iter().enumerate() {
            let setting = begun.as_ref().unwrap_or(setting);
            match after {
                After::Nothing => self.pipeline(pipeline, setting),
                After::Success => {
                    uncertain.get_or_insert_with(|| self.around.mark());
                    let condition = match is_negated {
                        true => Condition::AfterFailure,
                        false => Condition::AfterSuccess,
                    };
                    self.pipeline(pipeline, &setting.when(condition));
                }
                After::Failure => {
                    let before = self.around.mark();
                    self.around.blur(settled);
                    self.pipeline(pipeline, &setting.when(Condition::AfterFailure));
                    if leaves(pipeline) {
                        // Whatever follows is reached only if all before succeeded.
                        self.around.restore(before);
                        uncertain = None;
                    } else {
                        // Whether it ran is open, also for what follows `&&`.
                        self.around.blur(settled);
                        settled = self.around.mark();
                        uncertain = Some(settled);
                    }
                }
            }
            is_negated = pipeline.negated;
            let has_more = position + 1 < item.links.len();
            begun = setting
                .behind(|| has_more && pipeline_reads(pipeline))
                .or(begun);
        }
        if let Some(mark) = uncertain {
            self.around.blur(mark);
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, setting: &Setting) {
        let timed;
        let setting = if pipeline.timed {
            timed = setting.within(Wrapper::Program("time".to_owned()));
            &timed
        } else {
            setting
        };
        if let [node] = pipeline.members.as_slice() {
            let place = setting.place.unwrap_or_else(|| self.place(0, 1));
            self.node(node, &setting.at(place));
            return;
        }
        let number = self.pipelines;
        self.pipelines = self.pipelines.saturating_add(1);
        let length = u32::try_from(pipeline.members.len()).unwrap_or(u32::MAX);
        let mut input = setting.input.clone();
        for (position, node) in (0..).zip(&pipeline.members) {
            let place = Place {
                pipeline: number,
                position,
                length,
                ..Place::default()
            };
            let mut member = setting.at(place).reading(input.take());
            if position > 0 && matches!(node.kind, Kind::Group(_) | Kind::Subshell(_)) {
                member = member.with_own_input();
            }
            if position + 1 == length {
                self.own_shell(|walk| walk.node(node, &member));
            } else {
                let member = member.collected();
                let walk_member = |walk: &mut Self| walk.own_shell(|walk| walk.node(node, &member));
                input = Some(self.captured(walk_member));
            }
        }
    }

    fn place(&mut self, position: u32, length: u32) -> Place {
        let number = self.pipelines;
        self.pipelines = self.pipelines.saturating_add(1);
        Place {
            pipeline: number,
            position,
            length,
            ..Place::default()
        }
    }

    /// Walks one command, simple or compound.
    pub(crate) fn node(&mut self, node: &Node, setting: &Setting) {
        if self.has_stopped {
            return;
        }
        if !self.limits.take_step() || setting.is_too_deep() {
            self.stop(node.span);
            return;
        }
        if let Kind::Simple { assignments, words } = &node.kind {
            self.simple(node, assignments, words, setting);
        } else {
            self.compound(node, setting);
        }
    }
}

/// Returns whether nothing after `pipeline` runs once it has run.
fn leaves(pipeline: &Pipeline) -> bool {
    let [node] = pipeline.members.as_slice() else {
        return false;
    };
    match &node.kind {
        Kind::Simple { words, .. } => words
            .first()
            .and_then(|word| word.bare())
            .is_some_and(|word| matches!(word, "exit" | "return" | "break" | "continue")),
        Kind::Group(script) => script
            .items
            .last()
            .filter(|item| !item.background)
            .is_some_and(|item| matches!(item.links.as_slice(), [link] if leaves(&link.pipeline))),
        Kind::Subshell(_)
        | Kind::If { .. }
        | Kind::Loop { .. }
        | Kind::For { .. }
        | Kind::Count { .. }
        | Kind::Case { .. }
        | Kind::Function { .. }
        | Kind::Test(_)
        | Kind::Arithmetic(_)
        | Kind::Coprocess(_) => false,
    }
}
