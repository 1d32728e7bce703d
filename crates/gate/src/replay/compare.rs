//! Comparing a decision with its record.

use aegis_redact::contains_redaction;
use aegis_types::{ActionRequest, CheckName, Decision, Finding, Reason, RequestId, Verdict};

/// A decision that came out otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The request, as it was recorded.
    pub request: Box<ActionRequest>,
    /// The recorded decision.
    pub recorded: Box<Decision>,
    /// The decision of the replay.
    pub replayed: Box<Decision>,
}

impl Difference {
    /// Returns the name of the request.
    #[must_use]
    pub fn id(&self) -> &RequestId {
        &self.request.id
    }

    /// Returns both verdicts, the recorded one first.
    #[must_use]
    pub fn verdicts(&self) -> (Verdict, Verdict) {
        (self.recorded.verdict, self.replayed.verdict)
    }
}

/// Returns whether the gate itself made a decision, and not the engine.
pub(super) fn is_by_gate(decision: &Decision) -> bool {
    decision.reason == Reason::CannotDecide
        || decision
            .findings
            .iter()
            .any(|finding| finding.check == CheckName::Gate)
}

/// Returns whether a decision is the one recorded.
///
/// Of a message in which something was redacted, the rest is not compared; nor
/// are words of the command line where none are recorded, as in older logs.
pub(super) fn same(again: &Decision, recorded: &Decision) -> bool {
    if again == recorded {
        return true;
    }
    if again.findings.len() != recorded.findings.len() {
        return false;
    }
    let hidden = |finding: &Finding| finding.message.as_deref().is_some_and(contains_redaction);
    let mut shown = again.clone();
    for (finding, record) in shown.findings.iter_mut().zip(&recorded.findings) {
        if hidden(record) {
            finding.message.clone_from(&record.message);
        }
        if record.words.is_empty() {
            finding.words.clear();
        }
    }
    shown == *recorded
}
