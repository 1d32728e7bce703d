//! Whether the service is there, and whether it can do its work.

use std::sync::Arc;

use aegis_api::{Problem, ProblemKind};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::daemon::Daemon;
use crate::places::Asker;
use crate::problem::Refusal;

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok` or `ready`.
    status: &'static str,
}

/// Says that the process is there.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = Health)))]
pub(super) async fn alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Says whether actions can be decided: whether the log can be read and
/// written, and a policy is in force.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    responses((status = 200, body = Health), (status = 503, body = Problem))
)]
pub(super) async fn ready(State(daemon): State<Arc<Daemon>>) -> Result<Json<Health>, Refusal> {
    let unavailable = |detail| Refusal::new(ProblemKind::Unavailable, detail);
    daemon
        .blocking(Asker::nobody(), move |daemon| {
            let log = daemon.gates().log();
            log.change_counter()?;
            log.check_writable()?;
            let gate = daemon.gates().of(daemon.gates().tenant())?;
            match &gate.policies().fault {
                Some(fault) => Err(unavailable(fault.clone())),
                None => Ok(()),
            }
        })
        .await??;
    Ok(Json(Health { status: "ready" }))
}
