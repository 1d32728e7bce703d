//! The records themselves, and whether they hold.

use std::sync::Arc;

use aegis_api::{Problem, ProblemKind, RecordList, VerificationView, VerifyRequest};
use aegis_gate::with_causes;
use aegis_log::{Anchor, Depth, Evidence, Log, Query, ReadLogError, Walk};
use aegis_types::{Envelope, EventKind, Role, SessionId, Timestamp};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::decisions::field;
use crate::body::JsonBody;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::paced::paced;
use crate::page::{Room, limit, place_of, place_token};
use crate::problem::Refusal;
use crate::query::Parameters;
use crate::records::Records;
use crate::verification::verification_view;

/// How many heads kept elsewhere one request may name.
const ANCHORS_MAX: usize = 64;

/// Which records are listed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RecordsQuery {
    /// Whose records; those of the caller if absent, and no other's.
    tenant_id: Option<String>,
    /// Only those of this session.
    session_id: Option<String>,
    /// Only those of this kind, or of these, with commas between.
    event_type: Option<String>,
    /// Only those about this request or approval.
    subject: Option<String>,
    /// Only those recorded at this time or later, in milliseconds since 1970.
    since: Option<i64>,
    /// How many at most, from 1 to 1000; 100 if absent.
    limit: Option<u32>,
    /// Where the page begins, as the page before said.
    page_token: Option<String>,
}

/// Lists records of the gate as they are sealed, newest first.
///
/// Each is an envelope with its hash, so that whoever asks can recompute it. A page
/// may have fewer records than asked for, and still a token: it is the last one only
/// without `next_page_token`.
#[utoipa::path(
    get,
    path = "/v1/records",
    tag = "log",
    params(RecordsQuery),
    responses(
        (status = 200, body = RecordList),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn records(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Parameters(query): Parameters<RecordsQuery>,
) -> Result<Response, Refusal> {
    principal.must_be(Role::Auditor)?;
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let session = query.session_id.as_deref();
    let session: Option<SessionId> = session.map(|name| field("session_id", name)).transpose()?;
    let kinds = kinds(query.event_type.as_deref())?;
    let limit = limit(query.limit)?;
    let before = query.page_token.as_deref().map(place_of).transpose()?;
    let make = move |daemon: &Daemon| {
        let asked = Query {
            tenant: Some(&tenant),
            session: session.as_ref(),
            kinds: &kinds,
            subject: query.subject.as_deref(),
            since: query.since.map(Timestamp::from_unix_ms),
            limit,
        };
        let log = &**daemon.gates().log();
        let page = page(log, asked, Walk::Before(before.unwrap_or(u64::MAX)))?;
        Ok(page.into_bytes())
    };
    paced(&daemon, principal.asker(), make).await
}

/// Returns a [`RecordList`] as it is sent.
///
/// It is written while the request has its place, because that is most of the work.
fn page(log: &dyn Log, asked: Query<'_>, walk: Walk) -> Result<String, ReadLogError> {
    let mut room = Room::of(asked.limit);
    let mut records = Records::of(log, asked, walk);
    let mut page = "{\"records\":[".to_owned();
    let mut last = None;
    while !room.is_full()
        && let Some(placed) = records.next()?
    {
        if last.is_some() {
            page.push(',');
        }
        let record = Envelope::to_json(&placed.envelope).to_string();
        room.take(record.len());
        page.push_str(&record);
        last = Some(placed.place);
    }
    page.push(']');
    if let Some(last) = last.filter(|_| room.is_full()) {
        let token = place_token(last);
        page.push_str(&format!(",\"next_page_token\":\"{token}\""));
    }
    page.push('}');
    Ok(page)
}

fn kinds(names: Option<&str>) -> Result<Vec<EventKind>, Refusal> {
    let names = names.into_iter().flat_map(|names| names.split(','));
    let kinds = names.map(EventKind::from_wire).collect::<Option<_>>();
    kinds.ok_or_else(|| invalid("`event_type` names no kind of event"))
}

fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::new(ProblemKind::InvalidRequest, detail)
}

/// Recomputes every record of the caller's tenant from the stored bytes.
///
/// The whole log is read for it, so one request at a time is answered. The others
/// wait for their turn, one of each caller.
#[utoipa::path(
    post,
    path = "/v1/log/verify",
    tag = "log",
    request_body = VerifyRequest,
    responses(
        (status = 200, body = VerificationView),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 408, body = Problem),
        (status = 413, body = Problem),
        (status = 429, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn verify(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    JsonBody { value: request, .. }: JsonBody<VerifyRequest>,
) -> Result<Json<VerificationView>, Refusal> {
    principal.must_be(Role::Auditor)?;
    let tenant = principal.tenant.clone();
    let anchors = anchors(&request, &principal)?;
    let alone = daemon.verification(&principal.asker()).await?;
    let view = daemon
        .blocking(principal.asker(), move |daemon| {
            // It is held to the end, also if the caller goes away.
            let _alone = alone;
            let evidence = Evidence {
                depth: if request.canonical {
                    Depth::Canonical
                } else {
                    Depth::Hashes
                },
                anchors: &anchors,
                ..Evidence::NONE
            };
            let found = daemon.gates().log().verify(&evidence)?;
            Ok::<_, Refusal>(verification_view(&found, Some(&tenant)))
        })
        .await??;
    Ok(Json(view))
}

/// Reads the anchors, which are all of the tenant of the caller: whether there is
/// another one is none of their business.
fn anchors(request: &VerifyRequest, principal: &Principal) -> Result<Vec<Anchor>, Refusal> {
    if request.anchors.len() > ANCHORS_MAX {
        return Err(invalid("`anchors` has at most 64 records"));
    }
    let read = |(number, text): (usize, &String)| {
        let anchor = Anchor::read(text, &principal.tenant).map_err(|error| {
            let cause = with_causes(&error);
            invalid(format!(
                "`anchors[{number}]`: {cause}; an anchor is `TENANT/SESSION@SEQ:HASH` or \
                 `TENANT@SEQ:HASH`"
            ))
        })?;
        principal.tenant_named(Some(anchor.chain.tenant().as_str()))?;
        Ok(anchor)
    };
    request.anchors.iter().enumerate().map(read).collect()
}
