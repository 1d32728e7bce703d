//! Several addresses in one, as curl writes them: `{a,b}`, `[1-3]`, `[a-z:2]`.

/// How many addresses one of them may stand for.
const EXPANDED_MAX: usize = 64;

/// Returns the addresses that `text` stands for, as far as their hosts differ;
/// nothing if these are too many, or it is not well formed.
pub(crate) fn expanded(text: &str) -> Option<Vec<String>> {
    let (scheme, rest) = text.split_at(text.find("://").map_or(0, |at| at + 3));
    let end = end_of_host(rest);
    let (host, path) = rest.split_at_checked(end)?;
    let mut found = vec![scheme.to_owned()];
    let mut rest = host;
    while let Some(start) = rest.find(['{', '[']) {
        let (before, group) = rest.split_at(start);
        let (choices, after) = choices(group)?;
        found = found
            .iter()
            .flat_map(|known| choices.iter().map(move |it| format!("{known}{before}{it}")))
            .take(EXPANDED_MAX + 1)
            .collect();
        if found.len() > EXPANDED_MAX {
            return None;
        }
        rest = after;
    }
    Some(
        found
            .iter()
            .map(|known| format!("{known}{rest}{path}"))
            .collect(),
    )
}

/// Returns where the path begins, behind all groups of the host.
fn end_of_host(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            '/' | '?' | '#' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// Returns what the group with which `text` begins stands for, and what follows it.
fn choices(text: &str) -> Option<(Vec<String>, &str)> {
    if let Some(inner) = text.strip_prefix('{') {
        let (list, after) = inner.split_once('}')?;
        return Some((list.split(',').map(str::to_owned).collect(), after));
    }
    let (range, after) = text.strip_prefix('[')?.split_once(']')?;
    // An address of version 6 is no range.
    if range.matches(':').count() > 1 {
        return Some((vec![format!("[{range}]")], after));
    }
    let (span, step) = range.split_once(':').unwrap_or((range, "1"));
    let (first, last) = span.split_once('-')?;
    let step: usize = step.parse().ok().filter(|step| *step > 0)?;
    let letters = |text: &str| {
        let mut letters = text.chars();
        let letter = letters.next().filter(char::is_ascii_alphabetic)?;
        letters.next().is_none().then_some(letter)
    };
    let texts: Vec<String> = match (letters(first), letters(last)) {
        (Some(first), Some(last)) => (first..=last).step_by(step).map(String::from).collect(),
        _ => {
            let (from, to): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
            let numbers = (from..=to).step_by(step).take(EXPANDED_MAX + 1);
            numbers
                .map(|number| format!("{number:0width$}", width = first.len()))
                .collect()
        }
    };
    Some((texts, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(expanded(text).unwrap_or_default(), expected, "{text}");
    }

    #[test]
    fn groups_of_the_host_are_expanded_and_others_are_not() {
        check("http://a.example/x", &["http://a.example/x"]);
        check(
            "http://{a,b.c}.example/{x,y}",
            &["http://a.example/{x,y}", "http://b.c.example/{x,y}"],
        );
        check(
            "10.0.0.[08-10]/",
            &["10.0.0.08/", "10.0.0.09/", "10.0.0.10/"],
        );
        check(
            "h[a-e:2].example",
            &["ha.example", "hc.example", "he.example"],
        );
        check("http://[::1]:80/[1-2]", &["http://[::1]:80/[1-2]"]);
    }

    #[test]
    fn what_is_too_much_or_no_group_is_not_guessed() {
        for text in [
            "http://[1-99]/",
            "http://{a",
            "http://[1-/",
            "http://[1-9:0]/",
        ] {
            assert_eq!(expanded(text), None, "{text}");
        }
    }
}
