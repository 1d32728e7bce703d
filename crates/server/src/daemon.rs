//! What every request is answered with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use aegis_api::{HookReply, ProblemKind};
use aegis_gate::{Approver, Caller, EventOrder, Gates};
use tokio::sync::{Semaphore, watch};

use crate::certificates::Certificates;
use crate::changes::Changes;
use crate::figures::Figures;
use crate::key::Keys;
use crate::limits::Limits;
use crate::places::{Asker, Parts, Place, Places};
use crate::problem::Refusal;
use crate::rate::Rate;
use crate::request_log::RequestLog;
use crate::token::Tokens;

/// How long who has the log recomputed waits for its turn.
const VERIFY_TURN: Duration = Duration::from_secs(10);

/// Answers the hook events of an agent's host.
pub trait Hooks: Send + Sync {
    /// Returns what the process of the hook must do with `event`.
    ///
    /// `approver` is told when a person is asked, and says when nobody waits
    /// for the answer any more.
    fn answer(
        &self,
        gates: &Gates,
        caller: Caller,
        approver: Arc<dyn Approver>,
        event: &[u8],
    ) -> HookReply;
}

/// What every request is answered with.
pub struct Daemon {
    gates: Gates,
    tokens: Tokens,
    hooks: Box<dyn Hooks>,
    limits: Limits,
    in_hand: Places,
    at_once: Semaphore,
    large_bodies: Places,
    large_replies: Places,
    waits: Places,
    keys: Keys,
    event_order: EventOrder,
    rate: Rate,
    request_log: Option<RequestLog>,
    certificates: Option<Certificates>,
    streams: Places,
    verifications: Places,
    changes: Arc<Changes>,
    figures: Figures,
}

impl Daemon {
    /// Returns a service that decides by `gates`.
    #[must_use]
    pub fn new(gates: Gates, hooks: impl Hooks + 'static, limits: Limits) -> Self {
        let figures = Figures::default();
        // A log that cannot be read is told of by whoever asks for the figures.
        let _ = figures.begin(&**gates.log());
        let parts = Parts {
            caller: limits.caller_percent,
            tenant: limits.tenant_percent,
        };
        let places = |count, what| Places::new(count, parts, what);
        Self {
            figures,
            tokens: Tokens::at(&gates.places().tokens),
            gates,
            hooks: Box::new(hooks),
            in_hand: places(limits.requests, "requests are in hand"),
            at_once: Semaphore::new(limits.at_once),
            large_bodies: places(limits.large_bodies, "large bodies are in hand"),
            large_replies: places(limits.large_replies, "pages are on their way"),
            waits: places(limits.waits, "requests wait for a person"),
            streams: places(limits.streams, "streams are open"),
            verifications: places(1, "verifications are under way"),
            changes: Changes::new(),
            limits,
            keys: Keys::default(),
            event_order: EventOrder::default(),
            rate: Rate::new(limits.per_minute),
            request_log: None,
            certificates: None,
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

    /// Returns the service as one whose callers may name themselves by certificates.
    #[must_use]
    pub fn with_certificates(mut self, certificates: Option<Certificates>) -> Self {
        self.certificates = certificates;
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

    pub(crate) const fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
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

    /// Returns what changes after the log has.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.changes.follow(self.gates.log())
    }

    /// Takes a place among those that wait for a person.
    pub(crate) fn wait(&self, asker: &Asker) -> Result<Place, Refusal> {
        self.waits.try_take(asker)
    }

    /// Takes the one place for whoever has the whole log recomputed, in its turn.
    pub(crate) async fn verification(&self, asker: &Asker) -> Result<Place, Refusal> {
        self.verifications.take_in_turn(asker, VERIFY_TURN).await
    }

    /// Takes a place among the streams of events.
    pub(crate) fn stream(&self, asker: &Asker) -> Result<Place, Refusal> {
        self.streams.try_take(asker)
    }

    /// Does `work` of `asker`, which may block but is short, as soon as not too much is in hand.
    ///
    /// Handing it to another thread costs more than most decisions. So it is done
    /// by the thread that read the request, as long as enough of those are left to
    /// read others, should it take long after all.
    pub(crate) async fn briefly<T: Send + 'static>(
        self: &Arc<Self>,
        asker: Asker,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = self.place(&asker).await?;
        let Ok(_seat) = self.at_once.try_acquire() else {
            return self.elsewhere(place, work).await;
        };
        catch_unwind(AssertUnwindSafe(|| work(self))).map_err(|_| failed())
    }

    /// Does `work` of `asker`, which may block, as soon as not too much is in hand.
    ///
    /// It goes on to its end even if the caller goes away meanwhile: what was
    /// begun to be recorded is recorded.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        asker: Asker,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = self.place(&asker).await?;
        self.elsewhere(place, work).await
    }

