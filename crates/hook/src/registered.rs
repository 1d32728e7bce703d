//! What the settings of the host say about the hook itself.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aegis_gate::{Places, Surroundings, read_regular};
use serde::Deserialize;
use serde_json::Value;

use crate::event::HookEvent;

/// How long the host waits when a registration states nothing.
const HOST_TIMEOUT_SECONDS: u64 = 600;

/// How long it is taken to wait when no registration is found: it may stand
/// on a command line, with any time-out.
const UNKNOWN_TIMEOUT: Duration = Duration::from_secs(60);

/// How long before the host loses patience the answer must be there.
const MARGIN: Duration = Duration::from_secs(10);

/// The largest settings file that is read.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What the installer remembers of a settings file, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Record {
    settings: PathBuf,
    program: String,
    timeout_seconds: u64,
}

/// Returns how long a person may be waited for before the host loses patience.
pub(crate) fn patience(surroundings: &Surroundings) -> Duration {
    files(surroundings)
        .iter()
        .filter_map(|path| read(path).ok().flatten())
        .flat_map(|settings| timeouts(&settings))
        .min()
        .map_or(UNKNOWN_TIMEOUT, Duration::from_secs)
        .saturating_sub(MARGIN)
}

/// Returns why the settings file `path`, as it stands, may not take effect;
/// absent if nothing speaks against it.
pub(crate) fn objection(surroundings: &Surroundings, path: &Path) -> Option<String> {
    let settings = match read(path) {
        Ok(settings) => settings.unwrap_or(Value::Null),
        Err(cause) => return Some(cause.to_owned()),
    };
    if settings.get("disableAllHooks") == Some(&Value::Bool(true)) {
        return Some("it switches every hook off".to_owned());
    }
    let record = records(surroundings)
        .into_iter()
        .find(|record| is_same(&record.settings, path))?;
    HookEvent::ALL.iter().find_map(|event| {
        let stands = hooks(&settings, *event).any(|hook| is_whole(hook, *event, &record));
        (!stands).then(|| format!("the hook of Aegis for {event} is gone from it, or changed"))
    })
}

/// Returns whether both paths name one file, there or not.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| {
        let folder = fs::canonicalize(path.parent()?).ok()?;
        Some(folder.join(path.file_name()?))
    };
    one == other || real(one).is_some_and(|one| real(other) == Some(one))
}

/// Returns whether `hook` is as the installer wrote it, or stricter.
fn is_whole(hook: &Value, event: HookEvent, record: &Record) -> bool {
    let timeout = hook.get("timeout").and_then(Value::as_u64);
    let is_ours = hook.get("command").and_then(Value::as_str) == Some(&record.program)
        && hook.get("type").and_then(Value::as_str) == Some("command")
        && hook
            .get("args")
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty)
        && hook
            .get("async")
            .is_none_or(|value| *value == Value::Bool(false))
        && hook.get("if").is_none();
    let decides = match event {
        HookEvent::PreToolUse => {
            timeout.is_some_and(|seconds| seconds >= record.timeout_seconds)
                && hook.get("onFailure").and_then(Value::as_str) == Some("block")
        }
        HookEvent::PermissionRequest
        | HookEvent::PermissionDenied
        | HookEvent::PostToolUse
        | HookEvent::PostToolUseFailure
        | HookEvent::PostToolBatch
        | HookEvent::UserPromptSubmit
        | HookEvent::UserPromptExpansion
        | HookEvent::InstructionsLoaded
        | HookEvent::SessionStart
        | HookEvent::SessionEnd
        | HookEvent::Stop
        | HookEvent::StopFailure
        | HookEvent::SubagentStart
        | HookEvent::SubagentStop
        | HookEvent::ConfigChange => true,
    };
    is_ours && decides
}

/// Returns the hooks of entries that hold for every tool.
fn hooks(settings: &Value, event: HookEvent) -> impl Iterator<Item = &Value> {
    settings
        .get("hooks")
        .and_then(|hooks| hooks.get(event.as_str()))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|group| match group.get("matcher") {
            None => true,
            Some(matcher) => matches!(matcher.as_str(), Some("" | "*")),
        })
        .filter_map(|group| group.get("hooks").and_then(Value::as_array))
        .flatten()
}

fn timeouts(settings: &Value) -> Vec<u64> {
    hooks(settings, HookEvent::PreToolUse)
        .filter(|hook| {
            let command = hook.get("command").and_then(Value::as_str);
            let name = command.and_then(|command| Path::new(command).file_name());
            name.is_some_and(|name| name == "aegis-hook" || name == "aegis")
        })
        .map(|hook| {
            let stated = hook.get("timeout").and_then(Value::as_u64);
            stated.unwrap_or(HOST_TIMEOUT_SECONDS)
        })
        .collect()
}

/// Returns the settings files of the host.
pub(crate) fn files(surroundings: &Surroundings) -> Vec<PathBuf> {
    ["user_settings", "project_settings", "local_settings"]
        .iter()
        .filter_map(|source| file_of(surroundings, source))
        .chain([surroundings.host_managed.join("managed-settings.json")])
        .collect()
}

/// Returns the settings file that the host calls `source`.
pub(crate) fn file_of(surroundings: &Surroundings, source: &str) -> Option<PathBuf> {
    let folder = |name: &str| {
        let value = surroundings.variables.get(name)?;
        value.starts_with('/').then(|| PathBuf::from(value))
    };
    let project = || {
        folder("CLAUDE_PROJECT_DIR")
            .unwrap_or_else(|| surroundings.directory.clone())
            .join(".claude")
    };
    match source {
        "user_settings" => Some(
            folder("CLAUDE_CONFIG_DIR")
                .unwrap_or_else(|| surroundings.home.join(".claude"))
                .join("settings.json"),
        ),
        "project_settings" => Some(project().join("settings.json")),
        "local_settings" => Some(project().join("settings.local.json")),
        _ => None,
    }
}

/// Reads a settings file; nothing if there is none.
fn read(path: &Path) -> Result<Option<Value>, &'static str> {
    let bytes = match read_regular(path, BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ErrorKind::FileTooLarge => {
            return Err("it is too large to be read");
        }
        Err(_) => return Err("it cannot be read"),
    };
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    aegis_canon::parse(&bytes)
        .map(Some)
        .map_err(|_| "it is not valid JSON, so its hooks would not run")
}

fn records(surroundings: &Surroundings) -> Vec<Record> {
    let Ok(entries) = fs::read_dir(Places::of(surroundings).state.join("installs")) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| fs::read(entry.ok()?.path()).ok())
        .filter_map(|bytes| serde_json::from_slice(&bytes).ok())
        .collect()
}
