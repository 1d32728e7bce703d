//! Follows what filters make of text that is known.

use aegis_types::Word;

use crate::option::{self, Spec, first_text};

/// Whose escapes are meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Escapes {
    /// Those of `echo -e`, where a zero leads octal digits.
    Echo,
    /// Those of `%b`, where shells differ on octal digits without a zero.
    Argument,
    /// Those of the format of `printf`.
    Printf,
}

/// Turns what a filter reads into what it writes; `None` if that cannot be told.
pub(crate) type Decoder = Box<dyn Fn(&str) -> Option<String>>;

/// Returns what the filter `name` does with these arguments, if it is followed.
pub(crate) fn decoder(name: &str, arguments: &[Word]) -> Option<Decoder> {
    const SPEC: Spec = Spec {
        short: "wclso",
        long: &["wrap"],
        ends_at_operand: false,
    };
    let read = option::read(arguments, &SPEC);
    let has = |names: &[&str]| read.has(names);
    let has_no_operand = read.operands.iter().all(|word| first_text(word) == "-");
    match name {
        "base64" | "gbase64" if has_no_operand && has(&["d", "D", "decode"]) => {
            Some(Box::new(base64))
        }
        "openssl" => {
            let is_base64 = |word: &&Word| matches!(first_text(word), "base64" | "-base64" | "-a");
            let decodes = |word: &&Word| first_text(word) == "-d";
            let is_plain = arguments.iter().all(|word| {
                matches!(
                    first_text(word),
                    "enc" | "base64" | "-base64" | "-a" | "-d" | "-A"
                )
            });
            let mut words = arguments.iter();
            let is_meant =
                words.any(|word| is_base64(&word)) && arguments.iter().any(|word| decodes(&word));
            (is_meant && is_plain).then(|| Box::new(base64) as Decoder)
        }
        "xxd" if has_no_operand && has(&["r"]) && has(&["p", "plain", "ps"]) => {
            Some(Box::new(hexadecimal))
        }
        "rev" if read.operands.is_empty() => Some(Box::new(|text| {
            let lines = text.split_inclusive('\n').map(|line| {
                let (line, end) = match line.strip_suffix('\n') {
                    Some(line) => (line, "\n"),
                    None => (line, ""),
                };
                line.chars().rev().chain(end.chars()).collect::<String>()
            });
            Some(lines.collect())
        })),
        "tr" => translator(arguments),
        _ => None,
    }
}

pub(crate) fn base64(text: &str) -> Option<String> {
    String::from_utf8(base64_bytes(text)?).ok()
}

/// Returns the text whose characters of two bytes `text` encodes, as PowerShell takes it.
pub(crate) fn wide_base64(text: &str) -> Option<String> {
    let bytes = base64_bytes(text)?;
    let (pairs, []) = bytes.as_chunks::<2>() else {
        return None;
    };
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    String::from_utf16(&units).ok()
}

fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0_u32);
    let mut is_padded = false;
    for byte in text.trim_end().bytes() {
        // What decoders make of digits behind the padding differs.
        if is_padded && !matches!(byte, b'=' | b'\n') {
            return None;
        }
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                is_padded = true;
                continue;
            }
            b'\n' => continue,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(digit)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

pub(crate) fn hexadecimal(text: &str) -> Option<String> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| character.to_digit(16))
        .collect::<Option<_>>()?;
    let mut bytes = Vec::new();
    for pair in digits.chunks(2) {
        let [high, low] = pair else { return None };
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// Returns what `tr` does with two sets, or with one whose characters it deletes.
///
/// It works on bytes; only what is ASCII is the same byte by byte and letter by letter.
fn translator(arguments: &[Word]) -> Option<Decoder> {
    let words: Vec<String> = arguments.iter().map(Word::literal).collect::<Option<_>>()?;
    match words.as_slice() {
        [option, set] if option == "-d" => {
            let set = characters(set)?;
            Some(Box::new(move |text| {
                let kept = text.chars().filter(|it| !set.contains(it));
                text.is_ascii().then(|| kept.collect())
            }))
        }
        [from, to] if !from.starts_with('-') => {
            let (from, to) = (characters(from)?, characters(to)?);
            let last = *to.last()?;
            let changed = move |character: char| {
                // The last of those that repeat counts.
                match from.iter().rposition(|it| *it == character) {
                    Some(index) => to.get(index).copied().unwrap_or(last),
                    None => character,
                }
            };
            Some(Box::new(move |text| {
                text.is_ascii()
                    .then(|| text.chars().map(&changed).collect())
            }))
        }
        _ => None,
    }
}

/// Returns the characters of a set of `tr`.
fn characters(set: &str) -> Option<Vec<char>> {
    match set {
        "[:upper:]" => return Some(('A'..='Z').collect()),
        "[:lower:]" => return Some(('a'..='z').collect()),
        _ if set.contains("[:") || set.contains("[=") || set.contains('*') => return None,
        _ => {}
    }
    let mut characters = Vec::new();
    let mut rest = elements(set)?;
    rest.reverse();
    while let Some((first, _)) = rest.pop() {
        let is_range = matches!(rest.last(), Some(('-', false))) && rest.len() > 1;
        if !is_range {
            characters.push(first);
            continue;
        }
        rest.pop();
        let (last, _) = rest.pop().filter(|(last, _)| first <= *last)?;
        characters.extend(first..=last);
    }
    Some(characters)
}

/// Returns the characters with which a set of `tr` is written, and whether each
/// stands behind a backslash.
fn elements(set: &str) -> Option<Vec<(char, bool)>> {
    let mut elements = Vec::new();
    let mut rest = set.chars();
    while let Some(first) = rest.next() {
        let element = match first {
            '\\' => match rest.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'f' => '\u{c}',
                'v' => '\u{b}',
                'a' => '\u{7}',
                'b' => '\u{8}',
                '\\' => '\\',
                '-' => '-',
                digit @ '0'..='7' => octal(digit, &mut rest)?,
                // Others stand for themselves, or are told of.
                _ => return None,
            },
            plain => plain,
        };
        if !element.is_ascii() {
            return None;
        }
        elements.push((element, first == '\\'));
    }
    Some(elements)
}

