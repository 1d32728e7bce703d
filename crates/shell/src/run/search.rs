//! Follows `find` and `xargs` to what they run.

use aegis_types::{Directory, Span, UnknownCause, Word, WordPart, Wrapper};

use super::shell::Input;
use super::{Draft, joined, push_text};
use crate::limit::TURNS_MAX;
use crate::option::{self, Spec};
use crate::output::{self, Output, Sink};
use crate::quote::in_quotes;
use crate::walk::{Setting, Walk};

const XARGS: Spec = Spec {
    short: "adEILnPsJRS",
    long: &[
        "arg-file",
        "delimiter",
        "max-lines",
        "max-args",
        "max-procs",
        "max-chars",
        "process-slot-var",
    ],
    ends_at_operand: true,
};

impl Walk<'_> {
    /// Lists `find` itself, then what it runs on what it finds.
    pub(super) fn find(&mut self, mut draft: Draft, setting: &Setting) {
        let before = self.plan.commands.len();
        self.list(draft.clone(), setting);
        // Each of what it runs begins with a copy of the draft.
        let words = std::mem::take(&mut draft.words);
        let found = self
            .plan
            .commands
            .get(before)
            .map(output::found)
            .unwrap_or_default();
        let inner_setting = setting.within(Wrapper::Program("find".to_owned()));
        let mut rest = words.iter().skip(1);
        while let Some(word) = rest.next() {
            if self.has_stopped() {
                return;
            }
            let action = word.literal();
            if !matches!(
                action.as_deref(),
                Some("-exec" | "-execdir" | "-ok" | "-okdir")
            ) {
                continue;
            }
            let mut run = Vec::new();
            for word in rest.by_ref() {
                match word.literal().as_deref() {
                    Some(";") => break,
                    Some("+") if run.last().is_some_and(is_placeholder) => break,
                    _ => run.push(word.clone()),
                }
            }
            let mut inner = draft.inner(fill(&run, "{}", &found));
            inner.redirections = Vec::new();
            inner.sink = Sink::Usual;
            if matches!(action.as_deref(), Some("-execdir" | "-okdir")) {
                // It runs in the folder of what is found, under its name there.
                inner.directory = Some(Directory::Unknown);
                let name = Word {
                    span: word.span,
                    parts: vec![WordPart::Unknown(UnknownCause::Output)],
                    ..Word::default()
                };
                inner.words = fill(&run, "{}", &[name]);
            }
            self.run(inner, &inner_setting);
        }
    }

    /// Lists what `xargs` runs with what it reads.
    pub(super) fn xargs(&mut self, draft: Draft, setting: &Setting) {
        let words = draft.words.get(1..).unwrap_or_default();
        let arguments = option::read(words, &XARGS);
        let read = self.values_read(&arguments, &draft, setting);
        let at_a_time = match arguments
            .values(&["n", "max-args", "L", "max-lines"])
            .last()
        {
            None => Some(usize::MAX),
            Some(word) => word.literal().and_then(|text| text.parse().ok()),
        };
        let placeholder = arguments
            .values(&["I", "J"])
            .last()
            .and_then(Word::literal)
            .or_else(|| arguments.has(&["i", "replace"]).then(|| "{}".to_owned()));
        let operands: Vec<Word> = arguments
            .operands
            .iter()
            .map(|word| (*word).clone())
            .collect();
        if operands.is_empty() {
            return self.list(draft, setting);
        }
        let mut inner_setting = setting.within(Wrapper::Program("xargs".to_owned()));
        inner_setting.input = None;
        if arguments.has(&["a", "arg-file"]) {
            // The file is read by `xargs` itself, whatever it runs.
            self.list(draft.clone(), setting);
        }
        if read.is_empty() {
            // Nothing that is known to be empty still runs once.
            return match placeholder {
                Some(_) => self.list(draft, setting),
                None => self.run(draft.inner(operands), &inner_setting),
            };
        }
        let at_a_time = if placeholder.is_some() {
            Some(1)
        } else {
            at_a_time
        };
        let size = at_a_time.unwrap_or(1).clamp(1, read.len());
        let known = read.len().div_ceil(size) <= TURNS_MAX && at_a_time.is_some();
        let unknown = [Word {
            span: draft.span,
            parts: vec![WordPart::Unknown(UnknownCause::Output)],
            ..Word::default()
        }];
        let groups: Vec<&[Word]> = if known {
            read.chunks(size).collect()
        } else {
            vec![unknown.as_slice()]
        };
        for group in groups {
            let run = match &placeholder {
                Some(placeholder) => fill(&operands, placeholder, group),
                None => [operands.as_slice(), group].concat(),
            };
            self.run(draft.inner(run), &inner_setting);
        }
    }

    /// Returns the values that `xargs` reads; one that is unknown if they cannot be told.
    fn values_read(
        &self,
        arguments: &option::Arguments<'_>,
        draft: &Draft,
        setting: &Setting,
    ) -> Vec<Word> {
        let has_file = arguments.has(&["a", "arg-file"]);
        let text = match self.given_text(draft, setting) {
            Input::Text(text) if !has_file => text.literal(),
            Input::Text(_) | Input::File | Input::Unknown => None,
        };
        let values = match (&setting.input, &text) {
            _ if has_file => Vec::new(),
            (_, Some(text)) => text_words(text, arguments, draft),
            // A text with a zero byte is none for a shell.
            (Some(Output::Text(text)), None) if draft.redirections.is_empty() => {
                text_words(text, arguments, draft)
            }
            (Some(Output::Paths(paths)), None) => {
                let is_exact = arguments.has(&["0", "null"]);
                let takes_lines = takes_lines(arguments);
                let given = |path: &Word| {
                    let path = match is_exact {
                        true => path.clone(),
                        false => output::as_lines(path),
                    };
                    let words = match takes_lines {
                        true => vec![path],
                        false => split(&path),
                    };
                    let span = draft.span;
                    words.into_iter().map(move |word| Word { span, ..word })
                };
                paths.iter().flat_map(given).collect()
            }
            (Some(Output::Text(_) | Output::Unknown) | None, None) => Vec::new(),
        };
        let is_empty = text.is_some_and(|text| text.trim().is_empty());
        if values.is_empty() && !is_empty {
            let unknown = Word {
                span: draft.span,
                parts: vec![WordPart::Unknown(UnknownCause::Output)],
                ..Word::default()
            };
            return vec![unknown];
        }
        values
    }

    /// Lists `parallel` itself, then what it runs with each value.
    pub(super) fn parallel(&mut self, words: &[Word], draft: Draft, setting: &Setting) {
        let lines = self.lines_given(&draft, setting);
        self.list(draft.clone(), setting);
        let is_mark = |word: &Word| option::first_text(word).starts_with(":::");
        let end = words.iter().position(is_mark).unwrap_or(words.len());
        let (command, values) = words.split_at_checked(end).unwrap_or((words, &[]));
        let is_plain = |word: &Word| word.literal().as_deref() == Some(":::");
        let values = match values.split_first() {
            Some((mark, values)) if is_plain(mark) && !values.iter().any(is_mark) => values,
            Some(_) => &[],
            None => lines.as_slice(),
        };
        let unknown = [Word {
            span: draft.span,
            parts: vec![WordPart::Unknown(UnknownCause::Output)],
            ..Word::default()
        }];
        let values = if values.is_empty() || values.len() > TURNS_MAX {
            unknown.as_slice()
        } else {
            values
        };
        let mut inner = setting.within(Wrapper::Program("parallel".to_owned()));
        inner.input = None;
        for value in values {
            let text = if command.is_empty() {
                // Each value is a command of its own.
                value.clone()
            } else {
                self.line(command, value, draft.span)
            };
            let mark = self.around.mark();
            self.around.enter_process();
            self.code_text(&text, draft.span, "parallel", &inner);
            self.around.restore(mark);
        }
    }

    /// Returns the lines that `draft` reads, if they are known.
    fn lines_given(&self, draft: &Draft, setting: &Setting) -> Vec<Word> {
        // Its options say otherwise what a value is, and where it comes from.
        let is_sign = |word: &Word| option::first_text(word).starts_with(['-', ':']);
        if draft.words.iter().any(is_sign) {
            return Vec::new();
        }
        let text = match self.given_text(draft, setting) {
            Input::Text(text) => text.literal().unwrap_or_default(),
            Input::File | Input::Unknown => String::new(),
        };
        let line = |line: &str| Word {
            span: draft.span,
            parts: vec![WordPart::Literal(line.to_owned())],
            ..Word::default()
        };
        text.lines().map(line).collect()
    }

    /// Returns the line that `parallel` makes of its words and a value.
    fn line(&mut self, command: &[Word], value: &Word, span: Span) -> Word {
        let mut line = joined(command, span);
        let Some(text) = self.embedded.text(value) else {
            line.parts.push(WordPart::Unknown(UnknownCause::TooComplex));
            return line;
        };
        // A value is quoted, so that whatever it is, it stays one word.
        let value = in_quotes(&text);
        let mut is_used = false;
        for part in &mut line.parts {
            if let WordPart::Literal(text) = part
                && text.contains("{}")
            {
                *text = text.replace("{}", &value);
                is_used = true;
            }
        }
        if !is_used {
            push_text(&mut line, " ");
            push_text(&mut line, &value);
        }
        line
    }
}

