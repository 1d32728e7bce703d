//! Which programs the names on a command line stand for, and whether a name
//! stands for what everybody takes it for.
//!
//! At the lowest grade the agent may write wherever its user may, and most
//! people keep programs in folders of their own. So a program is not doubted
//! because it can be written: it is doubted where an agent works, in the project
//! and in folders for everybody, and there only if it hides another program of
//! the same name that a system brings, or lies where anybody may write.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use aegis_shell::{program_name, written};
use aegis_types::{Command, ProgramFact, ProgramStanding, Word, Wrapper};

use super::resolve::Last;
use super::shell::Line;
use super::touches::Touches;
use crate::surroundings::Surroundings;

/// How many names of one request are looked up.
const NAMES_MAX: usize = 64;

/// How many folders of the search path are looked into.
const FOLDERS_MAX: usize = 64;

/// Folders in which systems keep their programs.
const SYSTEM_FOLDERS: [&str; 6] = [
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
];

/// Folders in which everybody may write.
const OPEN_FOLDERS: [&str; 6] = [
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/private/tmp",
    "/private/var/tmp",
    "/var/folders",
];

/// How the names begin that a virtual environment of Python takes over.
const OF_ENVIRONMENTS: [&str; 3] = ["python", "pip", "pypy"];

/// Returns the programs that the names on a command line stand for; nothing if
/// the search path is not known.
pub(crate) fn programs(line: &Line<'_>, touches: &Touches<'_>) -> Vec<ProgramFact> {
    if !line.surroundings.variables.contains_key("PATH") {
        return Vec::new();
    }
    let moves_path = line.plan.commands.iter().any(sets_search_path);
    let mut facts: Vec<ProgramFact> = Vec::new();
    for name in line.plan.commands.iter().flat_map(names) {
        if facts.len() >= NAMES_MAX {
            break;
        }
        if facts.iter().any(|fact| fact.name == name) {
            continue;
        }
        let is_redefined = line
            .plan
            .commands
            .iter()
            .any(|command| defines(command, &name));
        facts.push(if moves_path || is_redefined {
            ProgramFact {
                name,
                resolved: None,
                standing: ProgramStanding::Shadowed,
            }
        } else {
            fact(name, line, touches)
        });
    }
    facts
}

/// Returns the names that are looked up to run a command.
fn names(command: &Command) -> Vec<String> {
    let own = command.program.as_ref().and_then(Word::literal);
    let wrappers = command.through.iter().filter_map(|wrapper| match wrapper {
        Wrapper::Program(name) => Some(name.clone()),
        Wrapper::Substitution
        | Wrapper::ProcessSubstitution
        | Wrapper::Subshell
        | Wrapper::Compound
        | Wrapper::Function(_)
        | Wrapper::Text => None,
    });
    own.into_iter()
        .chain(wrappers)
        .filter(|name| !name.is_empty() && !name.contains('/'))
        .collect()
}

/// Returns whether a command changes where programs are looked for.
fn sets_search_path(command: &Command) -> bool {
    let is_path = |name: &str| matches!(name, "PATH" | "path");
    let assigns = command.assignments.iter().any(|it| is_path(&it.name));
    let exports = matches!(
        program_name(command).as_deref(),
        Some("export" | "declare" | "typeset" | "readonly" | "local" | "env" | "set")
    );
    assigns
        || exports
            && command.arguments.iter().any(|word| {
                let text = written(word);
                let (name, is_set) = match text.split_once('=') {
                    Some((name, _)) => (name.trim_end_matches('+'), true),
                    None => (&*text, false),
                };
                is_set && is_path(name)
            })
}

/// Returns whether a command makes `name` stand for something else, beside the
/// functions and aliases that are followed.
fn defines(command: &Command, name: &str) -> bool {
    let is_meant = matches!(program_name(command).as_deref(), Some("hash" | "enable"));
    is_meant
        && command.arguments.len() > 1
        && command.arguments.iter().any(|word| written(word) == name)
}

fn fact(name: String, line: &Line<'_>, touches: &Touches<'_>) -> ProgramFact {
    let file = in_search_path(&name, line.surroundings, touches);
    let real = file.as_deref().and_then(|file| {
        let found = touches.resolver.follow(touches.base, file, Last::Followed);
        found.map(|found| found.path)
    });
    let (Some(file), Some(real)) = (file, real) else {
        return ProgramFact {
            name,
            resolved: None,
            standing: ProgramStanding::Absent,
        };
    };
    let places = Places {
        surroundings: line.surroundings,
        base: touches.base,
    };
    let standing = if [&file, &real].into_iter().all(|file| is_of_system(file)) {
        ProgramStanding::Trusted
    } else if places.are_open(&real) || places.are_open(&file) {
        ProgramStanding::Shadowed
    } else if !places.are_of_project(&real) {
        ProgramStanding::Trusted
    } else if hides_another(&name, &file, &places) {
        ProgramStanding::Shadowed
    } else {
        ProgramStanding::Own
    };
    ProgramFact {
        name,
        resolved: real.to_str().map(str::to_owned),
        standing,
    }
}

