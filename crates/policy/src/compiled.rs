//! A policy made ready for deciding.

use aegis_canon::Digest;

use crate::holds::Facts;
use crate::rule::{Limit, Policy, Rule};

/// A policy together with an index of its rules.
#[derive(Debug)]
pub struct Compiled {
    policy: Policy,
    digest: Digest,
}

impl Compiled {
    /// Makes `policy`, which the log keeps under `digest`, ready for deciding.
    #[must_use]
    pub const fn new(policy: Policy, digest: Digest) -> Self {
        Self { policy, digest }
    }

    /// Returns the policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the digest under which the log keeps the policy.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the ordered rules that may hold, in their order.
    ///
    /// No rule is left out that holds or of which it cannot be told.
    pub fn candidates<'a>(&'a self, _: &Facts<'_>) -> impl Iterator<Item = &'a Rule> {
        self.policy.rules.iter().filter(|rule| !rule.mandatory)
    }

    /// Returns the mandatory rules that may hold, in their order.
    pub fn mandatory_candidates<'a>(&'a self, _: &Facts<'_>) -> impl Iterator<Item = &'a Rule> {
        self.policy.rules.iter().filter(|rule| rule.mandatory)
    }

    /// Returns the limits that may concern the request, in their order.
    pub fn limit_candidates<'a>(&'a self, _: &Facts<'_>) -> impl Iterator<Item = &'a Limit> {
        self.policy.limits.iter()
    }
}
