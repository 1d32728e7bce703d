//! Texts that a glob or a regular expression matches.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::pattern::{Glob, Pattern};

/// The most texts made of one pattern for its own sake.
const TEXTS_MAX: usize = 3;

/// The most texts made of one glob.
const REGIONS_MAX: usize = 10;

/// The most globs that are looked at beside one.
const BESIDE_MAX: usize = 32;

/// The most alternatives of a glob of which regions are sought.
const ALTERNATIVES_MAX: usize = 8;

/// What may stand in an open place, the plainest first.
const FILLINGS: [&str; 9] = ["x", "q7", "A", "7", ".x", "x.q", "-x", "x/q", ""];

/// How many bytes a text for a regular expression may have.
const LENGTH_MAX: usize = 4_096;

/// Returns texts that a glob on names matches, one for each region that the
/// globs beside it cut out of it.
pub(super) fn of_name(glob: &Glob, beside: &[&Glob]) -> Vec<String> {
    regions(glob, beside, |other| vec![other.to_owned()])
}

/// As [`of_name`], for paths: a glob at any depth is tried in the folder that
/// this one names.
pub(super) fn of_path(glob: &Glob, beside: &[&Glob]) -> Vec<String> {
    let text = glob.as_str();
    let roots = ["./", "~/", "/"];
    let root = roots.into_iter().find(|root| text.starts_with(root));
    let folder = literal(text).rsplit_once('/').map(|(folder, _)| folder);
    regions(glob, beside, |other| {
        let name = other.strip_prefix("**/");
        let below = |start: Option<String>| Some(format!("{}{}", start?, name?));
        let rooted = [
            below(root.map(str::to_owned)),
            below(folder.map(|it| format!("{it}/"))),
        ];
        let whole = std::iter::once(other.to_owned());
        whole.chain(rooted.into_iter().flatten()).collect()
    })
}

/// Returns something plain that a glob matches.
pub(super) fn plain_of(glob: &Glob) -> Option<String> {
    usual(glob).into_iter().next()
}

/// Returns texts of a glob; `spellings` tells how one beside it may be written there.
fn regions(glob: &Glob, beside: &[&Glob], spellings: impl Fn(&str) -> Vec<String>) -> Vec<String> {
    let mut made = usual(glob);
    if glob.is_literal() {
        return made;
    }
    let near = near(glob, beside);
    let of_near = near.iter().flat_map(|it| alternatives(it.as_str()));
    let of_near = of_near.flat_map(|it| spellings(&it));
    let of_near = of_near.map(|it| filled(&it, "x", 0));
    let side = |text: &String| -> Vec<bool> { near.iter().map(|it| it.matches(text)).collect() };
    let mut sides: BTreeSet<Vec<bool>> = made.iter().map(side).collect();
    for text in fillings(glob).into_iter().chain(of_near) {
        if made.len() >= REGIONS_MAX {
            break;
        }
        if glob.matches(&text) && sides.insert(side(&text)) {
            made.push(text);
        }
    }
    made
}

/// Returns the globs that are likeliest to share texts with one.
fn near<'g>(glob: &Glob, beside: &[&'g Glob]) -> Vec<&'g Glob> {
    let start = literal(glob.as_str());
    let may_meet = |it: &&&Glob| **it != glob && it.may_match_from(start);
    let mut near: Vec<&Glob> = beside.iter().filter(may_meet).copied().collect();
    let shared = |it: &&Glob| {
        let pairs = it.as_str().bytes().zip(glob.as_str().bytes());
        std::cmp::Reverse(pairs.take_while(|(one, two)| one == two).count())
    };
    near.sort_by_key(shared);
    near.truncate(BESIDE_MAX);
    near
}

/// Returns how a glob begins before its first special character.
fn literal(glob: &str) -> &str {
    let end = glob.find(['*', '?', '[', '{', '\\', '!']);
    end.and_then(|end| glob.get(..end)).unwrap_or(glob)
}

/// Returns texts that a glob matches: for each alternative one, in which every
/// open place holds something plain.
fn usual(glob: &Glob) -> Vec<String> {
    let mut made = alternatives(glob.as_str());
    made.truncate(TEXTS_MAX);
    let plain = made.iter().map(|text| filled(text, "x", 0));
    plain.filter(|text| glob.matches(text)).collect()
}

