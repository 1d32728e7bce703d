//! Figures of the service, and its description.

use std::sync::Arc;

use aegis_api::{Problem, ProblemKind};
use aegis_gate::ApprovalFilter;
use aegis_types::ApprovalStatus;
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::daemon::Daemon;
use crate::figures::Moment;
use crate::identity::Principal;
use crate::listen::AllConnections;
use crate::problem::Refusal;

/// Shows figures of the whole service, in the text form of Prometheus.
///
/// They are of all tenants together, so only the service's own one sees them.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn metrics(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Extension(connections): Extension<AllConnections>,
) -> Result<Response, Refusal> {
    principal.must_read()?;
    if principal.tenant != *daemon.gates().tenant() {
        let detail = "figures of the service are shown to its own tenant only";
        return Err(Refusal::new(ProblemKind::Forbidden, detail));
    }
    let text = daemon
        .blocking(principal.asker(), move |daemon| {
            let gates = daemon.gates();
            daemon.figures().look(&**gates.log())?;
            let waiting = ApprovalFilter {
                status: Some(ApprovalStatus::Pending),
                ..ApprovalFilter::default()
            };
            let pending = gates.of(gates.tenant())?.approvals(&waiting)?.len();
            Ok::<_, Refusal>(daemon.figures().text(Moment {
                connections: connections.open(),
                pending,
                records: gates.log().change_counter()?,
            }))
        })
        .await??;
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    Ok((kind, text).into_response())
}

/// Describes every route, as an OpenAPI document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "health",
    responses((status = 200, body = Object))
)]
pub(super) async fn description() -> Json<Value> {
    Json(super::openapi())
}
