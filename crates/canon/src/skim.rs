//! Finding one member of canonical JSON without reading the rest.

use crate::scan::plain_length;

/// Returns the text of the member `key` of the object that `canonical` holds.
///
/// Nothing if there is no such member, or its value is no text or holds an
/// escape. Bytes that are not canonical give any answer, and never a panic.
pub fn member_text<'a>(canonical: &'a [u8], key: &str) -> Option<&'a str> {
    let mut depth = 0_usize;
    let mut at = 0;
    let mut is_found = false;
    loop {
        match canonical.get(at)? {
            byte if is_found && *byte != b'"' => return None,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b'"' => {
                let start = at + 1;
                let end = string_end(canonical, start)?;
                let text = canonical.get(start..end)?;
                if is_found {
                    let is_plain = !text.contains(&b'\\');
                    return std::str::from_utf8(text).ok().filter(|_| is_plain);
                }
                let is_key = canonical.get(end + 1) == Some(&b':');
                is_found = depth == 1 && is_key && text == key.as_bytes();
                at = end + usize::from(is_key);
            }
            _ => {}
        }
        at += 1;
    }
}

/// Returns where the string ends whose first character stands at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += plain_length(bytes.get(at..)?);
        match bytes.get(at)? {
            b'\\' => at += 2,
            _ => return Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(canonical: &str, expected: Option<&str>) {
        assert_eq!(
            member_text(canonical.as_bytes(), "k"),
            expected,
            "{canonical}"
        );
    }

    #[test]
    fn a_member_at_the_top_is_found_and_no_other() {
        check(r#"{"k":"x"}"#, Some("x"));
        check(
            r#"{"a":{"k":"no"},"b":["k","\"k\":"],"k":"yes","z":1}"#,
            Some("yes"),
        );
        check(r#"{"a":"k","b":"x"}"#, None);
        check(r#"{"k":1,"l":"x"}"#, None);
        check(r#"{"k":{"l":"x"}}"#, None);
        check(r#"{"k":"a\nb"}"#, None);
        check(r#"["k","x"]"#, None);
        check(r#"{"k":"x"#, None);
        check("}", None);
        check("", None);
    }
}
