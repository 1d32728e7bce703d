//! Follows programs that run the command given as their arguments.

use aegis_types::{Assignment, UnknownCause, Word, WordPart, Wrapper};

use super::{Draft, Lookup, directory, push_text};
use crate::option::{self, Arguments, Spec, first_text, without_start};
use crate::quote::in_quotes;
use crate::walk::{Setting, Walk};

/// A program that runs the command given as its arguments.
#[derive(Debug)]
pub(super) struct Prefix {
    name: &'static str,
    /// The letters of options that take a value.
    short: &'static str,
    /// The long options that take a value.
    long: &'static [&'static str],
    /// How many operands stand before the command.
    operands: usize,
    /// Whether variables may be set before the command.
    sets_variables: bool,
}

/// Programs that run the command given as their arguments, by name.
const PREFIXES: [Prefix; 41] = [
    plain("builtin", "", &[], 0),
    plain("busybox", "", &[], 0),
    plain("caffeinate", "tw", &[], 0),
    plain("catchsegv", "", &[], 0),
    plain("chroot", "", &["userspec", "groups"], 1),
    plain(
        "chrt",
        "TPD",
        &["sched-runtime", "sched-period", "sched-deadline"],
        1,
    ),
    plain("command", "", &[], 0),
    plain("dbus-run-session", "", &["config-file", "dbus-daemon"], 0),
    plain("doas", "uCa", &[], 0),
    plain("eatmydata", "", &[], 0),
    setting("env", "uCSaP", &["unset", "chdir", "split-string", "argv0"]),
    plain("exec", "a", &[], 0),
    plain("fakeroot", "lsbi", &["lib", "faked"], 0),
    plain(
        "flock",
        "wEc",
        &["timeout", "wait", "conflict-exit-code", "command"],
        1,
    ),
    plain("gtimeout", "ks", &["kill-after", "signal"], 1),
    plain(
        "ionice",
        "cnpPu",
        &["class", "classdata", "pid", "pgid", "uid"],
        0,
    ),
    plain("linux32", "", &[], 0),
    plain("linux64", "", &[], 0),
    plain("ltrace", "aeopsuAFlnwxX", &["output"], 0),
    plain("nice", "n", &["adjustment"], 0),
    plain("noglob", "", &[], 0),
    plain("nohup", "", &[], 0),
    plain(
        "numactl",
        "imNCpPwSflLoMdI",
        &[
            "interleave",
            "weighted-interleave",
            "preferred",
            "preferred-many",
            "membind",
            "cpunodebind",
            "physcpubind",
            "shm",
            "file",
            "length",
            "offset",
            "shmmode",
            "shmid",
        ],
        0,
    ),
    plain("pkexec", "", &["user"], 0),
    plain("proxychains", "f", &[], 0),
    plain("proxychains4", "f", &[], 0),
    plain("rlwrap", "abcCDfHgIlmMpPqsStwz", &[], 0),
    plain("setarch", "", &[], 1),
    plain(
        "setpriv",
        "",
        &[
            "reuid",
            "regid",
            "groups",
            "inh-caps",
            "ambient-caps",
            "bounding-set",
            "ruid",
            "euid",
            "rgid",
            "egid",
            "securebits",
            "pdeathsig",
            "ptracer",
            "selinux-label",
            "apparmor-profile",
            "landlock-access",
            "landlock-rule",
            "seccomp-filter",
        ],
        0,
    ),
    plain("setsid", "", &[], 0),
    plain("stdbuf", "ioe", &["input", "output", "error"], 0),
    plain(
        "strace",
        "abeoOpPsSuEXIU",
        &[
            "output",
            "trace",
            "attach",
            "user",
            "env",
            "columns",
            "detach-on",
            "interruptible",
            "string-limit",
            "trace-path",
            "trace-fds",
            "summary-sort-by",
            "summary-columns",
            "summary-syscall-overhead",
            "signal",
            "signals",
            "status",
            "fault",
            "inject",
            "read",
            "write",
            "abbrev",
            "verbose",
            "raw",
            "kvm",
            "const-print-style",
            "argv0",
        ],
        0,
    ),
    setting(
        "sudo",
        "ughpCDRrtTU",
        &[
            "user",
            "group",
            "host",
            "prompt",
            "close-from",
            "chdir",
            "chroot",
            "role",
            "type",
            "other-user",
            "command-timeout",
        ],
    ),
    plain("taskset", "", &[], 1),
    plain("time", "fo", &["format", "output"], 0),
    plain("timeout", "ks", &["kill-after", "signal"], 1),
    plain("torsocks", "aPup", &["address", "port", "user", "pass"], 0),
    plain("toybox", "", &[], 0),
    plain("unbuffer", "", &[], 0),
    plain(
        "unshare",
        "RwSGl",
        &[
            "root",
            "wd",
            "setuid",
            "setgid",
            "map-user",
            "map-group",
            "map-users",
            "map-groups",
            "owner",
            "setgroups",
            "propagation",
            "monotonic",
            "boottime",
            "load-interp",
        ],
        0,
    ),
    plain(
        "xvfb-run",
        "nefspw",
        &[
            "server-num",
            "server-args",
            "auth-file",
            "error-file",
            "xauth-protocol",
            "wait",
        ],
        0,
    ),
];

