//! The program `aegis` as people and programs meet it: every command, built and
//! started for real, in a home of its own.
//!
//! What people read is kept as snapshots. Look at them as at a design.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod running;
mod stage;
mod suggest;
mod suggest_score;
mod terminal;

#[path = "../../../tls/tests/tls/authority.rs"]
#[allow(dead_code)]
mod authority;

mod about;
mod agents;
mod always;
mod approvals;
mod compare;
mod control_plane;
mod crowds;
mod demo;
mod deploy;
mod doctor;
mod exits;
mod explain;
mod faults;
mod guide;
mod hook;
mod init;
mod install;
mod keep;
mod log;
mod policy;
mod policy_lint;
mod policy_test;
mod project;
mod pruning;
mod readme;
mod serve;
mod server;
mod service;
mod tampering;
mod tls;
mod unchained;
mod validate;