/// Returns a command of `fd` with what was found in the place of its signs, or at its end.
pub(super) fn filled(command: &[Word], found: &[Word]) -> Vec<Word> {
    let signs = ["{}", "{.}", "{//}"];
    let of_name = ["{/}", "{/.}"];
    let holds = |word: &Word, signs: &[&str]| {
        let text = word.literal().unwrap_or_default();
        signs.iter().any(|sign| text.contains(sign))
    };
    if !command
        .iter()
        .any(|word| holds(word, &signs) || holds(word, &of_name))
    {
        return [command, found].concat();
    }
    let name = |path: &Word| Word {
        parts: vec![WordPart::Unknown(UnknownCause::Output)],
        ..path.clone()
    };
    let names: Vec<Word> = found.iter().take(1).map(name).collect();
    let mut filled = command.to_vec();
    for sign in signs {
        filled = fill(&filled, sign, found);
    }
    for sign in of_name {
        filled = fill(&filled, sign, &names);
    }
    filled
}

fn is_placeholder(word: &Word) -> bool {
    word.literal().as_deref() == Some("{}")
}

/// Returns `words` with what was found in the place of `placeholder`.
fn fill(words: &[Word], placeholder: &str, found: &[Word]) -> Vec<Word> {
    let mut filled = Vec::new();
    for word in words {
        let is_whole = word.literal().as_deref() == Some(placeholder);
        if is_whole {
            filled.extend(found.iter().map(|path| Word {
                span: word.span,
                ..path.clone()
            }));
        } else {
            filled.push(fill_within(word, placeholder, found));
        }
    }
    filled
}

