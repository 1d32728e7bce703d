//! Follows programs that fetch or find a program and run it.

use aegis_types::{Word, Wrapper};

use super::{Draft, joined};
use crate::option::{self, Spec, first_text};
use crate::programs;
use crate::walk::{Setting, Walk};

/// Options that take a value, of any of them.
const RUNNER: Spec = Spec {
    short: "pcwC",
    long: &[
        "package",
        "call",
        "with",
        "from",
        "python",
        "spec",
        "directory",
        "project",
        "with-editable",
        "with-requirements",
        "env-file",
        "prefix",
        "filter",
        "workspace",
        "cwd",
    ],
    ends_at_operand: true,
};

/// The same for pnpm, to which `-c` says that a shell is meant.
const PNPM: Spec = Spec {
    short: "pwC",
    ..RUNNER
};

fn spec_of(name: &str) -> &'static Spec {
    if name == "pnpm" { &PNPM } else { &RUNNER }
}

impl Walk<'_> {
    /// Lists a program that runs another one, then that one.
    ///
    /// The outer one is listed as well, as it may fetch what it runs.
    pub(super) fn runner(&mut self, name: &str, draft: Draft, setting: &Setting) {
        let arguments = draft.words.get(1..).unwrap_or_default().to_vec();
        let inner = setting.within(Wrapper::Program(name.to_owned()));
        self.list(draft.clone(), setting);
        if name == "nix-shell" {
            for text in option_values(&arguments, &["run", "command"]) {
                self.code_text(&text, draft.span, name, &inner);
            }
            return;
        }
        let Some(rest) = run_words(name, &arguments) else {
            return;
        };
        let read = option::read(rest, spec_of(name));
        if matches!(name, "npx" | "npm" | "bunx" | "pnpx")
            && let Some(text) = read.values(&["c", "call"]).last()
        {
            let text = text.clone();
            return self.code_text(&text, draft.span, name, &inner);
        }
        let words: Vec<Word> = read.operands.iter().map(|word| (*word).clone()).collect();
        if words.is_empty() {
            return;
        }
        let outer = option::read(&arguments, spec_of(name));
        let shell_mode = &["c", "shell-mode"];
        if name == "pnpm" && (outer.has(shell_mode) || read.has(shell_mode)) {
            let text = joined(&words, draft.span);
            return self.code_text(&text, draft.span, name, &inner);
        }
        let run = Draft {
            redirections: Vec::new(),
            ..draft.inner(words)
        };
        self.run(run, &inner);
    }
}

/// Returns the words after the subcommand that runs a program; `None` if another one is meant.
fn run_words<'w>(name: &str, arguments: &'w [Word]) -> Option<&'w [Word]> {
    let verbs: &[&str] = match name {
        "npx" | "bunx" | "pnpx" | "uvx" => return Some(arguments),
        "npm" => &["exec", "x"],
        "pnpm" | "yarn" => &["exec", "dlx"],
        "bundle" | "direnv" | "mise" => &["exec"],
        _ => &["run"],
    };
    let read = option::read(arguments, spec_of(name));
    let verb = read.operands.first()?;
    let at = arguments.len() - read.operands.len();
    if verbs.contains(&first_text(verb)) {
        return arguments.get(at + 1..);
    }
    arguments.get(tool_at(name, arguments)?..)
}

/// Returns where a name stands that is no subcommand, and so that of a tool of the
/// project.
fn tool_at(name: &str, arguments: &[Word]) -> Option<usize> {
    let entry = programs::entry_for(name).filter(|_| matches!(name, "yarn" | "pnpm"))?;
    let read = programs::read(entry, arguments);
    let tool = read
        .operands
        .first()
        .filter(|_| read.subcommands.is_empty())?;
    programs::entry_for(first_text(tool))?;
    arguments.iter().position(|word| std::ptr::eq(word, *tool))
}

fn option_values(arguments: &[Word], names: &[&str]) -> Vec<Word> {
    const SPEC: Spec = Spec {
        short: "pI",
        long: &["run", "command", "packages"],
        ends_at_operand: false,
    };
    option::read(arguments, &SPEC)
        .values(names)
        .cloned()
        .collect()
}
