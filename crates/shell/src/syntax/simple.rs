//! Reads simple commands and redirections.

use std::cell::OnceCell;
use std::rc::Rc;

use aegis_types::RedirectionKind;

use super::document::Awaited;
use super::reader::{Parser, Stop, ends_word};
use super::tree::{Kind, Node, Piece, RawAssignment, RawRedirection, RawWord, Target};
use super::word::is_name;

/// The least descriptor that the shell takes for `{name}>file`.
const NAMED_MIN: u32 = 10;

impl Parser<'_> {
    /// Reads a simple command, or the definition of a function.
    pub(super) fn simple(&mut self) -> Result<Node, Stop> {
        let start = self.position;
        let mut assignments = Vec::new();
        let mut words: Vec<RawWord> = Vec::new();
        let mut redirections = Vec::new();
        let mut end = start;
        loop {
            self.skip_blanks();
            if self.redirection(&mut redirections)? {
                end = self.position;
                continue;
            }
            let starts_word = match self.byte() {
                None => false,
                Some(b'<' | b'>') => true,
                Some(b'(') => {
                    return self.function_after(&words, &assignments, start);
                }
                Some(byte) => !ends_word(byte),
            };
            if !starts_word {
                break;
            }
            let word = self.word()?;
            if word.pieces.is_empty() {
                return Err(Stop::Syntax);
            }
            end = self.position;
            match split_assignment(&word).filter(|_| words.is_empty()) {
                Some(assignment) => assignments.push(assignment),
                None => words.push(word),
            }
        }
        if words.is_empty() && assignments.is_empty() && redirections.is_empty() {
            return Err(Stop::Syntax);
        }
        Ok(Node {
            span: self.origin.span(start, end),
            kind: Kind::Simple { assignments, words },
            redirections,
        })
    }

    /// Reads the rest of `name () …`.
    fn function_after(
        &mut self,
        words: &[RawWord],
        assignments: &[RawAssignment],
        start: usize,
    ) -> Result<Node, Stop> {
        let [name] = words else {
            return Err(Stop::Syntax);
        };
        let name = name.text().filter(|_| assignments.is_empty());
        let name = name.ok_or(Stop::Syntax)?;
        self.position += 1;
        self.skip_blanks();
        self.expect(b')')?;
        self.skip_lines()?;
        let body = self.nested(Self::command)?;
        Ok(Node {
            span: self.span_since(start),
            kind: Kind::Function {
                name,
                body: Rc::new(body),
            },
            redirections: Vec::new(),
        })
    }

    /// Reads a redirection if one is next.
    pub(super) fn redirection(
        &mut self,
        redirections: &mut Vec<RawRedirection>,
    ) -> Result<bool, Stop> {
        let position = self.position;
        let start = self.position;
        self.skip_descriptor();
        let descriptor = self.since(start);
        let reads = self.byte() == Some(b'<');
        let number = match descriptor {
            "" => u32::from(!reads),
            digits => digits.parse().unwrap_or(NAMED_MIN),
        };
        if !self.opens_redirection() {
            self.position = position;
            return Ok(false);
        }
        let redirection = self.redirection_after_descriptor()?;
        let usual = match redirection.kind {
            RedirectionKind::Read | RedirectionKind::ReadWrite | RedirectionKind::Text => 0,
            RedirectionKind::Write | RedirectionKind::Append | RedirectionKind::Descriptor => 1,
        };
        redirections.push(RawRedirection {
            descriptor: (number != usual).then_some(number),
            is_output: number == 1 && !reads,
            ..redirection
        });
        Ok(true)
    }

    /// Skips a descriptor: digits or `{name}`.
    fn skip_descriptor(&mut self) {
        let start = self.position;
        if self.byte() == Some(b'{') {
            while self.raw().is_some_and(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'{' | b'[' | b']')
            }) {
                self.position += 1;
            }
            let name = self.since(start).trim_start_matches('{').to_owned();
            if !is_name(&name) || !self.take(b'}') {
                self.position = start;
            }
            return;
        }
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.position += 1;
        }
    }

    fn opens_redirection(&mut self) -> bool {
        match self.byte() {
            Some(b'<' | b'>') => self.second() != Some(b'('),
            Some(b'&') => self.second() == Some(b'>'),
            _ => false,
        }
    }

    fn redirection_after_descriptor(&mut self) -> Result<RawRedirection, Stop> {
        const OPERATORS: [(&str, RedirectionKind); 12] = [
            ("&>>", RedirectionKind::Append),
            ("&>", RedirectionKind::Write),
            ("<<<", RedirectionKind::Text),
            ("<<-", RedirectionKind::Text),
            ("<<", RedirectionKind::Text),
            ("<>", RedirectionKind::ReadWrite),
            ("<&", RedirectionKind::Descriptor),
            (">>", RedirectionKind::Append),
            (">|", RedirectionKind::Write),
            (">&", RedirectionKind::Descriptor),
            ("<", RedirectionKind::Read),
            (">", RedirectionKind::Write),
        ];
        let operator = OPERATORS.iter().find(|(sign, _)| self.take_sign(sign));
        let &(sign, kind) = operator.ok_or(Stop::Syntax)?;
        self.skip_blanks();
        let word = self.word()?;
        if word.pieces.is_empty() {
            return Err(Stop::Syntax);
        }
        if matches!(sign, "<<" | "<<-") {
            return self.await_document(&word, sign == "<<-");
        }
        let kind = if sign == ">&" && !names_descriptor(&word) {
            RedirectionKind::Write
        } else {
            kind
        };
        Ok(RawRedirection {
            kind,
            target: Target::Word(word),
            descriptor: None,
            is_output: false,
        })
    }

    fn await_document(
        &mut self,
        delimiter: &RawWord,
        strips_tabs: bool,
    ) -> Result<RawRedirection, Stop> {
        let text = Rc::new(OnceCell::new());
        let is_literal = delimiter
            .pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Quoted(_)));
        self.awaited.push(Awaited {
            // A delimiter is not expanded; one that looks like it would be is not followed.
            delimiter: delimiter.text().ok_or(Stop::Syntax)?,
            is_literal,
            strips_tabs,
            text: Rc::clone(&text),
        });
        Ok(RawRedirection {
            kind: RedirectionKind::Text,
            target: Target::Document(text),
            descriptor: None,
            is_output: false,
        })
    }
}

