//! A command line with the words marked that decide.

use aegis_redact::push_visible;
use aegis_types::Span;
use unicode_width::UnicodeWidthStr;

use crate::page::{Page, TEXT_CHARS_MAX, Tone, piece};

/// How many lines of a command line are shown.
const LINES_MAX: usize = 40;

/// How many columns a line and its marks have at most.
const COLUMNS_MAX: usize = TEXT_CHARS_MAX - 100;

/// One line of a text, and the marks that stand below it.
#[derive(Debug, Eq, PartialEq)]
struct Marked {
    shown: String,
    marks: String,
}

/// Adds `text` after the `label`, its `words` marked in the line below.
///
/// Each line of the text stands on a line of its own, below the first.
pub(crate) fn show(page: &mut Page, label: &str, text: &str, words: &[Span], tone: Tone) {
    let lines = marked(text, words);
    let indent = " ".repeat(label.width() + 2);
    for (number, line) in lines.iter().take(LINES_MAX).enumerate() {
        let before = if number == 0 {
            piece(Tone::Strong, format!("{label}  "))
        } else {
            piece(Tone::Plain, &indent)
        };
        page.line(&[before, piece(Tone::Plain, &line.shown)]);
        if !line.marks.is_empty() {
            page.line(&[piece(tone, format!("{indent}{}", line.marks))]);
        }
    }
    let left = lines.len().saturating_sub(LINES_MAX);
    if left > 0 {
        let text = format!("{indent}… (+{left} lines)");
        page.line(&[piece(Tone::Quiet, text)]);
    }
}

fn marked(text: &str, words: &[Span]) -> Vec<Marked> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        lines.push(marked_line(line, start, words));
        start += line.len() + 1;
    }
    // A line end at the very end begins no line.
    if lines.len() > 1 && text.ends_with('\n') {
        lines.pop();
    }
    lines
}

fn marked_line(line: &str, start: usize, words: &[Span]) -> Marked {
    let mut shown = String::new();
    let mut marks = String::new();
    let mut columns = 0;
    for (offset, character) in line.char_indices() {
        if columns >= COLUMNS_MAX {
            shown.push('…');
            break;
        }
        let known = shown.len();
        push_visible(&mut shown, character);
        let width = shown.get(known..).unwrap_or_default().width();
        let mark = if is_within(start + offset, words) {
            "^"
        } else {
            " "
        };
        marks.push_str(&mark.repeat(width));
        columns += width;
    }
    marks.truncate(marks.trim_end().len());
    Marked { shown, marks }
}

fn is_within(place: usize, words: &[Span]) -> bool {
    u32::try_from(place)
        .is_ok_and(|place| words.iter().any(|it| it.start <= place && place < it.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, words: &[(u32, u32)], expected: &[(&str, &str)]) {
        let words: Vec<Span> = words
            .iter()
            .map(|(start, end)| Span {
                start: *start,
                end: *end,
            })
            .collect();
        let found: Vec<(String, String)> = marked(text, &words)
            .into_iter()
            .map(|line| (line.shown, line.marks))
            .collect();
        let expected: Vec<(String, String)> = expected
            .iter()
            .map(|(shown, marks)| ((*shown).to_owned(), (*marks).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn words_are_marked_below_themselves() {
        check("ls; rm x", &[(4, 8)], &[("ls; rm x", "    ^^^^")]);
        check("ls", &[], &[("ls", "")]);
    }

    #[test]
    fn each_line_has_its_own_marks() {
        let lines = [("ls", ""), ("rm \\", "^^^^"), ("  x", "^^^")];
        check("ls\nrm \\\n  x\n", &[(3, 11)], &lines);
    }

    #[test]
    fn marks_stand_below_wide_and_hidden_characters_as_they_are_shown() {
        check("日 x", &[(0, 3)], &[("日 x", "^^")]);
        check("日 x", &[(4, 5)], &[("日 x", "   ^")]);
        check("a\u{301} x", &[(4, 5)], &[("a\u{301} x", "  ^")]);
        check("\u{202e}x y", &[(0, 4)], &[("\\u{202e}x y", "^^^^^^^^^")]);
        check("a\tb", &[(2, 3)], &[("a\\tb", "   ^")]);
    }

    #[test]
    fn a_span_beyond_the_text_marks_nothing() {
        check("ls", &[(7, 9)], &[("ls", "")]);
    }
}
