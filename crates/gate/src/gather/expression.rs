//! Whether a regular expression, as `pkill` and `grep` read it, is found in a short text.
//!
//! The places of the text that are reached are bits of one number, so no expression takes
//! long. What is not followed to the letter matches more: a counted repetition is any,
//! and borders of words are everywhere.

/// The longest expression that is followed, in characters.
const LENGTH_MAX: usize = 256;

/// How deep groups are followed.
const DEPTH_MAX: usize = 4;

/// Returns whether an expression is found in `text`, of at most 62 characters; nothing
/// where it cannot be followed.
pub(super) fn is_found(expression: &str, text: &str) -> Option<bool> {
    let signs: Vec<char> = expression.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let everywhere = (1_u64 << (text.len() + 1)) - 1;
    if signs.len() > LENGTH_MAX {
        return None;
    }
    alternatives(&signs, &text, everywhere, 0).map(|reached| reached != 0)
}

/// Returns the places that are reached from `from` by one of the alternatives.
fn alternatives(signs: &[char], text: &[char], from: u64, depth: usize) -> Option<u64> {
    if depth > DEPTH_MAX {
        return None;
    }
    let mut reached = 0;
    let mut rest = signs;
    let mut places = from;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(&['|']) {
            reached |= places;
            places = from;
            rest = after;
            continue;
        }
        let (atom, after) = split_atom(rest)?;
        let (quantifier, after) = split_quantifier(after)?;
        places = repeat(quantifier, places, |from| step(&atom, text, from, depth))?;
        rest = after;
    }
    Some(reached | places)
}

/// What stands for one character, for a place, or for a group.
enum Atom<'a> {
    Any,
    One(char),
    Class(&'a [char]),
    Group(&'a [char]),
    Start,
    End,
    Border,
}

fn split_atom(signs: &[char]) -> Option<(Atom<'_>, &[char])> {
    let (first, rest) = signs.split_first()?;
    let atom = match first {
        '.' => Atom::Any,
        '^' => Atom::Start,
        '$' => Atom::End,
        '[' => {
            // A bracket that stands first is a member.
            let skipped = 1 + usize::from(rest.first() == Some(&'^'));
            let end = rest.iter().skip(skipped).position(|it| *it == ']')? + skipped;
            return Some((Atom::Class(rest.get(..end)?), rest.get(end + 1..)?));
        }
        '(' => {
            let mut depth = 1_usize;
            let end = rest.iter().position(|sign| {
                depth = match sign {
                    '(' => depth + 1,
                    ')' => depth - 1,
                    _ => depth,
                };
                depth == 0
            })?;
            return Some((Atom::Group(rest.get(..end)?), rest.get(end + 1..)?));
        }
        '\\' => {
            let (escaped, rest) = rest.split_first()?;
            let atom = match escaped {
                'b' | '<' | '>' => Atom::Border,
                'w' | 's' => Atom::Any,
                other if other.is_alphanumeric() => return None,
                other => Atom::One(*other),
            };
            return Some((atom, rest));
        }
        '*' | '+' | '?' | ')' => return None,
        other => Atom::One(*other),
    };
    Some((atom, rest))
}

/// Returns the sign behind an atom that says how often, as one of `*+?`.
fn split_quantifier(signs: &[char]) -> Option<(Option<char>, &[char])> {
    match signs.split_first() {
        Some((sign @ ('*' | '+' | '?'), rest)) => Some((Some(*sign), rest)),
        Some(('{', rest)) => {
            let end = rest.iter().position(|sign| *sign == '}')?;
            Some((Some('*'), rest.get(end + 1..)?))
        }
        _ => Some((None, signs)),
    }
}

fn repeat(quantifier: Option<char>, from: u64, once: impl Fn(u64) -> Option<u64>) -> Option<u64> {
    let mut reached = once(from)?;
    if matches!(quantifier, Some('*' | '+')) {
        loop {
            let more = reached | once(reached)?;
            if more == reached {
                break;
            }
            reached = more;
        }
    }
    Some(match quantifier {
        Some('*' | '?') => reached | from,
        _ => reached,
    })
}

fn step(atom: &Atom<'_>, text: &[char], from: u64, depth: usize) -> Option<u64> {
    let over = |is_meant: &dyn Fn(char) -> bool| {
        let places = (0_u32..).zip(text);
        let meant = places.filter(|(_, sign)| is_meant(**sign));
        let bits = meant.fold(0, |bits, (place, _)| bits | 1 << place);
        (from & bits) << 1
    };
    Some(match atom {
        Atom::Any => over(&|_| true),
        Atom::One(sign) => over(&|other| other.eq_ignore_ascii_case(sign)),
        Atom::Class(members) => over(&|sign| is_member(members, sign)),
        Atom::Group(inner) => alternatives(inner, text, from, depth + 1)?,
        Atom::Start => from & 1,
        Atom::End => from & 1 << text.len(),
        Atom::Border => from,
    })
}

/// Returns whether a class has a character among its members; a named one has every.
fn is_member(members: &[char], sign: char) -> bool {
    let (is_negated, members) = match members.strip_prefix(&['^']) {
        Some(rest) => (true, rest),
        None => (false, members),
    };
    if members.contains(&'[') {
        return true;
    }
    let is_of = |sign: char| {
        let mut ranges = members.windows(3);
        members.contains(&sign)
            || ranges.any(|it| matches!(it, [low, '-', high] if (*low..=*high).contains(&sign)))
    };
    is_negated != (is_of(sign) || is_of(sign.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_found_as_its_signs_say() {
        for expression in [
            "",
            ".",
            "egis",
            "a.gis",
            "^aegis",
            "serv[e]",
            "e$",
            "[^x]egis",
            "x|aegis",
            "(foo|ae)gis",
            "ae*gis",
            "a(e|x)+gis",
            "aegiss?",
            "[a-f]egis",
            "AEGIS",
            "ae{1,2}gis",
            "a.*e$",
            "\\baegis\\b",
            "aegis\\ serve",
            "[]a]egis",
        ] {
            assert_eq!(
                is_found(expression, "aegis serve"),
                Some(true),
                "{expression}"
            );
        }
        for expression in [
            "node",
            "^egis",
            "aegis$",
            "[^a]egis",
            "(foo|bar)gis",
            "ae+xgis",
            "^.$",
            "aegis\\.",
            "vite serve",
            "server",
        ] {
            assert_eq!(
                is_found(expression, "aegis serve"),
                Some(false),
                "{expression}"
            );
        }
        for expression in [
            "(a",
            "[a",
            "\\d",
            "*a",
            "a)",
            "((((((a))))))",
            &"a".repeat(257),
        ] {
            assert_eq!(is_found(expression, "aegis"), None, "{expression}");
        }
    }
}
