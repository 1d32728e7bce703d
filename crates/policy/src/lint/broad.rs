//! Allows that are about more than anybody can oversee.

use aegis_types::{ApprovalTerms, DurationMs, Otherwise, Verdict};

use super::clause::{Clause, Level, get, items, map, texts};
use super::{Lint, LintCode};
use crate::parse::Entry;
use crate::pattern::{Glob, Pattern};
use crate::problem::quoted;

/// Programs that run whatever they are given, or run it as somebody else.
const RUNNERS: [&str; 59] = [
    "sh",
    "bash",
    "zsh",
    "dash",
    "ksh",
    "fish",
    "csh",
    "tcsh",
    "pwsh",
    "powershell",
    "cmd",
    "busybox",
    "python",
    "python2",
    "python3",
    "pypy3",
    "node",
    "nodejs",
    "deno",
    "bun",
    "ruby",
    "perl",
    "php",
    "lua",
    "tclsh",
    "osascript",
    "awk",
    "gawk",
    "env",
    "xargs",
    "find",
    "parallel",
    "eval",
    "exec",
    "source",
    "sudo",
    "su",
    "doas",
    "pkexec",
    "nohup",
    "setsid",
    "ssh",
    "npx",
    "bunx",
    "uvx",
    "make",
    "gmake",
    "just",
    "npm",
    "pnpm",
    "yarn",
    "docker",
    "podman",
    "kubectl",
    "git",
    "tmux",
    "screen",
    "vim",
    "emacs",
];

/// Tools that take a command line.
const SHELLS: [&str; 3] = ["Bash", "Monitor", "PowerShell"];

/// Tools that write files.
const WRITERS: [&str; 4] = ["Write", "Edit", "MultiEdit", "NotebookEdit"];

/// Effects of which nobody can oversee what they are done to.
const WEIGHTY: [&str; 13] = [
    "write",
    "delete",
    "execute",
    "upload",
    "privilege",
    "persistence",
    "credential",
    "history",
    "remote_code",
    "written_code",
    "loaded_code",
    "remote_shell",
    "unknown",
];

/// Texts of which a condition that says something misses one.
const ANY_TEXTS: [&str; 6] = ["a", "7", "-", "/", "x y", "Z\nz"];

/// Scripts that lie in the project, where `unknown: true` is the way to allow them.
const PROJECT_SCRIPTS: [&str; 4] = ["gradlew", "mvnw", "configure", "manage.py"];

/// Folders that hold keys and passwords.
const KEY_FOLDERS: [&str; 7] = [
    "~/.aws",
    "~/.config/gcloud",
    "~/.docker",
    "~/.gnupg",
    "~/.kube",
    "~/.password-store",
    "~/.ssh",
];

/// Last parts of names that lead to no host of the internet.
const LOCAL_NAMES: [&str; 5] = ["home", "internal", "lan", "local", "localhost"];

/// The shortest time in which a person can be expected to answer.
const ANSWER_MIN: DurationMs = DurationMs::from_secs(60);

/// Finds what an allow takes in beyond what can be meant.
pub(super) fn check(lint: &mut Lint<'_>, clause: &Clause<'_, '_>) {
    check_silence(lint, clause);
    if clause.verdict != Verdict::Allow || clause.limit.is_some() {
        return;
    }
    let everything = clause
        .get("match")
        .filter(|it| texts(it).iter().any(|(text, _)| *text == "all"));
    if let Some(node) = everything {
        lint.find(LintCode::BroadAllow, &node.span, "this allows everything")
            .help("name what is meant; what no rule holds for is decided by `default`");
    }
    let levels = clause.levels();
    for level in levels.iter().filter(|it| !it.is_negated) {
        check_patterns(lint, level);
        for shell in level.shells() {
            check_programs(lint, level, shell);
        }
    }
    check_unknown(lint, clause, &levels);
}

