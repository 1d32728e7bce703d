//! What waits for a person, and the answers.

use std::sync::Arc;
use std::time::Duration;

use aegis_api::{AnswerRequest, ApprovalList, ApprovalReply, Problem, ProblemKind};
use aegis_gate::{AnswerError, ApprovalFilter, ApprovalView, AskedFor, Gate, Reply, with_causes};
use aegis_types::{
    ActionRequest, Approval, ApprovalId, ApprovalStatus, DurationMs, Event, Role, TenantId,
};
use axum::Json;
use axum::extract::{Extension, State};
use axum::response::Response;
use serde::Deserialize;
use tokio::time::Instant;

use super::decisions::field;
use crate::assurance::{Answerer, assurance_of};
use crate::body::JsonBody;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::listen::Closing;
use crate::paced::paced;
use crate::problem::Refusal;
use crate::query::{Named, Parameters};

/// The longest that one request waits for an answer.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The longest note.
const NOTE_BYTES_MAX: usize = 4_096;

/// Which approvals are listed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Whose sessions; those of the caller if absent, and no other's.
    tenant_id: Option<String>,
    /// Only those of this session.
    session_id: Option<String>,
    /// Only those that stand like this: `pending`, `granted`, `refused`, `expired`.
    status: Option<String>,
}

