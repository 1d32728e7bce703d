//! Commands of clients that hand text to a shell.
//!
//! Clients of databases, debuggers, editors and calculators read a language of
//! their own, most of which have a way out to a shell. One table says what that
//! looks like in each; the text behind it is followed like any other.

use aegis_types::{Word, WordPart};

use crate::option::{shown_text, without_start};
use crate::option_text::GivenText;

/// How many texts within one another are told apart.
const NESTED_MAX: usize = 8;

/// How a command of a client shows the text that it hands to a shell.
#[derive(Clone, Copy, Debug)]
enum Mark {
    /// It is the rest of a line that begins so, or of a statement.
    Line(&'static str),
    /// It is the rest of a line in which this stands, in these very letters.
    Rest(&'static str),
    /// It follows a bar behind this word: `.output |text`.
    Bar(&'static str),
    /// It is the quoted text that follows this.
    Quoted(&'static str),
    /// It is each quoted text behind this, up to the bracket that closes.
    Each(&'static str),
    /// It is all up to the bracket that closes the one at the end of this.
    Within(&'static str),
}

use Mark::{Bar, Each, Line, Quoted, Rest, Within};

const POSTGRES: &[Mark] = &[
    Rest("\\!"),
    Line("|"),
    Bar("\\o"),
    Bar("\\out"),
    Bar("\\g"),
    Bar("\\gx"),
    Bar("\\w"),
    Rest("\\setenv PAGER "),
    Rest("\\setenv PSQL_PAGER "),
    Rest("\\setenv EDITOR "),
    Rest("\\setenv PSQL_EDITOR "),
    Quoted("from program "),
    Quoted("to program "),
];
const MYSQL: &[Mark] = &[
    Rest("\\!"),
    Rest("\\P "),
    Line("system "),
    Line("pager "),
    Quoted("from program "),
];
const SQLITE: &[Mark] = &[
    Line(".shell "),
    Line(".system "),
    Rest("\\!"),
    Bar(".output"),
    Bar(".once"),
    Bar(".import"),
    Bar(".read"),
    Each("edit("),
];
const TEX: &[Mark] = &[
    Within("\\write18{"),
    Each("execute("),
    Each("popen("),
    Each("{|"),
];
const IPYTHON: &[Mark] = &[
    Line("!!"),
    Line("!"),
    Line("%sx "),
    Line("%system "),
    Line("%%bash"),
    Line("%%sh"),
];
const MONGO: &[Mark] = &[
    Each("exec("),
    Each("execsync("),
    Each("spawn("),
    Each("spawnsync("),
];
const EDITOR: &[Mark] = &[
    Line("ter "),
    Line("term "),
    Line("terminal "),
    Line("botright term "),
    Line("vert term "),
];

/// Returns what the commands of the program `name` look like that hand text to a shell.
fn marks_of(name: &str) -> &'static [Mark] {
    match name {
        "psql" | "pgcli" | "usql" => POSTGRES,
        "mysql" | "mariadb" | "mycli" => MYSQL,
        "sqlite3" | "sqlite" | "duckdb" | "litecli" => SQLITE,
        "beeline" => &[Line("!sh "), Line("!")],
        "hive" | "ftp" | "sftp" | "lftp" | "smbclient" | "dc" | "tnftp" => &[Line("!")],
        "impala-shell" => &[Line("shell "), Line("!")],
        "clickhouse" | "clickhouse-local" | "clickhouse-client" => &[Each("executable(")],
        "mongosh" | "mongo" => MONGO,
        "gdb" | "cgdb" | "rust-gdb" => &[Line("shell "), Line("!")],
        "lldb" | "rust-lldb" => &[Line("shell "), Line("platform shell ")],
        "less" | "zless" => &[Line("+!")],
        "ipython" | "ipython3" | "IPython" => IPYTHON,
        "ghci" | "ghc" | "runghc" | "runhaskell" => &[Line(":!")],
        "gnuplot" | "maxima" => &[Line("!")],
        "kak" => &[Within("%sh{"), Within("%sh(")],
        "micro" => &[Line("run "), Line("term ")],
        "rpm" | "rpmbuild" | "rpmspec" => &[Within("%(")],
        "m4" | "gm4" => &[Within("syscmd(")],
        "tex" | "latex" | "pdftex" | "pdflatex" | "xetex" | "xelatex" | "luatex" | "lualatex" => {
            TEX
        }
        _ if is_editor(name) => EDITOR,
        _ => &[],
    }
}

/// Returns whether `!` in the commands of the program hands the rest to a shell.
fn is_editor(name: &str) -> bool {
    matches!(
        name,
        "vi" | "vim" | "nvim" | "ex" | "view" | "gvim" | "vimdiff"
    )
}

/// Returns whether a program reads commands that can hand text to a shell.
pub(crate) fn reads_escapes(name: &str) -> bool {
    // What pagers and most editors read is what they show.
    let shows = matches!(name, "less" | "zless") || is_editor(name) && name != "ex";
    !shows && has_escapes(name)
}

/// Returns whether a program has commands that can hand text to a shell.
pub(crate) fn has_escapes(name: &str) -> bool {
    !marks_of(name).is_empty()
}

/// Returns the texts that commands in a program's own language give to a shell.
pub(crate) fn escapes(name: &str, arguments: &[Word]) -> Vec<GivenText> {
    let marks = marks_of(name);
    if marks.is_empty() {
        return Vec::new();
    }
    let is_editor = is_editor(name);
    let mut found = Vec::new();
    for word in arguments {
        let text = shown_text(&value_of(word));
        for line in text.lines() {
            let line = if is_editor {
                line.trim_start_matches([' ', '\t', '+', ':'])
            } else {
                line.trim_start()
            };
            let mut texts: Vec<&str> = Vec::new();
            for mark in marks {
                mark.texts(line, &mut texts);
            }
            if is_editor && texts.is_empty() {
                texts.extend(filtered(line));
            }
            let texts = texts.into_iter().map(unquoted);
            let texts = texts.filter(|text| !text.is_empty());
            found.extend(texts.map(|text| given(text, word)));
        }
    }
    found
}

fn given(text: &str, word: &Word) -> GivenText {
    GivenText::from(Word {
        span: word.span,
        parts: vec![WordPart::Literal(text.to_owned())],
        ..Word::default()
    })
}

/// Returns the value of an option that stands in the same word; else the word.
fn value_of(word: &Word) -> Word {
    let text = crate::option::first_text(word);
    if text.starts_with("--") {
        let name = text.find('=').map_or(0, |at| at + 1);
        return without_start(word, name);
    }
    // Behind a letter a value begins as no option does.
    let mut letters = text.chars();
    let is_attached = letters.next() == Some('-')
        && letters.next().is_some_and(|it| it.is_ascii_alphabetic())
        && letters.next().is_some_and(|it| "\\|!.%:".contains(it));
    without_start(word, if is_attached { 2 } else { 0 })
}

/// Returns what a command of an editor gives to a shell: after a name, `!` means something else.
fn filtered(line: &str) -> Option<&str> {
    let at = line.find('!')?;
    let before = line.get(..at)?.chars().next_back();
    let is_force = before.is_some_and(|letter| letter.is_ascii_alphabetic());
    line.get(at + 1..)
        .filter(|rest| !is_force && !rest.trim().is_empty())
}

/// Returns a text without blanks and the quotes around it.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let pairs = [('"', '"'), ('\'', '\''), ('`', '\'')];
    let inner = pairs.into_iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        (!inner.contains([open, close])).then_some(inner)
    });
    inner.unwrap_or(text)
}

impl Mark {
    /// Adds the texts that a line hands to a shell so.
    fn texts<'l>(self, line: &'l str, texts: &mut Vec<&'l str>) {
        match self {
            Line(start) => {
                let mut statements = std::iter::once(0).chain(ends(line));
                let found = statements.find_map(|at| {
                    let rest = line.get(at..)?.trim_start();
                    behind(rest, start)
                });
                // A shorter mark of the same line says the same.
                if texts.is_empty() {
                    texts.extend(found);
                }
            }
            Rest(start) => texts.extend(line.split_once(start).map(|(_, rest)| rest)),
            Bar(word) => texts.extend(behind_each(line, word).find_map(barred)),
            Quoted(word) => {
                texts.extend(behind_each(line, word).filter_map(|text| quoted_in(text).next()));
            }
            Each(word) => texts.extend(behind_each(line, word).flat_map(quoted_in)),
            Within(start) => texts.extend(enclosed(line, start)),
        }
    }
}

/// Returns where statements of a line begin, but for the first.
fn ends(line: &str) -> impl Iterator<Item = usize> + '_ {
    line.match_indices(';').map(|(at, _)| at + 1)
}

