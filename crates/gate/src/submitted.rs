//! What the gate answers.

use aegis_types::{ActionRequest, Approval, Decision, Verdict};

use crate::approvals::may_answer_in_host;

/// The gate's answer to a proposal.
#[derive(Clone, Debug, PartialEq)]
pub struct Submitted {
    /// The request with its facts, as it was decided. It may hold secrets.
    pub request: ActionRequest,
    /// The answer. `Ask` only with [`WaitFor::Later`](crate::WaitFor::Later) or
    /// [`WaitFor::Retry`](crate::WaitFor::Retry).
    ///
    /// After an ask that was answered it is the final decision.
    pub decision: Decision,
    /// The approval that the decision waits for, or followed from.
    pub approval: Option<Approval>,
    /// Whether request and decision are in the log.
    ///
    /// False only if the log could not be written; the decision is then a denial.
    pub is_recorded: bool,
}

impl Submitted {
    /// Returns whether the action may proceed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        match self.decision.verdict {
            Verdict::Allow => true,
            Verdict::Ask | Verdict::Deny => false,
        }
    }

    /// Returns whether an answer given in the agent's host counts for a pending ask.
    ///
    /// If not, the edge must not pass the question on to the host.
    #[must_use]
    pub fn host_may_answer(&self) -> bool {
        self.approval
            .as_ref()
            .is_some_and(|approval| may_answer_in_host(approval.risk, &approval.terms))
    }
}
