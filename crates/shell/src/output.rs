//! What a command writes to its standard output, where the text shows it.

use aegis_types::{Command, RedirectionKind, UnknownCause, Word, WordPart};

use crate::decode;
use crate::input::is_input;
use crate::option::{first_text, without_start};
use crate::program::program_name;
use crate::walk::is_strict;

/// Escapes that not every `printf` reads.
const EXTENSIONS: [&str; 7] = ["\\x", "\\e", "\\E", "\\u", "\\U", "\\'", "\\\""];

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
        "find" if arguments.iter().all(|word| !prints_otherwise(word)) => {
            return Output::Paths(found(command));
        }
        "ls" if arguments.iter().all(is_for_names) => return Output::Paths(names(command)),
        ":" | "true" | "false" | "[" | "test" | "export" | "unset" | "shift" | "local" | "read"
        | "eval" | "exec" | "sleep" | "mkdir" | "touch" | "chmod" | "shopt" => Some(String::new()),
        "cd" if arguments.iter().all(|word| first_text(word) != "-") => Some(String::new()),
        name => decode::decoder(name, arguments)
            .and_then(|decoder| read().and_then(|text| decoder(&text))),
    };
    text.map_or(Output::Unknown, Output::Text)
}

/// Returns the text that `command` reads from its standard input.
fn read_by(command: &Command, input: Option<&Output>) -> Option<String> {
    match (document(command), input) {
        (Some(text), _) => Some(text),
        (None, Some(Output::Text(text))) if !reads_file(command) => Some(text.clone()),
        (None, _) => None,
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

/// Returns whether an argument makes `find` write something else than paths.
fn prints_otherwise(word: &Word) -> bool {
    let text = first_text(word);
    word.literal().is_none() && text.starts_with('-')
        || matches!(text, "-printf" | "-ls" | "-help" | "--help" | "-version")
}

/// Returns whether `ls` still writes names alone with this argument.
fn is_for_names(word: &Word) -> bool {
    match first_text(word) {
        "--all" | "--almost-all" => true,
        text if text.starts_with("--") => false,
        text => text.strip_prefix('-').is_none_or(|letters| {
            letters
                .chars()
                .all(|letter| "aA1dtrSfUvXc".contains(letter))
        }),
    }
}

/// Returns words with which the names start that `ls` writes: those of a
/// folder's content stand without the folder.
fn names(command: &Command) -> Vec<Word> {
    let has = |letters: &[char]| {
        command.arguments.iter().any(|word| {
            let text = first_text(word);
            text.starts_with('-') && !text.starts_with("--") && text.contains(letters)
        })
    };
    let all = has(&['a', 'A', 'f'])
        || command
            .arguments
            .iter()
            .any(|word| matches!(first_text(word), "--all" | "--almost-all"));
    let mut names: Vec<Word> = starts(command).iter().map(as_lines).collect();
    let is_here = matches!(names.as_slice(), [name] if first_text(name) == ".");
    for name in &mut names {
        let is_pattern = |part: &WordPart| matches!(part, WordPart::Pattern(_));
        if name.parts.iter().any(is_pattern) {
            continue;
        }
        if has(&['d']) {
            name.parts.pop();
        } else {
            // What lies here is all that such a name can mean here.
            let pattern = if all { "@(.*|*)" } else { "*" };
            name.parts = if all || is_here {
                vec![WordPart::Pattern(pattern.to_owned())]
            } else {
                vec![WordPart::Unknown(UnknownCause::Output)]
            };
        }
    }
    names
}

/// Returns words with which the paths start that `find` writes.
pub(crate) fn starts(command: &Command) -> Vec<Word> {
    let mut folders: Vec<&Word> = Vec::new();
    for argument in &command.arguments {
        let is_option = match argument.parts.first() {
            Some(WordPart::Literal(text)) => text.starts_with(['-', '(', '!']),
            Some(WordPart::Pattern(_) | WordPart::Home(_) | WordPart::Unknown(_)) | None => false,
        };
        if !is_option {
            folders.push(argument);
        } else if !folders.is_empty() {
            break;
        }
    }
    let here = Word {
        span: command.span,
        parts: vec![WordPart::Literal(".".to_owned())],
        ..Word::default()
    };
    if folders.is_empty() {
        folders.push(&here);
    }
    let mut words = command.arguments.iter();
    let is_option = |word: &Word| word.literal().as_deref() == Some("-maxdepth");
    let depth = words
        .find(|word| is_option(word))
        .and_then(|_| words.next());
    if depth.and_then(Word::literal).as_deref() == Some("0") {
        // Nothing below what it starts from is found.
        return folders.into_iter().cloned().collect();
    }
    folders
        .into_iter()
        .map(|folder| {
            let mut word = folder.clone();
            word.is_operand |= !may_be_option(folder);
            word.parts.push(WordPart::Unknown(UnknownCause::Found));
            word
        })
        .collect()
}

/// Returns words for the paths that `find` comes upon: with the name that its
/// expression asks for at the end, where it does so in all cases.
pub(crate) fn found(command: &Command) -> Vec<Word> {
    let mut paths = starts(command);
    if let Some(name) = name_wanted(&command.arguments) {
        for path in &mut paths {
            path.parts.push(WordPart::Literal("/".to_owned()));
            path.parts.push(name.clone());
        }
    }
    paths
}

/// Returns a path as a program takes it that ends it at blanks or line ends, where
/// something else may follow.
pub(crate) fn as_lines(path: &Word) -> Word {
    let mut path = path.clone();
    for part in &mut path.parts {
        if matches!(part, WordPart::Unknown(UnknownCause::Found)) {
            *part = WordPart::Unknown(UnknownCause::Output);
        }
    }
    path
}

/// Returns the name that everything has which an expression of `find` comes upon.
fn name_wanted(arguments: &[Word]) -> Option<WordPart> {
    let texts: Option<Vec<String>> = arguments.iter().map(Word::literal).collect();
    let texts = texts?;
    let is_choice =
        |text: &String| matches!(text.as_str(), "!" | "," | "(" | "-not" | "-o" | "-or");
    let acts = |text: &String| {
        let names = [
            "-exec", "-ok", "-print", "-fprint", "-ls", "-fls", "-delete",
        ];
        names.iter().any(|name| text.starts_with(name))
    };
    let end = texts.iter().position(acts).unwrap_or(texts.len());
    let tests = texts.get(..end).unwrap_or_default();
    if texts.iter().any(is_choice) {
        return None;
    }
    let place = tests.iter().position(|text| text == "-name")?;
    let name = texts.get(place + 1)?;
    let is_start = |text: &String| {
        let last = text.trim_end_matches('/').rsplit('/').next();
        crate::programs::matches(name, last.unwrap_or_default())
    };
    if !is_plain_name(name)
        || tests
            .iter()
            .take_while(|text| !text.starts_with('-'))
            .any(is_start)
    {
        return None;
    }
    Some(match name.starts_with('*') {
        true => WordPart::Pattern(name.clone()),
        false => WordPart::Literal(name.clone()),
    })
}

/// Returns whether what `find` looks for is one name, or all names with one ending.
fn is_plain_name(name: &str) -> bool {
    let ending = name.strip_prefix("*.").unwrap_or(name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    ending.chars().all(is_plain) && ending.contains(|c: char| c.is_ascii_alphanumeric())
}

/// Returns whether a word that is no option as written may turn out to be one.
fn may_be_option(word: &Word) -> bool {
    match word.parts.first() {
        Some(WordPart::Literal(_) | WordPart::Home(_)) => false,
        // No option has a dot.
        Some(WordPart::Pattern(text)) => !text.contains('.'),
        Some(WordPart::Unknown(_)) | None => !word.is_operand,
    }
}
