//! What code in another language shows of what it does.
//!
//! Such code stays unknown: it may do anything. But most code that does harm
//! says so. The texts it gives to what runs commands, opens files or speaks to
//! hosts are read, so that `awk 'BEGIN { system("rm -rf ~") }'` is known to run
//! `rm -rf ~`, whatever else it may do.

mod argument;
mod call;
mod command;
mod fold;
mod meaning;
mod name;
pub(crate) mod sed;
mod token;

use std::collections::BTreeSet;

use aegis_types::{Access, Assignment, Command, RedirectionKind, Word, WordPart};

use crate::hint;
use crate::option::first_text;
use crate::program::{is_shell, program_name};
use crate::programs;
use crate::quote::in_quotes;
use crate::syntax::is_name;
use argument::{Argument, arguments};
use meaning::meaning;
use token::{Token, tokens};

pub(crate) use fold::Given;
pub(crate) use meaning::Meaning;

/// The most command lines, and the most paths, that are told of one code.
const SHOWN_MAX: usize = 64;

/// How many texts of code within one another are looked at.
const DEPTH_MAX: usize = 4;

/// A family of languages that agree on comments, quotes and the names of things.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tongue {
    Python,
    /// JavaScript and its kin.
    Script,
    Perl,
    Ruby,
    Php,
    Lua,
    Awk,
    Sed,
    /// A line editor, or one that takes its commands.
    Editor,
    /// Tcl, whose words stand without quotes.
    Tcl,
    /// Another language of programs, whose names are not all known.
    Foreign,
    /// Any other.
    Other,
}

impl Tongue {
    /// Returns the family of the language that the program `name` reads.
    pub(crate) fn of(name: &str) -> Self {
        let plain =
            name.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.');
        match plain {
            "python" | "pypy" | "ipython" | "IPython" | "sage" => Self::Python,
            "node" | "nodejs" | "bun" | "deno" | "tsx" | "ts-node" | "zx" => Self::Script,
            "perl" => Self::Perl,
            "ruby" | "irb" | "rake" => Self::Ruby,
            "php" => Self::Php,
            "lua" | "luajit" | "texlua" => Self::Lua,
            "awk" | "gawk" | "mawk" | "nawk" => Self::Awk,
            "sed" | "gsed" => Self::Sed,
            "ed" | "red" | "ex" | "vi" | "vim" | "nvim" | "view" => Self::Editor,
            "tclsh" | "wish" | "expect" => Self::Tcl,
            _ if hint::is_foreign(plain) => Self::Foreign,
            _ => Self::Other,
        }
    }
}

/// What code shows.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Shown {
    /// The command lines it runs.
    pub(crate) lines: Vec<String>,
    /// The paths it names to what opens them, and how they are reached for.
    pub(crate) paths: Vec<(Word, Access)>,
    /// The URLs and hosts it names.
    pub(crate) hosts: Vec<String>,
    /// What it does besides.
    pub(crate) does: BTreeSet<Meaning>,
}

impl Shown {
    /// Returns whether it does this.
    pub(crate) fn does(&self, meaning: Meaning) -> bool {
        self.does.contains(&meaning)
    }

    /// Returns whether it may run what it is given.
    pub(crate) fn may_run(&self) -> bool {
        let running = [Meaning::Run, Meaning::Evaluate, Meaning::Indirect];
        running.into_iter().any(|meaning| self.does(meaning))
    }
}

/// Returns what the code that `command` is given shows, if it is given any.
pub(crate) fn shown_by(command: &Command) -> Option<Shown> {
    let name = program_name(command)?;
    let language = hint::language(&name)?;
    let mut texts = hint::inline_code(language, &command.arguments);
    let read = command
        .redirections
        .iter()
        .filter(|redirection| redirection.kind == RedirectionKind::Text);
    texts.extend(read.map(|redirection| redirection.target.clone()));
    let (first, rest) = texts.split_first()?;
    let mut code = modules(&command.arguments);
    code.push_str(&hint::shown(first));
    for text in rest {
        code.push('\n');
        code.push_str(&hint::shown(text));
    }
    let given = given(
        command.program.as_ref(),
        &command.arguments,
        &command.assignments,
    );
    Some(shown(&code, Tongue::of(&name), &given))
}

