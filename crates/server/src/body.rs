//! Reading the body of a request.

use std::sync::Arc;

use aegis_api::ProblemKind;
use aegis_canon::{Tagged, parse_tagging};
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::de::DeserializeOwned;

use crate::daemon::Daemon;
use crate::key::{NamedRequest, RequestKey};
use crate::problem::Refusal;

/// The bytes of a body, within the limits.
pub(crate) struct RawBody(pub(crate) Vec<u8>);

/// A body of JSON.
///
/// What JSON lets stand but no two readers read alike is kept as tagged text,
/// as everywhere else that an agent's words come in.
pub(crate) struct JsonBody<T> {
    /// What it says.
    pub(crate) value: T,
    /// How many parts of it are tagged text.
    pub(crate) tags: usize,
    /// The name that the caller gave the request, if any.
    pub(crate) key: Option<RequestKey>,
}

impl FromRequest<Arc<Daemon>> for RawBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, daemon: &Arc<Daemon>) -> Result<Self, Refusal> {
        let limits = daemon.limits();
        let max = limits.body_bytes;
        let too_large = || {
            let detail = format!("a body has at most {max} bytes");
            Refusal::new(ProblemKind::TooLarge, detail)
        };
        let announced = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > max) {
            return Err(too_large());
        }
        let reading = to_bytes(Body::new(request.into_body()), max);
        match tokio::time::timeout(limits.body_time, reading).await {
            Ok(Ok(bytes)) => Ok(Self(bytes.into())),
            Ok(Err(error)) if is_over_limit(&error) => Err(too_large()),
            Ok(Err(_)) => Err(Refusal::new(
                ProblemKind::InvalidRequest,
                "the body ended before it was whole",
            )),
            Err(_) => Err(Refusal::new(
                ProblemKind::TimedOut,
                "the body took too long to arrive",
            )),
        }
    }
}

fn is_over_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

impl<T: DeserializeOwned> FromRequest<Arc<Daemon>> for JsonBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, daemon: &Arc<Daemon>) -> Result<Self, Refusal> {
        let named = NamedRequest::of(&request);
        let RawBody(bytes) = RawBody::from_request(request, daemon).await?;
        let Tagged { value, tags } = parse_tagging(&bytes).map_err(|error| {
            Refusal::new(ProblemKind::InvalidJson, format!("invalid JSON: {error}"))
        })?;
        let key = named.map(|named| named.key(&value)).transpose()?;
        let value = serde_json::from_value(value)
            .map_err(|error| Refusal::new(ProblemKind::InvalidRequest, error.to_string()))?;
        Ok(Self { value, tags, key })
    }
}
