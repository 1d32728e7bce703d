//! Matches text that is known against a pattern that is known.

/// The most steps that one match may take, so that long values are not compared for ever.
const STEPS_MAX: usize = 16 * 1024;

/// A part of a pattern that stands for some characters.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Token {
    /// Any characters, or none.
    Many,
    /// Any one character.
    One,
    /// This character.
    Exactly(char),
    /// One of these ranges, or none of them.
    Set {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// A pattern in which a backslash takes away what the next character means.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Token>);

impl Pattern {
    /// Reads a pattern; `None` if it holds what is not followed.
    pub(super) fn new(text: &str) -> Option<Self> {
        let characters: Vec<char> = text.chars().collect();
        let mut tokens = Vec::new();
        let mut rest = characters.as_slice();
        while let [first, after @ ..] = rest {
            rest = after;
            let opens_group = after.first() == Some(&'(');
            if opens_group && matches!(first, '@' | '?' | '*' | '+' | '!') {
                return None;
            }
            tokens.push(match first {
                '*' if tokens.last() == Some(&Token::Many) => continue,
                '*' => Token::Many,
                '?' => Token::One,
                '\\' => match after {
                    [escaped, after @ ..] => {
                        rest = after;
                        Token::Exactly(*escaped)
                    }
                    [] => Token::Exactly('\\'),
                },
                '[' => match set(after)? {
                    Some((token, after)) => {
                        rest = after;
                        token
                    }
                    None => Token::Exactly('['),
                },
                other => Token::Exactly(*other),
            });
        }
        Some(Self(tokens))
    }

    /// Returns the text that the pattern is, if it stands for that alone.
    pub(super) fn literal(&self) -> Option<String> {
        let mut text = String::new();
        for token in &self.0 {
            match token {
                Token::Exactly(character) => text.push(*character),
                Token::Many | Token::One | Token::Set { .. } => return None,
            }
        }
        Some(text)
    }

    /// Returns whether the whole of `text` matches.
    fn matches(&self, text: &[char]) -> bool {
        let (mut at, mut token) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        loop {
            let fits = match (self.0.get(token), text.get(at)) {
                (Some(Token::Many), _) => {
                    retry = Some((token + 1, at));
                    token += 1;
                    continue;
                }
                (None, None) => return true,
                (Some(known), Some(character)) => known.fits(*character),
                (Some(_), None) | (None, Some(_)) => false,
            };
            if fits {
                (at, token) = (at + 1, token + 1);
                continue;
            }
            match retry {
                Some((after, from)) if from < text.len() => {
                    retry = Some((after, from + 1));
                    (at, token) = (from + 1, after);
                }
                _ => return false,
            }
        }
    }

    /// Returns the length of what matches at the start of `text`, in characters.
    ///
    /// The outer `None` means that it would take too long to tell.
    pub(super) fn at_start(&self, text: &[char], is_longest: bool) -> Option<Option<usize>> {
        self.is_short_for(text)?;
        let fits = |length: &usize| self.matches(text.get(..*length).unwrap_or_default());
        let mut lengths = 0..=text.len();
        Some(if is_longest {
            lengths.rev().find(fits)
        } else {
            lengths.find(fits)
        })
    }

    /// Returns the length of what matches at the end of `text`, in characters.
    pub(super) fn at_end(&self, text: &[char], is_longest: bool) -> Option<Option<usize>> {
        self.is_short_for(text)?;
        let fits = |length: &usize| {
            let from = text.len().saturating_sub(*length);
            self.matches(text.get(from..).unwrap_or_default())
        };
        let mut lengths = 0..=text.len();
        Some(if is_longest {
            lengths.rev().find(fits)
        } else {
            lengths.find(fits)
        })
    }

    /// Returns whether one character matches.
    pub(super) fn fits(&self, character: char) -> bool {
        self.0.is_empty() || self.matches(&[character])
    }

    fn is_short_for(&self, text: &[char]) -> Option<()> {
        let steps = (text.len() + 1).checked_mul(text.len() + 1)?;
        (steps.checked_mul(self.0.len() + 1)? <= STEPS_MAX).then_some(())
    }
}

impl Token {
    fn fits(&self, character: char) -> bool {
        match self {
            Self::Many => false,
            Self::One => true,
            Self::Exactly(exactly) => *exactly == character,
            Self::Set { is_negated, ranges } => {
                let is_in = |(first, last): &(char, char)| (*first..=*last).contains(&character);
                ranges.iter().any(is_in) != *is_negated
            }
        }
    }
}

/// Reads what follows `[`; the inner `None` means that the bracket stands for itself.
fn set(text: &[char]) -> Option<Option<(Token, &[char])>> {
    let (is_negated, mut rest) = match text {
        ['!' | '^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut ranges = Vec::new();
    let mut is_first = true;
    loop {
        rest = match rest {
            [']', after @ ..] if !is_first => {
                return Some(Some((Token::Set { is_negated, ranges }, after)));
            }
            // Classes, and what means something in one place only, are not followed.
            ['[', ':' | '.' | '=', ..] | ['\\', ..] => return None,
            [first, '-', last, after @ ..] if *last != ']' => {
                // Which letters lie between two others depends on the language.
                let are_plain = first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric();
                if !are_plain || first.is_ascii_digit() != last.is_ascii_digit() {
                    return None;
                }
                ranges.push((*first, *last));
                after
            }
            [first, after @ ..] => {
                ranges.push((*first, *first));
                after
            }
            [] => return Some(None),
        };
        is_first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(pattern: &str, text: &str, is_longest: bool) -> Option<usize> {
        let text: Vec<char> = text.chars().collect();
        Pattern::new(pattern)
            .expect("a pattern")
            .at_start(&text, is_longest)
            .expect("short")
    }

    #[test]
    fn patterns_match_as_in_the_shell() {
        assert_eq!(start("*/", "a/b/c", false), Some(2));
        assert_eq!(start("*/", "a/b/c", true), Some(4));
        assert_eq!(start("?b", "ab", true), Some(2));
        assert_eq!(start("[a-c]*", "bcd", true), Some(3));
        assert_eq!(start("[!a]", "a", true), None);
        assert_eq!(start("[", "[x", true), Some(1));
        assert_eq!(start("\\*", "*x", true), Some(1));
        assert_eq!(start("x", "y", true), None);
    }

    #[test]
    fn what_is_not_followed_is_no_pattern() {
        assert!(Pattern::new("@(a|b)").is_none());
        assert!(Pattern::new("[[:alpha:]]").is_none());
    }
}
