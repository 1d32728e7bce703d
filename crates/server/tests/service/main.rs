//! The service over its real socket and port.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod access;
mod approvals;
mod decisions;
mod events;
mod hostile;
mod metrics;
mod named_requests;
mod policy_decide;
mod raw;
mod reading;
mod stage;
mod stream;
