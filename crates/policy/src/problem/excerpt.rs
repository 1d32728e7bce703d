//! Text of others, made safe to show.

use aegis_redact::push_visible;

/// Returns `text` with what is invisible or moves other text written as an
/// escape, cut after `characters_max` characters.
pub(crate) fn shown(text: &str, characters_max: usize) -> String {
    let mut shown = String::with_capacity(text.len());
    for (count, character) in text.chars().enumerate() {
        if count == characters_max {
            shown.push('…');
            break;
        }
        push_visible(&mut shown, character);
    }
    shown
}

/// Returns how many columns of a terminal `character` takes.
pub(crate) fn width(character: char) -> usize {
    match u32::from(character) {
        0x300..=0x36f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0x33ff
        | 0x3400..=0x4dbf
        | 0x4e00..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Returns how many columns `text` takes.
pub(crate) fn text_width(text: &str) -> usize {
    text.chars().map(width).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_escaped_and_what_can_is_not() {
        assert_eq!(
            shown("a\u{202e}b\u{1b}[0m\n", 60),
            "a\\u{202e}b\\u{1b}[0m\\n"
        );
        assert_eq!(shown("zero\u{200b}width", 60), "zero\\u{200b}width");
        assert_eq!(shown("grün 猫 e\u{301}", 60), "grün 猫 e\u{301}");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(shown("abcdef", 3), "abc…");
        assert_eq!(shown("abc", 3), "abc");
    }

    #[test]
    fn wide_characters_take_two_columns_and_combining_ones_none() {
        assert_eq!(text_width("猫a"), 3);
        assert_eq!(text_width("e\u{301}"), 1);
    }
}
