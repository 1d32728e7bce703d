//! Code that a command runs, and where it comes from.

use aegis_types::{Command, EffectKind, EffectResource, Plan, Span, Word};

use super::Found;
use super::build;
use super::command::{Told, is_dash};
use super::flow::{Flow, Input, Mask};
use crate::code::{Meaning, shown_by};
use crate::input;
use crate::option::first_text;
use crate::program::{SHELLS, program_name};
use crate::programs::Role;
use crate::written;

/// A program that runs code: the letters and long names before it, and the
/// letters whose value is something else.
struct Language {
    names: &'static [&'static str],
    code: &'static str,
    long: &'static [&'static str],
    values: &'static str,
}

const LANGUAGES: [Language; 9] = [
    Language {
        names: &["python", "pypy", "ipython"],
        code: "c",
        long: &[],
        values: "mWXQ",
    },
    Language {
        names: &["perl"],
        code: "eE",
        long: &[],
        values: "IMmx",
    },
    Language {
        names: &["ruby", "jruby"],
        code: "e",
        long: &[],
        values: "rIEC",
    },
    Language {
        names: &["node", "nodejs", "bun", "deno"],
        code: "ep",
        long: &["--eval", "--print"],
        values: "rC",
    },
    Language {
        names: &["php"],
        code: "rRBE",
        long: &["--run"],
        values: "dczS",
    },
    Language {
        names: &["lua", "luajit"],
        code: "e",
        long: &[],
        values: "l",
    },
    Language {
        names: &["osascript", "tclsh", "wish", "rscript"],
        code: "e",
        long: &[],
        values: "l",
    },
    Language {
        names: &["pwsh", "powershell"],
        code: "",
        long: &["-command", "-c", "-encodedcommand"],
        values: "",
    },
    Language {
        names: &SHELLS,
        code: "c",
        long: &["--command"],
        values: "oO",
    },
];

/// Programs that run the statements they read, whatever their operands name.
const DATABASES: [&str; 11] = [
    "clickhouse-client",
    "cqlsh",
    "duckdb",
    "mariadb",
    "mongo",
    "mongosh",
    "mysql",
    "psql",
    "redis-cli",
    "sqlcmd",
    "sqlite3",
];

/// What an interpreter is given.
#[derive(Debug, Default)]
struct Given<'p> {
    /// Code among the words.
    code: Vec<&'p Word>,
    /// The file that is run.
    script: Option<&'p Word>,
    /// Whether code is read from standard input.
    reads_input: bool,
}

/// Returns whether `name` reads a command line.
pub(super) fn is_shell(name: &str) -> bool {
    matches!(name, "." | "eval" | "source") || SHELLS.contains(&name)
}

/// Returns whether a command is a shell that runs what it reads.
pub(super) fn runs_input_as_shell(told: &Told<'_>) -> bool {
    is_shell(told.name()) && given(told).is_some_and(|given| given.reads_input)
}

/// Returns whether a command runs what it reads, in whatever language.
pub(super) fn runs_input(told: &Told<'_>) -> bool {
    takes_statements(told) || given(told).is_some_and(|given| given.reads_input)
}

