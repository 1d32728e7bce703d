//! Whether the commands of a line work in the project.
//!
//! What a rule allows of commands, it allows where the line starts: the same
//! words elsewhere run the code and the settings of a project that nobody chose.
//! A rule that names paths says itself where.

use aegis_types::{Directory, PathFact, Word, WordPart};

use super::line::Line;
use super::options;
use super::path::below;
use super::sense::Sense;
use super::view::View;
use crate::matcher::Matcher;
use crate::truth::{Truth, WhyNot, WhyUnknown, every};
use aegis_shell::ProgramOptions;

/// Programs that do the same in every folder.
const INDIFFERENT: [&str; 6] = ["cd", "echo", "false", "printf", "pwd", "true"];

impl Matcher {
    /// Returns whether all commands work in folders that an allow is about.
    pub(super) fn folder_holds(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        let is_asked = sense.permits && sense.covers();
        if !is_asked || self.shell.is_empty() && self.path.is_empty() {
            return Truth::Yes;
        }
        let of_line = |line| {
            let folders = folders(line).map(|folder| self.is_about(view, folder));
            every(folders).and(|| self.is_about_code(view, line))
        };
        every(view.lines().map(of_line))
    }

    /// Returns whether the files that a command runs are of the project.
    fn is_about_code(&self, view: View<'_, '_>, line: &Line<'_>) -> Truth {
        if !self.path.is_empty() {
            return Truth::Yes;
        }
        let is_its_own = |fact: &&PathFact| {
            let mut causes = fact.causes.iter();
            causes.any(|cause| line.command.span.contains(*cause))
        };
        let is_code = |fact: &&PathFact| fact.access.execute && fact.access.read;
        let directory = &view.request().context.directory;
        every(view.paths().filter(is_code).filter(is_its_own).map(|fact| {
            match fact.resolved.as_deref() {
                Some(resolved) => Truth::of(is_inside(resolved, directory), || WhyNot::Folder),
                None => Truth::Unknown(WhyUnknown::Path),
            }
        }))
    }

    fn is_about(&self, view: View<'_, '_>, folder: Option<Moved>) -> Truth {
        let context = &view.request().context;
        let Some(folder) = folder else {
            return Truth::Unknown(WhyUnknown::Path);
        };
        let resolved = folder.from(&context.directory, &context.home);
        let Some(resolved) = resolved else {
            return Truth::Unknown(WhyUnknown::Path);
        };
        // A link there leads where the facts say.
        let facts = context.paths.iter();
        let mut leads = facts.filter(|fact| fact.written == folder.path);
        let leads_out = leads.any(|fact| {
            let place = fact.resolved.as_deref();
            place.is_none_or(|place| !is_inside(place, &context.directory))
        });
        if is_inside(&resolved, &context.directory) && !leads_out {
            return Truth::Yes;
        }
        self.names_folder(&resolved, context)
    }
}

/// A folder to which a command is moved.
struct Moved {
    /// From the folder in which the line starts, from the home, or from the root.
    path: String,
}

impl Moved {
    /// Returns its path by name; nothing if it leads above the root, or is
    /// another user's home.
    fn from(&self, directory: &str, home: &str) -> Option<String> {
        let path = match self.path.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
            Some(_) => return None,
            None if self.path.starts_with('/') => self.path.clone(),
            None => format!("{directory}/{}", self.path),
        };
        let mut kept: Vec<&str> = Vec::new();
        for step in path.split('/') {
            match step {
                "" | "." => {}
                ".." => {
                    kept.pop()?;
                }
                name => kept.push(name),
            }
        }
        path.starts_with('/')
            .then(|| format!("/{}", kept.join("/")))
    }
}

fn is_inside(path: &str, directory: &str) -> bool {
    !directory.is_empty() && below(path, directory).is_some()
}

/// Returns the folders in which a command works, other than that in which its
/// line starts; nothing in the place of one that cannot be told.
fn folders(line: &Line<'_>) -> impl Iterator<Item = Option<Moved>> {
    let name = line.program.name().map(options::base_name);
    let name = name.filter(|name| !INDIFFERENT.contains(name));
    let own = match (&line.command.directory, name) {
        (Directory::Start, _) | (_, None) => None,
        (Directory::Moved(path), Some(_)) => Some(Some(Moved { path: path.clone() })),
        (Directory::Unknown, Some(_)) => Some(None),
    };
    own.into_iter().chain(pointed_at(line))
}

