//! Programs that run what they are given, and those that are not known.

use aegis_types::{Access, Command, Word};

use super::{Touched, here, read};
use crate::locate::beneath;
use crate::option::{first_text, without_start};
use crate::program::{is_shell, shell_spec};

/// Adds what a program that is in no table is given.
pub(super) fn by_name(name: &str, command: &Command, list: &mut Vec<Touched>) {
    let arguments = command.arguments.as_slice();
    let plain =
        name.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.');
    match plain {
        "python" | "pypy" => {
            script(arguments, "cmWXQ", &["c", "m"], list);
            list.extend(served(command));
            json_tool(arguments, list);
        }
        "node" | "nodejs" | "bun" => script(arguments, "eprC", &["e", "p", "eval", "print"], list),
        "php" => script(arguments, "rdczBREStF", &["r"], list),
        _ if is_shell(plain) => shell(plain, arguments, list),
        "make" | "gmake" => make(arguments, list),
        _ if takes_subcommands(plain) => any_path(arguments, list),
        _ => any_program(arguments, list),
    }
}

/// Adds every argument that looks like a path, for anything.
pub(super) fn any_path(arguments: &[Word], list: &mut Vec<Touched>) {
    let could = arguments.iter().filter(|word| looks_like_path(word));
    list.extend(could.filter_map(any_argument));
}

/// Returns whether most arguments of a program are names of other things than files.
fn takes_subcommands(name: &str) -> bool {
    matches!(
        name,
        "npm"
            | "pnpm"
            | "yarn"
            | "npx"
            | "cargo"
            | "rustup"
            | "pip"
            | "pipx"
            | "uv"
            | "uvx"
            | "poetry"
            | "go"
            | "gh"
            | "deno"
            | "glab"
            | "kubectl"
            | "helm"
            | "terraform"
            | "apt"
            | "apt-get"
            | "brew"
            | "dnf"
            | "yum"
            | "pacman"
            | "apk"
            | "gem"
            | "bundle"
            | "composer"
            | "mvn"
            | "gradle"
            | "dotnet"
            | "aws"
            | "gcloud"
            | "az"
            | "systemctl"
            | "journalctl"
            | "service"
            | "ssh"
            | "claude"
            | "codex"
            | "gemini"
            | "opencode"
            | "aegis"
            | "conda"
            | "nix"
            | "tmux"
            | "screen"
    )
}

/// Returns whether a word has what only paths have, or shows only in part what it is.
fn looks_like_path(word: &Word) -> bool {
    word.literal()
        .is_none_or(|text| text.contains(['/', '.']) && !text.contains(' '))
}

/// `python -m json.tool` reads the first file that it is given, and writes the second.
fn json_tool(arguments: &[Word], list: &mut Vec<Touched>) {
    let is_tool = |word: &Word| {
        word.literal()
            .is_some_and(|text| text.ends_with("json.tool"))
    };
    let Some(at) = arguments.iter().position(is_tool) else {
        return;
    };
    let rest = read(arguments.get(at + 1..).unwrap_or_default(), "", &["indent"]).operands;
    for (word, access) in rest.into_iter().zip([Access::READ, Access::WRITE]) {
        list.push(Touched::new(word, access));
    }
}

/// Options of node whose value is a file or folder that is written.
const NODE_WRITTEN: &[&str] = &[
    "cpu-prof-dir",
    "diagnostic-dir",
    "heap-prof-dir",
    "redirect-warnings",
    "report-dir",
    "report-directory",
    "report-filename",
    "test-reporter-destination",
    "trace-event-file-pattern",
];

