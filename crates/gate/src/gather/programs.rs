//! Programs that are judged by what they are: Aegis itself and agent hosts.

use std::path::{Path, PathBuf};

use aegis_shell::program_name;
use aegis_types::{Access, Command, NestedAgent, ProtectedKind, Word, Wrapper};

use super::alike::is_copy;
use super::resolve::{Found, Last};
use super::shell::{self, Line, directory_of, text_of};
use super::standing::in_search_path;
use super::touches::Touches;
use super::word::{Shape, shape};
use crate::process::{AGENT_HOSTS, host_package};
use crate::protected::Reach;
use crate::read_file::read_regular;

/// The most bytes of a settings file of the host.
const SETTINGS_BYTES_MAX: u64 = 16 << 20;

/// Commands of `aegis` that change nothing of Aegis, with their subcommands;
/// an empty list means all of them.
const READING: [(&str, &[&str]); 12] = [
    ("doctor", &[]),
    ("version", &[]),
    ("help", &[]),
    ("validate", &[]),
    ("schema", &[]),
    ("demo", &[]),
    ("init", &[]),
    ("completions", &[]),
    ("policy", &["check", "explain", "show"]),
    ("log", &["list", "show", "export", "verify", "replay"]),
    ("audit", &["list", "show", "export", "verify", "replay"]),
    ("approvals", &["list", "show"]),
];

/// Programs that write what they read at another place.
const COPYING: [&str; 18] = [
    "base64", "bsdtar", "cat", "cp", "dd", "gcp", "ginstall", "gzip", "install", "objcopy",
    "rsync", "scp", "sponge", "strip", "tar", "xxd", "xz", "zip",
];

/// Those of them that print it.
const PRINTING: [&str; 4] = ["base64", "cat", "dd", "xxd"];

/// Options of `claude` with which the settings that register Aegis do not count.
const SWITCHES: [&str; 6] = [
    "--bare",
    "--safe-mode",
    "--settings",
    "--setting-sources",
    "--managed-settings",
    "--restricted",
];

/// Variables with which an agent host reads other settings.
const VARIABLES: [&str; 11] = [
    "HOME",
    "CLAUDE_CONFIG_DIR",
    "XDG_CONFIG_HOME",
    "CLAUDE_CODE_SIMPLE",
    "AEGIS_HOME",
    "CLAUDE_PROJECT_DIR",
    "NODE_OPTIONS",
    "PATH",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "BUN_OPTIONS",
];

/// Packages that hold agent hosts.
const PACKAGES: [(&str, &str); 13] = [
    ("@anthropic-ai/claude-code", "claude"),
    ("claude-code", "claude"),
    ("@openai/codex", "codex"),
    ("@google/gemini-cli", "gemini"),
    ("opencode-ai", "opencode"),
    ("@github/copilot", "copilot"),
    ("aider-chat", "aider"),
    ("aider", "aider"),
    ("goose-ai", "goose"),
    ("@qwen-code/qwen-code", "qwen"),
    ("@charmland/crush", "crush"),
    ("@augmentcode/auggie", "auggie"),
    ("droid-cli", "droid"),
];

/// Adds the commands of Aegis that change it, and returns the agents started.
pub(crate) fn judge(line: &Line<'_>, touches: &mut Touches<'_>) -> Vec<NestedAgent> {
    let mut agents = Vec::new();
    for command in &line.plan.commands {
        let programs = programs_of(line, command, touches);
        if programs.is_aegis && !only_reads(command) {
            let reach =
                Reach::certain(Access::EXECUTE).if_certain(line.is_certain && !has_gap(command));
            let path = programs.path.clone().unwrap_or_default();
            let through = text_of(line, command);
            touches.touch(ProtectedKind::Control, &path, reach, through);
        }
        for word in copied_from(line, command) {
            let path = shell::path_of(line, command, &word, touches);
            let real = path.and_then(|path| {
                let base = touches.base;
                touches.resolver.follow(base, &path, Last::Followed)
            });
            let Some(real) = real.filter(|real| is_program(touches, real)) else {
                continue;
            };
            let reach = Reach::certain(Access::EXECUTE).if_certain(line.is_certain);
            let through = text_of(line, command);
            touches.touch(ProtectedKind::Control, &real.path, reach, through);
        }
        if let Some(agent) = nested(line, command, &programs, touches) {
            agents.push(agent);
        }
    }
    agents
}

/// What the program of a command is.
struct Programs {
    name: String,
    path: Option<PathBuf>,
    is_aegis: bool,
}