/// Finds questions that nobody can answer before silence allows.
fn check_silence(lint: &mut Lint<'_>, clause: &Clause<'_, '_>) {
    let rule = clause.rule.filter(|rule| rule.verdict == Verdict::Ask);
    let terms = rule.and_then(|rule| rule.approval.as_ref());
    let is_quiet =
        |terms: &&ApprovalTerms| terms.otherwise == Otherwise::Allow && terms.within < ANSWER_MIN;
    if let Some((terms, node)) = terms.filter(is_quiet).zip(clause.get("approval")) {
        let message = format!("nobody who answers later than {} is heard", terms.within);
        lint.find(LintCode::QuietAsk, &node.span, message)
            .help("give a minute or more in `within`, or write `otherwise: deny`");
    }
}

fn check_patterns(lint: &mut Lint<'_>, level: &Level<'_, '_>) {
    if level.says_only(&[]) {
        check_tools(lint, level);
    }
    check_exceptions(lint, level);
    let is_who = |entry: &Entry<'_>| matches!(entry.key.as_ref(), "agent" | "skill");
    if let Some(entry) = level.entries.first().filter(|_| !level.is_inner)
        && level.entries.iter().all(is_who)
    {
        let message = "this allows whatever is done there";
        lint.find(LintCode::BroadAllow, &entry.key_span, message)
            .help("say what may be done, and not only by whom");
    }
    for (text, node) in level.hosts() {
        let message = match text.strip_prefix("*.") {
            _ if matches!(text, "*" | "**" | "*.*") => "this allows every host",
            Some(rest) if !rest.contains('.') && !LOCAL_NAMES.contains(&rest) => {
                "this allows names that anybody can have"
            }
            Some(_) | None => continue,
        };
        lint.find(LintCode::BroadAllow, &node.span, message)
            .help("name the hosts: `*.example.org` is every name below one");
    }
    check_classes(lint, level);
    for (text, node) in level.paths() {
        let message = match text {
            "/**" | "**" | "**/*" | "/" | "/**/*" | "/*/**" => "this allows every path",
            "~" | "~/**" | "~/**/*" | "/home/**" | "/home/*/**" | "/Users/**" | "/root/**" => {
                "this allows everything at home: keys, settings, and what runs at the next login"
            }
            _ if is_key_folder(text) => "this allows keys and passwords",
            _ => continue,
        };
        lint.find(LintCode::BroadAllow, &node.span, message)
            .help("name the folders: `./**` is the project");
    }
    if level.says_only(&["effect"])
        && let Some((text, node)) = level
            .texts("effect")
            .into_iter()
            .find(|(text, _)| WEIGHTY.contains(text))
    {
        let message = format!("this allows {} of whatever it is done to", quoted(text));
        lint.find(LintCode::BroadAllow, &node.span, message)
            .help("say what it may be done to, with `path:`, `host:` or `shell:`");
    }
    check_params(lint, level);
}

/// Returns whether a glob is about all of a folder that holds keys and passwords.
fn is_key_folder(glob: &str) -> bool {
    let folder = glob.strip_suffix("/**").or_else(|| glob.strip_suffix("/*"));
    folder.is_some_and(|folder| KEY_FOLDERS.contains(&folder))
}

