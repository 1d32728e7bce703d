//! What git changes in a work tree.

use aegis_types::{Access, Command, Word};

use super::{CHANGE, Listing, MOVE, Touched, here, read, word_at};
use crate::locate::beneath;
use crate::option::{self, Arguments, Spec, first_text, without_start};

const WRITE_OR_DELETE: Access = Access::WRITE.or(Access::DELETE);

const GLOBAL: Spec = Spec {
    short: "Cc",
    long: &[
        "git-dir",
        "work-tree",
        "namespace",
        "super-prefix",
        "config-env",
        "exec-path",
    ],
    ends_at_operand: true,
};

/// Adds what git is given, and the work tree where it may write any file.
pub(super) fn touched(command: &Command, list: &mut Vec<Touched>) {
    let global = option::read(&command.arguments, &GLOBAL);
    let mut folder = here(command);
    for word in global.values(&["C"]) {
        folder = beneath(&folder, word);
    }
    for word in global.values(&["git-dir"]) {
        list.push(Touched::new(&beneath(&folder, word), CHANGE).possible());
    }
    for word in global.values(&["work-tree"]) {
        folder = beneath(&folder, word);
    }
    let told = command.assignments.iter();
    for assignment in told.filter(|assignment| assignment.name == "GIT_WORK_TREE") {
        folder = beneath(&folder, &assignment.value);
    }
    let Some((subcommand, rest)) = global.operands.split_first() else {
        return;
    };
    let rest: Vec<Word> = rest.iter().map(|word| (*word).clone()).collect();
    let git = Git { folder };
    match subcommand.literal() {
        Some(name) => git.subcommand(&name, &rest, command, list),
        None => git.whole_tree(WRITE_OR_DELETE, list),
    }
}

/// Options whose value is a file, and how it is reached for.
const OPTION_FILES: [(&str, Access); 4] = [
    ("--export-marks", Access::WRITE),
    ("--import-marks", Access::READ),
    ("--index-output", Access::WRITE),
    ("--rewrite-submodules-to", Access::READ),
];

/// A use of git in a folder.
struct Git {
    folder: Word,
}

impl Git {
    fn subcommand(&self, name: &str, rest: &[Word], command: &Command, list: &mut Vec<Touched>) {
        self.written_by_option(rest, list);
        match name {
            "add" | "diff" | "blame" | "log" | "show" | "grep" | "hash-object" | "annotate"
            | "stage" | "difftool" | "shortlog" | "whatchanged" => {
                self.reading(rest, list);
                self.recorded(rest, list);
            }
            "cat-file" => self.recorded(rest, list),
            "status" | "branch" | "tag" | "fetch" | "push" | "send-pack" | "remote"
            | "rev-parse" | "commit" | "describe" | "reflog" | "notes" | "help" | "version"
            | "gc" | "fsck" | "rev-list" | "merge-base" | "symbolic-ref" | "for-each-ref"
            | "ls-tree" | "ls-remote" | "cherry" | "count-objects" | "prune" | "repack"
            | "update-ref" | "var" | "name-rev" | "ls-files" | "check-ignore" => {
                self.option_files(rest, list)
            }
            "config" => self.config(rest, list),
            "mv" => self.moving(rest, list),
            "rm" => self.removing(rest, list),
            "clean" => self.cleaning(rest, list),
            "checkout" | "restore" | "reset" | "switch" => self.restoring(name, rest, list),
            "stash" => self.stashing(rest, list),
            "apply" | "am" => self.applying(rest, command, list),
            "checkout-index" => self.writing_index(rest, list),
            "archive" => {
                self.making(name, rest, list);
                self.reading(rest, list);
                self.recorded(rest, list);
            }
            "clone" | "init" | "worktree" | "submodule" | "bundle" | "format-patch" => {
                self.making(name, rest, list);
            }
            _ => {
                // Merging, pulling, rebasing and the like write what history
                // holds; aliases and extensions may do anything.
                self.whole_tree(WRITE_OR_DELETE, list);
                self.reading(rest, list);
            }
        }
    }

    fn at(&self, word: &Word) -> Word {
        if is_here(&self.folder) {
            return word.clone();
        }
        beneath(&self.folder, word)
    }

    /// Adds the whole work tree as possibly changed.
    fn whole_tree(&self, access: Access, list: &mut Vec<Touched>) {
        let mut tree = Touched::new(&self.folder, access).possible().beneath(true);
        tree.work_tree = true;
        list.push(tree);
    }

