//! Sessions and decisions, as the log has them.

use std::sync::Arc;

use aegis_api::{
    ActionView, DecisionLine, DecisionList, DecisionView, FindingView, Problem, ProblemKind,
    SessionList, SessionView,
};
use aegis_log::{ChainSummary, Log, Placed, Query, Walk};
use aegis_types::{
    ChainId, Decision, Envelope, Event, EventKind, SessionId, TenantId, Timestamp, Verdict,
};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::decisions::field;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::page::{limit, name_of, name_token, place_of, place_token};
use crate::problem::Refusal;
use crate::query::{Named, Parameters, TenantQuery};

/// How many pages of decisions are looked through for one page of an answer.
const PAGES_MAX: usize = 32;

/// How many records about one action are read.
const RECORDS_MAX: usize = 256;

/// Which sessions are listed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SessionsQuery {
    /// Whose sessions; those of the caller if absent, and no other's.
    tenant_id: Option<String>,
    /// How many at most, from 1 to 1000; 100 if absent.
    limit: Option<u32>,
    /// Where the page begins, as the page before said.
    page_token: Option<String>,
}

/// Lists the sessions of a tenant, by name.
#[utoipa::path(
    get,
    path = "/v1/sessions",
    tag = "log",
    params(SessionsQuery),
    responses(
        (status = 200, body = SessionList),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn sessions(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Parameters(query): Parameters<SessionsQuery>,
) -> Result<Json<SessionList>, Refusal> {
    principal.must_read()?;
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let limit = limit(query.limit)?;
    let after = query.page_token.as_deref().map(name_of).transpose()?;
    let after = after.unwrap_or_default();
    let chains = daemon
        .blocking(principal.asker(), move |daemon| {
            let log = daemon.gates().log();
            // One more shows whether there is another page.
            log.chains_after(&tenant, &after, limit.saturating_add(1))
        })
        .await??;
    let has_more = chains.len() > limit;
    let sessions: Vec<_> = chains.into_iter().take(limit).map(view_in).collect();
    let last = sessions.last().filter(|_| has_more);
    Ok(Json(SessionList {
        next_page_token: last.map(|session| name_token(&session.session_id)),
        sessions,
    }))
}

fn view_in(summary: ChainSummary) -> SessionView {
    SessionView {
        tenant_id: summary.chain.tenant().to_string(),
        session_id: summary
            .chain
            .session()
            .map_or_else(String::new, ToString::to_string),
        records: summary.records(),
        last_seq: Some(summary.head.next.saturating_sub(1)),
        head: summary
            .head
            .hash
            .map_or_else(String::new, |hash| hash.to_string()),
        first_unix_ms: summary.first_at.unix_ms(),
        last_unix_ms: summary.last_at.unix_ms(),
    }
}

/// Shows one session.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}",
    tag = "log",
    params(("id" = String, Path, description = "The session."), TenantQuery),
    responses(
        (status = 200, body = SessionView),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn session(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Named(id): Named,
    Parameters(query): Parameters<TenantQuery>,
) -> Result<Json<SessionView>, Refusal> {
    principal.must_read()?;
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let session: SessionId = field("session", &id)?;
    let view = daemon
        .blocking(principal.asker(), move |daemon| {
            view_of(&**daemon.gates().log(), tenant, session)
        })
        .await??;
    Ok(Json(view))
}

fn view_of(log: &dyn Log, tenant: TenantId, session: SessionId) -> Result<SessionView, Refusal> {
    let chain = ChainId::Session { tenant, session };
    let head = log.head(&chain)?;
    let first = log.read(&chain, 0, 1)?.into_iter().next();
    let last = log
        .read(&chain, head.next.saturating_sub(1), 1)?
        .into_iter()
        .next();
    let (Some(first), Some(last)) = (first, last) else {
        return Err(Refusal::new(
            ProblemKind::NotFound,
            "there is no such session",
        ));
    };
    Ok(view_in(ChainSummary {
        chain,
        first: first.seq,
        head,
        first_at: first.at,
        last_at: last.at,
    }))
}

/// Which decisions are listed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DecisionsQuery {
    /// Whose sessions; those of the caller if absent, and no other's.
    tenant_id: Option<String>,
    /// Only those of this session.
    session_id: Option<String>,
    /// Only those with this verdict: `allow`, `ask`, `deny`.
    verdict: Option<String>,
    /// Only those made at this time or later, in milliseconds since 1970.
    since: Option<i64>,
    /// How many at most, from 1 to 1000; 100 if absent.
    limit: Option<u32>,
    /// Where the page begins, as the page before said.
    page_token: Option<String>,
}

/// Lists decisions, newest first.
///
/// What is decided while somebody turns the pages comes before the first one,
/// so no page loses or repeats anything.
#[utoipa::path(
    get,
    path = "/v1/decisions",
    tag = "decisions",
    params(DecisionsQuery),
    responses(
        (status = 200, body = DecisionList),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn list(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Parameters(query): Parameters<DecisionsQuery>,
) -> Result<Json<DecisionList>, Refusal> {
    principal.must_read()?;
    let session = query.session_id.as_deref();
    let asked = Asked {
        tenant: principal.tenant_named(query.tenant_id.as_deref())?,
        session: session.map(|name| field("session_id", name)).transpose()?,
        verdict: query.verdict.as_deref().map(verdict).transpose()?,
        since: query.since.map(Timestamp::from_unix_ms),
        limit: limit(query.limit)?,
    };
    let before = query.page_token.as_deref().map(place_of).transpose()?;
    let page = daemon
        .blocking(principal.asker(), move |daemon| {
            asked.page(&**daemon.gates().log(), before.unwrap_or(u64::MAX))
        })
        .await??;
    Ok(Json(page))
}

fn verdict(name: &str) -> Result<Verdict, Refusal> {
    [Verdict::Allow, Verdict::Ask, Verdict::Deny]
        .into_iter()
        .find(|verdict| verdict.as_str() == name)
        .ok_or_else(|| {
            let detail = "`verdict` is `allow`, `ask` or `deny`";
            Refusal::new(ProblemKind::InvalidRequest, detail)
        })
}

struct Asked {
    tenant: TenantId,
    session: Option<SessionId>,
    verdict: Option<Verdict>,
    since: Option<Timestamp>,
    limit: usize,
}

impl Asked {
    fn page(&self, log: &dyn Log, mut before: u64) -> Result<DecisionList, Refusal> {
        let mut decisions = Vec::new();
        let query = Query {
            tenant: Some(&self.tenant),
            session: self.session.as_ref(),
            kinds: &[EventKind::DecisionMade],
            subject: None,
            since: self.since,
            limit: self.limit,
        };
        for _ in 0..PAGES_MAX {
            let found = log.walk(&query, Walk::Before(before))?;
            let is_last = found.len() < self.limit;
            for Placed { place, envelope } in found {
                before = place;
                let Some((decision, _)) = decision_in(&envelope)? else {
                    continue;
                };
                if self
                    .verdict
                    .is_none_or(|verdict| verdict == decision.verdict)
                {
                    decisions.push(line(&envelope, &decision));
                }
                if decisions.len() == self.limit {
                    return Ok(DecisionList {
                        decisions,
                        next_page_token: Some(place_token(before)),
                    });
                }
            }
            if is_last {
                return Ok(DecisionList {
                    decisions,
                    next_page_token: None,
                });
            }
        }
        Ok(DecisionList {
            decisions,
            next_page_token: Some(place_token(before)),
        })
    }
}

/// Shows one action with everything that was decided about it.
#[utoipa::path(
    get,
    path = "/v1/decisions/{session}/{call}",
    tag = "decisions",
    params(
        ("session" = String, Path, description = "The session."),
        ("call" = String, Path, description = "The action."),
        TenantQuery,
    ),
    responses(
        (status = 200, body = ActionView),
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
    Named((session, call)): Named<(String, String)>,
    Parameters(query): Parameters<TenantQuery>,
) -> Result<Json<ActionView>, Refusal> {
    principal.must_read()?;
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let session: SessionId = field("session", &session)?;
    let view = daemon
        .blocking(principal.asker(), move |daemon| {
            let records = daemon.gates().log().newest(&Query {
                tenant: Some(&tenant),
                session: Some(&session),
                kinds: &[
                    EventKind::ActionRequested,
                    EventKind::DecisionMade,
                    EventKind::OutcomeRecorded,
                ],
                subject: Some(&call),
                since: None,
                limit: RECORDS_MAX,
            })?;
            action_of(&records)
        })
        .await??;
    Ok(Json(view))
}

fn action_of(newest_first: &[Envelope]) -> Result<ActionView, Refusal> {
    let mut view = ActionView {
        request: None,
        decisions: Vec::new(),
        outcome: None,
    };
    for envelope in newest_first.iter().rev() {
        if let Some((decision, _)) = decision_in(envelope)? {
            view.decisions.push(DecisionView {
                decision: line(envelope, &decision),
                findings: FindingView::all_of(&decision),
                policies: decision
                    .policies
                    .iter()
                    .map(|policy| json!(policy))
                    .collect(),
                obligations: decision.obligations.iter().map(|it| json!(it)).collect(),
            });
            continue;
        }
        let payload = envelope.payload.value();
        if envelope.kind == EventKind::ActionRequested {
            view.request = Some(payload.clone());
        } else if envelope.kind == EventKind::OutcomeRecorded {
            let outcome = payload.get("outcome").and_then(Value::as_str);
            view.outcome = outcome.map(str::to_owned);
        }
    }
    if view.request.is_none() && view.decisions.is_empty() {
        return Err(Refusal::new(
            ProblemKind::NotFound,
            "there is no such action",
        ));
    }
    Ok(view)
}

/// Returns the decision that an envelope holds, with the name of its request.
pub(super) fn decision_in(envelope: &Envelope) -> Result<Option<(Decision, String)>, Refusal> {
    if envelope.kind != EventKind::DecisionMade {
        return Ok(None);
    }
    let event = Event::from_recorded(
        envelope.kind,
        envelope.subject.as_deref(),
        &envelope.payload,
    )?;
    match event {
        Event::DecisionMade {
            request, decision, ..
        } => Ok(Some((*decision, request.to_string()))),
        Event::ActionRequested(_)
        | Event::ApprovalRequested(_)
        | Event::ApprovalAnswered(_)
        | Event::ApprovalExpired { .. }
        | Event::OutcomeRecorded { .. }
        | Event::Observed { .. } => Ok(None),
    }
}

fn line(envelope: &Envelope, decision: &Decision) -> DecisionLine {
    let session = envelope.chain.session();
    let rule = decision
        .deciding()
        .and_then(|finding| finding.rule.as_ref());
    DecisionLine {
        session_id: session.map_or_else(String::new, ToString::to_string),
        call_id: envelope.subject.clone().unwrap_or_default(),
        seq: envelope.seq,
        ts_unix_ms: envelope.at.unix_ms(),
        verdict: decision.verdict.as_str().to_owned(),
        reason: decision.reason.as_str().to_owned(),
        rule: rule.map(ToString::to_string),
        risk: decision.risk.as_str().to_owned(),
    }
}
