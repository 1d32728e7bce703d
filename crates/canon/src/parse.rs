//! Reading JSON, strictly or with tags.

use std::fmt;

use serde_json::{Map, Number, Value, map::Entry};

use crate::scan::{Fault, Numeral, Scanner, Text};
use crate::tag::{TAG, tagged};

/// The deepest nesting of arrays and objects that [`parse`] accepts.
pub const DEPTH_MAX: usize = 128;

/// The deepest nesting that [`parse_tagging`] keeps as a value.
///
/// It is lower than [`DEPTH_MAX`] so that what was tagged can stand inside a
/// request, an event and an envelope and still be read by [`parse`].
pub const TAGGING_DEPTH_MAX: usize = 96;

/// The largest whole number that I-JSON promises to carry.
pub(crate) const INTEGER_MAX: i64 = (1 << 53) - 1;

/// Where RFC 8785 starts to write whole numbers with an exponent.
const EXPONENT_FROM: f64 = 1e21;

/// The reason why a text was not read, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind} at line {line}, column {column}")]
pub struct ParseJsonError {
    /// What is wrong.
    pub kind: ParseJsonErrorKind,
    /// The number of bytes before the fault.
    pub offset: usize,
    /// The line of the fault, counted from one.
    pub line: usize,
    /// The character of the fault within its line, counted from one.
    pub column: usize,
}

/// What is wrong with a JSON text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ParseJsonErrorKind {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text starts with a byte order mark.
    ByteOrderMark,
    /// The text ends too early.
    UnexpectedEnd,
    /// A character stands where JSON does not allow it.
    Unexpected {
        /// The character.
        found: char,
    },
    /// A backslash starts no escape of JSON.
    InvalidEscape,
    /// A control character stands in a string without an escape.
    ControlCharacter,
    /// More text follows the value.
    TrailingText,
    /// Two members of an object have the same key.
    DuplicateKey {
        /// The key, with its escapes resolved.
        key: String,
    },
    /// A string holds an escape of half a surrogate pair.
    LoneSurrogate,
    /// A whole number is beyond ±(2^53 - 1).
    IntegerTooLarge,
    /// A number is beyond the range of a double.
    NumberTooLarge,
    /// Arrays and objects are nested deeper than [`DEPTH_MAX`].
    TooDeep,
}

impl fmt::Display for ParseJsonErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            ParseJsonErrorKind::NotUtf8 => "invalid utf-8",
            ParseJsonErrorKind::ByteOrderMark => "unexpected byte order mark",
            ParseJsonErrorKind::UnexpectedEnd => "unexpected end of text",
            ParseJsonErrorKind::Unexpected { found } => {
                return write!(f, "unexpected `{}`", found.escape_debug());
            }
            ParseJsonErrorKind::InvalidEscape => "invalid escape",
            ParseJsonErrorKind::ControlCharacter => "unescaped control character in a string",
            ParseJsonErrorKind::TrailingText => "text after the value",
            ParseJsonErrorKind::DuplicateKey { key } => {
                return write!(f, "duplicate key `{}`", key.escape_debug());
            }
            ParseJsonErrorKind::LoneSurrogate => "half of a surrogate pair in a string",
            ParseJsonErrorKind::IntegerTooLarge => "whole number beyond 2^53 - 1",
            ParseJsonErrorKind::NumberTooLarge => "number beyond the range of a double",
            ParseJsonErrorKind::TooDeep => "nesting deeper than 128",
        };
        f.write_str(text)
    }
}

/// A value with tagged parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagged {
    /// The value, which is I-JSON.
    pub value: Value,
    /// How many parts of it are tagged source text.
    pub tags: usize,
}

/// Reads strict I-JSON.
///
/// Beyond RFC 8259 it refuses what two readers could read differently:
/// duplicate keys, halves of surrogate pairs, whole numbers beyond
/// ±(2^53 - 1), numbers that overflow a double, and a byte order mark. A
/// number with a fraction or exponent counts as whole if RFC 8785 would write
/// it as a whole number, so every accepted value is read back from its
/// canonical bytes. Numbers of equal value are equal afterwards: `1.0` gives
/// the integer 1 and `-0` gives 0. The size of the text is the caller's matter.
///
/// # Errors
///
/// [`ParseJsonError`] with the first fault and its place.
pub fn parse(bytes: &[u8]) -> Result<Value, ParseJsonError> {
    Parser::read(bytes, Mode::Strict).map(|tagged| tagged.value)
}

