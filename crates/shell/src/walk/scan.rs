//! Finds what a part of the tree may set, without walking it.

use std::collections::BTreeSet;

use crate::syntax::{Kind, Node, Operation, Piece, RawWord, Script};

/// Programs that may take a line, or a part of one, from what they read, and
/// leave the rest.
const READERS: [&str; 24] = [
    "read",
    "mapfile",
    "readarray",
    "eval",
    "source",
    ".",
    "dd",
    "head",
    "line",
    "busybox",
    "toybox",
    "sh",
    "bash",
    "zsh",
    "dash",
    "ksh",
    "python",
    "perl",
    "ruby",
    "node",
    "php",
    "lua",
    "tclsh",
    "expect",
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
    /// Whether it may leave a loop or the shell.
    pub(super) leaves: bool,
    /// Whether it may take a line, or a part of one, from its input.
    pub(super) reads: bool,
    /// The programs it names, which may be functions that set more.
    pub(super) programs: BTreeSet<String>,
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
        match &node.kind {
            Kind::Simple { assignments, words } => {
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
            Kind::Function { body, .. } => self.node(body),
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
            Kind::For { name, body, .. } => {
                self.variables.insert(name.clone());
                self.script(body);
            }
            Kind::Count { body, .. } => {
                self.any_variable = true;
                self.script(body);
            }
            Kind::Case { arms, .. } => {
                for arm in arms {
                    self.script(&arm.body);
                }
            }
            Kind::Arithmetic(_) => self.any_variable = true,
        }
    }

    /// Adds what reads in a shell of its own; what that sets ends with it.
    fn apart(&mut self, script: &Script) {
        self.reads |= names_set(&[script]).reads;
    }

    fn pieces(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            match piece {
                Piece::Substitution { script, .. } | Piece::Process(script) => self.apart(script),
                Piece::Parameter(parameter) => {
                    if let Operation::Operator { operand, .. } = &parameter.operation {
                        self.pieces(operand);
                    }
                }
                Piece::Arithmetic { inner, .. } => self.pieces(inner),
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
            self.reads = true;
            return;
        };
        self.reads |= READERS.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit()));
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
            "shift" => self.positional = true,
            "set" => {
                self.positional = true;
                self.leaves = true;
            }
            "break" | "continue" | "return" | "exit" | "exec" => self.leaves = true,
            "builtin" | "command" => {
                if let Some(word) = words.get(1) {
                    self.program(word, words.get(1..).unwrap_or_default());
                }
            }
            "eval" | "source" | "." => {
                self.leaves = true;
                self.any_variable = true;
                self.directory = true;
                self.positional = true;
            }
            _ => {
                self.programs.insert(name);
            }
        }
    }
}