/// Returns what follows `start`, in letters of either kind.
fn behind<'l>(text: &'l str, start: &str) -> Option<&'l str> {
    let found = text.get(..start.len())?.eq_ignore_ascii_case(start);
    text.get(start.len()..).filter(|_| found)
}

/// Returns the places behind each `word` in a line, in letters of either kind.
fn places<'l>(line: &'l str, word: &'l str) -> impl Iterator<Item = usize> + 'l {
    let places = line.char_indices().map(|(at, _)| at);
    places.filter_map(move |at| {
        behind(line.get(at..)?, word)?;
        Some(at + word.len())
    })
}

/// Returns what stands behind each `word` in a line, up to the next of them.
fn behind_each<'l>(line: &'l str, word: &'l str) -> impl Iterator<Item = &'l str> {
    let places: Vec<usize> = places(line, word).collect();
    let ends: Vec<usize> = places.iter().skip(1).copied().chain([line.len()]).collect();
    let parts = places.into_iter().zip(ends);
    parts.filter_map(|(at, end)| line.get(at..end))
}

/// Returns the text behind a bar that begins one of the next words.
fn barred(rest: &str) -> Option<&str> {
    if !rest.starts_with([' ', '\t', '|', '"', '\'']) {
        return None;
    }
    let at = rest.find('|')?;
    let before = rest.get(..at)?.chars().next_back();
    let text = rest.get(at + 1..)?;
    match before {
        Some(quote @ ('"' | '\'')) => text.split(quote).next(),
        None | Some(' ' | '\t') => Some(text),
        Some(_) => None,
    }
}