/// Returns a glob's alternatives with every choice of what fills their open places.
fn fillings(glob: &Glob) -> Vec<String> {
    let mut made = Vec::new();
    for text in alternatives(glob.as_str()).iter().take(ALTERNATIVES_MAX) {
        let members = if text.contains('[') { 8 } else { 1 };
        for filling in FILLINGS {
            made.extend((0..members).map(|member| filled(text, filling, member)));
        }
    }
    made
}

/// Returns what a glob becomes with each member of its first `{a,b}` in turn.
fn alternatives(glob: &str) -> Vec<String> {
    let Some((before, rest)) = glob.split_once('{') else {
        return vec![glob.to_owned()];
    };
    let mut depth = 1;
    let mut members = vec![String::new()];
    let mut end = rest.len();
    for (index, letter) in rest.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match (letter, depth) {
            ('}', 0) => {
                end = index + 1;
                break;
            }
            (',', 1) => members.push(String::new()),
            _ => members
                .last_mut()
                .into_iter()
                .for_each(|it| it.push(letter)),
        }
    }
    let after = rest.get(end..).unwrap_or_default();
    let whole = members
        .iter()
        .map(|member| format!("{before}{member}{after}"));
    whole.flat_map(|text| alternatives(&text)).collect()
}

/// Returns a glob without braces with `filling` in its open places, and the
/// member of each class that has this number.
fn filled(glob: &str, filling: &str, member: usize) -> String {
    let mut text = String::new();
    let mut letters = glob.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => {
                while letters.next_if_eq(&'*').is_some() {}
                text.push_str(filling);
            }
            '?' => text.push(filling.chars().next().unwrap_or('x')),
            '\\' => text.extend(letters.next()),
            '[' => {
                let inner: String = letters.by_ref().take_while(|it| *it != ']').collect();
                text.push(of_class(&inner, member));
            }
            letter => text.push(letter),
        }
    }
    text
}

/// Returns a member of `[…]`, of which this is what stands in the brackets.
fn of_class(inner: &str, member: usize) -> char {
    let letters: Vec<char> = inner.chars().collect();
    if inner.starts_with(['!', '^']) {
        let others = ['x', 'q', '7', 'A', '_', 'a', '0', '.'];
        let others = others.into_iter().filter(|it| !letters.contains(it));
        return others.cycle().nth(member).unwrap_or('x');
    }
    let mut members = Vec::new();
    let mut rest = letters.as_slice();
    while let [first, others @ ..] = rest {
        match others {
            ['-', last, after @ ..] => {
                members.extend([*first, *last]);
                members.extend((*first..=*last).skip(1).take(6));
                rest = after;
            }
            _ => {
                members.push(*first);
                rest = others;
            }
        }
    }
    members.into_iter().cycle().nth(member).unwrap_or('x')
}

/// Returns texts in which a regular expression is found, the shortest first.
pub(super) fn of_expression(pattern: &Pattern) -> Vec<String> {
    let Ok(parsed) = regex_syntax::parse(pattern.as_str()) else {
        return Vec::new();
    };
    let mut made = Vec::new();
    for (choice, least) in [(0, 0), (0, 1), (1, 1)] {
        let mut text = String::new();
        let is_whole = Expression { choice, least }.write(&parsed, &mut text);
        if is_whole && pattern.is_match(&text) == Some(true) && !made.contains(&text) {
            made.push(text);
        }
    }
    made
}

/// How a text is chosen among those of an expression.
struct Expression {
    /// Which alternative, where there are several.
    choice: usize,
    /// How often what may be absent stands there.
    least: u32,
}