/// Reads any JSON of RFC 8259 and keeps what is not I-JSON as source text.
///
/// Such a part becomes an object with the single key [`TAG`], whose value is
/// the part's source: a number that [`parse`] refuses, a string with half a
/// surrogate pair, an object with a duplicate or unrepresentable key or with
/// a key equal to [`TAG`], and whatever is nested deeper than
/// [`TAGGING_DEPTH_MAX`]. Different inputs never become equal unless they are
/// the same JSON. Without such parts the value is that of [`parse`].
///
/// # Errors
///
/// [`ParseJsonError`] if the text is not JSON or not UTF-8.
pub fn parse_tagging(bytes: &[u8]) -> Result<Tagged, ParseJsonError> {
    Parser::read(bytes, Mode::Tagging)
}

/// What becomes of JSON that is not I-JSON.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Mode {
    Strict,
    Tagging,
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    mode: Mode,
    tags: usize,
}

impl<'a> Parser<'a> {
    fn read(bytes: &'a [u8], mode: Mode) -> Result<Tagged, ParseJsonError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let offset = error.valid_up_to();
            locate(bytes, fault(ParseJsonErrorKind::NotUtf8, offset))
        })?;
        let scanner = Scanner::new(text);
        let mut parser = Parser {
            scanner,
            mode,
            tags: 0,
        };
        let value = parser
            .document(text.starts_with('\u{feff}'))
            .map_err(|fault| locate(bytes, fault))?;
        let tags = parser.tags;
        Ok(Tagged { value, tags })
    }

    fn document(&mut self, has_byte_order_mark: bool) -> Result<Value, Fault> {
        if has_byte_order_mark {
            return Err(fault(ParseJsonErrorKind::ByteOrderMark, 0));
        }
        self.scanner.white_space();
        let value = self.value(0)?;
        self.scanner.white_space();
        if self.scanner.peek().is_some() {
            let offset = self.scanner.offset();
            return Err(fault(ParseJsonErrorKind::TrailingText, offset));
        }
        Ok(value)
    }

    /// Reads a value inside `depth` containers.
    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        match self.scanner.peek() {
            Some(b'"') => self.string(),
            Some(b'{') if self.has_room(depth) => self.object(depth + 1),
            Some(b'[') if self.has_room(depth) => self.array(depth + 1),
            Some(b'{' | b'[') => self.too_deep(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.scanner.literal("true").map(|()| Value::Bool(true)),
            Some(b'f') => self.scanner.literal("false").map(|()| Value::Bool(false)),
            Some(b'n') => self.scanner.literal("null").map(|()| Value::Null),
            _ => Err(self.scanner.unexpected()),
        }
    }

    fn has_room(&self, depth: usize) -> bool {
        match self.mode {
            Mode::Strict => depth < DEPTH_MAX,
            Mode::Tagging => depth < TAGGING_DEPTH_MAX,
        }
    }

    fn too_deep(&mut self) -> Result<Value, Fault> {
        let start = self.scanner.offset();
        if self.mode == Mode::Tagging {
            self.scanner.skip_value()?;
        }
        self.not_i_json(ParseJsonErrorKind::TooDeep, start, start)
    }

    /// Tags what was read since `start`, or gives the fault found at `offset`.
    fn not_i_json(
        &mut self,
        kind: ParseJsonErrorKind,
        start: usize,
        offset: usize,
    ) -> Result<Value, Fault> {
        match self.mode {
            Mode::Strict => Err(fault(kind, offset)),
            Mode::Tagging => {
                self.tags += 1;
                Ok(tagged(self.scanner.since(start)))
            }
        }
    }

    fn string(&mut self) -> Result<Value, Fault> {
        let start = self.scanner.offset();
        match self.scanner.string()? {
            Text::Whole(text) => Ok(Value::String(text.into_owned())),
            Text::Lone(offset) => self.not_i_json(ParseJsonErrorKind::LoneSurrogate, start, offset),
        }
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let start = self.scanner.offset();
        let numeral = self.scanner.numeral()?;
        match number(&numeral) {
            Ok(number) => Ok(Value::Number(number)),
            Err(kind) => self.not_i_json(kind, start, start),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        self.scanner.step();
        self.scanner.white_space();
        if self.scanner.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.scanner.white_space();
            if self.scanner.take(b']') {
                return Ok(Value::Array(items));
            }
            self.scanner.expect(b',')?;
            self.scanner.white_space();
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Fault> {
        let start = self.scanner.offset();
        let tags = self.tags;
        let mut members = Map::new();
        let mut is_sound = true;
        self.scanner.step();
        self.scanner.white_space();
        if self.scanner.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            is_sound &= self.member(&mut members, depth)?;
            self.scanner.white_space();
            if self.scanner.take(b'}') {
                break;
            }
            self.scanner.expect(b',')?;
            self.scanner.white_space();
        }
        if is_sound {
            return Ok(Value::Object(members));
        }
        // The source of the whole holds the source of its tagged parts.
        self.tags = tags + 1;
        Ok(tagged(self.scanner.since(start)))
    }

    /// Reads a member, and says whether the object can be one of I-JSON that
    /// is not taken for a tag.
    fn member(&mut self, members: &mut Map<String, Value>, depth: usize) -> Result<bool, Fault> {
        let offset = self.scanner.offset();
        let key = self.scanner.string()?;
        self.scanner.white_space();
        self.scanner.expect(b':')?;
        self.scanner.white_space();
        let key = match key {
            Text::Whole(key) => key,
            Text::Lone(offset) => {
                if self.mode == Mode::Strict {
                    return Err(fault(ParseJsonErrorKind::LoneSurrogate, offset));
                }
                self.value(depth)?;
                return Ok(false);
            }
        };
        let is_tag = self.mode == Mode::Tagging && key == TAG;
        let value = self.value(depth)?;
        match members.entry(key.into_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(value);
                Ok(!is_tag)
            }
            Entry::Occupied(entry) => match self.mode {
                Mode::Strict => {
                    let key = entry.key().clone();
                    Err(fault(ParseJsonErrorKind::DuplicateKey { key }, offset))
                }
                Mode::Tagging => Ok(false),
            },
        }
    }
}

