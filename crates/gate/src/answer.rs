//! A person's answer to an approval.

use aegis_log::{AppendError, Batch, ReadLogError};
use aegis_types::{
    Answer, Approval, ApprovalId, ApprovalStatus, ApproverId, Assurance, ChainId, Event, EventKind,
    Timestamp,
};
use serde_json::Value;

use crate::approvals::{ApprovalView, ReadApprovalError};
use crate::gate::Gate;
use crate::process::agent_in;

/// How often an answer is tried again when the chain moved meanwhile.
const TRIES_MAX: usize = 64;

/// An answer as it is given, before it counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// Whether the action may proceed.
    pub is_granted: bool,
    /// Who answers.
    pub approver: ApproverId,
    /// How sure that is.
    pub assurance: Assurance,
    /// The channel by which the answer comes.
    pub channel: String,
    /// What the approver writes.
    pub note: Option<String>,
    /// The process that answers on this machine; absent if the answer comes from elsewhere.
    pub process: Option<u32>,
}

/// Why an answer does not count.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// There is no such approval.
    #[error("there is no approval `{id}`")]
    Missing {
        /// The name asked for.
        id: ApprovalId,
    },
    /// It does not wait any more.
    #[error("the approval is {} and cannot be answered again", .status.as_str())]
    Settled {
        /// Where it stands.
        status: ApprovalStatus,
    },
    /// The same approver has answered already.
    #[error("`{approver}` has answered already; another approver must agree")]
    AnsweredAlready {
        /// The approver.
        approver: ApproverId,
    },
    /// The answer is less sure than the risk asks for.
    #[error(
        "risk {} needs an answer of assurance {}, this one has {}",
        .approval.risk.as_str(), Assurance::needed_for(.approval.risk).as_str(), .given.as_str()
    )]
    Assurance {
        /// The approval.
        approval: Box<Approval>,
        /// The assurance given.
        given: Assurance,
    },
    /// The process that answers descends from an agent.
    #[error("an agent may not answer: {cause}; answer from a terminal of your own")]
    Agent {
        /// How it is known.
        cause: String,
    },
    /// It cannot be told which process answers.
    #[error("it cannot be told which process answers; answer from a terminal of your own")]
    Unseen,
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadApprovalError),
    /// The answer cannot be recorded.
    #[error("the answer cannot be recorded")]
    Append(#[source] AppendError),
    /// The answer cannot be written as JSON.
    #[error("the answer cannot be written")]
    Write(#[from] serde_json::Error),
}

impl From<ReadLogError> for AnswerError {
    fn from(error: ReadLogError) -> Self {
        Self::Read(ReadApprovalError::from(error))
    }
}

impl Gate {
    /// Answers the approval called `id`.
    ///
    /// The answer is in the log on return; whoever waits finds it there.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] when the answer does not count; nothing is recorded then.
    pub fn answer(&self, id: &ApprovalId, reply: Reply) -> Result<ApprovalView, AnswerError> {
        for _ in 0..TRIES_MAX {
            match self.try_answer(id, &reply) {
                Err(AnswerError::Append(AppendError::HeadMoved { .. })) => {}
                settled => return settled,
            }
        }
        Err(AnswerError::Append(AppendError::Busy { waited_ms: 0 }))
    }

    fn try_answer(&self, id: &ApprovalId, reply: &Reply) -> Result<ApprovalView, AnswerError> {
        let missing = || AnswerError::Missing { id: id.clone() };
        let found = self.approval(id, None)?.ok_or_else(missing)?;
        let chain = ChainId::Session {
            tenant: found.approval.tenant.clone(),
            session: found.approval.session.clone(),
        };
        // The head is read before what is checked, so that nothing checked can
        // have changed when the append succeeds.
        let expected = self.log().head(&chain)?;
        let view = self.approval(id, None)?.ok_or_else(missing)?;
        self.check_reply(&view, reply)?;
        let answer = Answer {
            approval: id.clone(),
            is_granted: reply.is_granted,
            approver: reply.approver.clone(),
            assurance: reply.assurance,
            channel: reply.channel.clone(),
            note: reply.note.as_deref().map(|note| self.redact_text(note)),
        };
        let entry = Event::ApprovalAnswered(answer.clone()).entry(self.now())?;
        self.append(Batch {
            chain,
            expected: Some(expected),
            entries: vec![entry],
            documents: Vec::new(),
        })
        .map_err(AnswerError::Append)?;
        Ok(view.with(answer, self.now()))
    }

    fn check_reply(&self, view: &ApprovalView, reply: &Reply) -> Result<(), AnswerError> {
        match view.status {
            ApprovalStatus::Pending => {}
            status @ (ApprovalStatus::Granted
            | ApprovalStatus::Refused
            | ApprovalStatus::Expired) => return Err(AnswerError::Settled { status }),
        }
        if view
            .answers
            .iter()
            .any(|answer| answer.approver == reply.approver)
        {
            return Err(AnswerError::AnsweredAlready {
                approver: reply.approver.clone(),
            });
        }
        // Anybody may refuse; a grant must be sure enough.
        if reply.is_granted && reply.assurance < Assurance::needed_for(view.approval.risk) {
            return Err(AnswerError::Assurance {
                approval: Box::new(view.approval.clone()),
                given: reply.assurance,
            });
        }
        self.check_descent(&view.approval, reply)
    }

    /// Checks that no agent answers its own question.
    fn check_descent(&self, approval: &Approval, reply: &Reply) -> Result<(), AnswerError> {
        let Some(process) = reply.process else {
            return match reply.assurance {
                // From another machine, or from the agent's host, which is an
                // agent's ancestor and not its descendant.
                Assurance::High | Assurance::Host => Ok(()),
                Assurance::Low => Err(AnswerError::Unseen),
            };
        };
        let line = self
            .processes()
            .line_of(process)
            .ok_or(AnswerError::Unseen)?;
        let hosts = self.host_processes(approval)?;
        match agent_in(&line, &hosts) {
            Some(cause) => Err(AnswerError::Agent { cause }),
            None => Ok(()),
        }
    }

    /// Returns the processes that the session's records name as the agent's host.
    fn host_processes(&self, approval: &Approval) -> Result<Vec<u32>, ReadLogError> {
        let starts = self.log().newest(&aegis_log::Query {
            tenant: Some(&approval.tenant),
            session: Some(&approval.session),
            kinds: &[EventKind::SessionStarted],
            subject: None,
            since: None::<Timestamp>,
            limit: 16,
        })?;
        Ok(starts
            .iter()
            .filter_map(|start| start.payload.get("host_pid").and_then(Value::as_u64))
            .filter_map(|id| u32::try_from(id).ok())
            .collect())
    }
}