fn programs_of(line: &Line<'_>, command: &Command, touches: &Touches<'_>) -> Programs {
    let name = program_name(command).unwrap_or_default().into_owned();
    let path = path_of(line, command, touches);
    let real = path
        .as_deref()
        .and_then(|path| touches.resolver.follow(touches.base, path, Last::Followed));
    let is_ours = real
        .as_ref()
        .is_some_and(|found| is_program(touches, found));
    let is_named = matches!(
        name.as_str(),
        "aegis" | "aegis-hook" | "aegisd" | "aegisctl"
    );
    Programs {
        is_aegis: is_ours || is_named,
        path: real.map(|found| found.path),
        name,
    }
}

/// Returns whether a file is a program of Aegis, or a copy of one.
fn is_program(touches: &Touches<'_>, found: &Found) -> bool {
    let held = touches.protected.holding(&found.path, found.identity);
    held.is_some_and(|object| object.kind == ProtectedKind::Program)
        || touches
            .protected
            .programs()
            .any(|original| is_copy(&found.path, original))
}

/// Returns the files whose content a command brings to another place.
fn copied_from(line: &Line<'_>, command: &Command) -> Vec<Word> {
    let name = program_name(command);
    let Some(name) = name.filter(|name| COPYING.contains(&name.as_ref())) else {
        return Vec::new();
    };
    let touched = aegis_shell::touched(command);
    let is_written = touched.iter().any(|item| item.access.write);
    // What these print may go anywhere.
    let place = command.place;
    let mut others = line.plan.commands.iter().map(|other| other.place);
    let prints = PRINTING.contains(&name.as_ref())
        && others.any(|other| other.pipeline == place.pipeline && other.position > place.position);
    if !is_written && !prints {
        return Vec::new();
    }
    let read = touched.into_iter();
    let read = read.filter(|item| item.access.read && !item.access.write);
    read.map(|item| item.word).collect()
}

/// Returns the file that a command would run.
fn path_of(line: &Line<'_>, command: &Command, touches: &Touches<'_>) -> Option<PathBuf> {
    let word = command.program.as_ref()?;
    let text = match shape(word, line.surroundings, touches.base).shape {
        Shape::Path(text) => text,
        Shape::Pattern(_) | Shape::Gap { .. } => return None,
    };
    if text.contains('/') {
        return Some(directory_of(line, command, touches)?.join(text));
    }
    in_search_path(&text, line.surroundings, touches)
}

fn has_gap(command: &Command) -> bool {
    command.arguments.iter().any(Word::is_unknown)
}

/// Returns whether a command of Aegis certainly changes nothing of it.
fn only_reads(command: &Command) -> bool {
    let words: Vec<Option<String>> = command.arguments.iter().map(Word::literal).collect();
    let Some(words) = words.into_iter().collect::<Option<Vec<String>>>() else {
        return false;
    };
    let comes_from_elsewhere = command.through.iter().any(|wrapper| match wrapper {
        Wrapper::Program(name) => matches!(name.as_str(), "xargs" | "parallel"),
        Wrapper::Substitution
        | Wrapper::ProcessSubstitution
        | Wrapper::Subshell
        | Wrapper::Compound
        | Wrapper::Function(_)
        | Wrapper::Text => false,
    });
    if comes_from_elsewhere {
        return false;
    }
    let asks = |word: &String| matches!(word.as_str(), "--help" | "-h" | "--version" | "-V");
    // After `--` nothing is an option any more.
    if words.iter().take_while(|word| *word != "--").any(asks) {
        return true;
    }
    let mut plain = words.iter().filter(|word| !word.starts_with('-'));
    let Some(first) = plain.next() else {
        // Without a subcommand `aegis` shows its help; `aegis-hook` decides.
        return program_name(command).as_deref() == Some("aegis") && words.is_empty();
    };
    let Some((_, subcommands)) = READING.iter().find(|(name, _)| name == first) else {
        return false;
    };
    if first == "init" {
        return !words.iter().any(|word| word == "--force" || word == "-f");
    }
    subcommands.is_empty()
        || plain
            .next()
            .is_some_and(|next| subcommands.contains(&next.as_str()))
}

