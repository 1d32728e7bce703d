//! What is called with constants, and gives one.

use super::Tongue;
use super::fold::{At, Given, Made};
use super::token::Token;
use crate::decode;

/// How many constants one list may have.
const ITEMS_MAX: usize = 4_096;

/// Returns what a call with constants gives, and how many tokens it takes.
pub(super) fn made(at: At<'_, '_>, given: &Given) -> Option<(Made, usize)> {
    match at.rest.first()? {
        Token::Name { .. } => by_name(at, given),
        Token::Text(text) => of_text(at, text),
        Token::Sign('[') => of_list(at),
        Token::Line(_) | Token::Sign(_) => None,
    }
}

/// Returns whether a name turns numbers into letters.
pub(super) fn makes_letters(token: &Token<'_>) -> bool {
    matches!(
        token,
        Token::Name {
            name: "chr"
                | "fromCharCode"
                | "fromCodePoint"
                | "bytes"
                | "bytearray"
                | "pack"
                | "Buffer",
            ..
        } | Token::Name {
            owner: "Buffer",
            ..
        }
    )
}

/// Returns the text that numbers are the letters of: `(46, 101)` or `[46, 101]`.
pub(super) fn letters(at: At<'_, '_>) -> Option<(Made, usize)> {
    let close = match at.rest.first()? {
        Token::Sign('[') => ']',
        Token::Sign('(') => ')',
        Token::Name { .. } | Token::Text(_) | Token::Line(_) | Token::Sign(_) => return None,
    };
    let mut text = String::new();
    let mut index = 1;
    while text.len() < ITEMS_MAX {
        let (number, length) = number(at.rest.get(index..)?)?;
        let letter = char::from_u32(number).filter(|it| !it.is_control() || it.is_whitespace())?;
        text.push(letter);
        index += length;
        match at.rest.get(index)? {
            Token::Sign(',') => index += 1,
            Token::Sign(sign) if *sign == close => break,
            Token::Name { .. } | Token::Text(_) | Token::Line(_) | Token::Sign(_) => return None,
        }
    }
    let is_list = close == ']';
    // A single number is no list of letters, but what `chr` is called with.
    let is_meant = text.chars().count() > 1 || !is_list && at.before.is_some_and(makes_letters);
    let made = if is_list {
        Made::Text(text)
    } else {
        Made::Code(format!("({text:?})"))
    };
    is_meant.then_some((made, index + 1))
}

