//! Hook events of agent hosts.

use std::path::Path;
use std::sync::Arc;

use aegis_api::{HookCall, Problem, ProblemKind};
use aegis_gate::{Caller, Surroundings};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::body::RawBody;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::problem::Refusal;

/// Answers one hook event of Claude Code, for a process of this machine.
///
/// The body is one line of JSON on the process, with its `directory` and
/// `variables`, and then the event as the host wrote it. The reply is what the
/// process prints; the field `x-aegis-exit` says how it exits.
#[utoipa::path(
    post,
    path = "/v1/hooks/claude-code",
    tag = "decisions",
    request_body(content = String, content_type = "application/vnd.aegis.hook"),
    responses(
        (status = 200, body = String, content_type = "application/json"),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 413, body = Problem),
    )
)]
pub(super) async fn claude_code(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    RawBody(body): RawBody,
) -> Result<Response, Refusal> {
    let Some(local) = principal.local else {
        return Err(Refusal::new(
            ProblemKind::Forbidden,
            "hook events come over the socket of this machine only",
        ));
    };
    let reply = daemon
        .blocking(move |daemon| {
            let call = HookCall::from_bytes(&body)
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
            Ok::<_, Refusal>(daemon.hooks().answer(daemon.gates(), caller, call.event))
        })
        .await??;
    let mut response = reply.stdout.into_response();
    let fields = response.headers_mut();
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    fields.insert("x-aegis-exit", HeaderValue::from(reply.exit_code));
    Ok(response)
}
