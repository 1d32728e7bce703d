//! What Aegis writes into the settings of Claude Code, and how it is known again.

use std::path::Path;
use std::time::Duration;

use aegis_types::DurationMs;
use serde::Serialize;
use serde_json::Value;

/// The events for which the hook is registered, in the order in which they are written.
pub const EVENTS: [&str; 16] = [
    PRE_TOOL_USE,
    "PermissionRequest",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "PermissionDenied",
    "UserPromptSubmit",
    "UserPromptExpansion",
    "InstructionsLoaded",
    "SessionStart",
    "SessionEnd",
    "SubagentStart",
    "SubagentStop",
    "Stop",
    "StopFailure",
    "ConfigChange",
];

/// The event that decides.
pub(crate) const PRE_TOOL_USE: &str = "PreToolUse";

/// The key of the settings that switches every hook off.
pub(crate) const SWITCH: &str = "disableAllHooks";

/// The key of managed settings that keeps hooks of anybody else from running.
///
/// Another hook may put other arguments in the place of those that were decided.
pub(crate) const ALONE: &str = "allowManagedHooksOnly";

/// The name of the small program of the hook.
pub(crate) const PROGRAM: &str = "aegis-hook";

/// How long the client waits for an event that only records.
const RECORD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the client waits at the end of a session.
///
/// It waits 1.5 seconds for all hooks together unless one states more, and a
/// person waits with it.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// How much longer the client waits for a decision than an approval may take, in seconds.
const MARGIN_SECONDS: u64 = 60;

/// The registration of the hook: which program, and how long the client waits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registration {
    /// The program, an absolute path.
    pub program: String,
    /// How long the client waits for a decision: longer than any approval.
    pub decision_timeout: Duration,
    /// Whether hooks of users and projects are kept from running beside it,
    /// where the settings do not say anything else.
    pub is_alone: bool,
}

/// One entry of an event's list.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Group {
    hooks: [Hook; 1],
}

/// One hook, in exec form: no shell stands between the client and the program.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
struct Hook {
    #[serde(rename = "type")]
    kind: &'static str,
    command: String,
    args: [&'static str; 0],
    timeout: u64,
    #[serde(rename = "onFailure", skip_serializing_if = "Option::is_none")]
    on_failure: Option<&'static str>,
}

impl Registration {
    /// Returns the registration of `program`, whether or not it is there, for a
    /// client that waits out approvals of `longest_approval`.
    #[must_use]
    pub fn of(program: &Path, longest_approval: DurationMs) -> Self {
        let seconds = longest_approval.as_ms().div_ceil(1_000);
        Self {
            program: program.to_string_lossy().into_owned(),
            decision_timeout: Duration::from_secs(seconds.saturating_add(MARGIN_SECONDS)),
            is_alone: false,
        }
    }

    /// Returns the same for managed settings, which keep other hooks from running.
    #[must_use]
    pub(crate) fn alone(self) -> Self {
        Self {
            is_alone: true,
            ..self
        }
    }

    /// Returns the entry for `event`.
    pub(crate) fn group(&self, event: &str) -> Group {
        let (timeout, on_failure) = match event {
            PRE_TOOL_USE => (self.decision_timeout, Some("block")),
            "PermissionRequest" => (RECORD_TIMEOUT, Some("block")),
            "SessionEnd" => (END_TIMEOUT, None),
            _ => (RECORD_TIMEOUT, None),
        };
        Group {
            hooks: [Hook {
                kind: "command",
                command: self.program.clone(),
                args: [],
                timeout: timeout.as_secs(),
                on_failure,
            }],
        }
    }

    /// Returns whether `settings` register exactly this for every event, and
    /// do not switch hooks off.
    pub(crate) fn is_in(&self, settings: &Value) -> bool {
        settings.get(SWITCH) == Some(&Value::Bool(false))
            && (!self.is_alone || settings.get(ALONE).is_some())
            && EVENTS.iter().all(|event| {
                let ours: Vec<&Value> = groups(settings, event)
                    .filter(|group| hooks(group).any(is_ours))
                    .collect();
                let expected = serde_json::to_value(self.group(event)).ok();
                matches!(ours.as_slice(), [only] if Some(*only) == expected.as_ref())
            })
    }
}

/// Returns the entries that `settings` hold for `event`.
pub(crate) fn groups<'a>(settings: &'a Value, event: &str) -> impl Iterator<Item = &'a Value> {
    settings
        .get("hooks")
        .and_then(|hooks| hooks.get(event))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// Returns the hooks of an entry.
pub(crate) fn hooks(group: &Value) -> impl Iterator<Item = &Value> {
    group
        .get("hooks")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// Returns whether `hook` runs Aegis: the small program, or `aegis hook`.
pub(crate) fn is_ours(hook: &Value) -> bool {
    let Some(command) = hook.get("command").and_then(Value::as_str) else {
        return false;
    };
    let arguments = hook.get("args").and_then(Value::as_array);
    if let Some(arguments) = arguments {
        return match file_name(command) {
            Some(PROGRAM) => true,
            Some("aegis") => arguments.first().and_then(Value::as_str) == Some("hook"),
            _ => false,
        };
    }
    let mut words = command.split_whitespace();
    match words.next().and_then(file_name) {
        Some(PROGRAM) => true,
        Some("aegis") => words.next() == Some("hook"),
        _ => false,
    }
}

fn file_name(command: &str) -> Option<&str> {
    Path::new(command).file_name()?.to_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hook_is_ours_by_its_program_and_not_by_its_text() {
        for ours in [
            json!({"command": "/opt/aegis-hook", "args": []}),
            json!({"command": "/opt/aegis", "args": ["hook"]}),
            json!({"command": "/opt/aegis-hook"}),
            json!({"command": "aegis hook"}),
        ] {
            assert!(is_ours(&ours), "{ours}");
        }
        for other in [
            json!({"command": "/opt/aegis", "args": ["serve"]}),
            json!({"command": "/opt/my-aegis-hook", "args": []}),
            json!({"command": "echo aegis-hook"}),
            json!({"command": "/opt/aegis-hook/run", "args": []}),
            json!({"url": "http://127.0.0.1/aegis-hook"}),
        ] {
            assert!(!is_ours(&other), "{other}");
        }
    }

    #[test]
    fn only_events_that_decide_fail_closed() {
        let registration = Registration {
            program: "/opt/aegis-hook".to_owned(),
            decision_timeout: Duration::from_secs(660),
            is_alone: false,
        };
        let written = |event| serde_json::to_value(registration.group(event)).unwrap();
        assert_eq!(
            written("PreToolUse"),
            json!({"hooks": [{"type": "command", "command": "/opt/aegis-hook", "args": [],
                "timeout": 660, "onFailure": "block"}]})
        );
        assert_eq!(
            written("Stop"),
            json!({"hooks": [{"type": "command", "command": "/opt/aegis-hook", "args": [],
                "timeout": 30}]})
        );
    }
}
