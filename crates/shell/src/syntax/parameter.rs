//! Reads what starts with a dollar sign.

use std::rc::Rc;

use super::quote::flush;
use super::reader::{Parser, Stop};
use super::tree::{Operation, Parameter, Piece, RawWord, Script};
use super::word::Ending;

impl Parser<'_> {
    /// Reads the expansion whose dollar sign is next.
    pub(super) fn dollar(&mut self, quoted: bool, pieces: &mut Vec<Piece>) -> Result<(), Stop> {
        self.position += 1;
        match self.byte() {
            Some(b'(') => self.parenthesis(quoted, pieces),
            Some(b'{') => {
                self.position += 1;
                let piece = self.nested(|parser| parser.braced(quoted))?;
                pieces.push(piece);
                Ok(())
            }
            Some(b'[') => {
                self.position += 1;
                let inner = self.nested(|parser| parser.expression(b'[', b']', 1))?;
                pieces.push(Piece::Arithmetic { inner, quoted });
                Ok(())
            }
            Some(b'\'') if !quoted => {
                let text = self.escaped_quoted()?;
                pieces.push(Piece::Quoted(text));
                Ok(())
            }
            Some(b'"') if !quoted => self.double_quoted(pieces),
            _ => {
                match self.simple_name() {
                    Some(name) => pieces.push(Piece::Parameter(Rc::new(Parameter {
                        name,
                        is_braced: false,
                        subscript: None,
                        operation: Operation::Value,
                        quoted,
                    }))),
                    None if quoted => pieces.push(Piece::Quoted("$".to_owned())),
                    None => pieces.push(Piece::Bare("$".to_owned())),
                }
                Ok(())
            }
        }
    }

    fn parenthesis(&mut self, quoted: bool, pieces: &mut Vec<Piece>) -> Result<(), Stop> {
        self.position += 1;
        if self.byte() == Some(b'(') && self.is_arithmetic() {
            self.position += 1;
            let inner = self.nested(|parser| parser.expression(b'(', b')', 2))?;
            pieces.push(Piece::Arithmetic { inner, quoted });
            return Ok(());
        }
        let script = self.nested(Self::script_to_parenthesis)?;
        pieces.push(Piece::Substitution {
            script: Rc::new(script),
            quoted,
        });
        Ok(())
    }

    /// Returns whether the two parentheses, of which the second is next, close together.
    pub(super) fn is_arithmetic(&self) -> bool {
        let mut position = self.position + 1;
        let mut open = 2_u32;
        let mut in_double_quotes = false;
        while let Some(byte) = self.raw_at(position) {
            position += 1;
            match byte {
                b'\\' => position += 1,
                b'"' => in_double_quotes = !in_double_quotes,
                b'\'' if !in_double_quotes => {
                    let rest = self.text.as_bytes().get(position..).unwrap_or_default();
                    let Some(length) = rest.iter().position(|byte| *byte == b'\'') else {
                        return false;
                    };
                    position += length + 1;
                }
                b'(' => open += 1,
                b')' if open > 2 => open -= 1,
                b')' => return self.raw_at(position) == Some(b')'),
                _ => {}
            }
        }
        false
    }

    /// Reads an arithmetic expression, and skips the `count` signs that close it.
    pub(super) fn expression(
        &mut self,
        open: u8,
        close: u8,
        count: usize,
    ) -> Result<Vec<Piece>, Stop> {
        let mut pieces = Vec::new();
        let mut depth = 0_u32;
        let mut text = String::new();
        loop {
            let byte = self.byte().ok_or(Stop::Syntax)?;
            match byte {
                b'$' => {
                    flush(&mut text, &mut pieces);
                    self.dollar(true, &mut pieces)?;
                }
                b'`' => {
                    flush(&mut text, &mut pieces);
                    self.backquoted(true, &mut pieces)?;
                }
                b'"' => {
                    flush(&mut text, &mut pieces);
                    self.double_quoted(&mut pieces)?;
                }
                b'\'' => {
                    // It means nothing there, but must not vanish.
                    let quoted = self.single_quoted()?;
                    text.extend(["'", &quoted, "'"]);
                }
                _ if byte == close && depth == 0 => break,
                _ => {
                    if byte == open {
                        depth += 1;
                    } else if byte == close {
                        depth -= 1;
                    }
                    self.push_run(&mut text, |byte| {
                        matches!(byte, b'$' | b'`' | b'"' | b'\'' | b'\\')
                            || byte == open
                            || byte == close
                    });
                }
            }
        }
        for _ in 0..count {
            self.expect(close)?;
        }
        flush(&mut text, &mut pieces);
        Ok(pieces)
    }

    /// Reads an arithmetic command whose second parenthesis is next.
    pub(super) fn arithmetic(&mut self) -> Result<RawWord, Stop> {
        let start = self.position;
        self.position += 1;
        let pieces = self.nested(|parser| parser.expression(b'(', b')', 2))?;
        Ok(RawWord {
            span: self.span_since(start),
            pieces,
        })
    }

    fn simple_name(&mut self) -> Option<String> {
        let byte = self.byte()?;
        if matches!(
            byte,
            b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' | b'0'..=b'9'
        ) {
            self.position += 1;
            return Some(char::from(byte).to_string());
        }
        self.variable_name()
    }

    /// Takes the name of a variable, if one is next.
    fn variable_name(&mut self) -> Option<String> {
        let first = self.byte()?;
        if !first.is_ascii_alphabetic() && first != b'_' {
            return None;
        }
        let mut name = String::new();
        while let Some(byte) = self.byte() {
            if !byte.is_ascii_alphanumeric() && byte != b'_' {
                break;
            }
            self.position += 1;
            name.push(char::from(byte));
        }
        Some(name)
    }

    /// Reads the rest of `${…}`.
    fn braced(&mut self, quoted: bool) -> Result<Piece, Stop> {
        if matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'|')) {
            return self.braced_script(quoted);
        }
        let prefix = self.prefix();
        let name = self.parameter_name().ok_or(Stop::Syntax)?;
        let subscript = self.subscript()?;
        let operation = match (prefix, self.byte().ok_or(Stop::Syntax)?) {
            (None, b'}') => Operation::Value,
            (Some(b'#'), b'}') => Operation::Length,
            (Some(_), b'}') => Operation::Indirect,
            (_, _) => self.operator(quoted)?,
        };
        self.expect(b'}')?;
        // An operator on an indirect value is not followed any further than the value.
        let operation = match (prefix, operation) {
            (Some(b'!'), Operation::Operator { operand, .. }) => Operation::Operator {
                sign: "!".to_owned(),
                operand,
            },
            (_, operation) => operation,
        };
        Ok(Piece::Parameter(Rc::new(Parameter {
            name,
            is_braced: true,
            subscript,
            operation,
            quoted,
        })))
    }

    /// Reads `${ list; }`, a substitution that runs in the shell itself.
    fn braced_script(&mut self, quoted: bool) -> Result<Piece, Stop> {
        self.take(b'|');
        let mut items = Vec::new();
        loop {
            self.skip_lines()?;
            if self.take(b'}') {
                break;
            }
            items.push(self.item()?);
        }
        Ok(Piece::Substitution {
            script: Rc::new(Script { items }),
            quoted,
        })
    }

    /// Takes `!` or `#` when a name follows it.
    fn prefix(&mut self) -> Option<u8> {
        let byte = self.byte()?;
        let next = self.second()?;
        let names = next.is_ascii_alphanumeric() || matches!(next, b'_' | b'@' | b'*');
        if !matches!(byte, b'!' | b'#') || !names {
            return None;
        }
        self.position += 1;
        Some(byte)
    }

    fn parameter_name(&mut self) -> Option<String> {
        if !self.byte()?.is_ascii_digit() {
            return self.simple_name();
        }
        let mut name = String::new();
        while let Some(digit) = self.byte().filter(u8::is_ascii_digit) {
            self.position += 1;
            name.push(char::from(digit));
        }
        Some(name)
    }

    fn subscript(&mut self) -> Result<Option<Vec<Piece>>, Stop> {
        if !self.take(b'[') {
            return Ok(None);
        }
        let pieces = self.pieces(Ending::Subscript)?;
        self.expect(b']')?;
        Ok(Some(pieces))
    }

    fn operator(&mut self, quoted: bool) -> Result<Operation, Stop> {
        let sign = self.operator_sign();
        let is_pattern = !sign.ends_with(['-', '=', '?', '+']);
        let ending = match (quoted, is_pattern) {
            (false, _) => Ending::Brace,
            (true, true) => Ending::QuotedPattern,
            (true, false) => Ending::QuotedBrace,
        };
        let operand = self.pieces(ending)?;
        Ok(Operation::Operator { sign, operand })
    }

    fn operator_sign(&mut self) -> String {
        let Some(first) = self.byte() else {
            return String::new();
        };
        let second_signs: &[u8] = match first {
            b':' => b"-=?+",
            b'#' => b"#",
            b'%' => b"%",
            b'/' => b"/#%",
            b'^' => b"^",
            b',' => b",",
            b'-' | b'=' | b'?' | b'+' | b'@' => b"",
            _ => return String::new(),
        };
        self.position += 1;
        let mut sign = char::from(first).to_string();
        if let Some(second) = self.byte().filter(|byte| second_signs.contains(byte)) {
            self.position += 1;
            sign.push(char::from(second));
        }
        sign
    }
}