/// Adds that code runs which comes from a host, or which the text writes.
pub(super) fn runs(flow: &Flow, told: &Told<'_>, input: Input, found: &mut Found) {
    let mut mask: Mask = if takes_statements(told) {
        input.standard
    } else {
        0
    };
    let mut files: Vec<&Word> = Vec::new();
    if let Some(given) = given(told) {
        if given.reads_input {
            mask |= input.standard;
        }
        for word in given.code.iter().copied().chain(given.script) {
            mask |= flow.word_mask(told, word, input.standard);
        }
        files.extend(given.script);
        if given.reads_input {
            files.extend(read_from(told.command));
        }
    }
    files.extend(
        told.command
            .program
            .as_ref()
            .filter(|program| written(program).contains('/')),
    );
    files.extend(scheduled(told));
    let (piped, named) = files_of_code(told);
    if piped {
        mask |= input.standard;
    }
    let recipe = recipe_of(told);
    if recipe.as_ref().is_some_and(is_dash) {
        mask |= input.standard;
    }
    for word in named.iter().copied().chain(&recipe).chain(code_of(told)) {
        mask |= flow.word_mask(told, word, 0);
    }
    for word in &told.loaded {
        mask |= flow.word_mask(told, word, 0);
    }
    files.extend(named);
    files.extend(recipe.as_ref());
    files.extend(&told.loaded);
    for file in installed(told) {
        mask |= flow.content(told, file).mask;
    }
    for word in build::sources(told) {
        mask |= flow.content(told, &word).mask;
    }
    if build::takes_input(told) {
        mask |= input.standard;
    }
    mask |= of_files(flow, told, &files, found);
    if makes_runnable(told) {
        for word in told
            .reading
            .iter()
            .flat_map(|reading| reading.operands.iter().skip(1))
        {
            mask |= flow.content(told, word).mask;
        }
    }
    if let Some(source) = flow.remote_source(mask) {
        let causes: Vec<Span> = source.into_iter().chain([told.program_span()]).collect();
        found.add(EffectKind::RemoteCode, EffectResource::Unknown, &causes);
    }
}

/// Returns where the content of files comes from that are run, and adds that the text
/// writes it.
fn of_files(flow: &Flow, told: &Told<'_>, files: &[&Word], found: &mut Found) -> Mask {
    let mut mask = 0;
    for file in files {
        // What a stream gives to a shell the plan follows.
        if file.is_stream() && !is_shell(told.name()) {
            found.add(EffectKind::Unknown, EffectResource::Unknown, &[file.span]);
        }
        let content = flow.content(told, file);
        mask |= content.mask;
        // What came from a host is told as that.
        if let Some(write) = content
            .written
            .filter(|_| flow.remote_source(content.mask).is_none())
        {
            let path = EffectResource::Path(written(file));
            found.add(
                EffectKind::WrittenCode,
                path,
                &[write, place_of(told, file)],
            );
        }
    }
    mask
}

/// Returns whether what a command reads is run, by what the table says or as statements.
fn takes_statements(told: &Told<'_>) -> bool {
    DATABASES.contains(&told.name())
        || runs_its_lines(told)
        || told.reading.as_ref().is_some_and(|reading| {
            reading.operands.is_empty() && reading.deepest().is_some_and(|entry| entry.runs_input())
        })
}

/// Returns whether awk runs something that its code does not write out: what it reads.
fn runs_its_lines(told: &Told<'_>) -> bool {
    matches!(told.name(), "awk" | "gawk" | "mawk" | "nawk")
        && shown_by(told.command)
            .is_some_and(|shown| shown.does(Meaning::Run) && shown.lines.is_empty())
}

/// Returns whether an option says that standard input is run, and the files that options have run.
fn files_of_code<'p>(told: &'p Told<'_>) -> (bool, Vec<&'p Word>) {
    let runs_file = |role: Role| matches!(role, Role::Path(ways) if ways.access().execute);
    let values = told
        .reading
        .iter()
        .flat_map(|reading| reading.values_with_roles());
    let named = values.filter(|value| runs_file(value.role));
    let (piped, files): (Vec<&Word>, Vec<&Word>) = named
        .map(|value| value.word)
        .partition(|word| is_dash(word) || first_text(word) == "/dev/stdin");
    (!piped.is_empty(), files)
}

/// Returns the words that are code, as the table says.
fn code_of<'p>(told: &'p Told<'_>) -> impl Iterator<Item = &'p Word> {
    let readings = told.reading.iter();
    let given = readings.flat_map(|reading| {
        let values = reading.values_with_roles();
        values.chain(reading.operands_with_roles())
    });
    given.filter(|it| it.role == Role::Code).map(|it| it.word)
}

fn place_of(told: &Told<'_>, file: &Word) -> Span {
    if file.span == Span::default() {
        told.program_span()
    } else {
        file.span
    }
}

/// Returns the files from which a command reads its input.
fn read_from(command: &Command) -> impl Iterator<Item = &Word> {
    let reads = command.redirections.iter();
    reads
        .filter(|it| it.is_input() && it.kind == aegis_types::RedirectionKind::Read)
        .map(|redirection| &redirection.target)
}

