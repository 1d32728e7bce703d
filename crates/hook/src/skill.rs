//! Which skill is active.
//!
//! A skill begins with a call of the tool `Skill` or with a typed command.
//! Nothing marks its end, so it lasts until another one begins. Each sub-agent
//! has its own; without one it works under that of the session.

use aegis_log::Query;
use aegis_types::EventKind;
use serde_json::{Value, json};

use crate::observe;
use crate::run::Desk;

/// The tool that begins a skill.
pub(crate) const TOOL: &str = "Skill";

/// Returns the active skill, as far as the log tells.
pub(crate) fn active(desk: &Desk<'_>) -> Option<String> {
    let agent = desk.input.text("agent_id");
    agent
        .and_then(|agent| begun(desk, &subject(Some(agent))))
        .or_else(|| begun(desk, &subject(None)))
}

/// Records that the skill `name` begins.
pub(crate) fn begin(desk: &Desk<'_>, name: &str, how: &str) {
    let detail = json!({"skill": name, "by": how, "agent_id": desk.input.text("agent_id")});
    let subject = subject(desk.input.text("agent_id"));
    observe::append(desk, EventKind::PromptSubmitted, Some(&subject), detail);
}

fn begun(desk: &Desk<'_>, subject: &str) -> Option<String> {
    let query = Query {
        tenant: Some(&desk.gate.settings().tenant.value),
        session: Some(&desk.input.session),
        kinds: &[EventKind::PromptSubmitted],
        subject: Some(subject),
        since: None,
        limit: 1,
    };
    // A log that cannot be read denies the call a moment later.
    let found = desk.gate.log().newest(&query).ok()?.into_iter().next()?;
    let name = found.payload.get("skill").and_then(Value::as_str)?;
    Some(name.to_owned())
}

fn subject(agent: Option<&str>) -> String {
    agent.map_or_else(|| "skill".to_owned(), |agent| format!("skill:{agent}"))
}
