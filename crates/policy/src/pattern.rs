//! Patterns on text: globs, and regular expressions in linear time.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex::Regex;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};

/// A glob: `*` any run of characters but `/`, `**` across `/`, `?` one
/// character, `[a-z]`, `{a,b}`, `\` before a character taken literally.
///
/// Matching needs no compilation.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Glob(#[serde(deserialize_with = "shared")] pub(crate) Arc<str>);

/// Characters that do not stand for themselves.
const SPECIAL: [char; 6] = ['*', '?', '[', '{', '\\', '!'];

impl Glob {
    /// Returns the glob with this text, which must be well formed.
    #[cfg(test)]
    pub(crate) fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// Returns the glob as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it holds no special character and so matches only itself.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self.0.contains(SPECIAL)
    }

    /// Returns whether it matches the whole of `text`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        fast_glob::glob_match(self.0.as_bytes(), text.as_bytes())
    }

    /// Returns whether it may match some text that begins with `start`.
    pub(crate) fn may_match_from(&self, start: &str) -> bool {
        let is_possible = |glob: &str| {
            let literal = glob.find(SPECIAL).and_then(|end| glob.get(..end));
            let literal = literal.unwrap_or(glob);
            literal.starts_with(start) || start.starts_with(literal)
        };
        let choice = self.0.strip_prefix('{').and_then(|it| it.split_once('}'));
        match choice {
            Some((choices, _)) if !choices.contains(SPECIAL) => choices.split(',').any(is_possible),
            _ => is_possible(&self.0),
        }
    }

    /// Returns whether it matches the whole of a name, in which `/` is a
    /// character like any other.
    #[must_use]
    pub fn matches_name(&self, name: &str) -> bool {
        if name.contains('/') {
            let flat = |text: &str| text.replace('/', "\u{1}");
            fast_glob::glob_match(flat(&self.0).as_bytes(), flat(name).as_bytes())
        } else {
            self.matches(name)
        }
    }
}

/// A regular expression, searched for anywhere in a text, in linear time.
///
/// It was checked when its policy was parsed, and is compiled when it is first
/// needed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Pattern {
    #[serde(deserialize_with = "shared")]
    pub(crate) text: Arc<str>,
    #[serde(skip)]
    compiled: Arc<OnceLock<Option<Regex>>>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: Arc::from(text),
            compiled: Arc::default(),
        }
    }

    /// Returns the expression as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether it matches somewhere in `text`; nothing when the
    /// expression cannot be compiled, which checking the policy rules out.
    #[must_use]
    pub fn is_match(&self, text: &str) -> Option<bool> {
        self.compiled().map(|regex| regex.is_match(text))
    }

    /// Returns where it first matches in `text`.
    pub(crate) fn find(&self, text: &str) -> Option<Range<usize>> {
        Some(self.compiled()?.find(text)?.range())
    }

    fn compiled(&self) -> Option<&Regex> {
        self.compiled
            .get_or_init(|| Regex::new(&self.text).ok())
            .as_ref()
    }
}

/// Reads a shared text without a copy of its own in between: a cached policy
/// holds thousands.
pub(crate) fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    struct Reader;

    impl Visitor<'_> for Reader {
        type Value = Arc<str>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a text")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Arc<str>, E> {
            Ok(Arc::from(text))
        }
    }

    deserializer.deserialize_str(Reader)
}
