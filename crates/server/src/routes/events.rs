//! Events that clients report of themselves.

use std::sync::Arc;

use aegis_api::{EventReply, EventRequest, Problem, ProblemKind};
use aegis_canon::Digest;
use aegis_gate::{AddForeignError, ForeignEvent, ForeignRecord};
use aegis_log::{AppendError, InvalidEntry, foreign_digest};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

use super::decisions::field;
use crate::body::JsonBody;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::key::Once;
use crate::problem::Refusal;

/// The greatest number that a hash in the form of the control plane tells apart.
const DOUBLE_MAX: u64 = 1 << 53;

/// How long the name of a kind may be.
const KIND_BYTES_MAX: usize = 64;

/// Adds an event to the chain that a client keeps of a session.
///
/// Clients report what they see. What decides or answers is refused here: the
/// gate alone records decisions, approvals and outcomes, and has routes for
/// them. The chain stands apart from the one of the gate. Its hashes are those
/// of the control plane, made by the client or, without `hash`, by the service.
///
/// An event that is there already is answered with 200 and not added again.
#[utoipa::path(
    post,
    path = "/v1/events",
    tag = "events",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that it is answered once")),
    request_body = EventRequest,
    responses(
        (status = 200, body = EventReply),
        (status = 201, body = EventReply),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 409, body = Problem),
        (status = 413, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn add(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    JsonBody { value, key, .. }: JsonBody<EventRequest>,
) -> Result<(StatusCode, Json<EventReply>), Refusal> {
    principal.must_propose()?;
    let tenant = principal.tenant_named(value.tenant_id.as_deref())?;
    must_be_observation(&value.event_type)?;
    let event = read(&principal, value)?;
    let (is_first, reply) = daemon
        .briefly(principal.asker(), move |daemon| {
            let gate = daemon.gates().of(&tenant)?;
            let once = Once {
                keys: daemon.keys(),
                gate: &gate,
                caller: &principal.recorded_name(),
                key: key.as_ref(),
            };
            once.answer_in_one(
                |used| {
                    let known = ForeignRecord::of(used).map(|record| record.event);
                    Ok(known.map(|event| (true, reply(event.hash, event.seq))))
                },
                |key| {
                    let event = ForeignEvent { key, ..event };
                    let added = gate.add_foreign(&event, daemon.event_order())?;
                    Ok((added.is_first, reply(added.hash, added.seq)))
                },
            )
        })
        .await??;
    let status = if is_first {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(reply)))
}

fn reply(hash: Digest, seq: u64) -> EventReply {
    EventReply {
        hash: hash.to_string(),
        seq,
    }
}

/// Refuses kinds that the gate alone records.
fn must_be_observation(kind: &str) -> Result<(), Refusal> {
    let instead = match kind {
        "POLICY_DECISION" | "TOOL_CALL_ALLOWED" | "TOOL_CALL_DENIED" => {
            "`POST /v1/decisions` decides an action and records it"
        }
        "APPROVAL_REQUESTED" => "`POST /v1/decisions` asks for approvals where a rule says so",
        "APPROVAL_DECIDED" | "APPROVAL_EXPIRED" | "APPROVAL_USED" => {
            "approvals are answered under `/v1/approvals`, by an approver"
        }
        "TOOL_CALL_EXECUTED" | "UNDECIDED_ACTION" => {
            "`POST /v1/outcomes` reports what became of an action"
        }
        "TERMINATION" => {
            "no client ends a session; `POST /v1/decisions` refuses what may not go on, and \
             `SESSION_ENDED` reports that the client has ended"
        }
        "POLICY_REJECTED"
        | "TRUST_CHANGED"
        | "TOKEN_CREATED"
        | "TOKEN_REVOKED"
        | "HEADS_MOVED"
        | "FOREIGN_EVENT"
        | "IDEMPOTENCY_KEY_USED" => "the service records it by itself",
        _ if is_name(kind) => return Ok(()),
        _ => {
            return Err(Refusal::new(
                ProblemKind::InvalidRequest,
                "`event_type` has 1 to 64 capital letters, digits and `_`, a letter first",
            ));
        }
    };
    Err(Refusal::new(
        ProblemKind::Forbidden,
        format!("a client does not report `{kind}`: {instead}"),
    ))
}

fn is_name(kind: &str) -> bool {
    let mut characters = kind.chars();
    kind.len() <= KIND_BYTES_MAX
        && characters
            .next()
            .is_some_and(|first| first.is_ascii_uppercase())
        && characters.all(|each| each.is_ascii_uppercase() || each.is_ascii_digit() || each == '_')
}

fn read(principal: &Principal, given: EventRequest) -> Result<ForeignEvent, Refusal> {
    let invalid = |detail: String| Refusal::new(ProblemKind::InvalidRequest, detail);
    let hash = |name: &str, given: Option<Value>| match given {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::Array(items)) if items.is_empty() => Ok(None),
        Some(given) => foreign_digest(&given).map(Some).ok_or_else(|| {
            let forms = "64 hexadecimal digits, base64 of 32 bytes or a list of 32 bytes";
            invalid(format!("`{name}` is not {forms}"))
        }),
    };
    let is_beyond = |unix_ms: i64| unix_ms.unsigned_abs() > DOUBLE_MAX;
    if given.ts_unix_ms.is_some_and(is_beyond) {
        return Err(invalid("`ts_unix_ms` is beyond 2^53".to_owned()));
    }
    Ok(ForeignEvent {
        session: field("session_id", &given.session_id)?,
        user: given.user_id,
        seq: given.seq,
        unix_ms: given.ts_unix_ms,
        kind: given.event_type,
        payload: given.payload,
        previous: hash("prev_hash", given.prev_hash)?,
        hash: hash("hash", given.hash)?,
        by: principal.name.clone(),
        key: None,
    })
}

impl From<AddForeignError> for Refusal {
    fn from(error: AddForeignError) -> Self {
        let told = |kind| Self::new(kind, aegis_gate::with_causes(&error));
        match &error {
            AddForeignError::Session(_) | AddForeignError::NoForm | AddForeignError::Genesis => {
                told(ProblemKind::InvalidRequest)
            }
            AddForeignError::TooLarge
            | AddForeignError::Append(AppendError::Invalid {
                source: InvalidEntry::TooLarge { .. },
                ..
            }) => told(ProblemKind::TooLarge),
            AddForeignError::Append(AppendError::Invalid { .. }) => {
                told(ProblemKind::InvalidRequest)
            }
            AddForeignError::Hash { .. } => told(ProblemKind::HashMismatch),
            AddForeignError::Order(_) | AddForeignError::Pruned => told(ProblemKind::Conflict),
            AddForeignError::Conflict { next, hash } => {
                let mut problem = Problem::new(ProblemKind::Conflict, error.to_string());
                problem.expected_seq = Some(*next);
                problem.expected_prev_hash = hash.map(|hash| hash.to_string());
                Self::from(problem)
            }
            AddForeignError::Read(_) | AddForeignError::Append(_) => told(ProblemKind::Unavailable),
            AddForeignError::Write(_) => told(ProblemKind::Failed),
        }
    }
}