/// Returns the texts in quotes up to a bracket that closes.
fn quoted_in(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let at = rest.find(['\'', '"', '`', ')'])?;
        let quote = rest.get(at..)?.chars().next().filter(|it| *it != ')')?;
        let inner = rest.get(at + 1..)?;
        let end = inner.find(quote).unwrap_or(inner.len());
        rest = inner.get(end + 1..).unwrap_or_default();
        inner.get(..end)
    })
}

/// Returns the texts in `text` between `start`, which ends with a bracket, and where that
/// closes; of those within one another, the outer ones.
pub(crate) fn enclosed<'t>(text: &'t str, start: &str) -> Vec<&'t str> {
    let mut found = Vec::new();
    // Where those end that are open: what is nested deeper is not gone through again.
    let mut open: Vec<usize> = Vec::new();
    for (at, _) in text.match_indices(start) {
        open.retain(|end| *end > at);
        if open.len() >= NESTED_MAX {
            continue;
        }
        let at = at + start.len();
        let rest = text.get(at..).unwrap_or_default();
        let inner = up_to_close(rest, start);
        open.push(at + inner.len());
        found.push(inner);
    }
    found
}

fn up_to_close<'t>(text: &'t str, start: &str) -> &'t str {
    let (open, close) = if start.ends_with('{') {
        ('{', '}')
    } else {
        ('(', ')')
    };
    let mut depth = 1_usize;
    let end = text.find(|letter| {
        if letter == open {
            depth += 1;
        } else if letter == close {
            depth -= 1;
        }
        depth == 0
    });
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, expected: &[&str]) {
        let word = given(text, &Word::default()).text;
        let found = escapes(name, &[word]);
        let found: Vec<String> = found.iter().map(|it| shown_text(&it.text)).collect();
        assert_eq!(found, expected, "{name} {text}");
    }

    #[test]
    fn commands_of_clients_hand_text_to_a_shell() {
        check("psql", "select 1 \\g |rm y", &["rm y"]);
        check("psql", "\\setenv PAGER \"rm y\"", &["rm y"]);
        check("psql", "COPY t FROM PROGRAM 'rm y' csv", &["rm y"]);
        check("psql", "--output=|rm y", &["rm y"]);
        check("mysql", "--init-command=system rm y", &["rm y"]);
        check("mysql", "select 1; pager rm y", &["rm y"]);
        check("sqlite3", ".import \"|rm y\" t", &["rm y"]);
        check("sqlite3", ".once |rm y", &["rm y"]);
        check("sqlite3", "select edit(a, 'rm y')", &["rm y"]);
        check("beeline", "!sh rm y", &["rm y"]);
        check(
            "clickhouse-local",
            "select * from executable('rm y', 'TSV')",
            &["rm y", "TSV"],
        );
        check("rpm", "%(rm $(echo y))", &["rm $(echo y)"]);
        check("m4", "syscmd(`rm y')", &["rm y"]);
        check("vim", "+term rm y", &["rm y"]);
        check("vim", "r !rm y", &["rm y"]);
    }

    #[test]
    fn texts_within_texts_are_bounded() {
        assert_eq!(enclosed("a $(b $(c)) $(d)", "$("), ["b $(c)", "c", "d"]);
        let deep = "%(".repeat(9_999);
        assert_eq!(enclosed(&deep, "%(").len(), NESTED_MAX);
        let word = given(&"exec('a'".repeat(9_999), &Word::default()).text;
        assert_eq!(escapes("mongosh", &[word]).len(), 9_999);
        // Each is looked at up to the next of its kind.
        let line = "to program ".repeat(4);
        let parts: Vec<&str> = behind_each(&line, "to program ").collect();
        assert_eq!(parts, ["to program ", "to program ", "to program ", ""]);
        check("psql", "copy t to program 'rm y'; \\o |id", &["id", "rm y"]);
    }

    #[test]
    fn other_commands_do_not() {
        check("psql", "\\o out.txt", &[]);
        check("psql", "select 'a|b', x || y from t", &[]);
        check("sqlite3", ".output a.txt", &[]);
        check("mysql", "select system from pager", &[]);
        check("vim", "w! x", &[]);
        check("psql-not", "\\! rm y", &[]);
    }
}