/// Returns whether the word after `>&` is a descriptor and not a file.
fn names_descriptor(word: &RawWord) -> bool {
    word.text().is_some_and(|text| {
        let digits = text.strip_suffix('-').unwrap_or(&text);
        digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Returns the assignment that `word` is, if its name is plain.
pub(crate) fn split_assignment(word: &RawWord) -> Option<RawAssignment> {
    let (first, rest) = word.pieces.split_first()?;
    let Piece::Bare(first) = first else {
        return None;
    };
    let end = first.find(['=', '+', '['])?;
    let (name, after) = first.split_at_checked(end)?;
    if !is_name(name) {
        return None;
    }
    let mut subscript = None;
    let mut rest = rest;
    let mut after = after;
    if let Some(inside) = after.strip_prefix('[') {
        let mut pieces = Vec::new();
        (after, rest) = skip_subscript(inside, rest, &mut pieces)?;
        subscript = Some(pieces);
    }
    let (after, appends) = match after.strip_prefix('+') {
        Some(after) => (after, true),
        None => (after, false),
    };
    let value = after.strip_prefix('=')?;
    let mut pieces = Vec::with_capacity(rest.len() + 1);
    if !value.is_empty() {
        pieces.push(Piece::Bare(value.to_owned()));
    }
    pieces.extend_from_slice(rest);
    Some(RawAssignment {
        name: name.to_owned(),
        subscript,
        appends,
        value: RawWord {
            span: word.span,
            pieces,
        },
    })
}

/// Returns what follows the subscript whose inside starts with `text` and `rest`.
fn skip_subscript<'w>(
    text: &'w str,
    rest: &'w [Piece],
    pieces: &mut Vec<Piece>,
) -> Option<(&'w str, &'w [Piece])> {
    let mut text = text;
    let mut rest = rest;
    loop {
        if let Some((inside, after)) = text.split_once(']') {
            pieces.push(Piece::Bare(inside.to_owned()));
            return Some((after, rest));
        }
        pieces.push(Piece::Bare(text.to_owned()));
        loop {
            let (next, others) = rest.split_first()?;
            rest = others;
            if let Piece::Bare(bare) = next {
                text = bare;
                break;
            }
            pieces.push(next.clone());
        }
    }
}
