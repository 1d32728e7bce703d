//! What the service answers, path by path.

mod approvals;
mod decisions;
mod event_pages;
mod events;
mod governed;
mod health;
mod hooks;
mod log;
mod metrics;
mod outcomes;
mod policy_decide;
mod recorded;
mod session_chains;
mod stream;
mod tokens;

use std::sync::Arc;

use aegis_api::{Problem, ProblemKind};
use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::daemon::Daemon;
use crate::problem::Refusal;
use crate::trail::followed;

/// Returns what answers every request to `service`.
pub fn router(daemon: Arc<Daemon>) -> Router {
    let (router, _) = described().split_for_parts();
    router
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&daemon), followed))
        .with_state(daemon)
}

/// Returns the description of every route, as an OpenAPI document.
#[must_use]
pub fn openapi() -> Value {
    let mut document = json!(described().split_for_parts().1);
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let operations = paths.into_iter().flat_map(Map::values_mut);
    let operations = operations.filter_map(Value::as_object_mut);
    for operation in operations.flat_map(Map::values_mut) {
        let responses = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut);
        responses
            .into_iter()
            .flat_map(Map::values_mut)
            .for_each(name_problem);
    }
    if let Some(document) = document.as_object_mut() {
        let about = json!({"title": "Aegis", "version": env!("CARGO_PKG_VERSION")});
        document.insert("info".to_owned(), about);
        // On a socket of the machine the account of the process is enough, and
        // behind TLS a certificate may be.
        document.insert("security".to_owned(), json!([{"bearer": []}, {}]));
        let bearer = json!({"bearer": {"type": "http", "scheme": "bearer"}});
        let components = document.entry("components").or_insert_with(|| json!({}));
        if let Some(components) = components.as_object_mut() {
            components.insert("securitySchemes".to_owned(), bearer);
        }
    }
    document
}

/// Gives a problem among the contents of a response the media type it is sent with.
fn name_problem(response: &mut Value) {
    let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) else {
        return;
    };
    let problem = json!("#/components/schemas/Problem");
    if content
        .get("application/json")
        .and_then(|body| body.pointer("/schema/$ref"))
        == Some(&problem)
        && let Some(body) = content.remove("application/json")
    {
        content.insert(Problem::MEDIA_TYPE.to_owned(), body);
    }
}

fn described() -> OpenApiRouter<Arc<Daemon>> {
    OpenApiRouter::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::metrics))
        .routes(routes!(metrics::description))
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
        .routes(routes!(log::records))
        .routes(routes!(log::verify))
        .routes(routes!(governed::policies))
        .routes(routes!(governed::policy))
        .routes(routes!(governed::agents))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(events::add, event_pages::plain))
        .routes(routes!(event_pages::list))
        .routes(routes!(session_chains::snapshot))
        .routes(routes!(session_chains::verify))
        .routes(routes!(policy_decide::decide))
        .routes(routes!(hooks::claude_code))
}

async fn unknown() -> Refusal {
    Refusal::new(ProblemKind::NotFound, "there is no such path")
}

async fn wrong_method(method: Method) -> Refusal {
    let detail = format!("the path has no method {method}");
    Refusal::new(ProblemKind::MethodNotAllowed, detail)
}
