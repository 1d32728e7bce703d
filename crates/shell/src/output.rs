//! What a command writes to its standard output, where the text shows it.

mod found;
mod path;

use aegis_types::{Command, Plan, Redirection, RedirectionKind, Word};

use crate::decode;
use crate::input::is_input;
use crate::option::{first_text, without_start};
use crate::program::program_name;
use crate::walk::is_strict;

pub(crate) use found::{as_lines, found, found_by_fd};

/// Escapes that not every `printf` reads.
const EXTENSIONS: [&str; 7] = ["\\x", "\\e", "\\E", "\\u", "\\U", "\\'", "\\\""];

/// The most numbers that `seq` is followed on.
const COUNTED_MAX: usize = 64;

/// How many commands before one are looked at for what it reads.
const PIPED_MAX: usize = 32;

/// What comes through a pipe.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Output {
    /// This text.
    Text(String),
    /// Paths, each of which starts like one of these words.
    Paths(Vec<Word>),
    /// It cannot be told.
    Unknown,
}

/// Where a command's standard output goes.
#[derive(Clone, Debug, Default)]
pub(crate) enum Sink {
    /// Where that of the shell goes.
    #[default]
    Usual,
    /// To a file.
    File {
        /// The file.
        target: Word,
        /// Whether what it holds stays in front.
        appends: bool,
    },
    /// To another descriptor.
    Elsewhere,
}

impl Sink {
    /// Returns where a redirection of the standard output leads.
    pub(crate) fn new(kind: RedirectionKind, targets: &[Word]) -> Self {
        let [target] = targets else {
            return Self::Elsewhere;
        };
        match kind {
            RedirectionKind::Write | RedirectionKind::ReadWrite => Self::File {
                target: target.clone(),
                appends: false,
            },
            RedirectionKind::Append => Self::File {
                target: target.clone(),
                appends: true,
            },
            RedirectionKind::Descriptor if first_text(target) == "1" => Self::Usual,
            RedirectionKind::Descriptor | RedirectionKind::Read | RedirectionKind::Text => {
                Self::Elsewhere
            }
        }
    }
}

/// What the commands of a list write, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collected(Option<Output>);

impl Collected {
    /// Adds what the next command writes.
    pub(crate) fn add(&mut self, output: Output) {
        if output.is_nothing() {
            return;
        }
        self.0 = Some(match (self.0.take(), output) {
            (None, output) => output,
            (Some(Output::Text(before)), Output::Text(text)) => Output::Text(before + &text),
            (Some(_), _) => Output::Unknown,
        });
    }

    /// Returns all that was written.
    pub(crate) fn into_output(self) -> Output {
        self.0.unwrap_or_else(|| Output::Text(String::new()))
    }
}

impl Output {
    /// Returns whether nothing is written.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }
}

/// Returns what `command` writes to its standard output when it reads `input`.
pub(crate) fn output_of(command: &Command, input: Option<&Output>) -> Output {
    let Some(program) = program_name(command) else {
        // Assignments and redirections alone write nothing.
        return match command.program {
            Some(_) => Output::Unknown,
            None => Output::Text(String::new()),
        };
    };
    let arguments = command.arguments.as_slice();
    let read = || read_by(command, input);
    let text = match program.as_ref() {
        "echo" => echoed(arguments, is_strict(&command.through)),
        "printf" => printed(arguments, is_strict(&command.through)),
        "cat" if arguments.iter().all(is_input) => read(),
        "tee" => read(),
        "seq" => counted(arguments),
        ":" | "true" | "false" | "[" | "test" | "export" | "unset" | "shift" | "local" | "read"
        | "eval" | "exec" | "sleep" | "mkdir" | "touch" | "chmod" | "shopt" => Some(String::new()),
        "cd" if arguments.iter().all(|word| first_text(word) != "-") => Some(String::new()),
        name => decode::decoder(name, arguments)
            .and_then(|decoder| read().and_then(|text| decoder(&text))),
    };
    if let Some(text) = text {
        return Output::Text(text);
    }
    path::printed(&program, command, input).map_or(Output::Unknown, Output::Paths)
}

