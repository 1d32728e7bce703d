//! The difference of two texts, by lines.

use std::fmt::Write as _;

/// How many unchanged lines are shown around a change.
const CONTEXT_LINES: usize = 3;

/// The largest table of line pairs that is compared one by one.
const CELLS_MAX: usize = 4_000_000;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    Came(&'a str),
}

/// Returns what leads from `before` to `after`, in the unified form; empty when nothing does.
#[must_use]
pub fn difference(before: &str, after: &str) -> String {
    let lines = compare(&split(before), &split(after));
    let mut text = String::new();
    let mut index = 0;
    while let Some(found) = next_change(&lines, index) {
        let start = found.saturating_sub(CONTEXT_LINES).max(index);
        let mut end = found;
        while let Some(next) = next_change(&lines, end) {
            if next > end + 2 * CONTEXT_LINES {
                break;
            }
            end = next + 1;
        }
        let end = (end + CONTEXT_LINES).min(lines.len());
        write_hunk(&mut text, &lines, start, end);
        index = end;
    }
    text
}

fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn next_change(lines: &[Line<'_>], from: usize) -> Option<usize> {
    lines
        .iter()
        .skip(from)
        .position(|line| !matches!(line, Line::Same(_)))
        .map(|found| from + found)
}

fn write_hunk(text: &mut String, lines: &[Line<'_>], start: usize, end: usize) {
    let count = |range: std::ops::Range<usize>, in_before: bool| {
        lines
            .get(range)
            .unwrap_or_default()
            .iter()
            .filter(|line| match line {
                Line::Same(_) => true,
                Line::Gone(_) => in_before,
                Line::Came(_) => !in_before,
            })
            .count()
    };
    // A `String` takes every write.
    let _ = writeln!(
        text,
        "@@ -{},{} +{},{} @@",
        1 + count(0..start, true),
        count(start..end, true),
        1 + count(0..start, false),
        count(start..end, false),
    );
    for line in lines.get(start..end).unwrap_or_default() {
        let (mark, line) = match line {
            Line::Same(line) => (' ', line),
            Line::Gone(line) => ('-', line),
            Line::Came(line) => ('+', line),
        };
        text.push(mark);
        text.push_str(line.trim_end_matches(['\r', '\n']));
        text.push('\n');
    }
}

fn compare<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<Line<'a>> {
    let head = before
        .iter()
        .zip(after)
        .take_while(|(one, other)| one == other)
        .count();
    let (same_head, before) = before.split_at(head);
    let (_, after) = after.split_at(head);
    let tail = before
        .iter()
        .rev()
        .zip(after.iter().rev())
        .take_while(|(one, other)| one == other)
        .count();
    let (before, same_tail) = before.split_at(before.len() - tail);
    let (after, _) = after.split_at(after.len() - tail);
    let mut lines: Vec<Line<'_>> = same_head.iter().map(|line| Line::Same(line)).collect();
    middle(&mut lines, before, after);
    lines.extend(same_tail.iter().map(|line| Line::Same(line)));
    lines
}

/// Compares what differs at both ends by the longest common subsequence.
fn middle<'a>(lines: &mut Vec<Line<'a>>, before: &[&'a str], after: &[&'a str]) {
    if before.len().saturating_mul(after.len()) > CELLS_MAX {
        lines.extend(before.iter().map(|line| Line::Gone(line)));
        lines.extend(after.iter().map(|line| Line::Came(line)));
        return;
    }
    let width = after.len() + 1;
    let mut lengths = vec![0_u32; (before.len() + 1) * width];
    let at = |lengths: &[u32], row: usize, column: usize| {
        lengths.get(row * width + column).copied().unwrap_or(0)
    };
    for (row, one) in before.iter().enumerate().rev() {
        for (column, other) in after.iter().enumerate().rev() {
            let length = if one == other {
                at(&lengths, row + 1, column + 1) + 1
            } else {
                at(&lengths, row + 1, column).max(at(&lengths, row, column + 1))
            };
            if let Some(cell) = lengths.get_mut(row * width + column) {
                *cell = length;
            }
        }
    }
    let (mut row, mut column) = (0, 0);
    loop {
        match (before.get(row), after.get(column)) {
            (Some(one), Some(other)) if one == other => {
                lines.push(Line::Same(one));
                row += 1;
                column += 1;
            }
            (Some(one), other)
                if other.is_none()
                    || at(&lengths, row + 1, column) >= at(&lengths, row, column + 1) =>
            {
                lines.push(Line::Gone(one));
                row += 1;
            }
            (_, Some(other)) => {
                lines.push(Line::Came(other));
                column += 1;
            }
            (_, None) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), "");
        assert_eq!(difference("", ""), "");
    }

    #[test]
    fn changes_are_shown_with_the_lines_around_them() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n";
        let after = "1\n2\nx\n4\n5\n6\n7\n8\n9\n10\n11\n12\ny\n13\n14\n";
        let expected = "@@ -1,6 +1,6 @@\n 1\n 2\n-3\n+x\n 4\n 5\n 6\n\
                        @@ -10,5 +10,6 @@\n 10\n 11\n 12\n+y\n 13\n 14\n";
        assert_eq!(difference(before, after), expected);
    }

    #[test]
    fn a_new_text_is_all_additions() {
        assert_eq!(difference("", "a\nb"), "@@ -1,0 +1,2 @@\n+a\n+b\n");
    }
}
