//! Which programs are given code, and where on their command line.

use aegis_types::Word;

use crate::input;
use crate::option::{self, Spec, first_text};

/// How a program takes its code.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Language {
    /// Through options, or else as a file or through its input.
    Script(&'static Interpreter),
    /// As the first operand, unless a file is named: awk.
    Awk,
    /// As the first operand, unless given through an option: sed.
    Sed,
    /// Through `-c` and `+`, or as input: editors.
    Editor,
    /// As the operands after the first, or as input: databases in a file.
    Database,
}

/// An interpreter of a language that is not followed.
#[derive(Debug)]
pub(crate) struct Interpreter {
    name: &'static str,
    /// The options whose value is code.
    code: &'static [&'static str],
    /// The options that take a value.
    spec: Spec,
    /// Whether not all names are known that its language has for files and programs.
    is_foreign: bool,
}

const fn interpreter(
    name: &'static str,
    code: &'static [&'static str],
    short: &'static str,
    long: &'static [&'static str],
) -> Interpreter {
    Interpreter {
        name,
        code,
        spec: Spec {
            short,
            long,
            ends_at_operand: true,
        },
        is_foreign: false,
    }
}

const fn foreign(
    name: &'static str,
    code: &'static [&'static str],
    short: &'static str,
    long: &'static [&'static str],
) -> Interpreter {
    let known = interpreter(name, code, short, long);
    Interpreter {
        is_foreign: true,
        ..known
    }
}

