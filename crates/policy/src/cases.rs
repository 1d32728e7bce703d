//! Tests of a policy: calls, and what must be said of each.

mod read;
mod request;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use aegis_types::{
    ActionRequest, AgentId, EffectKind, Mode, Reason, RuleId, Tier, Timestamp, UserId, Verdict,
};

use crate::problem::{Problem, ProblemCode, Problems, Severity};
use crate::rule::{Example, Place};
use crate::source::Source;

/// What the format of a file of tests begins with.
pub(crate) const FORMAT: &str = "policy-tests";

/// The tests that one file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyTests {
    /// The policy that is tested.
    pub policy: TestedPolicy,
    /// The cases, in order.
    pub cases: Vec<Case>,
}

/// The policy that a file of tests names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TestedPolicy {
    /// A path relative to the folder of the file, or a pack such as `aegis:developer`.
    pub name: Arc<str>,
    /// Where it is written.
    pub place: Place,
    /// The bytes it is written in.
    pub span: Range<usize>,
}

impl TestedPolicy {
    /// Returns the problem that the policy cannot be read because of `cause`.
    #[must_use]
    pub fn unreadable(&self, cause: &str) -> Problem {
        Problem {
            severity: Severity::Error,
            code: ProblemCode::Unreadable,
            place: self.place,
            span: self.span.clone(),
            message: cause.to_owned(),
            help: Some("the path is relative to the folder of this file".to_owned()),
            suggestion: None,
            related: None,
        }
    }
}

/// One call, and what must be said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Where it is written.
    pub place: Place,
    /// What it shows, in the words of its author.
    pub name: Option<Arc<str>>,
    /// The call.
    pub asked: Asked,
    /// Under which circumstances, those of the file included.
    pub circumstances: Circumstances,
    /// What must be said of it.
    pub expected: Expected,
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// A call of a tool, whose facts are gathered like those of a rule's example.
    Call(Example),
    /// A request with all its facts.
    Request(Box<ActionRequest>),
}

/// Under which circumstances a call is made; what is absent is that of an example.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Circumstances {
    /// The working directory.
    pub workspace: Option<Arc<str>>,
    /// The agent.
    pub agent: Option<AgentId>,
    /// The kind of sub-agent that acts.
    pub subagent: Option<Arc<str>>,
    /// For whom the agent acts.
    pub user: Option<UserId>,
    /// The skill that is active.
    pub skill: Option<Arc<str>>,
    /// The label of the environment.
    pub environment: Option<Arc<str>>,
    /// The agent's tier.
    pub tier: Option<Tier>,
    /// The origins that the data carries.
    pub taint: BTreeSet<Arc<str>>,
    /// When it is made.
    pub at: Option<Timestamp>,
    /// How many calls of the same tool the agent has just made in the session.
    pub earlier_calls: Option<u32>,
    /// Whether the policy decides or only watches, whatever it says itself.
    pub mode: Option<Mode>,
}

/// What must be said of a call; what is absent may be anything.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expected {
    /// The verdict.
    pub verdict: Verdict,
    /// The rule that decides.
    pub rule: Option<RuleId>,
    /// The reason of the decision.
    pub reason: Option<Reason>,
    /// Effects that the call has, others beside them or not.
    pub effect: Vec<EffectKind>,
}

/// Parses a file of tests.
///
/// # Errors
///
/// All [`Problems`] of the file, in the order of its lines.
pub fn parse_tests(source: &Source) -> Result<PolicyTests, Problems> {
    read::tests(source).map_err(|problems| Problems(problems, vec![source.clone()]))
}
