//! What the service answers, path by path.

mod approvals;
mod decisions;
mod governed;
mod health;
mod hooks;
mod outcomes;
mod recorded;
mod stream;
mod tokens;

use std::sync::Arc;

use aegis_api::ProblemKind;
use axum::Router;
use axum::http::Method;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::daemon::Daemon;
use crate::problem::Refusal;

/// Returns what answers every request to `service`.
pub fn router(daemon: Arc<Daemon>) -> Router {
    let (router, _) = described().split_for_parts();
    router
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(daemon)
}

/// Returns the description of every route, as an OpenAPI document.
#[must_use]
pub fn openapi() -> OpenApi {
    described().split_for_parts().1
}

fn described() -> OpenApiRouter<Arc<Daemon>> {
    OpenApiRouter::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(decisions::submit, recorded::list))
        .routes(routes!(decisions::rehearse))
        .routes(routes!(recorded::show))
        .routes(routes!(outcomes::report))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::show))
        .routes(routes!(approvals::answer))
        .routes(routes!(stream::stream))
        .routes(routes!(recorded::sessions))
        .routes(routes!(recorded::session))
        .routes(routes!(governed::policies))
        .routes(routes!(governed::policy))
        .routes(routes!(governed::agents))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(hooks::claude_code))
}

async fn unknown() -> Refusal {
    Refusal::new(ProblemKind::NotFound, "there is no such path")
}

async fn wrong_method(method: Method) -> Refusal {
    let detail = format!("the path has no method {method}");
    Refusal::new(ProblemKind::MethodNotAllowed, detail)
}
