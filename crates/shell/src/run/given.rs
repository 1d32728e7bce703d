//! Follows commands that programs are given among their words, as the table says.

use aegis_types::{Directory, Span, UnknownCause, Word, WordPart, Wrapper};

use super::shell::Input;
use super::{Draft, joined, search};
use crate::decode;
use crate::elsewhere::{quoted, run_elsewhere};
use crate::escape::enclosed;
use crate::input;
use crate::option::{first_text, shown_text};
use crate::option_text::GivenText;
use crate::output;
use crate::powershell::plan_powershell;
use crate::program::program_name;
use crate::programs::{self, Reading, Role};
use crate::quote::in_quotes;
use crate::syntax::Origin;
use crate::walk::{Setting, Walk};

/// Programs that PowerShell starts and that run another one by their words.
const SHELLS_STARTED: [&str; 9] = [
    "bash",
    "cmd",
    "cmd.exe",
    "powershell",
    "powershell.exe",
    "pwsh",
    "sh",
    "sudo",
    "wsl",
];

/// How many actions of one binding of `fzf` are followed; each may be as long as
/// what is left of the binding.
const BOUND_MAX: usize = 16;

/// Programs that give their words to a shell as one text.
const JOINING: [&str; 2] = ["tmux", "zellij"];

/// Returns the command that a subcommand is the program of: `brew ruby -e code`.
fn started_by_subcommand<'w>(name: &str, words: &'w [Word]) -> Option<&'w [Word]> {
    let programs: &[&str] = match name {
        "brew" => &["irb", "ruby", "sh"],
        _ => return None,
    };
    let first = words.first()?;
    programs.contains(&first_text(first)).then_some(words)
}

/// Returns the command among the words of a program.
fn command_of(reading: &Reading<'_>, joins: bool) -> Option<Vec<Word>> {
    let is_meant = |role| role == Role::Command || role == Role::Code && joins;
    let mut operands = reading.operands_with_roles();
    let first = operands.find(|operand| is_meant(operand.role))?;
    let is_before = |word: &&&Word| !std::ptr::eq::<Word>(**word, first.word);
    let rest = reading.operands.iter().skip_while(is_before);
    Some(rest.map(|word| (*word).clone()).collect())
}

/// Returns the texts in `text` between `start` and the bracket that closes it.
pub(super) fn enclosed_texts(text: &str, start: &str) -> Vec<String> {
    let texts = enclosed(text, start).into_iter();
    texts.map(str::to_owned).collect()
}

fn given_text(text: String, span: Span) -> GivenText {
    let parts = vec![WordPart::Literal(text)];
    GivenText::from(Word {
        span,
        parts,
        ..Word::default()
    })
}

/// Returns the texts for a shell that a program is given.
fn shell_texts(reading: &Reading<'_>) -> Vec<GivenText> {
    let values = reading.values_with_roles();
    let given = values.chain(reading.operands_with_roles());
    let texts = given.filter_map(|it| {
        let is_text = it.role == Role::Shell;
        let is_program = it.role == Role::Program;
        let text = is_text.then(|| typed(it.word));
        text.or_else(|| is_program.then(|| command_line(it.word)))
    });
    texts.map(GivenText::from).collect()
}

/// Returns the texts for a shell that the table finds among the words of a program.
pub(super) fn table_texts(name: &str, words: &[Word]) -> Vec<GivenText> {
    let Some(entry) = programs::entry_for(name) else {
        return Vec::new();
    };
    shell_texts(&programs::read(entry, words.get(1..).unwrap_or_default()))
}

/// Returns the command line that the name of a program with its words is: some
/// programs take them with commas between, or as the list of a file of settings.
fn command_line(word: &Word) -> Word {
    let text = match word.literal() {
        Some(text) if !text.contains(' ') && text.contains(',') => text.replace(',', " "),
        Some(text) if text.starts_with('[') => text.replace(['[', ']', ','], " "),
        Some(_) | None => return word.clone(),
    };
    given_text(text, word.span).text
}