/// Lists approvals, newest first.
#[utoipa::path(
    get,
    path = "/v1/approvals",
    tag = "approvals",
    params(ListQuery),
    responses(
        (status = 200, body = ApprovalList),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn list(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Json<ApprovalList>, Refusal> {
    principal.must_be_one_of(&[Role::Approver, Role::Auditor, Role::Operator])?;
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let session = query.session_id.as_deref();
    let filter = ApprovalFilter {
        session: session.map(|name| field("session_id", name)).transpose()?,
        status: query.status.as_deref().map(status).transpose()?,
        tenant: Some(tenant.clone()),
    };
    let views = daemon
        .blocking(principal.asker(), move |daemon| {
            let gate = daemon.gates().of(&tenant)?;
            gate.approvals(&filter).map_err(Refusal::from)
        })
        .await??;
    let approvals = views.into_iter().map(unopened).collect();
    Ok(Json(ApprovalList { approvals }))
}

fn status(name: &str) -> Result<ApprovalStatus, Refusal> {
    [
        ApprovalStatus::Pending,
        ApprovalStatus::Granted,
        ApprovalStatus::Refused,
        ApprovalStatus::Expired,
    ]
    .into_iter()
    .find(|status| status.as_str() == name)
    .ok_or_else(|| {
        let detail = "`status` is `pending`, `granted`, `refused` or `expired`";
        Refusal::new(ProblemKind::InvalidRequest, detail)
    })
}

/// How an approval is shown.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ShowQuery {
    /// Whose sessions; those of the caller if absent, and no other's.
    tenant_id: Option<String>,
    /// How long to wait for an answer, such as `30s`; at most a minute.
    wait: Option<String>,
}

/// Shows an approval, as soon as it is answered or the wait is over.
///
/// An agent sees those that its own proposals led to. Who has the role approver is
/// shown the whole request besides, as it is recorded.
#[utoipa::path(
    get,
    path = "/v1/approvals/{id}",
    tag = "approvals",
    params(("id" = String, Path, description = "The approval."), ShowQuery),
    responses(
        (status = 200, body = ApprovalReply),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Named(id): Named,
    Parameters(query): Parameters<ShowQuery>,
    Extension(closing): Extension<Closing>,
) -> Result<Response, Refusal> {
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let wait = match query.wait.as_deref().map(str::parse::<DurationMs>) {
        None => Duration::ZERO,
        Some(Ok(wait)) => wait.to_std().min(WAIT_MAX),
        Some(Err(error)) => {
            let detail = format!("`wait`: {error}");
            return Err(Refusal::new(ProblemKind::InvalidRequest, detail));
        }
    };
    let deadline = Instant::now() + wait;
    let _place = (!wait.is_zero())
        .then(|| daemon.wait(&principal.asker()))
        .transpose()?;
    let mut news = daemon.news();
    let principal = Arc::new(principal);
    let (view, asked) = loop {
        let (asks, tenant, id) = (Arc::clone(&principal), tenant.clone(), id.clone());
        let (view, asked, now) = daemon
            .blocking(principal.asker(), move |daemon| {
                let gate = daemon.gates().of(&tenant)?;
                let view = find(&gate, &tenant, &id)?;
                must_see(&gate, &asks, &view.approval)?;
                let asked = if asks.roles().has(Role::Approver) {
                    gate.asked_for(&view.approval)?
                } else {
                    AskedFor::default()
                };
                Ok::<_, Refusal>((view, asked, gate.now()))
            })
            .await??;
        if view.status != ApprovalStatus::Pending || Instant::now() >= deadline {
            break (view, asked);
        }
        let left = view
            .approval
            .expires_at
            .unix_ms()
            .saturating_sub(now.unix_ms());
        let end = Instant::now() + Duration::from_millis(left.try_into().unwrap_or(0));
        tokio::select! {
            _ = news.changed() => {}
            () = tokio::time::sleep_until(deadline.min(end)) => {}
            () = closing.told() => break (view, asked),
        }
    };
    let make = move |_: &Daemon| {
        serde_json::to_vec(&reply(view, asked))
            .map_err(|_| Refusal::new(ProblemKind::Failed, "the reply cannot be written as JSON"))
    };
    paced(&daemon, principal.asker(), make).await
}

/// Answers an approval.
///
/// Who asked cannot answer, and the greater the risk, the surer it must be
/// that somebody else does.
#[utoipa::path(
    post,
    path = "/v1/approvals/{id}/answer",
    tag = "approvals",
    params(("id" = String, Path, description = "The approval.")),
    request_body = AnswerRequest,
    responses(
        (status = 200, body = ApprovalReply),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 408, body = Problem),
        (status = 409, body = Problem),
        (status = 413, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn answer(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Named(id): Named,
    JsonBody { value: given, .. }: JsonBody<AnswerRequest>,
) -> Result<Json<ApprovalReply>, Refusal> {
    principal.must_be(Role::Approver)?;
    if given
        .note
        .as_ref()
        .is_some_and(|note| note.len() > NOTE_BYTES_MAX)
    {
        let detail = format!("`note` has at most {NOTE_BYTES_MAX} bytes");
        return Err(Refusal::new(ProblemKind::InvalidRequest, detail));
    }
    let view = daemon
        .blocking(principal.asker(), move |daemon| {
            let gate = daemon.gates().of(&principal.tenant)?;
            let view = find(&gate, &principal.tenant, &id)?;
            let request = request_of(&gate, &view.approval)?;
            let given = reply_of(&principal, request.as_ref(), given)?;
            gate.answer(&view.approval.id, given).map_err(Refusal::from)
        })
        .await??;
    Ok(Json(unopened(view)))
}

/// Returns the answer that `principal` gives to what `request` asked.
fn reply_of(
    principal: &Principal,
    request: Option<&ActionRequest>,
    given: AnswerRequest,
) -> Result<Reply, Refusal> {
    let recorded = principal.recorded_name();
    let (answerer, name) = match (&principal.local, &principal.proof) {
        (Some(local), _) => (
            Answerer::Person { user: local.user },
            format!("local:uid-{}", local.user),
        ),
        (None, Some(_)) => (
            Answerer::Holder {
                name: &recorded,
                is_seen: principal.process.is_some(),
            },
            recorded.clone(),
        ),
        (None, None) => {
            let detail = "nobody answers who is neither a person here nor has a token";
            return Err(Refusal::new(ProblemKind::Forbidden, detail));
        }
    };
    let user = request.and_then(|request| request.principal.user.as_ref());
    let service = rustix::process::geteuid().as_raw();
    let assurance = assurance_of(answerer, user.map(|user| user.as_str()), service);
    let channel = match principal.process {
        Some(_) => "socket",
        None => "port",
    };
    Ok(Reply {
        is_granted: given.approved,
        approver: field("approver", &name)?,
        assurance,
        channel: channel.to_owned(),
        note: given.note,
        process: principal.process,
    })
}

/// Finds the approval called `id` among those of `tenant`.
fn find(gate: &Gate, tenant: &TenantId, id: &str) -> Result<ApprovalView, Refusal> {
    let unknown = || Refusal::new(ProblemKind::NotFound, "there is no such approval");
    let id: ApprovalId = id.parse().map_err(|_| unknown())?;
    gate.approval(&id, Some(tenant))?.ok_or_else(unknown)
}

/// Refuses to go on for an agent whose proposal did not lead to `approval`; it
/// does not learn that there is one.
fn must_see(gate: &Gate, principal: &Principal, approval: &Approval) -> Result<(), Refusal> {
    if principal.is_reader() || principal.roles().has(Role::Approver) {
        return Ok(());
    }
    principal.must_be(Role::Agent)?;
    let request = request_of(gate, approval)?;
    if request.is_some_and(|request| principal.may_act_as(&request.principal)) {
        return Ok(());
    }
    Err(Refusal::new(
        ProblemKind::NotFound,
        "there is no such approval",
    ))
}

/// Returns the request that `approval` was asked for.
fn request_of(gate: &Gate, approval: &Approval) -> Result<Option<ActionRequest>, Refusal> {
    let Some(found) = gate.request_record(approval)? else {
        return Ok(None);
    };
    match Event::from_recorded(found.kind, found.subject.as_deref(), &found.payload)? {
        Event::ActionRequested(request) => Ok(Some(*request)),
        Event::DecisionMade { .. }
        | Event::ApprovalRequested(_)
        | Event::ApprovalAnswered(_)
        | Event::ApprovalExpired { .. }
        | Event::OutcomeRecorded { .. }
        | Event::Observed { .. } => Ok(None),
    }
}

fn reply(view: ApprovalView, asked: AskedFor) -> ApprovalReply {
    ApprovalReply {
        approval: view.approval,
        status: view.status,
        answers: view.answers,
        request: asked.request,
        left_out: asked.left_out,
    }
}

/// Returns an approval without the request: a list is short.
fn unopened(view: ApprovalView) -> ApprovalReply {
    reply(view, AskedFor::default())
}

impl From<AnswerError> for Refusal {
    fn from(error: AnswerError) -> Self {
        let kind = match &error {
            AnswerError::Missing { .. } => ProblemKind::NotFound,
            AnswerError::Settled { .. } | AnswerError::AnsweredAlready { .. } => {
                ProblemKind::Conflict
            }
            AnswerError::Assurance { .. } | AnswerError::Agent { .. } | AnswerError::Unseen => {
                ProblemKind::Forbidden
            }
            AnswerError::Read(_) | AnswerError::Append(_) => ProblemKind::Unavailable,
            AnswerError::Write(_) => ProblemKind::Failed,
        };
        Self::new(kind, with_causes(&error))
    }
}
