//! Expands variables.

use std::rc::Rc;

use aegis_types::{Directory, UnknownCause, Word, WordPart};

use super::field::Fields;
use super::operator::{self, Operand, Taken};
use super::push_directory;
use crate::evaluate;
use crate::surroundings::Value;
use crate::syntax::{Operation, Parameter, Piece, is_name};
use crate::walk::{Setting, Walk};

impl Walk<'_> {
    /// Expands the use of a variable.
    pub(super) fn parameter(
        &mut self,
        parameter: &Parameter,
        splits: bool,
        setting: &Setting,
        fields: &mut Fields,
    ) {
        let splits = splits && !parameter.quoted;
        let subscript = parameter.subscript.as_deref();
        let subscript = subscript.map(|pieces| self.operand(pieces, setting, fields));
        let value = match (&parameter.operation, subscript.as_ref()) {
            (Operation::Indirect, Some(subscript)) if is_all(subscript) => {
                self.keys(&parameter.name)
            }
            _ => self.lookup(&parameter.name, subscript.as_ref()),
        };
        let value = match &parameter.operation {
            Operation::Value => value,
            Operation::Indirect if parameter.subscript.is_some() => value,
            Operation::Indirect => self.named_by(&value),
            Operation::Length => self.length(&value, parameter, subscript.as_ref()),
            Operation::Operator { sign, operand } => {
                match operator::taken(&value, sign, &parameter.name) {
                    Some(taken) => {
                        let taken = (taken, value);
                        return self.tested(parameter, taken, splits, setting, fields);
                    }
                    None => self.edited(parameter, &value, (sign, operand), setting, fields),
                }
            }
        };
        self.add(parameter, &value, splits, fields);
    }

    fn add(&self, parameter: &Parameter, value: &Value, splits: bool, fields: &mut Fields) {
        match value {
            Value::Parts(parts) => self.value(parts, splits, fields),
            Value::Elements(words) => self.elements(parameter, words, splits, fields),
            Value::Unset if splits => {}
            Value::Unset => fields.literal(""),
            Value::Either(_) | Value::Unknown if splits => {
                fields.part(WordPart::Unknown(UnknownCause::Expansion));
            }
            Value::Either(_) | Value::Unknown => {
                fields.inner_part(WordPart::Unknown(UnknownCause::Expansion));
            }
        }
    }

    /// Returns the value that the text gives to a variable, on the present way.
    pub(crate) fn variable(&mut self, name: &str) -> Option<Value> {
        let value = self.around.value(name)?;
        Some(self.settled(name, value))
    }

    /// Returns the one of several values that is taken on the present way.
    fn settled(&mut self, name: &str, value: Value) -> Value {
        let Value::Either(values) = value else {
            return value;
        };
        let Some(choices) = &mut self.choices else {
            return Value::Unknown;
        };
        let value = values.get(choices.choose(values.len())).cloned();
        let value = value.unwrap_or(Value::Unknown);
        // Used again in the same command, it is the same.
        self.around.set(name, value.clone());
        value
    }

    /// Adds what an operator takes that tests the value.
    fn tested(
        &mut self,
        parameter: &Parameter,
        (taken, value): (Taken, Value),
        splits: bool,
        setting: &Setting,
        fields: &mut Fields,
    ) {
        let Operation::Operator { sign, operand } = &parameter.operation else {
            return;
        };
        match taken {
            Taken::Value => self.add(parameter, &value, splits, fields),
            Taken::Nothing => self.add(parameter, &Value::Unset, splits, fields),
            Taken::Operand => {
                if sign.ends_with('=') {
                    let word = self.operand(operand, setting, fields);
                    let parts = Value::Parts(word.parts.as_slice().into());
                    self.around.set(&parameter.name, parts.clone());
                    self.add(parameter, &parts, splits, fields);
                } else {
                    self.operand_fields(operand, splits, setting, fields);
                }
            }
            Taken::Either | Taken::Perhaps => {
                // Whether the operand is looked at is open, and so is what runs in it.
                let mark = self.around.mark();
                let word = self.operand(operand, &setting.branch(), fields);
                self.around.blur(mark);
                if sign.ends_with('?') {
                    return self.add(parameter, &value, splits, fields);
                }
                let other = match taken {
                    Taken::Perhaps => Value::Unset,
                    Taken::Value | Taken::Operand | Taken::Nothing | Taken::Either => value,
                };
                let operand = Value::Parts(word.parts.as_slice().into());
                let value = match self.choices.as_mut().map(|choices| choices.choose(2)) {
                    None => Value::Unknown,
                    Some(0) => other,
                    Some(_) => operand,
                };
                if sign.ends_with('=') {
                    self.around.set(&parameter.name, value.clone());
                }
                self.add(parameter, &value, splits, fields);
            }
        }
    }

    /// Returns what an operator makes of the value.
    fn edited(
        &mut self,
        parameter: &Parameter,
        value: &Value,
        (sign, operand): (&str, &[Piece]),
        setting: &Setting,
        fields: &Fields,
    ) -> Value {
        let mut given = Operand {
            pattern: None,
            replacement: None,
            numbers: None,
        };
        let mut letter = String::new();
        match sign {
            ":" | "@" => {
                let word = self.operand(operand, setting, fields);
                letter = word.literal().unwrap_or_default();
                if sign == ":" {
                    given.numbers = self.numbers(&word);
                    if let (Value::Elements(words), Some(numbers)) = (value, given.numbers) {
                        let is_arguments = matches!(parameter.name.as_str(), "@" | "*");
                        let (offset, length) = numbers;
                        // The first argument has the number 1.
                        let numbers = if is_arguments && offset > 0 {
                            Some((offset - 1, length))
                        } else {
                            Some(numbers).filter(|_| !is_arguments || offset < 0)
                        };
                        let sliced = numbers.and_then(|numbers| operator::sliced(words, numbers));
                        return sliced.unwrap_or(Value::Unknown);
                    }
                }
            }
            _ => {
                let (pattern, replacement) = if sign.starts_with('/') {
                    split_at_slash(operand)
                } else {
                    (operand.to_vec(), None)
                };
                given.pattern = self.pattern_text(&pattern, setting, fields);
                given.replacement =
                    replacement.map(|pieces| self.operand(&pieces, setting, fields));
            }
        }
        if sign == "@" && letter == "P" && !is_plain(value) {
            let construct = UnknownCause::Construct("${…@P}".to_owned());
            self.note(fields.span(), construct);
        }
        operator::edited(value, sign, &given, &letter)
    }

    /// Returns the offset and the length that `word` writes.
    fn numbers(&mut self, word: &Word) -> Option<(i64, Option<i64>)> {
        let text = word.literal()?;
        if text.contains(['?', '[']) {
            return None;
        }
        match text.split_once(':') {
            Some((offset, length)) => {
                let offset = self.calculate(offset)?;
                Some((offset, Some(self.calculate(length)?)))
            }
            None => Some((self.calculate(&text)?, None)),
        }
    }

    /// Returns an operand as a pattern, in which quoted text stands for itself.
    fn pattern_text(
        &mut self,
        pieces: &[Piece],
        setting: &Setting,
        fields: &Fields,
    ) -> Option<String> {
        let mut pattern = String::new();
        let mut is_known = true;
        for piece in pieces {
            let word = self.operand(std::slice::from_ref(piece), setting, fields);
            let is_quoted = match piece {
                Piece::Quoted(_) => true,
                Piece::Parameter(parameter) => parameter.quoted,
                Piece::Substitution { quoted, .. } => *quoted,
                Piece::Bare(_)
                | Piece::Process { .. }
                | Piece::Arithmetic { .. }
                | Piece::Glob(_)
                | Piece::Array(_) => false,
            };
            match word.literal() {
                Some(text) if is_quoted => {
                    for character in text.chars() {
                        pattern.extend(['\\', character]);
                    }
                }
                Some(text) => pattern.push_str(&text),
                None => is_known = false,
            }
        }
        is_known.then_some(pattern)
    }

    /// Expands an operand for what runs in it.
    fn operand(&mut self, pieces: &[Piece], setting: &Setting, fields: &Fields) -> Word {
        let mut inner = self.no_fields(fields.span());
        self.pieces(pieces, false, setting, &mut inner);
        inner.into_single()
    }

    /// Expands an operand in the place of the value.
    fn operand_fields(
        &mut self,
        pieces: &[Piece],
        splits: bool,
        setting: &Setting,
        fields: &mut Fields,
    ) {
        if !splits {
            fields.literal("");
            return self.pieces(pieces, false, setting, fields);
        }
        for piece in pieces {
            match piece {
                Piece::Bare(text) if !text.starts_with('~') => {
                    self.value(&[WordPart::Literal(text.clone())], true, fields);
                }
                Piece::Bare(_)
                | Piece::Quoted(_)
                | Piece::Parameter(_)
                | Piece::Substitution { .. }
                | Piece::Process { .. }
                | Piece::Arithmetic { .. }
                | Piece::Glob(_)
                | Piece::Array(_) => {
                    self.pieces(std::slice::from_ref(piece), true, setting, fields);
                }
            }
        }
    }

    /// Returns the value of the variable that a value names.
    fn named_by(&mut self, value: &Value) -> Value {
        let Value::Parts(parts) = value else {
            return Value::Unknown;
        };
        match parts.as_ref() {
            [WordPart::Literal(name)] if is_name(name) => self.lookup(name, None),
            _ => Value::Unknown,
        }
    }

    fn length(&self, value: &Value, parameter: &Parameter, subscript: Option<&Word>) -> Value {
        let counts = matches!(parameter.name.as_str(), "@" | "*") || subscript.is_some_and(is_all);
        let count = match value {
            Value::Elements(words) if counts => words.len(),
            Value::Unset => 0,
            Value::Parts(parts) if !counts => match parts.as_ref() {
                [] => 0,
                [WordPart::Literal(text)] => text.chars().count(),
                _ => return Value::Unknown,
            },
            Value::Parts(_) | Value::Elements(_) | Value::Either(_) | Value::Unknown => {
                return Value::Unknown;
            }
        };
        text_value(count.to_string())
    }

    /// Returns the subscripts of an array.
    fn keys(&self, name: &str) -> Value {
        match self.around.value(name) {
            Some(Value::Elements(words)) => {
                let numbers = (0..words.len()).map(|number| Word {
                    parts: vec![WordPart::Literal(number.to_string())],
                    ..Word::default()
                });
                Value::Elements(numbers.collect())
            }
            Some(Value::Unset) => Value::Unset,
            Some(Value::Parts(_) | Value::Either(_) | Value::Unknown) | None => Value::Unknown,
        }
    }

    fn lookup(&mut self, name: &str, subscript: Option<&Word>) -> Value {
        if let Some(value) = self.positional_value(name) {
            return value;
        }
        let Some(value) = self.variable(name) else {
            return self.outer_value(name);
        };
        let Some(subscript) = subscript else {
            return match value {
                Value::Elements(words) => first_element(&words),
                Value::Parts(_) | Value::Unset | Value::Either(_) | Value::Unknown => value,
            };
        };
        if is_all(subscript) {
            return value;
        }
        let number = subscript.literal().and_then(|text| self.calculate(&text));
        match (value, number) {
            (Value::Elements(words), Some(number)) => element(&words, number),
            (value, Some(0)) => value,
            _ => Value::Unknown,
        }
    }

    fn positional_value(&self, name: &str) -> Option<Value> {
        let words = self.around.positional();
        match name {
            "@" | "*" => Some(match words {
                Some(words) => Value::Elements(words),
                None => unknown_variable(name),
            }),
            "0" => None,
            "#" => words.map(|words| text_value(words.len().to_string())),
            _ => {
                let number: usize = name.parse().ok()?;
                Some(match words {
                    Some(words) => match words.get(number.wrapping_sub(1)) {
                        Some(word) => Value::Parts(word.parts.as_slice().into()),
                        None => Value::Unset,
                    },
                    None => unknown_variable(name),
                })
            }
        }
    }

    /// Returns the value of a variable that the text does not set.
    fn outer_value(&self, name: &str) -> Value {
        match name {
            "HOME" => Value::Parts(Rc::new([WordPart::Home(None)])),
            // A shell starts with this value whatever its environment says.
            "IFS" => Value::Parts(Rc::new([WordPart::Literal(" \t\n".to_owned())])),
            "PWD" => directory_value(&self.around.places().current),
            "OLDPWD" => match &self.around.places().previous {
                Some(directory) => directory_value(directory),
                None => unknown_variable(name),
            },
            _ => unknown_variable(name),
        }
    }

    /// Adds the value of a variable, split into words or not.
    pub(super) fn value(&self, parts: &[WordPart], splits: bool, fields: &mut Fields) {
        if !splits {
            // An empty value within quotes still makes a word.
            fields.literal("");
            fields.inner_parts(parts);
            return;
        }
        let separators = self.separators();
        for part in parts {
            match (part, &separators) {
                (WordPart::Literal(_), None) => {
                    fields.part(WordPart::Unknown(UnknownCause::Expansion));
                }
                (WordPart::Literal(text), Some(separators)) => {
                    split_text(text, separators, fields);
                }
                (
                    WordPart::Pattern(_)
                    | WordPart::Home(_)
                    | WordPart::Stream(_)
                    | WordPart::Unknown(_),
                    _,
                ) => {
                    fields.part(part.clone());
                }
            }
        }
    }

    /// Returns the characters at which values are split, if they are known.
    pub(crate) fn separators(&self) -> Option<String> {
        match self.around.value("IFS") {
            None | Some(Value::Unset) => Some(" \t\n".to_owned()),
            Some(Value::Parts(parts)) => match parts.as_ref() {
                [] => Some(String::new()),
                [WordPart::Literal(text)] => Some(text.clone()),
                _ => None,
            },
            Some(Value::Elements(_) | Value::Either(_) | Value::Unknown) => None,
        }
    }

    fn elements(&self, parameter: &Parameter, words: &[Word], splits: bool, fields: &mut Fields) {
        let is_star = parameter.name == "*"
            || parameter
                .subscript
                .as_deref()
                .is_some_and(|pieces| matches!(pieces, [Piece::Bare(text)] if text == "*"));
        let stays_one = !splits && (is_star || !parameter.quoted);
        let separator = match self.separators() {
            _ if !is_star => WordPart::Literal(" ".to_owned()),
            Some(separators) => WordPart::Literal(
                separators
                    .chars()
                    .next()
                    .map(String::from)
                    .unwrap_or_default(),
            ),
            None => WordPart::Unknown(UnknownCause::Expansion),
        };
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                if stays_one {
                    fields.part(separator.clone());
                } else {
                    fields.split();
                }
            }
            self.value(&word.parts, splits, fields);
        }
        if words.is_empty() && stays_one && is_star {
            fields.literal("");
        }
    }
}

