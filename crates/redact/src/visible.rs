//! Text from strangers, made safe to look at.

use std::fmt::Write as _;

/// Returns `text` with every character that could mislead a reader shown as an
/// escape, cut to `chars_max` characters.
///
/// Shown as escapes are control characters (line ends and tabs as `\n` and
/// `\t`), characters that change the direction of text, and invisible ones. So
/// the text stays on its line, moves no cursor, and shows all there is of it.
/// What is cut is counted at the end.
#[must_use]
pub fn visible(text: &str, chars_max: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(chars_max.saturating_mul(2)));
    let mut left = chars_max;
    let mut rest = text.chars();
    while left > 0 {
        let Some(character) = rest.next() else {
            return shown;
        };
        push_visible(&mut shown, character);
        left -= 1;
    }
    let cut = rest.count();
    if cut > 0 {
        let _ = write!(shown, "… (+{cut} characters)");
    }
    shown
}

/// Appends `character`, as an escape if it could mislead a reader.
pub fn push_visible(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        hidden if is_hidden(hidden) => {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(hidden));
        }
        plain => shown.push(plain),
    }
}

/// Returns whether `character` is drawn as nothing, or changes how its
/// neighbours are drawn.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            u32::from(character),
            0x00AD // soft hyphen
                | 0x034F // combining grapheme joiner
                | 0x061C // Arabic letter mark
                | 0x115F..=0x1160 // Hangul fillers
                | 0x17B4..=0x17B5 // Khmer inherent vowels
                | 0x180B..=0x180F // Mongolian selectors
                | 0x200B..=0x200F // zero-width and direction marks
                | 0x2028..=0x202E // separators, embeddings, overrides
                | 0x2060..=0x206F // joiners, invisible operators, isolates
                | 0x2800 // blank Braille pattern
                | 0x3164 // Hangul filler
                | 0xE000..=0xF8FF // private use: whatever a font makes of it
                | 0xFE00..=0xFE0F // variation selectors
                | 0xFEFF // byte order mark
                | 0xFFA0 // half-width Hangul filler
                | 0xFFF0..=0xFFFC // specials
                | 0x1_BCA0..=0x1_BCA3 // shorthand format controls
                | 0x1_D173..=0x1_D17A // musical format controls
                | 0xE_0000..=0x10_FFFF // tags, further selectors, private use
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(visible(text, 40), expected);
    }

    #[test]
    fn plain_text_in_any_script_stays_as_it_is() {
        check(
            "git push — Grüße, 世界, שלום",
            "git push — Grüße, 世界, שלום",
        );
    }

    #[test]
    fn control_direction_and_invisible_characters_are_shown() {
        check("a\u{1b}[2Jb", "a\\u{1b}[2Jb");
        check("one\r\ntwo\tthree", "one\\r\\ntwo\\tthree");
        check("safe\u{202e}txt.exe", "safe\\u{202e}txt.exe");
        check("zero\u{200b}width\u{e0041}", "zero\\u{200b}width\\u{e0041}");
        check("\u{9b}31m", "\\u{9b}31m");
        check("icon\u{e0b0}", "icon\\u{e0b0}");
    }

    #[test]
    fn long_text_is_cut_and_says_by_how_much() {
        assert_eq!(visible("abcdef", 4), "abcd… (+2 characters)");
        assert_eq!(visible("abcd", 4), "abcd");
        assert_eq!(visible("", 0), "");
    }
}
