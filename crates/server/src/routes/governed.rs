//! Policies and agents: by what is decided, and for whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aegis_api::{
    AgentList, AgentView, PolicyList, PolicyVersion, PolicyView, Problem, ProblemKind,
};
use aegis_canon::Digest;
use aegis_gate::PolicyInForce;
use aegis_log::{Log, Query};
use aegis_types::{Envelope, EventKind, PolicyStanding, TenantId};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::recorded::decision_in;
use crate::daemon::Daemon;
use crate::identity::Principal;
use crate::problem::Refusal;
use crate::query::{Named, Parameters, TenantQuery};

/// Among how many records policies and agents are looked for.
const RECORDS_MAX: usize = 4_096;

/// Lists the policies in force, and those by which was decided lately.
#[utoipa::path(
    get,
    path = "/v1/policies",
    tag = "policies",
    params(TenantQuery),
    responses(
        (status = 200, body = PolicyList),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn policies(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Parameters(query): Parameters<TenantQuery>,
) -> Result<Json<PolicyList>, Refusal> {
    principal.must_read()?;
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let list = daemon
        .blocking(principal.asker(), move |daemon| {
            let in_force = daemon.gates().of(&tenant)?.policies();
            let used = used_by(&**daemon.gates().log(), &tenant)?;
            let mut versions: Vec<PolicyVersion> = used.versions.into_values().collect();
            versions.sort_by_key(|version| std::cmp::Reverse(version.last_used_unix_ms));
            Ok::<_, Refusal>(PolicyList {
                in_force: in_force.policies.iter().map(view).collect(),
                fault: in_force.fault.clone(),
                versions,
                decisions_looked_through: used.decisions,
            })
        })
        .await??;
    Ok(Json(list))
}

fn view(policy: &PolicyInForce) -> PolicyView {
    PolicyView {
        name: policy.compiled.name().to_string(),
        digest: policy.compiled.digest().to_string(),
        standing: match policy.standing {
            PolicyStanding::Current => "current",
            PolicyStanding::LastGood => "last_good",
        }
        .to_owned(),
        only_tightens: policy.only_tightens,
        path: policy.path.as_ref().map(|path| path.display().to_string()),
    }
}

/// The policies by which the newest decisions of a tenant were made.
struct Used {
    versions: BTreeMap<Digest, PolicyVersion>,
    decisions: usize,
}

fn used_by(log: &dyn Log, tenant: &TenantId) -> Result<Used, Refusal> {
    let records = newest(log, tenant, EventKind::DecisionMade)?;
    let mut versions = BTreeMap::new();
    for envelope in &records {
        let Some((decision, _)) = decision_in(envelope)? else {
            continue;
        };
        for policy in decision.policies {
            versions.entry(policy.digest).or_insert(PolicyVersion {
                name: policy.name.to_string(),
                digest: policy.digest.to_string(),
                last_used_unix_ms: envelope.at.unix_ms(),
            });
        }
    }
    Ok(Used {
        versions,
        decisions: records.len(),
    })
}

fn newest(log: &dyn Log, tenant: &TenantId, kind: EventKind) -> Result<Vec<Envelope>, Refusal> {
    Ok(log.newest(&Query {
        tenant: Some(tenant),
        kinds: &[kind],
        limit: RECORDS_MAX,
        ..Query::default()
    })?)
}

/// Shows the document of a policy.
///
/// It is one in force, or one by which was decided lately for the same tenant.
#[utoipa::path(
    get,
    path = "/v1/policies/{digest}",
    tag = "policies",
    params(("digest" = String, Path, description = "The digest of the policy."), TenantQuery),
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn policy(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Named(digest): Named,
    Parameters(query): Parameters<TenantQuery>,
) -> Result<Response, Refusal> {
    principal.must_read()?;
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let unknown = || Refusal::new(ProblemKind::NotFound, "there is no such policy");
    let digest: Digest = digest.parse().map_err(|_| unknown())?;
    let document = daemon
        .blocking(principal.asker(), move |daemon| {
            let in_force = daemon.gates().of(&tenant)?.policies();
            let mut policies = in_force.policies.iter();
            if let Some(found) = policies.find(|policy| policy.compiled.digest() == digest) {
                return Ok(Some(Arc::clone(&found.document)));
            }
            let log = &**daemon.gates().log();
            if used_by(log, &tenant)?.versions.contains_key(&digest) {
                return Ok(log.document(&digest)?);
            }
            Ok::<_, Refusal>(None)
        })
        .await??;
    let document = document.ok_or_else(unknown)?;
    let mut response = document.to_vec().into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    Ok(response)
}

/// Lists the agents that proposed something lately.
#[utoipa::path(
    get,
    path = "/v1/agents",
    tag = "policies",
    params(TenantQuery),
    responses(
        (status = 200, body = AgentList),
        (status = 400, body = Problem),
        (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub(super) async fn agents(
    State(daemon): State<Arc<Daemon>>,
    principal: Principal,
    Parameters(query): Parameters<TenantQuery>,
) -> Result<Json<AgentList>, Refusal> {
    principal.must_read()?;
    let tenant = principal.tenant_named(query.tenant_id.as_deref())?;
    let records = daemon
        .blocking(principal.asker(), move |daemon| {
            newest(&**daemon.gates().log(), &tenant, EventKind::ActionRequested)
        })
        .await??;
    let mut found: BTreeMap<String, (BTreeSet<String>, AgentView)> = BTreeMap::new();
    for envelope in &records {
        let agent = envelope.payload.value().pointer("/principal/agent");
        let Some(agent) = agent.and_then(Value::as_str) else {
            continue;
        };
        let (sessions, view) = found.entry(agent.to_owned()).or_insert_with(|| {
            let view = AgentView {
                agent_id: agent.to_owned(),
                sessions: 0,
                requests: 0,
                last_unix_ms: envelope.at.unix_ms(),
            };
            (BTreeSet::new(), view)
        });
        sessions.extend(envelope.chain.session().map(ToString::to_string));
        view.requests += 1;
    }
    let agents = found.into_values().map(|(sessions, view)| AgentView {
        sessions: sessions.len(),
        ..view
    });
    Ok(Json(AgentList {
        agents: agents.collect(),
        requests_looked_through: records.len(),
    }))
}