const fn plain(
    name: &'static str,
    short: &'static str,
    long: &'static [&'static str],
    operands: usize,
) -> Prefix {
    Prefix {
        name,
        short,
        long,
        operands,
        sets_variables: false,
    }
}

const fn setting(name: &'static str, short: &'static str, long: &'static [&'static str]) -> Prefix {
    Prefix {
        name,
        short,
        long,
        operands: 0,
        sets_variables: true,
    }
}

/// Returns the entry for `name`.
pub(super) fn of(name: &str) -> Option<&'static Prefix> {
    let index = PREFIXES.binary_search_by(|prefix| prefix.name.cmp(name));
    PREFIXES.get(index.ok()?)
}

impl Walk<'_> {
    /// Follows a command with the prefix `prefix`.
    pub(super) fn prefixed(&mut self, prefix: &Prefix, draft: Draft, setting: &Setting) {
        let spec = Spec {
            short: prefix.short,
            long: prefix.long,
            ends_at_operand: true,
        };
        let words = draft.words.get(1..).unwrap_or_default();
        let arguments = option::read(words, &spec);
        let inner_setting = setting.within(Wrapper::Program(prefix.name.to_owned()));
        if let Some(text) = split_text(prefix.name, &arguments) {
            self.list_rest(&draft, setting);
            self.code_text(&text, draft.span, prefix.name, &inner_setting);
            return;
        }
        let only_asks = prefix.name == "command" && arguments.has(&["v", "V"]);
        let skipped = match arguments.operands.first() {
            Some(first) if is_left_out(prefix.name, first) => 0,
            _ => prefix.operands,
        };
        let mut operands = arguments.operands.iter().skip(skipped).peekable();
        // Only here do options stand behind what comes first.
        while prefix.name == "setarch"
            && operands
                .next_if(|it| first_text(it).starts_with('-'))
                .is_some()
        {}
        let mut assignments = draft.assignments.clone();
        while prefix.sets_variables
            && let Some(assignment) = operands.peek().and_then(|word| assignment_of(word))
        {
            operands.next();
            assignments.push(assignment);
        }
        let rest: Vec<Word> = operands.map(|word| (*word).clone()).collect();
        if rest.is_empty() || only_asks {
            if starts_shell(prefix.name, &arguments) {
                self.note(draft.span, UnknownCause::Code(prefix.name.to_owned()));
            }
            return self.list(draft, setting);
        }
        let mut inner = draft.inner(rest);
        inner.is_cleared |= prefix.name == "env" && arguments.has(&["i", "ignore-environment"]);
        inner.assignments = assignments;
        inner.lookup = match prefix.name {
            "command" | "builtin" | "time" | "noglob" => Lookup::Builtins,
            _ => Lookup::Programs,
        };
        self.enter_directory(prefix.name, &arguments, &mut inner);
        self.run(inner, &inner_setting);
        if prefix.name == "command" || prefix.name == "builtin" {
            return;
        }
        if let Some(output) = output_file(prefix.name, &arguments) {
            match piped(output) {
                Some(text) => self.given_texts(&[text.into()], prefix.name, setting),
                None => self.list_output(output, &draft, setting),
            }
        }
    }

    fn enter_directory(&self, name: &str, arguments: &Arguments<'_>, inner: &mut Draft) {
        let option = match name {
            "env" => arguments.values(&["C", "chdir"]).last(),
            "sudo" => arguments.values(&["D", "chdir"]).last(),
            "unshare" => arguments.values(&["w", "wd"]).last(),
            _ => None,
        };
        let current = inner.directory_from(&self.around.places().current);
        if let Some(word) = option {
            inner.directory = Some(directory::from_word(&current, word));
        }
        let changes_root = name == "chroot"
            || name == "sudo" && arguments.has(&["R", "chroot", "i", "login"])
            || name == "unshare" && arguments.has(&["R", "root"]);
        if changes_root {
            inner.directory = Some(aegis_types::Directory::Unknown);
        }
    }

    /// Lists a wrapper for the file it writes itself.
    fn list_output(&mut self, output: &Word, draft: &Draft, setting: &Setting) {
        let program = draft.words.first().cloned();
        let name = Word {
            span: output.span,
            parts: vec![WordPart::Literal("--output".to_owned())],
            ..Word::default()
        };
        let wrapper = Draft {
            span: draft.span,
            words: program.into_iter().chain([name, output.clone()]).collect(),
            directory: draft.directory.clone(),
            ..Draft::default()
        };
        self.list(wrapper, setting);
    }
}

