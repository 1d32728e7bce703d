//! Conditions on a command as it is written, word by word.

use std::sync::Arc;

use aegis_types::Wrapper;

use super::line::{Line, Program};
use super::options;
use super::start::may_hold;
use crate::matcher::ShellPattern;
use crate::pattern::Glob;
use crate::truth::{Truth, WhyNot, WhyUnknown, any};

impl ShellPattern {
    /// Returns whether a restriction is about the command as it is written, with
    /// its program's folder or without, and with the options before its
    /// subcommand or without.
    pub(super) fn line_touches(&self, line: &Line<'_>, written: &str) -> Truth {
        if self.line.is_empty() {
            return Truth::Yes;
        }
        let name = options::base_name(written);
        let spellings = [
            line.text(written, false),
            line.text(name, false),
            line.text(name, true),
        ];
        let runners = line.command.through.iter().filter_map(|it| match it {
            Wrapper::Program(program) => Some(options::base_name(program)),
            Wrapper::Substitution
            | Wrapper::ProcessSubstitution
            | Wrapper::Subshell
            | Wrapper::Compound
            | Wrapper::Function(_)
            | Wrapper::Text => None,
        });
        // What a runner is told besides the command it runs is not kept, and
        // stands in the text of the whole line.
        let runners: Vec<String> = runners.map(|name| format!("{name} ")).collect();
        let told = match runners.is_empty() {
            true => None,
            false => line.starts_with_runner(),
        };
        let may_be_told = |glob: &Glob| told.as_ref().is_none_or(|it| may_hold(glob, it));
        any(
            self.line.iter().map(|glob| {
                let is_run = runners.iter().any(|start| begins(glob, start)) && may_be_told(glob);
                if spellings.iter().any(|it| glob.matches_name(&it.shown)) {
                    Truth::Yes
                } else if is_run || spellings.iter().any(|it| it.may_match(glob, line)) {
                    Truth::Unknown(WhyUnknown::Arguments {
                        program: Arc::from(name),
                    })
                } else {
                    Truth::No(WhyNot::Command { program: None })
                }
            }),
            || WhyNot::Command { program: None },
        )
    }

    /// Returns whether an allow says all of the command as it is written.
    pub(super) fn line_covers(&self, line: &Line<'_>, written: &str) -> bool {
        if self.line.is_empty() {
            return true;
        }
        let text = line.text(written, false);
        self.line.iter().any(|glob| glob.matches_name(&text.shown))
    }

    /// Returns whether it is sure which program the command runs.
    ///
    /// A pattern on the line says the program's folder as well.
    pub(super) fn is_sure_of(&self, line: &Line<'_>) -> bool {
        let Program::Known {
            written, is_whole, ..
        } = &line.program
        else {
            return false;
        };
        let is_found = match written.rsplit_once('/') {
            Some((folder, _)) => !self.line.is_empty() || options::is_system_folder(folder),
            None => !line.is_shadowed(written),
        };
        *is_whole && is_found
    }
}

/// Returns whether a glob says this before anything that it leaves open.
fn begins(glob: &Glob, start: &str) -> bool {
    glob.as_str().starts_with(start) || glob.as_str().starts_with('*')
}
