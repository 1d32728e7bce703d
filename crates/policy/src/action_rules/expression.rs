//! Regular expressions, as the system means them that action rules come from.

use std::convert::Infallible;

use aegis_types::Verdict;
use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    AssertionKind, Ast, ClassSetBinaryOp, ClassSetItem, Flag, Flags, FlagsItemKind, GroupKind,
    Visitor, visit,
};

use crate::parse::{Node, Walker};
use crate::pattern::Pattern;
use crate::problem::ProblemCode;

/// Reads an expression of a rule with `verdict`.
///
/// There, `$` also stands before a line break at the very end. A rule that
/// restricts takes it so, lest a break evade it; one that allows does not.
pub(super) fn pattern<'a>(
    walker: &mut Walker<'a>,
    node: &Node<'a>,
    what: &str,
    verdict: Verdict,
) -> Option<Pattern> {
    let pattern = walker.regex(node, what)?;
    let found = parts(pattern.as_str());
    if found.has_sets {
        let message = format!("{what} has brackets or set operations between brackets");
        walker
            .error(ProblemCode::BadRegex, &node.span, message)
            .help("put a backslash before each `[`, `&`, `-` and `~` that is meant as itself");
        return None;
    }
    Some(match verdict {
        Verdict::Ask | Verdict::Deny if !found.is_multi_line => {
            Pattern::new(&with_last_break(pattern.as_str(), &found.ends))
        }
        Verdict::Allow | Verdict::Ask | Verdict::Deny => pattern,
    })
}

/// Writes each `$` such that it also stands before a line break at the very end.
fn with_last_break(text: &str, ends: &[usize]) -> String {
    let mut written = text.to_owned();
    for end in ends.iter().rev() {
        written.replace_range(*end..=*end, r"(?:\n?\z)");
    }
    written
}

/// What of an expression may mean something else in other systems.
#[derive(Default)]
struct Parts {
    /// Where a `$` stands, in order.
    ends: Vec<usize>,
    /// Whether `$` may stand before any line break already.
    is_multi_line: bool,
    /// Whether brackets hold brackets or set operations.
    has_sets: bool,
}

fn parts(text: &str) -> Parts {
    match Parser::new()
        .parse(text)
        .map(|ast| visit(&ast, Parts::default()))
    {
        Ok(Ok(parts)) => parts,
        // An expression that was read is well formed.
        Err(_) => Parts::default(),
    }
}

impl Parts {
    fn take_flags(&mut self, flags: &Flags) {
        let is_multi_line = FlagsItemKind::Flag(Flag::MultiLine);
        self.is_multi_line |= flags.items.iter().any(|item| item.kind == is_multi_line);
    }
}

impl Visitor for Parts {
    type Output = Self;
    type Err = Infallible;

    fn finish(self) -> Result<Self, Infallible> {
        Ok(self)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Infallible> {
        if let Ast::Assertion(assertion) = ast
            && assertion.kind == AssertionKind::EndLine
        {
            self.ends.push(assertion.span.start.offset);
        } else if let Ast::Flags(set) = ast {
            self.take_flags(&set.flags);
        } else if let Ast::Group(group) = ast
            && let GroupKind::NonCapturing(flags) = &group.kind
        {
            self.take_flags(flags);
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Infallible> {
        self.has_sets |= matches!(item, ClassSetItem::Bracketed(_) | ClassSetItem::Ascii(_));
        Ok(())
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ClassSetBinaryOp) -> Result<(), Infallible> {
        self.has_sets = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = parts(text);
        let written = match found.is_multi_line {
            true => text.to_owned(),
            false => with_last_break(text, &found.ends),
        };
        assert_eq!(written, expected, "{text}");
        assert!(Pattern::new(&written).is_match("").is_some(), "{text}");
    }

    #[test]
    fn an_end_stands_before_a_last_line_break_too() {
        check(r"\.env$", r"\.env(?:\n?\z)");
        check(r"^(a$|b)é$", r"^(a(?:\n?\z)|b)é(?:\n?\z)");
        check(r"[$]\$\z", r"[$]\$\z");
        check(r"(?m)a$", r"(?m)a$");
        check(r"(?im:a)$", r"(?im:a)$");
        let pattern = Pattern::new(&with_last_break("a$", &parts("a$").ends));
        for (text, holds) in [
            ("a", true),
            ("a\n", true),
            ("a\n\n", false),
            ("a\nb", false),
        ] {
            assert_eq!(pattern.is_match(text), Some(holds), "{text:?}");
        }
    }

    #[test]
    fn brackets_and_set_operations_between_brackets_are_found() {
        for text in ["[[a]]", "[[:alpha:]]", "[a&&b]", "[a--b]", "[a~~b]"] {
            assert!(parts(text).has_sets, "{text}");
        }
        for text in [r"[\[a\]]", "[a&b]", "[a-c]", "[-a]", "[$]"] {
            assert!(!parts(text).has_sets, "{text}");
        }
    }
}
