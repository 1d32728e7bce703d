//! Who is told that an approval waits.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use aegis_types::{Approval, ApproverId, Assurance, DurationMs};

use crate::answer::Reply;
use crate::gate::Gate;

/// Is told of approvals that wait, and may see to it that they are answered.
///
/// An answer always goes through [`Gate::answer`], whoever gives it.
pub trait Approver: Send + Sync {
    /// Looks at an approval that waits. Called when it is asked for, and again
    /// while the gate waits.
    fn look(&self, gate: &Gate, waiting: &Approval);

    /// Returns whether nobody waits for the answer any more. The gate then
    /// takes silence for the answer.
    fn has_left(&self) -> bool {
        false
    }
}

/// Tells nobody: whoever answers reads the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct SilentApprover;

impl Approver for SilentApprover {
    fn look(&self, _: &Gate, _: &Approval) {}
}

/// What a [`ScriptedApprover`] does with one approval.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ScriptedAnswer {
    /// How long after the question the answer comes.
    pub after: DurationMs,
    /// Whether the action may proceed.
    pub is_granted: bool,
    /// How sure it is that a person answered.
    pub assurance: Assurance,
}

impl ScriptedAnswer {
    /// Returns a grant that comes at once, of the greatest assurance.
    pub const GRANT: Self = Self {
        after: DurationMs::from_ms(0),
        is_granted: true,
        assurance: Assurance::High,
    };
    /// Returns a refusal that comes at once.
    pub const REFUSE: Self = Self {
        is_granted: false,
        ..Self::GRANT
    };
}

/// Answers approvals by a script, the first one with its first answer.
///
/// It stays silent when the script is at its end.
#[derive(Debug)]
pub struct ScriptedApprover {
    name: ApproverId,
    script: Mutex<VecDeque<ScriptedAnswer>>,
}

impl ScriptedApprover {
    /// Returns an approver that answers as `script` says, under `name`.
    pub fn new(name: ApproverId, script: impl IntoIterator<Item = ScriptedAnswer>) -> Self {
        Self {
            name,
            script: Mutex::new(script.into_iter().collect()),
        }
    }

    fn due(&self, gate: &Gate, waiting: &Approval) -> Option<ScriptedAnswer> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let next = *script.front()?;
        if gate.now() < waiting.asked_at.plus(next.after) {
            return None;
        }
        script.pop_front()
    }
}

impl Approver for ScriptedApprover {
    fn look(&self, gate: &Gate, waiting: &Approval) {
        let Some(answer) = self.due(gate, waiting) else {
            return;
        };
        let reply = Reply {
            is_granted: answer.is_granted,
            approver: self.name.clone(),
            assurance: answer.assurance,
            channel: "script".to_owned(),
            note: None,
            process: None,
        };
        // A refused answer leaves the approval waiting, as for anybody.
        let _ = gate.answer(&waiting.id, reply);
    }
}
