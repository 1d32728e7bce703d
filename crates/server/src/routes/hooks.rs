//! Hook events of agent hosts.

use std::path::Path;
use std::sync::Arc;

use aegis_api::{HookCall, HookReply, Problem, ProblemKind};
use aegis_gate::{Caller, Surroundings};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use http_body_util::channel::{Channel, Sender};
use tokio::sync::OwnedSemaphorePermit;

use crate::body::RawBody;
use crate::daemon::Daemon;
use crate::identity::Principal;
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
    let place = daemon.place().await?;
    let (sender, body) = Channel::new(4);
    tokio::spawn(answer(daemon, caller, event, sender, place));
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(HookReply::MEDIA_TYPE),
    );
    Ok(response)
}

/// Answers an event into `sender`, and shows while a person is asked that the
/// service is there.
///
/// Whoever waits for a person gives its place to others.
async fn answer(
    daemon: Arc<Daemon>,
    caller: Caller,
    event: Vec<u8>,
    mut sender: Sender<Bytes>,
    place: OwnedSemaphorePermit,
) {
    let waiting = Arc::new(Waiting::default());
    let mut work = {
        let (daemon, approver) = (Arc::clone(&daemon), Arc::clone(&waiting));
        tokio::task::spawn_blocking(move || {
            let hooks = daemon.hooks();
            hooks.answer(daemon.gates(), caller, approver, &event)
        })
    };
    let mut place = Some(place);
    let mut wait_place = None;
    let mut sign = tokio::time::interval(daemon.limits().sign_of_life);
    let reply = loop {
        tokio::select! {
            reply = &mut work => break reply,
            _ = sign.tick() => {}
        }
        if !waiting.is_asked() {
            continue;
        }
        if wait_place.is_none() {
            wait_place = daemon.wait().ok();
            place = place.filter(|_| wait_place.is_none());
        }
        let sign = Bytes::from_static(HookReply::SIGN_OF_LIFE);
        if sender.send_data(sign).await.is_err() {
            waiting.leave();
        }
    };
    drop((place, wait_place));
    // A reply that cannot be made is cut off, and its process denies by itself.
    if let Some(bytes) = reply.ok().and_then(|reply| reply.to_bytes().ok()) {
        let _ = sender.send_data(Bytes::from(bytes)).await;
    }
}
