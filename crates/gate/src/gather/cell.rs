//! What the cell of a notebook gives to a shell.

/// Words behind a percent sign that give the rest of the line to a shell.
const LINES: [&str; 3] = ["sx", "system", "sc"];

/// Words behind two percent signs that give the rest of the cell to a shell.
const CELLS: [&str; 7] = ["bash", "sh", "sx", "system", "!", "zsh", "script"];

/// Returns the command lines of a cell, one a line.
pub(crate) fn shell_lines(cell: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = cell.lines();
    while let Some(line) = rest.next() {
        let line = line.trim_start();
        if let Some(magic) = line.strip_prefix("%%") {
            let word = magic.split_whitespace().next().unwrap_or_default();
            if CELLS.contains(&word) {
                lines.extend(rest.by_ref().map(str::to_owned));
            }
            continue;
        }
        if let Some(magic) = line.strip_prefix('%') {
            let (word, command) = magic.split_once(' ').unwrap_or((magic, ""));
            if LINES.contains(&word) {
                lines.push(command.to_owned());
            }
            continue;
        }
        // What a command writes may be kept: `files = !ls`.
        let command = line.split_once('=').map_or(line, |(name, value)| {
            let is_name = name.trim().chars().all(|c| c.is_alphanumeric() || c == '_');
            if is_name { value.trim_start() } else { line }
        });
        if let Some(command) = command.strip_prefix('!') {
            lines.push(command.trim_start_matches('!').to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_gives_lines_or_itself_to_a_shell() {
        for (cell, lines) in [
            ("import os\n!ls -l\nx = 1", &["ls -l"][..]),
            ("files = !ls -l", &["ls -l"]),
            ("%sx ls -l", &["ls -l"]),
            ("%%bash\nls -l\npwd", &["ls -l", "pwd"]),
            ("%timeit f()\nif x != 1: pass", &[]),
            ("%%html\n<b>!</b>", &[]),
        ] {
            assert_eq!(shell_lines(cell), lines, "{cell}");
        }
    }
}
