//! Putting our registration into a settings text.

use std::path::Path;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::InstallError;
use super::record::Pin;
use crate::json_text::{self, Edit, Layout, Node, NodeKind};
use crate::registration::{ALONE, EVENTS, Group, Registration, SWITCH};
use crate::settings_file::{Document, SettingsFileError, line_of};

/// A member that is put at the end of the settings.
enum Written {
    Switch,
    Alone,
    Hooks(Events),
}

/// Events with our entry each, in order.
struct Events(Vec<(&'static str, [Group; 1])>);

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Switch => serializer.serialize_bool(false),
            Self::Alone => serializer.serialize_bool(true),
            Self::Hooks(events) => {
                serializer.collect_map(events.0.iter().map(|(key, value)| (key, value)))
            }
        }
    }
}

/// Returns the text with our registration, and what became of the switch.
///
/// # Errors
///
/// [`InstallError`] when a part of it is not of the kind the client documents.
pub(super) fn with_ours(
    document: &Document,
    registration: &Registration,
    path: &Path,
) -> Result<(String, Pin), InstallError> {
    let layout_failed = || InstallError::Layout {
        path: path.to_owned(),
    };
    let text = &document.text;
    let layout = Layout::of(text, &document.root);
    let mut edits = Vec::new();
    let mut members = Vec::new();
    let pin = pin(document, path, &mut edits)?;
    if pin == Pin::Inserted {
        members.push((SWITCH, Written::Switch));
    }
    if registration.is_alone && document.root.member(ALONE).is_none() {
        members.push((ALONE, Written::Alone));
    }
    match document.root.member("hooks") {
        None => {
            let all = EVENTS.map(|event| (event, [registration.group(event)]));
            members.push(("hooks", Written::Hooks(Events(all.into()))));
        }
        Some(member) => {
            let into = into_hooks(text, &layout, &member.value, registration, path)?;
            edits.extend(into.ok_or_else(layout_failed)?);
        }
    }
    if !members.is_empty() {
        let edit = document.root.append_members(text, &layout, &members);
        edits.push(edit.ok_or_else(layout_failed)?);
    }
    let after = json_text::apply(text, edits).ok_or_else(layout_failed)?;
    if registration.is_in(&Document::of(&after, path)?.value) {
        Ok((after, pin))
    } else {
        Err(layout_failed())
    }
}

/// Finds out what to do about the switch that turns every hook off.
fn pin(document: &Document, path: &Path, edits: &mut Vec<Edit>) -> Result<Pin, InstallError> {
    let Some(member) = document.root.member(SWITCH) else {
        return Ok(Pin::Inserted);
    };
    match document.value.get(SWITCH) {
        Some(Value::Bool(false)) => Ok(Pin::WasThere),
        Some(Value::Bool(true)) => {
            edits.push(Edit {
                range: member.value.span.clone(),
                replacement: "false".to_owned(),
            });
            Ok(Pin::WasTrue)
        }
        _ => Err(wrong_kind(&document.text, path, SWITCH, "true or false", &member.value).into()),
    }
}

/// Returns the edits that put our entries into the object `hooks`; absent
/// only for a text that is no JSON.
fn into_hooks(
    text: &str,
    layout: &Layout,
    hooks: &Node,
    registration: &Registration,
    path: &Path,
) -> Result<Option<Vec<Edit>>, InstallError> {
    if !matches!(hooks.kind, NodeKind::Object(_)) {
        return Err(wrong_kind(text, path, "hooks", "an object", hooks).into());
    }
    let mut edits = Vec::new();
    let mut absent = Vec::new();
    for event in EVENTS {
        let group = registration.group(event);
        match hooks.member(event).map(|member| &member.value) {
            None => absent.push((event, [group])),
            Some(list) if matches!(list.kind, NodeKind::Array(_)) => {
                edits.push(list.append_element(text, layout, &group));
            }
            Some(other) => {
                let key = format!("hooks.{event}");
                return Err(wrong_kind(text, path, &key, "a list", other).into());
            }
        }
    }
    if !absent.is_empty() {
        edits.push(hooks.append_members(text, layout, &absent));
    }
    Ok(edits.into_iter().collect())
}

fn wrong_kind(
    text: &str,
    path: &Path,
    key: &str,
    expected: &'static str,
    found: &Node,
) -> SettingsFileError {
    SettingsFileError::WrongKind {
        path: path.to_owned(),
        key: key.to_owned(),
        expected,
        line: line_of(text, found.span.start),
    }
}
