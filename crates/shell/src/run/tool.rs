//! Follows files that the text has written and that a tool runs by itself: its
//! settings that are code, tests, recipes, scripts of a package.

use aegis_types::{Condition, EffectKind, Span, Word, WordPart, Wrapper};

use super::Draft;
use crate::code::Tongue;
use crate::option::first_text;
use crate::program::is_shell;
use crate::programs;
use crate::syntax::Origin;
use crate::walk::{Setting, Walk};

/// Keys of settings whose value is a command line.
const KEYS: [&str; 8] = [
    "cmd", "command", "commands", "entry", "run", "script", "sh", "shell",
];

/// How a file is run by the tool that finds it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Found {
    /// As code in the language of this interpreter.
    Code(&'static str),
    /// Command lines stand in it, one a line.
    Lines,
    /// Command lines are the values of its scripts.
    Scripts,
}

/// Returns how the program `tool` runs the file `path`, by the name of the file.
fn found(path: &str, tool: &str) -> Option<Found> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let lines = match name {
        "package.json" => return is_of_node(tool).then_some(Found::Scripts),
        "justfile" | "Justfile" | ".justfile" => tool == "just",
        "CMakeLists.txt" => tool == "cmake",
        "tox.ini" => tool == "tox",
        ".pre-commit-config.yaml" => tool == "pre-commit",
        "lefthook.yml" => tool == "lefthook",
        _ if name.starts_with(['T', 't']) && is_taskfile(name) => tool == "task",
        _ => name.ends_with(".tf") && matches!(tool, "terraform" | "tofu" | "terragrunt"),
    };
    if lines {
        return Some(Found::Lines);
    }
    let code = match name {
        "Rakefile" | "Gemfile" | "Vagrantfile" | "Guardfile" | "Fastfile" | "Podfile" => "ruby",
        "SConstruct" | "SConscript" | "wscript" | "Tiltfile" => "python3",
        _ => match name.rsplit_once('.')?.1 {
            "py" => "python3",
            "js" | "cjs" | "mjs" | "jsx" | "ts" | "cts" | "mts" | "tsx" => "node",
            "rb" | "gemspec" | "rake" => "ruby",
            "php" => "php",
            "pl" | "t" => "perl",
            "lua" => "lua",
            "gradle" | "groovy" => "groovy",
            "kts" | "kt" => "kotlin",
            "scala" | "sbt" => "scala",
            "swift" => "swift",
            "ex" | "exs" => "elixir",
            "hs" => "runghc",
            "rs" if matches!(tool, "cargo" | "cross" | "rustc") => "rust-script",
            "go" if tool == "go" => "yaegi",
            _ => return None,
        },
    };
    Some(Found::Code(code))
}

fn is_of_node(tool: &str) -> bool {
    matches!(tool, "npm" | "pnpm" | "yarn" | "bun" | "npx")
}

fn is_taskfile(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(
        name.as_str(),
        "taskfile.yml" | "taskfile.yaml" | "taskfile.dist.yml"
    )
}

/// Returns the command line that a line of a recipe or a setting shows.
fn line_in(line: &str) -> &str {
    let line = match line.split_once("COMMAND ") {
        Some((_, after)) => after.trim_end_matches(')'),
        None => line,
    };
    let line = line
        .trim()
        .trim_start_matches("- ")
        .trim_start_matches(['@', '-']);
    let value = line.split_once(['=', ':']).and_then(|(key, value)| {
        let key = key.trim().trim_matches('"');
        KEYS.contains(&key).then_some(value)
    });
    let line = value.unwrap_or(line).trim();
    let quoted = ['"', '\''].into_iter().find_map(|quote| {
        let inner = line.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then_some(inner)
    });
    quoted.unwrap_or(line)
}

/// Returns the values of the scripts in the manifest of a package.
fn scripts_in(text: &str) -> Vec<String> {
    let Some((_, scripts)) = text.split_once("\"scripts\"") else {
        return Vec::new();
    };
    let scripts = scripts.split('}').next().unwrap_or_default();
    // Every second literal is a value.
    let mut values = Vec::new();
    let mut literal = None::<String>;
    let mut count = 0_usize;
    let mut characters = scripts.chars();
    while let Some(character) = characters.next() {
        match (&mut literal, character) {
            (None, '"') => literal = Some(String::new()),
            (None, _) => {}
            (Some(_), '"') => {
                count += 1;
                values.extend(literal.take().filter(|_| count.is_multiple_of(2)));
            }
            (Some(text), '\\') => match characters.next() {
                Some('n') => text.push('\n'),
                Some(escaped) => text.push(escaped),
                None => {}
            },
            (Some(text), _) => text.push(character),
        }
    }
    values
}

/// Returns whether a line begins with the name of a program that is known.
fn begins_with_program(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    let name = first.rsplit('/').next().unwrap_or(first);
    programs::entry_for(name).is_some() || is_shell(name)
}

