//! Languages whose commands are words: those of sed, of editors and of Tcl.

use aegis_types::Access;

use super::sed::{self, Act};
use super::{Meaning, Reading, path_word};

/// Commands of editors that read a file, and that write one.
const READING: [&str; 16] = [
    "e", "E", "edit", "luafile", "pyfile", "r", "re", "read", "so", "source", "sp", "split",
    "tabe", "tabedit", "view", "vs",
];
const WRITING: [&str; 15] = [
    "mk",
    "mkexrc",
    "mks",
    "mksession",
    "mkv",
    "mkview",
    "mkvimrc",
    "redir",
    "sav",
    "saveas",
    "w",
    "wq",
    "write",
    "wundo",
    "wviminfo",
];

impl Reading<'_> {
    /// Reads a script of sed.
    pub(super) fn script_of_sed(&mut self, code: &str) {
        for act in sed::read(code).acts {
            match act {
                Act::Read(file) => self.path(path_word(&file, false), Access::READ),
                Act::Write(file) => self.path(path_word(&file, false), Access::WRITE),
                Act::Run(line) => {
                    self.does(Meaning::Run);
                    self.line(line);
                }
            }
        }
    }

    /// Reads commands of an editor, each of which is one line.
    pub(super) fn commands(&mut self, code: &str) {
        // What chooses the lines they are about stands in front.
        let is_address = |it: char| it.is_ascii_digit() || "$.,;+-%~ \t:".contains(it);
        for line in code.lines() {
            let command = line.trim_start_matches(is_address);
            let (name, rest) = command.split_once('!').unwrap_or_default();
            // `w!` writes whatever stands in the way, `w !` runs something.
            let is_apart = name.ends_with([' ', '\t']);
            let runs = match name.trim() {
                "" | "r" | "read" | "silent" | "sil" => true,
                "w" | "write" | "e" | "f" => is_apart,
                _ => false,
            };
            if runs && !rest.is_empty() {
                self.does(Meaning::Run);
                self.line(rest.trim_start().to_owned());
            } else {
                self.file_of_editor(command);
            }
        }
    }

    /// Adds the file that a command of an editor names.
    fn file_of_editor(&mut self, command: &str) {
        let Some((name, file)) = command.split_once([' ', '\t']) else {
            return;
        };
        let name = name.trim_end_matches('!');
        let file = file.trim().trim_start_matches(['>', ' ']);
        let access = if READING.contains(&name) {
            Access::READ
        } else if WRITING.contains(&name) {
            Access::WRITE
        } else {
            return;
        };
        if !file.is_empty() && !file.starts_with('!') {
            self.path(path_word(file, false), access);
        }
    }

    /// Reads the commands of Tcl that run something or open a file.
    pub(super) fn words_of_tcl(&mut self, code: &str) {
        for command in code.split(['\n', ';', '[', ']', '{', '}']) {
            let command = command.trim();
            let Some((name, rest)) = command.split_once([' ', '\t']) else {
                continue;
            };
            let first = rest.split_whitespace().next().unwrap_or_default();
            let first = first.trim_matches('"');
            match name {
                "exec" | "spawn" => {
                    self.does(Meaning::Run);
                    self.line(rest.trim_start_matches("-ignorestderr").trim().to_owned());
                }
                "open" if first.starts_with('|') => {
                    self.does(Meaning::Run);
                    let line = rest.trim().trim_matches('"');
                    self.line(line.trim_start_matches('|').trim().to_owned());
                }
                "open" => {
                    let writes = rest
                        .split_whitespace()
                        .nth(1)
                        .is_some_and(|mode| mode.trim_matches('"').starts_with(['w', 'a']));
                    let access = if writes { Access::WRITE } else { Access::READ };
                    self.path(path_word(first, false), access);
                }
                "source" => self.path(path_word(first, false), Access::READ),
                "file" if first == "delete" => {
                    for file in rest
                        .split_whitespace()
                        .skip(1)
                        .filter(|it| !it.starts_with('-'))
                    {
                        self.path(path_word(file, false), Access::DELETE);
                    }
                }
                _ => {}
            }
        }
    }
}
