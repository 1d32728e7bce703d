//! The dry run under the name that the control plane gave it.

use std::collections::BTreeMap;
use std::sync::Arc;

use aegis_api::{DecisionRequest, FindingView, Problem, ProblemKind};
use aegis_types::{Decision, Obligation, Verdict};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::decisions::Asked;
use super::session_chains::NOT_CHECKED;
use crate::body::JsonBody;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::problem::Refusal;
use crate::snapshot::Found;

/// The only kind of event that is decided.
const PROPOSED: &str = "TOOL_CALL_PROPOSED";

/// The session and the action of events that name none.
const DRY_RUN: &str = "dry-run";

/// A question as the control plane took it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyQuestion {
    /// The event: `event_type`, `payload` with `tool_name`, `args` and
    /// `call_id`, and `tenant_id` and `session_id` if it is of a session.
    #[schema(value_type = Object)]
    event: Value,
    /// The session's counters as the caller sees them. They decide nothing.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    snapshot: Value,
    /// A manifest. It decides nothing.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    manifest: Value,
}

/// The answer as the control plane gave it, and what it did not say.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyAnswer {
    /// `allow`, `deny` or `require_approval`.
    outcome: &'static str,
    /// The code of the reason.
    reason: String,
    /// What the caller must do for an allow to hold.
    #[schema(value_type = Object)]
    constraints: Map<String, Value>,
    /// Always true: nothing is recorded, and nothing may be done on this
    /// answer. `POST /v1/decisions` decides.
    dry_run: bool,
    /// What the caller sent and was not used.
    ignored: Vec<Ignored>,
    /// Every finding.
    findings: Vec<FindingView>,
    /// Checks of the control plane that this version does not have.
    not_checked: Vec<&'static str>,
}

/// Something that a caller sent and that was not used.
#[derive(Debug, Serialize, ToSchema)]
struct Ignored {
    /// The member.
    field: &'static str,
    /// Why.
    cause: &'static str,
    /// Where it differs from what the service knows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    differences: BTreeMap<&'static str, Difference>,
}

/// Two views of the same thing.
#[derive(Debug, Serialize, ToSchema)]
struct Difference {
    /// What the caller sent.
    #[schema(value_type = Object)]
    sent: Value,
    /// What the service knows.
    #[schema(value_type = Object)]
    known: Value,
}

/// Decides an event as if it were submitted, and records nothing.
///
/// The service decides by its own policies and by what its own log says. What
/// the caller sends of that is compared and named in `ignored`, and never
/// believed. Manifests, Rego, budgets, loops and taint are checks that this
/// version does not have, which `not_checked` says.
#[utoipa::path(
    post,
    path = "/v1/policy/decide",
    tag = "decisions",
    request_body = PolicyQuestion,
    responses(
        (status = 200, body = PolicyAnswer),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 413, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn decide(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    JsonBody { value, tags, .. }: JsonBody<PolicyQuestion>,
) -> Result<Json<PolicyAnswer>, Refusal> {
    principal.must_propose()?;
    let PolicyQuestion {
        event,
        snapshot,
        manifest,
    } = value;
    let asked = Asked::of(&principal, request_of(&event)?, tags)?;
    let answer = daemon
        .briefly(principal.asker(), move |daemon| {
            let submitted = asked.gate(daemon)?.rehearse(&asked.proposal);
            let mut ignored = Vec::new();
            if !is_empty(&snapshot) {
                let session = &asked.proposal.session;
                let found = Found::of(&**daemon.gates().log(), &principal.tenant, session)?;
                ignored.push(ignored_snapshot(&snapshot, &found));
            }
            if !is_empty(&manifest) {
                ignored.push(Ignored {
                    field: "manifest",
                    cause: "this version has no check of manifests, and would not take one \
                            from a caller",
                    differences: BTreeMap::new(),
                });
            }
            Ok::<_, Refusal>(answer(&submitted.decision, ignored))
        })
        .await??;
    Ok(Json(answer))
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

/// Returns the proposal that `event` is.
fn request_of(event: &Value) -> Result<DecisionRequest, Refusal> {
    let invalid = |detail: &str| Refusal::new(ProblemKind::InvalidRequest, detail);
    let text = |value: &Value, field: &str| match value.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(invalid(&format!("`{field}` is no text"))),
    };
    if text(event, "event_type")?.as_deref() != Some(PROPOSED) {
        return Err(invalid(
            "only an event of the `event_type` `TOOL_CALL_PROPOSED` is decided",
        ));
    }
    let payload = event.get("payload").unwrap_or(&Value::Null);
    let tool_name = text(payload, "tool_name")?
        .ok_or_else(|| invalid("the `payload` of the event names no `tool_name`"))?;
    let or_dry_run = |name: Option<String>| name.unwrap_or_else(|| DRY_RUN.to_owned());
    Ok(DecisionRequest {
        tenant_id: text(event, "tenant_id")?,
        session_id: or_dry_run(text(event, "session_id")?),
        call_id: or_dry_run(text(payload, "call_id")?),
        user_id: text(event, "user_id")?.filter(|user| !user.is_empty()),
        tool_name,
        args: payload.get("args").cloned().unwrap_or_default(),
        ..DecisionRequest::default()
    })
}

fn ignored_snapshot(sent: &Value, found: &Found) -> Ignored {
    let counters = &found.snapshot.budgets;
    let known = [
        ("steps_consumed", counters.steps_consumed),
        ("tool_calls_consumed", counters.tool_calls_consumed),
    ];
    let differences = known.into_iter().filter_map(|(name, known)| {
        let sent = sent.get(name)?;
        let difference = Difference {
            sent: sent.clone(),
            known: json!(known),
        };
        (*sent != difference.known).then_some((name, difference))
    });
    Ignored {
        field: "snapshot",
        cause: "the service decides by its own log",
        differences: differences.collect(),
    }
}

fn answer(decision: &Decision, ignored: Vec<Ignored>) -> PolicyAnswer {
    let outcome = match decision.verdict {
        Verdict::Allow => "allow",
        Verdict::Ask => "require_approval",
        Verdict::Deny => "deny",
    };
    let constraints = decision.obligations.iter().map(|obligation| {
        let (name, value) = match obligation {
            Obligation::Timeout(within) => ("timeout_ms", json!(within.as_ms())),
            Obligation::OutputBytesMax(bytes) => ("max_output_bytes", json!(bytes)),
            Obligation::Redact(scope) => ("redact", json!(scope)),
            Obligation::Sandbox(scope) => ("sandbox", json!(scope)),
            Obligation::Notify(channel) => ("notify", json!(channel)),
        };
        (name.to_owned(), value)
    });
    PolicyAnswer {
        outcome,
        reason: decision.reason.as_str().to_owned(),
        constraints: constraints.collect(),
        dry_run: true,
        ignored,
        findings: FindingView::all_of(decision),
        not_checked: NOT_CHECKED.to_vec(),
    }
}
