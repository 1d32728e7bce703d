//! Walks a loop turn by turn whose test the text decides.

use super::{Setting, Walk};
use crate::limit::TURNS_MAX;
use crate::syntax::{Kind, Node, Operation, Piece, RawWord, Script};

impl Walk<'_> {
    /// Walks the turns of a loop while its test is known to hold; returns `false`,
    /// and leaves everything as it was, unless the test fails after a few of them.
    pub(super) fn counted(
        &mut self,
        test: &Script,
        body: &Script,
        is_until: bool,
        setting: &Setting,
    ) -> bool {
        if self.may_leave(body) || self.holds(test).is_none() {
            return false;
        }
        let mark = self.around.mark();
        let (commands, unknowns) = (self.plan.commands.len(), self.plan.unknowns.len());
        let traps = self.traps.len();
        let collected = self.collected.clone();
        for _ in 0..=TURNS_MAX {
            let Some(holds) = self.holds(test) else {
                break;
            };
            self.script(test, &setting.turn());
            if holds == is_until || self.has_stopped() {
                return true;
            }
            self.script(body, &setting.turn());
        }
        if self.has_stopped() {
            return true;
        }
        self.plan.commands.truncate(commands);
        self.plan.unknowns.truncate(unknowns);
        self.traps.truncate(traps);
        self.collected = collected;
        self.around.restore(mark);
        false
    }

    /// Returns whether a test of numbers holds, if its text decides that.
    fn holds(&mut self, test: &Script) -> Option<bool> {
        let [item] = test.items.as_slice() else {
            return None;
        };
        let [link] = item.links.as_slice() else {
            return None;
        };
        let [node] = link.pipeline.members.as_slice() else {
            return None;
        };
        if item.background || !node.redirections.is_empty() {
            return None;
        }
        // What the test sets is set when it is walked.
        let mark = self.around.mark();
        let holds = self.node_holds(node);
        self.around.restore(mark);
        holds.map(|holds| holds != link.pipeline.negated)
    }

    fn node_holds(&mut self, node: &Node) -> Option<bool> {
        match &node.kind {
            Kind::Arithmetic(expression) if is_still(expression) => {
                let text = self.single(expression, &Setting::default()).literal()?;
                Some(self.calculate(&text)? != 0)
            }
            Kind::Simple { assignments, words } if assignments.is_empty() => {
                let name = words.first().and_then(RawWord::bare)?;
                let is_own = self.around.function(name).is_some()
                    || !self.around.alias(name).is_empty()
                    || !words.iter().all(is_still);
                if is_own {
                    return None;
                }
                let words = self.words(words, &Setting::default());
                let words: Vec<String> =
                    words.iter().map(|it| it.literal()).collect::<Option<_>>()?;
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                match words.as_slice() {
                    ["[", left, sign, right, "]"] | ["test", left, sign, right] => {
                        compares(left, sign, right)
                    }
                    _ => None,
                }
            }
            Kind::Simple { .. }
            | Kind::Arithmetic(_)
            | Kind::Group(_)
            | Kind::Subshell(_)
            | Kind::If { .. }
            | Kind::Loop { .. }
            | Kind::For { .. }
            | Kind::Count { .. }
            | Kind::Case { .. }
            | Kind::Function { .. }
            | Kind::Test(_)
            | Kind::Coprocess(_) => None,
        }
    }
}

/// Returns whether expanding a word runs nothing, even within an operator.
fn is_still(word: &RawWord) -> bool {
    word.pieces.iter().all(is_still_piece)
}

fn is_still_piece(piece: &Piece) -> bool {
    match piece {
        Piece::Bare(_) | Piece::Quoted(_) | Piece::Glob(_) => true,
        Piece::Parameter(parameter) => {
            parameter.subscript.is_none() && matches!(parameter.operation, Operation::Value)
        }
        Piece::Arithmetic { inner, .. } => inner
            .iter()
            .all(|piece| matches!(piece, Piece::Bare(_) | Piece::Quoted(_))),
        Piece::Substitution { .. } | Piece::Process { .. } | Piece::Array(_) => false,
    }
}

/// Returns how two numbers compare, as `test` reads them.
fn compares(left: &str, sign: &str, right: &str) -> Option<bool> {
    let (left, right): (i64, i64) = (left.parse().ok()?, right.parse().ok()?);
    match sign {
        "-lt" => Some(left < right),
        "-le" => Some(left <= right),
        "-gt" => Some(left > right),
        "-ge" => Some(left >= right),
        "-eq" => Some(left == right),
        "-ne" => Some(left != right),
        _ => None,
    }
}
