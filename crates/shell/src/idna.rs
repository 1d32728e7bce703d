//! The form in which the names of hosts are looked up: ASCII, in lower case.
//!
//! A name in other letters is looked up in Punycode. What readers of names make
//! of some letters differs or takes large tables to tell: those are not guessed.

use std::borrow::Cow;

/// Ranges of letters that every reader of names keeps, or turns into lower case.
///
/// Left out are letters with a compatible form (`ﬁ`, `ⅷ`, full-width digits),
/// those on which versions of the standard differ (`ß`, `ς`) and all marks that
/// combine with the letter before.
const PLAIN: [(char, char); 25] = [
    ('À', 'Ö'),
    ('Ø', 'Þ'),
    ('à', 'ö'),
    ('ø', 'ÿ'),
    ('Ā', 'į'),
    ('ı', 'ı'),
    ('Ĵ', 'ľ'),
    ('Ł', 'ň'),
    ('Ŋ', 'ž'),
    ('Ạ', 'ỹ'),
    ('Ά', 'Ά'),
    ('Έ', 'Ρ'),
    ('Σ', 'ρ'),
    ('σ', 'ώ'),
    ('Ѐ', 'ҁ'),
    ('Ҋ', 'ԯ'),
    ('א', 'ת'),
    ('ء', 'غ'),
    ('ف', 'ي'),
    ('ぁ', 'ゖ'),
    ('ァ', 'ヺ'),
    ('ー', 'ー'),
    ('㐀', '䶿'),
    ('一', '鿿'),
    ('가', '힣'),
];

/// The longest label that is encoded.
const LABEL_CHARS_MAX: usize = 63;

/// Returns the form in which `host` is looked up: in lower case, and in Punycode
/// (RFC 3492) where it has letters outside ASCII; nothing if that cannot be told.
#[must_use]
pub fn ascii_host(host: &str) -> Option<String> {
    if host.is_ascii() {
        return Some(host.to_ascii_lowercase());
    }
    let labels = host.split('.').map(|label| {
        if label.is_ascii() {
            return Some(Cow::Owned(label.to_ascii_lowercase()));
        }
        let lower: Vec<char> = label.chars().map(lower).collect::<Option<_>>()?;
        (lower.len() <= LABEL_CHARS_MAX)
            .then(|| encode(&lower))
            .flatten()
            .map(|code| Cow::Owned(format!("xn--{code}")))
    });
    let labels: Vec<Cow<'_, str>> = labels.collect::<Option<_>>()?;
    Some(labels.join("."))
}

/// Returns `host` with the ASCII letters, digits and points that full-width and
/// circled ones stand for.
///
/// Programs that speak to hosts read them so; who writes a policy should not.
#[must_use]
pub fn plain_host(host: &str) -> String {
    host.chars().map(plain).collect()
}

/// Returns the ASCII character that every reader of names takes a full-width or
/// circled one for, and the point that it takes an ideographic full stop for.
fn plain(character: char) -> char {
    let code = u32::from(character);
    let of = |first: u32, start: char| char::from_u32(code - first + u32::from(start));
    let found = match code {
        0x3002 | 0xff0e | 0xff61 => Some('.'),
        0xff01..=0xff5e => of(0xff01, '!'),
        0x2460..=0x2468 => of(0x2460, '1'),
        0x24ea => Some('0'),
        0x24b6..=0x24cf => of(0x24b6, 'a'),
        0x24d0..=0x24e9 => of(0x24d0, 'a'),
        0x2080..=0x2089 => of(0x2080, '0'),
        0x2074..=0x2079 => of(0x2074, '4'),
        0x2070 => Some('0'),
        0xb9 => Some('1'),
        0xb2 | 0xb3 => of(0xb2, '2'),
        // Digits of mathematics, in five styles.
        0x1d7ce..=0x1d7ff => char::from_digit((code - 0x1d7ce) % 10, 10),
        _ => None,
    };
    found.unwrap_or(character)
}

