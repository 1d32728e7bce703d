//! Globs and regular expressions, checked.

use std::ops::Range;

use fast_glob::ErrorKind as GlobFault;
use regex_syntax::ast::ErrorKind as Fault;
use regex_syntax::hir::{Class, Hir, HirKind};
use regex_syntax::utf8::Utf8Sequences;

use super::node::{Node, NodeValue};
use super::walker::Walker;
use crate::pattern::{Glob, Pattern};
use crate::problem::{ProblemCode, quoted};

/// The greatest length of a pattern in bytes.
const PATTERN_BYTES_MAX: usize = 8_192;
/// How many expressions of one source may be so large that they are compiled
/// to be checked, which takes up to a tenth of a second each.
const COMPILED_MAX: usize = 16;

impl<'a> Walker<'a> {
    /// Reads a glob.
    pub fn glob(&mut self, node: &Node<'a>, what: &str) -> Option<Glob> {
        let text = self.some_text(node, what)?;
        self.check_glob(node, what, text)
    }

    /// Checks a glob that `node` says.
    pub fn check_glob(&mut self, node: &Node<'a>, what: &str, text: &str) -> Option<Glob> {
        let (message, help) = match glob_fault(text) {
            None => return Some(Glob(text.into())),
            Some(fault) => fault,
        };
        let message = format!("{what} {message}");
        let problem = self.error(ProblemCode::BadGlob, &node.span, message);
        problem.help(help);
        if text.starts_with('!') && !text.starts_with("!(") {
            problem.help("write what must not match under `not:`");
        }
        None
    }

    /// Reads a regular expression.
    pub fn regex(&mut self, node: &Node<'a>, what: &str) -> Option<Pattern> {
        let text = self.some_text(node, what)?;
        if text.len() > PATTERN_BYTES_MAX {
            let message = format!("{what} is longer than {PATTERN_BYTES_MAX} bytes");
            self.error(ProblemCode::TooLarge, &node.span, message);
            return None;
        }
        match regex_syntax::Parser::new().parse(text) {
            Ok(hir) if is_surely_small(&hir) => return Some(Pattern::new(text)),
            Ok(_) => return self.doubtful_regex(node, what, text),
            Err(regex_syntax::Error::Parse(fault)) => {
                let span = fault.span();
                let span = self.within(node, text, span.start.offset..span.end.offset);
                let (message, help) = syntax_words(fault.kind());
                self.error(ProblemCode::BadRegex, &span, format!("{what}: {message}"))
                    .help(help);
            }
            Err(regex_syntax::Error::Translate(fault)) => {
                let span = fault.span();
                let span = self.within(node, text, span.start.offset..span.end.offset);
                let message = format!("{what}: {}", fault.kind());
                self.error(ProblemCode::BadRegex, &span, message);
            }
            Err(other) => {
                let message = format!("{what} is no regular expression: {other}");
                self.error(ProblemCode::BadRegex, &node.span, message);
            }
        }
        None
    }

    /// Compiles an expression whose size is in doubt.
    fn doubtful_regex(&mut self, node: &Node<'a>, what: &str, text: &str) -> Option<Pattern> {
        self.compiled += 1;
        if self.compiled > COMPILED_MAX {
            let message = format!("{what} is one of more than {COMPILED_MAX} very large ones");
            self.error(ProblemCode::TooLarge, &node.span, message)
                .help("make the numbers in `{…}` smaller");
            return None;
        }
        if regex::Regex::new(text).is_ok() {
            return Some(Pattern::new(text));
        }
        let message = format!("{what} is too large once its repetitions are counted out");
        self.error(ProblemCode::TooLarge, &node.span, message)
            .help("make the numbers in `{…}` smaller");
        None
    }

    /// Returns the bytes of the source where a part of a text stands; those of
    /// the whole text when escapes or folded lines stand between.
    pub fn within(&self, node: &Node<'_>, text: &str, part: Range<usize>) -> Range<usize> {
        let NodeValue::Scalar { is_plain, .. } = &node.value else {
            return node.span.clone();
        };
        let quote = usize::from(!is_plain);
        let start = node.span.start + quote;
        match self.text.get(start..start + text.len()) {
            Some(written) if written == text => start + part.start..start + part.end,
            _ => node.span.clone(),
        }
    }
}

/// Returns what is wrong with a glob, and what to do about it.
fn glob_fault(text: &str) -> Option<(String, &'static str)> {
    if text.len() > PATTERN_BYTES_MAX {
        return Some((
            format!("is longer than {PATTERN_BYTES_MAX} bytes"),
            "make it shorter",
        ));
    }
    if text.starts_with('!') {
        let message = "begins with `!`, which would turn it round".to_owned();
        return Some((
            message,
            "put a backslash before the `!` if it is meant as itself",
        ));
    }
    if let Err(fault) = fast_glob::validate(text) {
        let part = quoted(text);
        return Some(match fault.kind {
            GlobFault::UnclosedBrace => (
                format!("{part} has a `{{` that is not closed"),
                "close it, or put a backslash before it",
            ),
            GlobFault::UnclosedBracket => (
                format!("{part} has a `[` that is not closed"),
                "close it, or put a backslash before it",
            ),
            GlobFault::TrailingBackslash => (
                format!("{part} ends with a backslash"),
                "write `\\\\` for a backslash",
            ),
            GlobFault::BraceNestingTooDeep | GlobFault::TooManyBraceGroups => (
                format!("{part} has more than 10 groups in braces"),
                "write a list of globs instead",
            ),
            _ => (
                format!("{part} is no glob"),
                "see the reference of the policy format",
            ),
        });
    }
    let is_whole_step = |step: &str| step == "**" || !step.contains("**");
    if !text.split('/').all(is_whole_step) {
        let message = format!("{} has a `**` beside other characters", quoted(text));
        return Some((
            message,
            "`**` stands alone between `/`; elsewhere write `*`",
        ));
    }
    None
}