/// Returns the folders that options name, each seen from that of the command.
fn pointed_at(line: &Line<'_>) -> Vec<Option<Moved>> {
    let program = line.program.name().map(options::base_name);
    let known = |words: &[&str]| ProgramOptions::of(program?, words.iter().copied());
    let subcommand: Vec<&str> = line.operands().take(2).collect();
    // Before the subcommand, options are the program's own, whatever it calls its own.
    let (Some(own), Some(all)) = (known(&[]), known(&subcommand)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut known = own;
    let mut rest = line.command.arguments.iter();
    while let Some(word) = rest.next() {
        let Some(WordPart::Literal(start)) = word.parts.first() else {
            continue;
        };
        if start == "--" {
            break;
        }
        if !start.starts_with('-') {
            known = all;
        }
        let is_whole = word.parts.len() == 1;
        let value = match value_at(&known, start) {
            Some(at) => Some(text(word, at)),
            None if is_whole && known.takes_value(start) => {
                let next = rest.next().map(|value| text(value, 0));
                next.filter(|_| known.names_project(start))
            }
            None => None,
        };
        if let Some(value) = value {
            found.push(value.map(|path| seen_from(&line.command.directory, path)));
        }
    }
    found
}

/// Returns where in a word the value of an option that names a folder begins.
fn value_at(known: &ProgramOptions, word: &str) -> Option<usize> {
    if let Some((name, _)) = word.split_once('=')
        && known.names_project(name)
    {
        return Some(name.len() + 1);
    }
    let letter = word.get(..2).filter(|letter| !letter.starts_with("--"))?;
    (word.len() > 2 && known.names_project(letter)).then_some(2)
}

/// Returns the path that a word names from `start` on, if it can be told.
fn text(word: &Word, start: usize) -> Option<String> {
    if let Some(WordPart::Home(user)) = word.parts.first() {
        let rest = Word {
            parts: word.parts.get(1..).unwrap_or_default().to_vec(),
            ..word.clone()
        };
        let rest = if rest.parts.is_empty() {
            String::new()
        } else {
            rest.literal()?.to_string()
        };
        return Some(format!("~{}{rest}", user.as_deref().unwrap_or_default()));
    }
    let text = word.literal()?;
    let text = text.get(start..)?;
    Some(if text.starts_with('~') {
        format!("./{text}")
    } else {
        text.to_owned()
    })
}

fn seen_from(directory: &Directory, path: String) -> Moved {
    let path = match directory {
        Directory::Moved(before) if !path.starts_with(['/', '~']) => format!("{before}/{path}"),
        Directory::Start | Directory::Moved(_) | Directory::Unknown => path,
    };
    Moved { path }
}

#[cfg(test)]
mod tests {
    use aegis_types::Verdict;

    use super::*;
    use crate::holds::tests::shell_request;
    use crate::matcher::{PathPattern, ShellPattern};
    use crate::pattern::Glob;

    fn holds(text: &str, paths: &[&str]) -> Truth {
        let shell = ShellPattern {
            program: ["cd", "cargo", "git", "hg", "docker", "npm"]
                .map(Glob::new)
                .into(),
            ..ShellPattern::default()
        };
        let path = PathPattern {
            glob: paths.iter().copied().map(Glob::new).collect(),
            access: aegis_types::Access::default(),
        };
        let rule = Matcher {
            shell: vec![shell],
            path: if paths.is_empty() {
                Vec::new()
            } else {
                vec![path]
            },
            ..Matcher::default()
        };
        let mut request = shell_request();
        request.context.plan = Some(aegis_shell::plan(text));
        let facts = crate::holds::Facts::new(&request);
        rule.folder_holds(View::whole(&facts), Sense::of(Verdict::Allow))
    }

    #[test]
    fn an_allow_is_about_commands_that_work_in_the_project() {
        for text in [
            "cargo test",
            "cd crates/x && cargo test",
            "cd crates/x && cd ../y && cargo test",
            "cd /home/ann/shop/crates && cargo test",
            "cd ~/shop && cargo test",
            "git -C crates/x commit -C HEAD",
            "git commit -C ../other",
            "cargo test --manifest-path crates/x/Cargo.toml",
            "cargo test -- --manifest-path /tmp/evil/Cargo.toml",
            "cd /tmp",
        ] {
            assert_eq!(holds(text, &[]), Truth::Yes, "{text}");
        }
    }

    #[test]
    fn it_is_not_about_work_elsewhere() {
        for text in [
            "cd /tmp/evil && cargo test",
            "cd .. && cargo test",
            "cd ~ && cargo test",
            "cd /home/ann/shopping && cargo test",
            "cd crates && git -C ../.. status",
            "git -C /tmp/evil status",
            "git -C/tmp/evil commit -am x",
            "git --git-dir=/tmp/evil/.git log",
            "git --work-tree /tmp/evil status",
            "hg -R /tmp/evil status",
            "hg --cwd /tmp/evil status",
            "docker compose --project-directory /tmp/evil up",
            "cargo build --manifest-path ../x/Cargo.toml",
            "npm --prefix ~/other test",
        ] {
            assert_eq!(holds(text, &[]), Truth::No(WhyNot::Folder), "{text}");
        }
        for text in ["cd \"$X\" && cargo test", "git -C \"$X\" status"] {
            assert!(holds(text, &[]).is_unknown(), "{text}");
        }
    }

    #[test]
    fn a_rule_with_paths_says_itself_where() {
        let text = "cd /tmp/evil && cargo test";
        assert_eq!(holds(text, &["/tmp/**"]), Truth::Yes);
        assert_eq!(holds(text, &["./**"]), Truth::No(WhyNot::Folder));
    }
}
