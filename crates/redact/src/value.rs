//! Redacting JSON.

use std::borrow::Cow;

use aegis_canon::{DEPTH_MAX, canonical};
use serde_json::{Map, Value};

use crate::candidate::is_secret_data;
use crate::key_name::{KeyName, classify};
use crate::kind::SecretKind;
use crate::redactor::{Redacted, Redactor};

/// Keys of the objects that carry a name and a value apart.
const NAMES: &[&str] = &["name", "key", "Name", "Key"];
pub(crate) const VALUES: &[&str] = &["value", "Value"];

/// The fewest digits that make a number a password.
const NUMBER_MIN: usize = 4;

pub(crate) fn redact<'a>(redactor: &Redactor, value: &'a Value) -> Redacted<Cow<'a, Value>> {
    let mut walk = Walk {
        redactor,
        redacted: Redacted::unchanged(()),
    };
    let new = walk.value(value, None, 0);
    Redacted {
        value: new.map_or(Cow::Borrowed(value), Cow::Owned),
        count: walk.redacted.count,
        kinds: walk.redacted.kinds,
        found: walk.redacted.found,
    }
}

/// A walk through a value; each step returns nothing if nothing changed.
struct Walk<'r> {
    redactor: &'r Redactor,
    redacted: Redacted<()>,
}

impl Walk<'_> {
    /// Redacts `value`, which stands under a key of the class `name`.
    fn value(&mut self, value: &Value, name: Option<KeyName>, depth: usize) -> Option<Value> {
        match value {
            Value::Null | Value::Bool(_) => None,
            Value::Number(number) => {
                let text = number.to_string();
                let is_secret = name == Some(KeyName::Password) && text.len() >= NUMBER_MIN;
                is_secret.then(|| self.replace(SecretKind::Password, text.as_bytes()))
            }
            Value::String(text) => self.string(text, name),
            Value::Array(_) | Value::Object(_) if depth >= DEPTH_MAX => {
                Some(self.replace(SecretKind::Unexamined, &canonical(value)))
            }
            Value::Array(items) => self.array(items, name, depth + 1),
            Value::Object(members) => self.object(members, depth + 1),
        }
    }

    fn replace(&mut self, kind: SecretKind, secret: &[u8]) -> Value {
        self.redacted.count += 1;
        self.redacted.kinds.insert(kind);
        let mark = self.redactor.marker(kind, secret);
        if let Ok(secret) = std::str::from_utf8(secret) {
            self.redacted.found.add(secret, &mark);
        }
        Value::String(mark)
    }

    fn string(&mut self, text: &str, name: Option<KeyName>) -> Option<Value> {
        if let Some(name) = name
            && is_secret_data(name, text)
        {
            return Some(self.replace(name.kind(), text.as_bytes()));
        }
        let left = self.text(text)?;
        // Without what was found in it, the value may no longer look harmless.
        match name {
            Some(name) if is_secret_data(name, &left) => {
                Some(self.replace(name.kind(), left.as_bytes()))
            }
            Some(_) | None => Some(Value::String(left)),
        }
    }

    fn text(&mut self, text: &str) -> Option<String> {
        let redacted = self.redactor.redact_text(text);
        if redacted.count == 0 {
            return None;
        }
        self.redacted.count += redacted.count;
        self.redacted.kinds.extend(redacted.kinds);
        self.redacted.found.join(redacted.found);
        Some(redacted.value.into_owned())
    }

    fn array(&mut self, items: &[Value], name: Option<KeyName>, depth: usize) -> Option<Value> {
        let mut new: Option<Vec<Value>> = None;
        let mut flag = None;
        for (index, item) in items.iter().enumerate() {
            // `["--password", "…"]` is a command's arguments.
            let replaced = self.value(item, name.or(flag.take()), depth);
            flag = item.as_str().and_then(flag_name);
            match (replaced, &mut new) {
                (Some(replaced), Some(new)) => new.push(replaced),
                (Some(replaced), None) => {
                    let mut start: Vec<Value> = items.iter().take(index).cloned().collect();
                    start.push(replaced);
                    new = Some(start);
                }
                (None, Some(new)) => new.push(item.clone()),
                (None, None) => {}
            }
        }
        new.map(Value::Array)
    }

    fn object(&mut self, members: &Map<String, Value>, depth: usize) -> Option<Value> {
        let named = name_of_value(members);
        let mut changes = Vec::new();
        for (key, item) in members {
            let name = match named {
                Some(name) if VALUES.contains(&key.as_str()) => Some(name),
                Some(_) | None => classify(key),
            };
            let new_item = self.value(item, name, depth);
            let new_key = self.text(key);
            if new_item.is_some() || new_key.is_some() {
                changes.push((key, new_key, new_item));
            }
        }
        if changes.is_empty() {
            return None;
        }
        let mut new = members.clone();
        for (key, new_key, new_item) in changes {
            let old_item = new.remove(key).unwrap_or_default();
            let mut new_key = new_key.unwrap_or_else(|| key.clone());
            // Another key may be what this one became; neither may be lost.
            while new.contains_key(&new_key) {
                new_key.push('\'');
            }
            new.insert(new_key, new_item.unwrap_or(old_item));
        }
        Some(Value::Object(new))
    }
}

/// Returns the class of `{"name": …, "value": …}`, as in lists of variables.
fn name_of_value(members: &Map<String, Value>) -> Option<KeyName> {
    if !VALUES.iter().any(|key| members.contains_key(*key)) {
        return None;
    }
    let name = NAMES.iter().find_map(|key| members.get(*key)?.as_str())?;
    classify(name)
}

/// Returns the class of a flag that has its value in the next argument.
pub(crate) fn flag_name(argument: &str) -> Option<KeyName> {
    let name = argument.strip_prefix('-')?;
    let class = classify(name).filter(|class| *class != KeyName::Doubtful);
    class.filter(|_| !name.contains(['=', ' ']))
}
