//! A policy as the log keeps it: all its texts in one document.

use aegis_canon::{Digest, canonical};
use serde_json::{Value, json};

use crate::parse::{Parsed, parse_with};
use crate::problem::Problems;
use crate::source::{LoadSourceError, Source, resolve};

/// Why a document cannot be parsed.
#[derive(Debug, thiserror::Error)]
pub enum ParseDocumentError {
    /// It is not the canonical JSON that [`policy_document`] writes.
    #[error("the document does not have the form of a policy")]
    Form,
    /// Its version is not known.
    #[error("the policy document has version {found}, and 1 is known")]
    Version {
        /// Its version.
        found: i64,
    },
    /// The policy is not sound.
    #[error("the policy in the document is not sound")]
    Policy(#[source] Problems),
}

/// Returns the document of a policy made of these texts, its own first.
///
/// Its digest names the policy; see [`policy_digest`].
#[must_use]
pub fn policy_document(texts: &[Source]) -> Vec<u8> {
    let source = |it: &Source| json!({"name": &*it.name, "text": &*it.text});
    let sources: Vec<Value> = texts.iter().map(source).collect();
    canonical(&json!({"v": 1, "sources": sources}))
}

/// Returns the digest that names a policy made of these texts.
#[must_use]
pub fn policy_digest(texts: &[Source]) -> Digest {
    Digest::of(&policy_document(texts))
}

/// Parses a policy from its document alone, packs included.
///
/// # Errors
///
/// [`ParseDocumentError`] when the document is of another form, or this version
/// of the program reads the policy differently from the one that wrote it.
pub fn parse_document(document: &[u8]) -> Result<Parsed, ParseDocumentError> {
    let value = aegis_canon::parse(document).map_err(|_| ParseDocumentError::Form)?;
    match value.get("v").and_then(Value::as_i64) {
        Some(1) => {}
        Some(found) => return Err(ParseDocumentError::Version { found }),
        None => return Err(ParseDocumentError::Form),
    }
    let sources = value.get("sources").and_then(Value::as_array);
    let sources: Option<Vec<Source>> = sources.and_then(|it| it.iter().map(source).collect());
    let sources = sources.ok_or(ParseDocumentError::Form)?;
    let root = sources.first().ok_or(ParseDocumentError::Form)?;
    let loader = |from: &str, reference: &str| {
        let name = match reference.starts_with("aegis:") {
            true => reference.to_owned(),
            false => resolve(from, reference)?,
        };
        let found = sources.iter().find(|it| *it.name == *name);
        found.cloned().ok_or(LoadSourceError::Missing { name })
    };
    parse_with(root, &loader).map_err(ParseDocumentError::Policy)
}

fn source(value: &Value) -> Option<Source> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    Some(Source::new(text("name")?, text("text")?))
}
