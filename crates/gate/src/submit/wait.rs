//! Waiting for a person's answer.

use aegis_log::{AppendError, Batch};
use aegis_types::{ApprovalStatus, Decision, DurationMs, Entry, Head, Timestamp, Verdict};

use super::ask::{End, final_decision};
use super::{Asked, SubmitError};
use crate::approvals::ApprovalView;
use crate::causes::with_causes;
use crate::gate::Gate;
use crate::proposal::{Proposal, WaitFor};
use crate::record::{asks_the_same, record_request};
use crate::submitted::Submitted;

/// How long the gate waits between two looks, at first and at most.
const PAUSE_FIRST: DurationMs = DurationMs::from_ms(10);
const PAUSE_MAX: DurationMs = DurationMs::from_ms(250);

impl Gate {
    /// Waits for the answer to an ask that [`Gate::submit`] left pending, at
    /// most for `patience`; then silence is the answer.
    ///
    /// It goes on with the same request and the same approval: nothing is asked
    /// or recorded twice. What was settled already is returned as it is. Like
    /// [`Gate::submit`], it never fails.
    #[must_use]
    pub fn wait_for(
        &self,
        proposal: &Proposal,
        submitted: Submitted,
        patience: DurationMs,
    ) -> Submitted {
        let approval = match (submitted.decision.verdict, &submitted.approval) {
            (Verdict::Ask, Some(approval)) => approval.clone(),
            (Verdict::Ask, None) | (Verdict::Allow | Verdict::Deny, _) => return submitted,
        };
        let until = self.now().plus(patience);
        let ended = record_request(self.redactor(), &submitted.request)
            .map_err(SubmitError::from)
            .and_then(|recorded| {
                let asked = Asked {
                    until: approval.expires_at.min(until),
                    request: submitted.request,
                    recorded,
                    decision: submitted.decision,
                    approval,
                };
                self.wait_for_answer(proposal, asked)
            });
        match ended {
            Ok(Some(submitted)) => submitted,
            // The grant was used up by an equal request: ask again.
            Ok(None) => self.submit(proposal, WaitFor::Answer(self.time_until(until))),
            Err(error) => self.deny_undecided(proposal, &with_causes(&error)),
        }
    }

    /// Waits until the approval is answered or expires, and records the end.
    ///
    /// `None` when its grant was used up by an equal request meanwhile. A clock
    /// that is set back meanwhile lengthens no wait: the pauses count as well.
    pub(super) fn wait_for_answer(
        &self,
        proposal: &Proposal,
        asked: Asked,
    ) -> Result<Option<Submitted>, SubmitError> {
        let mut pause = PAUSE_FIRST;
        let mut left = self.time_until(asked.until);
        let mut seen = None;
        loop {
            let counter = self.log().change_counter()?;
            left = left.min(self.time_until(asked.until));
            let is_over = left.as_ms() == 0 || self.approver().has_left();
            if seen != Some(counter) || is_over {
                seen = Some(counter);
                match self.look_for_end(proposal, &asked, is_over) {
                    Ok(Look::Ended(decision)) => {
                        return Ok(Some(Submitted {
                            request: asked.request,
                            decision: *decision,
                            approval: Some(asked.approval),
                            is_recorded: true,
                        }));
                    }
                    Ok(Look::UsedUp) => return Ok(None),
                    Ok(Look::Waits) => {}
                    Err(SubmitError::Append(AppendError::HeadMoved { .. })) => continue,
                    Err(error) => return Err(error),
                }
            }
            self.approver().look(self, &asked.approval);
            if self.log().change_counter()? != counter {
                continue;
            }
            pause = pause.min(left);
            self.pause().pause(pause);
            left = DurationMs::from_ms(left.as_ms().saturating_sub(pause.as_ms()));
            pause = DurationMs::from_ms(pause.as_ms().saturating_mul(2)).min(PAUSE_MAX);
        }
    }

    /// Returns how long it is until `at`; nothing if that is over.
    fn time_until(&self, at: Timestamp) -> DurationMs {
        let left = at.unix_ms().saturating_sub(self.now().unix_ms());
        DurationMs::from_ms(u64::try_from(left).unwrap_or(0))
    }

    fn look_for_end(
        &self,
        proposal: &Proposal,
        asked: &Asked,
        is_over: bool,
    ) -> Result<Look, SubmitError> {
        let chain = self.chain(&asked.approval.session);
        let head = self.log().head(&chain)?;
        let view = self.view(asked.approval.clone())?;
        let end = match view.status {
            ApprovalStatus::Pending if !is_over => return Ok(Look::Waits),
            ApprovalStatus::Pending if self.approver().has_left() => {
                End::Expired("whoever proposed it has gone away".to_owned())
            }
            ApprovalStatus::Pending => End::Expired("nobody answered in time".to_owned()),
            ApprovalStatus::Granted => {
                if self.is_used(&view.approval)? {
                    return Ok(Look::UsedUp);
                }
                self.grant_that_holds(proposal, asked, &view)?
            }
            ApprovalStatus::Refused => End::Refused(view.approvers()),
            ApprovalStatus::Expired => End::Expired("nobody answered in time".to_owned()),
        };
        self.append_end(asked, head, &end).map(Look::Ended)
    }

    /// Returns the grant, unless what it was given for has changed meanwhile.
    fn grant_that_holds(
        &self,
        proposal: &Proposal,
        asked: &Asked,
        view: &ApprovalView,
    ) -> Result<End, SubmitError> {
        let expired = |cause: &str| Ok(End::Expired(cause.to_owned()));
        let policies = self.policies();
        if policies.fault.is_some() || policies.digest() != asked.approval.policy_digest {
            return expired("the policy changed while it waited");
        }
        let request = self.gather(proposal)?;
        let recorded = record_request(self.redactor(), &request)?;
        if !asks_the_same(&recorded.entry.payload, &asked.recorded.entry.payload) {
            return expired("what it would touch changed while it waited");
        }
        Ok(End::Granted(view.approvers()))
    }

    fn append_end(
        &self,
        asked: &Asked,
        head: Head,
        end: &End,
    ) -> Result<Box<Decision>, SubmitError> {
        let decision = final_decision(&asked.decision, &asked.approval, end);
        let mut entries: Vec<Entry> = Vec::new();
        if let End::Expired(cause) = end {
            entries.push(self.expiry_entry(&asked.approval, cause)?);
        }
        entries.push(self.decision_entry(
            &asked.request,
            &asked.recorded,
            &decision,
            Some(&asked.approval),
        )?);
        if let End::Granted(_) = end {
            let used = Self::use_by(&asked.request.id, &asked.approval);
            entries.extend(used.map(|used| used.entry(self.now())).transpose()?);
        }
        self.append(Batch {
            chain: self.chain(&asked.approval.session),
            expected: Some(head),
            entries,
            documents: Vec::new(),
        })?;
        Ok(Box::new(decision))
    }
}

/// What a look at the log showed.
enum Look {
    Waits,
    UsedUp,
    Ended(Box<Decision>),
}
