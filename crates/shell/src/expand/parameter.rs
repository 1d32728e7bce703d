//! Expands variables.

use std::rc::Rc;

use aegis_types::{Directory, UnknownCause, Word, WordPart};

use super::field::Fields;
use super::{operator, push_directory};
use crate::surroundings::Value;
use crate::syntax::{Operation, Parameter, Piece};
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
        let value = self.lookup(parameter, subscript.as_ref());
        let value = match &parameter.operation {
            Operation::Value => value,
            Operation::Length | Operation::Indirect => Value::Unknown,
            Operation::Operator { sign, operand } => {
                let operand = self.operand(operand, setting, fields);
                if sign.ends_with('=') {
                    self.around.forget(&parameter.name);
                }
                let applied = operator::apply(&value, sign, &operand, &parameter.name);
                let is_either = operator::gives_operand(sign) && matches!(applied, Value::Unknown);
                self.has_other_words |= is_either;
                if is_either && self.takes_other_words {
                    Value::Parts(operand.parts.as_slice().into())
                } else {
                    applied
                }
            }
        };
        match value {
            Value::Parts(parts) => self.value(&parts, splits, fields),
            Value::Elements(words) => self.elements(parameter, &words, splits, fields),
            Value::Unset if splits => {}
            Value::Unset => fields.literal(""),
            Value::Unknown => fields.part(WordPart::Unknown(UnknownCause::Expansion)),
        }
    }

    /// Expands an operand for what runs in it.
    fn operand(&mut self, pieces: &[Piece], setting: &Setting, fields: &Fields) -> Word {
        let mut inner = Fields::new(fields.span());
        self.pieces(pieces, false, setting, &mut inner);
        inner.into_single()
    }

    fn lookup(&self, parameter: &Parameter, subscript: Option<&Word>) -> Value {
        let name = parameter.name.as_str();
        if let Some(value) = self.positional_value(name) {
            return value;
        }
        let Some(value) = self.around.value(name) else {
            return self.outer_value(name);
        };
        match (value, subscript) {
            (Value::Elements(words), None) => first_element(&words),
            (Value::Elements(words), Some(subscript)) => match subscript.literal().as_deref() {
                Some("@" | "*") => Value::Elements(words),
                Some("0") => first_element(&words),
                _ => Value::Unknown,
            },
            (value @ (Value::Parts(_) | Value::Unset | Value::Unknown), None) => value,
            (value @ (Value::Parts(_) | Value::Unset | Value::Unknown), Some(subscript)) => {
                match subscript.literal().as_deref() {
                    Some("@" | "*" | "0") => value,
                    _ => Value::Unknown,
                }
            }
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
            fields.parts(parts);
            return;
        }
        let separators_changed = self.around.value("IFS").is_some();
        for part in parts {
            match part {
                WordPart::Literal(_) if separators_changed => {
                    fields.part(WordPart::Unknown(UnknownCause::Expansion));
                }
                WordPart::Literal(text) => split_text(text, fields),
                WordPart::Pattern(_) | WordPart::Home(_) | WordPart::Unknown(_) => {
                    fields.part(part.clone());
                }
            }
        }
    }

    fn elements(&self, parameter: &Parameter, words: &[Word], splits: bool, fields: &mut Fields) {
        let is_star = parameter.name == "*"
            || parameter
                .subscript
                .as_deref()
                .is_some_and(|pieces| matches!(pieces, [Piece::Bare(text)] if text == "*"));
        let stays_one = !splits && (is_star || !parameter.quoted);
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                if stays_one {
                    fields.literal(" ");
                } else {
                    fields.split();
                }
            }
            self.value(&word.parts, splits, fields);
        }
    }
}

/// Adds text, split at blanks; what looks like a pattern becomes one.
fn split_text(text: &str, fields: &mut Fields) {
    let blank = |byte: char| matches!(byte, ' ' | '\t' | '\n');
    let mut is_first = true;
    for piece in text.split(blank) {
        if !is_first {
            fields.split();
        }
        is_first = false;
        if piece.contains(['*', '?', '[']) {
            fields.part(WordPart::Pattern(piece.to_owned()));
        } else if !piece.is_empty() {
            fields.literal(piece);
        }
    }
}

fn first_element(words: &[Word]) -> Value {
    match words.first() {
        Some(word) => Value::Parts(word.parts.as_slice().into()),
        None => Value::Unset,
    }
}

fn directory_value(directory: &Directory) -> Value {
    let mut fields = Fields::new(aegis_types::Span::default());
    push_directory(directory, &mut fields);
    Value::Parts(fields.into_single().parts.into())
}

fn unknown_variable(name: &str) -> Value {
    let cause = UnknownCause::Variable(name.to_owned());
    Value::Parts(Rc::new([WordPart::Unknown(cause)]))
}
