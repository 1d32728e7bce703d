//! Finds what a part of the tree may set, without walking it.

use std::collections::BTreeSet;

use crate::syntax::{
    Arm, Item, Kind, Node, Operation, Piece, Pipeline, RawAssignment, RawRedirection, RawWord,
    Script, Target,
};

/// Programs that take nothing from what they read, or all of it.
const WHOLE_READERS: [&str; 53] = [
    ":",
    "[",
    "basename",
    "break",
    "cat",
    "cd",
    "chmod",
    "chown",
    "continue",
    "cp",
    "curl",
    "cut",
    "date",
    "declare",
    "df",
    "diff",
    "dirname",
    "du",
    "echo",
    "exit",
    "export",
    "false",
    "file",
    "grep",
    "gzip",
    "id",
    "install",
    "jq",
    "kill",
    "let",
    "ln",
    "local",
    "ls",
    "md5sum",
    "mkdir",
    "mv",
    "printf",
    "pwd",
    "readlink",
    "realpath",
    "return",
    "rm",
    "rmdir",
    "sha256sum",
    "shift",
    "sleep",
    "sort",
    "stat",
    "tee",
    "test",
    "touch",
    "true",
    "wc",
];

/// What a part of the tree may set in the shell.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Variables.
    pub(super) variables: BTreeSet<String>,
    /// Whether it may set variables that are not named.
    pub(super) any_variable: bool,
    /// Whether it may change the directory.
    pub(super) directory: bool,
    /// Whether it may change the positional parameters.
    pub(super) positional: bool,
    /// Whether it may leave a loop, a function or the shell.
    pub(super) leaves: bool,
    /// Whether the shell may go on behind what it leaves.
    pub(super) goes_on: bool,
    /// Whether it may take a part of its input and leave the rest.
    pub(super) reads: bool,
    /// Whether it may define functions or aliases.
    pub(super) defines: bool,
    /// Whether it may write files.
    pub(super) writes: bool,
    /// The programs it names, which may be functions or aliases that set more.
    pub(super) programs: BTreeSet<String>,
}

/// Returns whether an arithmetic expression may set variables.
fn assigns(expression: &[Piece]) -> bool {
    expression.iter().any(|piece| match piece {
        Piece::Bare(text) | Piece::Quoted(text) | Piece::Glob(text) => {
            text.contains("++") || text.contains("--") || sets(text)
        }
        Piece::Parameter(_)
        | Piece::Substitution { .. }
        | Piece::Process { .. }
        | Piece::Arithmetic { .. }
        | Piece::Array(_) => false,
    })
}

/// Returns whether a text holds `=` where it is no comparison.
fn sets(text: &str) -> bool {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('=') {
        let compares = after.starts_with('=') || before.ends_with(['!', '<', '>', '=']);
        if !compares || before.ends_with("<<") || before.ends_with(">>") {
            return true;
        }
        rest = after.strip_prefix('=').unwrap_or(after);
    }
    false
}

/// Returns whether a list may take a part of its input and leave the rest.
pub(super) fn script_reads(script: &Script) -> bool {
    script.items.iter().any(item_reads)
}

/// Returns whether pipelines may take a part of their input and leave the rest.
pub(super) fn item_reads(item: &Item) -> bool {
    item.links.iter().any(|link| pipeline_reads(&link.pipeline))
}

/// Returns whether a pipeline may take a part of its input and leave the rest.
pub(super) fn pipeline_reads(pipeline: &Pipeline) -> bool {
    let mut members = pipeline.members.iter();
    members.any(|node| names_set_by(node).reads)
}

/// Returns what `node` may set.
pub(super) fn names_set_by(node: &Node) -> Names {
    let mut names = Names::default();
    names.node(node);
    names
}

/// Returns what `scripts` may set.
pub(super) fn names_set(scripts: &[&Script]) -> Names {
    let mut names = Names::default();
    for script in scripts {
        names.script(script);
    }
    names
}

impl Names {
    fn script(&mut self, script: &Script) {
        for item in &script.items {
            for link in &item.links {
                for node in &link.pipeline.members {
                    self.node(node);
                }
            }
        }
    }