/// Returns the files that a command has run later.
fn scheduled<'p>(told: &'p Told<'_>) -> Option<&'p Word> {
    let reading = told.reading.as_ref()?;
    match told.name() {
        "crontab" => reading.operands.first().copied(),
        "at" | "batch" => reading.values("-f").next(),
        _ => None,
    }
}

/// Returns the files that a command installs as packages, whose scripts run.
fn installed<'p>(told: &'p Told<'_>) -> Vec<&'p Word> {
    let Some(reading) = &told.reading else {
        return Vec::new();
    };
    let installs = reading
        .stated()
        .any(|(kind, _)| *kind == EffectKind::Package);
    let values = reading.values_with_roles().map(|value| value.word);
    if installs {
        reading.operands.iter().copied().chain(values).collect()
    } else {
        Vec::new()
    }
}

/// Returns the file of rules that a build program reads by itself.
fn recipe_of(told: &Told<'_>) -> Option<Word> {
    let usual = match told.name() {
        "make" | "gmake" => "Makefile",
        "just" => "justfile",
        "rake" => "Rakefile",
        _ => return None,
    };
    let mut words = told.command.arguments.iter();
    let named = words.find(|word| matches!(first_text(word), "-f" | "--file" | "--makefile"));
    match named.and_then(|_| words.next()) {
        Some(word) => Some(word.clone()),
        None => {
            let mut words = told.command.arguments.iter();
            let folder = words.find(|word| matches!(first_text(word), "-C" | "--directory"));
            let folder = folder.and_then(|_| words.next());
            let folder = folder.map_or_else(String::new, |folder| written(folder) + "/");
            Some(Word {
                span: told.program_span(),
                parts: vec![aegis_types::WordPart::Literal(folder + usual)],
                ..Word::default()
            })
        }
    }
}

/// Returns whether files are made such that they can be run.
fn makes_runnable(told: &Told<'_>) -> bool {
    if !matches!(told.name(), "chmod" | "gchmod") {
        return false;
    }
    let mut words = told.command.arguments.iter();
    let mode = words.find(|word| !first_text(word).starts_with("--"));
    let mode = mode.map(written).unwrap_or_default();
    mode.contains('x')
        || mode
            .chars()
            .any(|digit| matches!(digit, '1' | '3' | '5' | '7'))
}

/// Returns what an interpreter is given; nothing if a command is none.
fn given<'p>(told: &Told<'p>) -> Option<Given<'p>> {
    let arguments = told.command.arguments.as_slice();
    if matches!(told.name(), "source" | ".") {
        return Some(Given {
            script: arguments.first(),
            ..Given::default()
        });
    }
    if told.name() == "eval" {
        return Some(Given {
            code: arguments.iter().collect(),
            ..Given::default()
        });
    }
    let lower = told.name().to_ascii_lowercase();
    let stem = lower.trim_end_matches(|end: char| end.is_ascii_digit() || end == '.');
    let language = LANGUAGES.iter().find(|it| it.names.contains(&stem))?;
    Some(read(language, arguments))
}

