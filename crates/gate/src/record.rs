//! What is recorded of a request: no secrets, nothing too large, named by its digest.

use std::borrow::Cow;
use std::sync::Arc;

use aegis_canon::{Digest, canonical};
use aegis_log::ENTRY_BYTES_MAX;
use aegis_redact::{Found, Redactor};
use aegis_types::{ActionRequest, Decision, Entry, Event, Payload};
use serde_json::Value;

/// How large a request may be; an envelope needs some room beside it.
const REQUEST_BYTES_MAX: usize = ENTRY_BYTES_MAX - 64 * 1024;

/// How long a text stays whole in a request that is too large.
const TEXT_BYTES_KEPT: usize = 16 * 1024;

/// How much of a longer text is kept.
const HEAD_BYTES: usize = 4 * 1024;

/// The parts of a request that are derived of its arguments.
const DERIVED: [&str; 3] = ["resource", "context", "tool_name"];

/// A request as it is recorded.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// The entry for the log.
    pub(crate) entry: Entry,
    /// The digest of its payload.
    pub(crate) digest: Digest,
    /// Whether nothing of the request was left out.
    pub(crate) is_whole: bool,
}

/// Returns `request` as it is recorded.
pub(crate) fn record_request(
    redactor: &Redactor,
    request: &ActionRequest,
) -> Result<Recorded, serde_json::Error> {
    let entry = Event::request_entry(request)?;
    let canonical = entry.payload.canonical();
    let is_recorded_whole = canonical.len() <= REQUEST_BYTES_MAX && redactor.leaves(canonical);
    if is_recorded_whole {
        let digest = Digest::of(canonical);
        return Ok(Recorded {
            entry,
            digest,
            is_whole: true,
        });
    }
    Ok(record_less(redactor, entry))
}

/// Returns the request that `entry` holds, without what must not be recorded.
fn record_less(redactor: &Redactor, entry: Entry) -> Recorded {
    let mut request = entry.payload.into_value();
    let mut left_out = 0;
    // The arguments come first: what they show to be a secret by its name or
    // place stands bare in the words and paths that were derived of them.
    let mut known = Found::default();
    if let Some(part) = request.get_mut("args") {
        (left_out, known) = redact_in_place(redactor, part);
    }
    if let Some(fields) = request.as_object_mut() {
        let mut derived: Vec<&mut Value> = fields
            .iter_mut()
            .filter(|(key, _)| DERIVED.contains(&key.as_str()))
            .map(|(_, part)| part)
            .collect();
        left_out += known.remove_from(derived.iter_mut().map(|part| &mut **part));
        for part in derived {
            left_out += redact_in_place(redactor, part).0;
        }
    }
    if canonical(&request).len() > REQUEST_BYTES_MAX {
        for key in ["args", "resource", "context"] {
            if let Some(part) = request.get_mut(key) {
                left_out += cut_texts(part);
            }
        }
    }
    if left_out > 0 {
        let context = request.get_mut("context");
        if let Some(context) = context.and_then(Value::as_object_mut) {
            context.insert("redacted".to_owned(), Value::from(left_out));
        }
    }
    let payload = Payload::from(request);
    Recorded {
        digest: Digest::of(payload.canonical()),
        entry: Entry { payload, ..entry },
        is_whole: false,
    }
}

fn redact_in_place(redactor: &Redactor, value: &mut Value) -> (usize, Found) {
    let redacted = redactor.redact_value(value);
    let (count, found) = (redacted.count, redacted.found);
    if count > 0 {
        *value = redacted.value.into_owned();
    }
    (count, found)
}

/// Replaces every long text by its head, its length and its digest; returns how many.
fn cut_texts(value: &mut Value) -> usize {
    match value {
        Value::String(text) if text.len() > TEXT_BYTES_KEPT => {
            *text = cut_text(text, HEAD_BYTES);
            1
        }
        Value::Array(items) => items.iter_mut().map(cut_texts).sum(),
        Value::Object(fields) => fields.values_mut().map(cut_texts).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Returns the first bytes of `text`, with its length and digest.
pub(crate) fn cut_text(text: &str, head_bytes: usize) -> String {
    let end = text.floor_char_boundary(head_bytes);
    let head = text.get(..end).unwrap_or_default();
    let digest = Digest::of(text.as_bytes());
    format!("{head}… (cut: {} bytes, sha256 {digest})", text.len())
}

/// Returns `decision` as it is recorded: its messages hold no secrets.
pub(crate) fn record_decision<'a>(
    redactor: &Redactor,
    decision: &'a Decision,
) -> Cow<'a, Decision> {
    let mut recorded = Cow::Borrowed(decision);
    for (place, finding) in decision.findings.iter().enumerate() {
        let Some(message) = &finding.message else {
            continue;
        };
        let redacted = redactor.redact_text(message);
        if redacted.count > 0
            && let Some(finding) = recorded.to_mut().findings.get_mut(place)
        {
            finding.message = Some(Arc::from(&*redacted.value));
        }
    }
    recorded
}

/// Returns whether two recorded requests ask the same question: everything but
/// their names, their times and the inodes they found.
pub(crate) fn asks_the_same(one: &Value, other: &Value) -> bool {
    let question = |payload: &Value| {
        let mut payload = payload.clone();
        if let Some(fields) = payload.as_object_mut() {
            fields.remove("call_id");
            fields.remove("at");
        }
        let paths = payload
            .get_mut("context")
            .and_then(|context| context.get_mut("paths"))
            .and_then(Value::as_array_mut);
        for path in paths.into_iter().flatten() {
            if let Some(fields) = path.as_object_mut() {
                fields.remove("identity");
            }
        }
        payload
    };
    question(one) == question(other)
}
