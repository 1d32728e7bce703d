//! What the service answers, path by path.

mod decisions;
mod event_pages;
mod events;
mod health;
mod hooks;
mod outcomes;
mod policy_decide;
mod session_chains;

use std::sync::Arc;

use aegis_api::ProblemKind;
use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::daemon::Daemon;
use crate::problem::Refusal;
use crate::request_log::write_down;

/// Returns what answers every request to `service`.
pub fn router(daemon: Arc<Daemon>) -> Router {
    let (router, _) = OpenApiRouter::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(decisions::submit))
        .routes(routes!(decisions::rehearse))
        .routes(routes!(outcomes::report))
        .routes(routes!(events::add, event_pages::plain))
        .routes(routes!(event_pages::list))
        .routes(routes!(session_chains::snapshot))
        .routes(routes!(session_chains::verify))
        .routes(routes!(policy_decide::decide))
        .routes(routes!(hooks::claude_code))
        .split_for_parts();
    let request_log = daemon.request_log();
    let router = router
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(daemon);
    match request_log {
        Some(log) => router.layer(from_fn_with_state(log, write_down)),
        None => router,
    }
}

async fn unknown() -> Refusal {
    Refusal::new(ProblemKind::NotFound, "there is no such path")
}

async fn wrong_method(method: Method) -> Refusal {
    let detail = format!("the path has no method {method}");
    Refusal::new(ProblemKind::MethodNotAllowed, detail)
}
