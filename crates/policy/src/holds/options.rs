//! What is known of the options of common programs.
//!
//! The tables hold only what is certain: an option that is said to take a
//! value hides the word after it from being read as a subcommand.

/// Programs that wait for a while, or change priority or signals, and otherwise
/// run another program as it stands.
const TRANSPARENT: [&str; 8] = [
    "command", "ionice", "nice", "nohup", "setsid", "stdbuf", "time", "timeout",
];

/// Programs that read command lines.
const SHELLS: [&str; 10] = [
    "ash", "bash", "dash", "eval", "fish", "ksh", "sh", "source", "zsh", ".",
];

/// Folders of the system, whose programs are what their names say.
const SYSTEM_FOLDERS: [&str; 6] = [
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
];

/// Variables that change how output looks and nothing else.
const HARMLESS_VARIABLES: [&str; 12] = [
    "CI",
    "CLICOLOR",
    "COLUMNS",
    "FORCE_COLOR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "NO_COLOR",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "TERM",
    "TZ",
];

/// By program, options before the subcommand that take the next word as value.
const GLOBAL_VALUES: [(&str, &[&str]); 9] = [
    (
        "git",
        &[
            "-C",
            "-c",
            "--git-dir",
            "--work-tree",
            "--namespace",
            "--exec-path",
            "--config-env",
            "--super-prefix",
            "--attr-source",
        ],
    ),
    (
        "docker",
        &[
            "-H",
            "--host",
            "-c",
            "--context",
            "--config",
            "-l",
            "--log-level",
        ],
    ),
    (
        "podman",
        &["-c", "--connection", "--url", "--log-level", "--root"],
    ),
    (
        "kubectl",
        &[
            "-n",
            "--namespace",
            "--context",
            "--cluster",
            "--kubeconfig",
            "-s",
            "--server",
            "--user",
            "--as",
            "--token",
        ],
    ),
    (
        "helm",
        &["-n", "--namespace", "--kube-context", "--kubeconfig"],
    ),
    ("npm", &["--prefix", "-C", "-w", "--workspace"]),
    (
        "cargo",
        &["--config", "-Z", "-C", "--manifest-path", "--color"],
    ),
    ("gh", &["-R", "--repo"]),
    (
        "aws",
        &["--profile", "--region", "--output", "--endpoint-url"],
    ),
];

/// Options before the subcommand that leave what it does as it is.
const HARMLESS_GLOBALS: [(&str, &[&str]); 2] = [
    (
        "git",
        &[
            "-C",
            "-p",
            "-P",
            "--paginate",
            "--no-pager",
            "--no-optional-locks",
        ],
    ),
    ("cargo", &["--color", "-q", "--quiet", "-v", "--verbose"]),
];

/// Options with a short and a long spelling: program, subcommand, short, long.
/// An empty subcommand stands for a program that has none.
const SPELLINGS: [(&str, &str, char, &str); 47] = [
    ("chgrp", "", 'R', "--recursive"),
    ("chmod", "", 'R', "--recursive"),
    ("chown", "", 'R', "--recursive"),
    ("cp", "", 'R', "--recursive"),
    ("cp", "", 'f', "--force"),
    ("cp", "", 'r', "--recursive"),
    ("curl", "", 'F', "--form"),
    ("curl", "", 'T', "--upload-file"),
    ("curl", "", 'X', "--request"),
    ("curl", "", 'd', "--data"),
    ("curl", "", 'k', "--insecure"),
    ("curl", "", 'o', "--output"),
    ("docker", "rm", 'f', "--force"),
    ("docker", "rmi", 'f', "--force"),
    ("git", "add", 'A', "--all"),
    ("git", "add", 'f', "--force"),
    ("git", "branch", 'D', "--delete"),
    ("git", "branch", 'D', "--force"),
    ("git", "branch", 'd', "--delete"),
    ("git", "branch", 'f', "--force"),
    ("git", "checkout", 'f', "--force"),
    ("git", "clean", 'f', "--force"),
    ("git", "clean", 'n', "--dry-run"),
    ("git", "commit", 'a', "--all"),
    ("git", "commit", 'n', "--no-verify"),
    ("git", "fetch", 'f', "--force"),
    ("git", "push", 'd', "--delete"),
    ("git", "push", 'f', "--force"),
    ("git", "push", 'n', "--dry-run"),
    ("git", "push", 'u', "--set-upstream"),
    ("git", "rebase", 'i', "--interactive"),
    ("git", "rm", 'f', "--force"),
    ("git", "switch", 'f', "--force"),
    ("git", "tag", 'd', "--delete"),
    ("git", "tag", 'f', "--force"),
    ("git", "worktree", 'f', "--force"),
    ("grep", "", 'r', "--recursive"),
    ("ln", "", 'f', "--force"),
    ("ln", "", 's', "--symbolic"),
    ("mkdir", "", 'p', "--parents"),
    ("mv", "", 'f', "--force"),
    ("npm", "install", 'g', "--global"),
    ("rm", "", 'R', "--recursive"),
    ("rm", "", 'd', "--dir"),
    ("rm", "", 'f', "--force"),
    ("rm", "", 'r', "--recursive"),
    ("wget", "", 'O', "--output-document"),
];