/// Returns text without the signs of a line that ends, as they are typed into a terminal.
fn typed(word: &Word) -> Word {
    let mut word = word.clone();
    if let Some(WordPart::Literal(last)) = word.parts.last_mut() {
        for sign in ["\\n", "\\r", "\\015", "\\012", "^M"] {
            if let Some(line) = last.strip_suffix(sign) {
                *last = line.to_owned();
            }
        }
    }
    word
}

/// Subcommands of tmux that take commands of tmux, and where among their operands.
const TMUX_COMMANDS: [(&str, usize); 8] = [
    ("bind", 1),
    ("bind-key", 1),
    ("command-prompt", 0),
    ("confirm", 0),
    ("confirm-before", 0),
    ("if", 1),
    ("if-shell", 1),
    ("set-hook", 1),
];

/// Returns the commands of tmux that one of its commands is given, as text for a shell.
fn tmux_texts(words: &[Word]) -> Vec<String> {
    let Some(entry) = programs::entry_for("tmux") else {
        return Vec::new();
    };
    let reading = programs::read(entry, words);
    let name = reading.subcommands.first().map(|word| shown_text(word));
    let known = TMUX_COMMANDS
        .iter()
        .find(|(it, _)| Some(*it) == name.as_deref());
    let Some((name, at)) = known else {
        return Vec::new();
    };
    let given = reading.operands.get(*at..).unwrap_or_default();
    let texts: Vec<String> = given.iter().map(|word| shown_text(word)).collect();
    let texts = match *name {
        // Each of the two is a line of its own.
        "if" | "if-shell" => texts,
        _ if texts.len() == 1 => texts,
        _ => vec![
            given
                .iter()
                .map(|word| quoted(word))
                .collect::<Vec<_>>()
                .join(" "),
        ],
    };
    let text = |text: String| format!("tmux {}", text.trim_matches(['{', '}', ' ', '\n']));
    texts.into_iter().map(text).collect()
}

/// Returns the texts for a shell in what `fzf` does at a key: `key:execute(text)`.
fn bound_texts(binding: &str) -> Vec<&str> {
    let actions = [
        "execute",
        "execute-silent",
        "become",
        "reload",
        "reload-sync",
        "preview",
        "transform",
        "transform-header",
        "transform-prompt",
        "transform-query",
    ];
    let starts = binding.split([',', ':', '+']);
    let mut texts = Vec::new();
    let mut at = 0;
    for piece in starts {
        let start = at;
        at += piece.len() + 1;
        let name_end = piece.find(['(', '[', '{', '<', '~', '!', '@', '#', '|']);
        let name = piece
            .get(..name_end.unwrap_or(piece.len()))
            .unwrap_or_default();
        if !actions.contains(&name) {
            continue;
        }
        let rest = binding.get(start + name.len()..).unwrap_or_default();
        let inner = rest.get(1..).unwrap_or_default();
        let inner = match rest.chars().next() {
            Some('(') => inner.rsplit_once(')').map_or(inner, |(text, _)| text),
            Some('[') => inner.rsplit_once(']').map_or(inner, |(text, _)| text),
            Some('{') => inner.rsplit_once('}').map_or(inner, |(text, _)| text),
            Some('<') => inner.rsplit_once('>').map_or(inner, |(text, _)| text),
            Some(':') => inner,
            Some(sign) => inner.split(sign).next().unwrap_or(inner),
            None => continue,
        };
        texts.push(inner);
    }
    texts
}

/// Returns the command line that a file of settings of curl, or a list of addresses
/// of wget, is as good as.
fn as_arguments(name: &str, text: &str) -> String {
    let mut line = name.to_owned();
    for setting in text.lines().map(str::trim) {
        if setting.is_empty() || setting.starts_with('#') {
            continue;
        }
        if name == "wget" {
            line.push_str(&format!(" {}", in_quotes(setting)));
            continue;
        }
        let end = setting
            .find(|sign: char| sign.is_whitespace() || matches!(sign, '=' | ':'))
            .unwrap_or(setting.len());
        let (option, value) = setting.split_at(end);
        let dashes = if option.starts_with('-') { "" } else { "--" };
        line.push_str(&format!(" {}", in_quotes(&format!("{dashes}{option}"))));
        let value =
            value.trim_start_matches(|sign: char| sign.is_whitespace() || "=:".contains(sign));
        if !value.is_empty() {
            line.push_str(&format!(" {}", in_quotes(value.trim_matches('"'))));
        }
    }
    line
}

