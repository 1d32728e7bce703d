//! What every request is answered with.

use std::sync::Arc;

use aegis_api::{HookReply, ProblemKind};
use aegis_gate::{Caller, Gates};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::changes::Changes;
use crate::figures::Figures;
use crate::limits::Limits;
use crate::problem::Refusal;
use crate::token::Tokens;
use crate::trail::AccessLog;

/// Answers the hook events of an agent's host.
pub trait Hooks: Send + Sync {
    /// Returns what the process of the hook must do with `event`.
    fn answer(&self, gates: &Gates, caller: Caller, event: &[u8]) -> HookReply;
}

/// What every request is answered with.
pub struct Daemon {
    gates: Gates,
    tokens: Tokens,
    hooks: Box<dyn Hooks>,
    limits: Limits,
    in_hand: Semaphore,
    waits: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    changes: Arc<Changes>,
    figures: Figures,
    access_log: AccessLog,
}

impl Daemon {
    /// Returns a service that decides by `gates`.
    #[must_use]
    pub fn new(gates: Gates, hooks: impl Hooks + 'static, limits: Limits) -> Self {
        let figures = Figures::default();
        // A log that cannot be read is told of by whoever asks for the figures.
        let _ = figures.begin(&**gates.log());
        Self {
            figures,
            access_log: AccessLog::Off,
            tokens: Tokens::at(&gates.places().state),
            gates,
            hooks: Box::new(hooks),
            in_hand: Semaphore::new(limits.requests),
            waits: Arc::new(Semaphore::new(limits.waits)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            changes: Changes::new(),
            limits,
        }
    }

    /// Returns the service as one that writes down what it answers.
    #[must_use]
    pub const fn with_access_log(mut self, form: AccessLog) -> Self {
        self.access_log = form;
        self
    }

    /// Returns the gates.
    #[must_use]
    pub const fn gates(&self) -> &Gates {
        &self.gates
    }

    /// Returns the tokens by which callers name themselves.
    #[must_use]
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Returns how much anybody may ask.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) const fn figures(&self) -> &Figures {
        &self.figures
    }

    pub(crate) const fn access_log(&self) -> AccessLog {
        self.access_log
    }

    pub(crate) fn hooks(&self) -> &dyn Hooks {
        &*self.hooks
    }

    /// Returns what changes after the log has.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.changes.follow(self.gates.log())
    }

    /// Takes a place among those that wait for a person.
    pub(crate) fn wait(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.waits)
            .try_acquire_owned()
            .map_err(|_| Refusal::new(ProblemKind::Busy, "too many requests wait for a person"))
    }

    /// Takes a place among the streams of events.
    pub(crate) fn stream(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.streams)
            .try_acquire_owned()
            .map_err(|_| Refusal::new(ProblemKind::Busy, "too many streams are open"))
    }

    /// Does `work` where it may block, as soon as not too much is in hand.
    ///
    /// It goes on to its end even if the caller goes away meanwhile: what was
    /// begun to be recorded is recorded.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let busy = || {
            Refusal::new(
                ProblemKind::Busy,
                "too many requests are in hand; try again",
            )
        };
        let daemon = Arc::clone(self);
        let place = tokio::time::timeout(self.limits.body_time, self.in_hand.acquire()).await;
        let _place = place.map_err(|_| busy())?.map_err(|_| busy())?;
        tokio::task::spawn_blocking(move || work(&daemon))
            .await
            .map_err(|_| Refusal::new(ProblemKind::Failed, "the service failed on this request"))
    }
}