    fn node(&mut self, node: &Node) {
        for redirection in &node.redirections {
            self.redirection(redirection);
        }
        match &node.kind {
            Kind::Simple { assignments, words } => self.simple(assignments, words),
            Kind::Group(script) => self.script(script),
            Kind::Subshell(script) => self.apart(script),
            Kind::Coprocess(node) => {
                let mut inner = Self::default();
                inner.node(node);
                self.reads |= inner.reads;
            }
            Kind::Test(words) => {
                for word in words {
                    self.pieces(&word.pieces);
                }
            }
            Kind::Function { body, .. } => {
                self.defines = true;
                self.node(body);
            }
            Kind::If {
                branches,
                otherwise,
            } => {
                for (test, body) in branches {
                    self.script(test);
                    self.script(body);
                }
                if let Some(body) = otherwise {
                    self.script(body);
                }
            }
            Kind::Loop { test, body, .. } => {
                self.script(test);
                self.script(body);
            }
            Kind::For {
                name, words, body, ..
            } => {
                self.variables.insert(name.clone());
                for word in words.iter().flatten() {
                    self.pieces(&word.pieces);
                }
                self.script(body);
            }
            Kind::Count { body, .. } => {
                self.any_variable = true;
                self.script(body);
            }
            Kind::Case { subject, arms } => {
                self.pieces(&subject.pieces);
                for arm in arms {
                    self.arm(arm);
                }
            }
            Kind::Arithmetic(_) => self.any_variable = true,
        }
    }

    fn simple(&mut self, assignments: &[RawAssignment], words: &[RawWord]) {
        // What stands before a program ends with it.
        if words.is_empty() {
            let names = assignments.iter().map(|assignment| assignment.name.clone());
            self.variables.extend(names);
        }
        if let Some(program) = words.first() {
            self.program(program, words);
        }
        for word in words {
            self.pieces(&word.pieces);
        }
        for assignment in assignments {
            self.pieces(&assignment.value.pieces);
        }
    }

    fn redirection(&mut self, redirection: &RawRedirection) {
        self.writes |= redirection.is_output;
        match &redirection.target {
            Target::Word(word) => self.pieces(&word.pieces),
            Target::Document(text) => {
                if let Some(text) = text.get() {
                    self.pieces(&text.pieces);
                }
            }
        }
    }

    fn arm(&mut self, arm: &Arm) {
        for pattern in &arm.patterns {
            self.pieces(&pattern.pieces);
        }
        self.script(&arm.body);
    }

    /// Adds what reads in a shell of its own; what that sets ends with it.
    fn apart(&mut self, script: &Script) {
        self.reads |= names_set(&[script]).reads;
    }

    fn pieces(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            match piece {
                Piece::Substitution { script, .. } | Piece::Process { script, .. } => {
                    self.apart(script);
                }
                Piece::Parameter(parameter) => {
                    if let Operation::Operator { sign, operand } = &parameter.operation {
                        if sign.ends_with('=') {
                            self.variables.insert(parameter.name.clone());
                        }
                        self.pieces(operand);
                    }
                    self.any_variable |= parameter.subscript.as_deref().is_some_and(assigns);
                }
                Piece::Arithmetic { inner, .. } => {
                    self.any_variable |= assigns(inner);
                    self.pieces(inner);
                }
                Piece::Array(words) => {
                    for word in words.iter() {
                        self.pieces(&word.pieces);
                    }
                }
                Piece::Bare(_) | Piece::Quoted(_) | Piece::Glob(_) => {}
            }
        }
    }

    fn program(&mut self, program: &RawWord, words: &[RawWord]) {
        let Some(name) = program.text() else {
            // It may be any builtin.
            self.any_variable = true;
            self.directory = true;
            self.positional = true;
            self.leaves = true;
            self.goes_on = true;
            self.reads = true;
            return;
        };
        self.reads |= !WHOLE_READERS.contains(&name.as_str());
        match name.as_str() {
            "cd" | "pushd" | "popd" => self.directory = true,
            "read" | "export" | "declare" | "typeset" | "local" | "readonly" | "unset"
            | "mapfile" | "readarray" | "getopts" | "let" | "printf" | "wait" => {
                for word in words.get(1..).unwrap_or_default() {
                    match word.pieces.first() {
                        Some(Piece::Bare(text)) => {
                            let name = text.split(['=', '+', '[']).next().unwrap_or_default();
                            self.variables.insert(name.to_owned());
                        }
                        _ => self.any_variable = true,
                    }
                }
            }
            "alias" => self.defines = true,
            "tee" | "cp" | "mv" | "install" | "ln" => self.writes = true,
            "shift" => self.positional = true,
            "set" => {
                self.positional = true;
                self.leaves = true;
            }
            "break" | "continue" | "return" => {
                self.leaves = true;
                self.goes_on = true;
            }
            "exit" | "exec" => self.leaves = true,
            "builtin" | "command" => {
                if let Some(word) = words.get(1) {
                    self.program(word, words.get(1..).unwrap_or_default());
                }
            }
            "eval" | "source" | "." => {
                self.leaves = true;
                self.goes_on = true;
                self.any_variable = true;
                self.directory = true;
                self.positional = true;
            }
            _ => {}
        }
        // Any of them may be a function as well.
        self.programs.insert(name);
    }
}
