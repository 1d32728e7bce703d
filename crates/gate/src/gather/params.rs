//! Paths and addresses among the parameters of a tool that is not known.

use serde_json::Value;

/// How deep parameters are looked into.
const DEPTH_MAX: usize = 16;

/// How many paths and addresses are taken from one request.
const FOUND_MAX: usize = 256;

/// A text among parameters, and what its name says it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Param {
    /// A path.
    Path(String),
    /// A URL.
    Url(String),
}

/// The ends of names that say a parameter holds a path.
const PATH_NAMES: [&str; 14] = [
    "path",
    "paths",
    "file",
    "files",
    "filename",
    "filepath",
    "dir",
    "directory",
    "folder",
    "destination",
    "source",
    "cwd",
    "root",
    "target",
];

/// Returns the paths and addresses that `params` hold, told by their names and forms.
pub(crate) fn told_by_name(params: &Value) -> Vec<Param> {
    let mut found = Vec::new();
    search(params, "", 0, &mut found);
    found
}

fn search(value: &Value, name: &str, depth: usize, found: &mut Vec<Param>) {
    if depth > DEPTH_MAX || found.len() >= FOUND_MAX {
        return;
    }
    match value {
        Value::String(text) => found.extend(param(name, text)),
        Value::Array(items) => {
            for item in items {
                search(item, name, depth + 1, found);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                search(item, key, depth + 1, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn param(name: &str, text: &str) -> Option<Param> {
    if text.is_empty() || text.len() > 4_096 || text.contains(['\n', '\0']) {
        return None;
    }
    if let Some(path) = text.strip_prefix("file://") {
        return Some(Param::Path(path.to_owned()));
    }
    if super::host::of_url(text).is_some() {
        return Some(Param::Url(text.to_owned()));
    }
    let starts_like_one = ["/", "~/", "./", "../"]
        .iter()
        .any(|start| text.starts_with(start));
    (is_path_name(name) || starts_like_one).then(|| Param::Path(text.to_owned()))
}

/// Returns whether the last word of a name such as `oldPath` or `file_path` means a path.
fn is_path_name(name: &str) -> bool {
    let start = name
        .char_indices()
        .rev()
        .find_map(|(at, character)| match character {
            '_' | '-' | '.' => Some(at + 1),
            upper if upper.is_ascii_uppercase() => Some(at),
            _ => None,
        })
        .unwrap_or(0);
    let last = name.get(start..).unwrap_or(name).to_ascii_lowercase();
    PATH_NAMES.contains(&last.as_str()) || PATH_NAMES.contains(&name.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_told_by_the_names_of_parameters_and_by_their_beginning() {
        let path = |text: &str| Param::Path(text.to_owned());
        let params = json!({
            "file_path": "a.txt",
            "newPath": "b.txt",
            "edits": [{"file": "c.txt", "text": "hello"}],
            "note": "~/d.txt",
            "count": 3,
            "title": "not a path"
        });
        assert_eq!(
            told_by_name(&params),
            [path("c.txt"), path("a.txt"), path("b.txt"), path("~/d.txt")]
        );
    }

    #[test]
    fn addresses_are_told_by_their_scheme() {
        let params = json!({"where": "https://example.org/x", "text": "see https: maybe"});
        assert_eq!(
            told_by_name(&params),
            [Param::Url("https://example.org/x".to_owned())]
        );
    }
}
