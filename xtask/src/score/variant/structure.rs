//! Other spellings of what stands between and around the commands of a line.

use super::line::{Line, is_plain, quoted};
use super::rule::{Rewrite, redirect};

/// Commands that show the rules.
pub const MARKERS: &[&str] = &[
    "cd build; rm -rf old",
    "echo 'a; b'; rm -f one; cat notes/list.txt",
    "cd build\nrm -rf old",
    "cat one\nrm -f one\ncat two",
    "cd build && rm -rf old",
    "cd build && rm -rf old && ls",
    "cat one && cat two | sort && echo 'c && d'",
    "echo x > new",
    "echo x >> ~/notes",
    "sort < notes/list.txt",
    "sort -r < ~/notes",
    "bash < notes/script",
    "echo a >> new; echo b >> new",
    "cat one >> ~/notes; cat two >> ~/notes; echo c >> ~/notes",
    "sort <<E\nx\nE",
    "cat <<'E'\na $HOME 'b'\nE",
    "cat <<E\na $HOME b\nE",
    "sort <<'E'\nb\na\nE",
    "sort <<< x",
    "cat <<< 'a $HOME \\ b'",
    "cat <<< \"a b\"",
    "for f in one two; do rm -f $f; done",
    "for f in one two; do cat \"$f\" \"${f}\"; done",
    "rm -f one two",
];

/// What carries out the rules.
pub const DONE: &[(&str, Rewrite)] = &[
    ("separator-newline", |line| {
        let parts = parts(line.text, "; ")?;
        (parts.len() > 1).then(|| parts.join("\n"))
    }),
    ("separator-semicolon", |line| {
        let text = line.text.trim_end_matches('\n');
        let parts = parts(text, "\n")?;
        let can_be_followed = |part: &&str| Line::new(part).can_be_followed();
        let are_commands = parts.len() > 1 && parts.iter().all(can_be_followed);
        are_commands.then(|| parts.join("; "))
    }),
    ("and-to-if", |line| {
        let commands = conjunction(line)?;
        let (first, rest) = commands.split_first()?;
        Some(format!("if {first}; then {}; fi", rest.join(" && ")))
    }),
    ("and-across-lines", |line| {
        Some(conjunction(line)?.join(" && # go there\n"))
    }),
    ("redirect-quoted", |line| {
        redirect(line, |command, operator, file| {
            let body = file.strip_prefix("~/").unwrap_or(file);
            let tilde = &file.get(..file.len() - body.len())?;
            let (first, rest) = body.split_at_checked(1).filter(|_| is_plain(body))?;
            let (quoted, rest) = rest.split_at_checked(2)?;
            Some(format!(
                "{command} {operator} {tilde}{first}'{quoted}'{rest}"
            ))
        })?
    }),
    ("redirect-input-to-cat", |line| {
        input(line, |command, file| format!("cat {file} | {command}"))
    }),
    ("redirect-handle", |line| {
        input(line, |command, file| {
            format!("exec 8< {file}; {command} <&8; exec 8<&-")
        })
    }),
    ("append-group", grouped),
    ("here-document-to-string", |line| {
        let document = Document::of(line.text)?;
        let text = document.text;
        let is_literal = document.is_quoted || !text.contains(['$', '`', '\\']);
        let is_tame = !text.contains(['"', '\\', '`']);
        let word = match (is_plain(text), is_literal) {
            (true, _) => text.to_owned(),
            (false, true) => quoted(text),
            (false, false) => is_tame.then(|| format!("\"{text}\""))?,
        };
        let is_line = !text.contains('\n');
        is_line.then(|| format!("{} <<< {word}", document.command))
    }),
    ("here-string-to-document", |line| {
        let (command, word) = line.text.rsplit_once(" <<< ")?;
        let single = word
            .strip_prefix('\'')
            .and_then(|word| word.strip_suffix('\''));
        let double = word
            .strip_prefix('"')
            .and_then(|word| word.strip_suffix('"'));
        let text = match (single, double) {
            _ if is_plain(word) => word,
            (Some(text), _) if !text.contains('\'') => text,
            (_, Some(text)) if !text.contains(['"', '$', '`', '\\']) => text,
            _ => return None,
        };
        let is_simple = Line::new(command).is_simple() && text != "E" && !text.contains('\n');
        is_simple.then(|| format!("{command} <<'E'\n{text}\nE"))
    }),
    ("here-document-delimiter", |line| {
        let document = Document::of(line.text).filter(|document| document.is_quoted)?;
        let Document { command, text, .. } = document;
        Some(format!("{command} <<En\"d Of\"It\n{text}\nEnd OfIt"))
    }),
    ("loop-unrolled", unrolled),
];

/// Words that begin or divide a compound command, which other signs may not part.
const COMPOUND: &[&str] = &[
    "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if",
    "select", "then", "until", "while", "[[", "!",
];

