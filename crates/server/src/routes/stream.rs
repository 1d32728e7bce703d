//! Everything that is added to the log, as it comes.

use std::sync::Arc;
use std::time::Duration;

use aegis_api::{Problem, ProblemKind};
use aegis_log::{Log, Placed, Query, Walk};
use aegis_types::{EventKind, Role, SessionId, TenantId};
use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::decisions::field;
use crate::daemon::Daemon;
use crate::identity::{Principal, Shown};
use crate::listen::Closing;
use crate::paced::Parts;
use crate::page::{place_of, place_token, wrong};
use crate::problem::Refusal;
use crate::query::Parameters;
use crate::records::Records;

/// How often a stream on which nothing happens shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How many records one part of a stream has.
const RECORDS_MAX: usize = 256;

/// After how many bytes a part is full; its last record may go beyond.
const PART_BYTES_MAX: usize = 256 << 10;

/// How many parts of a stream wait for a reader that is slow.
const PARTS_MAX: usize = 1;

/// Which events are streamed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StreamQuery {
    /// Whose sessions; those of the caller if absent, and no other's.
    tenant_id: Option<String>,
    /// Only this session; an agent must name one of its own.
    session_id: Option<String>,
}

/// Streams what is added to the log, as server-sent events.
///
/// Each event is an envelope. Its id, sent back as `Last-Event-ID`, resumes the
/// stream after it without loss; `p0` begins with the first record.
#[utoipa::path(
    get,
    path = "/v1/events/stream",
    tag = "log",
    params(
        StreamQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The last id received."),
    ),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn stream(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Parameters(query): Parameters<StreamQuery>,
    Extension(closing): Extension<Closing>,
    shown: Shown,
    fields: HeaderMap,
) -> Result<Response, Refusal> {
    principal.must_be_one_of(&[Role::Agent, Role::Auditor, Role::Operator])?;
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let session = query.session_id.as_deref();
    let session: Option<SessionId> = session.map(|name| field("session_id", name)).transpose()?;
    let resumed = match fields.get("last-event-id").map(HeaderValue::to_str) {
        None => None,
        Some(Ok(id)) => Some(place_of(id).map_err(|_| wrong("Last-Event-ID"))?),
        Some(Err(_)) => return Err(wrong("Last-Event-ID")),
    };
    let place = daemon.stream(&principal.asker())?;
    let asker = principal.asker();
    let mut source = Source {
        owner: (!principal.is_reader()).then(|| principal.clone()),
        follower: principal,
        shown,
        tenant,
        session,
        after: 0,
    };
    let source = daemon
        .blocking(asker, move |daemon| {
            let log = &**daemon.gates().log();
            source.must_be_own(log)?;
            source.after = match resumed {
                Some(place) => place,
                None => log.change_counter()?,
            };
            Ok::<_, Refusal>(source)
        })
        .await??;
    let (parts, received) = mpsc::channel(PARTS_MAX);
    tokio::spawn(async move {
        source.send(&daemon, &closing, parts).await;
        drop(place);
    });
    let mut response = Body::new(Parts::without_length(received)).into_response();
    let fields = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// What a stream tells of, and how far it has told it.
struct Source {
    /// Who follows, if it may see its own sessions only.
    owner: Option<Principal>,
    /// Who follows, and by what it showed that.
    follower: Principal,
    shown: Shown,
    tenant: TenantId,
    session: Option<SessionId>,
    after: u64,
}

/// What is to be sent next.
struct Part {
    text: String,
    /// Whether more is there already.
    has_more: bool,
    /// Whether the stream ends with it.
    is_last: bool,
}

impl Source {
    /// Refuses to go on for an agent whose session it is not.
    fn must_be_own(&self, log: &dyn Log) -> Result<(), Refusal> {
        let Some(owner) = &self.owner else {
            return Ok(());
        };
        let Some(session) = &self.session else {
            let detail = "an agent follows one session of its own: name it as `session_id`";
            return Err(Refusal::new(ProblemKind::InvalidRequest, detail));
        };
        let requests = log.newest(&Query {
            tenant: Some(&self.tenant),
            session: Some(session),
            kinds: &[EventKind::ActionRequested],
            limit: RECORDS_MAX,
            ..Query::default()
        })?;
        if !requests.is_empty() && requests.iter().all(|request| owner.proposed(request)) {
            return Ok(());
        }
        Err(Refusal::new(
            ProblemKind::NotFound,
            "there is no such session",
        ))
    }

    /// Sends what there is and what comes, until nobody reads or the service ends.
    async fn send(mut self, daemon: &Arc<Daemon>, closing: &Closing, parts: mpsc::Sender<Bytes>) {
        let mut news = daemon.news();
        if parts.send(Bytes::from_static(b": open\n\n")).await.is_err() {
            return;
        }
        loop {
            let asker = self.follower.asker();
            let read = daemon.blocking(asker, move |daemon| {
                let part = if self.may_follow(daemon) {
                    self.part(&**daemon.gates().log()).ok()
                } else {
                    None
                };
                (self, part)
            });
            // Whoever is nobody any more hears nothing more. A log that cannot be read
            // ends the stream as well; who follows resumes it.
            let Ok((source, Some(part))) = read.await else {
                return;
            };
            self = source;
            if !part.text.is_empty() && parts.send(Bytes::from(part.text)).await.is_err() {
                return;
            }
            if part.is_last {
                return;
            }
            if part.has_more {
                continue;
            }
            tokio::select! {
                _ = news.changed() => {}
                () = closing.told() => return,
                () = parts.closed() => return,
                () = tokio::time::sleep(HEARTBEAT) => {
                    let alive = format!(": alive\nid: {}\n\n", place_token(self.after));
                    if parts.send(Bytes::from(alive)).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Returns whether who follows is still who it was when it began.
    fn may_follow(&self, daemon: &Daemon) -> bool {
        Principal::named(&self.shown, daemon).is_ok_and(|now| now == self.follower)
    }

    /// Returns what was added, and remembers that it was told.
    fn part(&mut self, log: &dyn Log) -> Result<Part, Refusal> {
        // Whatever is at this place or before it is seen by what is read next.
        let end = log.change_counter()?;
        let query = Query {
            tenant: Some(&self.tenant),
            session: self.session.as_ref(),
            limit: RECORDS_MAX,
            ..Query::default()
        };
        let mut records = Records::of(log, query, Walk::After(self.after));
        let mut part = Part {
            text: String::new(),
            has_more: false,
            is_last: false,
        };
        let mut count = 0;
        while let Some(Placed { place, envelope }) = records.next()? {
            let is_request = envelope.kind == EventKind::ActionRequested;
            let mut owner = self.owner.iter();
            if is_request && !owner.all(|owner| owner.proposed(&envelope)) {
                part.is_last = true;
                return Ok(part);
            }
            self.after = place;
            let (id, kind) = (place_token(place), envelope.kind);
            let line = envelope.to_json();
            part.text
                .push_str(&format!("id: {id}\nevent: {kind}\ndata: {line}\n\n"));
            count += 1;
            if count == RECORDS_MAX || part.text.len() >= PART_BYTES_MAX {
                part.has_more = true;
                break;
            }
        }
        if !part.has_more {
            self.after = self.after.max(end);
        }
        Ok(part)
    }
}
