//! Processes of Aegis that a command line ends, and its programs that it removes.
//!
//! What is ended is told by the effects of the line, however it is written. Where one
//! command finds the processes that another one ends, what it looks for counts.

use std::path::Path;

use aegis_shell::{program_name, written};
use aegis_types::{
    Access, Command, Effect, EffectKind, EffectResource, Plan, ProtectedKind, RedirectionKind,
    Word, Wrapper,
};

use super::expression;
use super::touches::Touches;
use crate::protected::Reach;

/// The programs, packages and services of Aegis.
const OURS: [&str; 6] = [
    "aegis",
    "aegis-cli",
    "aegis-hook",
    "aegis-server",
    "aegisctl",
    "aegisd",
];

/// How the processes of Aegis are called, and how one was started.
const PROCESSES: [&str; 2] = ["aegis", "aegis-hook"];
const STARTED: &str = "aegis serve";

/// The fewest letters of a pattern that mean the name of a program.
const LETTERS_MIN: usize = 3;

/// Programs that find processes, or what names them.
const FINDING: [&str; 14] = [
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
    "sed",
    "systemctl",
];

/// Programs behind them that only show what was found.
const SHOWING: [&str; 10] = [
    "column", "cut", "head", "jq", "less", "sort", "tail", "tr", "uniq", "wc",
];

/// Words by which managers of packages remove what is installed.
const REMOVING: [&str; 7] = [
    "uninstall",
    "remove",
    "purge",
    "autoremove",
    "erase",
    "delete",
    "rm",
];

/// Notes that a plan with these effects ends or removes Aegis.
pub(super) fn touch(plan: &Plan, effects: &[Effect], is_certain: bool, touches: &mut Touches<'_>) {
    for effect in effects {
        let named = match &effect.resource {
            EffectResource::Named(name) | EffectResource::Path(name) => Some(name.as_str()),
            EffectResource::Unknown => None,
            EffectResource::Host(_) | EffectResource::Program(_) => continue,
        };
        let causing = causing(plan, effect);
        let is_ours = named.is_some_and(names_ours);
        let sought = |text| causing.iter().any(|command| seeks_ours(command, text));
        let ends = effect.kind == EffectKind::Process
            && (is_ours
                || named.is_some_and(sought)
                || named.is_none_or(is_open)
                    && !named.is_some_and(|named| is_of_before(plan, named, &causing))
                    && finds_ours(plan, &causing));
        let removes = effect.kind == EffectKind::Package && is_ours && removes(&causing);
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

/// Returns whether a process is named by a variable that nothing in the plan can have
/// set, so that none of its commands has found it.
fn is_of_before(plan: &Plan, named: &str, enders: &[&Command]) -> bool {
    let Some(name) = named.strip_prefix('$') else {
        return false;
    };
    let is_name = |text: &str| {
        text.bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'_')
    };
    let others = plan.commands.iter();
    let mut others = others.filter(|it| !enders.iter().any(|ender| std::ptr::eq(*ender, *it)));
    let mentions = |command: &Command| {
        let words = command.program.iter().chain(&command.arguments);
        let redirections = command.redirections.iter().map(|it| &it.target);
        let mut texts = words.chain(redirections).map(written);
        texts.any(|text| text.contains(name))
            || command.assignments.iter().any(|it| it.name == name)
    };
    is_name(name) && !others.any(mentions)
}

/// Returns the commands of a plan that cause an effect.
fn causing<'p>(plan: &'p Plan, effect: &Effect) -> Vec<&'p Command> {
    let Some(cause) = effect.causes.first() else {
        return Vec::new();
    };
    let commands = plan.commands.iter();
    commands
        .filter(|it| it.span.start <= cause.start && cause.end <= it.span.end)
        .collect()
}

/// Returns whether a command takes a text for an expression that Aegis' processes match,
/// or that cannot be followed.
fn seeks_ours(command: &Command, text: &str) -> bool {
    let name = program_name(command);
    let has = |letter: char, long: &str| {
        let mut options = command.arguments.iter().filter_map(Word::literal);
        options.any(|it| {
            it == long || it.starts_with('-') && !it.starts_with("--") && it.contains(letter)
        })
    };
    let is_full = match name.as_deref() {
        Some("pkill" | "pgrep") => has('f', "--full"),
        Some("killall") if has('r', "--regexp") => false,
        Some("grep" | "egrep" | "fgrep" | "rg" | "awk" | "gawk" | "sed") => true,
        _ => return false,
    };
    let Some(expression) = with_gaps(text) else {
        return false;
    };
    let expression = match name.as_deref() {
        Some("pkill" | "pgrep") if has('x', "--exact") => format!("^({expression})$"),
        // What has to be escaped in one program stands for itself in another.
        Some("grep" | "sed") => ["|", "(", ")", "+", "?"]
            .iter()
            .fold(expression, |text, sign| {
                text.replace(&format!("\\{sign}"), sign)
            }),
        _ => expression,
    };
    let mut processes = PROCESSES.iter().chain(is_full.then_some(&STARTED));
    processes.any(|process| expression::is_found(&expression, process).unwrap_or(true))
}

