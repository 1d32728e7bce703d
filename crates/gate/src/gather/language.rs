//! What the names of tools say of the code that they run.

use super::params::words_of;

/// Words in the names of servers and tools that name a language, and the program
/// that runs code in it.
const LANGUAGES: [(&str, &str); 11] = [
    ("deno", "node"),
    ("ide", "python3"),
    ("ipython", "python3"),
    ("javascript", "node"),
    ("js", "node"),
    ("jupyter", "python3"),
    ("node", "node"),
    ("notebook", "python3"),
    ("py", "python3"),
    ("python", "python3"),
    ("repl", "python3"),
];

/// Returns the program that runs code of a language.
pub(crate) fn program(language: &str) -> Option<&'static str> {
    let words = words_of(language);
    let named = |word: &String| {
        let word = word.trim_end_matches(|end: char| end.is_ascii_digit());
        LANGUAGES.iter().find(|(known, _)| word == *known)
    };
    words.iter().find_map(named).map(|(_, program)| *program)
}

/// Returns the program that runs a code, as words of it show that only one language has.
pub(crate) fn of_code(code: &str) -> Option<&'static str> {
    const PYTHON: [&str; 4] = ["import ", "from ", "def ", "print("];
    const NODE: [&str; 6] = ["require(", "const ", "let ", "=>", "await ", "console."];
    let begins = |starts: &[&str]| {
        let mut parts = code.split(['\n', ';']).map(str::trim_start);
        parts.any(|part| starts.iter().any(|start| part.starts_with(start)))
    };
    if begins(&PYTHON) {
        Some("python3")
    } else if begins(&NODE) || code.contains("=>") {
        Some("node")
    } else {
        None
    }
}

/// Returns the program that runs code of the language that a tool is named for.
pub(crate) fn language(name: &str) -> Option<&'static str> {
    let words = words_of(name);
    let named = |word: &String| LANGUAGES.iter().find(|(known, _)| word == known);
    words.iter().find_map(named).map(|(_, program)| *program)
}

/// Returns whether a text reads as a command line: a program that is known, and
/// behind it an option, a path or another command.
pub(crate) fn is_line(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let is_known = |name: &str| aegis_shell::ProgramOptions::of(name, []).is_some();
    let shows = |word: &str| {
        matches!(word, "~" | "|" | "&&") || word.starts_with(['-', '~', '/', '.']) && word.len() > 1
    };
    !text.trim().contains('\n') && words.next().is_some_and(is_known) && words.any(shows)
}

/// Returns whether the name of a tool says that it applies a patch.
pub(crate) fn is_patch(name: &str) -> bool {
    words_of(name) == ["apply", "patch"]
}

/// Returns whether the name of a tool says that it runs command lines.
pub(crate) fn runs_lines(name: &str) -> bool {
    const RUNNING: [&str; 8] = [
        "bash", "command", "exec", "execute", "run", "shell", "ssh", "terminal",
    ];
    let words = words_of(name);
    words.iter().any(|word| RUNNING.contains(&word.as_str())) && language(name).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_tool_says_what_its_code_is() {
        assert_eq!(language("mcp__py__run_python"), Some("python3"));
        assert_eq!(language("mcp__node__eval"), Some("node"));
        assert_eq!(language("mcp__happy__run"), None);
        assert_eq!(language("mcp__ide__executeCode"), Some("python3"));
        assert_eq!(program("Python3"), Some("python3"));
        assert_eq!(program("rust"), None);
        assert_eq!(
            of_code("import shutil; shutil.rmtree('x')"),
            Some("python3")
        );
        assert_eq!(of_code("require('fs').rmSync('x')"), Some("node"));
        assert_eq!(of_code("make all"), None);
        assert!(is_line("ls -a") && is_line("cat ./a") && is_line("echo a | tee"));
        assert!(!is_line("find the bug in the parser") && !is_line("ls") && !is_line("see ./a"));
        assert!(is_patch("apply_patch") && is_patch("ApplyPatch") && !is_patch("patch"));
        assert!(runs_lines("mcp__x__execute"));
        assert!(!runs_lines("mcp__py__run_python"));
        assert!(!runs_lines("mcp__browser__evaluate"));
    }
}
