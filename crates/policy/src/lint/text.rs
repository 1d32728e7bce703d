//! Conditions on text that would be better said by meaning.

use regex_syntax::ast::{self, Ast};

use super::clause::{Clause, Level, map, text};
use super::{Lint, LintCode};
use crate::parse::Entry;
use crate::rule::Spelling;

/// Tools for files, and the parameters in which they are given a path.
const FILE_TOOLS: [&str; 6] = [
    "Read",
    "Write",
    "Edit",
    "MultiEdit",
    "NotebookEdit",
    "NotebookRead",
];
const PATH_PARAMS: [&str; 3] = ["file_path", "notebook_path", "path"];

/// Finds conditions on the text of a command line, a path or an address where
/// `shell`, `path` or `host` can say what is meant.
pub(super) fn check(lint: &mut Lint<'_>, clause: &Clause<'_, '_>) {
    // The spelling of the tool firewall knows nothing but text.
    if clause.spelling == Spelling::Firewall {
        return;
    }
    for level in clause.levels() {
        for entry in level.params() {
            if let Some((thing, help)) = meaning(&level, entry) {
                let message = format!("another spelling of the {thing} passes by this text");
                lint.find(LintCode::TextForMeaning, &entry.key_span, message)
                    .help(help);
            }
        }
    }
}

/// Returns what a condition on text is about, and how to say it by meaning;
/// nothing if only text can say it.
fn meaning(level: &Level<'_, '_>, entry: &Entry<'_>) -> Option<(&'static str, String)> {
    let words = words(entry)?;
    let tools = level.texts("tool");
    let names = |wanted: &str| tools.iter().any(|(tool, _)| *tool == wanted);
    let has = |key: &str| level.get(key).is_some();
    match entry.key.as_ref() {
        "command" if !has("shell") => Some(("command", shell_for(&words?)?)),
        key if PATH_PARAMS.contains(&key) && FILE_TOOLS.iter().any(|it| names(it)) => Some((
            "path",
            "write `path:`, which is compared with the real path, links resolved".to_owned(),
        )),
        "url" if names("WebFetch") && !has("host") && is_about_host(&words?) => Some((
            "address",
            "write `host:`, which knows every spelling of a name and of an address".to_owned(),
        )),
        _ => None,
    }
}

/// Returns the words that a condition on text looks for, if it looks for no more;
/// nothing if it is none on text.
fn words(entry: &Entry<'_>) -> Option<Option<String>> {
    if let Some(value) = text(&entry.value) {
        return Some(Some(value.to_owned()));
    }
    map(&entry.value).iter().find_map(|test| {
        let said = text(&test.value)?;
        match test.key.as_ref() {
            "regex" => Some(words_of_regex(said)),
            "glob" => Some(Some(said.replace('*', " "))),
            "contains" | "equals" => Some(Some(said.to_owned())),
            _ => None,
        }
    })
}

/// Returns how `shell` says what the words are about: programs that are known.
fn shell_for(words: &str) -> Option<String> {
    let mut programs = Vec::new();
    let mut subcommand = None;
    for line in words.split('|') {
        let mut words = line.split_whitespace();
        let program = words.next()?;
        if !aegis_shell::program_names().any(|it| it == program) {
            return None;
        }
        programs.push(program);
        subcommand = words.next().filter(|it| {
            it.len() > 1
                && it
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter == '-')
        });
    }
    let program = match programs.as_slice() {
        [] => return None,
        [one] => (*one).to_owned(),
        many => format!("[{}]", many.join(", ")),
    };
    Some(match subcommand.filter(|_| programs.len() == 1) {
        Some(flag) if flag.starts_with('-') => {
            format!("write `shell: {{program: {program}, flags: [{flag}]}}`")
        }
        Some(word) => format!("write `shell: {{program: {program}, subcommand: {word}}}`"),
        None => format!("write `shell: {{program: {program}}}`"),
    })
}

/// Returns whether a text on an address says no more than a host can.
fn is_about_host(text: &str) -> bool {
    let text = text.trim().trim_start_matches('^');
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    host.contains('.') && path.trim().is_empty() && !text.contains(['?', '=', '@'])
}

/// Returns the words that a regular expression searches for, alternatives with
/// `|` between them; nothing if it says more than words can.
fn words_of_regex(pattern: &str) -> Option<String> {
    let ast = ast::parse::Parser::new().parse(pattern).ok()?;
    let mut words = String::new();
    add_words(&ast, &mut words)?;
    Some(words)
}

/// The depth of an expression is bounded by its parser.
fn add_words(ast: &Ast, words: &mut String) -> Option<()> {
    match ast {
        Ast::Empty(_) | Ast::Flags(_) | Ast::Assertion(_) => {}
        Ast::Literal(literal) => words.push(literal.c),
        Ast::Dot(_) | Ast::ClassPerl(_) => words.push(' '),
        Ast::ClassUnicode(_) | Ast::ClassBracketed(_) => return None,
        Ast::Repetition(repetition) => add_words(&repetition.ast, words)?,
        Ast::Group(group) => add_words(&group.ast, words)?,
        Ast::Concat(concat) => {
            for part in &concat.asts {
                add_words(part, words)?;
            }
        }
        Ast::Alternation(alternation) => {
            for (place, part) in alternation.asts.iter().enumerate() {
                if place > 0 {
                    words.push('|');
                }
                add_words(part, words)?;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, expected: Option<&str>) {
        let found = words_of_regex(pattern).and_then(|it| shell_for(&it));
        assert_eq!(found.as_deref(), expected, "{pattern}");
    }

    #[test]
    fn words_of_known_programs_can_be_said_by_meaning() {
        check(
            r"git\s+push",
            Some("write `shell: {program: git, subcommand: push}`"),
        );
        check(
            r"^rm\s+-rf",
            Some("write `shell: {program: rm, flags: [-rf]}`"),
        );
        check(
            r"\b(curl|wget)\b",
            Some("write `shell: {program: [curl, wget]}`"),
        );
        check(
            r"(?i)terraform destroy.*",
            Some("write `shell: {program: terraform, subcommand: destroy}`"),
        );
    }

    #[test]
    fn what_says_more_than_words_cannot() {
        check(r"\b(dig|host)\b[^;|&\n]*\$\(", None);
        check(r"drop\s+table", None);
        check(r"LD_PRELOAD=", None);
    }
}
