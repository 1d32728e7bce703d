//! The checked form of a policy.

use std::sync::Arc;

use aegis_canon::Digest;
use aegis_types::{ApprovalTerms, Mode, Obligation, PolicyName, Risk, RuleId, Verdict};
use serde::{Deserialize, Serialize};

use crate::matcher::Matcher;
use crate::truth::{Truth, WhyUnknown};
use crate::when::{CallsWindow, When};

/// A checked policy: what every spelling parses into.
///
/// The rules stand in the order in which they are asked: the policy's own, then
/// those of what it extends (child before parent). The first one that holds
/// decides. Mandatory rules stand outside that order and only tighten.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Policy {
    /// Its name.
    pub name: PolicyName,
    /// What it is for.
    pub description: Option<Arc<str>>,
    /// The spelling of its own file.
    pub spelling: Spelling,
    /// What holds when no rule does; absent when it has no opinion.
    pub default: Option<Verdict>,
    /// The risk of what no rule is about.
    pub default_risk: Option<Risk>,
    /// Whether the default counts as an explicit opinion.
    pub closed: bool,
    /// Whether it decides or only watches.
    pub mode: Mode,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
    /// Its limits on calls, which stand outside the order and only tighten.
    pub limits: Vec<Limit>,
    /// The texts it was made of, its own first, then those it extends.
    pub sources: Vec<SourceRef>,
}

/// A text that a policy was made of.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SourceRef {
    /// Its name: a path as given, or `aegis:developer` for a built-in pack.
    pub name: Arc<str>,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// How a policy is written.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Spelling {
    /// `aegis: policy/v1`.
    Native,
    /// A tool firewall: `policies:`.
    Firewall,
    /// Action rules: `rules:`, and `version` or `defaults`.
    ActionRules,
    /// Permission rules of an agent's host: `permissions:` in its settings.
    Permissions,
}

/// One clause of a policy.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Rule {
    /// Its name within the policy.
    pub id: RuleId,
    /// Where it is written.
    pub place: Place,
    /// Whether it stands outside the order and only tightens; never an allow.
    pub mandatory: bool,
    /// Whether it is a base rule of an agent's tier, asked after all others.
    pub tier_base: bool,
    /// Which requests it is about.
    pub matcher: Matcher,
    /// Under which circumstances.
    pub when: When,
    /// What it says.
    pub verdict: Verdict,
    /// Whether what is unknown counts the other way than usual: an allow holds
    /// there, a rule that asks or denies does not.
    pub unknown: bool,
    /// Whether it hides nothing stricter after it where it holds only because
    /// something is unknown.
    pub yields: bool,
    /// The risk it states.
    pub risk: Option<Risk>,
    /// What people and the agent are told.
    pub message: Option<Arc<str>>,
    /// How an approval is sought; absent means the usual terms.
    pub approval: Option<ApprovalTerms>,
    /// Under which obligations an allow, or a granted ask, holds.
    pub obligations: Vec<Obligation>,
    /// Calls that it must and must not match; checked before the policy becomes active.
    pub examples: Examples,
}

impl Rule {
    /// Returns whether the rule counts where it cannot be told whether it holds.
    pub(crate) fn counts_unknown(&self) -> bool {
        // What only tightens does so whatever it says of the unknown.
        let is_turned = self.unknown && !self.mandatory;
        Truth::Unknown(WhyUnknown::Pattern).satisfies(self.verdict, is_turned)
    }
}

/// Where something is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Place {
    /// The place of the text among the policy's sources.
    pub source: u16,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

/// Example calls of a rule: command lines for a shell, or tool calls.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Examples {
    /// Calls that the rule must match.
    pub matches: Vec<Example>,
    /// Calls that it must not match.
    pub misses: Vec<Example>,
}

/// One example call.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Example {
    /// Where it is written.
    pub place: Place,
    /// The tool.
    pub tool: Arc<str>,
    /// The arguments, as JSON text.
    pub params: Arc<str>,
}

/// A limit on calls in a window of time.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Limit {
    /// Its name within the policy.
    pub id: RuleId,
    /// Where it is written.
    pub place: Place,
    /// Which requests it counts and concerns.
    pub matcher: Matcher,
    /// How many, in how long, counted how.
    pub calls: CallsWindow,
    /// What happens beyond it: ask or deny.
    pub verdict: Verdict,
    /// What people and the agent are told.
    pub message: Option<Arc<str>>,
}
