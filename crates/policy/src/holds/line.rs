//! A command in its normal form: program, flags and words, whatever their spelling.

use std::borrow::Cow;
use std::sync::OnceLock;

use aegis_types::{
    Command, Plan, ProgramFact, ProgramStanding, UnknownCause, Word, WordPart, Wrapper,
};

use super::options;
use super::start::{Start, may_hold};
use super::told::Told;
use crate::pattern::Glob;
use aegis_shell::ProgramOptions;

/// A command in its normal form.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// The command as recorded.
    pub(crate) command: &'a Command,
    /// The program.
    pub(crate) program: Program<'a>,
    /// The programs of the whole line, as far as they were looked up.
    programs: &'a [ProgramFact],
    /// The text of the whole line; empty if it is not known.
    text: &'a str,
    /// Options before the subcommand, with a value of their own or known by name.
    pub(super) globals: Vec<Cow<'a, str>>,
    /// Options.
    pub(super) flags: Vec<Flag<'a>>,
    /// Words that are no options: the subcommand and the arguments.
    pub(super) words: Vec<Text<'a>>,
    /// Whether there are words that only running would show.
    pub(crate) has_unknown_words: bool,
    /// Whether one of them may be an option.
    pub(super) hides_options: bool,
    /// All that it is told, once that is asked.
    pub(super) told: OnceLock<Told>,
    /// The plan that it is part of, and its place there.
    pub(super) plan: &'a Plan,
    pub(super) at: usize,
    /// What the program's options are known to be, once that is asked.
    known: OnceLock<Option<ProgramOptions>>,
    /// Whether git is given the name of the present branch, which shows as `HEAD`.
    pub(super) names_branch: bool,
    /// Whether such a word stands before the subcommand, and may bring one with it.
    pub(super) hides_subcommand: bool,
}

/// The program of a command.
#[derive(Debug)]
pub(crate) enum Program<'a> {
    /// The command only assigns or redirects.
    None,
    /// This one.
    Known {
        /// As written; only the end of it, when the beginning is not known.
        written: Cow<'a, str>,
        /// Whether `written` is the whole of it.
        is_whole: bool,
        /// Where in it its name begins.
        name_at: usize,
    },
    /// Only running would show it.
    Unknown,
}

impl Program<'_> {
    /// Returns its name without the folder.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Known {
                written, name_at, ..
            } => written.get(*name_at..),
            Self::None | Self::Unknown => None,
        }
    }
}

/// An option.
#[derive(Debug)]
pub(super) struct Flag<'a> {
    /// Its name with its dashes.
    pub(super) name: Cow<'a, str>,
    /// Whether it may be the value of the option before it.
    pub(super) may_be_value: bool,
}

/// A word that is no option.
#[derive(Debug)]
pub(super) struct Text<'a> {
    /// As written; where a part is unknown, without it.
    pub(super) shown: Cow<'a, str>,
    /// Whether it stands for exactly what is shown.
    pub(super) is_literal: bool,
    /// Whether it may be the value of the option before it.
    pub(super) may_be_value: bool,
    /// What it begins with for sure.
    start: &'a str,
}

impl Text<'_> {
    /// Returns whether it may match `glob` when what is unknown of it shows.
    pub(super) fn may_match(&self, glob: &Glob) -> bool {
        !self.is_literal && glob.may_match_from(self.start)
    }
}

/// A command in one line: its program and its words.
pub(super) struct LineText {
    /// As written; where a part is unknown, without it.
    pub(super) shown: String,
    /// How much of it, from the beginning, stands for exactly what is shown; all
    /// of it, if nothing is said.
    known: Option<usize>,
}

impl LineText {
    /// Returns whether it may match `glob` when what is unknown of it shows, as the
    /// text of `line`.
    pub(super) fn may_match(&self, glob: &Glob, line: &Line<'_>) -> bool {
        let known = self.known.and_then(|end| self.shown.get(..end));
        let begins_so = known.is_some_and(|start| glob.may_match_from(start));
        begins_so && may_hold(glob, &line.starts())
    }
}

/// Whether an option is given.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Given {
    No,
    Maybe,
    Yes,
}

