//! Replies so large that many of them would fill the memory.
//!
//! Such a reply has a place among them from before it is made until it is read,
//! so that there are never more of them than places.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::daemon::Daemon;
use crate::places::{Asker, Place};
use crate::problem::Refusal;

/// How many bytes are handed over at a time. A reply of no more needs no place.
const PART_BYTES: usize = 64 * 1024;

/// Answers `asker` with the JSON that `make` returns.
///
/// Whoever reads nothing of it for as long as a body may take gets no more of it,
/// and sees by its length that it is not whole.
pub(crate) async fn paced(
    daemon: &Arc<Daemon>,
    asker: Asker,
    make: impl FnOnce(&Daemon) -> Result<Vec<u8>, Refusal> + Send + 'static,
) -> Result<Response, Refusal> {
    let place = daemon.place_of_large_reply(&asker).await?;
    let json = Bytes::from(daemon.blocking(asker, make).await??);
    let body = if json.len() <= PART_BYTES {
        Body::from(json)
    } else {
        let (sender, parts) = mpsc::channel(1);
        let left = json.len() as u64;
        let patience = daemon.limits().body_time;
        tokio::spawn(hand_over(json, sender, patience, place));
        Body::new(Parts {
            parts,
            left: Some(left),
        })
    };
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// Hands `json` over part by part, and holds its place meanwhile.
async fn hand_over(mut json: Bytes, sender: Sender<Bytes>, patience: Duration, place: Place) {
    while !json.is_empty() {
        let part = json.split_to(PART_BYTES.min(json.len()));
        let sent = tokio::time::timeout(patience, sender.send(part)).await;
        if !matches!(sent, Ok(Ok(()))) {
            break;
        }
    }
    drop(place);
}

/// A body that comes in parts.
pub(crate) struct Parts {
    parts: Receiver<Bytes>,
    /// How many bytes are to come, if that is known.
    left: Option<u64>,
}

impl Parts {
    /// Returns a body that has no length, and ends when nothing more is sent.
    pub(crate) const fn without_length(parts: Receiver<Bytes>) -> Self {
        Self { parts, left: None }
    }
}

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = std::task::ready!(self.parts.poll_recv(context));
        Poll::Ready(part.map(|part| {
            let length = part.len() as u64;
            self.left = self.left.map(|left| left.saturating_sub(length));
            Ok(Frame::data(part))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}
