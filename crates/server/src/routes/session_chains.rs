//! The chains of a session: what they add up to, and whether they hold.
#![allow(
    unused_qualifications,
    reason = "what describes the parameters of a route is written with its path"
)]

use std::sync::Arc;

use aegis_api::{EventOrigin, Problem, ProblemKind};
use aegis_canon::canonical;
use aegis_log::to_base64;
use aegis_types::Role;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::decisions::field;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::problem::Refusal;
use crate::query::{Named, Parameters, TenantQuery};
use crate::snapshot::{Chain, Found};

/// The checks of the control plane that this version has not: what a snapshot
/// says of them would not be true.
pub(super) const NOT_CHECKED: [&str; 5] = ["budgets", "loops", "manifest", "rego", "taint"];

/// What the records of a session add up to at this moment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SnapshotReply {
    /// Whose session it is.
    #[serde(rename = "TenantID")]
    tenant_id: String,
    /// The session.
    #[serde(rename = "SessionID")]
    session_id: String,
    /// The number of the last event that clients added; of the last record of
    /// the gate, if they added none.
    last_seq: u64,
    /// When the last record was made.
    ts_unix_ms: i64,
    /// The state as JSON in base64.
    #[serde(rename = "StateJSON")]
    state_json: String,
    /// SHA-256 of the RFC 8785 form of the state, in base64.
    snapshot_hash: String,
    /// The state.
    #[schema(value_type = Object)]
    state: Value,
    /// The chains it was made of.
    chains: Vec<ChainView>,
    /// Checks of the control plane that this version does not have; the state
    /// has no members for what they would remember.
    not_checked: Vec<&'static str>,
}

/// A chain of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChainView {
    /// Who writes it.
    origin: EventOrigin,
    /// How many events it has.
    events: u64,
    /// The number that comes next.
    next_seq: u64,
    /// The hash of the last event, in hexadecimal digits.
    head_hash: Option<String>,
    /// Whether it holds.
    valid: bool,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The number of the first event that this touches.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_bad_seq: Option<u64>,
    /// How many events hold redacted secrets: their hash was checked when they
    /// came, and is now vouched for by the record around them alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    redacted: Option<u64>,
}

/// Whether the chains of a session hold.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerifyReply {
    /// Whether they do.
    valid: bool,
    /// What is wrong first.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The number of the first event that this touches.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_bad_seq: Option<u64>,
    /// How far the word reaches: `consistent`. Who holds the file could have
    /// rewritten all of it; `aegis log verify` also takes heads kept elsewhere.
    standing: &'static str,
    /// How many events the chains have.
    events: u64,
    /// The chains.
    chains: Vec<ChainView>,
}

/// Adds up the records of a session.
///
/// The state is made from the log for each request, so it is never behind. An
/// action that clients reported and the gate decided counts once, as the gate's.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/snapshot",
    tag = "sessions",
    params(("id" = String, Path, description = "The session"), TenantQuery),
    responses(
        (status = 200, body = SnapshotReply),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn snapshot(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Named(session): Named,
    Parameters(query): Parameters<TenantQuery>,
) -> Result<Json<SnapshotReply>, Refusal> {
    let found = found(&daemon, &principal, &session, query).await?;
    let state = found.snapshot.to_json();
    let last = found.client.as_ref().or(found.gate.as_ref());
    Ok(Json(SnapshotReply {
        tenant_id: principal.tenant.to_string(),
        session_id: session,
        last_seq: last.map_or(0, |last| last.head.next.saturating_sub(1)),
        ts_unix_ms: found.last_unix_ms(),
        state_json: to_base64(&canonical(&state)),
        snapshot_hash: to_base64(found.snapshot.digest().as_bytes()),
        chains: views(&found),
        state,
        not_checked: NOT_CHECKED.to_vec(),
    }))
}

/// Recomputes the chains of a session from the stored bytes.
///
/// Every hash and every link is made again, the beginning and the end are
/// looked at, and what clients sealed is checked in their own form as well.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/verify",
    tag = "sessions",
    params(("id" = String, Path, description = "The session"), TenantQuery),
    responses(
        (status = 200, body = VerifyReply),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn verify(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Named(session): Named,
    Parameters(query): Parameters<TenantQuery>,
) -> Result<Json<VerifyReply>, Refusal> {
    let found = found(&daemon, &principal, &session, query).await?;
    let chains = views(&found);
    let faults = [found.client, found.gate].into_iter().flatten();
    let (first_bad_seq, error) = faults.filter_map(|chain| chain.fault).next().unzip();
    Ok(Json(VerifyReply {
        valid: error.is_none(),
        standing: if error.is_none() {
            "consistent"
        } else {
            "faulty"
        },
        error,
        first_bad_seq,
        events: chains.iter().map(|chain| chain.events).sum(),
        chains,
    }))
}

async fn found(
    daemon: &Arc<Daemon>,
    principal: &Principal,
    session: &str,
    query: TenantQuery,
) -> Result<Found, Refusal> {
    principal.must_be(Role::Auditor)?;
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let session = field("session_id", session)?;
    let found = daemon
        .blocking(principal.asker(), move |daemon| {
            Found::of(&**daemon.gates().log(), &tenant, &session)
        })
        .await??;
    if found.is_known() {
        return Ok(found);
    }
    Err(Refusal::new(
        ProblemKind::NotFound,
        "there is no such session",
    ))
}

fn views(found: &Found) -> Vec<ChainView> {
    let view = |origin, chain: &Chain| ChainView {
        origin,
        events: chain.events,
        next_seq: chain.head.next,
        head_hash: chain.head.hash.map(|hash| hash.to_string()),
        valid: chain.fault.is_none(),
        error: chain.fault.as_ref().map(|(_, cause)| cause.clone()),
        first_bad_seq: chain.fault.as_ref().map(|(seq, _)| *seq),
        redacted: (chain.redacted > 0).then_some(chain.redacted),
    };
    let gate = found
        .gate
        .iter()
        .map(|chain| view(EventOrigin::Gate, chain));
    let client = found.client.iter();
    gate.chain(client.map(|chain| view(EventOrigin::Client, chain)))
        .collect()
}
