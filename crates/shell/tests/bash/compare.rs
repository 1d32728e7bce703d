//! Compares what bash started with what the plan of the same text lists.
//!
//! Three things must hold.
//!
//! 1. Each start is listed: some command of the plan has words that can become
//!    the arguments of the start, in its folder. A literal part becomes itself,
//!    a home directory is that of the sandbox, a pattern becomes any words of
//!    one at least, an unknown part any words or none. A start that is not
//!    listed is covered if the plan holds an unknown of its own, which says
//!    that commands may run that are not listed. The start of a program that
//!    only runs another one is listed where that one is reached through it.
//! 2. Where the plan holds no such unknown, each command that surely runs was
//!    started, each once: commands and starts are paired. What stands in a
//!    branch, a loop or a test, after `&&` or `||`, in a function that nothing
//!    calls, in a trap, or is run by `find`, `xargs` or `parallel`, may be
//!    started any number of times or never. So may what a shell reads from its
//!    input after something else may have read that, and whatever follows in the text
//!    what can end the shell: `exit`, `exec`, `return`, `set -e`. Builtins start
//!    nothing. A program that is a path may be a file that the recorder is not.
//! 3. A folder counts where the plan claims to know it and it exists, since a
//!    plan takes every `cd` to succeed and says so.

use aegis_shell::{plan, run_elsewhere};
use aegis_types::{Command, Condition, Directory, Plan, UnknownCause, Word, WordPart, Wrapper};

use super::sandbox::{Start, Trace};

/// Programs of bash itself.
const BUILTINS: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// Programs that start the command they are given, so that it is no builtin.
const STARTERS: &[&str] = &[
    "sudo", "doas", "env", "nohup", "nice", "timeout", "stdbuf", "setsid", "xargs", "find", "exec",
    "busybox", "npx", "uvx", "pipx", "uv", "ionice", "docker", "podman", "kubectl",
];

/// Programs that run what they are given as often as they find reason to.
const REPEATERS: &[&str] = &["find", "xargs", "parallel", "watch"];

/// Programs that read their input.
const READERS: &[&str] = &[
    "cat", "tee", "base64", "xxd", "rev", "tr", "head", "sort", "xargs", "sh", "bash", "zsh",
    "read", "mapfile", "select", "source", ".",
];

/// The folders of the sandbox.
const FOLDERS: &[&str] = &[
    "/",
    "/work",
    "/work/a",
    "/work/a/b",
    "/work/src",
    "/work/my dir",
    "/home",
    "/home/user",
    "/home/user/x",
    "/tmp",
    "/tmp/t",
    "/usr",
    "/usr/bin",
];

/// A command of the plan, as far as starts are concerned.
struct Listed<'p> {
    command: &'p Command,
    /// Whether it surely runs, and once.
    is_certain: bool,
    /// Whether it runs where folders are others.
    is_elsewhere: bool,
}

/// What a plan leaves open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Open {
    /// Commands may run that are not listed.
    pub commands: bool,
    /// Some word has a part that only running would show.
    pub words: bool,
}

/// Compares; returns what the plan leaves open, or what does not agree.
pub fn compare(text: &str, trace: &Trace) -> Result<Open, String> {
    let plan = plan(text);
    let open = Open {
        commands: !plan.unknowns.is_empty(),
        words: words(&plan).any(is_unknown),
    };
    if trace.is_late {
        return Err("it took too long".to_owned());
    }
    let far = elsewhere(&plan, 0);
    let mut listed = listed(&plan, false);
    for plan in &far {
        listed.append(&mut self::listed(plan, true));
    }
    let has_far_unknown = far.iter().any(|plan| !plan.unknowns.is_empty());
    if open.commands || has_far_unknown {
        return Ok(open);
    }
    let pairs: Vec<Vec<usize>> = trace
        .starts
        .iter()
        .map(|start| candidates(start, &listed))
        .collect();
    let mut wrong = Vec::new();
    for (start, pairs) in trace.starts.iter().zip(&pairs) {
        if pairs.is_empty() && !is_reached_through(start, &plan, &far) {
            wrong.push(format!("started but not listed: {start:?}"));
        }
    }
    wrong.extend(unpaired(&listed, &pairs, trace, &plan, &far));
    if wrong.is_empty() {
        Ok(open)
    } else {
        Err(wrong.join("\n"))
    }
}

