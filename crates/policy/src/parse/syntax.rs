//! What the YAML reader says, in words for people.

use granit_parser::{ErrorKind, ScanError};

use super::walker::Walker;
use crate::problem::ProblemCode;

/// Reports that the text is not well formed.
pub(super) fn report(walker: &mut Walker<'_>, error: &ScanError) {
    let text = walker.text;
    let at = error.marker().byte_offset().unwrap_or(text.len());
    let start = last_boundary(text, at.min(text.len()));
    let start = match is_about_a_tab(error.kind()) {
        true => nearest_tab(text, start).unwrap_or(start),
        false => start,
    };
    let length = text
        .get(start..)
        .and_then(|rest| rest.chars().next())
        .filter(|next| !matches!(next, '\n' | '\r'))
        .map_or(0, char::len_utf8);
    let (code, message, help) = words(error.kind());
    let message = message.map_or_else(|| error.kind().to_string(), str::to_owned);
    let problem = walker.error(code, &(start..start + length), message);
    if let Some(help) = help {
        problem.help(help);
    }
}

const fn is_about_a_tab(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabInIndentation
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabNotAllowed
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart
    )
}

/// Returns where the tab stands that the reader stopped at: it may have read the line
/// before to its end, or the blanks behind the tab.
fn nearest_tab(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?;
    let blanks = before.trim_end_matches([' ', '\t']).len();
    let passed = before.get(blanks..)?.find('\t').map(|it| blanks + it);
    passed.or_else(|| Some(at + text.get(at..)?.find('\t')?))
}

fn last_boundary(text: &str, at: usize) -> usize {
    (0..=at)
        .rev()
        .find(|it| text.is_char_boundary(*it))
        .unwrap_or(0)
}

type Words = (ProblemCode, Option<&'static str>, Option<&'static str>);

/// Returns the words for the causes that people meet; the reader has its own
/// for the rest.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the reader has words of its own for the rest"
)]
fn words(kind: &ErrorKind) -> Words {
    let syntax = |message, help| (ProblemCode::Syntax, Some(message), Some(help));
    match kind {
        tab if is_about_a_tab(tab) => {
            syntax("a tab stands where YAML wants blanks", "indent with blanks")
        }
        ErrorKind::UnclosedQuotedScalar => syntax(
            "a quoted text is not closed",
            "close it with the quote it began with",
        ),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofImplicitFlowMapping => syntax(
            "a bracket is not closed",
            "close each `[` with `]` and each `{` with `}`",
        ),
        ErrorKind::UnknownQuotedScalarEscape => syntax(
            "unknown escape in a double-quoted text",
            "put regular expressions into single quotes, in which a backslash stands for itself",
        ),
        ErrorKind::UnexpectedCharacter { character } if character.is_ascii_graphic() => syntax(
            "a text without quotes cannot begin with this character",
            "put the text into quotes",
        ),
        ErrorKind::UnexpectedCharacter { .. } => syntax(
            "this character cannot be written as itself",
            "write it as an escape between double quotes, such as `\"\\x7f\"`",
        ),
        ErrorKind::MappingValueNotAllowed => syntax(
            "a `:` stands where no key can",
            "put a text that holds `: ` into quotes, and check the indentation",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => syntax(
            "expected a key followed by `:`",
            "write `key: value`, and check the indentation",
        ),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidIndentation
        | ErrorKind::InvalidFlowScalarIndent => syntax(
            "this line does not fit the indentation of those before it",
            "align the keys of one mapping, and the dashes of one list",
        ),
        ErrorKind::InvalidQuotedScalarIndent => syntax(
            "a quoted text from above goes on into this line, which is not indented for it",
            "close the quoted text above, or indent this line",
        ),
        ErrorKind::MismatchedFlowCollectionEnd { .. } => syntax(
            "this bracket is closed by one of the other kind",
            "close each `[` with `]` and each `{` with `}`",
        ),
        ErrorKind::DirectiveDisallowed => (
            ProblemCode::UnsupportedYaml,
            Some("directives are not supported"),
            Some("leave the line out"),
        ),
        ErrorKind::RecursionLimitExceeded => {
            (ProblemCode::TooLarge, Some("nesting deeper than 64"), None)
        }
        _ => (ProblemCode::Syntax, None, None),
    }
}
