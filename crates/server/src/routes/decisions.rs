//! Proposals and the answers to them.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use aegis_api::{DecisionReply, DecisionRequest, FindingView, Problem, ProblemKind};
use aegis_gate::{Caller, Gate, Proposal, Submitted, Surroundings, WaitFor};
use aegis_log::Query;
use aegis_types::{Decision, Envelope, Event, EventKind, ParseIdError, TenantId, UserId, Verdict};
use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use crate::body::JsonBody;
use crate::daemon::Daemon;
use crate::identity::{Principal, SERVICE_NAMES};
use crate::key::Once;
use crate::problem::Refusal;

/// How many decisions on one action are looked through.
const DECISIONS_MAX: usize = 1_024;

/// Submits a proposal to the pipeline.
///
/// Request and answer are in the log when the reply comes. An `ask` leaves an
/// approval that waits for a person; the same proposal submitted again after
/// the answer gets what follows from it.
#[utoipa::path(
    post,
    path = "/v1/decisions",
    tag = "decisions",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that it is answered once")),
    request_body = DecisionRequest,
    responses(
        (status = 200, body = DecisionReply),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 409, body = Problem),
        (status = 413, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn submit(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    body: JsonBody<DecisionRequest>,
) -> Result<Json<DecisionReply>, Refusal> {
    principal.must_propose()?;
    let JsonBody {
        value, tags, key, ..
    } = body;
    let asked = Asked::of(&principal, value, tags)?;
    let reply = daemon
        .briefly(principal.asker(), move |daemon| {
            let gate = asked.gate(daemon)?;
            let once = Once {
                keys: daemon.keys(),
                gate: &gate,
                caller: &principal.recorded_name(),
                key: key.as_ref(),
            };
            let proposal = &asked.proposal;
            once.answer(
                &proposal.session,
                |used| decided_after(&gate, proposal, used),
                || Ok(reply(proposal, &gate.submit(proposal, WaitFor::Retry))),
            )
        })
        .await??;
    Ok(Json(reply))
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
    principal.must_propose()?;
    let asked = Asked::of(&principal, body.value, body.tags)?;
    let reply = daemon
        .briefly(principal.asker(), move |daemon| {
            let submitted = asked.gate(daemon)?.rehearse(&asked.proposal);
            Ok::<_, Refusal>(reply(&asked.proposal, &submitted))
        })
        .await??;
    Ok(Json(reply))
}

/// Returns what a proposal was answered after the record `used`, if that was final.
///
/// An ask is not: the same proposal submitted again gets what follows from it.
fn decided_after(
    gate: &Gate,
    proposal: &Proposal,
    used: &Envelope,
) -> Result<Option<DecisionReply>, Refusal> {
    let about = |kind: &EventKind, subject: &str, limit| {
        gate.log().newest(&Query {
            tenant: Some(used.chain.tenant()),
            session: Some(&proposal.session),
            kinds: std::slice::from_ref(kind),
            subject: Some(subject),
            limit,
            ..Query::default()
        })
    };
    let decisions = about(
        &EventKind::DecisionMade,
        proposal.id.as_str(),
        DECISIONS_MAX,
    )?;
    let after = decisions.iter().rev().filter(|it| it.seq > used.seq);
    for envelope in after {
        let event = Event::from_recorded(
            envelope.kind,
            envelope.subject.as_deref(),
            envelope.payload.value(),
        );
        let Ok(Event::DecisionMade {
            decision, approval, ..
        }) = event
        else {
            continue;
        };
        if decision.verdict == Verdict::Ask {
            continue;
        }
        let asked = match &approval {
            Some(id) => about(&EventKind::ApprovalRequested, id.as_str(), 1)?.pop(),
            None => None,
        };
        let approval = asked.map(|asked| asked.payload.into_value());
        return Ok(Some(DecisionReply {
            approval,
            recorded: true,
            ..reply_of(proposal, &decision)
        }));
    }
    Ok(None)
}

/// A proposal, and for whom it is decided.
pub(super) struct Asked {
    pub(super) proposal: Proposal,
    tenant: TenantId,
    surroundings: Surroundings,
    is_guest: bool,
}

impl Asked {
    pub(super) fn of(
        principal: &Principal,
        asked: DecisionRequest,
        tags: usize,
    ) -> Result<Self, Refusal> {
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
            (None, Some(user)) if SERVICE_NAMES.iter().any(|it| user.starts_with(it)) => {
                let detail = format!(
                    "`user_id` begins with what only the service says: {}",
                    SERVICE_NAMES.join(", ")
                );
                return Err(Refusal::new(ProblemKind::InvalidRequest, detail));
            }
            (None, Some(user)) => {
                let user: UserId = field("user_id", &user)?;
                Some(field(
                    "user_id",
                    &principal.recorded_name_for(user.as_str()),
                )?)
            }
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

    pub(super) fn gate(&self, daemon: &Daemon) -> Result<Gate, Refusal> {
        let caller = Caller {
            surroundings: self.surroundings.clone(),
            tenant: Some(self.tenant.clone()),
            is_guest: self.is_guest,
        };
        Ok(daemon.gates().deciding(caller)?)
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
    DecisionReply {
        approval: submitted.approval.as_ref().map(|approval| json!(approval)),
        recorded: submitted.is_recorded,
        ..reply_of(proposal, &submitted.decision)
    }
}

fn reply_of(proposal: &Proposal, decision: &Decision) -> DecisionReply {
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
        approval: None,
        recorded: false,
    }
}
