//! Events that are recorded and answered by silence.

use aegis_types::EventKind;
use serde_json::{Map, Value, json};

use crate::event::HookEvent;
use crate::output::Reply;
use crate::run::Desk;
use crate::skill;

/// Fields that every event has and that say nothing of this one.
const COMMON: [&str; 5] = [
    "session_id",
    "transcript_path",
    "hook_event_name",
    "effort",
    "cwd",
];

/// The longest text that is kept of a field, in characters.
const TEXT_CHARACTERS_MAX: usize = 2_000;

/// Records an event that asks nothing.
pub(crate) fn record(desk: &Desk<'_>, event: HookEvent) -> Reply {
    let kind = match event {
        HookEvent::SessionStart => EventKind::SessionStarted,
        HookEvent::SessionEnd => EventKind::SessionEnded,
        HookEvent::UserPromptSubmit | HookEvent::UserPromptExpansion => EventKind::PromptSubmitted,
        HookEvent::InstructionsLoaded => EventKind::InstructionsLoaded,
        HookEvent::SubagentStart => EventKind::SubagentStarted,
        HookEvent::SubagentStop => EventKind::SubagentStopped,
        HookEvent::Stop | HookEvent::StopFailure => EventKind::TurnEnded,
        HookEvent::PostToolBatch => EventKind::BatchCompleted,
        HookEvent::PermissionRequest => EventKind::HostPermissionAsked,
        HookEvent::PermissionDenied => EventKind::HostPermissionDenied,
        HookEvent::ConfigChange => EventKind::HostSettingsChanged,
        // The gate records these itself.
        HookEvent::PreToolUse | HookEvent::PostToolUse | HookEvent::PostToolUseFailure => {
            return Reply::silent();
        }
    };
    if event == HookEvent::UserPromptExpansion
        && let Some(name) = desk.input.text("command_name")
    {
        skill::begin(desk, name, "command");
        return Reply::silent();
    }
    append(desk, kind, None, detail(desk, event));
    if event == HookEvent::SessionEnd {
        desk.gate.maintain_log();
    }
    Reply::silent()
}

/// Records an event that a newer host knows and this program does not.
pub(crate) fn record_unknown(desk: &Desk<'_>) -> Reply {
    let name = desk.input.text("hook_event_name").unwrap_or_default();
    let detail = json!({"unknown_event": aegis_redact::visible(name, 100)});
    append(desk, EventKind::ErrorRaised, None, detail);
    Reply::silent()
}

/// Appends an observation. What cannot be recorded here is no cause to stop
/// anybody: only a decision needs its record first.
pub(crate) fn append(desk: &Desk<'_>, kind: EventKind, subject: Option<&str>, detail: Value) {
    let _ = desk
        .gate
        .observe(&desk.input.session, kind, subject, &detail);
}

/// Returns what is kept of an event.
fn detail(desk: &Desk<'_>, event: HookEvent) -> Value {
    let mut kept = Map::new();
    for (key, value) in desk.input.fields() {
        if COMMON.contains(&key.as_str()) {
            continue;
        }
        let value = match value {
            Value::String(text) if text.chars().count() > TEXT_CHARACTERS_MAX => {
                Value::from(text.chars().take(TEXT_CHARACTERS_MAX).collect::<String>())
            }
            Value::Array(items) => json!({"count": items.len()}),
            Value::Object(_) => continue,
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        };
        kept.insert(key.clone(), value);
    }
    kept.insert("event".to_owned(), Value::from(event.as_str()));
    if event == HookEvent::SessionStart {
        // The process of the host: whoever descends from it is an agent, and
        // may not answer approvals.
        let variable = |name: &str| desk.surroundings.variables.get(name);
        if let Some(process) = variable("CLAUDE_PID").and_then(|text| text.parse::<u32>().ok()) {
            kept.insert("host_pid".to_owned(), Value::from(process));
        }
        let entry = variable("CLAUDE_CODE_ENTRYPOINT").cloned();
        kept.insert("entrypoint".to_owned(), Value::from(entry));
    }
    Value::Object(kept)
}
