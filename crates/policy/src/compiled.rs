//! A policy made ready for deciding.

use std::sync::OnceLock;

use aegis_canon::Digest;

use crate::holds::Facts;
use crate::index::Index;
use crate::rule::{Limit, Policy, Rule};

/// A policy together with an index of its rules.
///
/// The index is made when it is first needed; regular expressions are compiled
/// when a request first reaches them.
#[derive(Debug)]
pub struct Compiled {
    pub(crate) policy: Policy,
    pub(crate) digest: Digest,
    index: OnceLock<Index>,
}

impl Compiled {
    /// Makes `policy`, which the log keeps under `digest`, ready for deciding.
    #[must_use]
    pub const fn new(policy: Policy, digest: Digest) -> Self {
        Self {
            policy,
            digest,
            index: OnceLock::new(),
        }
    }

    /// Returns a policy with an index that was made before.
    pub(crate) fn with_index(policy: Policy, digest: Digest, index: Index) -> Self {
        Self {
            policy,
            digest,
            index: OnceLock::from(index),
        }
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

    /// Returns the index.
    pub(crate) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(&self.policy))
    }

    /// Returns the rules in order that may hold.
    ///
    /// No rule is left out that holds or of which it cannot be told; finding
    /// them costs nearly the same however many rules there are.
    pub fn candidates<'a>(&'a self, facts: &Facts<'_>) -> impl Iterator<Item = &'a Rule> + use<'a> {
        let places = self.index().ordered.candidates(facts);
        places.filter_map(|place| self.policy.rules.get(place as usize))
    }

    /// Returns the mandatory rules that may hold; as [`Compiled::candidates`].
    pub fn mandatory_candidates<'a>(
        &'a self,
        facts: &Facts<'_>,
    ) -> impl Iterator<Item = &'a Rule> + use<'a> {
        let places = self.index().mandatory.candidates(facts);
        places.filter_map(|place| self.policy.rules.get(place as usize))
    }

    /// Returns the limits that may concern the request; as [`Compiled::candidates`].
    pub fn limit_candidates<'a>(
        &'a self,
        facts: &Facts<'_>,
    ) -> impl Iterator<Item = &'a Limit> + use<'a> {
        let places = self.index().limits.candidates(facts);
        places.filter_map(|place| self.policy.limits.get(place as usize))
    }
}
