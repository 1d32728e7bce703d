//! The ways in which a tool may read what it is given as a path or a command.
//!
//! Some tools trim paths, some take URLs, some take lists. Which one does what
//! cannot be known, so every reading counts.

use aegis_shell::in_quotes;
use serde_json::Value;

use super::host::decode_percent;

/// How many lines of one text are taken for paths.
///
/// More than are looked at, so that a longer text is known to be cut.
const LINES_MAX: usize = 4_097;

/// Returns the paths that `text` may be read as; as it stands comes first.
pub(crate) fn path_forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned()];
    let mut add = |form: &str| {
        let form = from_home_variable(form);
        if !form.is_empty() && !forms.contains(&form) {
            forms.push(form);
        }
    };
    add(trimmed(text));
    let has_break = text.contains(['\n', '\r', '\0']);
    if has_break {
        for line in text.split(['\n', '\r', '\0']).take(LINES_MAX) {
            add(trimmed(line));
        }
    }
    if let Some(path) = of_file_url(trimmed(text)) {
        add(&path);
    }
    forms
}

/// Returns `text` without blanks, control characters and marks around it.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|character: char| {
        character.is_whitespace()
            || character.is_control()
            || matches!(character, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
    })
}

/// Returns `text` with `$HOME` at its start as `~`.
fn from_home_variable(text: &str) -> String {
    let rest = ["$HOME", "${HOME}"]
        .iter()
        .find_map(|start| text.strip_prefix(start))
        .filter(|rest| rest.is_empty() || rest.starts_with('/'));
    rest.map_or_else(|| text.to_owned(), |rest| format!("~{rest}"))
}

/// Returns the path of a URL with the scheme `file`.
fn of_file_url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    let path = match rest.strip_prefix("//") {
        // What stands before the next slash is a host.
        Some(after) => after.get(after.find('/')?..)?,
        None => rest,
    };
    let path = path.split(['?', '#']).next().unwrap_or(path);
    Some(decode_percent(path).unwrap_or_else(|| path.to_owned()))
}

/// Returns the command line that runs `words`, each as one word.
pub(crate) fn command_line(words: &[Value]) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|word| {
            let text = word
                .as_str()
                .map_or_else(|| word.to_string(), str::to_owned);
            in_quotes(&text)
        })
        .collect();
    quoted.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(path_forms(text), expected, "{text:?}");
    }

    #[test]
    fn a_plain_path_has_one_form() {
        check("/a/b c", &["/a/b c"]);
        check("a%20b", &["a%20b"]);
    }

    #[test]
    fn blanks_marks_and_ends_of_lines_are_read_with_and_without() {
        check(" /a ", &[" /a ", "/a"]);
        check("\u{feff}/a", &["\u{feff}/a", "/a"]);
        check("/a\n", &["/a\n", "/a"]);
        check("/a\0b", &["/a\0b", "/a", "b"]);
    }

    #[test]
    fn addresses_of_files_are_paths() {
        check("file:///a%2fb", &["file:///a%2fb", "/a/b"]);
        check("FILE://localhost/a", &["FILE://localhost/a", "/a"]);
        check("file:/a", &["file:/a", "/a"]);
        check("$HOME/a", &["$HOME/a", "~/a"]);
        check("$HOMER/a", &["$HOMER/a"]);
        check("profile:/a", &["profile:/a"]);
    }

    #[test]
    fn words_are_quoted() {
        let words = [Value::from("a b"), Value::from("it's"), Value::from(1)];
        assert_eq!(command_line(&words), r"'a b' 'it'\''s' '1'");
    }
}
