//! Files that commands in a program's own language name.

use aegis_types::{Access, Command, RedirectionKind, Word};

use super::{Touched, word_at};
use crate::option::shown_text;

/// Where a command names its file.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Behind this word, with which the line begins.
    Start(&'static str),
    /// Behind this word, wherever it stands.
    Anywhere(&'static str),
    /// Behind the second word, in a line that begins with the first.
    Within(&'static str, &'static str),
}

use Place::{Anywhere, Start, Within};

/// What the commands of a program do with the files they name.
type Commands = &'static [(Place, Access)];

const POSTGRES: Commands = &[
    (Start("\\i"), Access::READ),
    (Start("\\ir"), Access::READ),
    (Start("\\include"), Access::READ),
    (Start("\\o"), Access::WRITE),
    (Start("\\w"), Access::WRITE),
    (Within("\\copy", "from"), Access::READ),
    (Within("\\copy", "to"), Access::WRITE),
];
const MYSQL: Commands = &[
    (Start("source"), Access::READ),
    (Start("\\."), Access::READ),
    (Start("tee"), Access::WRITE),
    (Anywhere("infile"), Access::READ),
    (Anywhere("outfile"), Access::WRITE),
    (Anywhere("dumpfile"), Access::WRITE),
];
const SQLITE: Commands = &[
    (Start(".import"), Access::READ),
    (Start(".read"), Access::READ),
    (Start(".restore"), Access::READ),
    (Start(".output"), Access::WRITE),
    (Start(".once"), Access::WRITE),
    (Start(".backup"), Access::WRITE),
    (Start(".save"), Access::WRITE),
    (Start(".clone"), Access::WRITE),
];

fn commands_of(name: &str) -> Commands {
    match name {
        "psql" | "pgcli" => POSTGRES,
        "mysql" | "mariadb" | "mycli" => MYSQL,
        "sqlite3" | "sqlite" | "duckdb" => SQLITE,
        _ => &[],
    }
}

/// Adds the files that the commands name which a program is given.
pub(super) fn touched(name: &str, command: &Command, list: &mut Vec<Touched>) {
    if name == "java" {
        let logs = command.arguments.iter().filter_map(log_of_java);
        list.extend(logs.map(|file| Touched::new(&file, Access::WRITE)));
    }
    let commands = commands_of(name);
    if commands.is_empty() {
        return;
    }
    let redirections = command.redirections.iter();
    let texts = redirections.filter(|it| it.kind == RedirectionKind::Text);
    let given = texts.map(|it| &it.target).chain(&command.arguments);
    for word in given {
        for line in shown_text(word).lines() {
            for (place, access) in commands {
                if let Some(file) = file_in(line, *place) {
                    list.push(Touched::new(&word_at(word, file), *access).possible());
                }
            }
        }
    }
}

/// Returns the file into which the Java machine writes what it logs: `-Xlog:gc:file=x:time`.
fn log_of_java(word: &Word) -> Option<Word> {
    let text = word.literal()?;
    let file = match text.strip_prefix("-Xloggc:") {
        Some(file) => file,
        None => {
            let output = text.strip_prefix("-Xlog:")?.split(':').nth(1)?;
            output.strip_prefix("file=").unwrap_or(output)
        }
    };
    let is_file = !matches!(file, "" | "stdout" | "stderr");
    is_file.then(|| word_at(word, file.trim_matches('"')))
}

/// Returns the file that a line names at this place.
fn file_in(line: &str, place: Place) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| *word == "-");
    let is = |word: &str, name: &str| word.eq_ignore_ascii_case(name);
    let file = match place {
        Start(name) => {
            words.next().filter(|word| is(word, name))?;
            words.find(|word| !word.starts_with('-'))
        }
        Anywhere(name) => {
            words.find(|word| is(word, name))?;
            words.next()
        }
        Within(start, name) => {
            words.next().filter(|word| is(word, start))?;
            words.find(|word| is(word, name))?;
            words.next()
        }
    };
    let file = file?.trim_matches(|sign| matches!(sign, '\'' | '"' | ';'));
    let is_file = !file.is_empty() && !is(file, "stdin") && !is(file, "stdout");
    is_file.then_some(file)
}