impl Walk<'_> {
    /// Follows the settings and addresses that a program is given in a file which
    /// the text shows.
    pub(super) fn given_arguments(&mut self, name: &str, draft: &Draft, setting: &Setting) {
        let option = match name {
            "curl" => "-K",
            "wget" => "-i",
            _ => return,
        };
        let Some(entry) = programs::entry_for(name) else {
            return;
        };
        let words = draft.words.get(1..).unwrap_or_default();
        let reading = programs::read(entry, words);
        let mut lines = Vec::new();
        for file in reading.values(option) {
            let is_input = input::is_input(file) || first_text(file) == "-";
            let mut texts: Vec<String> = match self.given_text(draft, setting) {
                Input::Text(text) if is_input => text.literal().into_iter().collect(),
                Input::Text(_) | Input::File | Input::Unknown => {
                    self.stream(file).into_iter().collect()
                }
            };
            texts.extend(self.written_texts(file).iter().filter_map(Word::literal));
            lines.extend(
                texts
                    .iter()
                    .map(|text| given_text(as_arguments(name, text), draft.span)),
            );
        }
        self.given_texts(&lines, name, setting);
    }

    /// Follows the command that the table finds among the words of a program.
    pub(super) fn given_command(&mut self, name: &str, draft: &Draft, setting: &Setting) {
        // What git is given to run is read where its options are.
        let Some(entry) = programs::entry_for(name).filter(|_| name != "git") else {
            return;
        };
        if name == "expect" {
            return self.expected(draft, setting);
        }
        if name == "tmux" {
            self.further_commands(draft, setting);
        }
        let joins = JOINING.contains(&name);
        let words = draft.words.get(1..).unwrap_or_default();
        let reading = programs::read(entry, words);
        self.note_hidden(
            reading
                .values_with_roles()
                .filter(|it| it.role == Role::Code)
                .map(|it| it.word),
        );
        let mut texts = shell_texts(&reading);
        if matches!(name, "fzf" | "sk") {
            for word in reading.values("--bind") {
                let binding = shown_text(word);
                let bound = bound_texts(&binding);
                if bound.len() > BOUND_MAX {
                    self.note(draft.span, UnknownCause::TooComplex);
                }
                let bound = bound.into_iter().take(BOUND_MAX);
                texts.extend(bound.map(|text| given_text(text.to_owned(), word.span)));
            }
        }
        let mut commands: Vec<Vec<Word>> = command_of(&reading, joins).into_iter().collect();
        if let Some(otherwise) = programs::read_otherwise(entry, words, &reading) {
            let other = command_of(&otherwise, joins);
            commands.extend(other.filter(|other| !commands.contains(other)));
        }
        commands.extend(started_by_subcommand(name, words).map(<[Word]>::to_vec));
        commands.extend(self.option_commands(name, &reading, draft));
        if texts.is_empty() && commands.is_empty() {
            return;
        }
        let is_elsewhere = self.plan.commands.last().and_then(run_elsewhere).is_some();
        let inner = setting.within(Wrapper::Program(name.to_owned()));
        if is_elsewhere || inner.is_too_deep() {
            return;
        }
        for rest in commands {
            let mark = self.around.mark();
            self.around.enter_process();
            let is_text = rest.len() == 1
                && rest
                    .iter()
                    .all(|word| first_text(word).contains(char::is_whitespace));
            if is_text || joins {
                let text = joined(&rest, draft.span);
                self.code_text(&text, draft.span, name, &inner);
            } else {
                self.run(draft.inner(rest), &inner);
            }
            self.around.restore(mark);
        }
        self.given_texts(&texts, name, setting);
    }

    /// Returns the commands that options of a program are given, with what it puts
    /// into them.
    fn option_commands(&self, name: &str, reading: &Reading<'_>, draft: &Draft) -> Vec<Vec<Word>> {
        if !matches!(name, "fd" | "fdfind") {
            return reading.commands.clone();
        }
        let found = output::found_by_fd(reading, draft.span);
        let filled = reading.commands.iter();
        filled
            .map(|command| search::filled(command, &found))
            .collect()
    }

    /// Notes code of which nothing is shown: it may run anything.
    pub(super) fn note_hidden<'w>(&mut self, code: impl IntoIterator<Item = &'w Word>) {
        let shows_nothing = |part: &WordPart| match part {
            WordPart::Stream(_) | WordPart::Unknown(_) => true,
            WordPart::Literal(text) => text.trim().is_empty(),
            WordPart::Pattern(_) | WordPart::Home(_) => false,
        };
        for word in code {
            if word.is_open() && word.parts.iter().all(shows_nothing) {
                self.note(word.span, UnknownCause::Program);
            }
        }
    }

    /// Follows what tmux is told after its first command, and what its formats run.
    ///
    /// A word that is `;`, or ends with it, ends a command; `#(text)` in a
    /// format is given to a shell.
    fn further_commands(&mut self, draft: &Draft, setting: &Setting) {
        let inner = setting.within(Wrapper::Program("tmux".to_owned()));
        if inner.is_too_deep() {
            return;
        }
        let words = draft.words.get(1..).unwrap_or_default();
        let ends = |word: &Word| {
            let text = word.literal().unwrap_or_default();
            text.ends_with(';') && !text.ends_with("\\;")
        };
        let formats = words
            .iter()
            .flat_map(|word| enclosed_texts(&shown_text(word), "#("));
        let texts: Vec<GivenText> = formats.map(|text| given_text(text, draft.span)).collect();
        for text in &texts {
            self.note(text.text.span, UnknownCause::Code("tmux".to_owned()));
        }
        self.given_texts(&texts, "tmux", setting);
        let end = words.iter().position(ends).unwrap_or(words.len());
        let own = tmux_texts(words.get(..end).unwrap_or_default()).into_iter();
        let own: Vec<GivenText> = own.map(|text| given_text(text, draft.span)).collect();
        self.given_texts(&own, "tmux", &inner);
        let Some(at) = words.iter().position(ends) else {
            return;
        };
        let program = draft.words.first().cloned();
        let rest = words.get(at + 1..).unwrap_or_default().iter().cloned();
        let next: Vec<Word> = program.into_iter().chain(rest).collect();
        if next.len() > 1 {
            self.run(draft.inner(next), &inner);
        }
    }

    /// Follows a program that gives the words after `--` or `==` to a shell.
    pub(super) fn given_to_shell(&mut self, name: &str, draft: &Draft, setting: &Setting) {
        let is_end = |word: &Word| matches!(word.literal().as_deref(), Some("--" | "=="));
        let mut rest = draft.words.iter().skip_while(|word| !is_end(word));
        if rest.next().is_none() {
            return;
        }
        let shell = Word {
            span: draft.span,
            parts: vec![WordPart::Literal("bash".to_owned())],
            ..Word::default()
        };
        let words = std::iter::once(shell).chain(rest.cloned()).collect();
        let inner = setting.within(Wrapper::Program(name.to_owned()));
        self.run(draft.inner(words), &inner);
    }

    /// Follows what `expect` is told to start.
    fn expected(&mut self, draft: &Draft, setting: &Setting) {
        let inner = setting
            .within(Wrapper::Program("expect".to_owned()))
            .apart(Wrapper::Text);
        let texts = draft.words.iter().filter_map(Word::literal);
        let started: Vec<String> = texts
            .flat_map(|text| {
                let lines = text.split([';', '\n']);
                let starts = lines.filter_map(|line| line.trim().strip_prefix("spawn "));
                starts.map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        for line in started.iter().filter(|_| !inner.is_too_deep()) {
            let mark = self.around.mark();
            self.around.enter_process();
            self.text(line, Origin::Whole(draft.span), &inner);
            self.around.restore(mark);
        }
    }

    /// Lists the command interpreter of Windows, and the command after `/c` or `/k`.
    ///
    /// Its language is another one, so that it stays unknown what else that would run.
    pub(super) fn command_interpreter(&mut self, name: &str, draft: Draft, setting: &Setting) {
        self.list(draft.clone(), setting);
        let words = draft.words.get(1..).unwrap_or_default();
        let runs = |word: &Word| {
            let text = first_text(word).to_ascii_lowercase();
            matches!(text.as_str(), "/c" | "//c" | "/k" | "//k")
        };
        let Some(index) = words.iter().position(runs) else {
            return;
        };
        self.note(draft.span, UnknownCause::Code(name.to_owned()));
        let rest = words.get(index + 1..).unwrap_or_default();
        let inner = setting.within(Wrapper::Program(name.to_owned())).branch();
        let line = joined(rest, draft.span);
        let Some(text) = line.literal() else {
            return;
        };
        for part in text.split(['&', '|']) {
            let words: Vec<Word> = part
                .split_whitespace()
                .map(|word| Word {
                    span: draft.span,
                    parts: vec![WordPart::Literal(word.trim_matches('"').to_owned())],
                    ..Word::default()
                })
                .collect();
            if !words.is_empty() {
                let run = Draft {
                    span: draft.span,
                    words,
                    ..Draft::default()
                };
                self.list(run, &inner);
            }
        }
    }

    /// Lists PowerShell, and what the text that it is given would run; what it
    /// computes may be any command.
    pub(super) fn powershell(&mut self, name: &str, draft: Draft, setting: &Setting) {
        let words = draft.words.get(1..).unwrap_or_default();
        let is_command = |word: &Word| {
            let text = first_text(word).to_ascii_lowercase();
            text.len() > 1 && "-command".starts_with(&text)
        };
        let is_encoded = |word: &Word| {
            let text = first_text(word).to_ascii_lowercase();
            text.len() > 1 && "-encodedcommand".starts_with(&text)
                || text == "-ec"
                || text == "-enc"
        };
        let encoded = words.iter().position(is_encoded);
        let encoded = encoded.and_then(|index| words.get(index + 1)?.literal());
        let decoded = encoded.and_then(|text| decode::wide_base64(&text));
        let text = match words.iter().position(is_command) {
            Some(index) => {
                let rest = words.get(index + 1..).unwrap_or_default();
                Some(joined(rest, draft.span))
            }
            None => decoded.map(|text| Word {
                span: draft.span,
                parts: vec![WordPart::Literal(text)],
                ..Word::default()
            }),
        };
        let span = draft.span;
        let Some(text) = text.and_then(|text| text.literal()) else {
            self.note(span, UnknownCause::Code(name.to_owned()));
            return self.list(draft, setting);
        };
        let plan = plan_powershell(&text);
        // Names that are not known are code of its own; what is computed may be anything.
        let computes = text.contains(['$', '(', '{', '`', '[', '@', '&']);
        for unknown in plan.unknowns {
            let own = || UnknownCause::Code(name.to_owned());
            self.note(span, if computes { unknown.cause } else { own() });
        }
        let inner = setting
            .within(Wrapper::Program(name.to_owned()))
            .apart(Wrapper::Text);
        // What it starts may run another one in turn.
        for command in plan.commands.iter().filter(|_| !inner.is_too_deep()) {
            let words = command.program.iter().chain(&command.arguments);
            let words = words.map(|word| Word {
                span,
                ..word.clone()
            });
            let is_shell = |name: &str| SHELLS_STARTED.contains(&name);
            if program_name(command).as_deref().is_some_and(is_shell) {
                self.run(draft.inner(words.collect()), &inner);
            }
        }
        self.list(draft, setting);
        for mut command in plan.commands {
            command.span = span;
            command.through.clone_from(&inner.through);
            command.directory = Directory::clone(&self.around.places().current);
            command.place = inner.command_place();
            let words = command.program.iter_mut().chain(&mut command.arguments);
            for word in words {
                word.span = span;
            }
            self.push(command);
        }
    }
}