impl<'a> Line<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        (at, command): (usize, &'a Command),
        programs: &'a [ProgramFact],
        text: &'a str,
    ) -> Self {
        let mut line = Self {
            command,
            programs,
            text,
            program: program(command.program.as_ref()),
            globals: Vec::new(),
            flags: Vec::new(),
            words: Vec::new(),
            has_unknown_words: false,
            hides_options: false,
            told: OnceLock::new(),
            plan,
            at,
            known: OnceLock::new(),
            names_branch: false,
            hides_subcommand: false,
        };
        line.read(&command.arguments);
        line
    }

    fn read(&mut self, arguments: &'a [Word]) {
        let mut after_dashes = false;
        let mut may_be_value = false;
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            if self.is_branch(word) {
                // It is no option. What else it may say is open to a rule that allows.
                self.names_branch = true;
                self.words.push(Text {
                    is_literal: true,
                    shown: Cow::Borrowed("HEAD"),
                    may_be_value,
                    start: "HEAD",
                });
                may_be_value = false;
                continue;
            }
            let text = shown(word);
            self.note_unknown(word);
            let is_flag = !after_dashes && text.starts_with('-') && text.len() > 1;
            if !is_flag {
                self.words.push(Text {
                    is_literal: is_literal(word),
                    shown: text,
                    may_be_value,
                    start: start(word),
                });
                may_be_value = false;
                continue;
            }
            if text == "--" {
                // Rules may ask for it: it tells files from other names.
                self.flags.push(Flag {
                    name: text,
                    may_be_value: false,
                });
                after_dashes = true;
                may_be_value = false;
                continue;
            }
            if self.is_global_with_value(&text) {
                self.flags.push(Flag {
                    name: text.clone(),
                    may_be_value: false,
                });
                self.globals.push(text);
                if let Some(value) = words.next() {
                    self.note_unknown(value);
                }
                continue;
            }
            may_be_value = self.push_flag(text, may_be_value);
        }
    }

    /// Returns the program, spelled like this, and all words behind it as written;
    /// without the options before the first word that is none, if they are left out.
    pub(super) fn text(&self, program: &str, leaves_options_out: bool) -> LineText {
        let mut text = LineText {
            shown: program.to_owned(),
            known: None,
        };
        let is_option = |word: &&Word| shown(word).starts_with('-');
        let skipped = match (leaves_options_out, self.words.first()) {
            (true, Some(first)) => {
                let words = self.command.arguments.iter();
                words.take_while(|word| shown(word) != first.shown).count()
            }
            (true, None) => {
                let words = self.command.arguments.iter();
                words.take_while(is_option).count()
            }
            (false, _) => 0,
        };
        for word in self.command.arguments.iter().skip(skipped) {
            text.shown.push(' ');
            let open = word
                .parts
                .iter()
                .position(|part| !matches!(part, WordPart::Literal(_) | WordPart::Home(_)));
            if text.known.is_none() && open.is_some() {
                let sure = match word.parts.first() {
                    Some(WordPart::Literal(start)) => start.len(),
                    _ => 0,
                };
                text.known = Some(text.shown.len() + sure);
            }
            text.shown.push_str(&shown(word));
        }
        text
    }

    /// Returns how the words after the program begin.
    fn starts(&self) -> Vec<Start<'a>> {
        self.command.arguments.iter().flat_map(Start::of).collect()
    }

    /// Returns how the words begin that stand before the program, and the others;
    /// nothing if the text of the whole line does not show them.
    pub(super) fn starts_with_runner(&self) -> Option<Vec<Start<'a>>> {
        let is_elsewhere =
            |wrapper: &Wrapper| matches!(wrapper, Wrapper::Text | Wrapper::Function(_));
        let program = self.command.program.as_ref()?;
        let (from, to) = (program.span.start, program.span.end);
        let place = usize::try_from(from).ok()?..usize::try_from(to).ok()?;
        // What was decoded or read from a file stands elsewhere.
        let is_here = self.text.get(place)? == shown(program);
        if !is_here || self.command.through.iter().any(is_elsewhere) {
            return None;
        }
        let starts = Start::of_text(self.text)?;
        Some(starts.into_iter().chain(self.starts()).collect())
    }

    /// Returns whether the name of a program may stand for another one.
    pub(super) fn is_shadowed(&self, name: &str) -> bool {
        let mut programs = self.programs.iter();
        programs.any(|fact| fact.name == name && fact.standing == ProgramStanding::Shadowed)
    }

    /// Returns whether git is given the name of the present branch.
    fn is_branch(&self, word: &Word) -> bool {
        let is_name = matches!(
            word.parts.as_slice(),
            [WordPart::Unknown(UnknownCause::Branch)]
        );
        is_name && self.program.name().map(options::base_name) == Some("git")
    }

    fn note_unknown(&mut self, word: &Word) {
        if word.is_unknown() {
            self.has_unknown_words = true;
            self.hides_options |= !word.is_operand;
            self.hides_subcommand |= self.words.is_empty();
        }
    }

    /// Returns whether a word after it may be its value.
    fn push_flag(&mut self, text: Cow<'a, str>, may_be_value: bool) -> bool {
        let name = match text.split_once('=') {
            Some((name, _)) => Cow::Owned(name.to_owned()),
            None => text.clone(),
        };
        if self.words.is_empty() {
            self.globals.push(name.clone());
        }
        let has_value = name.len() < text.len();
        self.flags.push(Flag { name, may_be_value });
        !has_value
    }

    fn is_global_with_value(&self, option: &str) -> bool {
        self.words.is_empty()
            && self
                .program
                .name()
                .and_then(|program| ProgramOptions::of(program, []))
                .is_some_and(|known| known.has_subcommands() && known.takes_value(option))
    }

    /// Returns the words of which one may be the first of the subcommand;
    /// nothing in the place of one that cannot be told.
    ///
    /// A word right after an option may be the option's value, so that the
    /// subcommand is the next one.
    pub(crate) fn possible_subcommands(&self) -> impl Iterator<Item = Option<&str>> {
        let is_known = self.known().is_some();
        let mut may_follow = true;
        self.words.iter().map_while(move |word| {
            let is_possible = may_follow;
            may_follow = word.is_literal && word.may_be_value && !is_known;
            is_possible.then(|| word.is_literal.then_some(&*word.shown))
        })
    }

    /// Returns the words that are no options: the subcommand and the arguments.
    pub(crate) fn operands(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| &*word.shown)
    }

    /// Returns the names of the options that are given.
    pub(crate) fn flag_names(&self) -> impl Iterator<Item = &str> {
        self.flags.iter().map(|flag| &*flag.name)
    }

    /// Returns the first word, which names the subcommand of programs that have any.
    fn subcommand(&self) -> &str {
        self.words.first().map_or("", |word| &word.shown)
    }

    /// Returns whether the option `wanted` is given, in any of its spellings.
    pub(super) fn gives(&self, wanted: &str) -> Given {
        let program = self.program.name().unwrap_or_default();
        let mut given = match self.flags.is_empty() {
            true => Given::No,
            false => self.is_spelled(wanted).max(self.is_known_as(wanted)),
        };
        if program == "git" && self.subcommand() == "push" {
            given = given.max(self.is_pushed_as(wanted));
        }
        if given == Given::No && (self.hides_options || self.may_expand_to(wanted)) {
            given = Given::Maybe;
        }
        given
    }

    /// Returns whether the program's options are words behind a single dash.
    pub(super) fn has_long_options(&self) -> bool {
        let is_known_so = || self.known().is_some_and(|known| known.is_long_single());
        self.program.name().is_some_and(options::has_long_options) || is_known_so()
    }

    /// Returns whether the option is negated, as in `--no-dry-run`.
    pub(super) fn revokes(&self, wanted: &str) -> bool {
        wanted.strip_prefix("--").is_some_and(|name| {
            self.flags
                .iter()
                .any(|flag| flag.name.strip_prefix("--no-") == Some(name))
        })
    }

    /// Returns whether an option stands where it may be the value of another one.
    pub(super) fn is_doubtful(&self, wanted: &str) -> bool {
        self.flags
            .iter()
            .any(|flag| flag.name == wanted && flag.may_be_value)
    }

    fn is_spelled(&self, name: &str) -> Given {
        let is_long = self.has_long_options();
        let letter = options::single_letter(name).filter(|_| !is_long);
        if let Some(letter) = letter {
            return self.has_letter(letter);
        }
        if self.flags.iter().any(|flag| flag.name == name) {
            return Given::Yes;
        }
        if !name.starts_with("--") && !is_long {
            let letters = name.strip_prefix('-').unwrap_or(name).chars();
            let each = letters.map(|letter| self.gives_letter(letter));
            return each.min().unwrap_or(Given::No);
        }
        // Many programs accept an abbreviation that fits one option only.
        let is_abbreviated = self
            .flags
            .iter()
            .any(|flag| flag.name.len() > 3 && name.starts_with(&*flag.name));
        if is_abbreviated {
            Given::Maybe
        } else {
            Given::No
        }
    }

    /// Returns whether one of the letters of `-rf` is given, in any spelling.
    fn gives_letter(&self, letter: char) -> Given {
        self.is_known_as(&format!("-{letter}"))
            .max(self.has_letter(letter))
    }

    /// Returns what the program's options are known to be.
    pub(super) fn known(&self) -> Option<ProgramOptions> {
        *self.known.get_or_init(|| {
            let words = self.words.iter().filter(|word| word.is_literal);
            ProgramOptions::of(self.program.name()?, words.map(|word| &*word.shown))
        })
    }

    /// Returns whether an option is given that is known to be the same as `wanted`.
    fn is_known_as(&self, wanted: &str) -> Given {
        let Some(known) = self.known() else {
            return Given::No;
        };
        let Some(normal) = known.normal(wanted) else {
            return Given::No;
        };
        let is_same = |spelling: &str| known.normal(spelling) == Some(normal);
        let is_given = self.flags.iter().any(|flag| {
            is_same(&flag.name)
                || letters(&flag.name, &known)
                    .is_some_and(|mut letters| letters.any(|letter| is_same(&letter)))
        });
        if is_given { Given::Yes } else { Given::No }
    }

    /// Returns whether `letter` is among those of `-abc`.
    fn has_letter(&self, letter: char) -> Given {
        let known = self.known();
        let wanted = format!("-{letter}");
        let is_among = |flag: &Flag<'_>| match &known {
            Some(known) => {
                flag.name == wanted
                    || letters(&flag.name, known)
                        .is_some_and(|mut letters| letters.any(|letter| letter == wanted))
            }
            None => flag
                .name
                .strip_prefix('-')
                .is_some_and(|letters| !letters.starts_with('-') && letters.contains(letter)),
        };
        if self.flags.iter().any(is_among) {
            Given::Yes
        } else {
            Given::No
        }
    }

    /// Returns whether a reference of `git push` says what this option says.
    fn is_pushed_as(&self, option: &str) -> Given {
        let is_said = |sign: char| {
            self.words
                .iter()
                .any(|word| word.shown.len() > 1 && word.shown.starts_with(sign))
        };
        let is_said = match option {
            "--force" | "-f" => is_said('+'),
            "--delete" | "-d" => is_said(':'),
            _ => false,
        };
        if is_said { Given::Yes } else { Given::No }
    }

    /// Returns whether a pattern among the words may stand for a file whose
    /// name is this option.
    fn may_expand_to(&self, option: &str) -> bool {
        self.words.iter().any(|word| {
            !word.is_literal
                && word.shown.starts_with(['*', '?', '['])
                && fast_glob::glob_match(word.shown.as_bytes(), option.as_bytes())
        })
    }
}

