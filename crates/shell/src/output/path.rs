//! Paths that a command writes, where its words show them.

use aegis_types::{Command, Redirection, UnknownCause, Word, WordPart};

use super::found::{as_lines, found, found_by_fd, may_be_option};
use super::{Output, is_echo_option};
use crate::locate::located;
use crate::option::first_text;
use crate::run::joined;

/// The most paths that are told apart.
const PATHS_MAX: usize = 16;

/// Returns words with which the paths start that `command` writes when it reads
/// `input`: each of them is one of these.
pub(super) fn printed(
    program: &str,
    command: &Command,
    input: Option<&Output>,
) -> Option<Vec<Word>> {
    let arguments = command.arguments.as_slice();
    let paths = match program {
        "find" if arguments.iter().all(|word| !prints_otherwise(word)) => found(command),
        "fd" | "fdfind" => of_fd(program, command)?,
        "ls" if arguments.iter().all(is_for_names) => names(command),
        "echo" => line(command)?,
        "printf" => formatted(command)?,
        "realpath" | "grealpath" => resolved(command, "seLPzqm")?,
        "readlink" | "greadlink" if arguments.iter().any(resolves) => {
            resolved(command, "femznqsv")?
        }
        "dirname" => operands(arguments, "z")?
            .map(folder)
            .collect::<Option<_>>()?,
        "basename" => name(arguments)?,
        "which" | "type" | "command" | "whence" => programs(arguments)?,
        "head" | "tail" | "sort" | "uniq" | "tac" | "shuf" | "grep" | "egrep" | "fgrep" => {
            lines(program, command, input)?
        }
        _ => return None,
    };
    (paths.len() <= PATHS_MAX).then_some(paths)
}

/// Returns the paths that `fd` writes where it runs nothing.
fn of_fd(program: &str, command: &Command) -> Option<Vec<Word>> {
    let entry = crate::programs::entry_for(program)?;
    let reading = crate::programs::read(entry, &command.arguments);
    let writes_paths = reading.commands.is_empty() && !reading.has("--format");
    writes_paths.then(|| found_by_fd(&reading, command.span))
}

/// Returns the line that `echo` writes.
fn line(command: &Command) -> Option<Vec<Word>> {
    let is_option = |word: &&Word| word.literal().is_some_and(|text| is_echo_option(&text));
    let words = command.arguments.iter().skip_while(is_option);
    let words: Vec<Word> = words.cloned().collect();
    let is_sure = !words.iter().any(|word| shows(word, '\\'))
        && !words
            .first()
            .is_some_and(|word| first_text(word).starts_with('-'));
    is_sure.then(|| vec![joined(&words, command.span)])
}

/// Returns the lines that a `printf` writes whose format only parts its values.
fn formatted(command: &Command) -> Option<Vec<Word>> {
    let (format, values) = command.arguments.split_first()?;
    if values.iter().any(|word| shows(word, '\\')) {
        return None;
    }
    match format.literal()?.as_str() {
        "%s\\n" | "%s\\0" | "%s\n" | "%s\\000" | "%b\\n" => Some(values.to_vec()),
        "%s " => Some(vec![joined(values, command.span)]),
        "%s" | "%b" if values.len() == 1 => Some(values.to_vec()),
        _ => None,
    }
}

/// Returns whether the text of a word holds `letter`.
fn shows(word: &Word, letter: char) -> bool {
    let shown = |part: &WordPart| match part {
        WordPart::Literal(text) | WordPart::Pattern(text) => text.contains(letter),
        WordPart::Home(_) | WordPart::Stream(_) | WordPart::Unknown(_) => false,
    };
    word.parts.iter().any(shown)
}

/// Returns the operands, if no option but those of `letters` is given.
fn operands<'w>(arguments: &'w [Word], letters: &str) -> Option<impl Iterator<Item = &'w Word>> {
    let is_other = |word: &Word| match first_text(word).strip_prefix('-') {
        Some("-") | Some("-canonicalize" | "-canonicalize-existing" | "-canonicalize-missing") => {
            false
        }
        Some(given) => given.is_empty() || !given.chars().all(|letter| letters.contains(letter)),
        None => false,
    };
    let is_operand = |word: &&Word| !first_text(word).starts_with('-');
    (!arguments.iter().any(is_other)).then(|| arguments.iter().filter(is_operand))
}

/// Returns whether an option makes `readlink` follow every link.
fn resolves(word: &Word) -> bool {
    let given = first_text(word).strip_prefix('-').unwrap_or_default();
    match given.strip_prefix('-') {
        Some(long) => long.starts_with("canonicalize"),
        None => given.contains(['f', 'e', 'm']),
    }
}

/// Returns the operands as paths that mean the same wherever they are used.
///
/// Where links lead is told by whoever looks at the path.
fn resolved(command: &Command, letters: &str) -> Option<Vec<Word>> {
    let from_start = |word: &Word| {
        let mut word = located(command, word)?;
        if let Some(WordPart::Literal(text) | WordPart::Pattern(text)) = word.parts.first()
            && !text.starts_with('/')
        {
            let start = WordPart::Unknown(UnknownCause::Variable("PWD".to_owned()));
            word.parts
                .splice(0..0, [start, WordPart::Literal("/".to_owned())]);
        }
        Some(word)
    };
    operands(&command.arguments, letters)?
        .map(from_start)
        .collect()
}