fn is_of_system(file: &Path) -> bool {
    let folder = file.parent().and_then(Path::to_str);
    folder.is_some_and(|folder| SYSTEM_FOLDERS.contains(&folder))
}

/// Returns whether a file of the project takes the place of a program of the system.
fn hides_another(name: &str, file: &Path, places: &Places<'_>) -> bool {
    let mut others = candidates(name, places.surroundings, places.base);
    if !others.any(|other| is_of_system(&other)) {
        return false;
    }
    let environment = file.parent().and_then(Path::parent);
    let is_of_environment = OF_ENVIRONMENTS.iter().any(|start| name.starts_with(start))
        && environment.is_some_and(|folder| folder.join("pyvenv.cfg").is_file());
    !is_of_environment
}

/// Returns the files called `name` in the folders of the search path, in order.
fn candidates<'n>(
    name: &'n str,
    surroundings: &'n Surroundings,
    base: &'n Path,
) -> impl Iterator<Item = PathBuf> + 'n {
    let path = surroundings.variables.get("PATH");
    path.into_iter()
        .flat_map(|path| path.split(':'))
        .take(FOLDERS_MAX)
        // An empty entry and a relative one mean the working directory.
        .map(move |folder| base.join(folder).join(name))
        .filter(|file| file.is_file())
}

/// Returns the file that a name is looked up as.
pub(crate) fn in_search_path(
    name: &str,
    surroundings: &Surroundings,
    touches: &Touches<'_>,
) -> Option<PathBuf> {
    if name.is_empty() {
        return None;
    }
    if let Some(known) = touches.searched.borrow().get(name) {
        return known.clone();
    }
    let found = candidates(name, surroundings, touches.base).next();
    let mut searched = touches.searched.borrow_mut();
    if searched.len() < NAMES_MAX {
        searched.insert(name.to_owned(), found.clone());
    }
    found
}

/// Where an agent works.
struct Places<'a> {
    surroundings: &'a Surroundings,
    base: &'a Path,
}

