//! Secrets that were found, to remove them wherever else they stand.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use serde_json::Value;

/// The least length of a secret that is looked for elsewhere, in bytes: a
/// shorter one would be found in every second word.
const SECRET_BYTES_MIN: usize = 4;

/// How many matches are looked at in one text. A text with more, of secrets
/// that lie in one another, goes whole.
const MATCHES_MAX: usize = 1_000_000;

/// Characters around a secret that a shell or a language takes away.
const QUOTES: [char; 3] = ['"', '\'', '`'];

/// Secrets with the text that stands for each. They are never printed.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Found(BTreeMap<String, String>);

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
            self.0.insert(bare.to_owned(), mark.to_owned());
        }
    }

    /// Remembers what `other` remembers as well.
    pub(crate) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Replaces the secrets in every string and key of `values`, and returns in
    /// how many strings any was replaced.
    ///
    /// One pass over a text finds all of them, however many there are.
    pub fn remove_from<'a>(&self, values: impl IntoIterator<Item = &'a mut Value>) -> usize {
        if self.0.is_empty() {
            return 0;
        }
        let removal = Removal {
            secrets: AhoCorasick::new(self.0.keys()).ok(),
            marks: self.0.values().map(String::as_str).collect(),
        };
        values.into_iter().map(|value| removal.value(value)).sum()
    }
}

/// Secrets made ready to be searched for.
struct Removal<'a> {
    /// Nothing if they are too many to be told apart.
    secrets: Option<AhoCorasick>,
    marks: Vec<&'a str>,
}

impl Removal<'_> {
    fn value(&self, value: &mut Value) -> usize {
        match value {
            Value::String(text) => usize::from(self.text(text)),
            Value::Array(items) => items.iter_mut().map(|item| self.value(item)).sum(),
            Value::Object(members) => {
                let mut count = 0;
                let old = std::mem::take(members);
                for (mut key, mut member) in old {
                    count += usize::from(self.text(&mut key)) + self.value(&mut member);
                    members.insert(key, member);
                }
                count
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
    }

    fn text(&self, text: &mut String) -> bool {
        let Some(secrets) = &self.secrets else {
            // Billions of secrets: no text can be told to hold none.
            text.clear();
            return true;
        };
        let Some(places) = places(secrets, text) else {
            text.clear();
            return true;
        };
        if places.is_empty() {
            return false;
        }
        let mut rest = String::with_capacity(text.len());
        let mut copied = 0;
        for place in places {
            rest.push_str(text.get(copied..place.range.start).unwrap_or_default());
            rest.push_str(self.marks.get(place.longest.1).copied().unwrap_or_default());
            copied = place.range.end;
        }
        rest.push_str(text.get(copied..).unwrap_or_default());
        *text = rest;
        true
    }
}

/// Where secrets stand that overlap, or one alone.
struct Place {
    range: Range<usize>,
    /// The length of the longest of them, and its number.
    longest: (usize, usize),
}

/// Returns the places of the secrets in `text`, in order and apart; nothing if
/// they lie in one another so often that finding all would take too long.
fn places(secrets: &AhoCorasick, text: &str) -> Option<Vec<Place>> {
    let mut places: Vec<Place> = Vec::new();
    // Matches come in the order of their ends.
    for (count, found) in secrets.find_overlapping_iter(text).enumerate() {
        if count == MATCHES_MAX {
            return None;
        }
        let mut place = Place {
            range: found.range(),
            longest: (found.len(), found.pattern().as_usize()),
        };
        while let Some(last) = places.pop_if(|last| last.range.end > place.range.start) {
            place.range.start = place.range.start.min(last.range.start);
            place.longest = place.longest.max(last.longest);
        }
        places.push(place);
    }
    Some(places)
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
        assert_eq!(found(&[("'hunter2x'", "[m]")]).remove_from([&mut value]), 3);
        assert_eq!(
            value,
            json!({"words": ["-p[m]", "x"], "[m]": {"deep": "a [m] b"}})
        );
    }

    #[test]
    fn a_longer_secret_is_not_torn_apart_and_a_short_one_is_not_looked_for() {
        let mut value = json!("secret-long and abc");
        let both = found(&[("secret", "[a]"), ("secret-long", "[b]"), ("abc", "[c]")]);
        assert_eq!(both.remove_from([&mut value]), 1);
        assert_eq!(value, json!("[b] and abc"));
    }

    #[test]
    fn secrets_that_overlap_go_whole() {
        let mut value = json!("x abcdefghijklmnop y");
        let both = found(&[("abcdefgh", "[a]"), ("efghijklmnop", "[b]")]);
        assert_eq!(both.remove_from([&mut value]), 1);
        assert_eq!(value, json!("x [b] y"));
        let mut beside = json!("abcdefghefghijklmnop");
        assert_eq!(both.remove_from([&mut beside]), 1);
        assert_eq!(beside, json!("[a][b]"));
    }

    #[test]
    fn a_text_of_secrets_within_secrets_goes_whole() {
        let mut all = Found::default();
        for length in SECRET_BYTES_MIN..SECRET_BYTES_MIN + 200 {
            all.add(&"a".repeat(length), "[m]");
        }
        let mut value = json!("a".repeat(100_000));
        assert_eq!(all.remove_from([&mut value]), 1);
        assert_eq!(value, json!(""));
    }

    #[test]
    fn what_stands_for_a_secret_is_not_searched_again() {
        let mut value = json!(["one-secret", "mark"]);
        let both = found(&[("one-secret", "[mark]"), ("mark", "[other]")]);
        assert_eq!(both.remove_from([&mut value]), 2);
        assert_eq!(value, json!(["[mark]", "[other]"]));
    }

    #[test]
    fn many_secrets_take_no_longer_for_being_many() {
        let mut all = Found::default();
        for number in 0..50_000 {
            all.add(&format!("secret-{number}"), "[m]");
        }
        // One search a secret and text would be hundreds of billions of steps.
        let mut value = json!(vec!["a text without any"; 50_000]);
        assert_eq!(all.remove_from([&mut value]), 0);
        let mut value = json!("secret-49999 secret-1");
        assert_eq!(all.remove_from([&mut value]), 1);
        assert_eq!(value, json!("[m] [m]"));
    }

    #[test]
    fn what_was_found_is_never_printed() {
        assert_eq!(format!("{:?}", found(&[("hunter2x", "[m]")])), "Found(..1)");
    }
}
