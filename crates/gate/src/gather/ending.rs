//! Processes of Aegis that a command line ends, and its programs that it removes.
//!
//! What is ended is told by the effects of the line, however it is written. Where one
//! command finds the processes that another one ends, what it looks for counts.

use std::path::Path;

use aegis_shell::program_name;
use aegis_types::{Access, Command, Effect, EffectKind, EffectResource, Plan, ProtectedKind, Word};

use super::touches::Touches;
use crate::protected::Reach;
use aegis_shell::written;

/// The programs, packages and services of Aegis.
const OURS: [&str; 6] = [
    "aegis",
    "aegis-cli",
    "aegis-hook",
    "aegis-server",
    "aegisctl",
    "aegisd",
];

/// The fewest letters of a pattern that mean the name of a program.
const LETTERS_MIN: usize = 3;

/// Programs that find processes, or what names them.
const FINDING: [&str; 13] = [
    "awk",
    "cat",
    "fuser",
    "gawk",
    "grep",
    "egrep",
    "fgrep",
    "lsof",
    "pgrep",
    "pidof",
    "ps",
    "rg",
    "systemctl",
];

/// Words by which managers of packages remove what is installed.
const REMOVING: [&str; 8] = [
    "uninstall",
    "remove",
    "purge",
    "autoremove",
    "erase",
    "delete",
    "rm",
    "--force",
];

/// Notes that a plan with these effects ends or removes Aegis.
pub(super) fn touch(plan: &Plan, effects: &[Effect], is_certain: bool, touches: &mut Touches<'_>) {
    for effect in effects {
        let named = match &effect.resource {
            EffectResource::Named(name) | EffectResource::Path(name) => Some(name.as_str()),
            EffectResource::Unknown => None,
            EffectResource::Host(_) | EffectResource::Program(_) => continue,
        };
        let is_ours = named.is_some_and(names_ours);
        let ends = effect.kind == EffectKind::Process
            && (is_ours || named.is_none_or(is_open) && finds_ours(plan));
        let removes = effect.kind == EffectKind::Package && is_ours && removes(plan, effect);
        if ends || removes {
            let reach = Reach::certain(Access::EXECUTE).if_certain(is_certain && is_ours);
            let through = named.unwrap_or("a process of Aegis");
            touches.touch(ProtectedKind::Control, Path::new(""), reach, through);
        }
    }
}

/// Returns whether a pattern, a name or a path means a program of Aegis.
fn names_ours(text: &str) -> bool {
    let plain: String = text
        .chars()
        .filter(|sign| !"[]()^$*\\+?".contains(*sign))
        .collect();
    let is_of_name = |character: char| character.is_alphanumeric() || "-_".contains(character);
    plain
        .split(|sign| !is_of_name(sign))
        .any(|word| OURS.contains(&word) || word.len() >= LETTERS_MIN && "aegis".starts_with(word))
}

/// Returns whether which process is meant only running would show.
fn is_open(name: &str) -> bool {
    name.contains(['…', '$', '{', '`'])
}

/// Returns whether some command of a plan looks for processes of Aegis.
fn finds_ours(plan: &Plan) -> bool {
    plan.commands.iter().any(|command| {
        let name = program_name(command);
        name.is_some_and(|name| FINDING.contains(&&*name))
            && command
                .arguments
                .iter()
                .any(|word| names_ours(&written(word)))
    })
}

/// Returns whether the command that causes an effect on a package removes it.
fn removes(plan: &Plan, effect: &Effect) -> bool {
    let Some(cause) = effect.causes.first() else {
        return false;
    };
    let is_cause =
        |command: &&Command| command.span.start <= cause.start && cause.end <= command.span.end;
    let is_removing = |word: &Word| {
        let text = word.literal().unwrap_or_default();
        REMOVING.contains(&text.as_str()) || text.starts_with("-R")
    };
    plan.commands
        .iter()
        .filter(is_cause)
        .any(|command| command.arguments.iter().any(is_removing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_aegis_if_it_has_its_name_or_the_start_of_it() {
        for text in [
            "aegis",
            "^aegis",
            "aeg[i]s",
            "aeg.*",
            "aegis serve",
            "aegis-hook$",
            "/run/aegis.sock",
        ] {
            assert!(names_ours(text), "{text}");
        }
        for text in ["node", "hook", "aegis-site/server", "ae", "naegis", ""] {
            assert!(!names_ours(text), "{text}");
        }
    }
}