    fn reading(&self, rest: &[Word], list: &mut Vec<Touched>) {
        let read = read(rest, "uUnSGL", &["output", "format"]);
        for word in &read.operands {
            let word = self.at(word);
            list.push(Touched::new(&word, Access::READ).possible().beneath(true));
        }
        list.extend(
            read.values(&["output"])
                .map(|word| Touched::new(&self.at(word), Access::WRITE)),
        );
    }

    /// Adds the files whose recorded content is read: `HEAD:src/main.rs`.
    fn recorded(&self, rest: &[Word], list: &mut Vec<Touched>) {
        for word in rest {
            let text = first_text(word);
            let is_recorded = !text.starts_with('-') && !text.contains("://");
            if let Some(at) = text.find(':').filter(|_| is_recorded) {
                let file = self.at(&without_start(word, at + 1));
                list.push(Touched::new(&file, Access::READ).possible());
            }
        }
    }

    /// Adds the files that options of some subcommands name.
    fn written_by_option(&self, rest: &[Word], list: &mut Vec<Touched>) {
        for (start, access) in OPTION_FILES {
            for (index, word) in rest.iter().enumerate() {
                let text = first_text(word);
                let value = match text.strip_prefix(start) {
                    Some("") => rest.get(index + 1).cloned(),
                    Some(value) if value.starts_with('=') => {
                        Some(without_start(word, start.len() + 1))
                    }
                    Some(_) | None => None,
                };
                list.extend(value.map(|value| Touched::new(&self.at(&value), access)));
            }
        }
    }

    fn option_files(&self, rest: &[Word], list: &mut Vec<Touched>) {
        let read = read(rest, "mFCctub", &["message", "file", "template"]);
        list.extend(
            read.values(&["F", "file", "t", "template"])
                .map(|word| Touched::new(&self.at(word), Access::READ)),
        );
    }

    fn config(&self, rest: &[Word], list: &mut Vec<Touched>) {
        let read = read(rest, "f", &["file", "blob", "type", "default"]);
        list.extend(
            read.values(&["f", "file"])
                .map(|word| Touched::new(&self.at(word), CHANGE)),
        );
    }

    fn moving(&self, rest: &[Word], list: &mut Vec<Touched>) {
        let read = read(rest, "", &[]);
        let count = read.operands.len();
        for (index, word) in read.operands.iter().enumerate() {
            let access = if index + 1 == count {
                Access::WRITE
            } else {
                MOVE
            };
            list.push(Touched::new(&self.at(word), access).beneath(true));
        }
    }

    fn removing(&self, rest: &[Word], list: &mut Vec<Touched>) {
        let read = read(rest, "", &["pathspec-from-file"]);
        if read.has(&["cached", "n", "dry-run"]) {
            return;
        }
        for word in &read.operands {
            list.push(Touched::new(&self.at(word), Access::DELETE).beneath(true));
        }
    }

    /// `git clean` removes what is not tracked; with `-x` what is ignored as well.
    fn cleaning(&self, rest: &[Word], list: &mut Vec<Touched>) {
        let read = read(rest, "e", &["exclude"]);
        if read.has(&["n", "dry-run"]) {
            return;
        }
        if read.operands.is_empty() {
            list.push(Touched::new(&self.folder, Access::DELETE).beneath(true));
        }
        for word in &read.operands {
            list.push(Touched::new(&self.at(word), Access::DELETE).beneath(true));
        }
    }

    fn restoring(&self, name: &str, rest: &[Word], list: &mut Vec<Touched>) {
        let read = read(
            rest,
            "bBsU",
            &["source", "orphan", "conflict", "pathspec-from-file"],
        );
        let only_index = (name == "reset" && !read.has(&["hard", "merge", "keep"]))
            || (name == "restore" && read.has(&["staged", "S"]) && !read.has(&["worktree", "W"]));
        if only_index {
            return;
        }
        let paths = after_dashes(rest).unwrap_or(&[]);
        for word in paths {
            list.push(Touched::new(&self.at(word), WRITE_OR_DELETE).beneath(true));
        }
        if !paths.is_empty() {
            return;
        }
        if name == "restore" {
            for word in &read.operands {
                list.push(Touched::new(&self.at(word), WRITE_OR_DELETE).beneath(true));
            }
            return;
        }
        // Without dashes an operand is a revision or a path; behind the name of a
        // branch that is made, only a revision.
        let starts = makes_branch(name, &read);
        for word in read.operands.iter().filter(|_| !starts) {
            let touched = Touched::new(&self.at(word), WRITE_OR_DELETE).beneath(true);
            let is_path = is_here(word);
            list.push(if is_path { touched } else { touched.possible() });
        }
        // `-b name start` goes to where it starts.
        if starts && read.operands.is_empty() {
            return;
        }
        self.whole_tree(WRITE_OR_DELETE, list);
    }