/// Returns the text that `command` reads from its standard input.
fn read_by(command: &Command, input: Option<&Output>) -> Option<String> {
    match (document(command), input) {
        (Some(text), _) => Some(text),
        (None, Some(Output::Text(text))) if !reads_file(command) => Some(text.clone()),
        (None, _) => None,
    }
}

/// Returns the text that the command at this place of `plan` reads from its standard input: none
/// where nothing leads there, `None` where it cannot be told.
#[must_use]
pub fn text_read(plan: &Plan, at: usize) -> Option<String> {
    let (before, command) = (plan.commands.get(..at)?, plan.commands.get(at)?);
    if command.redirections.iter().any(Redirection::is_input) {
        return document(command);
    }
    if command.place.position == 0 {
        return Some(String::new());
    }
    // What runs beside it within the same pipeline writes, or reads, as well.
    let near = before.iter().rev().take(PIPED_MAX);
    let mut piped: Vec<&Command> = near
        .filter(|it| it.place.pipeline == command.place.pipeline)
        .filter(|it| it.place.position < command.place.position)
        .collect();
    piped.reverse();
    let positions = piped.iter().map(|it| it.place.position);
    if !positions.eq(0..command.place.position) {
        return None;
    }
    let output = piped.iter().fold(None, |output: Option<Output>, writer| {
        Some(output_of(writer, output.as_ref()))
    });
    match output {
        Some(Output::Text(text)) => Some(text),
        Some(Output::Paths(_) | Output::Unknown) | None => None,
    }
}

/// Returns the files into which `command` puts what it reads, and whether behind
/// what they hold; and the text, if that can be told.
pub(crate) fn copied_by(command: &Command, input: Option<&Output>) -> (Vec<(Word, bool)>, Output) {
    let arguments = command.arguments.as_slice();
    let has = |option: &str| arguments.iter().any(|word| first_text(word) == option);
    let is_operand = |word: &&Word| !first_text(word).starts_with('-') || is_input(word);
    let mut operands = arguments.iter().filter(is_operand);
    let targets = match program_name(command).as_deref() {
        Some("tee") => operands.map(|word| (word.clone(), has("-a"))).collect(),
        Some("cp" | "mv" | "install" | "ln") if operands.next().is_some_and(is_input) => {
            operands.map(|word| (word.clone(), false)).collect()
        }
        Some("dd") => {
            let value = |name: &str| {
                let mut words = arguments.iter();
                words.find_map(|word| {
                    let is_it = first_text(word).starts_with(name);
                    is_it.then(|| without_start(word, name.len()))
                })
            };
            let reads = value("if=").is_none_or(|word| is_input(&word));
            let target = value("of=").filter(|_| reads);
            target.into_iter().map(|word| (word, false)).collect()
        }
        _ => Vec::new(),
    };
    let text = read_by(command, input);
    (targets, text.map_or(Output::Unknown, Output::Text))
}

fn reads_file(command: &Command) -> bool {
    let mut redirections = command.redirections.iter();
    redirections
        .any(|redirection| redirection.is_input() && redirection.kind != RedirectionKind::Text)
}

/// Returns what `seq` writes, given whole numbers as everyone writes them.
fn counted(arguments: &[Word]) -> Option<String> {
    let number = |word: &Word| {
        let text = word.literal()?;
        let number: i64 = text.parse().ok()?;
        (number.to_string() == text).then_some(number)
    };
    let numbers: Vec<i64> = arguments.iter().map(number).collect::<Option<_>>()?;
    let (first, step, last) = match *numbers.as_slice() {
        [last] => (1, 1, last),
        [first, last] => (first, 1, last),
        [first, step, last] if step != 0 => (first, step, last),
        _ => return None,
    };
    let mut text = String::new();
    let mut number = first;
    for _ in 0..COUNTED_MAX {
        if (step > 0 && number > last) || (step < 0 && number < last) {
            return Some(text);
        }
        text.push_str(&number.to_string());
        text.push('\n');
        number = number.checked_add(step)?;
    }
    None
}

