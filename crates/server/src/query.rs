//! Reading the parameters and the path of a request.

use aegis_api::ProblemKind;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::problem::Refusal;

/// The parameters of a request; unknown ones and repeated ones are refused.
pub(crate) struct Parameters<T>(pub(crate) T);

/// What is not fixed of the path: one name, or several in order.
pub(crate) struct Named<T = String>(pub(crate) T);

/// The parameters of a request that may say no more than whose records it means.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TenantQuery {
    /// Whose records; those of the caller if absent, and no other's.
    pub(crate) tenant_id: Option<String>,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let cause = cause.unwrap_or_else(|| error.to_string());
                let detail = format!("the query: {cause}");
                Err(Refusal::new(ProblemKind::InvalidRequest, detail))
            }
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(error) => Err(Refusal::new(ProblemKind::InvalidRequest, error.body_text())),
        }
    }
}
