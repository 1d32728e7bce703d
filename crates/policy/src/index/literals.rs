//! Text that must occur for an expression or a glob to match.

use regex_syntax::hir::{Class, Hir, HirKind};

/// The shortest literal that is worth looking for.
pub(super) const LITERAL_BYTES_MIN: usize = 3;

/// How many literals one expression may ask for.
const LITERALS_MAX: usize = 64;

/// How long a literal is kept; a part of it is as good.
const LITERAL_BYTES_MAX: usize = 32;

/// How deep an expression is looked into.
const DEPTH_MAX: u8 = 100;

/// Returns texts in lower case of which one occurs, in any case, in every text
/// that `expression` matches; nothing if there are none worth looking for.
pub(super) fn of_regex(expression: &str) -> Option<Vec<String>> {
    let hir = regex_syntax::parse(expression).ok()?;
    required(&hir, DEPTH_MAX)
}

/// As [`of_regex`], for every text that `glob` matches as a whole.
pub(super) fn of_glob(glob: &str) -> Option<Vec<String>> {
    if glob.contains(['{', '\\', '!']) {
        return None;
    }
    let mut best = Run::default();
    let mut run = Run::default();
    let mut in_class = false;
    for character in glob.chars() {
        match character {
            '[' => {
                in_class = true;
                best.keep(&mut run);
            }
            ']' => in_class = false,
            _ if in_class => {}
            '*' | '?' => best.keep(&mut run),
            // `**/` may stand for nothing, its slash included.
            '/' => best.keep(&mut run),
            literal => run.push(literal),
        }
    }
    best.keep(&mut run);
    best.finish()
}

/// As [`of_regex`], for every text that holds `part`.
pub(super) fn of_part(part: &str) -> Option<Vec<String>> {
    let mut run = Run::default();
    part.chars().for_each(|character| run.push(character));
    run.finish()
}

/// A run of characters that stand side by side.
#[derive(Default)]
struct Run(String);

impl Run {
    fn push(&mut self, character: char) {
        if self.0.len() < LITERAL_BYTES_MAX {
            self.0.push(character.to_ascii_lowercase());
        }
    }

    /// Takes `other` over if it is longer, and empties it.
    fn keep(&mut self, other: &mut Self) {
        if other.0.len() > self.0.len() {
            std::mem::swap(&mut self.0, &mut other.0);
        }
        other.0.clear();
    }

    fn finish(self) -> Option<Vec<String>> {
        (self.0.len() >= LITERAL_BYTES_MIN).then(|| vec![self.0])
    }
}

fn required(hir: &Hir, depth: u8) -> Option<Vec<String>> {
    let depth = depth.checked_sub(1)?;
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) => None,
        HirKind::Literal(literal) => of_part(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub, depth),
        HirKind::Repetition(_) => None,
        HirKind::Capture(capture) => required(&capture.sub, depth),
        HirKind::Concat(parts) => of_sequence(parts, depth),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(required(part, depth)?);
                if all.len() > LITERALS_MAX {
                    return None;
                }
            }
            Some(all)
        }
    }
}

/// Returns the best of what the parts of a sequence require.
fn of_sequence(parts: &[Hir], depth: u8) -> Option<Vec<String>> {
    let mut best: Option<Vec<String>> = None;
    let mut offer = |offered: Option<Vec<String>>| {
        if let Some(offered) = offered
            && best.as_ref().is_none_or(|best| rank(&offered) > rank(best))
        {
            best = Some(offered);
        }
    };
    let mut run = Run::default();
    for part in parts {
        if push_literal(&mut run, part) {
            continue;
        }
        offer(std::mem::take(&mut run).finish());
        offer(required(part, depth));
    }
    offer(run.finish());
    best
}

/// Long literals are rare, and few are looked for faster than many.
fn rank(literals: &[String]) -> (usize, std::cmp::Reverse<usize>) {
    let shortest = literals.iter().map(String::len).min().unwrap_or_default();
    (shortest.min(8), std::cmp::Reverse(literals.len()))
}

/// Appends `part` to `run` if it stands for one text, letter case aside.
fn push_literal(run: &mut Run, part: &Hir) -> bool {
    match part.kind() {
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => {
                text.chars().for_each(|character| run.push(character));
                true
            }
            Err(_) => false,
        },
        HirKind::Class(Class::Unicode(class)) => {
            let mut letters = class
                .ranges()
                .iter()
                .flat_map(|range| range.start()..=range.end());
            let Some(first) = letters.next().map(|letter| letter.to_ascii_lowercase()) else {
                return false;
            };
            // A range without end is left at its second letter.
            let is_one = letters.all(|letter| letter.to_ascii_lowercase() == first);
            if is_one {
                run.push(first);
            }
            is_one
        }
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Class(Class::Bytes(_))
        | HirKind::Repetition(_)
        | HirKind::Capture(_)
        | HirKind::Concat(_)
        | HirKind::Alternation(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, expected: &[&str]) {
        let found = of_regex(expression).unwrap_or_default();
        assert_eq!(found, expected, "{expression}");
    }

    #[test]
    fn what_an_expression_cannot_do_without_is_found() {
        check("git push.*--force", &["git push"]);
        check(r"rm\s+-rf", &["-rf"]);
        check("(foo|bar)+x?", &["foo", "bar"]);
        check("a(bcd)?efg", &["efg"]);
        check("^DROP TABLE$", &["drop table"]);
    }

    #[test]
    fn letter_case_is_folded_where_only_ascii_is_meant() {
        check("(?i)drop table", &["drop table"]);
        // U+017F and U+212A fold to `s` and `k`.
        check("(?i)delete from users", &["delete from u"]);
        check(
            "(?i)(rm -rf|rmdir /s|del /f /s)",
            &["rm -rf", "rmdir /", "del /f /"],
        );
    }

    #[test]
    fn an_expression_without_a_required_literal_has_none() {
        for expression in [
            "", "a*", "(foo|b)", "[a-z]+", "(foo)?", ".", r"\d{3}", "(abc|)",
        ] {
            check(expression, &[]);
        }
    }

    #[test]
    fn the_longest_run_of_a_glob_is_required() {
        assert_eq!(of_glob("prod-*-[ab]db"), Some(vec!["prod-".to_owned()]));
        assert_eq!(of_glob("**/secret"), Some(vec!["secret".to_owned()]));
        assert_eq!(of_glob("{abc,def}"), None);
        assert_eq!(of_glob("a*"), None);
    }
}