/// Returns what `echo` writes; nothing where shells differ on it.
fn echoed(arguments: &[Word], is_strict: bool) -> Option<String> {
    let mut words = Vec::new();
    // Without an option, some shells read escapes and others do not.
    let mut has_escapes = None;
    let mut ends_line = true;
    for argument in arguments {
        let word = argument.literal()?;
        if words.is_empty() && is_echo_option(&word) {
            for letter in word.chars() {
                match letter {
                    'e' | 'E' if is_strict => return None,
                    'e' => has_escapes = Some(true),
                    'E' => has_escapes = Some(false),
                    'n' => ends_line = false,
                    _ => {}
                }
            }
        } else {
            words.push(word);
        }
    }
    let mut text = words.join(" ");
    if text.contains('\\') && has_escapes? {
        text = decode::escaped(&text, decode::Escapes::Echo)?;
    }
    if ends_line {
        text.push('\n');
    }
    Some(text)
}

fn is_echo_option(word: &str) -> bool {
    word.strip_prefix('-')
        .is_some_and(|letters| !letters.is_empty() && letters.chars().all(|c| "neE".contains(c)))
}

/// Returns what `printf` writes with a format and values; nothing where shells
/// differ on it.
pub(crate) fn printed(arguments: &[Word], is_strict: bool) -> Option<String> {
    let (format, values) = match arguments {
        [dashes, rest @ ..] if first_text(dashes) == "--" => rest.split_first()?,
        _ => arguments.split_first()?,
    };
    let format = format.literal()?;
    let values: Vec<String> = values.iter().map(Word::literal).collect::<Option<_>>()?;
    let is_extended = |text: &String| EXTENSIONS.iter().any(|escape| text.contains(escape));
    let is_portable = !is_extended(&format) && !values.iter().any(is_extended);
    if format.starts_with('-') || is_strict && !is_portable {
        return None;
    }
    let mut values = values.into_iter();
    let mut text = String::new();
    loop {
        let before = values.len();
        let mut pieces = format.split('%');
        text.push_str(&decode::escaped(
            pieces.next().unwrap_or_default(),
            decode::Escapes::Printf,
        )?);
        while let Some(piece) = pieces.next() {
            if piece.is_empty() {
                // Two signs stand for one; what follows the second is text.
                text.push('%');
                text.push_str(&decode::escaped(pieces.next()?, decode::Escapes::Printf)?);
                continue;
            }
            let value = values.next().unwrap_or_default();
            let rest = match piece.split_at_checked(1)? {
                ("s", rest) => {
                    text.push_str(&value);
                    rest
                }
                ("b", rest) => {
                    text.push_str(&decode::escaped(&value, decode::Escapes::Argument)?);
                    rest
                }
                ("d" | "i", rest) => {
                    text.push_str(&whole_number(&value)?);
                    rest
                }
                _ => return None,
            };
            text.push_str(&decode::escaped(rest, decode::Escapes::Printf)?);
        }
        if values.len() == 0 {
            return Some(text);
        }
        if values.len() == before || text.len() > crate::limit::TEXT_BYTES_MAX {
            // Values that the format does not take are taken by none.
            return (values.len() == before).then_some(text);
        }
    }
}

/// Returns how `%d` writes a value; nothing if it may be octal, or is no number.
fn whole_number(value: &str) -> Option<String> {
    let number: i64 = match value {
        "" => 0,
        _ => value.parse().ok()?,
    };
    let written = number.to_string();
    (value.is_empty() || written == value).then_some(written)
}

fn document(command: &Command) -> Option<String> {
    let mut redirections = command.redirections.iter();
    let redirection = redirections.rfind(|redirection| redirection.is_input())?;
    match redirection.kind {
        RedirectionKind::Text => redirection.target.literal(),
        RedirectionKind::Read
        | RedirectionKind::Write
        | RedirectionKind::Append
        | RedirectionKind::ReadWrite
        | RedirectionKind::Descriptor => None,
    }
}
