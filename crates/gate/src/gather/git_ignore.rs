//! What `git clean` leaves alone of what git does not track.
//!
//! It leaves what is ignored, unless it is told otherwise, and with `-X` whatever
//! is not. Patterns are compared on the safe side: *surely* ignored is what a
//! plain pattern names, *perhaps* ignored what any pattern could.

use std::path::Path;

use aegis_shell::{program_name, touched};
use aegis_types::Command;

use super::git_index::{tracks_in, work_tree_of};
use super::glob::matches_name;
use super::shell::Line;
use crate::read_file::read_regular;
use crate::surroundings::Surroundings;

/// How long a list of patterns, or a file of settings, is read.
const BYTES_MAX: u64 = 1 << 20;

/// Which files without tracking are removed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Selection {
    /// Those that are not ignored.
    NotIgnored,
    /// All.
    All,
    /// Those that are ignored.
    Ignored,
}

/// What a `git clean` is told.
#[derive(Debug)]
pub(crate) struct Cleaning {
    selection: Selection,
    enters_folders: bool,
    excluded: Vec<String>,
    /// Whether the options, the settings and the lists of what is ignored are those
    /// that can be looked at.
    is_known: bool,
}

impl Cleaning {
    /// Reads the words of a command from its subcommand on.
    pub(crate) fn of(line: &Line<'_>, command: &Command, words: &[String]) -> Self {
        let mut cleaning = Self {
            selection: Selection::NotIgnored,
            enters_folders: false,
            excluded: Vec::new(),
            is_known: is_alone(line, command) && words.iter().all(|word| !word.is_empty()),
        };
        let mut words = words.iter().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--" => {
                    cleaning.enters_folders |= words.next().is_some();
                    break;
                }
                "--force" | "--quiet" => {}
                "-e" | "--exclude" => cleaning.excluded.extend(words.next().cloned()),
                long if long.starts_with("--") => match long.strip_prefix("--exclude=") {
                    Some(pattern) => cleaning.excluded.push(pattern.to_owned()),
                    None => cleaning.is_known = false,
                },
                short if short.starts_with('-') => cleaning.read_letters(short),
                // A path is entered without being told to.
                _ => cleaning.enters_folders = true,
            }
        }
        cleaning
    }

    fn read_letters(&mut self, word: &str) {
        for letter in word.chars().skip(1) {
            match letter {
                'd' => self.enters_folders = true,
                'x' => self.selection = Selection::All,
                'X' => self.selection = Selection::Ignored,
                'f' | 'q' => {}
                _ => self.is_known = false,
            }
        }
    }

    /// Returns whether `file`, which is not tracked, surely stays.
    pub(crate) fn spares(&self, surroundings: &Surroundings, root: &Path, file: &Path) -> bool {
        let Some(name) = file.strip_prefix(root).ok().filter(|_| self.is_known) else {
            return false;
        };
        let folder = file.parent().unwrap_or(root);
        if !self.enters_folders && tracks_in(root, folder) == Some(false) {
            return true;
        }
        let Some(lists) = lists(surroundings, root, folder) else {
            return false;
        };
        let is_in = |patterns: &[Pattern]| {
            let negates = patterns.iter().any(|it| it.is_negated);
            !negates && patterns.iter().any(|it| it.surely_names(name))
        };
        let excluded: Vec<Pattern> = self.excluded.iter().filter_map(|it| parse(it)).collect();
        match self.selection {
            Selection::NotIgnored => is_in(&lists) || is_in(&excluded),
            Selection::All => is_in(&excluded),
            // What is excluded counts as ignored here.
            Selection::Ignored => excluded.is_empty() && !lists.iter().any(|it| it.may_name(name)),
        }
    }
}

/// Returns whether `file` lies in a work tree whose lists name it.
pub(crate) fn is_ignored(surroundings: &Surroundings, file: &Path) -> bool {
    let folder = file.parent().unwrap_or(file);
    let Some(root) = work_tree_of(folder) else {
        return false;
    };
    let Ok(name) = file.strip_prefix(&root) else {
        return false;
    };
    let lists = lists(surroundings, &root, folder).unwrap_or_default();
    !lists.iter().any(|it| it.is_negated && it.may_name(name))
        && lists.iter().any(|it| !it.is_negated && it.matches(name))
}

/// Returns whether nothing else in a line may change what git ignores or tracks.
fn is_alone(line: &Line<'_>, command: &Command) -> bool {
    let settles = |word: &str| {
        [
            "-c",
            "--config-env",
            "--git-dir",
            "--work-tree",
            "--attr-source",
        ]
        .iter()
        .any(|option| word.starts_with(option))
    };
    let is_plain = command
        .arguments
        .iter()
        .take_while(|word| word.literal().as_deref() != Some("clean"))
        .all(|word| word.literal().is_some_and(|text| !settles(&text)));
    let mut others = line.plan.commands.iter();
    is_plain
        && line.is_certain
        && command.through.is_empty()
        && others.all(|other| other.assignments.is_empty() && only_looks(other))
}

/// Returns whether a command changes no file, or is a `git clean` itself.
fn only_looks(command: &Command) -> bool {
    let is_git = program_name(command).as_deref() == Some("git");
    let mut words = command.arguments.iter().filter_map(|word| word.literal());
    let cleans = is_git && words.any(|word| word == "clean");
    let is_known = matches!(
        program_name(command).as_deref(),
        Some("git" | "cd" | "echo" | "ls" | "pwd" | "true" | "cat" | "head" | "tail" | "grep")
    );
    let changes = touched(command).iter().any(|it| it.access.changes());
    cleans || is_known && !changes
}

