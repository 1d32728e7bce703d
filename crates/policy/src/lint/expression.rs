//! Regular expressions that say something else than they seem to.

use std::ops::Range;

use regex_syntax::ast::{self, AssertionKind, Ast, RepetitionKind};

use super::clause::{Clause, map, texts};
use super::{Change, Lint, LintCode};
use crate::parse::Node;
use crate::problem::quoted;
use crate::rule::Spelling;

/// Words of SQL, which knows no case.
const WORDS_OF_SQL: [&str; 9] = [
    "select", "insert", "update", "delete", "drop", "alter", "truncate", "grant", "create",
];

/// A regular expression, and where it is written.
struct Written<'n, 'a> {
    /// The parameter it is about.
    param: &'n str,
    pattern: &'n str,
    node: &'n Node<'a>,
}

/// Finds pitfalls in the expressions of a clause.
pub(super) fn check(lint: &mut Lint<'_>, clause: &Clause<'_, '_>) {
    for level in clause.levels() {
        let turns = level.is_negated;
        for written in expressions(level.params(), clause.spelling) {
            let Ok(ast) = ast::parse::Parser::new().parse(written.pattern) else {
                continue;
            };
            check_dots(lint, clause, &written, &ast, turns);
            check_ends(lint, &written, &ast);
            check_anchors(lint, clause, &written, &ast, turns);
            check_case(lint, clause, &written, turns);
        }
    }
}

fn expressions<'n, 'a>(
    params: &'n [crate::parse::Entry<'a>],
    spelling: Spelling,
) -> Vec<Written<'n, 'a>> {
    let mut found = Vec::new();
    for entry in params {
        let nodes = match spelling {
            Spelling::Native => super::clause::get(map(&entry.value), "regex"),
            Spelling::Firewall => Some(&entry.value),
            // They stand among the conditions.
            Spelling::ActionRules => None,
            // A rule is one text without an expression.
            Spelling::Permissions => None,
        };
        for (pattern, node) in nodes.map_or_else(Vec::new, texts) {
            found.push(Written {
                param: &entry.key,
                pattern,
                node,
            });
        }
    }
    found
}

fn turned(change: Change, turns: bool) -> Change {
    match (change, turns) {
        (Change::Widens, true) => Change::Narrows,
        (Change::Narrows, true) => Change::Widens,
        (change, _) => change,
    }
}

/// Finds dots between letters, as in the name of a host or a file.
fn check_dots(
    lint: &mut Lint<'_>,
    clause: &Clause<'_, '_>,
    written: &Written<'_, '_>,
    ast: &Ast,
    turns: bool,
) {
    let mut dots = Vec::new();
    add_dots(ast, &mut dots);
    let Some(first) = dots.first() else {
        return;
    };
    let first = lint
        .walker
        .within(written.node, written.pattern, first.clone());
    let start = written.node.span.start;
    let is_double = lint.walker.text.get(start..=start) == Some("\"");
    let escaped = if is_double { "[.]" } else { "\\." };
    let mut meant = written.pattern.to_owned();
    for dot in dots.iter().rev() {
        meant.replace_range(dot.clone(), escaped);
    }
    let is_safe = turned(Change::Narrows, turns).is_safe(clause, lint.policy);
    let change = lint.change(written.node, written.pattern, &meant, is_safe);
    let message = "this dot stands for any character";
    lint.find(LintCode::AnyCharacter, &first, message)
        .help("put a backslash before it if a dot is meant")
        .mend(change);
}

/// The depth of an expression is bounded by its parser.
fn add_dots(ast: &Ast, dots: &mut Vec<Range<usize>>) {
    match ast {
        Ast::Concat(concat) => {
            let parts = &concat.asts;
            for (place, part) in parts.iter().enumerate() {
                if let Ast::Dot(dot) = part {
                    let before = place.checked_sub(1).and_then(|it| parts.get(it));
                    let after: Vec<Option<char>> =
                        parts.iter().skip(place + 1).take(2).map(letter).collect();
                    if is_between(before, &after) {
                        dots.push(dot.start.offset..dot.end.offset);
                    }
                } else {
                    add_dots(part, dots);
                }
            }
        }
        Ast::Alternation(alternation) => {
            for part in &alternation.asts {
                add_dots(part, dots);
            }
        }
        Ast::Group(group) => add_dots(&group.ast, dots),
        Ast::Repetition(repetition) => {
            if !matches!(&*repetition.ast, Ast::Dot(_)) {
                add_dots(&repetition.ast, dots);
            }
        }
        Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_) => {}
    }
}

/// Returns whether a dot stands where names have one: before two letters, and
/// behind a letter, a slash or nothing.
fn is_between(before: Option<&Ast>, after: &[Option<char>]) -> bool {
    let is_letter = |it: &Option<char>| it.is_some_and(|it| it.is_ascii_alphabetic());
    let begins = match before {
        None | Some(Ast::Assertion(_) | Ast::Flags(_)) => true,
        Some(Ast::Group(_) | Ast::Repetition(_) | Ast::ClassBracketed(_)) => true,
        Some(other) => letter(other).is_some_and(|it| it.is_ascii_alphanumeric() || it == '/'),
    };
    begins && after.len() == 2 && after.iter().all(is_letter)
}

fn letter(ast: &Ast) -> Option<char> {
    match ast {
        Ast::Literal(literal) => Some(literal.c),
        Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_)
        | Ast::Repetition(_)
        | Ast::Group(_)
        | Ast::Alternation(_)
        | Ast::Concat(_) => None,
    }
}

