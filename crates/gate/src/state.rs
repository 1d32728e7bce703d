//! What the log adds up to, as far as a decision needs it.

use aegis_canon::Digest;
use aegis_engine::reduce;
use aegis_log::{Log, Query, ReadLogError};
use aegis_policy::ScopeName;
use aegis_types::{
    ActionRequest, CALLS_KEPT_MAX, DurationMs, Envelope, EventKind, SessionId, State, TenantId,
    Timestamp,
};

use crate::record::Recorded;

/// How many calls are read at most; more than any rule may count.
const CALLS_READ_MAX: usize = 16 * CALLS_KEPT_MAX;

/// Whose calls are counted, and since when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory<'a> {
    /// What the policies need.
    pub(crate) needed: &'a [(ScopeName, DurationMs)],
    /// The tenant.
    pub(crate) tenant: &'a TenantId,
    /// The session.
    pub(crate) session: &'a SessionId,
}

impl<'a> Memory<'a> {
    /// Returns what `request` needs to be remembered for.
    pub(crate) const fn of(
        request: &'a ActionRequest,
        needed: &'a [(ScopeName, DurationMs)],
    ) -> Self {
        Self {
            needed,
            tenant: &request.principal.tenant,
            session: &request.principal.session,
        }
    }

    /// Returns whether calls of other sessions count.
    pub(crate) fn crosses_sessions(&self) -> bool {
        self.needed.iter().any(|(scope, _)| match scope {
            ScopeName::Session => false,
            ScopeName::Agent | ScopeName::Tenant => true,
        })
    }

    /// Reads from `log` what a decision at `now` needs.
    pub(crate) fn read(&self, log: &dyn Log, now: Timestamp) -> Result<State, ReadLogError> {
        Ok(state_of(&self.calls(log, now)?))
    }

    /// Reads from `log` what stands before the request `recorded`.
    pub(crate) fn read_before(
        &self,
        log: &dyn Log,
        recorded: &Recorded,
        now: Timestamp,
    ) -> Result<State, ReadLogError> {
        let calls = self.calls(log, now)?;
        let is_own = |call: &&Envelope| {
            call.subject == recorded.entry.subject
                && Digest::of_value(&call.payload) == recorded.digest
        };
        let older = calls
            .iter()
            .position(|call| is_own(&call))
            .and_then(|own| calls.get(own + 1..));
        Ok(state_of(older.unwrap_or(&calls)))
    }

    /// Returns the requests that count, newest first.
    fn calls(&self, log: &dyn Log, now: Timestamp) -> Result<Vec<Envelope>, ReadLogError> {
        // The wide scope holds the narrow one, so one question is enough.
        let Some(longest) = self.needed.iter().map(|(_, window)| *window).max() else {
            return Ok(Vec::new());
        };
        log.newest(&Query {
            tenant: Some(self.tenant),
            session: (!self.crosses_sessions()).then_some(self.session),
            kinds: &[EventKind::ActionRequested],
            subject: None,
            since: Some(now.minus(longest)),
            limit: CALLS_READ_MAX,
        })
    }
}

fn state_of(newest_first: &[Envelope]) -> State {
    let mut state = State::default();
    for envelope in newest_first.iter().rev() {
        reduce(&mut state, envelope);
    }
    state
}
