//! A settings text without what is ours.

use aegis_canon::Digest;
use serde_json::Value;

use super::InstallError;
use super::record::{Pin, Record};
use crate::json_text::{self, Edit, Member, Node, NodeKind};
use crate::registration::{ALONE, SWITCH, hooks, is_ours};
use crate::settings_file::{Document, SettingsFile};

/// The text without what is ours.
pub(super) struct Stripped {
    /// The text; absent when the file would not be there.
    pub(super) text: Option<String>,
    /// Whether our entries were cut out, because the text is not the one that was installed.
    pub(super) is_cut: bool,
}

/// Returns the text of `file` without what is ours.
///
/// # Errors
///
/// [`InstallError`] when the text is not JSON.
pub(super) fn without_ours(
    file: &SettingsFile,
    record: Option<&Record>,
) -> Result<Stripped, InstallError> {
    let Some(text) = &file.text else {
        return Ok(Stripped {
            text: None,
            is_cut: false,
        });
    };
    if let Some(record) = record
        && record.after == Digest::of(text.as_bytes())
    {
        return Ok(Stripped {
            text: record.before.clone(),
            is_cut: false,
        });
    }
    if text.trim().is_empty() {
        return Ok(Stripped {
            text: Some(text.clone()),
            is_cut: true,
        });
    }
    let document = file.document()?;
    let cut = cut(&document, record).ok_or_else(|| InstallError::Layout {
        path: file.path.clone(),
    })?;
    let is_empty = cut
        .trim()
        .trim_start_matches('{')
        .trim_end_matches('}')
        .trim()
        .is_empty();
    let was_absent = record.is_some_and(|record| record.before.is_none());
    Ok(Stripped {
        text: (!(was_absent && is_empty)).then_some(cut),
        is_cut: true,
    })
}

/// Returns the text with our entries cut out; absent only for a text that is no JSON.
fn cut(document: &Document, record: Option<&Record>) -> Option<String> {
    let before = record
        .and_then(|record| record.before.as_deref())
        .and_then(|text| aegis_canon::parse(text.as_bytes()).ok())
        .unwrap_or(Value::Null);
    let mut edits = Vec::new();
    let pin = pin_goes(document, record, &mut edits);
    let all_go = match document.root.member("hooks") {
        Some(member) => cut_hooks(document, member, &before, &mut edits),
        None => false,
    };
    let NodeKind::Object(members) = &document.root.kind else {
        return None;
    };
    edits.extend(document.root.remove(|index| {
        members.get(index).is_some_and(|member| {
            (member.key == SWITCH && pin)
                || (member.key == ALONE && record.is_some_and(|record| record.keeps_alone))
                || (member.key == "hooks" && all_go)
        })
    }));
    json_text::apply(&document.text, edits)
}

/// Returns whether the switch goes; one that we turned is turned back.
fn pin_goes(document: &Document, record: Option<&Record>, edits: &mut Vec<Edit>) -> bool {
    if document.value.get(SWITCH) != Some(&Value::Bool(false)) {
        return false;
    }
    match record.map(|record| record.pin) {
        Some(Pin::Inserted) => true,
        Some(Pin::WasTrue) => {
            edits.extend(document.root.member(SWITCH).map(|member| Edit {
                range: member.value.span.clone(),
                replacement: "true".to_owned(),
            }));
            false
        }
        // Without a record nobody knows whose it is, and it does no harm.
        Some(Pin::WasThere) | None => false,
    }
}

/// Cuts our entries out of the object `hooks`, and returns whether all of it goes.
fn cut_hooks(document: &Document, member: &Member, before: &Value, edits: &mut Vec<Edit>) -> bool {
    let NodeKind::Object(events) = &member.value.kind else {
        return false;
    };
    let had = |event: &str| {
        before
            .get("hooks")
            .is_some_and(|hooks| hooks.get(event).is_some())
    };
    let mut inner = Vec::new();
    let mut goes = Vec::new();
    for event in events {
        let groups = document
            .value
            .get("hooks")
            .and_then(|hooks| hooks.get(&event.key));
        let groups = groups
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let (cut, is_empty) = cut_event(&event.value, groups);
        let event_goes = is_empty && !cut.is_empty() && !had(&event.key);
        goes.push(event_goes);
        if !event_goes {
            inner.extend(cut);
        }
    }
    let all_go = !goes.is_empty() && goes.iter().all(|goes| *goes) && before.get("hooks").is_none();
    if !all_go {
        edits.extend(inner);
        edits.extend(member.value.remove(|index| goes.get(index) == Some(&true)));
    }
    all_go
}

/// Returns the edits that cut our entries out of an event's list, and whether
/// the list is empty then.
fn cut_event(list: &Node, groups: &[Value]) -> (Vec<Edit>, bool) {
    let ours = |group: &Value| {
        let mut hooks = hooks(group).peekable();
        hooks.peek().is_some() && hooks.all(is_ours)
    };
    let goes: Vec<bool> = groups.iter().map(ours).collect();
    let mut edits = list.remove(|index| goes.get(index) == Some(&true));
    for (node, (group, goes)) in list.elements().iter().zip(groups.iter().zip(&goes)) {
        if *goes {
            continue;
        }
        let Some(inner) = node.member("hooks") else {
            continue;
        };
        let ours: Vec<bool> = hooks(group).map(is_ours).collect();
        edits.extend(inner.value.remove(|index| ours.get(index) == Some(&true)));
    }
    (edits, goes.iter().all(|goes| *goes))
}
