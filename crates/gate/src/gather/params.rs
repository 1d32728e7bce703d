//! Paths, addresses and command lines among the parameters of a tool that is
//! not known, or that is not given what it usually is.

use aegis_canon::is_tagged;
use serde_json::{Map, Value};

use super::spelling::{command_line, path_forms};
use super::tagged;

/// How deep parameters are looked into.
const DEPTH_MAX: usize = 100;

/// How many paths and addresses are taken from one request.
const FOUND_MAX: usize = 4_096;

/// How many command lines are.
const LINES_MAX: usize = 64;

/// The longest text that is taken for a path if its name says that it is one.
const PATH_BYTES_MAX: usize = 64 * 1024;

/// What parameters hold.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Told {
    /// Paths, in every form in which a tool may read them.
    pub(crate) paths: Vec<Path>,
    /// URLs.
    pub(crate) urls: Vec<String>,
    /// Texts that may be for a shell.
    pub(crate) lines: Vec<String>,
    /// Whether there is more than was looked at.
    pub(crate) is_cut: bool,
}

/// A path among parameters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Path {
    /// The path.
    pub(crate) text: String,
    /// Whether its name says that it is where something goes.
    pub(crate) is_destination: bool,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sought {
    /// Every text may be a path, whatever its name.
    pub(crate) any_path: bool,
    /// Every text may be a command line, whatever its name.
    pub(crate) any_line: bool,
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

/// Words in names that say something goes there.
const DESTINATIONS: [&str; 10] = [
    "destination",
    "dest",
    "target",
    "output",
    "out",
    "to",
    "save",
    "write",
    "new",
    "into",
];

/// The ends of names that say a parameter may be a command line.
const LINE_NAMES: [&str; 12] = [
    "command",
    "commands",
    "cmd",
    "cmds",
    "script",
    "code",
    "argv",
    "program",
    "executable",
    "commandline",
    "exec",
    "shell",
];

/// Names of what follows a program that stands alone.
const ARGUMENT_NAMES: [&str; 4] = ["args", "arguments", "argv", "parameters"];

/// Names of the directory in which a command runs.
const FOLDER_NAMES: [&str; 7] = [
    "cwd",
    "workdir",
    "working_directory",
    "workingdirectory",
    "working_dir",
    "workingdir",
    "directory",
];

/// Returns what `params` hold, told by names and forms, and by what is `sought`.
pub(crate) fn told(params: &Value, sought: Sought) -> Told {
    let mut found = Told::default();
    search(params, "", sought, 0, &mut found);
    found
}

fn search(value: &Value, name: &str, sought: Sought, depth: usize, found: &mut Told) {
    let is_full = found.paths.len() + found.urls.len() >= FOUND_MAX;
    if depth > DEPTH_MAX || is_full {
        found.is_cut = true;
        return;
    }
    match value {
        Value::String(text) => add(name, text, sought, found),
        Value::Array(items) => {
            if sought.any_line {
                add_line(command_line(items), found);
            }
            for item in items {
                search(item, name, sought, depth + 1, found);
            }
        }
        Value::Object(_) if is_tagged(value) => {
            for (name, text) in tagged::texts(value) {
                add(&name, &text, sought, found);
                if is_line_name(&name) {
                    add_line(text, found);
                }
            }
        }
        Value::Object(fields) => {
            let runs = add_lines_of(fields, found);
            for (key, item) in fields {
                if key.contains('/') || key.starts_with(['.', '~']) {
                    add("path", key, sought, found);
                }
                if !(runs && is_one_of(&FOLDER_NAMES, key)) {
                    search(item, key, sought, depth + 1, found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Adds the command lines among the parameters of one object; returns whether there are any.
fn add_lines_of(fields: &Map<String, Value>, found: &mut Told) -> bool {
    let text_of = |names: &[&str]| {
        let mut named = fields.iter().filter(|(key, _)| is_one_of(names, key));
        named.find_map(|(_, value)| value.as_str())
    };
    let folder = text_of(&FOLDER_NAMES);
    let in_folder = |line: String| match folder {
        Some(folder) => format!("cd {} && {line}", command_line(&[Value::from(folder)])),
        None => line,
    };
    let rest: Vec<Value> = fields
        .iter()
        .filter(|(key, _)| is_one_of(&ARGUMENT_NAMES, key))
        .filter_map(|(_, value)| value.as_array())
        .flatten()
        .cloned()
        .collect();
    let mut runs = false;
    for (_, value) in fields.iter().filter(|(key, _)| is_line_name(key)) {
        match value {
            Value::String(text) if rest.is_empty() => add_line(in_folder(text.clone()), found),
            Value::String(text) => {
                add_line(in_folder(format!("{text} {}", command_line(&rest))), found);
            }
            Value::Array(items) => {
                add_line(in_folder(command_line(items)), found);
                for text in items.iter().filter_map(Value::as_str) {
                    if text.contains(' ') {
                        add_line(in_folder(text.to_owned()), found);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => continue,
        }
        runs = true;
    }
    runs
}

fn add_line(line: String, found: &mut Told) {
    if line.is_empty() || found.lines.contains(&line) {
        return;
    }
    if found.lines.len() < LINES_MAX {
        found.lines.push(line);
    } else {
        found.is_cut = true;
    }
}

fn add(name: &str, text: &str, sought: Sought, found: &mut Told) {
    if sought.any_line {
        add_line(text.to_owned(), found);
    }
    if text.is_empty() {
        return;
    }
    let is_named = is_path_name(name);
    let is_like_one = ["/", "~/", "./", "../"]
        .iter()
        .any(|start| text.starts_with(start));
    let mut forms = if is_named || sought.any_path || text.len() <= 4_096 {
        path_forms(text)
    } else {
        return;
    };
    if forms.len() == 1 && super::host::of_url(text).is_some() {
        found.urls.push(text.to_owned());
        return;
    }
    let has_lines = text.trim_end().contains('\n');
    let is_path = is_named || sought.any_path || is_like_one && !has_lines;
    // What was cleaned may begin like a path.
    let was_like_one = !has_lines
        && forms
            .iter()
            .skip(1)
            .any(|form| form.starts_with('/') || form.starts_with("./"));
    if !is_path && !was_like_one {
        return;
    }
    if text.len() > PATH_BYTES_MAX {
        found.is_cut |= is_named || sought.any_path;
        return;
    }
    found.is_cut |= forms.len() > FOUND_MAX;
    forms.truncate(FOUND_MAX);
    let is_destination = words_of(name)
        .iter()
        .any(|word| DESTINATIONS.contains(&word.as_str()));
    found.paths.extend(forms.into_iter().map(|text| Path {
        text,
        is_destination,
    }));
}

/// Returns the words of a name such as `oldPath` or `file_path`, in lower case.
pub(crate) fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for character in name.chars() {
        let is_break = !character.is_ascii_alphanumeric();
        if is_break || character.is_ascii_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| !is_break) {
            word.push(character.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.contains(&name.to_ascii_lowercase().as_str())
}

/// Returns whether the whole of a name, or its last word, is one of `names`.
fn ends_in(names: &[&str], name: &str) -> bool {
    is_one_of(names, name)
        || words_of(name)
            .last()
            .is_some_and(|last| names.contains(&last.as_str()))
}

fn is_path_name(name: &str) -> bool {
    ends_in(&PATH_NAMES, name)
}

fn is_line_name(name: &str) -> bool {
    ends_in(&LINE_NAMES, name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(params: &Value) -> Vec<String> {
        let told = told(params, Sought::default());
        told.paths.into_iter().map(|path| path.text).collect()
    }

    #[test]
    fn paths_are_told_by_the_names_of_parameters_and_by_their_beginning() {
        let params = json!({
            "file_path": "a.txt",
            "newPath": "b.txt",
            "edits": [{"file": "c.txt", "text": "hello"}],
            "note": "~/d.txt",
            "count": 3,
            "title": "not a path"
        });
        assert_eq!(paths(&params), ["c.txt", "a.txt", "b.txt", "~/d.txt"]);
    }

    #[test]
    fn keys_that_look_like_paths_are_paths() {
        let params = json!({"files": {"src/a.rs": "one", ".b": "two", "title": "three"}});
        assert_eq!(paths(&params), [".b", "src/a.rs"]);
    }

    #[test]
    fn addresses_are_told_by_their_scheme() {
        let params = json!({"where": "https://example.org/x", "text": "see https: maybe"});
        let told = told(&params, Sought::default());
        assert_eq!(told.urls, ["https://example.org/x"]);
        assert_eq!(told.paths, []);
    }

    #[test]
    fn command_lines_are_told_by_name_with_their_arguments_and_folder() {
        let lines = |params: Value| told(&params, Sought::default()).lines;
        assert_eq!(lines(json!({"command": "ls -a"})), ["ls -a"]);
        assert_eq!(
            lines(json!({"command": "rm", "args": ["a b"], "cwd": "x"})),
            ["cd 'x' && rm 'a b'"]
        );
        assert_eq!(
            lines(json!({"input": {"argv": ["sh", "-c", "rm x"]}})),
            ["'sh' '-c' 'rm x'", "rm x"]
        );
        assert_eq!(lines(json!({"title": "ls"})), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_looked_at_is_told() {
        let many: Vec<String> = (0..=FOUND_MAX).map(|index| format!("f{index}")).collect();
        assert!(told(&json!({ "paths": many }), Sought::default()).is_cut);
        assert!(!told(&json!({"paths": ["a", "b"]}), Sought::default()).is_cut);
    }
}