/// Adds text, split at `separators`; what looks like a pattern becomes one.
///
/// Blanks among them separate together, each other one on its own.
fn split_text(text: &str, separators: &str, fields: &mut Fields) {
    let mut piece = String::new();
    for character in text.chars() {
        if !separators.contains(character) {
            piece.push(character);
            continue;
        }
        push_piece(&mut piece, fields);
        if matches!(character, ' ' | '\t' | '\n') {
            fields.end_at_blank();
        } else {
            fields.end_at_mark();
        }
    }
    push_piece(&mut piece, fields);
}

fn push_piece(piece: &mut String, fields: &mut Fields) {
    let piece = std::mem::take(piece);
    if piece.contains(['*', '?', '[']) {
        fields.part(WordPart::Pattern(piece));
    } else if !piece.is_empty() {
        fields.literal(&piece);
    }
}

fn is_all(subscript: &Word) -> bool {
    matches!(subscript.literal().as_deref(), Some("@" | "*"))
}

fn text_value(text: String) -> Value {
    Value::Parts(Rc::new([WordPart::Literal(text)]))
}

/// Returns an element of an array; one below zero counts from the end.
fn element(words: &[Word], number: i64) -> Value {
    // A word that may be several moves those after it.
    let is_plain = words.iter().all(|word| word.literal().is_some());
    let index = if number < 0 {
        usize::try_from(number.unsigned_abs()).map_or(None, |back| words.len().checked_sub(back))
    } else {
        usize::try_from(number).ok()
    };
    match index {
        Some(index) if is_plain => words.get(index).map_or(Value::Unset, |word| {
            Value::Parts(word.parts.as_slice().into())
        }),
        _ => Value::Unknown,
    }
}

