//! Turns words of the tree into words of the plan.

mod arithmetic;
mod brace;
mod field;
mod operator;
mod parameter;
mod pattern;

use aegis_types::{
    Directory, Redirection, RedirectionKind, Span, Stream, UnknownCause, Word, WordPart, Wrapper,
};

use crate::output::{Output, Sink};
use crate::programs;
use crate::surroundings::Value;
use crate::syntax::{Piece, RawRedirection, RawWord, Script, Target, is_name};
use crate::walk::{Setting, Walk};
use field::Fields;

impl Walk<'_> {
    /// Expands words as the arguments of a command: one may become many, or none.
    pub(crate) fn words(&mut self, raw: &[RawWord], setting: &Setting) -> Vec<Word> {
        let mut words = Vec::with_capacity(raw.len());
        for word in raw {
            self.word(word, setting, &mut words);
        }
        words
    }

    fn word(&mut self, raw: &RawWord, setting: &Setting, words: &mut Vec<Word>) {
        if self.has_stopped() || !self.limits.take_step() {
            self.stop(raw.span);
            return;
        }
        if let Some(text) = raw.bare()
            && !text.contains(['{', '~', '*', '?', '['])
            && self.embedded.is_empty()
        {
            self.charge(raw, text.len());
            words.push(Word {
                span: raw.span,
                parts: vec![WordPart::Literal(text.to_owned())],
                ..Word::default()
            });
            return;
        }
        let has_brace = |piece: &Piece| matches!(piece, Piece::Bare(text) if text.contains('{'));
        if !raw.pieces.iter().any(has_brace) {
            self.fields(raw, &raw.pieces, setting, words);
            return;
        }
        match brace::alternatives(&raw.pieces) {
            Some(alternatives) => {
                for pieces in alternatives {
                    self.fields(raw, &pieces, setting, words);
                }
            }
            None => {
                self.single(raw, setting);
                words.push(Word {
                    span: raw.span,
                    parts: vec![WordPart::Unknown(UnknownCause::TooComplex)],
                    ..Word::default()
                });
            }
        }
    }

    fn fields(
        &mut self,
        raw: &RawWord,
        pieces: &[Piece],
        setting: &Setting,
        words: &mut Vec<Word>,
    ) {
        let mut fields = self.no_fields(raw.span);
        self.pieces(pieces, true, setting, &mut fields);
        let before = words.len();
        fields.finish(words);
        if words.len() > before + 1 && pieces.iter().any(is_lone_dollar) {
            // A dollar sign that expands nothing keeps the word in one, but not always.
            words.truncate(before);
            words.push(Word {
                span: raw.span,
                parts: vec![WordPart::Unknown(UnknownCause::Expansion)],
                ..Word::default()
            });
        }
        for word in words.get_mut(before..).unwrap_or_default() {
            self.embedded.restore(word);
        }
        let bytes = words.get(before..).unwrap_or_default().iter().map(weight);
        let bytes = bytes.sum();
        self.charge(raw, bytes);
    }

    /// Expands a word that stays one word, as a value or a pattern does.
    pub(crate) fn single(&mut self, raw: &RawWord, setting: &Setting) -> Word {
        let mut fields = self.no_fields(raw.span);
        self.pieces(&raw.pieces, false, setting, &mut fields);
        let mut word = fields.into_single();
        self.embedded.restore(&mut word);
        self.charge(raw, weight(&word));
        word
    }

    /// Expands redirections; returns them and where the standard output goes.
    pub(crate) fn redirections(
        &mut self,
        raw: &[RawRedirection],
        setting: &Setting,
    ) -> (Vec<Redirection>, Sink) {
        let mut redirections = Vec::with_capacity(raw.len());
        let mut sink = Sink::Usual;
        for RawRedirection {
            kind,
            target,
            descriptor,
            is_output,
        } in raw
        {
            let kind = *kind;
            let targets = match target {
                Target::Word(word) if kind == RedirectionKind::Text => {
                    let mut text = self.single(word, setting);
                    text.parts.push(WordPart::Literal("\n".to_owned()));
                    vec![text]
                }
                Target::Word(word) => {
                    let mut targets = Vec::new();
                    self.word(word, setting, &mut targets);
                    targets
                }
                Target::Document(text) => match text.get() {
                    Some(text) => vec![self.single(text, setting)],
                    None => vec![Word::default()],
                },
            };
            if *is_output {
                sink = Sink::new(kind, &targets);
            }
            let named = targets.into_iter().map(|target| Redirection {
                kind,
                target,
                descriptor: *descriptor,
            });
            redirections.extend(named);
        }
        (redirections, sink)
    }

    /// Expands pieces into `fields`, split into words or not.
    fn pieces(&mut self, pieces: &[Piece], splits: bool, setting: &Setting, fields: &mut Fields) {
        let closes = |piece: &Piece| matches!(piece, Piece::Bare(text) if text.contains(']'));
        let last_closing = pieces.iter().rposition(closes);
        for (index, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Bare(text) => {
                    let rest = Rest {
                        is_empty: index + 1 == pieces.len(),
                        closes_bracket: last_closing.is_some_and(|last| last > index),
                    };
                    self.bare(text, index == 0, rest, splits, fields);
                }
                Piece::Quoted(text) => fields.literal(text),
                Piece::Glob(text) if splits => fields.part(WordPart::Pattern(text.clone())),
                Piece::Glob(text) => fields.literal(text),
                Piece::Parameter(parameter) => {
                    self.parameter(parameter, splits, setting, fields);
                }
                Piece::Substitution { script, quoted } => {
                    self.substitution(script, splits && !quoted, setting, fields);
                }
                Piece::Process { script, stream } => {
                    let setting = setting.apart(Wrapper::ProcessSubstitution);
                    let output =
                        self.captured(|walk| walk.own_shell(|walk| walk.script(script, &setting)));
                    match stream {
                        Stream::Output => self.add_stream(fields.span(), output),
                        // It prints where the command itself does.
                        Stream::Input if output.is_nothing() => {}
                        Stream::Input => self.collected.add(Output::Unknown),
                    }
                    fields.part(WordPart::Stream(*stream));
                }
                Piece::Arithmetic { inner, quoted } => {
                    let mut expression = self.no_fields(fields.span());
                    self.pieces(inner, false, setting, &mut expression);
                    let mut expression = expression.into_single();
                    self.embedded.restore(&mut expression);
                    let value = expression.literal().and_then(|text| self.calculate(&text));
                    match value {
                        Some(value) => self.value(
                            &[WordPart::Literal(value.to_string())],
                            splits && !quoted,
                            fields,
                        ),
                        None => {
                            self.forget_set_by(&[expression]);
                            fields.part(WordPart::Unknown(UnknownCause::Arithmetic));
                        }
                    }
                }
                Piece::Array(elements) => {
                    self.words(elements, setting);
                    fields.part(WordPart::Unknown(UnknownCause::Expansion));
                }
            }
        }
    }

    /// Expands unquoted text: tildes, then patterns.
    fn bare(&mut self, text: &str, is_first: bool, rest: Rest, splits: bool, fields: &mut Fields) {
        if !text.contains('~') {
            push_pattern(text, rest, splits, fields);
            return;
        }
        // In a value each colon starts a path; in an argument that looks like
        // an assignment the value does, and else only the word itself.
        let mut text = text;
        let mut may_be_home = is_first;
        if splits && is_first && !text.starts_with('~') {
            match text.split_once('=') {
                Some((name, value)) if is_name(name) && value.starts_with('~') => {
                    let name_end = text.len() - value.len();
                    fields.literal(text.get(..name_end).unwrap_or_default());
                    text = value;
                }
                _ => may_be_home = false,
            }
        }
        loop {
            let (segment, after) = match text.split_once(':') {
                Some((segment, after)) if !splits => (segment, Some(after)),
                _ => (text, None),
            };
            let ends_here = after.is_some() || rest.is_empty;
            let path = match home_prefix(segment, ends_here).filter(|_| may_be_home) {
                Some((user, path)) => {
                    self.home(user, fields);
                    path
                }
                None => segment,
            };
            push_pattern(path, rest, splits, fields);
            let Some(after) = after else {
                return;
            };
            fields.literal(":");
            text = after;
            may_be_home = true;
        }
    }

    fn home(&mut self, user: &str, fields: &mut Fields) {
        match user {
            "" => match self.variable("HOME") {
                None => fields.part(WordPart::Home(None)),
                Some(Value::Parts(parts)) => fields.inner_parts(&parts),
                Some(Value::Unset | Value::Either(_) | Value::Unknown | Value::Elements(_)) => {
                    fields.part(WordPart::Unknown(UnknownCause::Expansion));
                }
            },
            "+" => {
                let current = self.around.places().current.clone();
                push_directory(&current, fields);
            }
            "-" => {
                let previous = self.around.places().previous.clone();
                push_directory(previous.as_deref().unwrap_or(&Directory::Unknown), fields);
            }
            _ if user.starts_with(|first: char| first.is_ascii_digit() || "+-".contains(first)) => {
                fields.part(WordPart::Unknown(UnknownCause::Expansion));
            }
            _ => fields.part(WordPart::Home(Some(user.to_owned()))),
        }
    }

    /// Walks a substitution; its value is known only in plain cases.
    fn substitution(
        &mut self,
        script: &Script,
        splits: bool,
        setting: &Setting,
        fields: &mut Fields,
    ) {
        let before = self.plan.commands.len();
        let apart = setting.apart(Wrapper::Substitution);
        let mut directory = Directory::Unknown;
        let output = self.captured(|walk| {
            walk.own_shell(|walk| {
                walk.script(script, &apart);
                directory = Directory::clone(&walk.around.places().current);
            });
        });
        let is_plain = matches!(script.items.as_slice(), [item] if matches!(item.links.as_slice(), [link] if link.pipeline.members.len() == 1));
        if is_plain && self.prints_directory(before) {
            push_directory(&directory, fields);
            return;
        }
        if is_plain && let Some(name) = self.made_temporary(before) {
            fields.part(WordPart::Literal(name));
            return;
        }
        match output {
            Output::Text(text) if !text.contains('\0') => {
                let text = text.trim_end_matches('\n').to_owned();
                self.value(&[WordPart::Literal(text)], splits, fields);
            }
            Output::Paths(paths) if !paths.is_empty() => self.printed(&paths, splits, fields),
            Output::Text(_) | Output::Paths(_) | Output::Unknown => {
                let cause = if is_plain && self.prints_branch(before) {
                    UnknownCause::Branch
                } else if is_plain && self.prints_settings(before) {
                    UnknownCause::Settings
                } else {
                    UnknownCause::Output
                };
                if splits {
                    fields.part(WordPart::Unknown(cause));
                } else {
                    fields.inner_part(WordPart::Unknown(cause));
                }
            }
        }
    }

    /// Returns no fields yet, for the word at `span`.
    fn no_fields(&self, span: Span) -> Fields {
        Fields::new(span, self.around.is_closed())
    }

    /// Adds what a substitution writes whose lines begin like `paths`.
    fn printed(&mut self, paths: &[Word], splits: bool, fields: &mut Fields) {
        let is_known = paths.iter().all(|path| !path.is_unknown());
        if splits && (is_known || self.choices.is_none()) {
            // Where one cannot be told, it may be the first.
            let (open, known): (Vec<&Word>, Vec<&Word>) =
                paths.iter().partition(|path| path.is_unknown());
            for path in open.into_iter().chain(known) {
                fields.split();
                self.value(&path.parts, true, fields);
            }
            return;
        }
        // It begins with one of them; where there are several, it may be more than one.
        let whole = [WordPart::Unknown(UnknownCause::Output)];
        let mut different: Vec<&[WordPart]> = Vec::new();
        for path in paths {
            if !different.contains(&path.parts.as_slice()) {
                different.push(&path.parts);
            }
        }
        if different.len() > 1 && !different.contains(&whole.as_slice()) {
            different.push(&whole);
        }
        let taken = match (different.as_slice(), &mut self.choices) {
            ([parts], _) => Some(*parts),
            (several, Some(choices)) => several.get(choices.choose(several.len())).copied(),
            (_, None) => None,
        };
        match taken {
            Some(parts) => self.value(parts, splits, fields),
            None if splits => fields.part(WordPart::Unknown(UnknownCause::Output)),
            None => fields.inner_part(WordPart::Unknown(UnknownCause::Output)),
        }
    }

    fn prints_directory(&self, before: usize) -> bool {
        match self.plan.commands.get(before..) {
            Some([command]) => {
                command.arguments.is_empty()
                    && command.redirections.is_empty()
                    && crate::program::program_name(command).as_deref() == Some("pwd")
            }
            _ => false,
        }
    }

    /// Returns whether the only command since `before` prints the name of the
    /// present branch.
    fn prints_branch(&self, before: usize) -> bool {
        let Some([command]) = self.plan.commands.get(before..) else {
            return false;
        };
        let words: Option<Vec<String>> = command.arguments.iter().map(Word::literal).collect();
        let words = words.unwrap_or_default();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let program = command.program.as_ref().and_then(Word::literal);
        program.as_deref() == Some("git")
            && command.assignments.is_empty()
            && matches!(
                words.as_slice(),
                ["branch", "--show-current"]
                    | ["rev-parse", "--abbrev-ref", "HEAD" | "@"]
                    | ["symbolic-ref", "--short", "HEAD"]
            )
    }

    /// Returns whether the only command since `before` prints settings for the shell:
    /// its own, as neither its words nor the variables hold what could be code.
    fn prints_settings(&self, before: usize) -> bool {
        let Some([command]) = self.plan.commands.get(before..) else {
            return false;
        };
        let is_plain = |word: &Word| word.literal().is_some_and(|text| is_plain_text(&text));
        let mut redirections = command.redirections.iter();
        command.assignments.is_empty()
            && command.arguments.iter().all(is_plain)
            && redirections.all(|redirection| redirection.descriptor == Some(2))
            && self.around.exports_plain_text()
            && programs::prints_settings(command)
    }

    /// Returns the name of the temporary file or folder that the only command
    /// since `before` makes: one that nothing else has.
    fn made_temporary(&self, before: usize) -> Option<String> {
        let Some([command]) = self.plan.commands.get(before..) else {
            return None;
        };
        let name = crate::program::program_name(command);
        if name.as_deref() != Some("mktemp") || !command.assignments.is_empty() {
            return None;
        }
        let mut template = "/tmp/tmp.XXXXXXXXXX".to_owned();
        for word in &command.arguments {
            match word.literal()?.as_str() {
                "-d" | "--directory" | "-t" | "-q" | "--quiet" => {}
                // What is no path lies in the folder for such files only with `-t`.
                name if name.starts_with(['/', '.']) && name.contains("XXX") => {
                    name.clone_into(&mut template);
                }
                _ => return None,
            }
        }
        Some(template)
    }

    fn charge(&mut self, raw: &RawWord, bytes: usize) {
        if !self.limits.take_expanded(bytes) {
            self.stop(raw.span);
        }
    }
}

