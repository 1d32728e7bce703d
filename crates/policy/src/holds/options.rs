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
const SHELLS: [&str; 17] = [
    "ash", "bash", "csh", "dash", "eval", "fish", "ksh", "mksh", "nu", "oksh", "osh", "sh",
    "source", "tcsh", "yash", "zsh", ".",
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

pub(super) fn is_harmless_global(program: &str, option: &str) -> bool {
    is_listed(&HARMLESS_GLOBALS, program, option)
}

fn is_listed(table: &[(&str, &[&str])], program: &str, option: &str) -> bool {
    table
        .iter()
        .any(|(name, options)| *name == program && options.contains(&option))
}

/// Returns whether a program that is in no table has options such as `-name`.
pub(super) fn has_long_options(program: &str) -> bool {
    matches!(program, "find" | "gfind")
}

/// Returns the letter of an option such as `-f`.
pub(super) fn single_letter(option: &str) -> Option<char> {
    let mut letters = option.strip_prefix('-')?.chars();
    let letter = letters.next().filter(|letter| *letter != '-')?;
    letters.next().is_none().then_some(letter)
}
