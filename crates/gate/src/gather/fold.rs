//! Names that some file systems take for one: whatever their case, and with
//! characters that are not seen.

use std::ffi::OsStr;
use std::path::Path;

/// Returns whether two paths without `..` may be one path where names are
/// compared in such a way.
pub(crate) fn is_alike(one: &Path, other: &Path) -> bool {
    let mut others = other.components();
    let are_alike = one.components().all(|step| {
        let other = others.next();
        other.is_some_and(|other| is_alike_name(step.as_os_str(), other.as_os_str()))
    });
    are_alike && others.next().is_none()
}

/// Returns what follows `folder` in `path`, where names are compared in such a
/// way; `None` if it does not lie there.
pub(crate) fn rest_below<'p>(path: &'p Path, folder: &Path) -> Option<&'p Path> {
    let mut steps = path.components();
    for wanted in folder.components() {
        let step = steps.next()?;
        if !is_alike_name(step.as_os_str(), wanted.as_os_str()) {
            return None;
        }
    }
    Some(steps.as_path())
}

fn is_alike_name(one: &OsStr, other: &OsStr) -> bool {
    if one.eq_ignore_ascii_case(other) {
        return true;
    }
    if one.is_ascii() && other.is_ascii() {
        return false;
    }
    match (one.to_str(), other.to_str()) {
        (Some(one), Some(other)) => folded(one).eq(folded(other)),
        (Some(_) | None, None) | (None, Some(_)) => false,
    }
}

/// Returns the characters of a name without what makes no difference: some
/// letters only meet in upper case (`ſ` and `s`), so it goes by that.
fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars()
        .filter(|character| !is_unseen(*character))
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
}

/// Returns whether a character makes no difference in names on HFS+.
const fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_alike_whatever_their_case_and_what_is_not_seen() {
        let alike = |one: &str, other: &str| is_alike(Path::new(one), Path::new(other));
        assert!(alike(".claude/Settings.JSON", ".CLAUDE/settings.json"));
        assert!(alike(".aegi\u{17f}", ".AEGIS"));
        assert!(alike(".a\u{200d}egis", ".aegis"));
        assert!(alike("\u{212a}eys", "keys"));
        assert!(!alike(".aegis", ".aegis/x"));
        assert!(!alike(".aegis/x", ".aegis"));
        assert!(!alike("ägis", "aegis"));
        let rest = rest_below(Path::new(".AEGIS/a/b"), Path::new(".aegis"));
        assert_eq!(rest, Some(Path::new("a/b")));
        assert_eq!(rest_below(Path::new("x/a"), Path::new(".aegis")), None);
    }
}