fn lower(character: char) -> Option<char> {
    if character.is_ascii() {
        return Some(character.to_ascii_lowercase());
    }
    let is_plain = PLAIN
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&character));
    let mut lower = character.to_lowercase();
    let first = lower.next().filter(|_| is_plain)?;
    lower.next().is_none().then_some(first)
}

/// The parameters of Punycode (RFC 3492).
const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const INITIAL_BIAS: u32 = 72;
const INITIAL_N: u32 = 128;

/// Returns a label in Punycode.
fn encode(label: &[char]) -> Option<String> {
    let mut code: String = label.iter().filter(|it| it.is_ascii()).collect();
    let basic = u32::try_from(code.len()).ok()?;
    let all = u32::try_from(label.len()).ok()?;
    if basic > 0 {
        code.push('-');
    }
    let (mut n, mut delta, mut bias, mut handled) = (INITIAL_N, 0_u32, INITIAL_BIAS, basic);
    while handled < all {
        let next = label.iter().map(|it| u32::from(*it)).filter(|it| *it >= n);
        let next = next.min()?;
        delta = delta.checked_add((next - n).checked_mul(handled + 1)?)?;
        n = next;
        for character in label.iter().map(|it| u32::from(*it)) {
            if character < n {
                delta = delta.checked_add(1)?;
            }
            if character == n {
                push_number(delta, bias, &mut code)?;
                bias = adapt(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.checked_add(1)?;
        n += 1;
    }
    Some(code)
}

fn push_number(number: u32, bias: u32, code: &mut String) -> Option<()> {
    let mut rest = number;
    let mut place = BASE;
    loop {
        let threshold = place.saturating_sub(bias).clamp(T_MIN, T_MAX);
        if rest < threshold {
            break;
        }
        let digit = threshold + (rest - threshold) % (BASE - threshold);
        code.push(digit_of(digit)?);
        rest = (rest - threshold) / (BASE - threshold);
        place += BASE;
    }
    code.push(digit_of(rest)?);
    Some(())
}

/// Returns a digit of Punycode: a letter, or a number after those.
fn digit_of(value: u32) -> Option<char> {
    match value {
        0..26 => char::from_u32(u32::from('a') + value),
        26..36 => char::from_u32(u32::from('0') + value - 26),
        _ => None,
    }
}

const fn adapt(delta: u32, count: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / DAMP } else { delta / 2 };
    delta += delta / count;
    let mut place = 0;
    while delta > ((BASE - T_MIN) * T_MAX) / 2 {
        delta /= BASE - T_MIN;
        place += BASE;
    }
    place + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_in_lower_case_and_in_punycode() {
        for (name, code) in [
            ("Example.ORG", "example.org"),
            ("münchen.de", "xn--mnchen-3ya.de"),
            ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("пример", "xn--e1afmkfd"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("한국", "xn--3e0b707e"),
            ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
        ] {
            assert_eq!(ascii_host(name).as_deref(), Some(code), "{name}");
        }
    }

    #[test]
    fn full_width_and_circled_letters_are_plain_ones() {
        for (host, plain) in [
            ("①②⑦.0.0.1", "127.0.0.1"),
            ("ｅvil。org", "evil.org"),
            ("１２７．０．０．𝟙", "127.0.0.1"),
            ("bücher.example", "bücher.example"),
        ] {
            assert_eq!(plain_host(host), plain);
        }
    }

    #[test]
    fn letters_that_readers_of_names_do_not_agree_on_are_not_guessed() {
        for name in [
            "faß.de",
            "①②⑦.0.0.1",
            "ｅvil.org",
            "evil。org",
            "u\u{308}.de",
            "ex\u{200b}ample.org",
            "a\u{202e}b.org",
            "İ.org",
            "😀.org",
        ] {
            assert_eq!(ascii_host(name), None, "{name}");
        }
    }
}
