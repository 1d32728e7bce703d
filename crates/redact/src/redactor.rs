//! Replacing secrets by keyed digests.

use std::borrow::Cow;
use std::collections::BTreeSet;

use aegis_canon::Key;
use serde_json::Value;

use crate::found::Found;
use crate::glance;
use crate::kind::SecretKind;
use crate::marker::marker;
use crate::text::secrets;
use crate::value;

/// How often a text is searched again after something was replaced in it.
const PASSES_MAX: usize = 4;

/// Replaces secrets by digests under its key.
#[derive(Clone, Debug)]
pub struct Redactor {
    key: Key,
}

/// What is left after redaction, and what was taken out.
#[derive(Clone, Debug, PartialEq)]
pub struct Redacted<T> {
    /// The text or value without secrets; borrowed if it held none.
    pub value: T,
    /// How many secrets were replaced.
    pub count: usize,
    /// Of which kinds they were.
    pub kinds: BTreeSet<SecretKind>,
    /// The secrets themselves, to remove them from what was derived of the same data.
    pub found: Found,
}

impl<T> Redacted<T> {
    /// Returns `value` as one that held no secrets.
    pub(crate) fn unchanged(value: T) -> Self {
        Redacted {
            value,
            count: 0,
            kinds: BTreeSet::new(),
            found: Found::default(),
        }
    }
}

impl Redactor {
    /// Returns a redactor whose digests are made with `key`.
    pub fn new(key: Key) -> Self {
        Redactor { key }
    }

    /// Replaces the secrets in `text`.
    ///
    /// Redacting again changes nothing.
    pub fn redact_text<'a>(&self, text: &'a str) -> Redacted<Cow<'a, str>> {
        let mut redacted = Redacted::unchanged(Cow::Borrowed(text));
        // What is left may look different without its secrets: a value that
        // was cut short by one may show its true end.
        for _ in 0..PASSES_MAX {
            let spans = secrets(&redacted.value);
            if spans.is_empty() {
                break;
            }
            let old = &redacted.value;
            let mut new = String::with_capacity(old.len());
            let mut copied = 0;
            for span in spans {
                let secret = old.get(span.range.clone()).unwrap_or_default();
                new.push_str(old.get(copied..span.range.start).unwrap_or_default());
                let mark = marker(&self.key, span.kind, secret.as_bytes());
                redacted.found.add(secret, &mark);
                new.push_str(&mark);
                copied = span.range.end;
                redacted.count += 1;
                redacted.kinds.insert(span.kind);
            }
            new.push_str(old.get(copied..).unwrap_or_default());
            redacted.value = Cow::Owned(new);
        }
        redacted
    }

    /// Replaces the secrets in `value` at any depth.
    ///
    /// A string under a key that names a secret is replaced whole; in all
    /// other strings and in keys secrets are replaced as in text.
    pub fn redact_value<'a>(&self, value: &'a Value) -> Redacted<Cow<'a, Value>> {
        value::redact(self, value)
    }

    /// Returns whether redaction surely leaves a value as it is, of which
    /// `canonical` are the canonical bytes.
    ///
    /// It is quicker than to redact. A value that may hold a secret must be
    /// redacted, and may then still be left as it is.
    pub fn leaves(&self, canonical: &[u8]) -> bool {
        glance::is_clean(canonical)
    }

    /// Returns the text that stands for `secret`.
    pub(crate) fn marker(&self, kind: SecretKind, secret: &[u8]) -> String {
        marker(&self.key, kind, secret)
    }
}