/// Returns whether a word has a part that is not told; the folder in which the
/// text starts is, as a home directory is.
fn is_unknown(word: &Word) -> bool {
    word.parts.iter().any(|part| match part {
        WordPart::Unknown(cause) => !is_start(cause),
        WordPart::Literal(_) | WordPart::Pattern(_) | WordPart::Home(_) | WordPart::Stream(_) => {
            false
        }
    })
}

fn is_start(cause: &UnknownCause) -> bool {
    *cause == UnknownCause::Variable("PWD".to_owned())
}

fn words(plan: &Plan) -> impl Iterator<Item = &Word> {
    plan.commands.iter().flat_map(|command| {
        let targets = command.redirections.iter().map(|it| &it.target);
        let values = command.assignments.iter().map(|it| &it.value);
        let program = command.program.iter();
        program
            .chain(&command.arguments)
            .chain(targets)
            .chain(values)
    })
}

/// Returns the plans of what runs on other machines or in containers.
fn elsewhere(plan: &Plan, depth: u32) -> Vec<Plan> {
    let mut plans = Vec::new();
    for text in plan.commands.iter().filter_map(run_elsewhere) {
        let inner = aegis_shell::plan(&text);
        if depth < 4 {
            plans.append(&mut elsewhere(&inner, depth + 1));
        }
        plans.push(inner);
    }
    plans
}

fn listed(plan: &Plan, is_elsewhere: bool) -> Vec<Listed<'_>> {
    let mut listed = Vec::new();
    let mut may_have_ended = false;
    for command in &plan.commands {
        let Some(program) = &command.program else {
            continue;
        };
        let name = program.literal();
        let name = name.as_deref().unwrap_or_default();
        if BUILTINS.contains(&name) && !is_started(command) {
            may_have_ended |= may_end(name, command);
            continue;
        }
        let repeats = command.through.iter().any(|wrapper| match wrapper {
            Wrapper::Compound => true,
            Wrapper::Program(name) => REPEATERS.contains(&name.as_str()),
            Wrapper::Substitution
            | Wrapper::ProcessSubstitution
            | Wrapper::Subshell
            | Wrapper::Function(_)
            | Wrapper::Text => false,
        });
        may_have_ended |= may_lack_text(command, &plan.commands);
        let is_file =
            name.contains('/') && !name.starts_with("/usr/bin/") && !name.starts_with("/bin/");
        listed.push(Listed {
            command,
            is_certain: command.place.condition == Condition::Always
                && !(repeats || is_file || may_have_ended || is_elsewhere),
            is_elsewhere,
        });
        may_have_ended |= command
            .through
            .contains(&Wrapper::Program("exec".to_owned()));
    }
    listed
}

/// Returns whether something before `command` may have read the text that a
/// shell reads from its input, and in which it stands.
fn may_lack_text(command: &Command, commands: &[Command]) -> bool {
    let is_given = |pair: &[Wrapper]| matches!(pair, [Wrapper::Program(_), Wrapper::Text]);
    let Some(at) = command.through.windows(2).position(is_given) else {
        return false;
    };
    let shell = &command.through[..at + 2];
    let before = commands
        .iter()
        .take_while(|other| !std::ptr::eq(*other, command));
    let reads = |name: &str| READERS.contains(&name);
    before
        .filter(|other| other.through.starts_with(shell))
        .any(|other| {
            let name = aegis_shell::program_name(other);
            name.is_some_and(|name| reads(&name))
                || other.through[at + 2..]
                    .iter()
                    .any(|wrapper| matches!(wrapper, Wrapper::Program(name) if reads(name)))
        })
}