impl Places<'_> {
    /// Returns whether a file lies in the project.
    ///
    /// A home folder is no project: people keep their own programs in it.
    fn are_of_project(&self, file: &Path) -> bool {
        let named = self.surroundings.folder("CLAUDE_PROJECT_DIR");
        let mut folders = [self.base, &self.surroundings.directory]
            .into_iter()
            .chain(named.as_deref());
        folders.any(|folder| {
            let is_whole =
                folder.as_os_str().is_empty() || self.surroundings.home.starts_with(folder);
            !is_whole && file.starts_with(folder)
        })
    }

    /// Returns whether a file lies where anybody may write.
    fn are_open(&self, file: &Path) -> bool {
        let named = self.surroundings.folder("TMPDIR");
        let is_in_open = OPEN_FOLDERS
            .iter()
            .map(Path::new)
            .chain(named.as_deref())
            .any(|folder| file.starts_with(folder) && !self.base.starts_with(folder));
        let is_open = |path: &Path| {
            fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o002 != 0)
        };
        is_in_open || is_open(file) || file.parent().is_some_and(is_open)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::resolve::Resolver;
    use super::*;
    use crate::protected::Protected;

    struct Machine(tempfile::TempDir);

    impl Machine {
        /// Returns a machine on which these files are programs.
        fn new(files: &[&str]) -> Self {
            let machine = Self(tempfile::tempdir().unwrap());
            for folder in ["home", "app"] {
                fs::create_dir_all(machine.at(folder)).unwrap();
            }
            for file in files {
                let file = machine.at(file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, "x").unwrap();
            }
            machine
        }

        fn at(&self, path: &str) -> PathBuf {
            fs::canonicalize(self.0.path()).unwrap().join(path)
        }

        /// Checks how the names on a line stand; `path` names folders of the machine.
        fn check(&self, path: &str, line: &str, expected: &[(&str, ProgramStanding)]) {
            let folders = path.split(':').map(|folder| match folder {
                "" | "/bin" | "/usr/bin" => folder.to_owned(),
                _ => self.at(folder).to_str().unwrap().to_owned(),
            });
            let path = folders.collect::<Vec<_>>().join(":");
            let surroundings = Surroundings {
                home: self.at("home"),
                directory: self.at("app"),
                variables: [("PATH".to_owned(), path)].into(),
                ..Surroundings::default()
            };
            let base = self.at("app");
            let protected = Protected::default();
            let touches = Touches::new(&protected, &base, &Resolver::default());
            let plan = aegis_shell::plan(line);
            let line = Line {
                text: line,
                plan: &plan,
                surroundings: &surroundings,
                is_certain: true,
            };
            let found = programs(&line, &touches);
            let found: Vec<_> = found
                .iter()
                .map(|fact| (&*fact.name, fact.standing))
                .collect();
            assert_eq!(found, expected, "{}", line.text);
        }
    }

    use ProgramStanding::{Absent, Own, Shadowed, Trusted};

    #[test]
    fn programs_of_the_system_and_of_the_user_are_what_their_names_say() {
        let machine = Machine::new(&[
            "home/.cargo/bin/cargo",
            "home/.local/bin/ls",
            "home/.nvm/versions/node/bin/node",
        ]);
        let path = "home/.cargo/bin:home/.local/bin:home/.nvm/versions/node/bin:/usr/bin:/bin";
        machine.check(
            path,
            "cargo test && node x | ls; sudo cat y; frobnicate",
            &[
                ("cargo", Trusted),
                ("node", Trusted),
                ("ls", Trusted),
                ("cat", Trusted),
                (
                    "sudo",
                    if Path::new("/usr/bin/sudo").exists() {
                        Trusted
                    } else {
                        Absent
                    },
                ),
                ("frobnicate", Absent),
            ],
        );
    }

    #[test]
    fn tools_of_a_project_are_its_own_unless_they_hide_a_program_of_the_system() {
        let machine = Machine::new(&[
            "app/node_modules/typescript/bin/tsc",
            "app/.venv/bin/pytest-of-ours",
            "app/.venv/bin/ls",
            "app/.venv/bin/python3",
            "app/.venv/pyvenv.cfg",
            "app/tools/cat",
        ]);
        fs::create_dir_all(machine.at("app/node_modules/.bin")).unwrap();
        symlink(
            "../typescript/bin/tsc",
            machine.at("app/node_modules/.bin/tsc"),
        )
        .unwrap();
        symlink("/bin/ls", machine.at("app/tools/ls")).unwrap();
        let path = "app/node_modules/.bin:app/.venv/bin:/usr/bin:/bin";
        machine.check(
            path,
            "tsc; pytest-of-ours; ls; python3 x",
            &[
                ("tsc", Own),
                ("pytest-of-ours", Own),
                ("ls", Shadowed),
                ("python3", Own),
            ],
        );
        machine.check(
            "app/tools:/usr/bin:/bin",
            "cat x; ls",
            &[("cat", Shadowed), ("ls", Trusted)],
        );
        machine.check("/usr/bin:/bin:app/tools", "cat x", &[("cat", Trusted)]);
        machine.check(":/usr/bin:/bin", "cat x", &[("cat", Trusted)]);
        fs::write(machine.at("app/cat"), "x").unwrap();
        machine.check(":/usr/bin:/bin", "cat x", &[("cat", Shadowed)]);
    }

    #[test]
    fn programs_where_anybody_may_write_are_doubted() {
        let machine = Machine::new(&["open/tool", "shut/other"]);
        let mode = |path: &str, mode| {
            fs::set_permissions(machine.at(path), fs::Permissions::from_mode(mode)).unwrap();
        };
        mode("open", 0o777);
        mode("shut/other", 0o777);
        machine.check(
            "open:shut",
            "tool; other",
            &[("tool", Shadowed), ("other", Shadowed)],
        );
        mode("open", 0o755);
        machine.check("open", "tool", &[("tool", Trusted)]);
    }

    #[test]
    fn names_that_the_line_gives_another_meaning_are_doubted() {
        let machine = Machine::new(&[]);
        let path = "/usr/bin:/bin";
        for line in [
            "PATH=/x:$PATH; ls",
            "export PATH=/x; ls",
            "env PATH=/x ls",
            "hash -p /x ls; ls",
        ] {
            let surroundings = Surroundings {
                variables: [("PATH".to_owned(), path.to_owned())].into(),
                ..Surroundings::default()
            };
            let base = machine.at("app");
            let protected = Protected::default();
            let touches = Touches::new(&protected, &base, &Resolver::default());
            let plan = aegis_shell::plan(line);
            let line = Line {
                text: line,
                plan: &plan,
                surroundings: &surroundings,
                is_certain: true,
            };
            let found = programs(&line, &touches);
            let ls = found.iter().find(|fact| fact.name == "ls").unwrap();
            assert_eq!(ls.standing, Shadowed, "{}", line.text);
        }
    }
}
