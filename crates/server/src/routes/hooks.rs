//! Hook events of agent hosts.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use aegis_api::{HookCall, HookReply, Problem, ProblemKind};
use aegis_gate::{Caller, Surroundings};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use http_body_util::channel::{Channel, Sender};
use tokio::task::{JoinError, JoinHandle};

use crate::body::RawBody;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::places::{Asker, Place};
use crate::problem::Refusal;
use crate::waiting::Waiting;

/// Answers one hook event of Claude Code, for a process of this machine.
///
/// The body is one line of JSON on the process, with its `directory` and
/// `variables`, and then the event as the host wrote it. The reply is empty
/// lines while a person is asked, one line of JSON with `exit` and `bytes`, and
/// then the bytes that the process prints.
#[utoipa::path(
    post,
    path = "/v1/hooks/claude-code",
    tag = "decisions",
    request_body(content = String, content_type = "application/vnd.aegis.hook"),
    responses(
        (status = 200, body = String, content_type = "application/vnd.aegis.hook-reply"),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 413, body = Problem),
    )
)]
pub(super) async fn claude_code(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    body: RawBody,
) -> Result<Response, Refusal> {
    let Some(local) = principal.local else {
        return Err(Refusal::new(
            ProblemKind::Forbidden,
            "hook events come over the socket of this machine only",
        ));
    };
    let asker = principal.asker();
    let call = HookCall::from_bytes(&body.bytes)
        .map_err(|error| Refusal::new(ProblemKind::InvalidRequest, error.to_string()))?;
    let caller = Caller {
        surroundings: Surroundings::of_other(
            local.user,
            local.is_guest,
            call.variables,
            Path::new(&call.directory),
        ),
        tenant: Some(principal.tenant),
        is_guest: local.is_guest,
    };
    let event = call.event.to_vec();
    let place = daemon.place(&asker).await?;
    let mut caller = Attended::new(Arc::clone(&daemon), caller, event, place);
    // Most events are answered before a person could be asked: in one piece.
    let soon = tokio::time::timeout(daemon.limits().sign_of_life, &mut caller.work);
    let body = match soon.await {
        Ok(reply) => Body::from(bytes_of(reply).ok_or_else(|| {
            Refusal::new(ProblemKind::Failed, "the service failed on this request")
        })?),
        Err(_) => {
            let (sender, body) = Channel::new(4);
            tokio::spawn(caller.attend(daemon, asker, sender));
            Body::new(body)
        }
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(HookReply::MEDIA_TYPE),
    );
    Ok(response)
}

/// Returns a reply as it goes over the wire, if there is one.
fn bytes_of(reply: Result<HookReply, JoinError>) -> Option<Bytes> {
    reply.ok()?.to_bytes().ok().map(Bytes::from)
}

/// A caller whose event is answered. It has left when this is dropped.
struct Attended {
    waiting: Arc<Waiting>,
    /// Its place among the requests in hand, which the work holds to its end even
    /// if the caller goes away.
    place: Arc<Mutex<Option<Place>>>,
    work: JoinHandle<HookReply>,
}

impl Attended {
    fn new(daemon: Arc<Daemon>, caller: Caller, event: Vec<u8>, place: Place) -> Self {
        let waiting = Arc::new(Waiting::default());
        let place = Arc::new(Mutex::new(Some(place)));
        let approver = Arc::clone(&waiting);
        let held = Arc::clone(&place);
        Self {
            waiting,
            place,
            work: tokio::task::spawn_blocking(move || {
                let _held = held;
                let hooks = daemon.hooks();
                hooks.answer(daemon.gates(), caller, approver, &event)
            }),
        }
    }

    /// Puts the answer into `sender`, and shows while a person is asked that the
    /// service is there.
    ///
    /// Whoever waits for a person gives its place to others.
    async fn attend(mut self, daemon: Arc<Daemon>, asker: Asker, mut sender: Sender<Bytes>) {
        let mut wait_place = None;
        let mut sign = tokio::time::interval(daemon.limits().sign_of_life);
        let reply = loop {
            tokio::select! {
                reply = &mut self.work => break reply,
                _ = sign.tick() => {}
            }
            if !self.waiting.is_asked() {
                continue;
            }
            if wait_place.is_none() {
                wait_place = daemon.wait(&asker).ok();
                if wait_place.is_some() {
                    let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
                    drop(place.take());
                }
            }
            let sign = Bytes::from_static(HookReply::SIGN_OF_LIFE);
            if sender.send_data(sign).await.is_err() {
                self.waiting.leave();
            }
        };
        drop(wait_place);
        // A reply that cannot be made is cut off, and its process denies by itself.
        if let Some(bytes) = bytes_of(reply) {
            let _ = sender.send_data(bytes).await;
        }
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        self.waiting.leave();
    }
}
