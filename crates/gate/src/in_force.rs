//! The policies that decide.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use aegis_canon::Digest;
use aegis_engine::Attached;
use aegis_policy::Compiled;
use aegis_types::PolicyStanding;
use serde_json::{Value, json};

use crate::settings::Origin;

/// A policy in force.
#[derive(Clone, Debug)]
pub struct PolicyInForce {
    /// The policy, ready for deciding.
    pub compiled: Arc<Compiled>,
    /// Its document, which the log keeps under its digest.
    pub document: Arc<[u8]>,
    /// Whether it is the one that its file holds.
    pub standing: PolicyStanding,
    /// Whether its allows count for nothing, because nobody trusted it.
    pub only_tightens: bool,
    /// Whose it is; `Default` for the built-in pack.
    pub origin: Origin,
    /// Its file; absent for the built-in pack.
    pub path: Option<PathBuf>,
}

/// A policy file that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RejectedPolicy {
    /// The file.
    pub path: PathBuf,
    /// The digest of what it holds; absent if it cannot be read.
    pub content: Option<Digest>,
    /// What is wrong, for people.
    pub cause: String,
    /// The last good policy that stays in force instead; absent if there is none.
    pub last_good: Option<Digest>,
}

/// The policies in force at one moment.
#[derive(Clone, Debug, Default)]
pub struct InForce {
    /// The policies, side by side.
    pub policies: Vec<PolicyInForce>,
    /// Why nothing can be decided, for people. Every action is then denied.
    pub fault: Option<String>,
    /// Policy files that cannot be used.
    pub rejected: Vec<RejectedPolicy>,
}

impl InForce {
    /// Returns the policies as the engine takes them.
    #[must_use]
    pub fn attached(&self) -> Vec<Attached<'_>> {
        self.policies
            .iter()
            .map(|policy| Attached {
                policy: &policy.compiled,
                standing: policy.standing,
                only_tightens: policy.only_tightens,
            })
            .collect()
    }

    /// Returns the digest that changes when any policy does, or its weight.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let policies: Vec<Value> = self
            .policies
            .iter()
            .map(|policy| {
                json!({
                    "digest": policy.compiled.digest().to_string(),
                    "only_tightens": policy.only_tightens,
                })
            })
            .collect();
        Digest::of_value(&Value::Array(policies))
    }

    /// Returns the documents of the policies, by digest.
    #[must_use]
    pub fn documents(&self) -> Vec<(Digest, Arc<[u8]>)> {
        self.policies
            .iter()
            .map(|policy| (policy.compiled.digest(), Arc::clone(&policy.document)))
            .collect()
    }
}

/// Tells which policies are in force.
pub trait Policies: Send + Sync {
    /// Returns the policies in force at this moment.
    fn in_force(&self) -> Arc<InForce>;
}

/// Policies that stay as they are until they are replaced.
#[derive(Debug, Default)]
pub struct FixedPolicies(Mutex<Arc<InForce>>);

impl FixedPolicies {
    /// Returns policies that are in force from now on.
    #[must_use]
    pub fn new(in_force: InForce) -> Self {
        Self(Mutex::new(Arc::new(in_force)))
    }

    /// Replaces all policies.
    pub fn replace(&self, in_force: InForce) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(in_force);
    }
}

impl Policies for FixedPolicies {
    fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
