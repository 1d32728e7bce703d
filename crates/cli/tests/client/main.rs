//! Real clients, offline, against a scripted model.
//!
//! `cargo xtask test` fetches the clients. Each test names what it expects of
//! each version, because what a client does with a hook differs between them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod approvals;
mod attacks;
mod contract;
mod decisions;
mod editor;
mod faults;
mod governed;
mod installation;
mod mcp;
mod permissions;
mod settings;
mod stage;