fn fill_within(word: &Word, placeholder: &str, found: &[Word]) -> Word {
    let Some(text) = word.literal().filter(|text| text.contains(placeholder)) else {
        return word.clone();
    };
    let begins_so = text.starts_with(placeholder);
    let mut filled = Word {
        span: word.span,
        parts: Vec::new(),
        is_operand: match found {
            [path] if begins_so => path.is_operand,
            _ => !begins_so && !text.starts_with('-'),
        },
    };
    for (index, piece) in text.split(placeholder).enumerate() {
        if index > 0 {
            match found {
                [path] => filled.parts.extend(path.parts.iter().cloned()),
                _ => filled.parts.push(WordPart::Unknown(UnknownCause::Output)),
            }
        }
        push_text(&mut filled, piece);
    }
    filled
}

/// Returns whether a line is one value, however many words it has.
fn takes_lines(arguments: &option::Arguments<'_>) -> bool {
    arguments.has(&["0", "null", "d", "delimiter", "I", "i", "replace", "J"])
}

/// Returns the words into which blanks part a line.
fn split(line: &Word) -> Vec<Word> {
    let mut words = vec![Word {
        span: line.span,
        parts: Vec::new(),
        is_operand: line.is_operand,
    }];
    for part in &line.parts {
        let WordPart::Literal(text) = part else {
            words
                .last_mut()
                .into_iter()
                .for_each(|word| word.parts.push(part.clone()));
            continue;
        };
        for (index, piece) in text.split(char::is_whitespace).enumerate() {
            if index > 0 {
                words.push(Word {
                    span: line.span,
                    parts: Vec::new(),
                    ..Word::default()
                });
            }
            words
                .last_mut()
                .into_iter()
                .for_each(|word| push_text(word, piece));
        }
    }
    words.retain(|word| !word.parts.is_empty());
    words
}

/// Returns the words of text that `xargs` reads.
fn text_words(text: &str, arguments: &option::Arguments<'_>, draft: &Draft) -> Vec<Word> {
    let word = |word: &str| Word {
        span: draft.span,
        parts: vec![WordPart::Literal(word.to_owned())],
        ..Word::default()
    };
    if arguments.has(&["0", "null"]) {
        let words = text.split_terminator('\0');
        return words.map(word).collect();
    }
    if text.contains(['\'', '"', '\\', '\0']) || arguments.has(&["d", "delimiter"]) {
        return Vec::new();
    }
    // With a placeholder, a line is one value.
    if arguments.has(&["I", "i", "replace", "L", "max-lines"]) {
        let lines = text
            .lines()
            .map(|line| line.trim_start_matches([' ', '\t']));
        return lines.filter(|line| !line.is_empty()).map(word).collect();
    }
    text.split_whitespace().map(word).collect()
}
