//! The laws of the table of programs.

use aegis_shell::{ProgramOptions, plan, touched};

use super::{done, text};

/// How deep subcommands are followed.
const SUBCOMMANDS_MAX: usize = 3;

/// Programs whose words code of their own reads beside the table. It knows fewer
/// spellings than the table does, so that these are held against other laws only.
const READ_BY_CODE: &str = "\
    7z 7za Rscript apt apt-cache apt-get aptitude ar awk bsdtar bun bundle chattr chmod \
    chrt clang cp cpio curl dd deno direnv docker dotnet duckdb elixir emacs erl fd \
    fdfind find gawk gcc gchmod gcp ghc ginstall git gmv groovy gsed gtar guile hatch \
    install jar jrunscript jshell julia kotlin link ln ltrace lua luajit man mawk mise \
    mount mv nawk nerdctl nim node nodejs npm numactl ocaml octave openssl osascript \
    patch perl php pipx pnpm podman pypy python python3 racket raku rsync ruby runghc \
    runhaskell rust-script sbcl scala scp script sed sftp socat sqlite3 ssh strace swift \
    tar taskset tcc tclsh test time ts-node tsx unzip uv uvx wget xargs yaegi yq zip";

/// An option before the first operand.
#[derive(Clone, Debug)]
struct Given<'t> {
    spelling: &'t str,
    value: Option<&'t str>,
}

/// A command of a program of the table.
struct Line<'t> {
    /// The program and its subcommands.
    names: Vec<&'t str>,
    options: Vec<Given<'t>>,
    rest: Vec<&'t str>,
    known: ProgramOptions,
}

/// Asserts that a command of the table, a line of plain words, does the same in
/// each way of writing its options.
pub fn laws(line: &str) {
    text::effects_are_bounded_and_equal(line);
    let Some(line) = Line::of(line) else {
        return;
    };
    let written = line.written(|_, _| None);
    let expected = done(&plan(&written));
    for other in line.others() {
        let found = done(&plan(&other));
        assert_eq!(expected, found, "`{written}` and `{other}`");
    }
    for command in &plan(&written).commands {
        assert!(touched(command).len() <= 4 * written.len());
    }
}

impl<'t> Line<'t> {
    /// Returns `text` read as a command, if it is one line of plain words.
    fn of(text: &'t str) -> Option<Self> {
        if !text.chars().all(is_plain) {
            return None;
        }
        let mut words = text.split(' ').filter(|word| !word.is_empty()).peekable();
        let program = words.next()?;
        let unversioned = program.trim_end_matches(|end: char| end.is_ascii_digit() || end == '.');
        let mut read_by_code = READ_BY_CODE.split(' ');
        if read_by_code.any(|name| name == program || name == unversioned) {
            return None;
        }
        let mut names = vec![program];
        let mut known = ProgramOptions::of(program, [])?;
        while names.len() <= SUBCOMMANDS_MAX
            && let Some(word) = words.next_if(|word| known.subcommands().any(|it| it == *word))
        {
            names.push(word);
            known = ProgramOptions::of(program, names[1..].iter().copied())?;
        }
        let mut options = Vec::new();
        while let Some(word) = words.next_if(|word| option(&known, word).is_some()) {
            let mut given = option(&known, word)?;
            if given.value.is_none() && known.takes_value(given.spelling) {
                given.value = Some(words.next()?);
            }
            options.push(given);
        }
        Some(Self {
            names,
            options,
            rest: words.collect(),
            known,
        })
    }

    /// Returns the command with options written as `write` tells, or else in words of their own.
    fn written(&self, write: impl Fn(usize, &Given<'t>) -> Option<String>) -> String {
        let mut words: Vec<String> = self.names.iter().map(|it| (*it).to_owned()).collect();
        for (index, given) in self.options.iter().enumerate() {
            words.push(write(index, given).unwrap_or_else(|| given.split()));
        }
        words.extend(self.rest.iter().map(|it| (*it).to_owned()));
        words.join(" ")
    }

    /// Returns the other ways to write it.
    fn others(&self) -> Vec<String> {
        let mut others = vec![
            self.written(|_, given| self.with_sign(given)),
            self.written(|_, given| self.joined(given)),
        ];
        for (index, given) in self.options.iter().enumerate() {
            let spellings = self.known.spellings().filter(|it| self.is_same(given, it));
            others.extend(spellings.map(|spelling| {
                self.written(|at, given| {
                    let value = given.value;
                    (at == index).then(|| Given { spelling, value }.split())
                })
            }));
        }
        others.extend(self.letters());
        others
    }

    /// Returns `--name=value`.
    fn with_sign(&self, given: &Given<'_>) -> Option<String> {
        let value = given.value?;
        let is_long = given.spelling.starts_with("--");
        is_long.then(|| format!("{}={value}", given.spelling))
    }

    /// Returns `-nvalue`.
    fn joined(&self, given: &Given<'_>) -> Option<String> {
        // What is read by code as well takes a word that is a dash for standard input.
        let value = given
            .value
            .filter(|value| !value.contains('=') && *value != "-")?;
        let joined = format!("{}{value}", given.spelling);
        let is_letter = is_letter(given.spelling) && !self.known.is_long_single();
        (is_letter && self.known.normal(&joined).is_none()).then_some(joined)
    }

    /// Returns whether `spelling` is another one of an option.
    fn is_same(&self, given: &Given<'_>, spelling: &str) -> bool {
        let known = &self.known;
        spelling != given.spelling
            && known.normal(spelling) == known.normal(given.spelling)
            && known.takes_value(spelling) == given.value.is_some()
    }

    /// Returns it with the letters of its first options in one word.
    fn letters(&self) -> Option<String> {
        let is_flag = |given: &&Given<'_>| {
            is_letter(given.spelling) && !self.known.ends_letters(given.spelling)
        };
        let flags: Vec<&Given<'_>> = self.options.iter().take_while(is_flag).collect();
        let letters: String = flags.iter().map(|given| &given.spelling[1..]).collect();
        let word = format!("-{letters}");
        if flags.len() < 2 || self.known.is_long_single() || self.known.normal(&word).is_some() {
            return None;
        }
        let mut words: Vec<String> = self.names.iter().map(|it| (*it).to_owned()).collect();
        words.push(word);
        words.extend(self.options.iter().skip(flags.len()).map(Given::split));
        words.extend(self.rest.iter().map(|it| (*it).to_owned()));
        Some(words.join(" "))
    }
}

impl Given<'_> {
    fn split(&self) -> String {
        match self.value {
            Some(value) => format!("{} {value}", self.spelling),
            None => self.spelling.to_owned(),
        }
    }
}

/// Returns the option that a word gives; its value, if that is in another word, is not there.
fn option<'t>(known: &ProgramOptions, word: &'t str) -> Option<Given<'t>> {
    if !word.starts_with('-') || word == "--" || word.len() < 2 || known.takes_pair(word) {
        return None;
    }
    if known.normal(word).is_some() {
        return Some(Given {
            spelling: word,
            value: None,
        });
    }
    let (spelling, value) = word.split_once('=')?;
    let is_known = spelling.starts_with("--") && known.takes_value(spelling);
    (is_known && !known.takes_pair(spelling) && !value.is_empty()).then_some(Given {
        spelling,
        value: Some(value),
    })
}

fn is_letter(spelling: &str) -> bool {
    spelling.len() == 2 && !spelling.starts_with("--")
}

/// Returns whether a letter stands for itself wherever it stands in a word.
fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || " -_./:@%+=,".contains(letter)
}