impl Expression {
    /// Writes a text of a part; false if it grows too long or there is none.
    ///
    /// The depth of an expression is bounded where it is parsed.
    fn write(&self, part: &Hir, text: &mut String) -> bool {
        match part.kind() {
            HirKind::Empty | HirKind::Look(_) => true,
            HirKind::Literal(literal) => {
                let literal = std::str::from_utf8(&literal.0);
                text.push_str(literal.unwrap_or_default());
                literal.is_ok() && text.len() <= LENGTH_MAX
            }
            HirKind::Class(class) => {
                let member = plainest(class);
                text.extend(member);
                member.is_some()
            }
            HirKind::Repetition(repeated) => {
                let most = repeated.max.unwrap_or(u32::MAX);
                let times = repeated.min.max(self.least).min(most);
                (0..times).all(|_| self.write(&repeated.sub, text) && text.len() <= LENGTH_MAX)
            }
            HirKind::Capture(group) => self.write(&group.sub, text),
            HirKind::Concat(parts) => parts.iter().all(|part| self.write(part, text)),
            HirKind::Alternation(parts) => {
                let chosen = parts.get(self.choice).or(parts.last());
                chosen.is_some_and(|part| self.write(part, text))
            }
        }
    }
}

/// Returns a letter, a digit or else the first member of a class.
fn plainest(class: &Class) -> Option<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.iter().map(|it| (it.start(), it.end())).collect(),
        Class::Bytes(class) => class
            .iter()
            .map(|it| (char::from(it.start()), char::from(it.end())))
            .collect(),
    };
    let has = |letter: &char| {
        ranges
            .iter()
            .any(|(from, to)| from <= letter && letter <= to)
    };
    let plain = ['x', 'a', 'A', '0', '_', ' ', '.'];
    let plain = plain.into_iter().chain('!'..='~').find(has);
    plain.or(ranges.first().map(|(from, _)| *from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_made_of_every_alternative_and_match() {
        let made = |glob: &str| usual(&Glob::new(glob));
        assert_eq!(made("main"), ["main"]);
        assert_eq!(made("release/*"), ["release/x"]);
        assert_eq!(made("{a,b{c,d}}-?"), ["a-x", "bc-x", "bd-x"]);
        assert_eq!(made("mcp__*__[a-z]**"), ["mcp__x__ax"]);
        assert_eq!(made("[!a]b"), ["xb"]);
        assert_eq!(made("\\*.log"), ["*.log"]);
    }

    #[test]
    fn a_glob_that_cuts_another_one_has_a_text_on_each_side() {
        for (wide, narrow) in [
            ("only-*", "only-x*"),
            ("*", "x"),
            ("**", "*"),
            ("v*", "v[0-9]*"),
            ("[a-d]*", "[ab]*"),
            ("release-?", "release-x"),
            ("*.rs", "*_test.rs"),
            ("git *", "git {x,q7} *"),
            ("x*", "x*.*"),
            ("./src/**", "./src/gen/**"),
            ("./src/**", "**/.env"),
        ] {
            let (wide, narrow) = (Glob::new(wide), Glob::new(narrow));
            let texts = of_path(&wide, &[&narrow]);
            let sides: BTreeSet<bool> = texts.iter().map(|it| narrow.matches(it)).collect();
            assert_eq!(sides.len(), 2, "{wide:?} {narrow:?}: {texts:?}");
            assert!(
                texts.iter().all(|it| wide.matches(it)),
                "{wide:?} {texts:?}"
            );
        }
    }

    #[test]
    fn several_globs_cut_out_a_region_for_each_of_their_meetings() {
        let beside = [Glob::new("a*"), Glob::new("*z")];
        let texts = of_name(&Glob::new("*"), &[&beside[0], &beside[1]]);
        let sides: BTreeSet<[bool; 2]> = texts
            .iter()
            .map(|it| [beside[0].matches(it), beside[1].matches(it)])
            .collect();
        // The text of a glob is plain, so one that begins and ends so is not sought.
        assert_eq!(
            sides,
            BTreeSet::from([[false, false], [true, false], [false, true]])
        );
    }

    #[test]
    fn a_text_is_made_for_a_regular_expression() {
        for expression in [
            "^#!k",
            "(?i)drop\\s+table",
            "[0-9]{4}-[0-9]{2}",
            "^(a|b)+$",
            "\\bsecret\\b",
            "^$",
            "é+",
        ] {
            let pattern = Pattern::new(expression);
            let made = of_expression(&pattern);
            assert!(!made.is_empty(), "{expression}");
            assert!(made.iter().all(|it| pattern.is_match(it) == Some(true)));
        }
        assert!(of_expression(&Pattern::new("(a{1000}){1000}")).is_empty());
    }
}
