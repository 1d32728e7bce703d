//! Policy text, checked.
//!
//! A policy is text in one of several spellings; each parses once into the same
//! [`Policy`], and a `Policy` is always sound. Loading is strict: every problem
//! of a file is found in one pass and told with its place. The crate is given
//! its sources and does no I/O.

mod matcher;
mod pattern;
mod rule;
mod when;

pub use matcher::{
    HostPattern, Matcher, ParamCondition, ParamTest, PathPattern, Scalar, ShellPattern,
};
pub use pattern::{Glob, Pattern};
pub use rule::{Example, Examples, Limit, Place, Policy, Rule, SourceRef, Spelling};
pub use when::{CallsWindow, DayTime, ScopeName, TierBound, TimeWindow, Weekday, When, Zone};
