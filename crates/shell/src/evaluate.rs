//! Text that a shell evaluates where a name or a number is expected.
//!
//! A subscript is expanded like a word, commands included, wherever the shell is
//! given the name of a variable or the value of one in arithmetic: `let`, `test -v`,
//! `printf -v`, `unset` and the like. What such text runs is not followed.

use aegis_types::{Assignment, Command, Word, WordPart};

/// Builtins that evaluate the names and numbers they are given.
const EVALUATING: [&str; 12] = [
    "declare",
    "export",
    "getopts",
    "let",
    "local",
    "mapfile",
    "read",
    "readarray",
    "readonly",
    "typeset",
    "unset",
    "wait",
];

/// Builtins that do so behind one of these options.
const EVALUATING_BEHIND: [(&str, &[&str]); 3] = [
    ("[", &["-v", "-R"]),
    ("printf", &["-v"]),
    ("test", &["-v", "-R"]),
];

/// Returns whether a command evaluates text of its words that may run others.
pub(crate) fn evaluates(command: &Command) -> bool {
    let program = command.program.as_ref().and_then(Word::literal);
    let program = program.unwrap_or_default();
    let behind = EVALUATING_BEHIND.iter().find(|(name, _)| *name == program);
    let is_given = |options: &[&str]| {
        let mut given = command.arguments.iter().filter_map(Word::literal);
        given.any(|word| options.contains(&word.as_str()))
    };
    let is_evaluating = EVALUATING.contains(&program.as_str())
        || behind.is_some_and(|(_, options)| is_given(options));
    is_evaluating && command.arguments.iter().any(has_subscript)
        || command.assignments.iter().any(is_evaluated)
}

/// Returns whether the value of a variable may run commands where it is used.
fn is_evaluated(assignment: &Assignment) -> bool {
    has_subscript(&assignment.value)
        || assignment.name == "PS4" && is_active_prompt(&assignment.value)
        // What names mean is kept in these.
        || matches!(assignment.name.as_str(), "BASH_ALIASES" | "BASH_CMDS")
}

/// Returns whether a word shows a subscript in which a command stands.
pub(crate) fn has_subscript(word: &Word) -> bool {
    texts(word).any(|text| {
        let start = text.find('[');
        start
            .and_then(|start| text.get(start..))
            .is_some_and(substitutes)
    })
}

/// Returns whether a word, expanded as a prompt, may run commands.
pub(crate) fn is_active_prompt(word: &Word) -> bool {
    let escapes = |text: &str| {
        let mut after = text.split('\\').skip(1);
        after.any(|rest| rest.starts_with(|sign: char| sign.is_ascii_digit()))
    };
    word.is_unknown() || texts(word).any(|text| substitutes(text) || escapes(text))
}

fn texts(word: &Word) -> impl Iterator<Item = &str> {
    word.parts.iter().filter_map(|part| match part {
        WordPart::Literal(text) | WordPart::Pattern(text) => Some(text.as_str()),
        WordPart::Home(_) | WordPart::Stream(_) | WordPart::Unknown(_) => None,
    })
}

fn substitutes(text: &str) -> bool {
    ["$(", "`", "@P}"].iter().any(|sign| text.contains(sign))
}
