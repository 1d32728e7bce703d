//! The two senses of a condition on many things.

use aegis_types::Verdict;

use crate::truth::{Truth, WhyNot, WhyUnknown, any, every};

/// How deep conditions may lie within each other; deeper ones are unknown.
pub(super) const DEPTH_MAX: u8 = 32;

/// In which sense a condition on many things is meant.
///
/// A restriction is about a request that *touches* one of the things it names;
/// an allow needs that what it names *covers* everything that is touched. Under
/// `not` each turns into the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sense {
    pub(super) permits: bool,
    negated: bool,
    depth: u8,
}

impl Sense {
    pub(crate) const fn of(verdict: Verdict) -> Self {
        Self {
            permits: match verdict {
                Verdict::Allow => true,
                Verdict::Ask | Verdict::Deny => false,
            },
            negated: false,
            depth: 0,
        }
    }

    /// Returns whether everything must be among what is named, not just one thing.
    pub(super) const fn covers(self) -> bool {
        self.permits != self.negated
    }

    /// Returns whether the condition lies too deep to be followed.
    pub(super) const fn is_too_deep(self) -> bool {
        self.depth > DEPTH_MAX
    }

    pub(super) const fn deeper(self) -> Self {
        Self {
            depth: self.depth.saturating_add(1),
            ..self
        }
    }

    pub(super) const fn flipped(self) -> Self {
        Self {
            negated: !self.negated,
            ..self
        }
    }

    /// Combines the truths of all things that are touched.
    ///
    /// `hidden` is the cause when there may be more of them than the facts show.
    pub(super) fn combine(
        self,
        parts: impl Iterator<Item = Truth>,
        hidden: Option<WhyUnknown>,
        why: impl FnOnce() -> WhyNot,
    ) -> Truth {
        let mut parts = parts.peekable();
        if self.covers() {
            if self.permits && parts.peek().is_none() {
                return hidden.map_or_else(|| Truth::No(why()), Truth::Unknown);
            }
            every(parts).and(|| hidden.map_or(Truth::Yes, Truth::Unknown))
        } else {
            any(&mut parts, why).or(|| hidden.map_or(Truth::No(WhyNot::Path), Truth::Unknown))
        }
    }
}
