//! Commands in substitutions, and what comes out of them until a word takes it up.

use aegis_types::{Command, Span, Wrapper};

use super::flow::Mask;

/// Where a command stands among substitutions.
///
/// Text that is put together has one place for all that is in it, so that places
/// alone do not tell a command from one that stands in a word of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inner {
    span: Span,
    /// Within how many substitutions.
    depth: usize,
}

/// What comes out of commands in substitutions that no word has taken up.
#[derive(Debug, Default)]
pub(super) struct Pending {
    list: Vec<(Inner, Mask)>,
}

impl Inner {
    /// Returns where `command` stands.
    pub(super) fn of(command: &Command) -> Self {
        let is_substitution = |wrapper: &&Wrapper| {
            matches!(
                wrapper,
                Wrapper::Substitution | Wrapper::ProcessSubstitution
            )
        };
        Self {
            span: command.span,
            depth: command.through.iter().filter(is_substitution).count(),
        }
    }

    /// Returns the place of its text.
    pub(super) fn span(self) -> Span {
        self.span
    }

    /// Returns whether it stands in a word of the command `outer`.
    pub(super) fn is_within(self, outer: Self) -> bool {
        outer.span.contains(self.span) && outer.depth < self.depth
    }
}

impl Pending {
    /// Adds what comes out of a command, if that is in a substitution.
    pub(super) fn add(&mut self, inner: Inner, mask: Mask) {
        if inner.depth > 0 && mask != 0 {
            self.list.push((inner, mask));
        }
    }

    /// Removes what stood in substitutions of the command `outer`.
    pub(super) fn take_up(&mut self, outer: Inner) {
        while let Some((last, _)) = self.list.last()
            && last.is_within(outer)
        {
            self.list.pop();
        }
    }

    /// Returns what comes out of the substitutions within a place.
    pub(super) fn inside(&self, span: Span) -> Mask {
        let within = self.list.iter();
        let within = within.filter(|(inner, _)| span.contains(inner.span));
        within.fold(0, |all, (_, mask)| all | mask)
    }

    /// Returns all of it.
    pub(super) fn all(&self) -> Mask {
        self.list.iter().fold(0, |all, (_, mask)| all | mask)
    }
}
