//! What became of actions.

use std::sync::Arc;

use aegis_api::{OutcomeReply, OutcomeReport, Problem};
use aegis_gate::Belongs;
use axum::Json;
use axum::extract::State;

use super::decisions::field;
use crate::body::JsonBody;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::problem::Refusal;

/// Reports what became of an action.
///
/// An outcome that no decision let happen is recorded as such.
#[utoipa::path(
    post,
    path = "/v1/outcomes",
    tag = "decisions",
    request_body = OutcomeReport,
    responses(
        (status = 201, body = OutcomeReply),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 413, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn report(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    JsonBody { value: report, .. }: JsonBody<OutcomeReport>,
) -> Result<(axum::http::StatusCode, Json<OutcomeReply>), Refusal> {
    principal.must_propose()?;
    let tenant = principal.tenant_named(report.tenant_id.as_deref())?;
    let session = field("session_id", &report.session_id)?;
    let request = field("call_id", &report.call_id)?;
    let belongs = daemon
        .blocking(move |daemon| {
            let gate = daemon.gates().of(&tenant)?;
            gate.record_outcome(&session, &request, report.outcome, &report.content)
                .map_err(Refusal::from)
        })
        .await??;
    let decided = belongs == Belongs::ToDecision;
    Ok((
        axum::http::StatusCode::CREATED,
        Json(OutcomeReply { decided }),
    ))
}
