//! Many literals looked for in one pass over a text.
//!
//! Each literal is filed under the three bytes of it that are rarest among all
//! literals. A pass looks at every three bytes of the text, and where they are
//! some literal's, compares the whole literal. Nothing needs to be compiled.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::literals::LITERAL_BYTES_MIN;

/// How many bits the filter has for each literal.
const BITS_PER_LITERAL: usize = 64;

/// Literals with the rules that need one of theirs to occur.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct TextScreen {
    literals: Vec<Literal>,
    /// Sorted by the bytes.
    grams: Vec<Gram>,
    #[serde(skip)]
    filter: OnceLock<Filter>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Literal {
    text: Box<str>,
    rules: Vec<u32>,
}

/// Three bytes of a literal, in lower case.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
struct Gram {
    bytes: u32,
    /// The literal, and where in it the bytes begin.
    literal: u32,
    offset: u32,
}

/// Which bytes may be some literal's.
#[derive(Clone, Debug)]
struct Filter {
    words: Vec<u64>,
    shift: u32,
}

impl TextScreen {
    /// Returns a screen of rules with the literals of which each needs one;
    /// the literals are in lower case.
    pub(super) fn new(rules: Vec<(u32, Vec<String>)>) -> Self {
        let mut by_text: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (rule, literals) in rules {
            for literal in literals {
                let of_literal = by_text.entry(literal).or_default();
                if of_literal.last() != Some(&rule) {
                    of_literal.push(rule);
                }
            }
        }
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        for bytes in by_text.keys().flat_map(|text| grams(text)) {
            *counts.entry(bytes).or_default() += 1;
        }
        let mut screen = Self::default();
        for (place, (text, mut rules)) in (0..).zip(by_text) {
            let rarest = (0..)
                .zip(grams(&text))
                .min_by_key(|(_, bytes)| counts.get(bytes).copied().unwrap_or_default());
            if let Some((offset, bytes)) = rarest {
                screen.grams.push(Gram {
                    bytes,
                    literal: place,
                    offset,
                });
            }
            rules.sort_unstable();
            screen.literals.push(Literal {
                text: text.into_boxed_str(),
                rules,
            });
        }
        screen.grams.sort_unstable();
        screen
    }

    /// Gives the rules of each literal that occurs in `text`, letter case aside.
    pub(super) fn search<'a>(&'a self, text: &str, found: &mut impl FnMut(&'a [u32])) {
        if self.literals.is_empty() {
            return;
        }
        let filter = self.filter.get_or_init(|| Filter::new(&self.grams));
        let text = text.as_bytes();
        let mut seen = Vec::new();
        let mut gram = 0;
        for (last, byte) in text.iter().enumerate() {
            gram = pushed(gram, *byte);
            if filter.may_hold(gram) {
                self.compare(text, last, gram, &mut seen, found);
            }
        }
    }

    #[cold]
    fn compare<'a>(
        &'a self,
        text: &[u8],
        last: usize,
        bytes: u32,
        seen: &mut Vec<u32>,
        found: &mut impl FnMut(&'a [u32]),
    ) {
        let first = self.grams.partition_point(|gram| gram.bytes < bytes);
        let of_bytes = self.grams.iter().skip(first);
        for gram in of_bytes.take_while(|gram| gram.bytes == bytes) {
            let Some(literal) = self.literals.get(gram.literal as usize) else {
                continue;
            };
            let Some(start) = (last + 1).checked_sub(LITERAL_BYTES_MIN + gram.offset as usize)
            else {
                continue;
            };
            let occurs = text
                .get(start..start + literal.text.len())
                .is_some_and(|part| part.eq_ignore_ascii_case(literal.text.as_bytes()));
            if occurs && !seen.contains(&gram.literal) {
                seen.push(gram.literal);
                found(&literal.rules);
            }
        }
    }
}

fn pushed(gram: u32, byte: u8) -> u32 {
    ((gram << 8) | u32::from(byte.to_ascii_lowercase())) & 0x00ff_ffff
}

fn grams(text: &str) -> impl Iterator<Item = u32> + '_ {
    text.as_bytes()
        .windows(LITERAL_BYTES_MIN)
        .map(|window| window.iter().fold(0, |gram, byte| pushed(gram, *byte)))
}

impl Filter {
    fn new(grams: &[Gram]) -> Self {
        let bits = (grams.len() * BITS_PER_LITERAL)
            .next_power_of_two()
            .clamp(1 << 10, 1 << 18);
        let mut filter = Self {
            words: vec![0; bits / 64],
            shift: 32 - bits.trailing_zeros(),
        };
        for gram in grams {
            let (word, bit) = filter.place(gram.bytes);
            if let Some(word) = filter.words.get_mut(word) {
                *word |= bit;
            }
        }
        filter
    }

    fn place(&self, gram: u32) -> (usize, u64) {
        let bit = gram.wrapping_mul(0x9e37_79b1) >> self.shift;
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    fn may_hold(&self, gram: u32) -> bool {
        let (word, bit) = self.place(gram);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(literals: &[&str], text: &str) -> Vec<u32> {
        let rules = (0..)
            .zip(literals)
            .map(|(rule, literal)| (rule, vec![(*literal).to_owned()]));
        let screen = TextScreen::new(rules.collect());
        let mut found = Vec::new();
        screen.search(text, &mut |rules: &[u32]| found.extend_from_slice(rules));
        found.sort_unstable();
        found
    }

    #[test]
    fn each_literal_that_occurs_is_found_once_in_any_case() {
        let literals = ["git push", "push", "rm -rf", "abc"];
        assert_eq!(check(&literals, "GIT PUSH; git push"), [0, 1]);
        assert_eq!(check(&literals, "rm -r"), [0; 0]);
        assert_eq!(check(&literals, "xabc"), [3]);
        assert_eq!(check(&literals, ""), [0; 0]);
        assert_eq!(check(&literals, "ab"), [0; 0]);
    }

    #[test]
    fn literals_that_overlap_are_all_found() {
        assert_eq!(check(&["abcd", "bcde", "cdef"], "abcdef"), [0, 1, 2]);
    }

    #[test]
    fn a_literal_at_either_end_is_found() {
        assert_eq!(check(&["start", "ende"], "start … ende"), [0, 1]);
        assert_eq!(check(&["ümläut"], "xÜMLÄUT ümläut"), [0]);
    }
}