/// Finds `.*` at an end: an expression is searched for anywhere.
fn check_ends(lint: &mut Lint<'_>, written: &Written<'_, '_>, ast: &Ast) {
    let Ast::Concat(concat) = ast else {
        return;
    };
    let parts: Vec<&Ast> = concat
        .asts
        .iter()
        .filter(|part| !matches!(part, Ast::Flags(_)))
        .collect();
    let idle = [parts.first(), parts.last()];
    let idle: Vec<Range<usize>> = idle
        .into_iter()
        .flatten()
        .filter(|part| is_anything(part))
        .map(|part| part.span().start.offset..part.span().end.offset)
        .collect();
    let Some(first) = idle.first().filter(|_| parts.len() > idle.len()) else {
        return;
    };
    let at = lint
        .walker
        .within(written.node, written.pattern, first.clone());
    let mut meant = written.pattern.to_owned();
    for range in idle.iter().rev() {
        meant.replace_range(range.clone(), "");
    }
    let change = lint.change(written.node, written.pattern, &meant, true);
    lint.find(LintCode::IdleEnd, &at, "this changes nothing")
        .help("an expression is searched for anywhere in the text")
        .mend(change);
}

fn is_anything(ast: &Ast) -> bool {
    let Ast::Repetition(repetition) = ast else {
        return false;
    };
    repetition.op.kind == RepetitionKind::ZeroOrMore && matches!(&*repetition.ast, Ast::Dot(_))
}

/// Finds an anchor that belongs to the first or the last alternative alone.
fn check_anchors(
    lint: &mut Lint<'_>,
    clause: &Clause<'_, '_>,
    written: &Written<'_, '_>,
    ast: &Ast,
    turns: bool,
) {
    let Ast::Alternation(alternation) = ast else {
        return;
    };
    let begins = |ast: &Ast| has_anchor(ast, true);
    let ends = |ast: &Ast| has_anchor(ast, false);
    let parts = &alternation.asts;
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return;
    };
    let is_start = begins(first) && !parts.iter().all(begins);
    let is_end = ends(last) && !parts.iter().all(ends);
    if !is_start && !is_end {
        return check_words(lint, written);
    }
    let inner = written.pattern;
    let inner = if is_start {
        inner.trim_start_matches('^')
    } else {
        inner
    };
    let inner = if is_end {
        inner.trim_end_matches('$')
    } else {
        inner
    };
    let meant = format!(
        "{}(?:{inner}){}",
        if is_start { "^" } else { "" },
        if is_end { "$" } else { "" }
    );
    let is_safe = turned(Change::Narrows, turns).is_safe(clause, lint.policy);
    let change = lint.change(written.node, written.pattern, &meant, is_safe);
    let message = match is_start {
        true => "`^` belongs to the first alternative only",
        false => "`$` belongs to the last alternative only",
    };
    lint.find(LintCode::LooseAlternative, &written.node.span, message)
        .help("put the alternatives into a group, or the anchor into each of them")
        .mend(change);
}

/// Finds `git push|pull`, where the last word is meant to stand behind the first.
fn check_words(lint: &mut Lint<'_>, written: &Written<'_, '_>) {
    let Some((first, rest)) = written.pattern.split_once('|') else {
        return;
    };
    let is_word = |it: &str| it.len() > 1 && it.bytes().all(|it| it.is_ascii_lowercase());
    let known = |it: &str| aegis_shell::program_names().any(|name| name == it);
    let mut words = first.trim_start_matches("(?i)").split([' ', '\\']);
    let is_command = words.next().is_some_and(known) && words.next().is_some();
    if written.param == "command" && is_command && is_word(rest) && !known(rest) {
        let message = format!(
            "this searches for {} or for {}",
            quoted(first),
            quoted(rest)
        );
        lint.find(LintCode::LooseAlternative, &written.node.span, message)
            .help("put the alternatives into a group: `git (push|pull)`");
    }
}

fn has_anchor(ast: &Ast, at_start: bool) -> bool {
    let parts = match ast {
        Ast::Concat(concat) => concat.asts.as_slice(),
        Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_)
        | Ast::Repetition(_)
        | Ast::Group(_)
        | Ast::Alternation(_) => std::slice::from_ref(ast),
    };
    let (edge, kinds) = match at_start {
        true => (
            parts.first(),
            [AssertionKind::StartLine, AssertionKind::StartText],
        ),
        false => (
            parts.last(),
            [AssertionKind::EndLine, AssertionKind::EndText],
        ),
    };
    matches!(edge, Some(Ast::Assertion(it)) if kinds.contains(&it.kind))
}

/// Finds words of SQL in one case only.
fn check_case(
    lint: &mut Lint<'_>,
    clause: &Clause<'_, '_>,
    written: &Written<'_, '_>,
    turns: bool,
) {
    let is_query = ["query", "sql", "statement"].contains(&written.param);
    let pattern = written.pattern;
    if !is_query || pattern.contains("(?i") || pattern.contains('[') {
        return;
    }
    let words = pattern.split(|it: char| !it.is_ascii_alphabetic());
    let known = |word: &&str| {
        let lower = word.to_ascii_lowercase();
        let is_one_case = **word == *lower || **word == *word.to_ascii_uppercase();
        is_one_case && WORDS_OF_SQL.contains(&lower.as_str())
    };
    let Some(word) = words.into_iter().find(known) else {
        return;
    };
    let is_safe = turned(Change::Widens, turns).is_safe(clause, lint.policy);
    let change = lint.change(written.node, pattern, &format!("(?i){pattern}"), is_safe);
    let message = format!(
        "{} is found in this case only, and SQL knows none",
        quoted(word)
    );
    lint.find(LintCode::OneCase, &written.node.span, message)
        .help("`(?i)` ignores case")
        .mend(change);
}