/// Splits `pattern/replacement` at its first bare slash.
fn split_at_slash(pieces: &[Piece]) -> (Vec<Piece>, Option<Vec<Piece>>) {
    let mut pattern = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        if let Piece::Bare(text) = piece
            && let Some((before, after)) = text.split_once('/')
        {
            pattern.push(Piece::Bare(before.to_owned()));
            let mut replacement = vec![Piece::Bare(after.to_owned())];
            replacement.extend(pieces.get(index + 1..).unwrap_or_default().iter().cloned());
            return (pattern, Some(replacement));
        }
        pattern.push(piece.clone());
    }
    (pattern, None)
}

fn first_element(words: &[Word]) -> Value {
    match words.first() {
        Some(word) => Value::Parts(word.parts.as_slice().into()),
        None => Value::Unset,
    }
}

fn directory_value(directory: &Directory) -> Value {
    let mut fields = Fields::new(aegis_types::Span::default(), true);
    push_directory(directory, &mut fields);
    Value::Parts(fields.into_single().parts.into())
}

fn unknown_variable(name: &str) -> Value {
    let cause = UnknownCause::Variable(name.to_owned());
    Value::Parts(Rc::new([WordPart::Unknown(cause)]))
}

/// Returns whether a value, expanded as a prompt, runs nothing.
fn is_plain(value: &Value) -> bool {
    let is_plain = |parts: &[WordPart]| {
        let word = Word {
            parts: parts.to_vec(),
            ..Word::default()
        };
        !evaluate::is_active_prompt(&word)
    };
    match value {
        Value::Parts(parts) => is_plain(parts),
        Value::Elements(words) => words.iter().all(|word| is_plain(&word.parts)),
        Value::Unset => true,
        Value::Either(_) | Value::Unknown => false,
    }
}
