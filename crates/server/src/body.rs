//! Reading the body of a request.

use std::sync::Arc;

use aegis_api::ProblemKind;
use aegis_canon::{Tagged, parse_tagging};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

use crate::daemon::Daemon;
use crate::key::{NamedRequest, RequestKey};
use crate::places::{Asker, Place};
use crate::problem::Refusal;

/// Up to how many bytes a body is small: of such bodies there may be as many
/// as there are connections.
const SMALL_BYTES_MAX: usize = 64 * 1024;

/// The bytes of a body, within the limits.
pub(crate) struct RawBody {
    pub(crate) bytes: Vec<u8>,
    /// The place of a large body, held as long as the request is.
    place: Option<Place>,
}

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
    /// The place of a large body, held as long as the request is.
    _place: Option<Place>,
}

impl FromRequest<Arc<Daemon>> for RawBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, daemon: &Arc<Daemon>) -> Result<Self, Refusal> {
        let limits = daemon.limits();
        let announced = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > limits.body_bytes) {
            return Err(too_large(limits.body_bytes));
        }
        // Who asks is known before a body is read.
        let asker = request.extensions().get().cloned();
        let asker = asker.unwrap_or_else(Asker::nobody);
        let reading = read(request.into_body(), daemon, &asker);
        tokio::time::timeout(limits.body_time, reading)
            .await
            .map_err(|_| Refusal::new(ProblemKind::TimedOut, "the body took too long to arrive"))?
    }
}

/// Reads `body` to its end; a large one once it has a place among those.
async fn read(mut body: Body, daemon: &Daemon, asker: &Asker) -> Result<RawBody, Refusal> {
    let max = daemon.limits().body_bytes;
    let (mut bytes, mut place) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        let ended = "the body ended before it was whole";
        let frame = frame.map_err(|_| Refusal::new(ProblemKind::InvalidRequest, ended))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let length = bytes.len().saturating_add(data.len());
        if length > max {
            return Err(too_large(max));
        }
        if length > SMALL_BYTES_MAX && place.is_none() {
            place = Some(daemon.place_of_large_body(asker).await?);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(RawBody { bytes, place })
}

fn too_large(max: usize) -> Refusal {
    let detail = format!("a body has at most {max} bytes");
    Refusal::new(ProblemKind::TooLarge, detail)
}

impl<T: DeserializeOwned> FromRequest<Arc<Daemon>> for JsonBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, daemon: &Arc<Daemon>) -> Result<Self, Refusal> {
        let named = NamedRequest::of(&request);
        let RawBody { bytes, place } = RawBody::from_request(request, daemon).await?;
        let Tagged { value, tags } = parse_tagging(&bytes).map_err(|error| {
            Refusal::new(ProblemKind::InvalidJson, format!("invalid JSON: {error}"))
        })?;
        let key = named.map(|named| named.key(&value)).transpose()?;
        let value = serde_json::from_value(value)
            .map_err(|error| Refusal::new(ProblemKind::InvalidRequest, error.to_string()))?;
        Ok(Self {
            value,
            tags,
            key,
            _place: place,
        })
    }
}
