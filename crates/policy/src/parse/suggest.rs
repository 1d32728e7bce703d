//! What was probably meant.

/// Returns the candidate nearest to `word`, if one is near enough.
#[must_use]
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase().replace('-', "_");
    let letters: Vec<char> = word.chars().take(LETTERS_MAX + 1).collect();
    if letters.is_empty() || letters.len() > LETTERS_MAX {
        return None;
    }
    let allowed = (letters.len() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|it| (distance(&letters, it), it))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, it)| it)
}

/// Beyond this many letters nothing is suggested.
const LETTERS_MAX: usize = 40;

/// Returns how many letters must be put in, taken out, replaced or swapped
/// with their neighbour to make `right` of `left`.
fn distance(left: &[char], right: &str) -> usize {
    let fold = |it: char| {
        if it == '-' {
            '_'
        } else {
            it.to_ascii_lowercase()
        }
    };
    let right: Vec<char> = right.chars().map(fold).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    for (row, from) in left.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, to) in right.iter().enumerate() {
            let replaced = at(&last, column) + usize::from(from != to);
            let cheapest = replaced
                .min(at(&last, column + 1) + 1)
                .min(at(&next, column) + 1);
            let is_swap = row > 0
                && column > 0
                && left.get(row - 1) == Some(to)
                && right.get(column - 1) == Some(from);
            let swapped = if is_swap {
                at(&before, column - 1) + 1
            } else {
                cheapest
            };
            next.push(cheapest.min(swapped));
        }
        before = std::mem::replace(&mut last, next);
    }
    at(&last, right.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expected: Option<&str>) {
        assert_eq!(
            nearest(word, ["verdict", "message", "id", "match"]),
            expected
        );
    }

    #[test]
    fn a_slip_is_recognised() {
        check("verdct", Some("verdict"));
        check("mesage", Some("message"));
        check("mtach", Some("match"));
        check("Match", Some("match"));
        check("di", Some("id"));
    }

    #[test]
    fn another_word_is_not() {
        check("priority", None);
        check("", None);
        check(&"x".repeat(1000), None);
    }
}