/// Returns the character of up to three octal digits, of which `first` is one.
fn octal(first: char, rest: &mut std::str::Chars<'_>) -> Option<char> {
    let mut value = first.to_digit(8)?;
    for _ in 0..2 {
        let Some(digit) = rest.clone().next().and_then(|it| it.to_digit(8)) else {
            break;
        };
        rest.next();
        value = value * 8 + digit;
    }
    char::from_u32(value)
}

/// Returns `text` with its escapes replaced; `None` if what they make is no text.
pub(crate) fn escaped(text: &str, escapes: Escapes) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let [sign, after @ ..] = rest else {
            bytes.push(b'\\');
            break;
        };
        rest = after;
        let plain = match sign {
            b'a' => 7,
            b'b' => 8,
            b'e' | b'E' => 27,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' => b'\\',
            b'x' => digits(&mut rest, 16, 2)?,
            b'0' if escapes != Escapes::Printf => digits(&mut rest, 8, 3).unwrap_or_default(),
            b'1'..=b'7' if escapes == Escapes::Argument => return None,
            b'0'..=b'7' if escapes == Escapes::Printf => {
                rest = text.as_bytes().get(text.len() - rest.len() - 1..)?;
                digits(&mut rest, 8, 3)?
            }
            // What ends the output, and code points, are not followed.
            b'c' | b'u' | b'U' => return None,
            b'"' | b'\'' if escapes == Escapes::Printf => *sign,
            other => {
                bytes.push(b'\\');
                *other
            }
        };
        bytes.push(plain);
    }
    String::from_utf8(bytes).ok()
}

/// Takes up to `count` digits; `None` if there is none.
fn digits(rest: &mut &[u8], radix: u32, count: usize) -> Option<u8> {
    let mut value: Option<u32> = None;
    for _ in 0..count {
        let Some((digit, after)) = rest
            .split_first()
            .and_then(|(byte, after)| Some((char::from(*byte).to_digit(radix)?, after)))
        else {
            break;
        };
        *rest = after;
        value = Some(value.unwrap_or_default() * radix + digit);
    }
    u8::try_from(value? & 0xff).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, arguments: &[&str], text: &str, expected: Option<&str>) {
        let words: Vec<Word> = arguments
            .iter()
            .map(|argument| Word {
                parts: vec![aegis_types::WordPart::Literal((*argument).to_owned())],
                ..Word::default()
            })
            .collect();
        let found = decoder(name, &words).and_then(|decoder| decoder(text));
        assert_eq!(found.as_deref(), expected, "{name} {arguments:?}");
    }

    #[test]
    fn what_decoders_do_not_agree_on_is_not_followed() {
        check("base64", &["-d"], "Zm9vCg==YmFyCg==", None);
        check("tr", &["\u{e9}", "#\n"], "\u{e9} rm", None);
        check("tr", &["a", "b"], "\u{e9} a", None);
        check("tr", &["a\\x41", "bc"], "a", None);
        check("tr", &["a\\-z", "bcd"], "a-z", Some("bcd"));
        check("tr", &["a\\055z", "bcd"], "a-z", Some("bcd"));
        check("tr", &["a-c-", "1-3_"], "abc-", Some("123_"));
        check("tr", &["\\141\\n", "b "], "a\n", Some("b "));
        assert_eq!(escaped("\\162", Escapes::Argument), None);
        assert_eq!(escaped("\\0162", Escapes::Argument).as_deref(), Some("r"));
        assert_eq!(wide_base64("cgBt"), None);
    }

    #[test]
    fn filters_write_what_they_write() {
        check("base64", &["-d"], "cm0geA==\n", Some("rm x"));
        check("openssl", &["base64", "-d"], "cm0geA==\n", Some("rm x"));
        check("xxd", &["-r", "-p"], "726d 2078\n", Some("rm x"));
        check("rev", &[], "x mr\ny\n", Some("rm x\ny\n"));
        check("tr", &["a-z", "n-za-m"], "ez k", Some("rm x"));
        check("tr", &["-d", "\\n."], "r.m\n", Some("rm"));
        check("tr", &["A-Z", "[:lower:]"], "RM", Some("rm"));
    }

    #[test]
    fn other_filters_are_not_followed() {
        check("base64", &[], "rm", None);
        check("base64", &["-d", "file"], "cm0=", None);
        check("base64", &["-d"], "c*0=", None);
        check("xxd", &["-r"], "72", None);
        check("tr", &["-c", "a", "b"], "x", None);
        check("sort", &[], "x", None);
    }

    #[test]
    fn escapes_differ() {
        assert_eq!(
            escaped("\\162\\x6d\\n", Escapes::Printf).as_deref(),
            Some("rm\n")
        );
        assert_eq!(escaped("\\0162\\x6d", Escapes::Echo).as_deref(), Some("rm"));
        assert_eq!(escaped("\\162", Escapes::Echo).as_deref(), Some("\\162"));
        assert_eq!(escaped("a\\cb", Escapes::Echo), None);
    }
}