/// Returns whether a text holds no sign that means something to a shell.
pub(crate) fn is_plain_text(text: &str) -> bool {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "/._-+:=@%,".contains(sign);
    text.chars().all(is_plain)
}

/// Adds a directory as the value of `PWD`.
///
/// The variable `PWD` as an unknown stands for the directory at the start of
/// the text, wherever it is used.
fn push_directory(directory: &Directory, fields: &mut Fields) {
    let start = WordPart::Unknown(UnknownCause::Variable("PWD".to_owned()));
    match directory {
        Directory::Start => fields.part(start),
        Directory::Unknown => fields.part(WordPart::Unknown(UnknownCause::Expansion)),
        Directory::Moved(path) => match path.strip_prefix('~') {
            Some(rest) => {
                let (user, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let user = Some(user).filter(|user| !user.is_empty());
                fields.part(WordPart::Home(user.map(str::to_owned)));
                fields.literal(path);
            }
            None if path.starts_with('/') => fields.literal(path),
            None => {
                fields.part(start);
                fields.literal("/");
                fields.literal(path);
            }
        },
    }
}

fn is_lone_dollar(piece: &Piece) -> bool {
    matches!(piece, Piece::Bare(text) if text.contains('$'))
}

/// Adds unquoted text, as a pattern if it holds one.
fn push_pattern(text: &str, rest: Rest, splits: bool, fields: &mut Fields) {
    if splits && is_pattern(text, rest) {
        fields.part(WordPart::Pattern(text.to_owned()));
    } else {
        fields.literal(text);
    }
}

fn is_pattern(text: &str, rest: Rest) -> bool {
    if text.contains(['*', '?']) {
        return true;
    }
    match text.split_once('[') {
        Some((_, after)) => after.contains(']') || rest.closes_bracket,
        None => false,
    }
}

/// What comes after a piece of a word.
#[derive(Clone, Copy, Debug)]
struct Rest {
    /// Whether nothing does.
    is_empty: bool,
    /// Whether unquoted text with `]` does.
    closes_bracket: bool,
}

/// Splits `~user/path` into the user and the path.
fn home_prefix(text: &str, ends_here: bool) -> Option<(&str, &str)> {
    let rest = text.strip_prefix('~')?;
    match rest.find(['/', ':']) {
        Some(end) => rest.split_at_checked(end),
        None => ends_here.then_some((rest, "")),
    }
}

/// About what a word takes besides its text.
const WORD_BYTES: usize = 16;

/// Returns about how many bytes a word takes; one without text takes some as well.
fn weight(word: &Word) -> usize {
    let bytes = word.parts.iter().map(|part| match part {
        WordPart::Literal(text) | WordPart::Pattern(text) => text.len(),
        // About what the part itself takes.
        WordPart::Home(_) | WordPart::Stream(_) | WordPart::Unknown(_) => 32,
    });
    WORD_BYTES + bytes.sum::<usize>()
}
