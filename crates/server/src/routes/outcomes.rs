//! What became of actions.

use std::sync::Arc;

use aegis_api::{OutcomeReply, OutcomeReport, Problem, ProblemKind};
use aegis_gate::{Belongs, Gate};
use aegis_log::Query;
use aegis_types::{Envelope, EventKind, RequestId, SessionId};
use axum::Json;
use axum::extract::State;

use super::decisions::field;
use crate::body::JsonBody;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::key::Once;
use crate::problem::Refusal;

/// How many records on one action are looked through.
const RECORDS_MAX: usize = 1_024;

/// Reports what became of an action.
///
/// An outcome that no decision let happen is recorded as such.
#[utoipa::path(
    post,
    path = "/v1/outcomes",
    tag = "decisions",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that it is answered once")),
    request_body = OutcomeReport,
    responses(
        (status = 201, body = OutcomeReply),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 409, body = Problem),
        (status = 413, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn report(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    JsonBody {
        value: report, key, ..
    }: JsonBody<OutcomeReport>,
) -> Result<(axum::http::StatusCode, Json<OutcomeReply>), Refusal> {
    principal.must_propose()?;
    let tenant = principal.tenant_named(report.tenant_id.as_deref())?;
    let session = field("session_id", &report.session_id)?;
    let request = field("call_id", &report.call_id)?;
    let decided = daemon
        .briefly(principal.asker(), move |daemon| {
            let gate = daemon.gates().of(&tenant)?;
            must_be_own(&gate, &principal, &session, &request)?;
            let once = Once {
                keys: daemon.keys(),
                gate: &gate,
                caller: &principal.recorded_name(),
                key: key.as_ref(),
            };
            once.answer(
                &session,
                |used| reported_after(&gate, &session, &request, used),
                || {
                    let belongs =
                        gate.record_outcome(&session, &request, report.outcome, &report.content)?;
                    Ok(belongs == Belongs::ToDecision)
                },
            )
        })
        .await??;
    Ok((
        axum::http::StatusCode::CREATED,
        Json(OutcomeReply { decided }),
    ))
}

/// Refuses to go on where somebody else proposed the action.
fn must_be_own(
    gate: &Gate,
    principal: &Principal,
    session: &SessionId,
    request: &RequestId,
) -> Result<(), Refusal> {
    let found = gate.log().newest(&Query {
        tenant: Some(&principal.tenant),
        session: Some(session),
        kinds: &[EventKind::ActionRequested],
        subject: Some(request.as_str()),
        limit: 1,
        ..Query::default()
    })?;
    match found.first() {
        Some(proposed) if !principal.proposed(proposed) => Err(Refusal::new(
            ProblemKind::Forbidden,
            format!("`{request}` was proposed by somebody else, who alone reports its outcome"),
        )),
        Some(_) | None => Ok(()),
    }
}

/// Returns whether the outcome recorded after `used` was of a decided action;
/// nothing if none was recorded.
fn reported_after(
    gate: &Gate,
    session: &SessionId,
    request: &RequestId,
    used: &Envelope,
) -> Result<Option<bool>, Refusal> {
    let found = gate.log().newest(&Query {
        tenant: Some(used.chain.tenant()),
        session: Some(session),
        kinds: &[EventKind::OutcomeRecorded, EventKind::UndecidedActionFound],
        subject: Some(request.as_str()),
        limit: RECORDS_MAX,
        ..Query::default()
    })?;
    let mut after = found.iter().rev().filter(|it| it.seq > used.seq).peekable();
    let is_decided = after
        .peek()
        .is_some_and(|first| first.kind == EventKind::OutcomeRecorded);
    let is_reported = after.any(|it| it.kind == EventKind::OutcomeRecorded);
    Ok(is_reported.then_some(is_decided))
}
