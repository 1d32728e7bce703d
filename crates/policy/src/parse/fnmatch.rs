//! Globs as other systems write them: those of `fnmatch`.

use super::node::Node;
use super::walker::Walker;
use crate::pattern::Glob;
use crate::problem::{ProblemCode, quoted};

impl<'a> Walker<'a> {
    /// Reads a glob on a name in which `/` is a character like any other: `*`,
    /// `?` and `[…]` only, every other character is itself.
    pub fn fnmatch(&mut self, node: &Node<'a>, what: &str) -> Option<Glob> {
        let text = self.some_text(node, what)?;
        match translated(text) {
            Ok(glob) => self.check_glob(node, what, &glob),
            Err((fault, help)) => {
                let message = format!("{what} {fault}: {}", quoted(text));
                self.error(ProblemCode::BadGlob, &node.span, message)
                    .help(help);
                None
            }
        }
    }
}

/// What would not match as it was meant, and what to write instead.
type Fault = (&'static str, &'static str);

/// Returns the glob of ours that matches what `text` does.
fn translated(text: &str) -> Result<String, Fault> {
    let mut glob = String::with_capacity(text.len());
    let mut rest = text;
    // Two stars mean no more than one.
    let mut after_star = false;
    while let Some(letter) = rest.chars().next() {
        let (_, after) = rest.split_at(letter.len_utf8());
        let closed = if letter == '[' { class(after) } else { None };
        rest = after;
        match (letter, closed) {
            ('*', _) if after_star => {}
            ('*' | '?', _) => glob.push(letter),
            (_, Some((inner, after))) => {
                push_class(inner, &mut glob)?;
                rest = after;
            }
            (_, None) => push_outside(letter, &mut glob),
        }
        after_star = letter == '*';
    }
    Ok(glob)
}

/// Returns what stands between the brackets that were just opened, and what
/// follows them; nothing if they are not closed.
fn class(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('!').unwrap_or(text);
    // What stands first is a member, a bracket too.
    let first = inner.chars().next().map_or(0, char::len_utf8);
    let from = text.len() - inner.len() + first;
    let end = from + text.get(from..)?.find(']')?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// Writes brackets with every member spelled out, ranges that hold a `/` with
/// it, because there `/` is compared by itself.
fn push_class(inner: &str, glob: &mut String) -> Result<(), Fault> {
    let (sign, members) = match inner.strip_prefix('!') {
        Some(members) => ("[!", members),
        None => ("[", inner),
    };
    if members.starts_with('^') && members.len() > 1 {
        return Err((
            "begins with `^` between brackets, which excludes nothing here",
            "write `[!…]` to exclude, or put the `^` last to mean it",
        ));
    }
    glob.push_str(sign);
    let mut members = members.chars().peekable();
    while let Some(low) = members.next() {
        let mut ahead = members.clone();
        let high = (ahead.next() == Some('-')).then(|| ahead.next()).flatten();
        push_member(low, glob);
        if let Some(high) = high {
            glob.push('-');
            push_member(high, glob);
            if (low..=high).contains(&'/') {
                glob.push('/');
            }
            members = ahead;
        }
    }
    glob.push(']');
    Ok(())
}

/// Writes a member of brackets so that it stands for itself.
fn push_member(letter: char, glob: &mut String) {
    if matches!(letter, '[' | ']' | '\\' | '!' | '^' | '-') {
        glob.push('\\');
    }
    glob.push(letter);
}

/// Writes a letter outside of brackets so that it stands for itself.
fn push_outside(letter: char, glob: &mut String) {
    if matches!(letter, '{' | '}' | '[' | '\\') || letter == '!' && glob.is_empty() {
        glob.push('\\');
    }
    glob.push(letter);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, hits: &[&str], misses: &[&str]) {
        let glob = Glob::new(&translated(text).unwrap());
        for name in hits {
            assert!(glob.matches_name(name), "{text} {name} {glob:?}");
        }
        for name in misses {
            assert!(!glob.matches_name(name), "{text} {name} {glob:?}");
        }
    }

    #[test]
    fn a_star_is_any_run_and_a_question_mark_one_character() {
        check(
            "read*",
            &["read", "read_x", "read/a.b\nc"],
            &["xread", "Read"],
        );
        check("a**b", &["ab", "a/x/b"], &["abc"]);
        check("get_?", &["get_a", "get_/"], &["get_", "get_ab"]);
        check(
            "*.internal",
            &["x.internal", "/a/b.internal", ".internal"],
            &["internal"],
        );
    }

    #[test]
    fn brackets_are_one_of_what_they_hold() {
        check(
            "[gs]et-[a-c]",
            &["get-a", "set-c"],
            &["bet-a", "get-d", "gset-a"],
        );
        check("[!gs]et", &["bet", "/et"], &["get", "set", "et"]);
        check("[]a]x", &["]x", "ax"], &["[x"]);
        check("[!]a]x", &["bx"], &["]x", "ax"]);
        check("[a-]x", &["ax", "-x"], &["bx"]);
        check("[-a]x", &["ax", "-x"], &["bx"]);
        check("[a-c-e]x", &["bx", "-x", "ex"], &["dx"]);
        check("[+-9]x", &["/x", "5x", "+x"], &["ax"]);
        check("[!+-9]x", &["ax"], &["/x", "5x"]);
        check("[*]x", &["*x"], &["ax"]);
        check("[\\]x", &["\\x"], &["]x"]);
        check("[z-a]x", &[], &["ax", "zx"]);
        check("[é-ü]x", &["êx"], &["ex", "éêx"]);
    }

    #[test]
    fn a_plain_name_stays_as_it_is() {
        assert_eq!(translated("mcp__a-b^c]!").unwrap(), "mcp__a-b^c]!");
    }

    #[test]
    fn every_other_character_is_itself() {
        check("{a,b}*", &["{a,b}x"], &["a", "b"]);
        check("a\\*", &["a\\", "a\\x"], &["a*"]);
        check("!a", &["!a"], &["a", "b"]);
        check("a[b", &["a[b"], &["ab"]);
        check("a]-b", &["a]-b"], &["a-b"]);
        check("[", &["["], &["", "x"]);
        check("[]", &["[]"], &["]"]);
    }

    #[test]
    fn what_would_not_match_as_meant_is_refused() {
        for text in ["[^a]", "x[!^a]"] {
            assert!(translated(text).is_err(), "{text}");
        }
    }
}
