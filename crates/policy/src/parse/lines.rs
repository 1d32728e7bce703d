//! The lines of a text.

/// Where the lines of a text begin.
///
/// A line ends with a line feed, a carriage return, or both.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    /// Finds the lines of `text`.
    pub fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            let is_first_of_two =
                bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n');
            if !is_first_of_two {
                starts.push(at + 1);
            }
        }
        Self(starts)
    }

    /// Returns the line and the column of the byte `at`, both from 1, the
    /// column in characters.
    pub fn locate(&self, text: &str, at: usize) -> (u32, u32) {
        let line = self.0.partition_point(|start| *start <= at);
        let start = self.0.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = text.get(start..at).unwrap_or_default();
        // A byte order mark takes no column.
        let column = before.chars().filter(|it| *it != '\u{feff}').count() + 1;
        let clamp = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        (clamp(line), clamp(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, at: usize, expected: (u32, u32)) {
        assert_eq!(Lines::of(text).locate(text, at), expected);
    }

    #[test]
    fn a_line_ends_with_a_line_feed_a_carriage_return_or_both() {
        check("ab\ncd", 3, (2, 1));
        check("ab\r\ncd", 5, (2, 2));
        check("ab\rcd", 3, (2, 1));
        check("ab\n\ncd", 4, (3, 1));
    }

    #[test]
    fn columns_count_characters() {
        check("grün: 猫x", 10, (1, 8));
        check("\u{feff}a: b", 6, (1, 4));
    }
}