fn fault(kind: ParseJsonErrorKind, offset: usize) -> Fault {
    Fault { kind, offset }
}

/// Counts lines and characters up to a fault.
fn locate(bytes: &[u8], fault: Fault) -> ParseJsonError {
    let before = bytes.get(..fault.offset).unwrap_or(bytes);
    let line_start = before
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    let in_line = before.get(line_start..).unwrap_or_default();
    // A character of UTF-8 is one byte that continues no other.
    let column = 1 + in_line.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
    ParseJsonError {
        kind: fault.kind,
        offset: fault.offset,
        line,
        column,
    }
}

fn number(numeral: &Numeral<'_>) -> Result<Number, ParseJsonErrorKind> {
    if numeral.is_integer {
        let integer = numeral.text.parse::<i64>().ok();
        return integer
            .filter(|integer| is_i_json_integer(*integer))
            .map(Number::from)
            .ok_or(ParseJsonErrorKind::IntegerTooLarge);
    }
    let double = numeral.text.parse::<f64>().unwrap_or(f64::INFINITY);
    let integer = double as i64;
    if is_i_json_integer(integer) && integer as f64 == double {
        return Ok(Number::from(integer));
    }
    if is_written_as_large_integer(double) {
        return Err(ParseJsonErrorKind::IntegerTooLarge);
    }
    Number::from_f64(double).ok_or(ParseJsonErrorKind::NumberTooLarge)
}

/// Says whether I-JSON promises to carry `integer`.
pub(crate) fn is_i_json_integer(integer: i64) -> bool {
    (-INTEGER_MAX..=INTEGER_MAX).contains(&integer)
}

/// Says whether RFC 8785 writes `double` as a whole number that I-JSON does
/// not promise to carry.
pub(crate) fn is_written_as_large_integer(double: f64) -> bool {
    let size = double.abs();
    size > INTEGER_MAX as f64 && size < EXPONENT_FROM
}