/// Returns what code is given by name: the variables that are set for it, and
/// for awk the values among its arguments.
pub(crate) fn given(
    program: Option<&Word>,
    arguments: &[Word],
    assignments: &[Assignment],
) -> Given {
    let assigned = assignments.iter().filter_map(|assignment| {
        let value = assignment.value.literal()?;
        Some((assignment.name.clone(), value))
    });
    let is_awk = program.is_some_and(|program| first_text(program).ends_with("awk"));
    let values = arguments.iter().filter(|_| is_awk).filter_map(|word| {
        let text = word.literal()?;
        let (name, value) = text.trim_start_matches("-v").split_once('=')?;
        is_name(name).then(|| (name.to_owned(), value.to_owned()))
    });
    assigned.chain(values).collect()
}

/// Returns the texts that code shows once its constants are put together.
pub(crate) fn texts(code: &str, tongue: Tongue, given: &Given) -> Vec<String> {
    let folded = fold::folded(code, tongue, given);
    let text = |token: Token<'_>| match token {
        Token::Text(text) | Token::Line(text) => Some(text),
        Token::Name { .. } | Token::Sign(_) => None,
    };
    tokens(&folded, tongue)
        .into_iter()
        .filter_map(text)
        .collect()
}

/// Returns the modules that options name, as code that names them.
fn modules(arguments: &[Word]) -> String {
    let mut code = String::new();
    for word in arguments {
        let text = word.literal().unwrap_or_default();
        if let Some(module) = text.strip_prefix("-M").or_else(|| text.strip_prefix("-r")) {
            code.push('\'');
            code.push_str(module.rsplit("::").next().unwrap_or(module));
            code.push_str("'\n");
        }
    }
    code
}

/// Returns what `code`, in the language of `tongue`, shows with what it is `given`.
pub(crate) fn shown(code: &str, tongue: Tongue, given: &Given) -> Shown {
    shown_within(code, tongue, given, 0)
}

/// Returns what code shows that stands within `depth` other texts of code.
fn shown_within(code: &str, tongue: Tongue, given: &Given, depth: usize) -> Shown {
    let folded = fold::folded(code, tongue, given);
    let tokens = tokens(&folded, tongue);
    let mut reading = Reading {
        tongue,
        given,
        depth,
        shown: Shown::default(),
        loose: Vec::new(),
        unnamed: Access::default(),
        texts: Vec::new(),
    };
    match tongue {
        Tongue::Sed => reading.script_of_sed(code),
        Tongue::Editor => reading.commands(code),
        Tongue::Tcl => reading.words_of_tcl(code),
        // Which of its names open files is not known.
        Tongue::Foreign => reading.unnamed = Access::READ,
        Tongue::Python
        | Tongue::Script
        | Tongue::Perl
        | Tongue::Ruby
        | Tongue::Php
        | Tongue::Lua
        | Tongue::Awk
        | Tongue::Other => {}
    }
    for index in 0..tokens.len() {
        reading.token(&tokens, index);
    }
    if tongue == Tongue::Foreign {
        reading.commands_among(&tokens);
    }
    reading.finish()
}

struct Reading<'g> {
    tongue: Tongue,
    given: &'g Given,
    /// Within how many texts of code this one stands.
    depth: usize,
    shown: Shown,
    /// Texts that look like paths, wherever they stand.
    loose: Vec<Word>,
    /// How files are opened whose names are not written at the place.
    unnamed: Access,
    /// Texts that may be command lines.
    texts: Vec<String>,
}

