//! Asking a person.

use aegis_types::{
    Approval, ApprovalStatus, ApprovalTerms, Decision, DurationMs, Entry, Event, Finding,
    Otherwise, Reason, Risk, Verdict,
};

use super::{Asked, Step, SubmitError, Underway};
use crate::approvals::{ApprovalView, may_answer_in_host};
use crate::gate::Gate;
use crate::identifier::approval_id;
use crate::proposal::WaitFor;
use crate::record::asks_the_same;
use crate::submitted::Submitted;
use crate::summary::summary;

/// How many approvals of one session may wait at a time.
pub(crate) const PENDING_MAX: usize = 16;

/// How long an approval may lie before nobody can pick it up.
const LIFETIME_MAX: DurationMs = DurationMs::from_secs(7 * 24 * 3_600);

/// What became of an ask.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// Enough people agreed; the text says who.
    Granted(String),
    /// A person refused; the text says who.
    Refused(String),
    /// It came to nothing, for this cause.
    Expired(String),
}

impl Gate {
    /// Records an ask, or what an earlier equal one came to.
    pub(super) fn ask(&self, underway: Underway<'_>, wait: WaitFor) -> Result<Step, SubmitError> {
        let (earlier, stale) = self.earlier_asks(&underway)?;
        let mut after = Vec::new();
        for view in &stale {
            after.push(self.expiry_entry(&view.approval, "the policy has changed since")?);
        }
        let Some(view) = earlier else {
            return self.ask_anew(underway, wait, after);
        };
        let approval = view.approval.clone();
        match view.status {
            ApprovalStatus::Granted => {
                self.settle_ask(underway, approval, &End::Granted(view.approvers()), after)
            }
            ApprovalStatus::Refused => {
                self.settle_ask(underway, approval, &End::Refused(view.approvers()), after)
            }
            ApprovalStatus::Pending => self.settle_or_wait(underway, approval, wait, after),
            ApprovalStatus::Expired => self.ask_anew(underway, wait, after),
        }
    }

    /// Finds the newest ask for the same question that still counts, and those
    /// that a change of policy has overtaken.
    fn earlier_asks(
        &self,
        underway: &Underway<'_>,
    ) -> Result<(Option<ApprovalView>, Vec<ApprovalView>), SubmitError> {
        let principal = &underway.request.principal;
        let since = underway.request.at.minus(LIFETIME_MAX);
        let policy_digest = underway.policies.digest();
        let mut stale = Vec::new();
        for approval in self.asked(
            Some(&principal.tenant),
            Some(&principal.session),
            Some(since),
        )? {
            let is_current = approval.policy_digest == policy_digest;
            let may_count = underway.request.at < approval.expires_at;
            if !may_count || !self.is_same_question(underway, &approval)? {
                continue;
            }
            let view = self.view(approval)?;
            match view.status {
                ApprovalStatus::Expired => {}
                ApprovalStatus::Pending | ApprovalStatus::Granted if !is_current => {
                    if !self.is_used(&view.approval)? {
                        stale.push(view);
                    }
                }
                ApprovalStatus::Granted if self.is_used(&view.approval)? => {}
                // What a changed policy asks, a person may see differently.
                ApprovalStatus::Refused if !is_current => {}
                ApprovalStatus::Pending | ApprovalStatus::Granted | ApprovalStatus::Refused => {
                    return Ok((Some(view), stale));
                }
            }
        }
        Ok((None, stale))
    }

    fn is_same_question(
        &self,
        underway: &Underway<'_>,
        approval: &Approval,
    ) -> Result<bool, SubmitError> {
        let asked = self.request_record(approval)?;
        Ok(asked
            .is_some_and(|asked| asks_the_same(&asked.payload, &underway.recorded.entry.payload)))
    }

    /// Asks for a fresh approval.
    fn ask_anew(
        &self,
        underway: Underway<'_>,
        wait: WaitFor,
        mut after: Vec<Entry>,
    ) -> Result<Step, SubmitError> {
        if self.waiting_in_session(&underway)? >= PENDING_MAX {
            let message = format!(
                "{PENDING_MAX} approvals of this session wait already. Wait until a person has \
                 answered some of them."
            );
            return self.deny_ask(underway, &message, after);
        }
        let approval = self.approval_for(&underway, wait)?;
        let asked = Event::ApprovalRequested(Box::new(approval.clone()));
        after.push(asked.entry(self.now())?);
        self.settle_or_wait(underway, approval, wait, after)
    }

    fn waiting_in_session(&self, underway: &Underway<'_>) -> Result<usize, SubmitError> {
        let principal = &underway.request.principal;
        let since = underway.request.at.minus(LIFETIME_MAX);
        let mut count = 0;
        for approval in self.asked(
            Some(&principal.tenant),
            Some(&principal.session),
            Some(since),
        )? {
            if underway.request.at < approval.expires_at
                && self.view(approval)?.status == ApprovalStatus::Pending
            {
                count += 1;
            }
        }
        Ok(count)
    }

