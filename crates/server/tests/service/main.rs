//! The service over its real socket and port.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "../../../tls/tests/tls/authority.rs"]
#[allow(dead_code)]
mod authority;

mod access;
mod approvals;
mod decisions;
mod events;
mod hostile;
mod metrics;
mod named_requests;
mod places;
mod policy_decide;
mod raw;
mod reading;
mod secure;
mod secured;
mod stage;
mod stream;