    async fn elsewhere<T: Send + 'static>(
        self: &Arc<Self>,
        place: Place,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let daemon = Arc::clone(self);
        let work = move || {
            let _place = place;
            work(&daemon)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| failed())
    }

    /// Returns the right to have one request in hand, as soon as there is one.
    pub(crate) async fn place(&self, asker: &Asker) -> Result<Place, Refusal> {
        self.in_hand.take(asker, self.limits.queue_time).await
    }

    /// Returns the right to have one large body in hand, as soon as there is one.
    pub(crate) async fn place_of_large_body(&self, asker: &Asker) -> Result<Place, Refusal> {
        self.large_bodies.take(asker, self.limits.queue_time).await
    }

    /// Returns the right to have one large reply on its way, as soon as there is one.
    pub(crate) async fn place_of_large_reply(&self, asker: &Asker) -> Result<Place, Refusal> {
        self.large_replies.take(asker, self.limits.queue_time).await
    }
}

fn failed() -> Refusal {
    Refusal::new(ProblemKind::Failed, "the service failed on this request")
}

#[cfg(test)]
mod tests {
    use aegis_gate::{DurabilityLevel, LogPlace, Surroundings};
    use axum::response::IntoResponse as _;

    use super::*;

    struct Silent;

    impl Hooks for Silent {
        fn answer(&self, _: &Gates, _: Caller, _: Arc<dyn Approver>, _: &[u8]) -> HookReply {
            HookReply {
                stdout: Vec::new(),
                exit_code: 0,
            }
        }
    }

    /// Returns a service with one place, of whose work so much is done where requests are read.
    fn daemon(folder: &std::path::Path, at_once: usize) -> Arc<Daemon> {
        let surroundings = Surroundings {
            home: folder.to_path_buf(),
            directory: folder.to_path_buf(),
            managed: folder.join("managed"),
            host_managed: folder.join("host-managed"),
            ..Surroundings::default()
        };
        let place = Some(LogPlace::Memory);
        let gates = Gates::open_at(surroundings, DurabilityLevel::Normal, place).unwrap();
        let limits = Limits {
            requests: 1,
            at_once,
            queue_time: Duration::from_millis(100),
            ..Limits::default()
        };
        Arc::new(Daemon::new(gates, Silent, limits))
    }

    fn status(refusal: Refusal) -> u16 {
        refusal.into_response().status().as_u16()
    }

    #[test]
    fn work_that_panics_is_told_and_gives_its_place_back() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        for at_once in [0, 1] {
            let folder = tempfile::tempdir().unwrap();
            let daemon = daemon(folder.path(), at_once);
            runtime.block_on(async {
                let failed = daemon.briefly(Asker::nobody(), |_| panic!("meant")).await;
                let failed: Refusal = Result::<(), Refusal>::unwrap_err(failed);
                assert_eq!(status(failed), 500, "{at_once}");
                assert_eq!(daemon.at_once.available_permits(), at_once);
                let next = daemon.briefly(Asker::nobody(), |_| 7).await;
                assert_eq!(next.unwrap(), 7, "{at_once}");
            });
        }
    }

    #[test]
    fn work_keeps_its_place_when_its_caller_leaves() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let daemon = daemon(folder.path(), 0);
        let (begin, begun) = std::sync::mpsc::channel();
        let (go_on, told) = std::sync::mpsc::channel::<()>();
        let working = Arc::clone(&daemon);
        let caller = runtime.spawn(async move {
            let work = move |_: &Daemon| {
                begin.send(()).unwrap();
                told.recv().unwrap();
            };
            working.blocking(Asker::nobody(), work).await
        });
        begun.recv().unwrap();
        caller.abort();
        runtime.block_on(async {
            assert!(caller.await.unwrap_err().is_cancelled());
            let busy = daemon.blocking(Asker::nobody(), |_| ()).await.unwrap_err();
            assert_eq!(status(busy), 429, "the work has the place of its caller");
            go_on.send(()).unwrap();
            let mut tries = 0;
            while daemon.place(&Asker::nobody()).await.is_err() {
                tries += 1;
                assert!(tries < 100, "the work has ended and keeps its place");
            }
        });
    }
}