fn read<'p>(language: &Language, arguments: &'p [Word]) -> Given<'p> {
    let mut given = Given::default();
    let mut words = arguments.iter();
    let mut reads_anyway = false;
    let mut is_module = false;
    while let Some(word) = words.next() {
        let text = first_text(word);
        let (name, _) = text.split_once('=').unwrap_or((text, ""));
        if language.long.contains(&name.to_ascii_lowercase().as_str()) {
            given.code.push(word);
            given.code.extend(words.next());
        } else if input::is_input(word) || input::is_open(word) {
            reads_anyway = true;
            break;
        } else if text == "--" {
            given.script = words
                .next()
                .filter(|word| !first_text(word).starts_with('-'));
            break;
        } else if text.starts_with("--") || text.starts_with('+') {
            if matches!(text, "--rcfile" | "--init-file" | "--require" | "--import") {
                words.next();
            }
        } else if let Some(letters) = text.strip_prefix('-').filter(|it| !it.is_empty()) {
            let letter = letters
                .find(|letter| language.code.contains(letter) || language.values.contains(letter));
            reads_anyway |=
                language.code == "c" && language.values == "oO" && letters.contains('s');
            let Some(index) = letter else {
                continue;
            };
            let is_last = index + 1 == letters.len() && word.parts.len() == 1;
            let is_code = letters
                .get(index..)
                .is_some_and(|rest| rest.starts_with(|it| language.code.contains(it)));
            is_module |= letters
                .get(index..)
                .is_some_and(|rest| rest.starts_with('m'))
                && language.values.starts_with('m');
            let value = if is_last { words.next() } else { Some(word) };
            if is_code {
                given.code.extend(value);
            }
        } else {
            // `bun run x` and `deno run x` run what follows.
            if matches!(text, "run") && language.long.contains(&"--eval") {
                continue;
            }
            given.script = Some(word);
            break;
        }
    }
    let has_code = !given.code.is_empty() || is_module;
    if has_code {
        given.script = None;
    }
    given.reads_input = reads_anyway || !has_code && given.script.is_none();
    if given.script.is_some_and(is_dash) {
        given.reads_input = true;
    }
    given
}

/// Returns whether a command runs code in a language, and the text it is given.
pub(super) fn shown_code(told: &Told<'_>) -> Option<String> {
    let is_language =
        given(told).is_some() || matches!(told.name(), "awk" | "gawk" | "mawk" | "nawk");
    if !is_language || is_shell(told.name()) {
        return None;
    }
    let mut text = String::new();
    let redirections = told.command.redirections.iter();
    let texts = redirections
        .filter(|redirection| redirection.kind == aegis_types::RedirectionKind::Text)
        .map(|redirection| &redirection.target);
    for word in told.command.arguments.iter().chain(texts) {
        text.push_str(&written(word));
        text.push('\n');
    }
    Some(text)
}

/// What code says when it fetches.
const FETCHES: [&str; 14] = [
    "curl ",
    "wget ",
    "urlopen",
    "requests.",
    "urllib",
    "fetch(",
    "get(",
    "URI.open",
    "open-uri",
    "file_get_contents",
    "irm ",
    "iwr ",
    "DownloadString",
    "Invoke-WebRequest",
];

/// What code says when it runs text.
const RUNS: [&str; 17] = [
    "eval",
    "exec(",
    "os.system",
    "subprocess",
    "execSync",
    "child_process",
    "system(",
    "iex",
    "Invoke-Expression",
    "do shell script",
    "|sh",
    "| sh",
    "|bash",
    "| bash",
    "| sudo",
    "popen",
    "Start-Process",
];

/// Adds that code among the words shows that it runs what it fetches.
pub(super) fn shown(told: &Told<'_>, found: &mut Found) {
    let Some(code) = shown_code(told).filter(|code| code.contains("://")) else {
        return;
    };
    let says = |marks: &[&str]| marks.iter().any(|mark| code.contains(mark));
    if says(&FETCHES) && says(&RUNS) {
        let span = told.command.span;
        found.add(EffectKind::RemoteCode, EffectResource::Unknown, &[span]);
    }
}

/// Adds what a line of PowerShell that fetches and runs does.
pub(super) fn powershell(plan: &Plan, found: &mut Found) {
    let span_of = |names: &[&str]| {
        let mut commands = plan.commands.iter();
        let is_one = |command: &&Command| {
            program_name(command)
                .is_some_and(|name| names.contains(&name.to_ascii_lowercase().as_str()))
        };
        commands.find(is_one).map(|command| command.span)
    };
    let runs = span_of(&["iex", "invoke-expression", "[scriptblock]::create"]);
    let fetches = span_of(&[
        "iwr",
        "irm",
        "downloadstring",
        "downloadfile",
        "invoke-webrequest",
        "invoke-restmethod",
    ]);
    if let (Some(runs), Some(fetches)) = (runs, fetches) {
        found.add(
            EffectKind::RemoteCode,
            EffectResource::Unknown,
            &[fetches, runs],
        );
    }
}