/// Finds what is allowed by the names of tools or actions alone.
fn check_tools(lint: &mut Lint<'_>, level: &Level<'_, '_>) {
    let tools = level.texts("tool");
    for (text, node) in &tools {
        let glob = Glob((*text).into());
        let named = |names: &[&'static str]| names.iter().copied().find(|it| glob.matches(it));
        let message = match *text {
            "*" | "**" => "this allows every tool".to_owned(),
            "mcp__*" | "mcp__*__*" => "this allows every tool of every server".to_owned(),
            _ => match (named(&SHELLS), named(&WRITERS)) {
                (Some(tool), _) => format!("this allows every command line of {}", quoted(tool)),
                (None, Some(tool)) => format!("this allows {} of every file", quoted(tool)),
                (None, None) => continue,
            },
        };
        lint.find(LintCode::BroadAllow, &node.span, message).help(
            "say what its calls may do: `effect: read`, `path: ./**`, or commands under `shell:`",
        );
    }
    let actions = level.texts("action").into_iter();
    for (text, node) in actions.filter(|_| tools.is_empty()) {
        let message = match text {
            "shell.exec" => "this allows every command line",
            "fs.write" => "this allows every file to be written",
            "mcp.call" => "this allows every tool of every server",
            "tool.call" => "this allows every tool that is not known",
            _ => continue,
        };
        lint.find(LintCode::BroadAllow, &node.span, message)
            .help("name the tools, and say what their calls may do");
    }
}

/// Finds what is allowed by saying only what is not meant.
fn check_exceptions(lint: &mut Lint<'_>, level: &Level<'_, '_>) {
    let Some(node) = level.get("not").filter(|_| level.says_only(&["not"])) else {
        return;
    };
    let is_who = |key: &str| matches!(key, "tool" | "action" | "agent" | "skill");
    let mut keys = items(node).iter().flat_map(map);
    let says_nothing = !level.is_inner || keys.all(|entry| is_who(&entry.key));
    if level.entries.len() == 1 && says_nothing {
        lint.find(
            LintCode::BroadAllow,
            &node.span,
            "this allows everything else",
        )
        .help("name what is meant, and not what is not");
    }
}

/// Finds classes of hosts that hold the most part of the internet.
fn check_classes(lint: &mut Lint<'_>, level: &Level<'_, '_>) {
    let hosts = level.get("host").map_or(&[][..], items).iter();
    for host in hosts.map(map).filter(|host| get(host, "name").is_none()) {
        if let Some(port) = get(host, "port").filter(|_| get(host, "class").is_none()) {
            lint.find(LintCode::BroadAllow, &port.span, "this allows every host")
                .help("name the hosts beside the port, with `name:`");
        }
        let classes = get(host, "class").map_or_else(Vec::new, texts);
        let wide = classes
            .into_iter()
            .find(|(text, _)| matches!(*text, "name" | "global" | "unknown" | "metadata"));
        if let Some((text, node)) = wide {
            let message = format!("this allows every host of the class {}", quoted(text));
            lint.find(LintCode::BroadAllow, &node.span, message)
                .help("name the hosts: a name may lead anywhere");
        }
    }
}

/// Finds conditions on a parameter that hold whatever it is.
fn check_params(lint: &mut Lint<'_>, level: &Level<'_, '_>) {
    let is_firewall = level.get("params_match").is_some();
    for entry in level.params() {
        let tests = map(&entry.value);
        let expressions = match is_firewall {
            true => texts(&entry.value),
            false => get(tests, "regex").map_or_else(Vec::new, texts),
        };
        let is_command = entry.key == "command" && level.get("shell").is_none();
        if let Some(node) = get(tests, "contains").filter(|_| is_command) {
            let message = "this allows whatever else stands in the command line";
            lint.find(LintCode::BroadAllow, &node.span, message)
                .help("name the command, with `shell:`");
        }
        let globs = get(tests, "glob").map_or_else(Vec::new, texts);
        let is_any = |holds: &dyn Fn(&str) -> bool| ANY_TEXTS.iter().all(|it| holds(it));
        let expressions = expressions.into_iter().filter(|(text, _)| {
            let pattern = Pattern::new(text);
            is_any(&|it| pattern.is_match(it) == Some(true))
        });
        let globs = globs.into_iter().filter(|(text, _)| {
            let glob = Glob((*text).into());
            is_any(&|it| it.contains('/') || glob.matches(it))
        });
        for (_, node) in expressions.chain(globs) {
            let message = "this holds whatever the parameter is";
            lint.find(LintCode::BroadAllow, &node.span, message)
                .help("say what the parameter must be, or leave the condition out");
        }
    }
}

fn check_programs(lint: &mut Lint<'_>, level: &Level<'_, '_>, shell: &[Entry<'_>]) {
    let is_any = |entry: &Entry<'_>| texts(&entry.value).iter().any(|(text, _)| *text == "*");
    let is_narrowing = |entry: &Entry<'_>| match entry.key.as_ref() {
        "program" => false,
        "arguments" => !is_any(entry),
        _ => true,
    };
    let is_narrowed = shell.iter().any(is_narrowing);
    // An allow wants every effect to be one of these.
    let effects = level.texts("effect");
    let is_bound = !effects.is_empty()
        && !effects
            .iter()
            .any(|(text, _)| matches!(*text, "unknown" | "privilege"));
    if is_bound {
        return;
    }
    check_nameless(lint, level, shell);
    if is_narrowed {
        return;
    }
    for (text, node) in get(shell, "program").map_or_else(Vec::new, texts) {
        let glob = Glob(text.into());
        let found = RUNNERS.iter().find(|it| glob.matches(it));
        if let Some(runner) = found {
            let message = match *runner == text {
                true => format!("{} runs whatever it is given", quoted(text)),
                false => format!(
                    "{} is also {}, which runs whatever it is given",
                    quoted(text),
                    quoted(runner)
                ),
            };
            lint.find(LintCode::RunsAnything, &node.span, message)
                .help("say what it may run, with `subcommand:`, `flags:` or `arguments:`");
        }
    }
}

