//! Reading the parameters and the path of a request.

use aegis_api::ProblemKind;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Refusal;

/// The parameters of a request; unknown ones and repeated ones are refused.
pub(crate) struct Parameters<T>(pub(crate) T);

/// The one part of the path that is not fixed.
pub(crate) struct Named(pub(crate) String);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(error) => Err(Refusal::new(ProblemKind::InvalidRequest, error.body_text())),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(error) => Err(Refusal::new(ProblemKind::InvalidRequest, error.body_text())),
        }
    }
}