    fn approval_for(
        &self,
        underway: &Underway<'_>,
        wait: WaitFor,
    ) -> Result<Approval, SubmitError> {
        let terms = underway.decision.approval.clone().unwrap_or_default();
        let longest = terms
            .within
            .min(self.settings().approval_wait_max.value)
            .min(LIFETIME_MAX);
        let within = match wait {
            WaitFor::Later | WaitFor::Retry => longest,
            WaitFor::Answer(patience) => longest.min(patience),
            WaitFor::Nobody => DurationMs::from_ms(0),
        };
        let request = &underway.request;
        let message = underway
            .decision
            .deciding()
            .and_then(|finding| finding.message.as_deref())
            .map(|message| self.redact_text(message));
        let asked_at = self.now();
        Ok(Approval {
            id: approval_id()?,
            tenant: request.principal.tenant.clone(),
            session: request.principal.session.clone(),
            request: request.id.clone(),
            request_digest: underway.recorded.digest,
            policy_digest: underway.policies.digest(),
            summary: summary(underway.recorded.entry.payload.value()),
            message,
            risk: underway.decision.risk,
            asked_in_host: wait == WaitFor::Later
                && may_answer_in_host(underway.decision.risk, &terms),
            terms: ApprovalTerms { within, ..terms },
            asked_at,
            expires_at: asked_at.plus(within),
        })
    }

    fn settle_or_wait(
        &self,
        underway: Underway<'_>,
        approval: Approval,
        wait: WaitFor,
        after: Vec<Entry>,
    ) -> Result<Step, SubmitError> {
        if wait == WaitFor::Nobody {
            let cause = "nobody can answer where this agent runs".to_owned();
            return self.settle_ask(underway, approval, &End::Expired(cause), after);
        }
        self.append_decided(&underway, after)?;
        self.approver().look(self, &approval);
        match wait {
            WaitFor::Answer(patience) => Ok(Step::Waiting(Box::new(Asked {
                until: approval.expires_at.min(self.now().plus(patience)),
                request: underway.request,
                recorded: underway.recorded,
                decision: underway.decision,
                approval,
            }))),
            WaitFor::Later | WaitFor::Retry | WaitFor::Nobody => {
                Ok(Step::Settled(Box::new(Submitted {
                    request: underway.request,
                    decision: underway.decision,
                    approval: Some(approval),
                    is_recorded: true,
                })))
            }
        }
    }

    /// Records the request, the ask and its end in one batch.
    fn settle_ask(
        &self,
        underway: Underway<'_>,
        approval: Approval,
        end: &End,
        mut after: Vec<Entry>,
    ) -> Result<Step, SubmitError> {
        if let End::Expired(cause) = end {
            after.push(self.expiry_entry(&approval, cause)?);
        }
        let last = final_decision(&underway.decision, &approval, end);
        after.push(self.decision_entry(
            &underway.request,
            &underway.recorded,
            &last,
            Some(&approval),
        )?);
        if let End::Granted(_) = end {
            let used = Self::use_by(&underway.request.id, &approval);
            after.extend(used.map(|used| used.entry(self.now())).transpose()?);
        }
        self.append_decided(&underway, after)?;
        Ok(Step::Settled(Box::new(Submitted {
            request: underway.request,
            decision: last,
            approval: Some(approval),
            is_recorded: true,
        })))
    }

    fn deny_ask(
        &self,
        underway: Underway<'_>,
        message: &str,
        mut after: Vec<Entry>,
    ) -> Result<Step, SubmitError> {
        let mut denied = Decision::denied_by_gate(Reason::CannotDecide, message);
        denied.policies.clone_from(&underway.decision.policies);
        after.push(self.decision_entry(&underway.request, &underway.recorded, &denied, None)?);
        self.append_decided(&underway, after)?;
        Ok(Step::Settled(Box::new(Submitted {
            request: underway.request,
            decision: denied,
            approval: None,
            is_recorded: true,
        })))
    }

    pub(super) fn expiry_entry(
        &self,
        approval: &Approval,
        cause: &str,
    ) -> Result<Entry, serde_json::Error> {
        Event::ApprovalExpired {
            approval: approval.id.clone(),
            cause: cause.to_owned(),
        }
        .entry(self.now())
    }
}

/// Returns the decision that follows an ask.
pub(super) fn final_decision(ask: &Decision, approval: &Approval, end: &End) -> Decision {
    let (verdict, reason, message) = match end {
        End::Granted(by) => (Verdict::Allow, ask.reason, format!("approved by {by}")),
        End::Refused(by) => (
            Verdict::Deny,
            Reason::ApprovalRefused,
            format!(
                "{by} refused this. Do not try it again in another way; ask the user what to do \
                 instead."
            ),
        ),
        End::Expired(cause) => match approval.terms.otherwise {
            Otherwise::Allow if approval.risk < Risk::High => (
                Verdict::Allow,
                Reason::ApprovalExpired,
                format!("{cause}; the rule allows it then"),
            ),
            Otherwise::Allow | Otherwise::Deny => (
                Verdict::Deny,
                Reason::ApprovalExpired,
                format!(
                    "this needs a person's approval, and {cause}. Go on without it, or ask the \
                     user."
                ),
            ),
        },
    };
    let mut decision = ask.clone();
    decision.verdict = verdict;
    decision.reason = reason;
    decision.approval = None;
    decision.decided_by = u16::try_from(decision.findings.len()).ok();
    decision
        .findings
        .push(Finding::by_gate(verdict, reason, &message));
    if verdict != Verdict::Allow {
        decision.obligations.clear();
    }
    decision
}