/// Returns the text for a shell that is given instead of a command.
fn split_text(name: &str, arguments: &Arguments<'_>) -> Option<Word> {
    match name {
        "env" => {
            let mut text = arguments.values(&["S", "split-string"]).next()?.clone();
            for operand in &arguments.operands {
                push_text(&mut text, " ");
                match operand.literal() {
                    Some(operand) => push_text(&mut text, &in_quotes(&operand)),
                    None => text.parts.extend(operand.parts.iter().cloned()),
                }
            }
            Some(text)
        }
        "flock" => arguments
            .values(&["c", "command"])
            .next()
            .cloned()
            .or_else(|| match arguments.operands.as_slice() {
                [_, option, text]
                    if matches!(option.literal().as_deref(), Some("-c" | "--command")) =>
                {
                    Some((*text).clone())
                }
                _ => None,
            }),
        _ => None,
    }
}

/// Returns whether `first` is the command already: what stands before it may be left out.
fn is_left_out(name: &str, first: &Word) -> bool {
    let Some(text) = first.literal() else {
        return false;
    };
    match name {
        "chrt" => !text.bytes().all(|byte| byte.is_ascii_digit()),
        "setarch" => {
            let kinds = [
                "linux",
                "uname26",
                "x86_64",
                "i386",
                "i486",
                "i586",
                "i686",
                "athlon",
                "arm",
                "aarch64",
                "ppc",
                "powerpc",
                "mips",
                "sparc",
                "s390",
                "parisc",
                "alpha",
                "ia64",
                "riscv",
                "loongarch",
            ];
            !kinds.iter().any(|kind| text.starts_with(kind))
        }
        _ => false,
    }
}

/// Returns whether a wrapper without a command starts a shell that reads its input.
fn starts_shell(name: &str, arguments: &Arguments<'_>) -> bool {
    match name {
        "sudo" => arguments.has(&["s", "i", "shell", "login"]),
        "doas" => arguments.has(&["s"]),
        "chroot" | "unshare" | "fakeroot" | "pkexec" | "setarch" | "linux32" | "linux64" => true,
        _ => false,
    }
}

/// Returns the file that a wrapper writes itself.
fn output_file<'a>(name: &str, arguments: &'a Arguments<'_>) -> Option<&'a Word> {
    match name {
        "strace" | "ltrace" | "time" => arguments.values(&["o", "output"]).last(),
        _ => None,
    }
}

/// Returns the text for a shell that is named where a file could be: `|text`.
fn piped(output: &Word) -> Option<Word> {
    let is_piped = first_text(output).starts_with(['|', '!']);
    is_piped.then(|| without_start(output, 1))
}

/// Returns the assignment that an argument of `env` or `sudo` is.
fn assignment_of(word: &Word) -> Option<Assignment> {
    let text = first_text(word);
    let (name, _) = text.split_once('=')?;
    // A function that bash takes from a variable has more than letters in its name.
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'%' | b'.'));
    is_name.then(|| Assignment {
        name: name.to_owned(),
        value: without_start(word, name.len() + 1),
    })
}

#[cfg(test)]
mod tests {
    use super::PREFIXES;

    #[test]
    fn the_table_is_in_order_so_that_it_can_be_searched() {
        assert!(PREFIXES.is_sorted_by_key(|prefix| prefix.name));
    }
}
