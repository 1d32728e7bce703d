//! Allows that are about more than anybody can oversee.

use aegis_types::Verdict;

use super::clause::{Clause, Level, get, items, texts};
use super::{Lint, LintCode};
use crate::parse::Entry;
use crate::pattern::Glob;
use crate::problem::quoted;

/// Programs that run whatever they are given, or run it as somebody else.
const RUNNERS: [&str; 42] = [
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
];

/// Scripts that lie in the project, where `unknown: true` is the way to allow them.
const PROJECT_SCRIPTS: [&str; 4] = ["gradlew", "mvnw", "configure", "manage.py"];

/// Finds what an allow takes in beyond what can be meant.
pub(super) fn check(lint: &mut Lint<'_>, clause: &Clause<'_, '_>) {
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

fn check_patterns(lint: &mut Lint<'_>, level: &Level<'_, '_>) {
    let is_alone = level.entries.len() == 1 && !level.is_inner;
    for (text, node) in level.texts("tool") {
        let every = match text {
            "*" | "**" => "this allows every tool",
            "mcp__*" | "mcp__*__*" => "this allows every tool of every server",
            _ => continue,
        };
        if is_alone {
            lint.find(LintCode::BroadAllow, &node.span, every)
                .help("name the tools, or what their calls may do: `effect: read`");
        }
    }
    let is_who = |entry: &Entry<'_>| matches!(entry.key.as_ref(), "agent" | "skill");
    if let Some(entry) = level.entries.first().filter(|_| !level.is_inner)
        && level.entries.iter().all(is_who)
    {
        let message = "this allows whatever is done there";
        lint.find(LintCode::BroadAllow, &entry.key_span, message)
            .help("say what may be done, and not only by whom");
    }
    for (text, node) in level.hosts() {
        if matches!(text, "*" | "**" | "*.*") {
            lint.find(LintCode::BroadAllow, &node.span, "this allows every host")
                .help("name the hosts: `*.example.org` is every name below one");
        }
    }
    for (text, node) in level.paths() {
        if matches!(text, "/**" | "**" | "**/*" | "/") {
            lint.find(LintCode::BroadAllow, &node.span, "this allows every path")
                .help("name the folders: `./**` is the project");
        }
    }
}

fn check_programs(lint: &mut Lint<'_>, level: &Level<'_, '_>, shell: &[Entry<'_>]) {
    let is_narrowed = shell.iter().any(|entry| entry.key != "program");
    // An allow wants every effect to be one of these.
    let effects = level.texts("effect");
    let is_bound = !effects.is_empty()
        && !effects
            .iter()
            .any(|(text, _)| matches!(*text, "unknown" | "privilege"));
    if is_narrowed || is_bound {
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