fn is_started(command: &Command) -> bool {
    matches!(command.through.last(), Some(Wrapper::Program(name)) if STARTERS.contains(&name.as_str()))
}

fn may_end(name: &str, command: &Command) -> bool {
    let sets = |word: &Word| {
        word.literal()
            .is_none_or(|text| text.starts_with(['-', '+']) && text.contains(['e', 'n', 'u', 't']))
    };
    match name {
        "exit" | "return" | "exec" | "logout" | "kill" | "suspend" | "break" | "continue" => true,
        "set" => command.arguments.iter().any(sets),
        _ => false,
    }
}

/// Returns the commands that a start can be.
fn candidates(start: &Start, listed: &[Listed<'_>]) -> Vec<usize> {
    let fits = |listed: &Listed<'_>| {
        let command = listed.command;
        let words: Vec<&Word> = command.program.iter().chain(&command.arguments).collect();
        let is_there =
            listed.is_elsewhere || folder(&command.directory).is_none_or(|it| it == start.folder);
        // What `xargs` reads may be nothing.
        let may_vanish = command
            .through
            .contains(&Wrapper::Program("xargs".to_owned()));
        is_there
            && (become_arguments(&words, &start.arguments)
                || may_vanish
                    && start.arguments.len() == 1
                    && become_arguments(&words[..1], &start.arguments))
    };
    let all = listed.iter().enumerate();
    all.filter(|(_, listed)| fits(listed))
        .map(|(index, _)| index)
        .collect()
}

/// Returns the folder of a command, if the plan claims to know it and it exists.
fn folder(directory: &Directory) -> Option<String> {
    let path = match directory {
        Directory::Start => "/work".to_owned(),
        Directory::Unknown => return None,
        Directory::Moved(path) => match path.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("/home/user{rest}"),
            Some(_) => return None,
            None if path.starts_with('/') => path.clone(),
            None => format!("/work/{path}"),
        },
    };
    let ends = path.char_indices().filter(|(_, sign)| *sign == '/');
    let starts = ends.filter_map(|(end, _)| path.get(..end));
    let mut steps = starts.chain([path.as_str()]).map(tidied);
    steps
        .all(|step| FOLDERS.contains(&step.as_str()))
        .then(|| tidied(&path))
}

/// Returns whether `words` can become `arguments`.
fn become_arguments(words: &[&Word], arguments: &[String]) -> bool {
    let Some((word, words)) = words.split_first() else {
        return arguments.is_empty();
    };
    let has = |is: fn(&WordPart) -> bool| word.parts.iter().any(is);
    let is_unknown = is_unknown(word);
    let is_pattern = has(|part| matches!(part, WordPart::Pattern(_)));
    let Some((first, rest)) = arguments.split_first() else {
        return is_unknown && become_arguments(words, arguments);
    };
    if (become_text(&word.parts, first) || is_same_path(word, first))
        && become_arguments(words, rest)
    {
        return true;
    }
    if !is_unknown && !is_pattern {
        return false;
    }
    let fewest = if is_unknown { 0 } else { 2 };
    (fewest..=arguments.len()).any(|count| become_arguments(words, &arguments[count..]))
}

/// Returns whether a word is a path from the folder at the start, which bash writes shorter.
fn is_same_path(word: &Word, text: &str) -> bool {
    let Some((WordPart::Unknown(cause), rest)) = word.parts.split_first() else {
        return false;
    };
    let rest = Word {
        parts: rest.to_vec(),
        ..word.clone()
    };
    is_start(cause)
        && rest
            .literal()
            .is_some_and(|rest| tidied(&format!("/work{rest}")) == text)
}

fn tidied(path: &str) -> String {
    let mut components: Vec<&str> = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop();
            }
            _ => components.push(component),
        }
    }
    format!("/{}", components.join("/"))
}

