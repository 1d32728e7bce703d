//! Secrets that were found, to remove them wherever else they stand.

use std::fmt;

use serde_json::Value;

/// The least length of a secret that is looked for elsewhere, in bytes: a
/// shorter one would be found in every second word.
const SECRET_BYTES_MIN: usize = 4;

/// Characters around a secret that a shell or a language takes away.
const QUOTES: [char; 3] = ['"', '\'', '`'];

/// Secrets with the text that stands for each. They are never printed.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Found(Vec<(String, String)>);

impl fmt::Debug for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Found(..{})", self.0.len())
    }
}

impl Found {
    /// Remembers `secret`, for which `mark` stands.
    pub(crate) fn add(&mut self, secret: &str, mark: &str) {
        let bare = secret.trim_matches(QUOTES);
        if bare.len() >= SECRET_BYTES_MIN {
            self.0.push((bare.to_owned(), mark.to_owned()));
        }
    }

    /// Remembers what `other` remembers as well.
    pub(crate) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Replaces the secrets in every string and key of `value`, and returns in
    /// how many strings any was replaced.
    pub fn remove_from(&self, value: &mut Value) -> usize {
        if self.0.is_empty() {
            return 0;
        }
        // A secret that is part of another one must not tear it apart.
        let mut longest_first: Vec<&(String, String)> = self.0.iter().collect();
        longest_first.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        remove(&longest_first, value)
    }
}

fn remove(secrets: &[&(String, String)], value: &mut Value) -> usize {
    match value {
        Value::String(text) => usize::from(replace(secrets, text)),
        Value::Array(items) => items.iter_mut().map(|item| remove(secrets, item)).sum(),
        Value::Object(members) => {
            let mut count = 0;
            let old = std::mem::take(members);
            for (mut key, mut member) in old {
                count += usize::from(replace(secrets, &mut key)) + remove(secrets, &mut member);
                members.insert(key, member);
            }
            count
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn replace(secrets: &[&(String, String)], text: &mut String) -> bool {
    let mut is_changed = false;
    for (secret, mark) in secrets {
        if text.contains(secret.as_str()) {
            *text = text.replace(secret.as_str(), mark);
            is_changed = true;
        }
    }
    is_changed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(pairs: &[(&str, &str)]) -> Found {
        let mut found = Found::default();
        for (secret, mark) in pairs {
            found.add(secret, mark);
        }
        found
    }

    #[test]
    fn a_secret_goes_wherever_it_stands() {
        let mut value = json!({"words": ["-phunter2x", "x"], "hunter2x": {"deep": "a hunter2x b"}});
        assert_eq!(found(&[("'hunter2x'", "[m]")]).remove_from(&mut value), 3);
        assert_eq!(
            value,
            json!({"words": ["-p[m]", "x"], "[m]": {"deep": "a [m] b"}})
        );
    }

    #[test]
    fn a_longer_secret_is_not_torn_apart_and_a_short_one_is_not_looked_for() {
        let mut value = json!("secret-long and abc");
        let both = found(&[("secret", "[a]"), ("secret-long", "[b]"), ("abc", "[c]")]);
        assert_eq!(both.remove_from(&mut value), 1);
        assert_eq!(value, json!("[b] and abc"));
    }

    #[test]
    fn what_was_found_is_never_printed() {
        assert_eq!(format!("{:?}", found(&[("hunter2x", "[m]")])), "Found(..1)");
    }
}
