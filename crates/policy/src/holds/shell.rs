//! Conditions on the commands of a command line.

use std::sync::Arc;

use aegis_types::{Action, Redirection, RedirectionKind, Wrapper};

use super::line::{Given, Line, Program, Text};
use super::options;
use super::{Facts, Sense};
use crate::matcher::{Matcher, ShellPattern};
use crate::pattern::Glob;
use crate::truth::{Truth, WhyNot, WhyUnknown, any, every};

/// Files that swallow what is written to them.
const SINKS: [&str; 4] = ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"];

impl Matcher {
    pub(super) fn shell_holds(&self, facts: &Facts<'_>, sense: Sense) -> Truth {
        if self.shell.is_empty() {
            return Truth::Yes;
        }
        if facts.plan().is_none() && facts.request().action != Action::ShellExec {
            return Truth::No(WhyNot::NoCommandLine);
        }
        let truth = |line| {
            if sense.covers() {
                self.covers(line)
            } else {
                self.touches(line)
            }
        };
        sense.combine(facts.lines().iter().map(truth), facts.hidden(sense), || {
            WhyNot::Command { program: None }
        })
    }

    /// Returns whether one of the patterns is about the command.
    fn touches(&self, line: &Line<'_>) -> Truth {
        if let Program::None = line.program {
            return Truth::No(WhyNot::Command { program: None });
        }
        any(
            self.shell.iter().map(|pattern| pattern.touches(line)),
            || WhyNot::Command { program: None },
        )
    }

    /// Returns whether the patterns allow the command and all that comes with it.
    fn covers(&self, line: &Line<'_>) -> Truth {
        let program = line.program.name().map(Arc::from);
        let command = || match line.program {
            Program::None => Truth::Yes,
            Program::Unknown => Truth::Unknown(WhyUnknown::Program),
            Program::Known { .. } => any(
                self.shell.iter().map(|pattern| pattern.covers(line)),
                || WhyNot::Command { program },
            ),
        };
        let parts: [&dyn Fn() -> Truth; 3] = [
            &|| self.covers_wrappers(line),
            &|| self.covers_redirections(line),
            &|| variables_are_harmless(line),
        ];
        command().and(|| every(parts.into_iter().map(|part| part())))
    }

    /// A program that runs another one must be covered as well.
    fn covers_wrappers(&self, line: &Line<'_>) -> Truth {
        every(line.command.through.iter().map(|wrapper| match wrapper {
            Wrapper::Program(program) => {
                let name = options::base_name(program);
                let is_covered = options::is_transparent(name)
                    || self.shell.iter().any(|pattern| {
                        pattern.is_any_use() && is_program(&pattern.program, program).is_some()
                    });
                Truth::of(is_covered, || WhyNot::Command {
                    program: Some(Arc::from(name)),
                })
            }
            Wrapper::Substitution
            | Wrapper::ProcessSubstitution
            | Wrapper::Subshell
            | Wrapper::Compound
            | Wrapper::Function(_)
            | Wrapper::Text => Truth::Yes,
        }))
    }

    /// What is written by a redirection is not the command's doing; where the
    /// rule names paths, it is among the paths that must be covered.
    fn covers_redirections(&self, line: &Line<'_>) -> Truth {
        if !self.path.is_empty() {
            return Truth::Yes;
        }
        Truth::of(
            !line.command.redirections.iter().any(writes_a_file),
            || WhyNot::Redirection,
        )
    }
}

fn writes_a_file(redirection: &Redirection) -> bool {
    match redirection.kind {
        RedirectionKind::Write | RedirectionKind::Append | RedirectionKind::ReadWrite => {
            !redirection
                .target
                .literal()
                .is_some_and(|target| SINKS.contains(&&*target))
        }
        RedirectionKind::Read | RedirectionKind::Text | RedirectionKind::Descriptor => false,
    }
}

fn variables_are_harmless(line: &Line<'_>) -> Truth {
    let harmful = line
        .command
        .assignments
        .iter()
        .find(|assignment| !options::is_harmless_variable(&assignment.name));
    match harmful {
        Some(assignment) => Truth::Unknown(WhyUnknown::Variable {
            name: Arc::from(&*assignment.name),
        }),
        None => Truth::Yes,
    }
}

/// Returns the glob that names the program, if one does. A glob with a slash
/// is compared with the program as written, others with its name.
fn is_program<'a>(globs: &'a [Glob], written: &str) -> Option<&'a Glob> {
    let name = options::base_name(written);
    globs.iter().find(|glob| {
        if glob.as_str().contains('/') {
            glob.matches(written)
        } else {
            glob.matches(name)
        }
    })
}

impl ShellPattern {
    /// Returns whether it is about the program, whatever its arguments.
    fn is_any_use(&self) -> bool {
        self.subcommand.is_empty() && self.flags.is_empty() && self.arguments.is_empty()
    }

