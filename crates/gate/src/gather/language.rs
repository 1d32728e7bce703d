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

/// Returns the program that runs code of the language that a tool is named for.
pub(crate) fn language(name: &str) -> Option<&'static str> {
    let words = words_of(name);
    let named = |word: &String| LANGUAGES.iter().find(|(known, _)| word == known);
    words.iter().find_map(named).map(|(_, program)| *program)
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
        assert!(is_patch("apply_patch") && is_patch("ApplyPatch") && !is_patch("patch"));
        assert!(runs_lines("mcp__x__execute"));
        assert!(!runs_lines("mcp__py__run_python"));
        assert!(!runs_lines("mcp__browser__evaluate"));
    }
}