/// A script is run, and may do anything with its own arguments.
fn script(arguments: &[Word], short: &'static str, inline: &[&str], list: &mut Vec<Touched>) {
    let spec = crate::option::Spec {
        short,
        long: &[
            "eval",
            "print",
            "require",
            "import",
            "loader",
            "rcfile",
            "init-file",
            "redirect-warnings",
        ],
        ends_at_operand: true,
    };
    let read = crate::option::read(arguments, &spec);
    let kept = read.values(NODE_WRITTEN);
    list.extend(kept.map(|word| Touched::new(word, Access::WRITE)));
    list.extend(
        read.values(&["r", "require", "import", "loader", "rcfile", "init-file"])
            .map(|word| Touched::new(word, Access::READ.or(Access::EXECUTE)).possible()),
    );
    let mut operands = read.operands.iter();
    if !read.has(inline)
        && let Some(script) = operands.next()
        && script.literal().as_deref() != Some("-")
    {
        list.push(Touched::new(script, Access::READ.or(Access::EXECUTE)));
    }
    list.extend(operands.filter_map(|word| any_argument(word)));
}

/// Returns the folder that a server of pages shows.
fn served(command: &Command) -> Option<Touched> {
    let mut words = command.arguments.iter();
    words.find(|word| matches!(first_text(word), "http.server" | "-mhttp.server"))?;
    let mut folder = here(command);
    while let Some(word) = words.next() {
        let text = first_text(word);
        if matches!(text, "-d" | "--directory") {
            folder = words.next()?.clone();
        } else if let Some(rest) = text.strip_prefix("--directory=") {
            folder = without_start(word, text.len() - rest.len());
        }
    }
    Some(Touched::new(&folder, Access::READ).beneath(true))
}

/// A shell is given a script, or text in its place, and arguments.
fn shell(name: &str, arguments: &[Word], list: &mut Vec<Touched>) {
    let read = crate::option::read(arguments, shell_spec(name));
    list.extend(
        read.values(&["rcfile", "init-file"])
            .map(|word| Touched::new(word, Access::READ.or(Access::EXECUTE))),
    );
    let mut operands = read.operands.iter();
    if !read.has(&["s"])
        && let Some(first) = operands.next()
        && !read.has(&["c"])
    {
        list.push(Touched::new(first, Access::READ.or(Access::EXECUTE)));
    }
    list.extend(operands.filter_map(|word| any_argument(word)));
}

fn make(arguments: &[Word], list: &mut Vec<Touched>) {
    let read = read(
        arguments,
        "CfIjloW",
        &["directory", "file", "makefile", "include-dir"],
    );
    let folder = read.values(&["C", "directory"]).last();
    if let Some(folder) = folder {
        list.push(Touched::new(folder, Access::ANY).possible().beneath(true));
    }
    for file in read.values(&["f", "file", "makefile"]) {
        let file = folder.map_or_else(|| file.clone(), |folder| beneath(folder, file));
        list.push(Touched::new(&file, Access::READ.or(Access::EXECUTE)));
    }
    for word in &read.operands {
        let word = folder.map_or_else(|| (*word).clone(), |folder| beneath(folder, word));
        list.extend(any_argument(&word));
    }
}

/// Adds every argument that could be a path, for anything.
pub(super) fn any_program(arguments: &[Word], list: &mut Vec<Touched>) {
    list.extend(arguments.iter().filter_map(any_argument));
    // The value of an option may follow its letter at once.
    for word in arguments {
        let text = first_text(word);
        let is_letter = text.starts_with('-') && !text.starts_with("--") && text.len() > 2;
        if is_letter && text.contains(['/', '.']) && !text.contains('=') {
            let value = without_start(word, 2);
            list.push(Touched::new(&value, Access::ANY).possible().beneath(true));
        }
    }
}

/// Returns an argument that could be a path, or the part of it that could.
fn any_argument(word: &Word) -> Option<Touched> {
    let text = first_text(word);
    if text.contains("://") && !text.contains("file:") {
        return None;
    }
    let value = match text.split_once('=') {
        Some((name, _)) if !name.contains('/') => without_start(word, name.len() + 1),
        Some(_) | None if text.starts_with('-') => return None,
        Some(_) | None => word.clone(),
    };
    Some(Touched::new(&value, Access::ANY).possible().beneath(true))
}