/// The interpreters by name, in order.
const INTERPRETERS: [Interpreter; 70] = [
    interpreter("IPython", &["c"], "cm", &[]),
    foreign("R", &["e"], "ef", &[]),
    foreign("Rscript", &["e"], "e", &[]),
    foreign("amm", &["c", "code"], "cp", &["code", "predef"]),
    foreign("bb", &["e", "eval"], "ecm", &["eval", "classpath", "main"]),
    interpreter(
        "bun",
        &["e", "p", "eval", "print"],
        "epr",
        &["eval", "print", "preload"],
    ),
    foreign("clang", &[], "xoILDU", &[]),
    foreign("clisp", &["x"], "xiMEK", &[]),
    foreign("clj", &["e", "eval"], "eimr", &["eval", "init", "main"]),
    foreign("clojure", &["e", "eval"], "eimr", &["eval", "init", "main"]),
    foreign("crystal", &[], "", &[]),
    interpreter("deno", &[], "", &[]),
    foreign("dotnet", &["eval"], "", &[]),
    foreign("elixir", &["e", "eval"], "er", &["eval"]),
    foreign("erl", &["eval"], "", &["eval"]),
    foreign("escript", &[], "", &[]),
    foreign("gcc", &[], "xoILDU", &[]),
    foreign("gforth", &["e", "evaluate"], "eimp", &["evaluate"]),
    foreign("ghc", &["e"], "e", &[]),
    foreign("ghci", &["e"], "e", &[]),
    foreign("gnuplot", &["e"], "ecd", &[]),
    foreign("gp", &[], "sDp", &[]),
    foreign("groovy", &["e"], "ecl", &[]),
    foreign("guile", &["c"], "cselLCx", &[]),
    foreign("hy", &["c"], "cm", &[]),
    foreign("iex", &["e", "eval"], "erS", &["eval", "require"]),
    interpreter("ipython", &["c"], "cm", &[]),
    interpreter("irb", &["e"], "erI", &[]),
    foreign("janet", &["e"], "el", &[]),
    interpreter("jruby", &["e"], "eIrCEFT", &[]),
    foreign("jrunscript", &["e"], "elf", &[]),
    foreign("jshell", &[], "", &["class-path", "startup", "feedback"]),
    foreign(
        "julia",
        &["e", "E", "eval", "print"],
        "eELJpt",
        &["eval", "print", "load"],
    ),
    foreign("kotlin", &["e"], "e", &[]),
    foreign("littler", &["e"], "ef", &[]),
    interpreter("lua", &["e"], "el", &[]),
    interpreter("luajit", &["e"], "elj", &[]),
    foreign("m4", &[], "DUIFRL", &[]),
    foreign(
        "maxima",
        &["batch-string", "r", "run-string"],
        "rb",
        &["batch-string", "run-string", "batch"],
    ),
    foreign("mix", &["e", "eval"], "er", &["eval", "require"]),
    foreign("nim", &["eval"], "", &["eval"]),
    interpreter(
        "node",
        &["e", "p", "eval", "print"],
        "eprC",
        &["eval", "print", "require", "import", "loader"],
    ),
    interpreter(
        "nodejs",
        &["e", "p", "eval", "print"],
        "eprC",
        &["eval", "print", "require", "import", "loader"],
    ),
    foreign("ocaml", &["e"], "eIw", &[]),
    foreign("octave", &["eval"], "", &["eval"]),
    interpreter("osascript", &["e"], "els", &[]),
    interpreter("perl", &["e", "E"], "eEIMm", &[]),
    interpreter("php", &["r", "B", "R", "E"], "rdcfzBREStF", &["run"]),
    interpreter("pypy", &["c"], "cmWXQ", &[]),
    interpreter("python", &["c"], "cmWXQ", &[]),
    foreign("racket", &["e", "eval"], "e", &["eval"]),
    interpreter(
        "rake",
        &[
            "e",
            "E",
            "p",
            "P",
            "execute",
            "execute-print",
            "execute-continue",
        ],
        "eEpfrIR",
        &[
            "execute",
            "execute-print",
            "execute-continue",
            "rakefile",
            "require",
        ],
    ),
    foreign("raku", &["e"], "eIM", &[]),
    interpreter("ruby", &["e"], "eIrCEFT", &[]),
    foreign("runghc", &[], "", &[]),
    foreign("runhaskell", &[], "", &[]),
    foreign("rust-script", &["e", "expr"], "eldD", &["expr", "dep"]),
    interpreter("sage", &["c"], "c", &[]),
    foreign("sbcl", &["eval"], "", &["eval", "load"]),
    foreign("scala", &["e"], "e", &[]),
    foreign("swift", &["e"], "e", &[]),
    foreign("swipl", &["g", "goal", "t"], "gtfl", &["goal"]),
    foreign("tcc", &[], "xoILDU", &[]),
    interpreter("tclsh", &[], "", &[]),
    interpreter("texlua", &["e"], "el", &[]),
    interpreter(
        "ts-node",
        &["e", "p", "eval", "print"],
        "eprPO",
        &["eval", "print", "require"],
    ),
    interpreter(
        "tsx",
        &["e", "p", "eval", "print"],
        "eprC",
        &["eval", "print", "require", "import"],
    ),
    foreign("utop", &["e"], "eIw", &[]),
    foreign("yaegi", &["e"], "e", &[]),
    interpreter("zx", &["e", "eval"], "e", &["eval"]),
];

/// Returns whether the program `name` reads such a language.
pub(crate) fn is_foreign(name: &str) -> bool {
    name == "emacs" || interpreter_of(name).is_some_and(|it| it.is_foreign)
}

const AWK: Spec = Spec {
    short: "fFvWie",
    long: &["file", "field-separator", "assign", "include", "source"],
    ends_at_operand: false,
};

const SED: Spec = Spec {
    short: "efl",
    long: &["expression", "file", "line-length"],
    ends_at_operand: false,
};

const EDITOR: Spec = Spec {
    short: "cSuUTwWpi",
    long: &["cmd", "eval", "execute", "script"],
    ends_at_operand: false,
};

