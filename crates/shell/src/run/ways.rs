//! Goes every way in which a simple command can be read.

use aegis_types::Command;

use crate::surroundings::Mark;
use crate::syntax::{Node, RawAssignment, RawWord};
use crate::walk::{Choices, Setting, WAYS_MAX, Walk};

impl Walk<'_> {
    /// Walks a simple command, every way in which its words can be read.
    pub(crate) fn simple(
        &mut self,
        node: &Node,
        assignments: &[RawAssignment],
        words: &[RawWord],
        setting: &Setting,
    ) {
        let outer = self.choices.replace(Choices::default());
        let streams = std::mem::take(&mut self.streams);
        let collected = self.collected.clone();
        let (commands, unknowns) = (self.plan.commands.len(), self.plan.unknowns.len());
        let mark = self.around.mark();
        self.simple_once(node, assignments, words, setting);
        if self.choices.as_ref().is_some_and(Choices::is_any) && !self.has_stopped() {
            // No way is sure: the first one is gone again as one that may be.
            self.plan.commands.truncate(commands);
            self.plan.unknowns.truncate(unknowns);
            self.collected = collected;
            self.around.restore(mark);
            let setting = setting.perhaps();
            self.every_way(mark, |walk| {
                let end = walk.plan.commands.len();
                walk.simple_once(node, assignments, words, &setting);
                walk.forget_repeated(commands, end);
            });
        }
        self.choices = outer;
        self.streams = streams;
    }

    /// Goes every way, each from what was there before; what then is, one of them made.
    fn every_way(&mut self, mark: Mark, go: impl Fn(&mut Self)) {
        self.choices = Some(Choices::default());
        let mut endings = Vec::new();
        loop {
            self.streams.clear();
            go(self);
            endings.push(self.around.ending(mark));
            if !self.choices.as_mut().is_some_and(Choices::turn) {
                break;
            }
            if endings.len() == WAYS_MAX {
                // The rest is one way on which the words are left open.
                self.choices = None;
            }
        }
        self.join(&endings);
    }

    /// Takes commands from the end of the plan that stand between `start` and `end` as well.
    pub(crate) fn forget_repeated(&mut self, start: usize, end: usize) {
        if end >= self.plan.commands.len() {
            return;
        }
        let others = self.plan.commands.split_off(end);
        let before = self.plan.commands.get(start..).unwrap_or_default();
        let is_known = |command: &Command| {
            before.iter().any(|known| {
                known.span == command.span
                    && known.program == command.program
                    && known.arguments == command.arguments
                    && known.assignments == command.assignments
                    && known.redirections == command.redirections
                    && known.directory == command.directory
                    && known.through == command.through
            })
        };
        let kept: Vec<Command> = others.into_iter().filter(|it| !is_known(it)).collect();
        self.plan.commands.extend(kept);
    }
}
