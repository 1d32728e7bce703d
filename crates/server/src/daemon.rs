//! What every request is answered with.

use std::sync::Arc;

use aegis_api::{HookReply, ProblemKind};
use aegis_gate::{Caller, EventOrder, Gates};
use tokio::sync::Semaphore;

use crate::key::Keys;
use crate::limits::Limits;
use crate::problem::Refusal;
use crate::rate::Rate;
use crate::request_log::RequestLog;
use crate::token::Tokens;

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
    keys: Keys,
    event_order: EventOrder,
    rate: Rate,
    request_log: Option<RequestLog>,
}

impl Daemon {
    /// Returns a service that decides by `gates`.
    #[must_use]
    pub fn new(gates: Gates, hooks: impl Hooks + 'static, limits: Limits) -> Self {
        Self {
            tokens: Tokens::at(&gates.places().state),
            gates,
            hooks: Box::new(hooks),
            in_hand: Semaphore::new(limits.requests),
            limits,
            keys: Keys::default(),
            event_order: EventOrder::default(),
            rate: Rate::new(limits.per_minute),
            request_log: None,
        }
    }

    /// Returns the service as one that takes events of clients in this order.
    #[must_use]
    pub const fn with_event_order(mut self, order: EventOrder) -> Self {
        self.event_order = order;
        self
    }

    /// Returns the service as one that writes requests down.
    #[must_use]
    pub const fn with_request_log(mut self, log: Option<RequestLog>) -> Self {
        self.request_log = log;
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

    pub(crate) const fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) const fn rate(&self) -> &Rate {
        &self.rate
    }

    pub(crate) const fn request_log(&self) -> Option<RequestLog> {
        self.request_log
    }

    pub(crate) const fn event_order(&self) -> EventOrder {
        self.event_order
    }

    pub(crate) fn hooks(&self) -> &dyn Hooks {
        &*self.hooks
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
