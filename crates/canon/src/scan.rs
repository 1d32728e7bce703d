//! Tokens of RFC 8259: white space, strings, numbers and literals.

use std::borrow::Cow;

use crate::parse::ParseJsonErrorKind as Kind;

/// A fault and where it is, before its line and column are known.
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    pub(crate) offset: usize,
}

/// A string token.
pub(crate) enum Text<'a> {
    /// Its meaning.
    Whole(Cow<'a, str>),
    /// It holds an escape of half a surrogate pair, at this offset, so no
    /// `String` can hold it.
    Lone(usize),
}

/// A number token.
pub(crate) struct Numeral<'a> {
    pub(crate) text: &'a str,
    /// Whether it is written without fraction and exponent.
    pub(crate) is_integer: bool,
}

/// A place in a JSON text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Scanner { text, offset: 0 }
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the text from `start` up to this place.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.offset).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    /// Steps over one byte that was peeked at.
    pub(crate) fn step(&mut self) {
        self.offset += 1;
    }

    /// Steps over `byte` and says whether it was there.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        if is_there {
            self.offset += 1;
        }
        is_there
    }

    pub(crate) fn white_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.offset += 1;
        }
    }

    /// Returns the fault of finding what is at this place.
    pub(crate) fn unexpected(&self) -> Fault {
        let found = self
            .text
            .get(self.offset..)
            .and_then(|rest| rest.chars().next());
        let kind = found.map_or(Kind::UnexpectedEnd, |found| Kind::Unexpected { found });
        Fault {
            kind,
            offset: self.offset,
        }
    }

    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    pub(crate) fn literal(&mut self, literal: &str) -> Result<(), Fault> {
        for byte in literal.bytes() {
            self.expect(byte)?;
        }
        Ok(())
    }

    pub(crate) fn numeral(&mut self) -> Result<Numeral<'a>, Fault> {
        let start = self.offset;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        let mut is_integer = true;
        if self.take(b'.') {
            is_integer = false;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            is_integer = false;
            self.step();
            if let Some(b'+' | b'-') = self.peek() {
                self.step();
            }
            self.digits()?;
        }
        Ok(Numeral {
            text: self.since(start),
            is_integer,
        })
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.offset;
        while let Some(b'0'..=b'9') = self.peek() {
            self.offset += 1;
        }
        if self.offset == start {
            return Err(self.unexpected());
        }
        Ok(())
    }

    pub(crate) fn string(&mut self) -> Result<Text<'a>, Fault> {
        self.expect(b'"')?;
        let start = self.offset;
        self.plain_run();
        if self.peek() == Some(b'"') {
            let text = self.since(start);
            self.step();
            return Ok(Text::Whole(Cow::Borrowed(text)));
        }
        self.string_with_escapes(start)
    }

    fn string_with_escapes(&mut self, start: usize) -> Result<Text<'a>, Fault> {
        let mut text = String::from(self.since(start));
        let mut lone = None;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.step();
                    return Ok(lone.map_or(Text::Whole(Cow::Owned(text)), Text::Lone));
                }
                Some(b'\\') => {
                    let offset = self.offset;
                    self.step();
                    match self.escape()? {
                        Some(character) => text.push(character),
                        None => {
                            lone.get_or_insert(offset);
                        }
                    }
                }
                Some(0..=0x1f) => {
                    return Err(Fault {
                        kind: Kind::ControlCharacter,
                        offset: self.offset,
                    });
                }
                Some(_) => {
                    let run = self.offset;
                    self.plain_run();
                    text.push_str(self.since(run));
                }
                None => return Err(self.unexpected()),
            }
        }
    }

    /// Steps over what stands for itself in a string.
    fn plain_run(&mut self) {
        let rest = self.text.as_bytes().get(self.offset..).unwrap_or_default();
        self.offset += plain_length(rest);
    }

    /// Reads an escape after its backslash; nothing for half a surrogate pair.
    fn escape(&mut self) -> Result<Option<char>, Fault> {
        let offset = self.offset;
        let byte = self.peek();
        self.step();
        let character = match byte {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            Some(_) | None => {
                self.offset = offset;
                let mut fault = self.unexpected();
                if byte.is_some() {
                    fault.kind = Kind::InvalidEscape;
                }
                return Err(fault);
            }
        };
        Ok(Some(character))
    }

    fn unicode_escape(&mut self) -> Result<Option<char>, Fault> {
        let first = self.four_hex_digits()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first));
        }
        let after_first = self.offset;
        if self.take(b'\\') && self.take(b'u') {
            let second = self.four_hex_digits()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code));
            }
        }
        // What follows is an escape of its own, or none.
        self.offset = after_first;
        Ok(None)
    }

    fn four_hex_digits(&mut self) -> Result<u32, Fault> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                let mut fault = self.unexpected();
                if self.peek().is_some() {
                    fault.kind = Kind::InvalidEscape;
                }
                return Err(fault);
            };
            code = code * 16 + digit;
            self.step();
        }
        Ok(code)
    }

    /// Steps over one value of any depth, without recursion.
    pub(crate) fn skip_value(&mut self) -> Result<(), Fault> {
        // One entry for each open container: the byte that closes it.
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.white_space();
            match self.peek() {
                Some(b'[') => {
                    self.step();
                    self.white_space();
                    open.push(b']');
                    if self.peek() != Some(b']') {
                        continue;
                    }
                }
                Some(b'{') => {
                    self.step();
                    self.white_space();
                    open.push(b'}');
                    if self.peek() != Some(b'}') {
                        self.skip_key()?;
                        continue;
                    }
                }
                _ => self.skip_scalar()?,
            }
            if !self.skip_closings(&mut open)? {
                return Ok(());
            }
        }
    }

    /// Closes what ends here, and says whether another value follows.
    fn skip_closings(&mut self, open: &mut Vec<u8>) -> Result<bool, Fault> {
        while let Some(&closing) = open.last() {
            self.white_space();
            if self.take(b',') {
                if closing == b'}' {
                    self.white_space();
                    self.skip_key()?;
                }
                return Ok(true);
            }
            // A comma was looked for first, so an empty container must have
            // been seen to be closed by the caller: `[,` never gets here.
            self.expect(closing)?;
            open.pop();
        }
        Ok(false)
    }

    fn skip_key(&mut self) -> Result<(), Fault> {
        self.string()?;
        self.white_space();
        self.expect(b':')
    }

    fn skip_scalar(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.numeral().map(drop),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(self.unexpected()),
        }
    }
}

/// Returns how many bytes stand for themselves in a string.
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    // Sixteen at a time without a branch become a few instructions.
    for chunk in bytes.chunks_exact(16) {
        if chunk
            .iter()
            .fold(false, |any, byte| any | is_special(*byte))
        {
            break;
        }
        length += chunk.len();
    }
    let rest = bytes.get(length..).unwrap_or_default();
    let special = rest.iter().position(|byte| is_special(*byte));
    length + special.unwrap_or(rest.len())
}

fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}