/// Reads a number, whose digits are a token each.
fn number(tokens: &[Token<'_>]) -> Option<(u32, usize)> {
    if let [Token::Sign('0'), Token::Name { name, owner: "" }, ..] = tokens {
        let digits = name.strip_prefix(['x', 'X'])?;
        return Some((u32::from_str_radix(digits, 16).ok()?, 2));
    }
    let mut number = 0_u32;
    let mut length = 0;
    while let Some(Token::Sign(sign)) = tokens.get(length)
        && let Some(digit) = sign.to_digit(10)
    {
        number = number.checked_mul(10)?.checked_add(digit)?;
        length += 1;
    }
    (length > 0).then_some((number, length))
}

/// Returns the texts between two signs, and how many tokens those take.
fn texts<'t>(tokens: &'t [Token<'_>], open: char, close: char) -> Option<(Vec<&'t str>, usize)> {
    if !matches!(tokens.first(), Some(Token::Sign(sign)) if *sign == open) {
        return None;
    }
    let mut texts = Vec::new();
    for (index, token) in tokens.iter().enumerate().skip(1).take(ITEMS_MAX) {
        match token {
            Token::Text(text) => texts.push(text.as_str()),
            Token::Sign(sign) if *sign == close => return Some((texts, index + 1)),
            Token::Sign(',') => {}
            // A list among what something is called with.
            Token::Sign('[' | ']') if open == '(' => {}
            Token::Name { .. } | Token::Line(_) | Token::Sign(_) => return None,
        }
    }
    None
}

/// Returns what is called with these tokens: in parentheses, or in Perl without.
fn called<'t>(rest: &'t [Token<'_>], tongue: Tongue) -> Option<(Vec<&'t str>, usize)> {
    if let Some(found) = texts(rest, '(', ')') {
        return Some(found);
    }
    if !matches!(tongue, Tongue::Perl | Tongue::Ruby) {
        return None;
    }
    let mut texts = Vec::new();
    let mut index = 0;
    while let Some(Token::Text(text)) = rest.get(index) {
        texts.push(text.as_str());
        index += 1;
        if !matches!(rest.get(index), Some(Token::Sign(','))) {
            break;
        }
        index += 1;
    }
    (!texts.is_empty()).then_some((texts, index))
}

fn by_name(at: At<'_, '_>, given: &Given) -> Option<(Made, usize)> {
    let [Token::Name { name, owner }, rest @ ..] = at.rest else {
        return None;
    };
    if let Some(found) = environment(name, owner, rest, given) {
        return Some(found);
    }
    if at.tongue == Tongue::Python
        && let [Token::Text(text), ..] = rest
        && matches!(
            name.to_ascii_lowercase().as_str(),
            "b" | "f" | "r" | "u" | "rb" | "br" | "rf" | "fr"
        )
    {
        return Some((Made::Text(text.clone()), 2));
    }
    if *name == "getattr"
        && let [
            Token::Sign('('),
            Token::Name {
                name: object,
                owner: "",
            },
            Token::Sign(','),
            Token::Text(text),
            Token::Sign(')'),
            ..,
        ] = rest
        && is_name(text)
    {
        return Some((Made::Code(format!("{object}.{text}")), 6));
    }
    let is_map = matches!(
        *name,
        "map" | "str" | "String" | "chr" | "expanduser" | "expand_path"
    );
    if let Some(text) = mapped(rest).filter(|_| *name == "map") {
        return Some((Made::Text(text.to_owned()), 6));
    }
    let (texts, length) = called(rest, at.tongue)?;
    let text = match texts.as_slice() {
        [text] if is_map => (*text).to_owned(),
        texts => given_by(name, owner, texts)?,
    };
    Some((Made::Text(text), length + 1))
}

/// Returns the text that `name`, a part of `owner`, makes of texts.
fn given_by(name: &str, owner: &str, texts: &[&str]) -> Option<String> {
    let last = owner.rsplit(['.', ':', '>']).next().unwrap_or_default();
    Some(match (name, texts) {
        ("fromCharCode" | "fromCodePoint" | "bytes" | "bytearray", [text, ..]) => {
            (*text).to_owned()
        }
        (
            "b64decode" | "urlsafe_b64decode" | "decode64" | "base64_decode" | "atob"
            | "decode_base64",
            [text],
        ) => decode::base64(text)?,
        ("fromhex" | "unhexlify" | "hex2bin" | "a2b_hex", [text]) => decode::hexadecimal(text)?,
        ("from", [text, "base64"]) if last == "Buffer" => decode::base64(text)?,
        ("from", [text, "hex"]) if last == "Buffer" => decode::hexadecimal(text)?,
        ("from", [text, ..]) if last == "Buffer" => (*text).to_owned(),
        ("pack", ["H*", text]) => decode::hexadecimal(text)?,
        ("pack", ["C*" | "c*" | "U*" | "A*", text]) => (*text).to_owned(),
        ("decode", [text, coding]) if last == "codecs" => decoded(text, coding)?,
        ("str_rot13", [text]) => rotated(text),
        ("strrev" | "reverse", [text]) => text.chars().rev().collect(),
        ("join", [first, rest @ ..]) if is_path_owner(last) => rest
            .iter()
            .fold((*first).to_owned(), |path, step| format!("{path}/{step}")),
        ("join" | "implode", [between, items @ ..]) if owner.is_empty() && !items.is_empty() => {
            items.join(between)
        }
        ("sprintf", [format, items @ ..]) => filled(format, "%s", items),
        _ => return None,
    })
}

/// Returns the text in `(chr, text)`, whose letters were numbers.
fn mapped<'t>(rest: &'t [Token<'_>]) -> Option<&'t str> {
    match rest {
        [
            Token::Sign('('),
            Token::Name { name: "chr", .. },
            Token::Sign(','),
            Token::Text(text),
            Token::Sign(')'),
            ..,
        ] => Some(text),
        _ => None,
    }
}

fn is_path_owner(owner: &str) -> bool {
    matches!(owner, "path" | "File" | "posixpath" | "ntpath")
}

/// Returns the text of a variable of the environment; a home folder is `~`.
fn environment(
    name: &str,
    owner: &str,
    rest: &[Token<'_>],
    given: &Given,
) -> Option<(Made, usize)> {
    let last = owner.rsplit(['.', ':', '>']).next().unwrap_or_default();
    let is_home = matches!((name, last), ("home", "Path" | "Dir") | ("homedir", _));
    if is_home {
        let length = if matches!(rest, [Token::Sign('('), Token::Sign(')'), ..]) {
            3
        } else {
            1
        };
        return Some((Made::Text("~".to_owned()), length));
    }
    if last == "env" && owner.starts_with("process") {
        return variable(name, given).map(|text| (Made::Text(text), 1));
    }
    let holds = matches!(
        name,
        "environ" | "environb" | "ENV" | "$ENV" | "ENVIRON" | "$_ENV" | "$_SERVER"
    ) || name == "env" && last == "process";
    let asks =
        matches!(name, "getenv") || matches!((name, last), ("get", "environ") | ("fetch", "ENV"));
    let (variable_name, length) = match rest {
        [Token::Sign('['), Token::Text(text), Token::Sign(']'), ..] if holds => (text.as_str(), 4),
        [Token::Sign('{'), Token::Text(text), Token::Sign('}'), ..] if holds => (text.as_str(), 4),
        [
            Token::Sign('{'),
            Token::Name { name, .. },
            Token::Sign('}'),
            ..,
        ] if holds => (*name, 4),
        [Token::Sign('('), Token::Text(text), Token::Sign(')'), ..] if asks => (text.as_str(), 4),
        _ => return None,
    };
    variable(variable_name, given).map(|text| (Made::Text(text), length))
}

fn variable(name: &str, given: &Given) -> Option<String> {
    let home = || matches!(name, "HOME" | "USERPROFILE").then(|| "~".to_owned());
    given.get(name).cloned().or_else(home)
}

/// Returns what is made of a text by what follows it.
fn of_text(at: At<'_, '_>, text: &str) -> Option<(Made, usize)> {
    let rest = at.rest.get(1..)?;
    match rest {
        [Token::Sign('('), ..] if at.tongue == Tongue::Php && is_name(text) => {
            return Some((Made::Code(text.to_owned()), 1));
        }
        [
            Token::Sign('['),
            Token::Sign(':'),
            Token::Sign(':'),
            Token::Sign('-'),
            Token::Sign('1'),
            Token::Sign(']'),
            ..,
        ] => {
            return Some((Made::Text(text.chars().rev().collect()), 7));
        }
        [Token::Sign('%'), Token::Text(item), ..] if text.contains("%s") => {
            return Some((Made::Text(filled(text, "%s", &[item])), 3));
        }
        [Token::Sign('%'), items @ ..] if text.contains("%s") => {
            let (items, length) = texts(items, '(', ')')?;
            return Some((Made::Text(filled(text, "%s", &items)), length + 2));
        }
        // What is joined is letters already.
        [Token::Sign('.'), Token::Name { name: "map", .. }, more @ ..] => {
            return Some((Made::Text(text.to_owned()), 3 + closed(more)?));
        }
        _ => {}
    }
    let [Token::Sign('.'), Token::Name { name, owner: "" }, more @ ..] = rest else {
        return None;
    };
    if *name == "reverse" && at.tongue == Tongue::Ruby {
        return Some((Made::Text(text.chars().rev().collect()), 3));
    }
    if *name == "join"
        && let Some((items, length)) = list_in_parentheses(more)
    {
        return Some((Made::Text(items.join(text)), length + 3));
    }
    if *name == "join"
        && let [Token::Sign('('), Token::Text(item), Token::Sign(')'), ..] = more
    {
        let letters: Vec<String> = item.chars().map(String::from).collect();
        return Some((Made::Text(letters.join(text)), 6));
    }
    if *name == "join"
        && let Some((item, length)) = letters_of_each(more)
    {
        return Some((Made::Text(item.to_owned()), length + 3));
    }
    let (items, length) = texts(more, '(', ')')?;
    let made = match (*name, items.as_slice()) {
        ("decode" | "encode" | "toString" | "strip" | "trim" | "expanduser" | "resolve", _) => {
            text.to_owned()
        }
        ("concat", items) => format!("{text}{}", items.concat()),
        ("format", items) => filled(text, "{}", items),
        ("replace" | "replaceAll" | "gsub" | "sub", [from, to]) if !from.is_empty() => {
            text.replace(from, to)
        }
        ("unpack1", ["m" | "m0"]) => decode::base64(text)?,
        ("unpack1", ["H*"]) => decode::hexadecimal(text)?,
        _ => return None,
    };
    Some((Made::Text(made), length + 3))
}

/// Returns the texts of `([text, …])` or `((text, …))`.
fn list_in_parentheses<'t>(rest: &'t [Token<'_>]) -> Option<(Vec<&'t str>, usize)> {
    let [Token::Sign('('), inner @ ..] = rest else {
        return None;
    };
    let (items, length) = texts(inner, '[', ']').or_else(|| texts(inner, '(', ')'))?;
    let is_closed = matches!(inner.get(length), Some(Token::Sign(')')));
    is_closed.then_some((items, length + 2))
}

/// Returns the text in `(chr(c) for c in text)`, whose letters were numbers.
fn letters_of_each<'t>(rest: &'t [Token<'_>]) -> Option<(&'t str, usize)> {
    let [Token::Sign('('), inner @ ..] = rest else {
        return None;
    };
    let inner = match inner {
        [Token::Sign('['), inner @ ..] => inner,
        inner => inner,
    };
    let shift = rest.len() - inner.len();
    match inner {
        [
            Token::Name { name: "chr", .. },
            Token::Sign('('),
            Token::Name { .. },
            Token::Sign(')'),
            Token::Name { name: "for", .. },
            Token::Name { .. },
            Token::Name { name: "in", .. },
            Token::Text(text),
            ..,
        ] => Some((text, shift + 8 + shift)),
        _ => None,
    }
}

/// Returns what is made of a list of texts: one text, or the name of what is called.
fn of_list(at: At<'_, '_>) -> Option<(Made, usize)> {
    let (items, length) = texts(at.rest, '[', ']')?;
    let rest = at.rest.get(length..)?;
    if let ([name], [Token::Sign('('), ..]) = (items.as_slice(), rest) {
        let is_member =
            super::fold::is_called(at.before) && !matches!(at.before, Some(Token::Text(_)));
        return (is_member && is_name(name)).then(|| (Made::Code(format!(".{name}")), length));
    }
    let [
        Token::Sign('.'),
        Token::Name {
            name: "join",
            owner: "",
        },
        more @ ..,
    ] = rest
    else {
        return None;
    };
    let (between, taken) = match texts(more, '(', ')') {
        Some((between, taken)) => (between.first().copied(), taken),
        None => (None, 0),
    };
    let is_script = at.tongue == Tongue::Script;
    let between = between.unwrap_or(if is_script { "," } else { "" });
    Some((Made::Text(items.join(between)), length + 2 + taken))
}

/// Returns how many tokens stand in parentheses, with these.
fn closed(tokens: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0_u32;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(' | '{' | '[') => depth += 1,
            Token::Sign(')' | '}' | ']') => depth = depth.checked_sub(1)?,
            Token::Name { .. } | Token::Text(_) | Token::Line(_) | Token::Sign(_) => {}
        }
        if depth == 0 {
            return (index > 0).then_some(index + 1);
        }
    }
    None
}

fn decoded(text: &str, coding: &str) -> Option<String> {
    match coding {
        "rot13" | "rot_13" => Some(rotated(text)),
        "base64" | "base64_codec" => decode::base64(text),
        "hex" | "hex_codec" => decode::hexadecimal(text),
        _ => None,
    }
}

fn rotated(text: &str) -> String {
    let turn = |letter: char, first: u8| {
        let place = u8::try_from(letter).unwrap_or(first).wrapping_sub(first);
        char::from(first + (place + 13) % 26)
    };
    text.chars()
        .map(|letter| match letter {
            'a'..='z' => turn(letter, b'a'),
            'A'..='Z' => turn(letter, b'A'),
            _ => letter,
        })
        .collect()
}

/// Returns `format` with each `mark` replaced by the next of `items`.
fn filled(format: &str, mark: &str, items: &[&str]) -> String {
    let mut items = items.iter();
    let mut filled = String::new();
    let mut pieces = format.split(mark);
    filled.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        filled.push_str(items.next().unwrap_or(&""));
        filled.push_str(piece);
    }
    filled
}

fn is_name(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    !text.is_empty()
        && text.chars().all(is_letter)
        && !text.starts_with(|it: char| it.is_ascii_digit())
}
