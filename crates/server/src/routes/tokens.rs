//! Tokens: made, listed and revoked over the wire.

use std::sync::Arc;

use aegis_api::{Problem, ProblemKind, TokenList, TokenReply, TokenRequest};
use aegis_gate::with_causes;
use aegis_types::{AgentId, DurationMs, EventKind, Role};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::decisions::field;
use crate::body::JsonBody;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::problem::Refusal;
use crate::query::{Named, Parameters, TenantQuery};
use crate::token::{NewToken, StoredToken, TokenError};

/// Lists the tokens of a tenant.
#[utoipa::path(
    get,
    path = "/v1/tokens",
    tag = "tokens",
    params(TenantQuery),
    responses(
        (status = 200, body = TokenList),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 500, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn list(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Parameters(query): Parameters<TenantQuery>,
) -> Result<Json<TokenList>, Refusal> {
    principal.must_be(Role::Operator)?;
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let tokens = daemon
        .blocking(principal.asker(), |daemon| daemon.tokens().list())
        .await??;
    let own = tokens.iter().filter(|token| token.tenant == tenant);
    Ok(Json(TokenList {
        tokens: own.map(StoredToken::view).collect(),
    }))
}

/// Makes a token, and shows it this one time.
#[utoipa::path(
    post,
    path = "/v1/tokens",
    tag = "tokens",
    request_body = TokenRequest,
    responses(
        (status = 201, body = TokenReply),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 408, body = Problem),
        (status = 413, body = Problem),
        (status = 500, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn create(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    JsonBody { value: asked, .. }: JsonBody<TokenRequest>,
) -> Result<(StatusCode, Json<TokenReply>), Refusal> {
    principal.must_be(Role::Operator)?;
    let now = daemon.gates().now();
    let new = new_token(&principal, asked, now)?;
    let made = daemon
        .blocking(principal.asker(), move |daemon| {
            let gate = daemon.gates().of(&new.tenant)?;
            let by = principal.recorded_name();
            let record = |token: &StoredToken| token.record(&gate, EventKind::TokenCreated, &by);
            Ok::<_, Refusal>(daemon.tokens().create(new, now, record)?)
        })
        .await??;
    let reply = TokenReply {
        token: made.token,
        id: made.id,
    };
    Ok((StatusCode::CREATED, Json(reply)))
}

fn new_token(
    principal: &Principal,
    asked: TokenRequest,
    now: aegis_types::Timestamp,
) -> Result<NewToken, Refusal> {
    let wrong = |detail: String| Refusal::new(ProblemKind::InvalidRequest, detail);
    let role = |name: &String| {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == name)
            .ok_or_else(|| wrong(format!("there is no role `{name}`")))
    };
    let expires_at = match asked.expires_in.as_deref().map(str::parse::<DurationMs>) {
        None => None,
        Some(Ok(within)) => Some(now.plus(within)),
        Some(Err(error)) => return Err(wrong(format!("`expires_in`: {error}"))),
    };
    let agent = |name: &String| field::<AgentId>("agents", name);
    let roles: Vec<Role> = asked.roles.iter().map(role).collect::<Result<_, _>>()?;
    let trusted = |role: &&Role| matches!(role, Role::Approver | Role::Operator);
    if Role::beside_agent(&roles).is_none()
        && let (None, Some(role)) = (principal.local, roles.iter().find(trusted))
    {
        // Else who holds one such token would be as many people as it likes.
        let detail = format!(
            "a token with the role {} is made at the machine of the service, with \
             `aegis token create`",
            role.as_str()
        );
        return Err(Refusal::new(ProblemKind::Forbidden, detail));
    }
    Ok(NewToken {
        tenant: principal.tenant_named(asked.tenant_id.as_deref())?,
        name: asked.name,
        roles,
        agents: asked.agents.iter().map(agent).collect::<Result<_, _>>()?,
        expires_at,
    })
}

/// Lets a token hold no longer.
#[utoipa::path(
    delete,
    path = "/v1/tokens/{id}",
    tag = "tokens",
    params(("id" = String, Path, description = "The record of the token."), TenantQuery),
    responses(
        (status = 204),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 500, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn revoke(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Named(id): Named,
    Parameters(query): Parameters<TenantQuery>,
) -> Result<StatusCode, Refusal> {
    principal.must_be(Role::Operator)?;
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let is_revoked = daemon
        .blocking(principal.asker(), move |daemon| {
            let gate = daemon.gates().of(&tenant)?;
            let by = principal.recorded_name();
            let record = |token: &StoredToken| token.record(&gate, EventKind::TokenRevoked, &by);
            let tokens = daemon.tokens().list()?;
            let is_own = |token: &StoredToken| token.id == id && token.tenant == tenant;
            let is_revoked = tokens.iter().any(is_own) && daemon.tokens().revoke(&id, record)?;
            Ok::<_, Refusal>(is_revoked)
        })
        .await??;
    if is_revoked {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::new(
        ProblemKind::NotFound,
        "there is no such token",
    ))
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        let kind = match &error {
            TokenError::Unknown | TokenError::Expired => ProblemKind::Unauthenticated,
            TokenError::NoName
            | TokenError::NoTime
            | TokenError::NoRole
            | TokenError::BesideAgent(_) => ProblemKind::InvalidRequest,
            TokenError::Record(_) => ProblemKind::Unavailable,
            TokenError::File { .. } | TokenError::Damaged { .. } | TokenError::Random => {
                ProblemKind::Failed
            }
        };
        Self::new(kind, with_causes(&error))
    }
}