/// Returns the folder in which a path lies, by its text.
fn folder(word: &Word) -> Option<Word> {
    let mut word = word.clone();
    let parts = word.parts.len();
    let Some(WordPart::Literal(last)) = word.parts.last_mut() else {
        return None;
    };
    let kept = match last.rsplit_once('/') {
        Some((_, "")) => return None,
        Some(("", _)) if parts == 1 => "/",
        Some((before, _)) => before,
        None if parts == 1 => ".",
        None => return None,
    };
    *last = kept.to_owned();
    Some(word)
}

/// Returns the last name of the path that `basename` is given.
fn name(arguments: &[Word]) -> Option<Vec<Word>> {
    let [path] = arguments else {
        return None;
    };
    let WordPart::Literal(last) = path.parts.last()? else {
        return None;
    };
    let name = match last.rsplit_once('/') {
        Some((_, name)) => name,
        None if path.parts.len() == 1 => last.as_str(),
        None => return None,
    };
    (!name.is_empty()).then(|| vec![with(path, WordPart::Literal(name.to_owned()))])
}

fn with(word: &Word, part: WordPart) -> Word {
    Word {
        span: word.span,
        parts: vec![part],
        ..Word::default()
    }
}

/// Returns where the programs may lie that something is asked for.
fn programs(arguments: &[Word]) -> Option<Vec<Word>> {
    let is_operand = |word: &&Word| !first_text(word).starts_with('-');
    let names: Vec<&Word> = arguments.iter().filter(is_operand).collect();
    let places = names.into_iter().map(|word| {
        let name = word.literal().filter(|name| !name.contains('/'))?;
        let usual = with(word, WordPart::Literal(format!("/usr/bin/{name}")));
        let mut other = with(word, WordPart::Unknown(UnknownCause::Output));
        other.parts.push(WordPart::Literal(format!("/{name}")));
        Some([usual, other])
    });
    let places: Option<Vec<[Word; 2]>> = places.collect();
    Some(places?.concat())
}

/// Returns the lines of `input`, of which a program writes some.
///
/// It must read nothing else: neither a file among its words nor another input.
fn lines(program: &str, command: &Command, input: Option<&Output>) -> Option<Vec<Word>> {
    let words: Option<Vec<String>> = command.arguments.iter().map(Word::literal).collect();
    let (options, operands): (Vec<String>, Vec<String>) =
        words?.into_iter().partition(|word| word.starts_with('-'));
    let is_number = |word: &String| word.trim_start_matches('+').parse::<u32>().is_ok();
    let (otherwise, fits) = match program {
        // Each number is the value of an option.
        "head" | "tail" => ("c", operands.iter().all(is_number)),
        "sort" => ("o", operands.is_empty()),
        "uniq" => ("cD", operands.is_empty()),
        "shuf" => ("eio", operands.is_empty()),
        "tac" => ("", operands.is_empty()),
        // What it looks for is its only operand.
        _ => ("cefnolLrRHbZ", operands.len() == 1),
    };
    let is_otherwise =
        |word: &String| word.starts_with("--") || word.contains(|c| otherwise.contains(c));
    let is_redirected = command.redirections.iter().any(Redirection::is_input);
    if !fits || is_redirected || options.iter().any(is_otherwise) {
        return None;
    }
    match input? {
        Output::Paths(paths) => Some(paths.clone()),
        Output::Text(text) => {
            let line = |line: &str| Word {
                span: command.span,
                parts: vec![WordPart::Literal(line.to_owned())],
                ..Word::default()
            };
            Some(text.lines().take(PATHS_MAX + 1).map(line).collect())
        }
        Output::Unknown => None,
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
    let mut within = Vec::new();
    for name in &mut names {
        let is_pattern = |part: &WordPart| matches!(part, WordPart::Pattern(_));
        if has(&['d']) {
            name.parts.pop();
        } else if name.parts.iter().any(is_pattern) {
            continue;
        } else if all || is_here {
            // What lies here is all that such a name can mean here.
            let pattern = if all { "@(.*|*)" } else { "*" };
            name.parts = vec![WordPart::Pattern(pattern.to_owned())];
        } else {
            // A file stands for itself.
            name.parts.pop();
            within.push(with(name, WordPart::Unknown(UnknownCause::Output)));
        }
    }
    names.append(&mut within);
    names
}

/// Returns words with which the paths start that `find` writes.
pub(super) fn starts(command: &Command) -> Vec<Word> {
    let mut folders: Vec<&Word> = Vec::new();
    for argument in &command.arguments {
        let is_option = match argument.parts.first() {
            Some(WordPart::Literal(text)) => text.starts_with(['-', '(', '!']),
            Some(
                WordPart::Pattern(_)
                | WordPart::Home(_)
                | WordPart::Stream(_)
                | WordPart::Unknown(_),
            )
            | None => false,
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