impl Walk<'_> {
    /// Follows the code that a tool finds in files which the text has written.
    pub(super) fn found_code(&mut self, name: &str, draft: &Draft, setting: &Setting) {
        if self.around.files().is_empty() || self.is_found || !runs_project(name, draft) {
            return;
        }
        let directory = draft.directory_from(&self.around.places().current);
        let named: Vec<String> = draft
            .words
            .iter()
            .filter_map(|word| super::path_from(&directory, word))
            .collect();
        let lies_here =
            |path: &str| !path.starts_with(['/', '~', '?', '.']) || is_hidden_here(path);
        let files = self.around.files().texts();
        let files: Vec<_> = files
            .filter(|(path, _)| lies_here(path) || named.iter().any(|it| it == path))
            .filter_map(|(path, text)| Some((found(path, name)?, text.clone())))
            .collect();
        let inner = setting
            .within(Wrapper::Program(name.to_owned()))
            .apart(Wrapper::Text)
            .when(Condition::Branch);
        self.is_found = true;
        for (found, text) in files {
            if inner.is_too_deep() || self.has_stopped() {
                break;
            }
            match found {
                Found::Code(interpreter) => {
                    let code = word_of(draft.span, &text);
                    self.code_of_file(interpreter, &code, draft, &inner);
                }
                Found::Lines => {
                    let lines = text.lines().map(line_in);
                    for line in lines.filter(|line| begins_with_program(line)) {
                        self.line_found(line, draft.span, &inner);
                    }
                }
                Found::Scripts => {
                    for line in scripts_in(&text) {
                        self.line_found(&line, draft.span, &inner);
                    }
                }
            }
        }
        self.is_found = false;
    }

    fn line_found(&mut self, line: &str, span: Span, inner: &Setting) {
        // Where it is written as it stands, that is its own place.
        let span = place_of(line, self.source).unwrap_or(span);
        let mark = self.around.mark();
        self.around.enter_process();
        self.captured(|walk| walk.text(line, Origin::Whole(span), inner));
        self.around.restore(mark);
    }
}

/// Returns whether a program runs code of the project that is not among its words.
fn runs_project(name: &str, draft: &Draft) -> bool {
    let arguments = draft.words.get(1..).unwrap_or_default();
    if Tongue::of(name) == Tongue::Python {
        // A module is a tool of its own.
        return arguments.iter().any(|word| first_text(word) == "-m");
    }
    let named = |text: &str| arguments.iter().any(|word| first_text(word) == text);
    if matches!(name, "npm" | "pnpm" | "yarn" | "bun") {
        // What a package says is run as it is installed as well.
        return !named("--ignore-scripts");
    }
    if name.starts_with("pip") || name == "uv" {
        return named(".");
    }
    if matches!(name, "make" | "gmake") {
        // Its recipes are read where it runs.
        return false;
    }
    let Some(entry) = programs::entry_for(name) else {
        return false;
    };
    let reading = programs::read(entry, arguments);
    reading
        .stated()
        .any(|(kind, _)| *kind == EffectKind::Unknown)
}

/// Returns where `line` first stands in `source`.
fn place_of(line: &str, source: &str) -> Option<Span> {
    let start = source.find(line)?;
    Some(Span {
        start: u32::try_from(start).ok()?,
        end: u32::try_from(start + line.len()).ok()?,
    })
}

/// Returns whether a path is that of a hidden file here.
fn is_hidden_here(path: &str) -> bool {
    path.starts_with('.') && !path.starts_with("..") && !path.contains('/')
}

pub(super) fn word_of(span: Span, text: &str) -> Word {
    let parts = vec![WordPart::Literal(text.to_owned())];
    Word {
        span,
        parts,
        ..Word::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_run_as_its_name_says() {
        let check = |path: &str, tool: &str, expected| {
            assert_eq!(found(path, tool), expected, "{tool} {path}");
        };
        check("tests/conftest.py", "pytest", Some(Found::Code("python3")));
        check("vite.config.ts", "vite", Some(Found::Code("node")));
        check("justfile", "just", Some(Found::Lines));
        check("justfile", "pytest", None);
        check("package.json", "npm", Some(Found::Scripts));
        check("package.json", "cargo", None);
        check("build.rs", "cargo", Some(Found::Code("rust-script")));
        check("README.md", "npm", None);
        check("data.yml", "task", None);
    }

    #[test]
    fn a_line_shows_the_command_that_it_runs() {
        for (line, command) in [
            ("\t@rm -rf build", "rm -rf build"),
            ("      - rm -rf build", "rm -rf build"),
            ("  command = \"rm -rf build\"", "rm -rf build"),
            ("commands=pytest -q", "pytest -q"),
            ("execute_process(COMMAND rm -rf build)", "rm -rf build"),
            ("  entry: 'ls -l'", "ls -l"),
        ] {
            assert_eq!(line_in(line), command);
        }
    }

    #[test]
    fn scripts_are_the_values_of_one_object() {
        let text =
            r#"{"name": "a", "scripts": {"x": "ls -l", "y": "echo \"a\""}, "z": {"q": "rm b"}}"#;
        assert_eq!(scripts_in(text), ["ls -l", "echo \"a\""]);
        assert!(scripts_in("{}").is_empty());
    }
}
