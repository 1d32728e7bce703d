//! Patterns on text: globs, and regular expressions in linear time.

use std::collections::{BTreeMap, BTreeSet};
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
        matches(&self.0, text)
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
            matches(&flat(&self.0), &flat(name))
        } else {
            self.matches(name)
        }
    }
}

/// Returns whether `glob` matches the whole of `text`, by characters.
///
/// Most globs of a policy are about other texts, as their ends tell.
pub(crate) fn matches(glob: &str, text: &str) -> bool {
    let mut rest = text.as_bytes().iter();
    let mut special = glob.as_bytes();
    while let Some((first, others)) = special.split_first() {
        if is_special(*first) {
            if let Some(name_glob) = glob.strip_prefix("**/").filter(|it| is_of_name(it)) {
                let name = text.rsplit_once('/').map_or(text, |(_, name)| name);
                return matches(name_glob, name);
            }
            let is_negated = glob.starts_with('!');
            let may_match =
                is_negated || may_begin(special, rest.as_slice()) && may_end(others, text);
            return may_match && matches_as_whole(glob, text);
        }
        if rest.next() != Some(first) {
            return false;
        }
        special = others;
    }
    rest.next().is_none()
}

/// Returns whether a glob behind `**/` is about the last name of a path alone.
fn is_of_name(glob: &str) -> bool {
    let may_go_on = glob.starts_with(['!', '*']) || glob.contains('/') || glob.contains("**");
    !glob.is_empty() && !may_go_on
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b'{' | b'\\' | b'!')
}

/// Returns whether `text` may begin as one of the alternatives does with which
/// `glob` begins, if it begins with any.
fn may_begin(glob: &[u8], text: &[u8]) -> bool {
    let Some(choices) = glob.strip_prefix(b"{") else {
        return true;
    };
    let end = choices.iter().position(|byte| *byte == b'}');
    let Some(choices) = end.and_then(|end| choices.get(..end)) else {
        return true;
    };
    if choices
        .iter()
        .any(|byte| matches!(byte, b'{' | b'[' | b'\\'))
    {
        return true;
    }
    choices.split(|byte| *byte == b',').any(|choice| {
        let plain = choice.iter().position(|byte| is_special(*byte));
        text.starts_with(
            choice
                .get(..plain.unwrap_or(choice.len()))
                .unwrap_or_default(),
        )
    })
}

/// Returns whether `text` may end as `glob` does after its last special character.
fn may_end(glob: &[u8], text: &str) -> bool {
    let ends_plain = |byte: &u8| !is_special(*byte) && !matches!(byte, b']' | b'}' | b',');
    let length = glob
        .iter()
        .rev()
        .take_while(|byte| ends_plain(byte))
        .count();
    let plain = glob.get(glob.len() - length..).unwrap_or_default();
    // Before a slash may be nothing, and then there is none.
    text.as_bytes()
        .ends_with(plain.strip_prefix(b"/").unwrap_or(plain))
}

fn matches_as_whole(glob: &str, text: &str) -> bool {
    let is_by_bytes = text.is_ascii() || !glob.contains(['?', '[']);
    match (!is_by_bytes).then(|| narrow(glob, text)).flatten() {
        Some((glob, text)) => fast_glob::glob_match(glob, text),
        None => fast_glob::glob_match(glob, text),
    }
}

/// Returns both with a byte for each character, in the same order; nothing if
/// they hold more characters than there are bytes.
fn narrow(glob: &str, text: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let is_wide = |it: &char| !it.is_ascii();
    let wide: BTreeSet<char> = glob.chars().chain(text.chars()).filter(is_wide).collect();
    let bytes: BTreeMap<char, u8> = wide.iter().copied().zip(0x80..=u8::MAX).collect();
    let narrowed = |text: &str| -> Option<Vec<u8>> {
        text.chars()
            .map(|it| {
                u8::try_from(it)
                    .ok()
                    .filter(u8::is_ascii)
                    .or_else(|| bytes.get(&it).copied())
            })
            .collect()
    };
    Some((narrowed(glob)?, narrowed(text)?))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    const PIECES: [&str; 18] = [
        "a", "b", "ab", ".", "/", "é", "*", "**", "**/", "/**", "?", "[ab]", "[!a]", "{a,b}",
        "{a*,b/a}", "{,.a}", "\\a", "!",
    ];

    fn check(glob: &str, hits: &[&str], misses: &[&str]) {
        let glob = Glob::new(glob);
        for text in hits {
            assert!(
                glob.matches(text) && glob.matches_name(text),
                "{glob:?} {text}"
            );
        }
        for text in misses {
            assert!(
                !glob.matches(text) && !glob.matches_name(text),
                "{glob:?} {text}"
            );
        }
    }

    #[test]
    fn a_character_is_one_however_many_bytes_it_has() {
        check(
            "delet?",
            &["delete", "deleté", "delet猫"],
            &["delet", "deleteé"],
        );
        check("[!a]x", &["éx", "bx"], &["ax", "ééx"]);
        check("[à-ü]*", &["é猫", "à"], &["e", "ÿ", "猫"]);
        check("*é?", &["é猫", "ééa"], &["é", "e猫"]);
        check("{é,?}", &["é", "猫", "a"], &["éa"]);
    }

    #[test]
    fn the_ends_of_a_glob_decide_as_the_whole_does() {
        let globs = [
            "", "a", "ab", "a/", "a/b", "a*", "a/*", "a/**", "a**", "a/**/b", "a?", "ab?", "a[b]",
            "{a,b}", "a{b,}", "a{b,c}/d", "\\a", "a\\*", "!a", "a!", "*", "**", "?", "é", "é*",
            "a}", "a,b", "a]", "**/a", "a/{b,**}",
        ];
        let texts = [
            "", "a", "ab", "abc", "a/", "a/b", "a/b/c", "a//b", "b", "a*", "\\a", "!a", "a!", "é",
            "éa", "e", "a}", "a,b", "a]", "ab/d", "ac/d",
        ];
        for glob in globs {
            for text in texts {
                let expected = matches_as_whole(glob, text);
                assert_eq!(matches(glob, text), expected, "{glob} {text}");
            }
        }
    }

    #[test]
    fn a_glob_behind_any_folder_decides_by_the_name_only_where_the_whole_does() {
        let pieces = ["a", "[+-9]", "[!a]", "{a,?}", "{a,**}", "*", "?", ","];
        let letters = ["", "a", "b", "/", ","];
        let ends = letters.map(|one| letters.map(|other| [one, other].concat()));
        let ends = ends.concat();
        for (one, other) in pieces.iter().flat_map(|it| pieces.map(|other| (it, other))) {
            let glob = ["**/", one, other].concat();
            for text in ends
                .iter()
                .flat_map(|it| ends.iter().map(|end| [&**it, end].concat()))
            {
                let expected = matches_as_whole(&glob, &text);
                assert_eq!(matches(&glob, &text), expected, "{glob} {text}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn the_ends_of_any_glob_decide_as_the_whole_does(
            glob in prop::collection::vec(select(&PIECES[..]), 0..6),
            text in "[ab./!é]{0,7}",
        ) {
            let glob = glob.concat();
            prop_assert_eq!(matches(&glob, &text), matches_as_whole(&glob, &text), "{}", glob);
        }
    }

    #[test]
    fn more_characters_than_there_are_bytes_are_compared_as_they_are() {
        let many: String = ('一'..='丿')
            .chain('乀'..='乿')
            .chain('亀'..='亿')
            .collect();
        check("*?", &[&many], &[]);
        check("x?", &[], &[&many]);
    }
}
