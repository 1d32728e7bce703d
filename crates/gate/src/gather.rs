//! Facts about the world, gathered before deciding: the only I/O of a decision.

pub(crate) mod glob;
pub(crate) mod resolve;
