//! Writing JSON as RFC 8785 wants it.

use serde_json::{Map, Number, Value};

use crate::scan::plain_length;
use crate::tag;

/// Returns the canonical bytes of an I-JSON value.
///
/// The bytes are those of RFC 8785 if [`check_i_json`](crate::check_i_json)
/// accepts `value`, as it does for all that [`parse`](crate::parse) and
/// [`parse_tagging`](crate::parse_tagging) return. An integer beyond
/// ±(2^53 - 1) is written with all its digits rather than rounded, so that
/// different values never share their bytes; [`parse`](crate::parse) refuses
/// to read it back.
///
/// Values of any depth are written without recursion.
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write_canonical(value, &mut out);
    out
}

/// Appends the canonical bytes of `value` to `out`; see [`canonical`].
pub fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    write_value(value, Form::Canonical, out);
}

/// How tagged parts are written.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Form {
    /// As the objects they are.
    Canonical,
    /// As their source text.
    Source,
}

/// What is left to write of an open container.
enum Rest<'a> {
    Items(std::slice::Iter<'a, Value>),
    Members(serde_json::map::Iter<'a>),
    Sorted(std::vec::IntoIter<(&'a String, &'a Value)>),
}

pub(crate) fn write_value(value: &Value, form: Form, out: &mut Vec<u8>) {
    let mut open: Vec<Rest<'_>> = Vec::new();
    write_start(value, form, &mut open, out);
    while let Some(rest) = open.last_mut() {
        let (key, item, closing) = match rest {
            Rest::Items(items) => (None, items.next(), b']'),
            Rest::Members(members) => {
                let member = members.next();
                (member.map(|m| m.0), member.map(|m| m.1), b'}')
            }
            Rest::Sorted(members) => {
                let member = members.next();
                (member.map(|m| m.0), member.map(|m| m.1), b'}')
            }
        };
        let Some(item) = item else {
            open.pop();
            out.push(closing);
            continue;
        };
        // No value ends in an opening bracket, so one means a first member.
        if !matches!(out.last(), Some(b'[' | b'{')) {
            out.push(b',');
        }
        if let Some(key) = key {
            write_string(key, out);
            out.push(b':');
        }
        write_start(item, form, &mut open, out);
    }
}

/// Writes a scalar whole, and of a container only its opening.
fn write_start<'a>(value: &'a Value, form: Form, open: &mut Vec<Rest<'a>>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            open.push(Rest::Items(items.iter()));
        }
        Value::Object(members) => {
            if form == Form::Source
                && let Some(source) = tag::source(value)
            {
                out.extend_from_slice(source.as_bytes());
                return;
            }
            out.push(b'{');
            open.push(in_utf_16_order(members));
        }
    }
}

/// Orders members by the UTF-16 code units of their keys.
///
/// That is the order of the map unless a key has a character beyond U+FFFF:
/// UTF-16 sorts those before U+E000, UTF-8 after all others.
fn in_utf_16_order(members: &Map<String, Value>) -> Rest<'_> {
    let is_beyond = |key: &String| key.bytes().any(|byte| byte >= 0xf0);
    if !members.keys().any(is_beyond) {
        return Rest::Members(members.iter());
    }
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
    Rest::Sorted(sorted.into_iter())
}

pub(crate) fn write_number(number: &Number, out: &mut Vec<u8>) {
    if let Some(integer) = number.as_u64() {
        write_digits(integer, out);
    } else if let Some(integer) = number.as_i64() {
        out.push(b'-');
        write_digits(integer.unsigned_abs(), out);
    } else if let Some(double) = number.as_f64() {
        let mut buffer = ryu_js::Buffer::new();
        out.extend_from_slice(buffer.format(double).as_bytes());
    }
}

fn write_digits(mut integer: u64, out: &mut Vec<u8>) {
    // `u64::MAX` has twenty digits.
    let mut digits = [b'0'; 20];
    let mut unused = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (integer % 10) as u8;
        integer /= 10;
        unused -= 1;
        if integer == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(unused..).unwrap_or_default());
}

pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len().saturating_add(2));
    out.push(b'"');
    write_string_part(text, out);
    out.push(b'"');
}

/// Writes what stands between the quotes, or a part of it.
pub(crate) fn write_string_part(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain_length(rest));
        out.extend_from_slice(plain);
        let Some((&byte, after)) = special.split_first() else {
            break;
        };
        write_escape(byte, out);
        rest = after;
    }
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        0x8 => b'b',
        0x9 => b't',
        0xa => b'n',
        0xc => b'f',
        0xd => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            crate::hex::write_byte(byte, |digit| out.push(digit));
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
