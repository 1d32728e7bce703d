//! The service under an account of its own, put in place for real on a machine
//! of its own, and what an agent may do against it.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing
)]

mod stage;

mod client;
mod doctor;
mod guide;
mod hostile;
mod install;
mod own_account;
mod unit;