/// Returns the agent that a command starts, if Aegis may not govern it.
fn nested(
    line: &Line<'_>,
    command: &Command,
    programs: &Programs,
    touches: &Touches<'_>,
) -> Option<NestedAgent> {
    let words: Vec<String> = command
        .arguments
        .iter()
        .map(|word| word.literal().unwrap_or_default())
        .collect();
    if let Some(agent) = nested_elsewhere(command) {
        return Some(agent);
    }
    let hosts = match is_near(command) {
        true => hosts_installed(line, touches),
        false => Vec::new(),
    };
    let (host, rest) = match host_of(programs, &words, &hosts) {
        Some(found) => found,
        None => (host_looked_up(line, command)?, words.as_slice()),
    };
    if only_asks(rest) {
        return None;
    }
    let cause = if host == "claude" {
        cause_of_claude(line, command, rest).or_else(|| cause_of_folder(line, command, touches))?
    } else {
        "it does not run under Aegis' hooks".to_owned()
    };
    Some(NestedAgent {
        program: host,
        cause,
    })
}

/// Returns whether a program is named by its path, outside of the folders of the system.
fn is_near(command: &Command) -> bool {
    let program = command.program.as_ref().and_then(Word::literal);
    program.is_some_and(|text| {
        text.contains('/')
            && !["/usr/", "/bin/", "/sbin/", "/opt/"]
                .iter()
                .any(|it| text.starts_with(it))
    })
}

/// Returns the real files of the agent hosts that are installed.
fn hosts_installed(line: &Line<'_>, touches: &Touches<'_>) -> Vec<(&'static str, PathBuf)> {
    let found = AGENT_HOSTS.into_iter().filter_map(|host| {
        let path = in_search_path(host, line.surroundings, touches)?;
        let real = touches
            .resolver
            .follow(touches.base, &path, Last::Followed)?;
        Some((host, real.path))
    });
    found.collect()
}