/// Returns whether `parts` can become `text`.
fn become_text(parts: &[WordPart], text: &str) -> bool {
    let Some((part, parts)) = parts.split_first() else {
        return text.is_empty();
    };
    let after = |start: &str| {
        text.strip_prefix(start)
            .is_some_and(|rest| become_text(parts, rest))
    };
    match part {
        WordPart::Literal(literal) => after(literal),
        WordPart::Home(None) => after("/home/user"),
        WordPart::Unknown(cause) if is_start(cause) => after("/work"),
        WordPart::Stream(_) => text.strip_prefix("/dev/fd/").is_some_and(|rest| {
            become_text(parts, rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        }),
        WordPart::Home(Some(_)) | WordPart::Pattern(_) | WordPart::Unknown(_) => {
            let mut ends = (0..=text.len()).filter_map(|end| text.get(end..));
            ends.any(|rest| become_text(parts, rest))
        }
    }
}

/// Returns whether a start only ran commands that are listed with it as a wrapper.
fn is_reached_through(start: &Start, plan: &Plan, far: &[Plan]) -> bool {
    let program = &start.arguments[0];
    let name = program.rsplit('/').next().unwrap_or_default();
    let wraps = |command: &Command| {
        command.through.iter().any(|wrapper| match wrapper {
            Wrapper::Program(wrapper) => wrapper == name,
            Wrapper::Substitution
            | Wrapper::ProcessSubstitution
            | Wrapper::Subshell
            | Wrapper::Compound
            | Wrapper::Function(_)
            | Wrapper::Text => false,
        })
    };
    let commands = far.iter().chain([plan]).flat_map(|plan| &plan.commands);
    let mut commands = commands.filter(|command| wraps(command));
    commands.next().is_some()
}

/// Returns what cannot be paired: commands that surely run, and starts that
/// no other command explains.
///
/// A pairing of all the former and one of all the latter make one of both.
fn unpaired(
    listed: &[Listed<'_>],
    pairs: &[Vec<usize>],
    trace: &Trace,
    plan: &Plan,
    far: &[Plan],
) -> Vec<String> {
    let mut wrong = Vec::new();
    let certain: Vec<usize> = (0..listed.len())
        .filter(|index| listed[*index].is_certain)
        .collect();
    let starts_of = |command: usize| {
        let of = |start: &usize| pairs[*start].contains(&command);
        (0..pairs.len()).filter(of).collect::<Vec<_>>()
    };
    let choices: Vec<Vec<usize>> = certain.iter().map(|command| starts_of(*command)).collect();
    for index in unmatched(&choices, pairs.len()) {
        let command = listed[certain[index]].command;
        wrong.push(format!(
            "listed but not started: {}",
            crate::show::command(command)
        ));
    }
    let bound: Vec<usize> = (0..pairs.len())
        .filter(|start| {
            !pairs[*start].is_empty()
                && pairs[*start]
                    .iter()
                    .all(|command| listed[*command].is_certain)
                && !is_reached_through(&trace.starts[*start], plan, far)
        })
        .collect();
    let choices: Vec<Vec<usize>> = bound.iter().map(|start| pairs[*start].clone()).collect();
    for index in unmatched(&choices, listed.len()) {
        wrong.push(format!(
            "started more often than listed: {:?}",
            trace.starts[bound[index]]
        ));
    }
    wrong
}

/// Returns those of `choices` that get none when each gets one of its own.
fn unmatched(choices: &[Vec<usize>], count: usize) -> Vec<usize> {
    let mut owners: Vec<Option<usize>> = vec![None; count];
    (0..choices.len())
        .filter(|chooser| !find(*chooser, choices, &mut owners, &mut vec![false; count]))
        .collect()
}

fn find(
    chooser: usize,
    choices: &[Vec<usize>],
    owners: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for choice in &choices[chooser] {
        if std::mem::replace(&mut seen[*choice], true) {
            continue;
        }
        let is_free = match owners[*choice] {
            None => true,
            Some(owner) => find(owner, choices, owners, seen),
        };
        if is_free {
            owners[*choice] = Some(chooser);
            return true;
        }
    }
    false
}
