//! Paths, addresses and command lines among the parameters of a tool that is
//! not known, or that is not given what it usually is.

use aegis_canon::is_tagged;
use serde_json::{Map, Value};

use super::spelling::{command_line, path_forms};
use super::{cell, language, patch, sql, tagged};
use crate::settings::{Role, ServerRoles};

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
    /// URLs, and hosts with or without a port.
    pub(crate) addresses: Vec<String>,
    /// Texts that may be for a shell.
    pub(crate) lines: Vec<Line>,
    /// Statements in SQL.
    pub(crate) queries: Vec<String>,
    /// Those who are sent something.
    pub(crate) recipients: Vec<String>,
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
    /// Whether it was said to be only text; it still may not touch Aegis.
    pub(crate) is_text: bool,
}

/// A text among parameters that may be for a shell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Line {
    /// The text.
    pub(crate) text: String,
    /// How sure that is.
    pub(crate) surety: Surety,
}

/// How sure it is that a text is for a shell.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Surety {
    /// It may be, or code in another language.
    Possible,
    /// Its name says so.
    Named,
    /// It was said of the tool.
    Said,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sought<'a> {
    /// What is known of the arguments.
    pub(crate) roles: Option<&'a ServerRoles>,
    /// Whether the tool speaks to a database, as its name says.
    pub(crate) is_database: bool,
    /// The program that runs code of the language the tool is named for.
    pub(crate) language: Option<&'static str>,
    /// Whether the tool runs command lines, as its name says.
    pub(crate) runs_lines: bool,
    /// Whether what is looked at was said to be only text.
    pub(crate) is_text: bool,
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
const LINE_NAMES: [&str; 17] = [
    "bash",
    "input",
    "run",
    "steps",
    "tasks",
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

/// Those of them that are not as well those of code in other languages.
const SHELL_NAMES: [&str; 8] = [
    "bash",
    "command",
    "commands",
    "cmd",
    "cmds",
    "commandline",
    "run",
    "shell",
];

/// Those of them whose list of words is a command, whatever the tool is.
const WORD_NAMES: [&str; 4] = ["argv", "program", "executable", "exec"];

/// Names of code, in the language that a tool is named for.
const CODE_NAMES: [&str; 8] = [
    "code",
    "expression",
    "input",
    "javascript",
    "python",
    "script",
    "source",
    "source_code",
];

/// Names of languages that are command lines.
const SHELLS: [&str; 4] = ["bash", "sh", "shell", "zsh"];

/// Names of a parameter that says in which language code is.
const LANGUAGE_NAMES: [&str; 5] = ["interpreter", "kernel", "lang", "language", "runtime"];

/// Names that say a parameter is a host.
const HOST_NAMES: [&str; 5] = ["host", "hostname", "domain", "ip", "ip_address"];

/// Names that say a parameter is an address, with or without a scheme.
const ADDRESS_NAMES: [&str; 4] = ["url", "urls", "uri", "uris"];

/// Names that say a parameter is somebody who is sent something.
const RECIPIENT_NAMES: [&str; 4] = ["recipient", "recipients", "cc", "bcc"];

/// Names that say a parameter holds statements in SQL, and names that say so of
/// what speaks to a database.
const QUERY_NAMES: [&str; 1] = ["sql"];
const DATABASE_QUERY_NAMES: [&str; 4] = ["query", "queries", "statement", "statements"];

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
pub(crate) fn told(params: &Value, sought: Sought<'_>) -> Told {
    let mut found = Told::default();
    search(params, "", sought, 0, &mut found);
    found
}

fn search(value: &Value, name: &str, sought: Sought<'_>, depth: usize, found: &mut Told) {
    let is_full = found.len() >= FOUND_MAX;
    if depth > DEPTH_MAX || is_full {
        found.is_cut = true;
        return;
    }
    match value {
        Value::String(text) => add(name, text, sought, found),
        Value::Array(items) => {
            if sought.any_line {
                add_line(command_line(items), Surety::Possible, found);
            }
            for item in items {
                search(item, name, sought, depth + 1, found);
            }
        }
        Value::Object(_) if is_tagged(value) => {
            for (name, text) in tagged::texts(value) {
                add(&name, &text, sought, found);
                if is_line_name(&name) {
                    add_line(text, Surety::Possible, found);
                }
            }
        }
        Value::Object(fields) => {
            let runs = add_lines_of(fields, sought, found);
            for (key, item) in fields {
                let sought = Sought {
                    is_text: sought.is_text || sought.is(Role::Text, key),
                    ..sought
                };
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
fn add_lines_of(fields: &Map<String, Value>, sought: Sought<'_>, found: &mut Told) -> bool {
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
    let language = text_of(&LANGUAGE_NAMES);
    let is_shell = language.is_some_and(|name| ends_in(&SHELLS, name));
    let said = language.and_then(language::program).or(sought.language);
    let mut runs = false;
    for (key, value) in fields {
        let is_line = value.as_str().is_some_and(language::is_line);
        let code = value.as_str().filter(|_| is_one_of(&CODE_NAMES, key));
        let guessed = code
            .filter(|_| sought.runs_lines && !is_shell)
            .and_then(language::of_code);
        let program = said.or(guessed);
        if let (Some(program), Some(code)) = (program, code) {
            add_code(program, code, found);
        }
        let is_code = code.is_some() && program.is_some() && !is_shell;
        // What was only guessed to be code, or looks like a line, is read as one as well.
        if is_code && said.is_some() && !is_line {
            continue;
        }
        let is_run = code.is_some() && (is_shell || is_code && is_line);
        let possible = is_run.then_some(Surety::Possible);
        let Some(surety) = sought.surety_of(key).or(possible) else {
            continue;
        };
        let is_words = is_one_of(&WORD_NAMES, key) && (value.is_array() || !rest.is_empty());
        let is_text = sought.is_text || sought.is(Role::Text, key);
        let surety = if !is_text && (is_words || is_line || is_run) {
            surety.max(Surety::Named)
        } else {
            surety
        };
        let mut add = |line: String, surety| add_line(in_folder(line), surety, found);
        match value {
            Value::String(text) if rest.is_empty() => add(text.clone(), surety),
            Value::String(text) => add(format!("{text} {}", command_line(&rest)), surety),
            Value::Array(items) => {
                add(command_line(items), surety);
                for text in items.iter().filter_map(Value::as_str) {
                    if text.contains(' ') {
                        add(text.to_owned(), Surety::Possible);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => continue,
        }
        runs = true;
    }
    runs
}

/// Adds what runs code in the language of a program.
fn add_code(program: &str, code: &str, found: &mut Told) {
    let option = if program == "node" { "-e" } else { "-c" };
    let words = [program, option, code].map(Value::from);
    add_line(command_line(&words), Surety::Named, found);
    if program == "python3" {
        for line in cell::shell_lines(code) {
            add_line(line, Surety::Named, found);
        }
    }
}

impl Told {
    fn len(&self) -> usize {
        self.paths.len() + self.addresses.len() + self.queries.len() + self.recipients.len()
    }
}

impl Sought<'_> {
    fn is(&self, role: Role, name: &str) -> bool {
        self.roles.is_some_and(|roles| roles.is(role, name))
    }

    /// Returns how sure it is that the parameter called `name` is for a shell;
    /// nothing if it is not.
    fn surety_of(&self, name: &str) -> Option<Surety> {
        if !self.is_text && self.is(Role::Command, name) {
            return Some(Surety::Said);
        }
        let is_text = self.is_text || self.is(Role::Text, name);
        let is_script = self.runs_lines && ends_in(&["script"], name);
        let surety = if (ends_in(&SHELL_NAMES, name) || is_script) && !is_text {
            Surety::Named
        } else {
            Surety::Possible
        };
        is_line_name(name).then_some(surety)
    }

    /// Adds a text to what it is besides a path or a command line.
    fn add_by_role(&self, name: &str, text: &str, found: &mut Told) {
        if self.is_text {
            return;
        }
        let is_one = |names: &[&str]| is_one_of(names, name);
        let is_word = !text.contains(char::is_whitespace);
        let is_host = is_word && is_one(&HOST_NAMES);
        let is_bare = is_word && is_one(&ADDRESS_NAMES) && is_bare_address(text);
        if self.is(Role::Url, name) || self.is(Role::Host, name) || is_host || is_bare {
            found.addresses.push(text.to_owned());
        }
        let is_query = is_one(&QUERY_NAMES) || self.is_database && is_one(&DATABASE_QUERY_NAMES);
        if self.is(Role::Query, name) || is_query && sql::is_statement(text) {
            found.queries.push(text.to_owned());
        }
        let is_mail = text
            .split_once('@')
            .is_some_and(|(_, host)| host.contains('.'));
        let is_sent_to = is_one(&RECIPIENT_NAMES) || is_word && is_mail && is_one(&["to"]);
        if self.is(Role::Recipient, name) || is_sent_to {
            found.recipients.push(text.to_owned());
        }
    }
}

/// Returns whether a text without a scheme can only be meant as the address of a host: it
/// begins with its name, or with an address.
fn is_bare_address(text: &str) -> bool {
    let end = text.find(['/', '?', '#']).unwrap_or(text.len());
    let host = text.get(..end).unwrap_or_default();
    let is_name = host.contains(['.', ':']) || host == "localhost";
    is_name && !host.starts_with('.') && super::host::of_url(text).is_none()
}

fn add_line(text: String, surety: Surety, found: &mut Told) {
    if text.is_empty() {
        return;
    }
    if let Some(known) = found.lines.iter_mut().find(|line| line.text == text) {
        known.surety = known.surety.max(surety);
    } else if found.lines.len() < LINES_MAX {
        found.lines.push(Line { text, surety });
    } else {
        found.is_cut = true;
    }
}

fn add(name: &str, text: &str, sought: Sought<'_>, found: &mut Told) {
    if sought.any_line {
        add_line(text.to_owned(), Surety::Possible, found);
    }
    if text.is_empty() {
        return;
    }
    sought.add_by_role(name, text, found);
    for file in patch::files(text) {
        found.paths.push(Path {
            text: file.to_owned(),
            is_destination: true,
            is_text: sought.is_text,
        });
    }
    let is_named = is_path_name(name) || sought.is(Role::Path, name);
    let is_like_one = ["/", "~/", "./", "../"]
        .iter()
        .any(|start| text.starts_with(start));
    let mut forms = if is_named || sought.any_path || text.len() <= 4_096 {
        path_forms(text)
    } else {
        return;
    };
    if forms.len() == 1 && super::host::of_url(text).is_some() {
        if !sought.is_text && !found.addresses.iter().any(|known| known == text) {
            found.addresses.push(text.to_owned());
        }
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
        is_text: sought.is_text,
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
        assert_eq!(told.addresses, ["https://example.org/x"]);
        assert_eq!(told.paths, []);
    }

    #[test]
    fn command_lines_are_told_by_name_with_their_arguments_and_folder() {
        let lines = |params: Value| {
            let told = told(&params, Sought::default());
            let lines = told.lines.into_iter();
            lines.map(|line| line.text).collect::<Vec<_>>()
        };
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
    fn what_is_known_of_arguments_counts_beside_their_names() {
        let roles: ServerRoles = toml::from_str(
            "path = [\"where\"]\nurl = [\"page\"]\nhost = [\"peer\"]\ncommand = [\"input\"]\n\
             query = [\"ask\"]\nrecipient = [\"room\"]\ntext = [\"path\", \"command\"]",
        )
        .unwrap();
        let params = json!({
            "where": "a", "page": "b.example/x", "peer": "c.example:22", "input": "ls",
            "ask": "drop table t", "room": "#all", "path": "/etc/passwd", "command": "rm x"
        });
        let sought = Sought {
            roles: Some(&roles),
            ..Sought::default()
        };
        let told = told(&params, sought);
        let paths = told.paths.iter().map(|path| (&*path.text, path.is_text));
        assert_eq!(
            paths.collect::<Vec<_>>(),
            [("/etc/passwd", true), ("a", false)]
        );
        assert_eq!(told.addresses, ["b.example/x", "c.example:22"]);
        let lines = told.lines.iter().map(|line| (&*line.text, line.surety));
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines, [("rm x", Surety::Possible), ("ls", Surety::Said)]);
        assert_eq!(told.queries, ["drop table t"]);
        assert_eq!(told.recipients, ["#all"]);
    }

    #[test]
    fn names_and_forms_tell_hosts_queries_and_recipients() {
        let params = json!({
            "host": "db.example", "domain": "not a host", "sql": "delete from t",
            "query": "update the docs", "to": "a@b.example", "cc": ["c@d.example"],
            "url": "a.example:81/x", "urls": ["10.0.0.1", "docs", "./b.html"],
        });
        let found = told(&params, Sought::default());
        assert_eq!(
            found.addresses,
            ["db.example", "a.example:81/x", "10.0.0.1"]
        );
        assert_eq!(found.queries, ["delete from t"]);
        assert_eq!(found.recipients, ["c@d.example", "a@b.example"]);
        let sought = Sought {
            is_database: true,
            ..Sought::default()
        };
        let found = told(&json!({"query": "update t set a = 1"}), sought);
        assert_eq!(found.queries, ["update t set a = 1"]);
    }

    #[test]
    fn what_is_not_looked_at_is_told() {
        let many: Vec<String> = (0..=FOUND_MAX).map(|index| format!("f{index}")).collect();
        assert!(told(&json!({ "paths": many }), Sought::default()).is_cut);
        assert!(!told(&json!({"paths": ["a", "b"]}), Sought::default()).is_cut);
    }
}
