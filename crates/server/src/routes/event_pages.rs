//! Listings of events.
#![allow(
    unused_qualifications,
    reason = "what describes the parameters of a route is written with its path"
)]

use std::sync::Arc;

use aegis_api::{
    EventOrigin, EventPage, EventView, PlainEventPage, PlainEventView, Problem, ProblemKind,
};
use aegis_canon::{Digest, to_source};
use aegis_log::to_base64;
use aegis_types::Role;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::decisions::field;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::listing::{Cursor, Filter, Listed, page};
use crate::paced::paced;
use crate::page::limit;
use crate::problem::Refusal;
use crate::query::Parameters;

/// Which events are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    /// Whose sessions; those of the caller if absent, and no other's.
    tenant_id: Option<String>,
    /// Only those of this session.
    session_id: Option<String>,
    /// Only those of this chain: what the gate wrote, or what clients added.
    #[param(value_type = Option<String>)]
    origin: Option<EventOrigin>,
    /// Only those of this kind.
    event_type: Option<String>,
    /// Only those that name this tool.
    tool_name: Option<String>,
    /// Only decisions that are `allow`, `deny` or `require_approval`.
    policy_outcome: Option<String>,
    /// Only those of this time or later, in milliseconds since the Unix epoch.
    from_ts: Option<i64>,
    /// Only those of this time or earlier.
    to_ts: Option<i64>,
    /// At most so many, 1 to 1,000; 100 if absent.
    limit: Option<u32>,
    /// Where the page begins: the token of the page before, with the same filters.
    page_token: Option<String>,
}

/// Lists events as the control plane did: members in capitals, bytes in base64.
///
/// A page may have fewer events than asked for, and still a token: it is the
/// last one only if `NextToken` is empty.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "events",
    params(EventQuery),
    responses(
        (status = 200, body = PlainEventPage),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn plain(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Parameters(query): Parameters<EventQuery>,
) -> Result<Response, Refusal> {
    let base64 = |digest: Digest| to_base64(digest.as_bytes());
    let plain = move |listed: Listed, tenant: &str| {
        let payload_json = to_base64(to_source(listed.payload()).as_bytes());
        let view = view(tenant, listed);
        PlainEventView {
            payload_json,
            hash: view.hash.parse().map_or_else(|_| String::new(), base64),
            prev_hash: view
                .prev_hash
                .and_then(|hash| hash.parse().ok())
                .map(base64),
            tenant_id: view.tenant_id,
            session_id: view.session_id,
            seq: view.seq,
            ts_unix_ms: view.ts_unix_ms,
            event_type: view.event_type,
            origin: view.origin,
            user_id: view.user_id,
        }
    };
    answered(&daemon, &principal, query, move |events, tenant, next| {
        let events: Vec<_> = events.into_iter().map(|it| plain(it, tenant)).collect();
        PlainEventPage {
            events: (!events.is_empty()).then_some(events),
            next_token: next.map_or_else(String::new, |next| next.to_string()),
        }
    })
    .await
}

/// Lists events.
///
/// A page may have fewer events than asked for, and still a token: it is the
/// last one only without `next_token`.
#[utoipa::path(
    get,
    path = "/v2/events",
    tag = "events",
    params(EventQuery),
    responses(
        (status = 200, body = EventPage),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn list(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Parameters(query): Parameters<EventQuery>,
) -> Result<Response, Refusal> {
    answered(&daemon, &principal, query, |events, tenant, next| {
        EventPage {
            events: events.into_iter().map(|it| view(tenant, it)).collect(),
            next_token: next.map(|next| next.to_string()),
        }
    })
    .await
}

/// Answers with the page that `form` returns for what is listed, its tenant, and
/// where the next page begins.
async fn answered<T: Serialize>(
    daemon: &Arc<Daemon>,
    principal: &Principal,
    query: EventQuery,
    form: impl FnOnce(Vec<Listed>, &str, Option<Cursor>) -> T + Send + 'static,
) -> Result<Response, Refusal> {
    principal.must_be(Role::Auditor)?;
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let limit = limit(query.limit)?;
    let token = query.page_token.clone().filter(|token| !token.is_empty());
    let filter = filter(query)?;
    let start: Option<Cursor> = token
        .map(|token| token.parse())
        .transpose()
        .map_err(|_| invalid("`page_token` is none of a page given here"))?;
    if start.as_ref().is_some_and(|start| !start.is_of(&filter)) {
        return Err(invalid("`page_token` is of a page with other filters"));
    }
    let make = move |daemon: &Daemon| {
        let log = &**daemon.gates().log();
        let (events, next) = page(log, &tenant, &filter, start.as_ref(), limit)?;
        serde_json::to_vec(&form(events, tenant.as_str(), next))
            .map_err(|_| Refusal::new(ProblemKind::Failed, "the page cannot be written as JSON"))
    };
    paced(daemon, principal.asker(), make).await
}

fn invalid(detail: &str) -> Refusal {
    Refusal::new(ProblemKind::InvalidRequest, detail)
}

fn filter(query: EventQuery) -> Result<Filter, Refusal> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let verdict = match given(query.policy_outcome).as_deref() {
        None => None,
        Some("allow") => Some("allow"),
        Some("deny") => Some("deny"),
        Some("require_approval" | "ask") => Some("ask"),
        Some(_) => {
            let detail = "`policy_outcome` is `allow`, `deny` or `require_approval`";
            return Err(invalid(detail));
        }
    };
    Ok(Filter {
        session: given(query.session_id)
            .map(|session| field("session_id", &session))
            .transpose()?,
        origin: query.origin,
        kind: given(query.event_type),
        tool: given(query.tool_name),
        verdict,
        from_unix_ms: query.from_ts,
        to_unix_ms: query.to_ts,
    })
}

fn view(tenant: &str, listed: Listed) -> EventView {
    match listed {
        Listed::Gate(envelope) => EventView {
            tenant_id: tenant.to_owned(),
            session_id: envelope
                .chain
                .session()
                .map_or_else(String::new, ToString::to_string),
            origin: EventOrigin::Gate,
            seq: envelope.seq,
            ts_unix_ms: envelope.at.unix_ms(),
            received_unix_ms: envelope.at.unix_ms(),
            event_type: envelope.kind.as_str().to_owned(),
            payload: envelope.payload.clone().into_value(),
            prev_hash: envelope.previous.map(|hash| hash.to_string()),
            hash: envelope.hash.to_string(),
            user_id: None,
            redacted: None,
        },
        Listed::Client(record, received_unix_ms) => {
            let event = record.event;
            EventView {
                tenant_id: tenant.to_owned(),
                session_id: event.session_id.to_string(),
                origin: EventOrigin::Client,
                seq: event.seq,
                ts_unix_ms: event.ts_unix_ms,
                received_unix_ms,
                event_type: event.event_type,
                payload: event.payload,
                prev_hash: event.prev_hash.map(|hash| hash.to_string()),
                hash: event.hash.to_string(),
                user_id: Some(event.user_id),
                redacted: (record.redacted > 0).then_some(record.redacted),
            }
        }
    }
}