/// Returns the options of `-abc`, up to the first one of which the rest is the value.
fn letters<'n>(
    name: &'n str,
    known: &'n ProgramOptions,
) -> Option<impl Iterator<Item = String> + 'n> {
    let letters = name.strip_prefix('-')?;
    if letters.starts_with('-') || known.is_long_single() {
        return None;
    }
    let mut ended = false;
    Some(letters.chars().map_while(move |letter| {
        let option = format!("-{letter}");
        let is_over = std::mem::replace(&mut ended, known.ends_letters(&option));
        (!is_over).then_some(option)
    }))
}

fn program(word: Option<&Word>) -> Program<'_> {
    let Some(word) = word else {
        return Program::None;
    };
    if is_literal(word) {
        return known_program(shown(word), true);
    }
    // Whatever comes before, the name after the last slash is certain.
    match word.parts.last() {
        Some(WordPart::Literal(end)) if end.contains('/') => {
            known_program(Cow::Borrowed(end), false)
        }
        Some(
            WordPart::Literal(_)
            | WordPart::Pattern(_)
            | WordPart::Home(_)
            | WordPart::Stream(_)
            | WordPart::Unknown(_),
        )
        | None => Program::Unknown,
    }
}

fn known_program(written: Cow<'_, str>, is_whole: bool) -> Program<'_> {
    let name_at = written.len() - options::base_name(&written).len();
    Program::Known {
        written,
        is_whole,
        name_at,
    }
}

/// Returns what the word begins with, if it is one operand for sure.
fn start(word: &Word) -> &str {
    match word.parts.first() {
        Some(WordPart::Literal(text)) if word.is_operand => text,
        _ => "",
    }
}

pub(super) fn is_literal(word: &Word) -> bool {
    word.parts
        .iter()
        .all(|part| matches!(part, WordPart::Literal(_)))
}

/// Returns the word as written, without the parts that only running would show.
pub(super) fn shown(word: &Word) -> Cow<'_, str> {
    if let [WordPart::Literal(text)] = word.parts.as_slice() {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    for part in &word.parts {
        match part {
            WordPart::Literal(part) | WordPart::Pattern(part) => text.push_str(part),
            WordPart::Home(user) => {
                text.push('~');
                text.push_str(user.as_deref().unwrap_or_default());
            }
            WordPart::Stream(_) => text.push_str("/dev/fd/"),
            WordPart::Unknown(_) => {}
        }
    }
    Cow::Owned(text)
}
