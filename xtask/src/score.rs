//! Scoring what is decided: our own labelled sets, and the machinery that the
//! public ones share with them.

mod decider;
mod project;

pub use decider::{Answer, Call, Decider};
