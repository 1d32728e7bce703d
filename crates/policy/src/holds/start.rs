//! How the words of a command begin, as far as its text shows.

use std::borrow::Cow;

use aegis_types::{Word, WordPart};

use crate::pattern::Glob;

/// Characters of a glob that do not stand for themselves.
const SPECIAL: [char; 5] = ['*', '?', '[', '{', '!'];

/// Characters of which a shell makes something that its text does not show.
const EXPANDED: [char; 4] = ['$', '`', '{', '<'];

/// How a word begins.
#[derive(Debug)]
pub(super) struct Start<'a> {
    text: Cow<'a, str>,
    /// Whether it ends there.
    is_whole: bool,
}

impl<'a> Start<'a> {
    /// Returns how a word begins, and what stands behind each blank in it.
    ///
    /// What a pattern stands for begins as the pattern does.
    pub(super) fn of(word: &'a Word) -> Vec<Self> {
        let mut starts = vec![Self {
            text: Cow::Borrowed(""),
            is_whole: true,
        }];
        for part in &word.parts {
            let (text, is_whole) = match part {
                WordPart::Literal(text) => (text.as_str(), true),
                WordPart::Pattern(text) => (before_pattern(text), false),
                WordPart::Home(_) | WordPart::Stream(_) => ("/", false),
                WordPart::Unknown(_) => {
                    end(&mut starts);
                    // It may hold blanks, and anything behind them.
                    starts.push(Self::open(""));
                    continue;
                }
            };
            for (number, piece) in text.split(' ').enumerate() {
                if number > 0 {
                    starts.push(Self {
                        text: Cow::Borrowed(""),
                        is_whole: true,
                    });
                }
                if let Some(last) = starts.last_mut().filter(|it| it.is_whole) {
                    last.text.to_mut().push_str(piece);
                }
            }
            if !is_whole {
                end(&mut starts);
            }
        }
        starts
    }

    /// Returns how the words of a text begin that a shell has not read yet;
    /// nothing if it makes something of them that the text does not show.
    pub(super) fn of_text(text: &str) -> Option<Vec<Start<'static>>> {
        if text.contains(EXPANDED) {
            return None;
        }
        let text = text.replace("\\\n", "").replace(['\'', '"', '\\'], "");
        let words = text.split([' ', '\t', '\n', ';', '&', '|', '(', ')', '>']);
        let words = words.filter(|word| !word.is_empty());
        let starts = words.map(|word| Start {
            text: Cow::Owned(before_pattern(word).to_owned()),
            is_whole: false,
        });
        Some(starts.collect())
    }

    fn open(text: &str) -> Start<'_> {
        Start {
            text: Cow::Borrowed(text),
            is_whole: false,
        }
    }

    /// Returns whether a word that begins so may begin with `wanted`, and be no
    /// more than that if it `ends`.
    fn may_be(&self, wanted: &str, ends: bool) -> bool {
        match self.is_whole {
            true if ends => self.text == wanted,
            true => self.text.starts_with(wanted),
            false => self.text.starts_with(wanted) || wanted.starts_with(&*self.text),
        }
    }
}

/// Returns how a word begins before its first pattern, and before a folder that is
/// named by a sign.
fn before_pattern(text: &str) -> &str {
    let end = text.find(['*', '?', '[', '\\', '(', '~']);
    let (start, rest) = text.split_at(end.unwrap_or(text.len()));
    match rest.starts_with('(') {
        // The sign before the bracket says how the alternatives count.
        true => start.trim_end_matches(['@', '+', '!']),
        false => start,
    }
}

/// Notes that nothing is known of what follows the last start.
fn end(starts: &mut [Start<'_>]) {
    if let Some(last) = starts.last_mut() {
        last.is_whole = false;
    }
}

/// Returns whether each word that a glob on a line says behind a blank may be one
/// of those that begin so.
pub(super) fn may_hold(glob: &Glob, starts: &[Start<'_>]) -> bool {
    let text = glob.as_str();
    if text.contains('{') {
        return true;
    }
    text.split(' ').skip(1).all(|word| {
        let (wanted, ends) = literal(word);
        wanted.is_empty() || starts.iter().any(|it| it.may_be(&wanted, ends))
    })
}

/// Returns what a word of a glob begins with, and whether that is all of it.
fn literal(word: &str) -> (String, bool) {
    let mut text = String::new();
    let mut letters = word.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            letter if SPECIAL.contains(&letter) => return (text, false),
            letter => text.push(letter),
        }
    }
    (text, true)
}

#[cfg(test)]
mod tests {
    use aegis_types::{Span, UnknownCause};

    use super::*;

    fn word(parts: Vec<WordPart>) -> Word {
        Word {
            span: Span { start: 0, end: 0 },
            parts,
            is_operand: false,
        }
    }

    #[test]
    fn a_word_of_a_glob_must_be_able_to_be_one_of_the_line() {
        let literal = |text: &str| WordPart::Literal(text.to_owned());
        let pattern = |text: &str| WordPart::Pattern(text.to_owned());
        let unknown = || WordPart::Unknown(UnknownCause::Output);
        for (parts, glob, expected) in [
            (vec![literal("--force")], "* --force", true),
            (vec![literal("--forced")], "* --force", false),
            (vec![literal("--forced")], "* --force*", true),
            (vec![literal("a --force")], "* --force", true),
            (vec![pattern("src/*.ts")], "* --force", false),
            (vec![pattern("--f*")], "* --force", true),
            (vec![pattern("--f@(orce)")], "* --force", true),
            (vec![literal("src/"), pattern("*")], "* --force", false),
            (vec![literal("src/"), pattern("*")], "* src/a b", false),
            (vec![pattern("*")], "* --force", true),
            (vec![literal("--f"), pattern("*")], "* --force", true),
            (vec![literal("--f"), unknown()], "* --force", true),
            (vec![literal("src/"), unknown()], "* --force", true),
            (vec![WordPart::Home(None)], "* --force", false),
            (vec![literal("a*")], "* a\\*", true),
            (vec![literal("b")], "* {--force,b}", true),
        ] {
            let word = word(parts);
            let found = may_hold(&Glob::new(glob), &Start::of(&word));
            assert_eq!(found, expected, "{word:?} {glob}");
        }
    }

    #[test]
    fn a_text_is_read_without_its_quotes_unless_it_is_expanded() {
        let is_possible = |text: &str| {
            let starts = Start::of_text(text);
            starts.is_none_or(|it| may_hold(&Glob::new("* --force *"), &it))
        };
        for text in [
            "timeout --force 5 id",
            "timeout --fo\"\"rce 5 id",
            "timeout --fo\\rce 5 id",
            "timeout * 5 id",
            "timeout $X 5 id",
            "timeout 5 id;x --force",
        ] {
            assert!(is_possible(text), "{text}");
        }
        for text in [
            "timeout 5 id",
            "npx tsc --noEmit",
            "bundle install && bundle exec rspec",
            "tmux new -d 'npm run dev'",
        ] {
            assert!(!is_possible(text), "{text}");
        }
    }
}