/// Returns the agent host of which a program is a copy.
fn host_copied(path: &Path, hosts: &[(&'static str, PathBuf)]) -> Option<String> {
    let mut hosts = hosts.iter();
    let found = hosts.find(|(_, original)| path == original || is_copy(path, original));
    found.map(|(host, _)| (*host).to_owned())
}

/// Returns the agent host that a substitution looks up: `$(which claude)`.
fn host_looked_up(line: &Line<'_>, command: &Command) -> Option<String> {
    let program = command.program.as_ref().filter(|word| word.is_unknown())?;
    let within = |inner: &&Command| {
        inner.through.contains(&Wrapper::Substitution)
            && inner.span.start >= program.span.start
            && inner.span.end <= program.span.end
    };
    let mut words = line
        .plan
        .commands
        .iter()
        .filter(within)
        .flat_map(|inner| inner.arguments.iter().filter_map(Word::literal));
    words.find_map(|word| package_host(word.rsplit('/').next().unwrap_or(&word)))
}

/// Returns the agent that a command starts on another machine or in a container.
fn nested_elsewhere(command: &Command) -> Option<NestedAgent> {
    let text = aegis_shell::run_elsewhere(command)?;
    let plan = aegis_shell::plan(&text);
    plan.commands.iter().find_map(|inner| {
        let programs = Programs {
            name: program_name(inner)?.into_owned(),
            path: None,
            is_aegis: false,
        };
        let words: Vec<String> = inner
            .arguments
            .iter()
            .map(|word| word.literal().unwrap_or_default())
            .collect();
        let (host, rest) = host_of(&programs, &words, &[])?;
        (!only_asks(rest)).then(|| NestedAgent {
            program: host,
            cause: "it does not run on this machine, under Aegis' hooks".to_owned(),
        })
    })
}

/// Returns whether an agent host is only asked what it is.
fn only_asks(words: &[String]) -> bool {
    let asks = |word: &String| {
        matches!(
            word.as_str(),
            "--version" | "-v" | "--help" | "-h" | "-V" | "version" | "help"
        )
    };
    matches!(words, [word] if asks(word))
}

/// Returns the agent host that a command runs, and its own arguments.
///
/// `hosts` are the files that the names of agent hosts lead to.
fn host_of<'w>(
    programs: &Programs,
    words: &'w [String],
    hosts: &[(&'static str, PathBuf)],
) -> Option<(String, &'w [String])> {
    let plain = programs.name.trim_end_matches(".exe");
    if AGENT_HOSTS.contains(&plain) {
        return Some((plain.to_owned(), words));
    }
    let real = programs.path.as_ref().and_then(|path| {
        let text = path.to_string_lossy();
        let name = path.file_name()?.to_string_lossy();
        AGENT_HOSTS
            .contains(&&*name)
            .then(|| name.into_owned())
            .or_else(|| host_package(&text))
    });
    let real = real.or_else(|| host_copied(programs.path.as_deref()?, hosts));
    if let Some(host) = real {
        return Some((host, words));
    }
    let is_runner = matches!(
        plain,
        "npx"
            | "npm"
            | "pnpm"
            | "pnpx"
            | "yarn"
            | "bunx"
            | "bun"
            | "uvx"
            | "uv"
            | "pipx"
            | "deno"
            | "node"
            | "python"
            | "python3"
    );
    if !is_runner {
        return None;
    }
    let place = words.iter().position(|word| package_host(word).is_some())?;
    // Looking at a package, or installing it, starts nothing.
    let manages = |word: &String| {
        matches!(
            word.as_str(),
            "install"
                | "i"
                | "add"
                | "view"
                | "info"
                | "remove"
                | "uninstall"
                | "update"
                | "ls"
                | "list"
                | "outdated"
                | "search"
                | "pip"
        )
    };
    if words.iter().take(place).any(manages) {
        return None;
    }
    let host = words.get(place).and_then(|word| package_host(word))?;
    Some((host, words.get(place + 1..).unwrap_or_default()))
}

fn package_host(word: &str) -> Option<String> {
    let bare = match word.get(1..).and_then(|rest| rest.find('@')) {
        Some(version) => word.get(..version + 1).unwrap_or(word),
        None => word,
    };
    PACKAGES
        .iter()
        .find(|(package, _)| *package == bare)
        .map(|(_, host)| (*host).to_owned())
        .or_else(|| AGENT_HOSTS.contains(&bare).then(|| bare.to_owned()))
        .or_else(|| host_package(word))
}

/// Returns why a `claude` would not run under the same hooks; nothing if it does.
fn cause_of_claude(line: &Line<'_>, command: &Command, words: &[String]) -> Option<String> {
    let option = words.iter().find(|word| {
        let name = word.split('=').next().unwrap_or(word);
        SWITCHES.contains(&name)
    });
    if let Some(option) = option {
        let name = option.split('=').next().unwrap_or(option);
        return Some(format!("`{name}` switches its hooks off or changes them"));
    }
    let assigned = line
        .plan
        .commands
        .iter()
        .flat_map(|command| &command.assignments)
        .map(|assignment| assignment.name.as_str())
        .find(|name| VARIABLES.contains(name) || name.starts_with("ANTHROPIC_"));
    let mut unset = line
        .plan
        .commands
        .iter()
        .filter(|command| program_name(command).as_deref() == Some("unset"))
        .flat_map(|command| command.arguments.iter().filter_map(Word::literal))
        .filter(|name| VARIABLES.contains(&name.as_str()));
    if let Some(name) = unset.next() {
        return Some(format!("`{name}` is unset, so it reads other settings"));
    }
    if let Some(name) = assigned {
        return Some(format!("`{name}` is changed, so it reads other settings"));
    }
    let clears = command.through.iter().any(|wrapper| match wrapper {
        Wrapper::Program(name) => matches!(
            name.as_str(),
            "env" | "sudo" | "su" | "doas" | "chroot" | "unshare" | "docker" | "podman" | "ssh"
        ),
        Wrapper::Substitution
        | Wrapper::ProcessSubstitution
        | Wrapper::Subshell
        | Wrapper::Compound
        | Wrapper::Function(_)
        | Wrapper::Text => false,
    });
    if clears {
        return Some("it may run as another user or without its variables".to_owned());
    }
    if command.arguments.iter().any(Word::is_unknown) {
        return Some("its options only show when it runs".to_owned());
    }
    None
}

/// Returns why a `claude` in another folder would not run under the same hooks.
///
/// A project's settings count where its client is started, and nowhere else.
fn cause_of_folder(line: &Line<'_>, command: &Command, touches: &Touches<'_>) -> Option<String> {
    let folder = directory_of(line, command, touches);
    if folder.as_deref() == Some(touches.base) {
        return None;
    }
    let managed = &line.surroundings.host_managed;
    let everywhere = [
        line.surroundings.home.join(".claude/settings.json"),
        managed.join("managed-settings.json"),
    ];
    let registers = |file: &PathBuf| {
        read_regular(file, SETTINGS_BYTES_MAX)
            .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("aegis-hook"))
    };
    (!everywhere.iter().any(registers))
        .then(|| "Aegis is not registered in the folder it runs in".to_owned())
}