/// Returns the parts of a text between signs that stand outside of quotes.
///
/// There are none if the text has a form that parts it otherwise.
fn parts<'a>(text: &'a str, sign: &str) -> Option<Vec<&'a str>> {
    let is_compound = |word: &str| COMPOUND.contains(&word);
    if text.split([' ', '\n', ';']).any(is_compound) || text.contains("<<") {
        return None;
    }
    let mut parts = Vec::new();
    let mut quote = None;
    let mut start = 0;
    for (place, char) in text.char_indices() {
        match (quote, char) {
            (Some(open), char) if open == char => quote = None,
            (Some('\''), _) => {}
            (_, '\\' | '`') => return None,
            (_, '$') if text.get(place + 1..)?.starts_with(['(', '\'']) => return None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(char),
            (None, '(' | ')' | '{' | '}' | '#') => return None,
            (None, _) if text.get(place..)?.starts_with(sign) => {
                parts.push(text.get(start..place)?);
                start = place + sign.len();
            }
            (None, _) => {}
        }
    }
    parts.push(text.get(start..)?);
    let is_whole = quote.is_none() && parts.iter().all(|part| !part.trim().is_empty());
    is_whole.then_some(parts)
}

/// Returns the commands of a line that runs each after the success of the one before.
fn conjunction<'a>(line: &Line<'a>) -> Option<Vec<&'a str>> {
    let commands = parts(line.text, " && ").filter(|commands| commands.len() > 1)?;
    let is_one = |command: &&str| {
        let is_listed = ["; ", " || ", "\n", "&&"]
            .iter()
            .any(|sign| parts(command, sign).is_none_or(|parts| parts.len() > 1));
        !is_listed && Line::new(command).can_be_followed()
    };
    commands.iter().all(is_one).then_some(commands)
}

/// Returns a spelling of a simple command that reads a file.
fn input(line: &Line<'_>, spell: impl Fn(&str, &str) -> String) -> Option<String> {
    let (command, file) = line.text.rsplit_once(" < ")?;
    let is_file = is_plain(file.strip_prefix("~/").unwrap_or(file)) && !file.starts_with('-');
    (is_file && Line::new(command).is_simple()).then(|| spell(command, file))
}

/// Writes what several commands write to one file by one redirection.
fn grouped(line: &Line<'_>) -> Option<String> {
    let mut commands = Vec::new();
    let mut written: Option<&str> = None;
    for part in parts(line.text, "; ")? {
        let (command, file) = part.rsplit_once(" >> ")?;
        let is_file = is_plain(file.strip_prefix("~/").unwrap_or(file));
        let is_same = written.is_none_or(|written| written == file);
        redirect(&Line::new(part), |_, _, _| ()).filter(|()| is_file && is_same)?;
        written = Some(file);
        commands.push(command);
    }
    let file = written.filter(|_| commands.len() > 1)?;
    Some(format!("{{ {}; }} >> {file}", commands.join("; ")))
}

/// A simple command with a here-document.
struct Document<'a> {
    command: &'a str,
    is_quoted: bool,
    text: &'a str,
}

impl<'a> Document<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let (head, rest) = line.split_once('\n')?;
        let (command, delimiter) = head.split_once("<<")?;
        let bare = delimiter.trim_start_matches(' ').trim_matches(['\'', '"']);
        let is_quoted = delimiter.trim_start_matches(' ') != bare;
        let body = rest.trim_end_matches('\n').strip_suffix(bare)?;
        let text = body.strip_suffix('\n')?;
        let command = command.trim_end_matches(' ');
        let is_name = !bare.is_empty() && bare.chars().all(|char| char.is_ascii_alphanumeric());
        let is_whole = is_name && !text.split('\n').any(|line| line == bare);
        (is_whole && Line::new(command).is_simple()).then_some(Self {
            command,
            is_quoted,
            text,
        })
    }
}

/// Writes a loop over words as the commands that it runs.
fn unrolled(line: &Line<'_>) -> Option<String> {
    let (name, rest) = line.text.strip_prefix("for ")?.split_once(" in ")?;
    let (words, rest) = rest.split_once("; do ")?;
    let body = rest.strip_suffix("; done")?;
    let words: Vec<&str> = words.split(' ').collect();
    let is_name = name.chars().all(|char| char.is_ascii_alphabetic());
    let are_plain = words.iter().all(|word| is_plain(word));
    let braced = format!("${{{name}}}");
    let bare = format!("${name}");
    if !is_name || !are_plain || body.contains('\'') || !Line::new(body).is_simple() {
        return None;
    }
    let marked = body.replace(&braced, "\u{0}");
    let mut pieces = marked.split(&bare);
    let is_longer =
        |piece: &str| piece.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
    let first = pieces.next()?;
    if pieces.clone().any(is_longer) || (first == body) {
        return None;
    }
    let marked = marked.replace(&bare, "\u{0}");
    let commands = words.iter().map(|word| marked.replace('\u{0}', word));
    Some(commands.collect::<Vec<_>>().join("; "))
}
