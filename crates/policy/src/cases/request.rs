//! Requests that a case gives in full.

use aegis_types::ActionRequest;
use serde_json::Value;

use crate::native::value;
use crate::parse::{Node, NodeValue, Walker};
use crate::problem::{ProblemCode, quoted};

/// Reads a request as the log keeps it.
pub(super) fn request<'a>(walker: &mut Walker<'a>, node: &Node<'a>) -> Option<ActionRequest> {
    walker.free_map(node, "`request`")?;
    let given = value(walker, node)?;
    let request: ActionRequest = match serde_json::from_value(given) {
        Ok(request) => request,
        Err(error) => {
            let message = format!("this is no request: {error}");
            walker
                .error(ProblemCode::WrongType, &node.span, message)
                .help("`aegis policy explain --json` and `aegis log show --json` print requests in full");
            return None;
        }
    };
    let read = serde_json::to_value(&request).unwrap_or_default();
    refuse_unread(walker, node, &read);
    Some(request)
}

/// Reports keys that no request has, which reading alone passes over.
///
/// The depth of the tree is bounded, so the recursion is.
fn refuse_unread(walker: &mut Walker<'_>, node: &Node<'_>, read: &Value) {
    match &node.value {
        NodeValue::Map(entries) => {
            for entry in entries {
                match read.get(entry.key.as_ref()) {
                    Some(read) => refuse_unread(walker, &entry.value, read),
                    None if says_nothing(&entry.value) => {}
                    None => {
                        let message = format!("unknown key {} in a request", quoted(&entry.key));
                        walker.error(ProblemCode::UnknownKey, &entry.key_span, message);
                    }
                }
            }
        }
        NodeValue::List(items) => {
            let read = read.as_array().map_or(&[][..], Vec::as_slice);
            for (item, read) in items.iter().zip(read) {
                refuse_unread(walker, item, read);
            }
        }
        NodeValue::Scalar { .. } => {}
    }
}

/// Returns whether a value is what a request leaves out when it is written.
fn says_nothing(node: &Node<'_>) -> bool {
    match &node.value {
        NodeValue::Scalar { text, .. } => {
            matches!(text.as_ref(), "" | "~" | "null" | "0" | "false")
        }
        NodeValue::List(items) => items.is_empty(),
        NodeValue::Map(entries) => entries.is_empty(),
    }
}