/// Returns how the program `name` takes code, if it does.
pub(crate) fn language(name: &str) -> Option<Language> {
    match name {
        "awk" | "gawk" | "mawk" | "nawk" => return Some(Language::Awk),
        "sed" | "gsed" => return Some(Language::Sed),
        "ed" | "ex" | "vi" | "vim" | "nvim" | "view" | "emacs" | "red" => {
            return Some(Language::Editor);
        }
        "sqlite3" | "duckdb" => return Some(Language::Database),
        _ => {}
    }
    let plain =
        name.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.');
    interpreter_of(plain).map(Language::Script)
}

fn interpreter_of(name: &str) -> Option<&'static Interpreter> {
    let found = INTERPRETERS.binary_search_by(|known| known.name.cmp(name));
    INTERPRETERS.get(found.ok()?)
}

/// Returns whether a program is asked about itself in words that are no letters.
fn asks_about_itself(arguments: &[Word]) -> bool {
    let asks = |word: &Word| matches!(word.literal().as_deref(), Some("-version" | "-help"));
    arguments.first().is_some_and(asks)
}

/// Returns the arguments that are code.
pub(crate) fn inline_code(language: Language, arguments: &[Word]) -> Vec<Word> {
    match language {
        Language::Script(_) if asks_about_itself(arguments) => Vec::new(),
        Language::Script(interpreter) if interpreter.name == "deno" => {
            match arguments.split_first() {
                Some((first, rest)) if first.literal().as_deref() == Some("eval") => rest
                    .iter()
                    .filter(|word| !first_text(word).starts_with('-'))
                    .cloned()
                    .collect(),
                _ => Vec::new(),
            }
        }
        Language::Script(interpreter) => code_of_script(interpreter, arguments),
        Language::Awk => {
            let read = option::read(arguments, &AWK);
            let mut code: Vec<Word> = read.values(&["e", "source"]).cloned().collect();
            if code.is_empty() && !read.has(&["f", "file"]) {
                code.extend(read.operands.first().map(|word| (*word).clone()));
            }
            code
        }
        Language::Sed => {
            let read = option::read(arguments, &SED);
            let mut code: Vec<Word> = read.values(&["e", "expression"]).cloned().collect();
            if code.is_empty() && !read.has(&["f", "file"]) {
                code.extend(read.operands.first().map(|word| (*word).clone()));
            }
            code
        }
        Language::Database => {
            let words = DatabaseWords::of(arguments);
            words.commands.into_iter().cloned().collect()
        }
        Language::Editor => {
            let read = option::read(arguments, &EDITOR);
            let mut code: Vec<Word> = read
                .values(&["c", "cmd", "eval", "execute", "S"])
                .cloned()
                .collect();
            let started = read
                .operands
                .iter()
                .filter(|word| first_text(word).starts_with('+'));
            code.extend(started.map(|word| (*word).clone()));
            code
        }
    }
}

/// Returns the arguments of an interpreter that are code.
fn code_of_script(interpreter: &Interpreter, arguments: &[Word]) -> Vec<Word> {
    // A word that says so may have one dash, or none: `erl -eval`, `script eval`.
    let says_so = |word: &Word| first_text(word).trim_start_matches('-') == "eval";
    if matches!(interpreter.name, "crystal" | "dotnet" | "erl" | "mix")
        && let Some(at) = arguments.iter().position(says_so)
    {
        return arguments.get(at + 1).cloned().into_iter().collect();
    }
    if interpreter.name == "nim"
        && let Some(word) = arguments
            .iter()
            .find(|it| first_text(it).starts_with("--eval:"))
    {
        return vec![option::without_start(word, "--eval:".len())];
    }
    let spec = Spec {
        // Code may stand behind a subcommand: `mix run -e code`.
        ends_at_operand: interpreter.name != "mix",
        ..interpreter.spec
    };
    let read = option::read(arguments, &spec);
    let mut code: Vec<Word> = read.values(interpreter.code).cloned().collect();
    let is_timed = |word: &Word| first_text(word) == "timeit";
    if interpreter.name == "python" && read.values(&["m"]).any(is_timed) {
        code.extend(read.operands.iter().map(|word| (*word).clone()));
    }
    // A module may be code itself: `--import data:text/javascript,…`.
    let modules = read.values(&["import", "require", "loader", "r"]);
    code.extend(modules.filter_map(|word| {
        let text = first_text(word);
        let start = text.find(',').filter(|_| text.starts_with("data:"))?;
        Some(option::without_start(word, start + 1))
    }));
    code
}

