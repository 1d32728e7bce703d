//! What the log adds up to.

use std::sync::Arc;

use aegis_types::{AgentId, Envelope, EventKind, Scope, SessionId, State, TenantId, Timestamp};
use serde_json::Value;

/// How many tools are told apart in one scope. An agent can make up names
/// without end; the calls of further ones count for every rule.
const TOOLS_MAX: usize = 1_024;

/// The name under which the calls of further tools are counted together.
pub(crate) const OTHER_TOOLS: &str = "";

/// Folds one envelope into the state.
///
/// Reducing a log in parts equals reducing the whole. What is not about a call,
/// or cannot be read as one, changes nothing.
pub fn reduce(state: &mut State, envelope: &Envelope) {
    if envelope.kind != EventKind::ActionRequested {
        return;
    }
    let Some(call) = Call::read(&envelope.payload) else {
        return;
    };
    for scope in call.scopes {
        let tools = state.calls.entry(scope).or_default();
        if let Some(times) = tools.get_mut(call.tool) {
            times.push(call.at);
            continue;
        }
        let name = if tools.len() < TOOLS_MAX {
            call.tool
        } else {
            OTHER_TOOLS
        };
        tools.entry(Arc::from(name)).or_default().push(call.at);
    }
}

/// The parts of a recorded request that counting needs.
struct Call<'a> {
    at: Timestamp,
    tool: &'a str,
    scopes: [Scope; 3],
}

impl<'a> Call<'a> {
    fn read(payload: &'a Value) -> Option<Self> {
        let principal = payload.get("principal")?;
        let id = |key: &str| principal.get(key).and_then(Value::as_str);
        Some(Self {
            at: Timestamp::from_unix_ms(payload.get("at")?.as_i64()?),
            tool: payload.get("tool_name")?.as_str()?,
            scopes: [
                Scope::Session(id("session")?.parse::<SessionId>().ok()?),
                Scope::Agent(id("agent")?.parse::<AgentId>().ok()?),
                Scope::Tenant(id("tenant")?.parse::<TenantId>().ok()?),
            ],
        })
    }
}
