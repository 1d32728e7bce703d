//! What a log promises, shown on the file and in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    missing_docs
)]

mod making;
mod one_chain;

mod child;

mod appending;
mod formats;
mod index;
mod keeping;
mod power_cut;
mod processes;
mod pruning;
mod queries;
mod unchained;
mod verifying;
mod writers;