/// Returns whether a program reads code from its input only where `-` says so.
fn is_builder(name: &str) -> bool {
    matches!(
        name,
        "clang" | "crystal" | "dotnet" | "erl" | "gcc" | "ghc" | "mix" | "nim" | "rake" | "tcc"
    )
}

/// What the arguments of a database in a file are.
#[derive(Debug, Default)]
pub(crate) struct DatabaseWords<'w> {
    /// The file.
    pub(crate) file: Option<&'w Word>,
    /// A file of commands.
    pub(crate) script: Option<&'w Word>,
    /// Commands.
    pub(crate) commands: Vec<&'w Word>,
    /// Whether it is only read.
    pub(crate) only_reads: bool,
}

impl<'w> DatabaseWords<'w> {
    /// Tells the arguments apart; long options have one dash or two.
    pub(crate) fn of(arguments: &'w [Word]) -> Self {
        let mut found = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let text = first_text(word);
            if !text.starts_with('-') {
                match found.file {
                    None => found.file = Some(word),
                    Some(_) => found.commands.push(word),
                }
                continue;
            }
            match text.trim_start_matches('-') {
                "readonly" => found.only_reads = true,
                "cmd" | "c" | "s" => found.commands.extend(words.next()),
                "init" => found.script = words.next(),
                "separator" | "newline" | "nullvalue" | "vfs" | "mmap" => {
                    words.next();
                }
                _ => {}
            }
        }
        found
    }
}

/// Returns the arguments that code which is given inline can use as names of files.
pub(crate) fn given_values(language: Language, arguments: &[Word]) -> Vec<Word> {
    match language {
        Language::Awk => {
            let read = option::read(arguments, &AWK);
            let assigned = read.values(&["v", "assign"]).map(|word| {
                let text = first_text(word);
                let name = text.find('=').map_or(0, |equals| equals + 1);
                option::without_start(word, name)
            });
            let operands = read.operands.iter().map(|word| {
                let text = first_text(word);
                // An operand may set a variable as well.
                let name = text.find('=').map_or(0, |equals| equals + 1);
                option::without_start(word, name)
            });
            assigned.chain(operands).collect()
        }
        Language::Script(_) | Language::Sed | Language::Editor | Language::Database => Vec::new(),
    }
}

/// Returns whether a program that is given no inline code reads it from its input.
pub(crate) fn reads_input(language: Language, arguments: &[Word]) -> bool {
    match language {
        Language::Script(interpreter) if interpreter.name == "deno" => false,
        Language::Script(_) if asks_about_itself(arguments) => false,
        Language::Script(interpreter) => {
            let read = option::read(arguments, &interpreter.spec);
            let asks = [
                "V", "v", "version", "help", "h", "m", "modules", "check", "c", "test",
            ];
            match read.operands.first() {
                None => !read.has(&asks) && !is_builder(interpreter.name),
                Some(word) => (input::is_input(word) || input::is_open(word)) && !read.has(&["m"]),
            }
        }
        Language::Database => {
            let words = DatabaseWords::of(arguments);
            let asks = |word: &Word| matches!(first_text(word), "-version" | "-help" | "--help");
            words.commands.is_empty() && !arguments.iter().any(asks)
        }
        Language::Awk | Language::Sed | Language::Editor => false,
    }
}

#[cfg(test)]
mod tests {
    use super::INTERPRETERS;

    #[test]
    fn the_interpreters_are_in_order_so_that_they_can_be_searched() {
        assert!(INTERPRETERS.is_sorted_by_key(|interpreter| interpreter.name));
    }
}