/// Returns what is wrong with a regular expression, and what to do about it.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser of expressions has words of its own for the rest"
)]
fn syntax_words(fault: &Fault) -> (String, &'static str) {
    match fault {
        Fault::UnsupportedLookAround => (
            "look-around is not supported".to_owned(),
            "expressions are matched in linear time; say the rest with a second rule, `any:`, `all:` or `not:`",
        ),
        Fault::UnsupportedBackreference => (
            "backreferences are not supported".to_owned(),
            "expressions are matched in linear time; write the repeated part out",
        ),
        Fault::EscapeUnrecognized => (
            "this escape is not known".to_owned(),
            "a backslash stands before a character with a meaning of its own; in double quotes YAML wants two",
        ),
        Fault::GroupUnclosed => (
            "this `(` is not closed".to_owned(),
            "close it, or put a backslash before it",
        ),
        Fault::GroupUnopened => (
            "this `)` closes nothing".to_owned(),
            "put a backslash before it if it is meant as itself",
        ),
        Fault::ClassUnclosed => (
            "this `[` is not closed".to_owned(),
            "close it, or put a backslash before it",
        ),
        Fault::RepetitionMissing => (
            "there is nothing to repeat before this".to_owned(),
            "a glob such as `*.env` is no expression: write `\\.env$`",
        ),
        Fault::NestLimitExceeded(_) => (
            "it is nested too deeply".to_owned(),
            "make it simpler, or two rules",
        ),
        other => (
            other.to_string(),
            "the syntax is that of the `regex` crate of Rust",
        ),
    }
}

/// Returns whether the expression surely stays below the size at which
/// compiling it fails.
///
/// Compiling every expression of a large policy would cost more than all other
/// checks together, so only those are compiled that this estimate, which never
/// says too little, leaves in doubt.
fn is_surely_small(hir: &Hir) -> bool {
    /// A compiled state is smaller than this many bytes.
    const STATE_BYTES: u64 = 64;
    /// The compiler gives up at ten mebibytes.
    const BYTES_MAX: u64 = 8 << 20;
    states(hir) < BYTES_MAX / STATE_BYTES
}

/// Returns at least as many states as the compiled expression has.
///
/// The depth of an expression is bounded by its parser.
fn states(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64 + 1,
        HirKind::Class(Class::Bytes(class)) => class.ranges().len() as u64 + 2,
        HirKind::Class(Class::Unicode(class)) => class
            .iter()
            .map(|range| match range.end().is_ascii() {
                true => 1,
                false => Utf8Sequences::new(range.start(), range.end())
                    .map(|sequence| sequence.len() as u64)
                    .sum(),
            })
            .fold(2, u64::saturating_add),
        HirKind::Capture(capture) => states(&capture.sub).saturating_add(2),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(repetition.min);
            let once = states(&repetition.sub).saturating_add(2);
            once.saturating_mul(u64::from(times).max(1) + 1)
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(states).fold(2, u64::saturating_add)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether the estimate alone accepts the expression, and whether
    /// it compiles.
    fn check(pattern: &str) -> (bool, bool) {
        let hir = regex_syntax::Parser::new().parse(pattern).unwrap();
        (is_surely_small(&hir), regex::Regex::new(pattern).is_ok())
    }

    #[test]
    fn what_the_estimate_accepts_compiles() {
        for pattern in [
            r"(?i)(rm -rf|rmdir /s|del /f /s)",
            r"git push.*(--force|-f)",
            r"\w{1,3}[\p{L}\d]+",
            r"[a-z]{1000}",
            r"(?:a|b|[^x]){20}",
        ] {
            assert!(check(pattern).1, "{pattern}");
        }
        assert_eq!(check(r"(?i)drop table"), (true, true));
    }

    #[test]
    fn the_estimate_never_accepts_what_does_not_compile() {
        for pattern in [
            r"(a{1000}){1000}",
            r"\w{1000}",
            r"\pL{500}",
            r"(?i)[\p{L}\p{N}]{300}",
            r"((a{100}){100}){100}",
            r"(.{500}){50}",
            r"(\d{1,200}){1,200}",
        ] {
            let (is_small, compiles) = check(pattern);
            assert!(!is_small || compiles, "{pattern}");
        }
        assert_eq!(check(r"(a{1000}){1000}"), (false, false));
    }

    #[test]
    fn a_glob_that_would_not_match_as_written_is_refused() {
        for text in ["a{b", "[a", "a\\", "!a", "~/.ssh**", "**.env"] {
            assert!(glob_fault(text).is_some(), "{text}");
        }
        for text in ["mcp__*", "**/.env", "{a,b}*", "~/.ssh/**", "[!a]b", "**"] {
            assert!(glob_fault(text).is_none(), "{text}");
        }
    }
}
