//! Proposals and the answers to them.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use aegis_api::{DecisionReply, DecisionRequest, FindingView, Problem, ProblemKind};
use aegis_gate::{Caller, Gate, Proposal, Submitted, Surroundings, WaitFor};
use aegis_types::{ParseIdError, TenantId};
use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use crate::body::JsonBody;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::problem::Refusal;

/// Submits a proposal to the pipeline.
///
/// Request and answer are in the log when the reply comes. An `ask` leaves an
/// approval that waits for a person; the same proposal submitted again after
/// the answer gets what follows from it.
#[utoipa::path(
    post,
    path = "/v1/decisions",
    tag = "decisions",
    request_body = DecisionRequest,
    responses(
        (status = 200, body = DecisionReply),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 413, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn submit(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    body: JsonBody<DecisionRequest>,
) -> Result<Json<DecisionReply>, Refusal> {
    decided(daemon, &principal, body, |gate, proposal| {
        gate.submit(proposal, WaitFor::Retry)
    })
    .await
}

/// Decides a proposal as if it were submitted, and records nothing.
///
/// A dry run lets nothing happen: its reply says `recorded: false`.
#[utoipa::path(
    post,
    path = "/v1/decisions/rehearse",
    tag = "decisions",
    request_body = DecisionRequest,
    responses(
        (status = 200, body = DecisionReply),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 413, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn rehearse(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    body: JsonBody<DecisionRequest>,
) -> Result<Json<DecisionReply>, Refusal> {
    decided(daemon, &principal, body, Gate::rehearse).await
}

/// Answers a proposal by what `decide` makes of it.
async fn decided(
    daemon: Arc<Daemon>,
    principal: &Principal,
    JsonBody { value, tags }: JsonBody<DecisionRequest>,
    decide: impl FnOnce(&Gate, &Proposal) -> Submitted + Send + 'static,
) -> Result<Json<DecisionReply>, Refusal> {
    principal.must_propose()?;
    let asked = Asked::of(principal, value, tags)?;
    let reply = daemon
        .blocking(move |daemon| {
            let submitted = decide(&asked.gate(daemon)?, &asked.proposal);
            Ok::<_, Refusal>(reply(&asked.proposal, &submitted))
        })
        .await??;
    Ok(Json(reply))
}

/// A proposal, and for whom it is decided.
struct Asked {
    proposal: Proposal,
    tenant: TenantId,
    surroundings: Surroundings,
    is_guest: bool,
}

impl Asked {
    fn of(principal: &Principal, asked: DecisionRequest, tags: usize) -> Result<Self, Refusal> {
        let tenant = principal.tenant_named(asked.tenant_id.as_deref())?;
        let directory = folder("directory", asked.directory)?.unwrap_or_else(|| "/".into());
        let home = folder("home", asked.home)?;
        let surroundings = match (principal.local, home) {
            (Some(local), _) => {
                Surroundings::of_other(local.user, local.is_guest, asked.variables, &directory)
            }
            (None, home) => Surroundings::of_remote(home, asked.variables, &directory),
        };
        if asked.tool_name.is_empty() || asked.tool_name.len() > 1_024 {
            return Err(Refusal::new(
                ProblemKind::InvalidRequest,
                "`tool_name` has 1 to 1,024 bytes",
            ));
        }
        let user = match (principal.local, asked.user_id) {
            (Some(_), _) => Some(field("user_id", &principal.name)?),
            // What the service says of who asks nobody else may say.
            (None, Some(user)) if user.starts_with("user:") || user.starts_with("token:") => {
                return Err(Refusal::new(
                    ProblemKind::InvalidRequest,
                    "`user_id` begins with what only the service says: `user:` or `token:`",
                ));
            }
            (None, Some(user)) => Some(field("user_id", &user)?),
            (None, None) => Some(field("user_id", &principal.recorded_name())?),
        };
        let params = if asked.args.is_null() {
            Value::Object(Map::new())
        } else {
            asked.args
        };
        Ok(Self {
            proposal: Proposal {
                id: field("call_id", &asked.call_id)?,
                session: field("session_id", &asked.session_id)?,
                agent: principal.agent_named(asked.agent_id.as_deref())?,
                subagent: asked.subagent.map(Arc::from),
                user,
                tool: Arc::from(asked.tool_name),
                tagged: u32::try_from(tags).unwrap_or(u32::MAX),
                params,
                directory,
                host_mode: asked.host_mode,
                skill: asked.skill,
            },
            tenant,
            surroundings,
            is_guest: principal.local.is_none_or(|local| local.is_guest),
        })
    }

    fn gate(&self, daemon: &Daemon) -> Result<Gate, Refusal> {
        let caller = Caller {
            surroundings: self.surroundings.clone(),
            tenant: Some(self.tenant.clone()),
            is_guest: self.is_guest,
        };
        Ok(daemon.gates().at(caller)?)
    }
}

/// Reads the identifier in the field `name`.
pub(super) fn field<T: FromStr<Err = ParseIdError>>(name: &str, text: &str) -> Result<T, Refusal> {
    text.parse()
        .map_err(|error| Refusal::new(ProblemKind::InvalidRequest, format!("`{name}`: {error}")))
}

fn folder(name: &str, given: Option<String>) -> Result<Option<PathBuf>, Refusal> {
    match given {
        Some(path) if !Path::new(&path).is_absolute() || path.contains('\0') => Err(Refusal::new(
            ProblemKind::InvalidRequest,
            format!("`{name}` is no absolute path"),
        )),
        Some(path) => Ok(Some(PathBuf::from(path))),
        None => Ok(None),
    }
}

fn reply(proposal: &Proposal, submitted: &Submitted) -> DecisionReply {
    let decision = &submitted.decision;
    let deciding = decision.deciding();
    DecisionReply {
        session_id: proposal.session.to_string(),
        call_id: proposal.id.to_string(),
        verdict: decision.verdict.as_str().to_owned(),
        reason: decision.reason.as_str().to_owned(),
        message: deciding
            .and_then(|finding| finding.message.as_deref())
            .map(str::to_owned),
        rule: deciding
            .and_then(|finding| finding.rule.as_ref())
            .map(ToString::to_string),
        risk: decision.risk.as_str().to_owned(),
        obligations: decision
            .obligations
            .iter()
            .map(|obligation| json!(obligation))
            .collect(),
        findings: FindingView::all_of(decision),
        approval: submitted.approval.as_ref().map(|approval| json!(approval)),
        recorded: submitted.is_recorded,
    }
}