/// Returns the name of a program without its folder.
pub(crate) fn base_name(program: &str) -> &str {
    program.rsplit_once('/').map_or(program, |(_, name)| name)
}

pub(super) fn is_shell(name: &str) -> bool {
    SHELLS.contains(&name)
}

pub(super) fn is_transparent(name: &str) -> bool {
    TRANSPARENT.contains(&name)
}

pub(super) fn is_system_folder(folder: &str) -> bool {
    SYSTEM_FOLDERS.contains(&folder)
}

pub(super) fn is_harmless_variable(name: &str) -> bool {
    HARMLESS_VARIABLES.contains(&name)
}

/// Returns whether `option` before a subcommand takes the next word as its value.
pub(super) fn takes_value(program: &str, option: &str) -> bool {
    is_listed(&GLOBAL_VALUES, program, option)
}

/// Returns whether the options of `program` before its subcommand are known.
pub(super) fn is_known(program: &str) -> bool {
    GLOBAL_VALUES.iter().any(|(name, _)| *name == program)
}

pub(super) fn is_harmless_global(program: &str, option: &str) -> bool {
    is_listed(&HARMLESS_GLOBALS, program, option)
}

fn is_listed(table: &[(&str, &[&str])], program: &str, option: &str) -> bool {
    table
        .iter()
        .any(|(name, options)| *name == program && options.contains(&option))
}

/// An option in another spelling.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum OtherSpelling {
    Short(char),
    Long(&'static str),
}

/// Returns the other spellings of `option`.
pub(super) fn other_spellings<'a>(
    program: &'a str,
    subcommand: &'a str,
    option: &'a str,
) -> impl Iterator<Item = OtherSpelling> + 'a {
    let letter = single_letter(option);
    let of_program = move |row: &&(&str, &str, char, &'static str)| {
        row.0 == program && (row.1.is_empty() || row.1 == subcommand)
    };
    let long_of = move |letter: char| {
        SPELLINGS
            .iter()
            .filter(of_program)
            .filter(move |row| row.2 == letter)
            .map(|row| row.3)
    };
    let short_of = move |long: &'a str| {
        SPELLINGS
            .iter()
            .filter(of_program)
            .filter(move |row| row.3 == long)
            .map(|row| row.2)
    };
    let longs = letter.into_iter().flat_map(long_of);
    // `-r` and `-R` are one option where both stand for the same long one.
    let twins = letter.into_iter().flat_map(long_of).flat_map(move |long| {
        SPELLINGS
            .iter()
            .filter(of_program)
            .filter(move |row| row.3 == long)
            .map(|row| row.2)
    });
    let shorts = (letter.is_none())
        .then_some(option)
        .into_iter()
        .flat_map(short_of);
    longs
        .map(OtherSpelling::Long)
        .chain(twins.chain(shorts).map(OtherSpelling::Short))
}

/// Returns the letter of an option such as `-f`.
pub(super) fn single_letter(option: &str) -> Option<char> {
    let mut letters = option.strip_prefix('-')?.chars();
    let letter = letters.next().filter(|letter| *letter != '-')?;
    letters.next().is_none().then_some(letter)
}
