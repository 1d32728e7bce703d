//! Matches texts against the globs of the table.

/// Returns whether `text` matches `glob`, in which `*` stands for any letters,
/// `?` for one, and `[a-z]` for one of these.
pub(crate) fn matches(glob: &str, text: &str) -> bool {
    let (mut glob, mut text) = (glob.chars(), text.chars());
    let mut retry = None;
    loop {
        match glob.next() {
            Some('*') => {
                retry = Some((glob.clone(), text.clone()));
                continue;
            }
            Some(letter) => {
                if let Some(found) = text.next()
                    && matches_one(letter, &mut glob, found)
                {
                    continue;
                }
            }
            None if text.as_str().is_empty() => return true,
            None => {}
        }
        // What the last star stands for takes one letter more.
        let Some((after, mut from)) = retry.take() else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        glob = after.clone();
        text = from.clone();
        retry = Some((after, from));
    }
}

/// Returns whether `found` is `letter`, or what begins with it in `rest` stands for it.
fn matches_one(letter: char, rest: &mut std::str::Chars<'_>, found: char) -> bool {
    if letter != '[' {
        return letter == '?' || letter == found;
    }
    let Some((class, after)) = rest.as_str().split_once(']') else {
        return found == '[';
    };
    *rest = after.chars();
    let mut letters = class.chars();
    let mut is_in = false;
    while let Some(first) = letters.next() {
        let mut ahead = letters.clone();
        let last = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(last)) => {
                letters = ahead;
                last
            }
            _ => first,
        };
        is_in |= (first..=last).contains(&found);
    }
    is_in
}

/// Returns whether `path` matches `glob`, in which `**` stands for any folders
/// and `*` for letters of one name.
pub(crate) fn matches_path(glob: &str, path: &str) -> bool {
    if differs_plainly(glob, path) {
        return false;
    }
    let (mut glob, mut path) = (glob.split('/'), path.split('/'));
    let mut retry = None;
    loop {
        match glob.next() {
            Some("**") => {
                retry = Some((glob.clone(), path.clone()));
                continue;
            }
            Some(name) => {
                if path.next().is_some_and(|found| matches(name, found)) {
                    continue;
                }
            }
            None => {
                if path.clone().next().is_none() {
                    return true;
                }
            }
        }
        let Some((after, mut from)) = retry.take() else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        glob = after.clone();
        path = from.clone();
        retry = Some((after, from));
    }
}

/// Returns whether what stands before the first sign of `glob`, or behind the last one,
/// is not in `path`: most globs are refused by that alone.
fn differs_plainly(glob: &str, path: &str) -> bool {
    let first = glob.find(['*', '?', '[']).unwrap_or(glob.len());
    let start = glob.get(..first).and_then(|start| start.rsplit_once('/'));
    let last = glob.rfind(['*', '?', ']']).map_or(0, |last| last + 1);
    let end = glob.get(last..).unwrap_or_default();
    start.is_some_and(|(start, _)| !path.starts_with(start))
        || !path.ends_with(end.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (glob, text) in [
            ("a", "a"),
            ("*", ""),
            ("*", "a/b"),
            ("+*", "+main"),
            ("a*c*e", "abcde"),
            ("*ab", "aab"),
            ("a?c", "abc"),
            ("[eE]x[a-c]:*", "Exb:y"),
        ] {
            assert!(matches(glob, text), "{glob} {text}");
        }
        for (glob, text) in [
            ("a", "b"),
            ("+*", "main"),
            ("a*c", "ab"),
            ("?", ""),
            ("", "a"),
        ] {
            assert!(!matches(glob, text), "{glob} {text}");
        }
    }

    #[test]
    fn two_stars_stand_for_any_folders() {
        for (glob, path) in [
            ("/a/*", "/a/b"),
            ("**/.env", "/a/b/.env"),
            ("**/.env", ".env"),
            ("/a/**", "/a/b/c"),
            ("/a/**/c", "/a/c"),
            ("/**/b/*.x", "/q/b/b/z.x"),
        ] {
            assert!(matches_path(glob, path), "{glob} {path}");
        }
        for (glob, path) in [
            ("/a/*", "/a/b/c"),
            ("**/.env", "/a/.envrc"),
            ("/a", "/a/b"),
            ("/a/b", "/a"),
        ] {
            assert!(!matches_path(glob, path), "{glob} {path}");
        }
    }
}
