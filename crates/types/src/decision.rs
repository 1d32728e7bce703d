//! The answer to a request, with everything that led to it.

use std::ops::Not;
use std::sync::Arc;

use aegis_canon::Digest;
use serde::{Deserialize, Serialize};

use crate::approval::ApprovalTerms;
use crate::id::{PolicyName, RuleId};
use crate::obligation::Obligation;
use crate::plan::Span;
use crate::reason::Reason;
use crate::risk::Risk;
use crate::verdict::Verdict;

/// One check's verdict and its cause.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The check that found it.
    pub check: CheckName,
    /// What it says.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// Whether it is an opinion or only a default.
    pub standing: Standing,
    /// The place of the policy among those of the decision, if one is the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<u16>,
    /// The rule, if one is the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// What people and the agent are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Arc<str>>,
    /// The risk the source states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Whether the rule held only because something could not be known.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub unknown: bool,
    /// Whether its policy only observes: the finding is recorded and decides nothing.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub observed: bool,
    /// The words of the command line that it is about; empty when it is about
    /// the call as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Span>,
}

impl Finding {
    /// Returns what the gate itself finds.
    #[must_use]
    pub fn by_gate(verdict: Verdict, reason: Reason, message: &str) -> Self {
        Self {
            check: CheckName::Gate,
            verdict,
            reason,
            standing: Standing::Explicit,
            policy: None,
            rule: None,
            message: Some(Arc::from(message)),
            risk: None,
            unknown: false,
            observed: false,
            words: Vec::new(),
        }
    }
}

/// Whether a finding is an opinion.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// A policy's default: counts only when nothing is explicit.
    Default,
    /// Stated by a rule, a check or a closed policy.
    Explicit,
}

/// The checks, in the order in which they are asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// Guards what Aegis stands on.
    SelfProtection,
    /// Limits calls in a window of time.
    Rate,
    /// Asks the rules of each policy.
    Rules,
    /// The gate itself, when nothing else could answer.
    Gate,
}

impl CheckName {
    /// Returns the wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SelfProtection => "self_protection",
            Self::Rate => "rate",
            Self::Rules => "rules",
            Self::Gate => "gate",
        }
    }
}

/// Whether a policy decides or only watches.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Its findings decide.
    #[default]
    Enforce,
    /// Its findings are recorded and let through.
    Observe,
}

/// A policy as a decision names it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PolicyRef {
    /// Its name.
    pub name: PolicyName,
    /// The digest under which the log keeps it.
    pub digest: Digest,
    /// Whether it is the one that its file holds.
    pub standing: PolicyStanding,
    /// Whether its allows count for nothing, because nobody trusted it.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub only_tightens: bool,
}

/// Whether a policy in force is the one that its file holds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyStanding {
    /// It is.
    #[default]
    Current,
    /// The file is broken or gone; this is the last good one.
    LastGood,
}

/// The answer to one request, as recorded.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The cause on the wire.
    pub reason: Reason,
    /// The finding that decided, among `findings`; absent when none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<u16>,
    /// Every finding, in the order of checks and policies.
    pub findings: Vec<Finding>,
    /// What an edge must do for an allow to hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obligations: Vec<Obligation>,
    /// What the deciding rule says of the approval, when the verdict is an ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalTerms>,
    /// The greatest risk that any deciding finding states.
    pub risk: Risk,
    /// The verdict before policies that only observe were left out, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Verdict>,
    /// The policies that were asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyRef>,
}

impl Decision {
    /// Returns the finding that decided, if one did.
    #[must_use]
    pub fn deciding(&self) -> Option<&Finding> {
        self.decided_by
            .and_then(|index| self.findings.get(usize::from(index)))
    }

    /// Returns whether an opinion, and not only a default, decided.
    #[must_use]
    pub fn is_explicit(&self) -> bool {
        self.deciding()
            .is_some_and(|finding| finding.standing == Standing::Explicit)
    }

    /// Returns a denial with `reason` that the gate itself gives.
    #[must_use]
    pub fn denied_by_gate(reason: Reason, message: &str) -> Self {
        Self {
            verdict: Verdict::Deny,
            reason,
            decided_by: Some(0),
            findings: vec![Finding::by_gate(Verdict::Deny, reason, message)],
            obligations: Vec::new(),
            approval: None,
            risk: Risk::default(),
            observed: None,
            policies: Vec::new(),
        }
    }
}