impl Reading<'_> {
    fn token(&mut self, tokens: &[Token<'_>], index: usize) {
        match tokens.get(index) {
            Some(Token::Name { name, owner }) => self.name(tokens, index, (name, owner)),
            Some(Token::Text(text)) => self.text(tokens, index, text),
            Some(Token::Line(line)) => {
                self.does(Meaning::Run);
                self.line(line.clone());
            }
            Some(Token::Sign(_)) | None => {}
        }
    }

    fn name(&mut self, tokens: &[Token<'_>], index: usize, (name, owner): (&str, &str)) {
        if owner.ends_with("environ") && matches!(name, "items" | "values" | "copy" | "keys") {
            self.does(Meaning::Environment);
        }
        if self.tongue == Tongue::Foreign {
            self.unnamed = self.unnamed.or(meaning::access_of(name));
        }
        for part in owner.split(['.', ':', '>', '-']) {
            if let Some(meaning) = meaning::of_module(part) {
                self.does(meaning);
            }
        }
        let Some(meaning) = meaning(name, owner, self.tongue) else {
            return;
        };
        let rest = tokens.get(index + 1..).unwrap_or_default();
        match meaning {
            Meaning::Run => {
                self.does(meaning);
                let before = tokens.get(..index).unwrap_or_default();
                if let Some(line) = argument::command_line(&arguments(rest)) {
                    self.line(line);
                } else if let [.., Token::Text(line), Token::Sign('.')] = before {
                    // `"ls".execute()`
                    self.line(line.clone());
                }
            }
            Meaning::Evaluate => {
                self.does(meaning);
                self.evaluates(&arguments(rest));
            }
            Meaning::Read => self.opens(Some(Access::READ), &named_by(name, rest)),
            Meaning::Write => self.opens(Some(Access::WRITE), &named_by(name, rest)),
            Meaning::Delete => self.opens(Some(Access::DELETE), &arguments(rest)),
            Meaning::Open => self.opens(None, &arguments(rest)),
            // One variable of the environment is asked for by name.
            Meaning::Environment if argument::is_one_of(rest) => {}
            Meaning::Environment
            | Meaning::Connect
            | Meaning::Fetch
            | Meaning::Listen
            | Meaning::Send
            | Meaning::Bind
            | Meaning::Rights
            | Meaning::Fork
            | Meaning::Indirect => self.does(meaning),
        }
    }

    /// Adds the command lines among the texts of a language whose names are not all
    /// known: a text of several words, or several texts side by side, of which
    /// the first is a program.
    fn commands_among(&mut self, tokens: &[Token<'_>]) {
        let mut words: Vec<&str> = Vec::new();
        let between = |token: &Token<'_>| match token {
            Token::Sign(sign) => matches!(sign, ',' | '[' | ']' | '(' | ')'),
            Token::Name { name, .. } => matches!(*name, "nil" | "t"),
            Token::Text(_) | Token::Line(_) => false,
        };
        for token in tokens.iter().map(Some).chain([None]) {
            match token {
                Some(Token::Text(text)) => words.push(text),
                Some(token) if between(token) => {}
                Some(_) | None => {
                    let line = command_among(&words);
                    if let Some(line) = line.filter(|line| !self.shown.lines.contains(line)) {
                        self.does(Meaning::Run);
                        self.line(line);
                    }
                    words.clear();
                }
            }
        }
    }

    /// Adds what a text shows that is run as code.
    fn evaluates(&mut self, arguments: &[Argument<'_>]) {
        let Some(code) = arguments.first().and_then(Argument::last_text) else {
            return;
        };
        if self.depth >= DEPTH_MAX {
            return;
        }
        let inner = shown_within(code, self.tongue, self.given, self.depth + 1);
        for line in inner.lines {
            self.line(line);
        }
        for (path, access) in inner.paths {
            self.path(path, access);
        }
        for host in inner.hosts {
            self.host(host);
        }
        self.shown.does.extend(inner.does);
    }

    fn text(&mut self, tokens: &[Token<'_>], index: usize, text: &str) {
        if let Some(host) = host_in(text) {
            self.host(host);
        }
        if text.contains("/inet/") || text.contains("/inet4/") {
            self.does(Meaning::Connect);
        }
        if let Some(meaning) = meaning::of_module(text) {
            self.does(meaning);
        }
        if self.tongue == Tongue::Awk {
            self.text_of_awk(tokens, index, text);
        }
        if let Some(path) = path_of(tokens, index, text) {
            push(&mut self.loose, path);
        }
        if text.contains(char::is_whitespace) && self.texts.len() < SHOWN_MAX {
            self.texts.push(text.to_owned());
        }
    }

    /// Awk runs and opens what stands beside its signs.
    fn text_of_awk(&mut self, tokens: &[Token<'_>], index: usize, text: &str) {
        let sign = |at: Option<usize>| match at.and_then(|at| tokens.get(at)) {
            Some(Token::Sign(sign)) => Some(*sign),
            _ => None,
        };
        // A folder of the environment is five tokens: ENVIRON [ "HOME" ] and the text.
        let back = if argument::follows_home(tokens, index) {
            5
        } else {
            1
        };
        let (before, after) = (sign(index.checked_sub(back)), sign(Some(index + 1)));
        // Behind `|&` what is run is spoken to from both sides.
        let is_joint = before == Some('&') && sign(index.checked_sub(back + 1)) == Some('|');
        if before == Some('|') || is_joint || after == Some('|') {
            self.does(Meaning::Run);
            self.line(text.to_owned());
        }
        let access = match before {
            Some('>') => Access::WRITE,
            Some('<') => Access::READ,
            _ => return,
        };
        if let Some(path) = path_of(tokens, index, text) {
            self.path(path, access);
        }
    }

    /// Adds the files among `arguments`, opened as `access` or as they say themselves.
    fn opens(&mut self, access: Option<Access>, arguments: &[Argument<'_>]) {
        let access = access
            .or_else(|| argument::mode(arguments))
            .unwrap_or(Access::READ);
        // The words of a command that is opened as a pipe follow the sign for it.
        if let Some(rest) = argument::piped(arguments)
            && let Some(line) = argument::command_line(rest)
        {
            self.does(Meaning::Run);
            return self.line(line);
        }
        let mut is_named = false;
        for argument in arguments.iter().take(3) {
            for (word, is_line) in argument.paths() {
                is_named = true;
                if is_line {
                    self.does(Meaning::Run);
                    self.line(word.literal().unwrap_or_default());
                } else {
                    self.path(word, access);
                }
            }
        }
        if !is_named {
            self.unnamed = self.unnamed.or(access);
        }
    }

    fn does(&mut self, meaning: Meaning) {
        self.shown.does.insert(meaning);
    }

    fn line(&mut self, line: String) {
        if !line.trim().is_empty() && self.shown.lines.len() < SHOWN_MAX {
            self.shown.lines.push(line);
        }
    }

    fn host(&mut self, host: String) {
        if self.shown.hosts.len() < SHOWN_MAX && !self.shown.hosts.contains(&host) {
            self.shown.hosts.push(host);
        }
    }

    fn path(&mut self, word: Word, access: Access) {
        if self.shown.paths.len() < SHOWN_MAX {
            self.shown.paths.push((word, access));
        }
    }

    /// A file that is opened under a name from elsewhere may be any that is named,
    /// and a command that is run under one may be any text.
    fn finish(mut self) -> Shown {
        if self.shown.does(Meaning::Indirect) && self.shown.lines.is_empty() {
            self.shown.lines = std::mem::take(&mut self.texts);
        }
        if self.unnamed != Access::default() {
            for word in std::mem::take(&mut self.loose) {
                self.path(word, self.unnamed);
            }
        }
        self.shown
    }
}

/// Returns the argument that names the file which `name` reads or writes.
///
/// The path stands before some, wherever that is.
fn named_by<'t>(name: &str, rest: &'t [Token<'t>]) -> Vec<Argument<'t>> {
    if name.ends_with("_text") || name.ends_with("_bytes") {
        return Vec::new();
    }
    arguments(rest).into_iter().take(1).collect()
}

/// Returns the command line that texts side by side are, if they begin with a program.
fn command_among(words: &[&str]) -> Option<String> {
    let (first, rest) = words.split_first()?;
    let name = first.split_whitespace().next()?;
    let name = name.rsplit('/').next().unwrap_or(name);
    let is_line = first.contains(' ') || !rest.is_empty();
    if !is_line || !is_shell(name) && programs::entry_for(name).is_none() {
        return None;
    }
    if first.contains(' ') {
        return Some((*first).to_owned());
    }
    let words: Vec<String> = words.iter().map(|word| in_quotes(word)).collect();
    Some(words.join(" "))
}

fn push(words: &mut Vec<Word>, word: Word) {
    if words.len() < SHOWN_MAX {
        words.push(word);
    }
}

/// Returns the URL that a text is or begins with.
fn host_in(text: &str) -> Option<String> {
    let scheme = text.find("://")?;
    let is_scheme = text
        .get(..scheme)?
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || character == '+');
    (is_scheme && scheme > 0).then(|| text.split_whitespace().next().unwrap_or(text).to_owned())
}

/// Returns a text as the path it looks like; joined to a home folder where the
/// code joins them.
fn path_of(tokens: &[Token<'_>], index: usize, text: &str) -> Option<Word> {
    if let Some(path) = argument::joined_to_home(tokens, index) {
        return Some(path_word(&path, true));
    }
    let looks_so = text.len() < 4096
        && !text.contains(['\n', '\0'])
        && !text.contains("://")
        && !text.starts_with(['<', '>', '|', '-'])
        && (text.starts_with(['/', '~', '.']) || text.contains('/') && !text.contains(' '));
    if !looks_so || matches!(text, "/" | "." | "~" | "..") && text != "~" {
        return None;
    }
    let is_joined = text.starts_with('/') && argument::follows_home(tokens, index);
    Some(path_word(text, is_joined))
}

/// Returns a path as a word of a command line.
pub(crate) fn path_word(text: &str, is_below_home: bool) -> Word {
    let mut parts = Vec::new();
    let rest = match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            parts.push(WordPart::Home(None));
            rest
        }
        Some(_) | None => {
            if is_below_home {
                parts.push(WordPart::Home(None));
            }
            text
        }
    };
    if rest.contains(['*', '?', '[']) {
        parts.push(WordPart::Pattern(rest.to_owned()));
    } else if !rest.is_empty() {
        parts.push(WordPart::Literal(rest.to_owned()));
    }
    Word {
        parts,
        ..Word::default()
    }
}

#[cfg(test)]
mod tests;
