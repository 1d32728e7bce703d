//! A policy made ready for deciding.

use std::sync::OnceLock;

use aegis_canon::Digest;
use aegis_types::{DurationMs, Mode, PolicyName, Risk, Verdict};

use crate::cache::StoredRules;
use crate::holds::Facts;
use crate::index::Index;
use crate::rule::{Limit, Policy, Rule, SourceRef};
use crate::when::ScopeName;

/// A policy together with an index of its rules.
///
/// The index is made when it is first needed; regular expressions are compiled
/// when a request first reaches them, and rules of a cached policy are read
/// only then.
#[derive(Debug)]
pub struct Compiled {
    /// The policy; without its rules while they are only stored.
    head: Policy,
    /// The rules of a cached policy.
    stored: Option<StoredRules>,
    /// A cached policy with its rules.
    whole: OnceLock<Policy>,
    digest: Digest,
    index: OnceLock<Index>,
}

impl Compiled {
    /// Makes `policy`, which the log keeps under `digest`, ready for deciding.
    #[must_use]
    pub const fn new(policy: Policy, digest: Digest) -> Self {
        Self {
            head: policy,
            stored: None,
            whole: OnceLock::new(),
            digest,
            index: OnceLock::new(),
        }
    }

    /// Returns a policy whose rules and index were made before.
    pub(crate) fn of_cache(
        head: Policy,
        stored: StoredRules,
        digest: Digest,
        index: Index,
    ) -> Self {
        Self {
            head,
            stored: Some(stored),
            whole: OnceLock::new(),
            digest,
            index: OnceLock::from(index),
        }
    }

    /// Returns the policy.
    ///
    /// Of a cached one, this reads all rules; what is needed to decide has
    /// methods of its own, which do not.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        match &self.stored {
            None => &self.head,
            Some(stored) => self.whole.get_or_init(|| Policy {
                rules: stored.read_all(),
                ..self.head.clone()
            }),
        }
    }

    /// Returns the name of the policy.
    #[must_use]
    pub const fn name(&self) -> &PolicyName {
        &self.head.name
    }

    /// Returns whether the policy decides or only watches.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.head.mode
    }

    /// Returns what holds when no rule does.
    #[must_use]
    pub const fn default_verdict(&self) -> Option<Verdict> {
        self.head.default
    }

    /// Returns the risk of what no rule is about.
    #[must_use]
    pub const fn default_risk(&self) -> Option<Risk> {
        self.head.default_risk
    }

    /// Returns whether the default counts as an explicit opinion.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.head.closed
    }

    /// Returns the texts the policy was made of.
    #[must_use]
    pub fn sources(&self) -> &[SourceRef] {
        &self.head.sources
    }

    /// Returns the digest under which the log keeps the policy.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns, for each scope in which calls are counted, the longest window.
    #[must_use]
    pub fn memory(&self) -> &[(ScopeName, DurationMs)] {
        &self.index().memory
    }

    /// Returns the index.
    pub(crate) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(self.policy()))
    }

    fn rule(&self, place: u32) -> Option<&Rule> {
        match &self.stored {
            None => self.head.rules.get(place as usize),
            Some(stored) => stored.read(place as usize),
        }
    }

    /// Returns the rules in order that may hold.
    ///
    /// No rule is left out that holds or of which it cannot be told; finding
    /// them costs nearly the same however many rules there are.
    pub fn candidates<'a>(&'a self, facts: &Facts<'_>) -> impl Iterator<Item = &'a Rule> + use<'a> {
        let places = self.index().ordered.candidates(facts);
        places.filter_map(|place| self.rule(place))
    }

    /// Returns the mandatory rules that may hold; as [`Compiled::candidates`].
    pub fn mandatory_candidates<'a>(
        &'a self,
        facts: &Facts<'_>,
    ) -> impl Iterator<Item = &'a Rule> + use<'a> {
        let places = self.index().mandatory.candidates(facts);
        places.filter_map(|place| self.rule(place))
    }

    /// Returns the limits that may concern the request; as [`Compiled::candidates`].
    pub fn limit_candidates<'a>(
        &'a self,
        facts: &Facts<'_>,
    ) -> impl Iterator<Item = &'a Limit> + use<'a> {
        let places = self.index().limits.candidates(facts);
        places.filter_map(|place| self.head.limits.get(place as usize))
    }
}
