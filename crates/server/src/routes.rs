//! What the service answers, path by path.

mod decisions;
mod health;
mod hooks;
mod outcomes;

use std::sync::Arc;

use aegis_api::ProblemKind;
use axum::Router;
use axum::http::Method;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::daemon::Daemon;
use crate::problem::Refusal;

/// Returns what answers every request to `service`.
pub fn router(daemon: Arc<Daemon>) -> Router {
    let (router, _) = OpenApiRouter::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(decisions::submit))
        .routes(routes!(decisions::rehearse))
        .routes(routes!(outcomes::report))
        .routes(routes!(hooks::claude_code))
        .split_for_parts();
    router
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(daemon)
}

async fn unknown() -> Refusal {
    Refusal::new(ProblemKind::NotFound, "there is no such path")
}

async fn wrong_method(method: Method) -> Refusal {
    let detail = format!("the path has no method {method}");
    Refusal::new(ProblemKind::MethodNotAllowed, detail)
}