/// Finds commands whose program, or of whose arguments, nothing is said.
fn check_nameless(lint: &mut Lint<'_>, level: &Level<'_, '_>, shell: &[Entry<'_>]) {
    for (text, node) in get(shell, "line").map_or_else(Vec::new, texts) {
        let program = text.split(' ').next().unwrap_or_default();
        let message = match text.trim_matches(['*', ' ']).is_empty() {
            true => "this allows every command line",
            false if program.contains('*') => "this allows programs of any such name",
            false => continue,
        };
        lint.find(LintCode::BroadAllow, &node.span, message)
            .help("name the program, as in `git status*`, or write `program:`");
    }
    let by_text = ["text", "sql"].iter().find(|key| get(shell, key).is_some());
    if let (Some(key), None) = (by_text, get(shell, "program"))
        && let Some(node) = get(shell, key)
    {
        let message = "this allows every program that is told this";
        lint.find(LintCode::BroadAllow, &node.span, message)
            .help("name the programs, with `program:`");
    }
    let is_alone = shell.len() == 1;
    for (text, node) in get(shell, "program").map_or_else(Vec::new, texts) {
        if matches!(text, "*" | "**") && !is_alone {
            lint.find(
                LintCode::RunsAnything,
                &node.span,
                "this allows every program",
            )
            .help("name the programs");
        }
        let is_open = ["arguments", "line", "words", "options", "text"]
            .iter()
            .all(|key| get(shell, key).is_none());
        if text == "rm" && is_open && level.get("path").is_none() {
            let message = "this allows whatever is given to be removed";
            lint.find(LintCode::BroadAllow, &node.span, message)
                .help("say what may be removed, with `path: ./build/**`");
        }
    }
}

fn check_unknown(lint: &mut Lint<'_>, clause: &Clause<'_, '_>, levels: &[Level<'_, '_>]) {
    let Some(node) = clause
        .get("unknown")
        .filter(|_| clause.rule.is_some_and(|it| it.unknown))
    else {
        return;
    };
    let programs: Vec<&str> = levels
        .iter()
        .flat_map(Level::shells)
        .filter_map(|shell| get(shell, "program"))
        .flat_map(items)
        .filter_map(super::clause::text)
        .collect();
    let are_scripts = programs.iter().all(|it| PROJECT_SCRIPTS.contains(it));
    if programs.is_empty() || !are_scripts {
        let message = "this allows what cannot be known as well";
        lint.find(LintCode::UnknownAllow, &node.span, message)
            .help("leave it out: what is unknown is then decided by the rules after this one");
    }
}