    fn touches(&self, line: &Line<'_>) -> Truth {
        let (written, is_whole) = match &line.program {
            Program::None => return Truth::No(WhyNot::Command { program: None }),
            // Such a word may bring its own arguments with it.
            Program::Unknown => return Truth::Unknown(WhyUnknown::Program),
            Program::Known { written, is_whole } => (&**written, *is_whole),
        };
        let not = || WhyNot::Command { program: None };
        if !self.program.is_empty() && is_program(&self.program, written).is_none() {
            let runs_it = self.is_any_use()
                && line.command.through.iter().any(|wrapper| {
                    matches!(wrapper, Wrapper::Program(program)
                        if is_program(&self.program, program).is_some())
                });
            let may_be = !is_whole && self.program.iter().any(|glob| glob.as_str().contains('/'));
            return if may_be && !runs_it {
                Truth::Unknown(WhyUnknown::Program)
            } else {
                Truth::of(runs_it, not)
            };
        }
        let program = || Arc::from(options::base_name(written));
        let unknown_arguments = || WhyUnknown::Arguments { program: program() };
        let subcommand = || self.names_subcommand(line, unknown_arguments);
        let flags = || {
            every(self.flags.iter().map(|flag| match line.gives(flag) {
                Given::Yes => Truth::Yes,
                Given::Maybe => Truth::Unknown(WhyUnknown::Option { program: program() }),
                Given::No => Truth::No(not()),
            }))
        };
        let arguments = || {
            every(self.arguments.iter().map(|glob| {
                if line.words.iter().any(|word| glob.matches(&word.shown)) {
                    Truth::Yes
                } else if line.words.iter().any(|word| !word.is_literal) {
                    Truth::Unknown(unknown_arguments())
                } else {
                    Truth::No(not())
                }
            }))
        };
        subcommand().and(flags).and(arguments)
    }

    /// A word right after an option may be the option's value, so that the
    /// subcommand is the next one.
    fn names_subcommand(&self, line: &Line<'_>, unknown: impl Fn() -> WhyUnknown) -> Truth {
        if self.subcommand.is_empty() {
            return Truth::Yes;
        }
        let program = line.program.name().unwrap_or_default();
        let mut words = line.words.as_slice();
        loop {
            if self.subcommand.iter().any(|glob| names(glob, words)) {
                return Truth::Yes;
            }
            let Some((first, rest)) = words.split_first() else {
                let why = || WhyNot::Command { program: None };
                return if line.has_unknown_words {
                    Truth::Unknown(unknown())
                } else {
                    Truth::No(why())
                };
            };
            if !first.is_literal {
                return Truth::Unknown(unknown());
            }
            if !first.may_be_value || options::is_known(program) {
                return Truth::No(WhyNot::Command { program: None });
            }
            words = rest;
        }
    }

    fn covers(&self, line: &Line<'_>) -> Truth {
        let Program::Known { written, is_whole } = &line.program else {
            return Truth::Unknown(WhyUnknown::Program);
        };
        let not = || WhyNot::Command {
            program: line.program.name().map(Arc::from),
        };
        let program = || Arc::from(options::base_name(written));
        if !self.program.is_empty() {
            let Some(glob) = is_program(&self.program, written) else {
                return Truth::No(not());
            };
            let folder = written.rsplit_once('/').map(|(folder, _)| folder);
            let is_sure = *is_whole
                && (glob.as_str().contains('/') || folder.is_none_or(options::is_system_folder));
            if !is_sure {
                return Truth::Unknown(WhyUnknown::Folder {
                    program: Arc::from(&**written),
                });
            }
        }
        let Some(length) = self.subcommand_words(line) else {
            return Truth::No(not());
        };
        let arguments = line.words.get(length..).unwrap_or_default();
        let has_all = self.flags.iter().all(|flag| line.gives(flag) == Given::Yes)
            && self.covers_arguments(arguments);
        if !has_all {
            return Truth::No(not());
        }
        if line.has_unknown_words {
            return Truth::Unknown(WhyUnknown::Arguments { program: program() });
        }
        if self.is_doubtful(line) {
            return Truth::Unknown(WhyUnknown::Option { program: program() });
        }
        Truth::Yes
    }

    /// Returns how many words the subcommand has, if the command names it first.
    fn subcommand_words(&self, line: &Line<'_>) -> Option<usize> {
        if self.subcommand.is_empty() {
            return Some(0);
        }
        self.subcommand
            .iter()
            .find(|glob| names(glob, &line.words))
            .map(|glob| glob.as_str().split_whitespace().count())
    }

    /// Each glob matches an argument, and each argument a glob.
    fn covers_arguments(&self, arguments: &[Text<'_>]) -> bool {
        if self.arguments.is_empty() {
            return true;
        }
        let matches =
            |glob: &Glob, word: &Text<'_>| glob.matches(&word.shown) && !climbs(&word.shown);
        self.arguments
            .iter()
            .all(|glob| arguments.iter().any(|word| matches(glob, word)))
            && arguments
                .iter()
                .all(|word| self.arguments.iter().any(|glob| matches(glob, word)))
    }

    /// Returns whether an option may take back or take away what is covered.
    fn is_doubtful(&self, line: &Line<'_>) -> bool {
        let program = line.program.name().unwrap_or_default();
        let flags = self
            .flags
            .iter()
            .any(|flag| line.revokes(flag) || line.is_doubtful(flag));
        let subcommand = !self.subcommand.is_empty()
            && line.globals.iter().any(|option| {
                !options::is_harmless_global(program, option)
                    && !self.flags.iter().any(|flag| **flag == **option)
            });
        flags || subcommand
    }
}

/// Returns whether a path leaves the folder it seems to lie in.
fn climbs(path: &str) -> bool {
    path.split('/').any(|step| step == "..")
}

/// Returns whether the words begin with those of a subcommand.
fn names(subcommand: &Glob, words: &[Text<'_>]) -> bool {
    let mut words = words.iter();
    subcommand.as_str().split_whitespace().all(|wanted| {
        words
            .next()
            .is_some_and(|word| word.is_literal && word_matches(wanted, &word.shown))
    })
}

fn word_matches(wanted: &str, word: &str) -> bool {
    wanted == word || fast_glob::glob_match(wanted.as_bytes(), word.as_bytes())
}
