//! Changes of the host's settings.

use std::path::PathBuf;

use aegis_gate::Surroundings;
use aegis_types::EventKind;
use serde_json::json;

use crate::input::Input;
use crate::output::{Output, Reply};
use crate::run::Desk;
use crate::{observe, registered, say};

/// The sources that a hook can keep from taking effect.
const BLOCKABLE: [&str; 3] = ["user_settings", "project_settings", "local_settings"];

/// Returns why the change may not take effect; absent if it may.
pub(crate) fn objection(input: &Input, surroundings: &Surroundings) -> Option<String> {
    let source = input.text("source")?;
    if !BLOCKABLE.contains(&source) {
        return None;
    }
    let path = input
        .path("file_path")
        .map(PathBuf::from)
        .or_else(|| registered::file_of(surroundings, source))?;
    registered::objection(surroundings, &path)
}

/// Returns the answer that keeps the change from taking effect.
pub(crate) fn blocked(cause: &str) -> Reply {
    Reply::of(&Output::blocked(say::settings_blocked(cause)))
}

/// Records the change and answers it.
pub(crate) fn answer(desk: &Desk<'_>, objection: Option<String>) -> Reply {
    let detail = json!({
        "source": desk.input.text("source"),
        "file": desk.input.text("file_path"),
        "blocked": objection,
    });
    observe::append(desk, EventKind::HostSettingsChanged, None, detail);
    match objection {
        Some(cause) => blocked(&cause),
        None => Reply::silent(),
    }
}