    fn stashing(&self, rest: &[Word], list: &mut Vec<Touched>) {
        let first = rest.first().and_then(Word::literal);
        let mut arguments = rest;
        match first.as_deref() {
            Some("list" | "show" | "drop" | "clear" | "create" | "store") => return,
            Some("push" | "save") => arguments = rest.get(1..).unwrap_or_default(),
            Some(_) | None => {}
        }
        let read = read(arguments, "m", &["message"]);
        if read.has(&["u", "a", "include-untracked", "all"]) {
            // Everything that is not tracked is put away too.
            let mut tree = Touched::new(&self.folder, WRITE_OR_DELETE).beneath(true);
            tree.work_tree = true;
            list.push(tree);
            return;
        }
        self.whole_tree(WRITE_OR_DELETE, list);
    }

    fn applying(&self, rest: &[Word], command: &Command, list: &mut Vec<Touched>) {
        let read = read(
            rest,
            "pC",
            &["directory", "exclude", "include", "whitespace"],
        );
        if read.has(&["check", "stat", "numstat", "summary"]) && !read.has(&["apply"]) {
            return;
        }
        // `git am` goes on with, or ends, what was begun; no patch is read.
        if read.has(&["abort", "continue", "skip", "quit", "show-current-patch"]) {
            return;
        }
        for word in &read.operands {
            list.push(Touched::new(&self.at(word), Access::READ));
        }
        for file in super::change::patched_files(command) {
            let file = word_at(&self.folder, &file);
            list.push(Touched::new(&self.at(&file), CHANGE).possible());
        }
        let folder = match read.values(&["directory"]).last() {
            Some(folder) => self.at(folder),
            None => self.folder.clone(),
        };
        let files = read.operands.iter().map(|word| self.at(word)).collect();
        let mut listed = Touched::listed(&folder, Listing::Patches(files));
        listed.work_tree = !read.has(&["directory"]);
        list.push(listed);
    }

    /// `git checkout-index` writes what the index holds, perhaps elsewhere.
    fn writing_index(&self, rest: &[Word], list: &mut Vec<Touched>) {
        let read = read(rest, "", &["prefix", "stage"]);
        match read.values(&["prefix"]).last() {
            Some(prefix) => {
                let place = self.at(prefix);
                list.push(Touched::new(&place, Access::WRITE).possible().beneath(true));
            }
            None => self.whole_tree(WRITE_OR_DELETE, list),
        }
    }

    fn making(&self, name: &str, rest: &[Word], list: &mut Vec<Touched>) {
        let read = read(
            rest,
            "obcBu",
            &[
                "branch",
                "origin",
                "depth",
                "output",
                "reference",
                "output-directory",
            ],
        );
        list.extend(
            read.values(&["o", "output", "output-directory"])
                .map(|word| Touched::new(&self.at(word), Access::WRITE).beneath(true)),
        );
        if name == "format-patch" {
            // Its operands say which commits.
            return;
        }
        for word in read
            .operands
            .iter()
            .filter(|word| !first_text(word).contains("://"))
        {
            let word = self.at(word);
            list.push(
                Touched::new(&word, WRITE_OR_DELETE)
                    .possible()
                    .beneath(true),
            );
        }
    }
}

/// Returns whether a branch is made, whose name is the value of an option.
fn makes_branch(name: &str, read: &Arguments<'_>) -> bool {
    match name {
        "checkout" => read.has(&["b", "B", "orphan"]),
        "switch" => read.has(&["c", "C", "create", "force-create", "orphan"]),
        _ => false,
    }
}

fn is_here(word: &Word) -> bool {
    matches!(word.literal().as_deref(), Some("." | "./" | ":/" | ":"))
}

fn after_dashes(words: &[Word]) -> Option<&[Word]> {
    let dashes = words
        .iter()
        .position(|word| word.literal().as_deref() == Some("--"))?;
    words.get(dashes + 1..)
}
