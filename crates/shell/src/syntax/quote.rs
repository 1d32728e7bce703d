//! Reads quoted text.

use super::reader::{Parser, Stop};
use super::tree::Piece;

impl Parser<'_> {
    /// Reads `'…'`.
    pub(super) fn single_quoted(&mut self) -> Result<String, Stop> {
        self.position += 1;
        let rest = self.text.get(self.position..).ok_or(Stop::Syntax)?;
        let length = rest.find('\'').ok_or(Stop::Syntax)?;
        self.position += length + 1;
        Ok(rest.get(..length).unwrap_or_default().to_owned())
    }

    /// Reads `"…"`, the opening quote included.
    pub(super) fn double_quoted(&mut self, pieces: &mut Vec<Piece>) -> Result<(), Stop> {
        self.position += 1;
        let before = pieces.len();
        self.nested(|parser| parser.quoted_pieces(Some(b'"'), pieces))?;
        self.expect(b'"')?;
        if pieces.len() == before {
            pieces.push(Piece::Quoted(String::new()));
        }
        Ok(())
    }

    /// Reads a whole text as an unquoted here-document.
    pub(super) fn document_pieces(mut self) -> Result<Vec<Piece>, Stop> {
        let mut pieces = Vec::new();
        self.quoted_pieces(None, &mut pieces)?;
        Ok(pieces)
    }

    /// Reads text as within double quotes, up to `end` or the end of the text.
    fn quoted_pieces(&mut self, end: Option<u8>, pieces: &mut Vec<Piece>) -> Result<(), Stop> {
        let mut literal = String::new();
        while let Some(byte) = self.byte().filter(|byte| Some(*byte) != end) {
            match byte {
                b'\\' => {
                    let escaped = self.raw_at(self.position + 1);
                    let is_escape = matches!(escaped, Some(b'$' | b'`' | b'\\'))
                        || (escaped == Some(b'"') && end.is_some());
                    self.position += usize::from(is_escape);
                    self.push_byte(&mut literal);
                }
                b'$' | b'`' => {
                    flush(&mut literal, pieces);
                    if byte == b'$' {
                        self.dollar(true, pieces)?;
                    } else {
                        self.backquoted(true, pieces)?;
                    }
                }
                _ => self.push_run(&mut literal, |byte| {
                    matches!(byte, b'\\' | b'$' | b'`') || Some(byte) == end
                }),
            }
        }
        flush(&mut literal, pieces);
        Ok(())
    }

    /// Adds the next byte to `text`; it is ASCII.
    fn push_byte(&mut self, text: &mut String) {
        let start = self.position;
        self.position += 1;
        text.push_str(self.since(start));
    }

    /// Adds the next character and those after it, up to one for which `stops` holds.
    pub(super) fn push_run(&mut self, text: &mut String, stops: impl Fn(u8) -> bool) {
        let start = self.position;
        self.position += 1;
        while self.raw().is_some_and(|byte| !stops(byte)) {
            self.position += 1;
        }
        text.push_str(self.since(start));
    }

    /// Reads the part of `$'…'` from its opening quote on.
    pub(super) fn escaped_quoted(&mut self) -> Result<String, Stop> {
        self.position += 1;
        let mut bytes = Vec::new();
        loop {
            let byte = self.raw().ok_or(Stop::Syntax)?;
            self.position += 1;
            match byte {
                b'\'' => break,
                b'\\' => self.escape(&mut bytes)?,
                _ => bytes.push(byte),
            }
        }
        // A zero byte ends the value, as the shell keeps it as a C string.
        let end = bytes.iter().position(|byte| *byte == 0);
        bytes.truncate(end.unwrap_or(bytes.len()));
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), Stop> {
        let byte = self.raw().ok_or(Stop::Syntax)?;
        self.position += 1;
        let plain = match byte {
            b'a' => 0x07,
            b'b' => 0x08,
            b'e' | b'E' => 0x1b,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'\\' | b'\'' | b'"' | b'?' => byte,
            b'x' => return self.hexadecimal(bytes),
            b'u' => return self.code_point(4, bytes),
            b'U' => return self.code_point(8, bytes),
            b'0'..=b'7' => {
                self.position -= 1;
                let value = self.digits(8, 3).unwrap_or_default();
                u8::try_from(value & 0xff).unwrap_or_default()
            }
            b'c' => {
                let control = self.raw().ok_or(Stop::Syntax)?;
                self.position += 1;
                if control.is_ascii() {
                    control & 0x1f
                } else {
                    return Err(Stop::Syntax);
                }
            }
            _ => {
                bytes.push(b'\\');
                byte
            }
        };
        bytes.push(plain);
        Ok(())
    }

    fn hexadecimal(&mut self, bytes: &mut Vec<u8>) -> Result<(), Stop> {
        let braced = self.raw() == Some(b'{');
        self.position += usize::from(braced);
        match self.digits(16, if braced { 8 } else { 2 }) {
            Some(value) => bytes.push(u8::try_from(value & 0xff).unwrap_or_default()),
            None => bytes.extend_from_slice(b"\\x"),
        }
        if braced {
            self.position += usize::from(self.raw() == Some(b'}'));
        }
        Ok(())
    }

    fn code_point(&mut self, digits_max: usize, bytes: &mut Vec<u8>) -> Result<(), Stop> {
        let Some(value) = self.digits(16, digits_max) else {
            bytes.extend_from_slice(if digits_max == 4 { b"\\u" } else { b"\\U" });
            return Ok(());
        };
        let character = char::from_u32(value).ok_or(Stop::Syntax)?;
        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    /// Takes up to `count_max` digits; none gives `None`.
    fn digits(&mut self, radix: u32, count_max: usize) -> Option<u32> {
        let mut value: Option<u32> = None;
        for _ in 0..count_max {
            let digit = self.raw().and_then(|byte| char::from(byte).to_digit(radix));
            let Some(digit) = digit else {
                break;
            };
            self.position += 1;
            let shifted = value.unwrap_or_default().wrapping_mul(radix);
            value = Some(shifted.wrapping_add(digit));
        }
        value
    }
}

/// Moves text that stands for itself into a piece of its own.
pub(super) fn flush(literal: &mut String, pieces: &mut Vec<Piece>) {
    if !literal.is_empty() {
        pieces.push(Piece::Quoted(std::mem::take(literal)));
    }
}