/// Returns an expression in which anything stands where only running would show what is
/// there; nothing where that is all of it.
fn with_gaps(text: &str) -> Option<String> {
    if !is_open(text) {
        return Some(text.to_owned());
    }
    let mut expression = String::new();
    let mut rest = text;
    let mut has_letters = false;
    while let Some(sign) = rest.chars().next() {
        rest = rest.get(sign.len_utf8()..)?;
        let is_of_name = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
        if sign == '…' || sign == '$' && rest.starts_with(is_of_name) {
            if sign == '$' {
                rest = rest.trim_start_matches(is_of_name);
            }
            expression.push_str(".*");
        } else {
            has_letters |= sign.is_alphanumeric() || sign == '.';
            expression.push(sign);
        }
    }
    has_letters.then_some(expression)
}

/// Returns whether some command of a plan looks for processes of Aegis, and gives what it
/// finds to those that end them.
fn finds_ours(plan: &Plan, enders: &[&Command]) -> bool {
    plan.commands.iter().any(|command| {
        let name = program_name(command);
        name.is_some_and(|name| FINDING.contains(&&*name))
            && command
                .arguments
                .iter()
                .any(|word| looks_for(command, word))
            && leads_to(command, enders, plan)
    })
}

/// Returns whether a word of a command that finds processes says those of Aegis.
fn looks_for(command: &Command, word: &Word) -> bool {
    let text = written(word);
    if names_ours(&text) {
        return true;
    }
    let name = program_name(command);
    if matches!(name.as_deref(), Some("awk" | "gawk" | "sed")) {
        let mut searched = text.split('/').skip(1).step_by(2);
        return searched.any(|it| seeks_ours(command, it));
    }
    let given = text
        .strip_prefix("--regexp=")
        .or_else(|| text.strip_prefix("-e"))
        .unwrap_or(&text);
    !given.is_empty() && !given.starts_with('-') && seeks_ours(command, given)
}

/// Returns whether what a command finds may get to one of those that end processes: it is
/// no more than shown, or shown after them.
fn leads_to(finder: &Command, enders: &[&Command], plan: &Plan) -> bool {
    let is_taken = |wrapper: &Wrapper| {
        matches!(
            wrapper,
            Wrapper::Substitution | Wrapper::ProcessSubstitution
        )
    };
    let goes_on = finder.through.iter().any(is_taken) || !is_only_shown(finder, plan);
    let repeats = |wrapper: &Wrapper| matches!(wrapper, Wrapper::Compound | Wrapper::Function(_));
    let follows =
        |ender: &&Command| finder.span.start < ender.span.end || ender.through.iter().any(repeats);
    goes_on && (enders.is_empty() || enders.iter().any(follows))
}

/// Returns whether a pipeline does nothing with what a command of it prints but show it.
fn is_only_shown(finder: &Command, plan: &Plan) -> bool {
    let place = &finder.place;
    let later = plan.commands.iter().filter(|it| {
        it.place.pipeline == place.pipeline
            && it.place.length == place.length
            && it.place.position >= place.position
    });
    let writes = |command: &Command| {
        let mut redirections = command.redirections.iter();
        redirections.any(|it| {
            matches!(it.kind, RedirectionKind::Write | RedirectionKind::Append)
                && it.target.literal().as_deref() != Some("/dev/null")
        })
    };
    let shows = |command: &Command| {
        let name = program_name(command);
        name.is_some_and(|name| FINDING.contains(&&*name) || SHOWING.contains(&&*name))
            && !writes(command)
    };
    let (mut count, mut is_shown) = (0, true);
    for command in later {
        count += 1;
        is_shown &= shows(command);
    }
    is_shown && count == place.length.saturating_sub(place.position)
}

/// Returns whether one of the commands that cause an effect on a package removes it.
fn removes(causing: &[&Command]) -> bool {
    causing.iter().any(|command| {
        let first = command.arguments.first().and_then(Word::literal);
        let installs = program_name(command).as_deref() == Some("cargo")
            && matches!(first.as_deref(), Some("install"));
        command.arguments.iter().any(|word| {
            let text = word.literal().unwrap_or_default();
            REMOVING.contains(&text.as_str())
                || text.starts_with("-R")
                || installs && matches!(text.as_str(), "--force" | "-f")
        })
    })
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
