//! What is too large to be examined, and how much of it is kept.
//!
//! Every step from the input to the record is linear, and still some megabytes
//! of text full of secrets would take longer than a host waits. So there is a
//! size beyond which nothing is examined: a proposal is denied, anything else
//! is recorded in part.

use std::path::PathBuf;
use std::sync::Arc;

use aegis_redact::Redactor;
use serde_json::Value;

use crate::proposal::Proposal;

/// How large what is examined may be, in bytes of text; each value counts for
/// [`VALUE_BYTES`] besides.
const EXAMINED_BYTES_MAX: usize = 1024 * 1024;

/// What a value counts for besides its text.
const VALUE_BYTES: usize = 8;

/// How much is kept of all that is too large, counted in the same way.
const KEPT_BYTES_MAX: usize = 128 * 1024;

/// How much is kept of one text.
const TEXT_BYTES_KEPT: usize = 16 * 1024;

/// How much of a text is searched for secrets before it is cut, so that the cut
/// tears none apart.
const TEXT_BYTES_SEARCHED: usize = 2 * TEXT_BYTES_KEPT;

/// How much is kept of a name, and of a path.
const NAME_BYTES_KEPT: usize = 1_024;

/// Why a proposal that is too large is denied.
pub(crate) const CAUSE: &str =
    "it holds more than 1 MiB, which is more than is examined; do it in smaller parts";

/// Returns what is kept of `proposal` if it is too large to be decided.
pub(crate) fn kept_of(redactor: &Redactor, proposal: &Proposal) -> Option<Proposal> {
    let directory = proposal.directory.as_os_str().len();
    let texts = [
        proposal.subagent.as_deref(),
        proposal.host_mode.as_deref(),
        proposal.skill.as_deref(),
        Some(&*proposal.tool),
    ];
    let texts: usize = texts.iter().flatten().map(|text| text.len()).sum();
    let mut left = EXAMINED_BYTES_MAX.checked_sub(directory.saturating_add(texts));
    left = left.and_then(|left| rest_after(&proposal.params, left));
    if left.is_some() {
        return None;
    }
    let name = |text: &str| cut(redactor, text, NAME_BYTES_KEPT);
    Some(Proposal {
        id: proposal.id.clone(),
        session: proposal.session.clone(),
        agent: proposal.agent.clone(),
        subagent: proposal.subagent.as_deref().map(name).map(Arc::from),
        user: proposal.user.clone(),
        tool: Arc::from(name(&proposal.tool)),
        params: shortened(redactor, &proposal.params),
        tagged: proposal.tagged,
        directory: PathBuf::from(name(&proposal.directory.to_string_lossy())),
        host_mode: proposal.host_mode.as_deref().map(name),
        skill: proposal.skill.as_deref().map(name),
    })
}

/// Returns what is kept of `value` if it is too large to be examined.
pub(crate) fn kept_of_value(redactor: &Redactor, value: &Value) -> Option<Value> {
    match rest_after(value, EXAMINED_BYTES_MAX) {
        Some(_) => None,
        None => Some(shortened(redactor, value)),
    }
}

/// Returns what is left of `room` beside `value`; nothing if it does not fit.
fn rest_after(value: &Value, room: usize) -> Option<usize> {
    let room = room.checked_sub(VALUE_BYTES)?;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(room),
        Value::String(text) => room.checked_sub(text.len()),
        Value::Array(items) => items
            .iter()
            .try_fold(room, |room, item| rest_after(item, room)),
        Value::Object(members) => members.iter().try_fold(room, |room, (key, member)| {
            rest_after(member, room.checked_sub(key.len())?)
        }),
    }
}

fn shortened(redactor: &Redactor, value: &Value) -> Value {
    let mut shortening = Shortening {
        redactor,
        left: KEPT_BYTES_MAX,
    };
    shortening.value(value)
}

/// Copies a value from its beginning until no room is left.
struct Shortening<'a> {
    redactor: &'a Redactor,
    left: usize,
}

impl Shortening<'_> {
    fn value(&mut self, value: &Value) -> Value {
        self.left = self.left.saturating_sub(VALUE_BYTES);
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => {
                let mut kept = Vec::new();
                for item in items {
                    if self.left == 0 {
                        kept.push(Value::String(left_out(items.len() - kept.len(), "values")));
                        break;
                    }
                    kept.push(self.value(item));
                }
                Value::Array(kept)
            }
            Value::Object(members) => {
                let mut kept = serde_json::Map::new();
                for (key, member) in members {
                    if self.left == 0 {
                        let rest = left_out(members.len() - kept.len(), "members");
                        kept.insert("…".to_owned(), Value::String(rest));
                        break;
                    }
                    kept.insert(self.text(key), self.value(member));
                }
                Value::Object(kept)
            }
        }
    }

    fn text(&mut self, text: &str) -> String {
        let kept = cut(self.redactor, text, TEXT_BYTES_KEPT.min(self.left));
        self.left = self.left.saturating_sub(kept.len());
        kept
    }
}

/// Returns the first `bytes_max` bytes of `text`, without secrets if it is longer.
fn cut(redactor: &Redactor, text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let searched = start(text, TEXT_BYTES_SEARCHED);
    let clean = redactor.redact_text(searched).value;
    let kept = start(&clean, bytes_max);
    format!("{kept}… (cut: {} bytes)", text.len())
}

fn start(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max))
        .unwrap_or_default()
}

fn left_out(count: usize, what: &str) -> String {
    format!("(left out: {count} {what})")
}

#[cfg(test)]
mod tests {
    use aegis_canon::Key;
    use serde_json::json;

    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(Key::new(&[7; 32]).unwrap())
    }

    #[test]
    fn what_fits_is_left_as_it_is() {
        let text = "x".repeat(EXAMINED_BYTES_MAX - 2 * VALUE_BYTES - 1);
        assert_eq!(kept_of_value(&redactor(), &json!({ "k": text })), None);
        let text = format!("{text}x");
        assert!(kept_of_value(&redactor(), &json!({ "k": text })).is_some());
    }

    #[test]
    fn little_is_kept_of_what_is_too_large_and_its_size_is_told() {
        let long = "x".repeat(2 * EXAMINED_BYTES_MAX);
        for value in [
            json!({ "long": long, "short": "stays" }),
            json!(vec![long.as_str(); 64]),
            json!(vec!["ab"; EXAMINED_BYTES_MAX]),
            json!(vec![json!([]); EXAMINED_BYTES_MAX]),
            (0..200_000)
                .map(|number| (number.to_string(), Value::Null))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        ] {
            let kept = kept_of_value(&redactor(), &value).unwrap();
            let text = kept.to_string();
            assert!(text.len() < 4 * KEPT_BYTES_MAX, "{}", text.len());
            assert!(text.contains("(cut: ") || text.contains("(left out: "));
        }
        let kept = kept_of_value(&redactor(), &json!({ "long": long, "short": "stays" })).unwrap();
        assert_eq!(kept.pointer("/short"), Some(&json!("stays")));
    }

    #[test]
    fn no_cut_leaves_the_beginning_of_a_secret() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        for before in TEXT_BYTES_KEPT - 40..=TEXT_BYTES_KEPT {
            let text = format!(
                "{} {token} {}",
                "-".repeat(before),
                "x ".repeat(EXAMINED_BYTES_MAX)
            );
            let kept = kept_of_value(&redactor(), &json!(text)).unwrap();
            assert!(!kept.to_string().contains("a1B2"), "{before}");
        }
    }
}
