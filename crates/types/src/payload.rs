//! What a record says, as JSON and as the bytes that are hashed.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use aegis_canon::{DEPTH_MAX, canonical, canonical_of, member_text, parse};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How deep a payload may be nested: the envelope around it is one level more.
const LEVELS_MAX: usize = DEPTH_MAX - 1;

/// What a record says: JSON beside its canonical bytes.
///
/// Each is made of the other when it is first asked for. Most payloads are
/// written once and never read by who wrote them, so no value is made of them;
/// a copy shares both.
#[derive(Clone)]
pub struct Payload(Arc<Forms>);

struct Forms {
    value: OnceLock<Value>,
    bytes: OnceLock<Vec<u8>>,
    is_i_json: bool,
}

impl Payload {
    /// Returns `data` as a payload.
    ///
    /// # Errors
    ///
    /// When `data` cannot be written as JSON.
    pub fn of<T: Serialize + ?Sized>(data: &T) -> Result<Self, serde_json::Error> {
        match canonical_of(data, LEVELS_MAX) {
            Ok(bytes) => Ok(Self(Arc::new(Forms {
                value: OnceLock::new(),
                bytes: OnceLock::from(bytes),
                is_i_json: true,
            }))),
            // Whoever takes it says what is wrong with it, if anything is.
            Err(_) => serde_json::to_value(data).map(Self::from),
        }
    }

    /// Returns the canonical bytes.
    #[must_use]
    pub fn canonical(&self) -> &[u8] {
        self.0.bytes.get_or_init(|| canonical(self.value()))
    }

    /// Returns the canonical bytes without keeping them for the next time.
    #[must_use]
    pub fn to_canonical(&self) -> Cow<'_, [u8]> {
        match self.0.bytes.get() {
            Some(bytes) => Cow::Borrowed(bytes),
            None => Cow::Owned(canonical(self.value())),
        }
    }

    /// Returns whether it is known to be I-JSON that an envelope can carry.
    #[must_use]
    pub fn is_i_json(&self) -> bool {
        self.0.is_i_json
    }

    /// Returns the payload as a value.
    #[must_use]
    pub fn value(&self) -> &Value {
        self.0.value.get_or_init(|| {
            let bytes = self.0.bytes.get().map(Vec::as_slice);
            // INVARIANT: there is a value, or there are bytes that
            // `canonical_of` wrote, and `parse` reads those.
            parse(bytes.unwrap_or_default()).unwrap_or_default()
        })
    }

    /// Returns the payload as a value of its own.
    #[must_use]
    pub fn into_value(self) -> Value {
        // A value that is shared stays with the others; the last owner takes it.
        let _ = self.value();
        match Arc::try_unwrap(self.0) {
            Ok(forms) => forms.value.into_inner().unwrap_or_default(),
            Err(shared) => Self(shared).value().clone(),
        }
    }

    /// Reads the payload as what it says.
    ///
    /// # Errors
    ///
    /// When it says something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        match (self.0.value.get(), self.0.bytes.get()) {
            (None, Some(bytes)) => serde_json::from_slice(bytes),
            (Some(_), _) | (None, None) => T::deserialize(self.value()),
        }
    }

    /// Returns the text of the member `key`, if there is such a text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        let found = match (self.0.value.get(), self.0.bytes.get()) {
            (None, Some(bytes)) => member_text(bytes, key),
            (Some(_), _) | (None, None) => None,
        };
        found.or_else(|| self.value().get(key)?.as_str())
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self(Arc::new(Forms {
            value: OnceLock::from(value),
            bytes: OnceLock::new(),
            is_i_json: false,
        }))
    }
}

impl Deref for Payload {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.value()
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.value() == other.value()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let value = json!({"b": [1, "x"], "a": {"verdict": "no"}, "verdict": "deny"});
        let written = Payload::of(&value).unwrap();
        assert!(written.is_i_json());
        assert_eq!(written.text("verdict"), Some("deny"));
        assert_eq!(written.text("a"), None);
        assert_eq!(written.read::<Value>().unwrap(), value);
        assert_eq!(written, Payload::from(value.clone()));
        assert_eq!(
            Payload::from(value.clone()).canonical(),
            written.canonical()
        );
        assert_eq!(Payload::of(&value).unwrap().into_value(), value);
    }

    #[test]
    fn what_is_no_i_json_stays_a_value() {
        let value = json!({"n": u64::MAX, "text": "a\nb"});
        let payload = Payload::of(&value).unwrap();
        assert!(!payload.is_i_json());
        assert_eq!(payload.value(), &value);
        assert_eq!(payload.text("text"), Some("a\nb"));
    }
}