/// A line of a list of what is ignored.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Pattern {
    is_negated: bool,
    /// Whether it says from where it counts.
    is_anchored: bool,
    /// Whether only a folder is meant.
    is_folder: bool,
    /// Its steps, from the folder of its list.
    steps: Vec<String>,
}

fn parse(text: &str) -> Option<Pattern> {
    let text = text.trim_end();
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let (is_negated, text) = match text.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let is_folder = text.ends_with('/');
    let inner = text.trim_end_matches('/');
    let free = inner.strip_prefix("**/");
    let steps = free.unwrap_or(inner).trim_start_matches('/').split('/');
    Some(Pattern {
        is_negated,
        is_anchored: free.is_none() && inner.contains('/'),
        is_folder,
        steps: steps.map(str::to_owned).collect(),
    })
}

impl Pattern {
    /// Returns whether it names `file`, or a folder in which it lies, as plain text.
    fn surely_names(&self, file: &Path) -> bool {
        let is_plain = |step: &String| !step.contains(['*', '?', '[', '\\']);
        self.steps.iter().all(is_plain) && self.names(file, |step, name| step == name)
    }

    /// Returns whether it names `file`, or a folder in which it lies, as far as it is followed.
    fn matches(&self, file: &Path) -> bool {
        let is_followed = |step: &String| step != "**" && !step.contains('\\');
        self.steps.iter().all(is_followed)
            && self.names(file, |step, name| matches_name(step, name, true))
    }

    /// Returns whether it could name `file`, or a folder in which it lies.
    fn may_name(&self, file: &Path) -> bool {
        let open = |step: &String| step == "**" || step.contains(['\\', '[']);
        self.steps.iter().any(open)
            || self.names(file, |step, name| {
                matches_name(&step.to_lowercase(), &name.to_lowercase(), true)
            })
    }

    fn names(&self, file: &Path, fits: impl Fn(&str, &str) -> bool) -> bool {
        let names: Vec<_> = file
            .iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        let fits_from = |start: usize| {
            let rest = names.get(start..).unwrap_or_default();
            let is_whole = start + self.steps.len() == names.len();
            rest.len() >= self.steps.len()
                && !(self.is_folder && is_whole)
                && self
                    .steps
                    .iter()
                    .zip(rest)
                    .all(|(step, name)| fits(step, name))
        };
        match self.is_anchored {
            true => fits_from(0),
            false => (0..names.len()).any(fits_from),
        }
    }
}

/// Returns every pattern that counts for what lies in `folder`; nothing if one of the
/// lists is told by settings, cannot be read, or counts from another folder than the root.
fn lists(surroundings: &Surroundings, root: &Path, folder: &Path) -> Option<Vec<Pattern>> {
    let git = root.join(".git");
    let variables = &surroundings.variables;
    let leads = |name: &String| {
        name.starts_with("GIT_CONFIG")
            || ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"].contains(&name.as_str())
    };
    if !git.is_dir() || variables.keys().any(leads) {
        return None;
    }
    let home = &surroundings.home;
    let settings = surroundings
        .folder("XDG_CONFIG_HOME")
        .unwrap_or_else(|| home.join(".config"));
    let told = [
        git.join("config"),
        git.join("config.worktree"),
        home.join(".gitconfig"),
        settings.join("git/config"),
        Path::new("/etc/gitconfig").to_path_buf(),
    ];
    for file in told {
        let text = read(&file)?.to_lowercase();
        if ["excludesfile", "include", "worktree"]
            .iter()
            .any(|it| text.contains(it))
        {
            return None;
        }
    }
    let inner = folder.ancestors().take_while(|it| *it != root);
    for folder in inner {
        if folder.join(".gitignore").exists() {
            return None;
        }
    }
    let mut patterns = Vec::new();
    for file in [
        root.join(".gitignore"),
        git.join("info/exclude"),
        settings.join("git/ignore"),
    ] {
        patterns.extend(read(&file)?.lines().filter_map(parse));
    }
    Some(patterns)
}

/// Returns the text of a file; nothing in it if there is none.
fn read(path: &Path) -> Option<String> {
    match read_regular(path, BYTES_MAX) {
        Ok(bytes) => String::from_utf8(bytes).ok(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(String::new()),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, file: &str, surely: bool, perhaps: bool) {
        let pattern = parse(pattern).unwrap();
        let file = Path::new(file);
        let found = (pattern.surely_names(file), pattern.may_name(file));
        assert_eq!(found, (surely, perhaps), "{pattern:?} {}", file.display());
    }

    #[test]
    fn a_pattern_names_a_file_surely_perhaps_or_not() {
        let file = ".aegis/policy.yaml";
        for plain in [
            ".aegis",
            ".aegis/",
            "/.aegis",
            "policy.yaml",
            "**/.aegis",
            "/.aegis/policy.yaml",
        ] {
            check(plain, file, true, true);
        }
        for open in [
            "*",
            ".*",
            "*.yaml",
            ".a*/",
            "/.aegis/*",
            "**",
            "[.]aegis",
            "\\.aegis",
            ".AEGIS",
        ] {
            check(open, file, false, true);
        }
        for other in [
            "/policy.yaml",
            "node_modules/",
            "*.log",
            "aegis",
            "policy.yaml/",
            "src/.aegis",
        ] {
            check(other, file, false, false);
        }
    }
}
