//! Names that stand apart from their values.

use crate::key_name::{KeyName, classify};

/// How far before its value a name may stand.
const NAME_WITHIN: usize = 160;

/// How far before the end of its closing tag an element may start.
const ELEMENT_WITHIN: usize = 1024;

/// Returns the class of the name whose value has the key at `key_start`:
/// `- name: DB_PASSWORD`, then `value: …`; or `<add key="…" value="…"/>`.
pub(crate) fn name_before(text: &str, key_start: usize) -> Option<(&str, KeyName)> {
    let from = text.floor_char_boundary(key_start.saturating_sub(NAME_WITHIN));
    let before = text.get(from..key_start)?;
    let before = before.trim_end_matches([' ', '\t', '\r', '\n', ',', '"', '\'', '\\', '-']);
    let start = before
        .bytes()
        .rposition(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')))
        .map_or(0, |at| at + 1);
    let name = before.get(start..)?;
    let before = before
        .get(..start)?
        .trim_end_matches([' ', '\t', '"', '\'', '\\']);
    let before = before.strip_suffix([':', '='])?;
    let before = before.trim_end_matches([' ', '\t', '"', '\'', '\\']);
    let is_name = ["name", "Name", "key", "Key", "NAME", "KEY"]
        .iter()
        .any(|word| before.ends_with(word));
    let class = classify(name).filter(|class| *class != KeyName::Doubtful)?;
    is_name.then_some((name, class))
}

/// Returns the name of the XML element whose closing tag closes at `closing`,
/// and where its text starts and ends.
pub(crate) fn element(text: &str, closing: usize) -> Option<(&str, usize, usize)> {
    let from = text.floor_char_boundary(closing.saturating_sub(ELEMENT_WITHIN));
    let before = text.get(from..closing)?;
    let end = before.rfind("</")?;
    let name = before.get(end + 2..)?.rsplit(':').next()?;
    let start = before.get(..end)?.rfind('>')? + 1;
    Some((name, from + start, from + end))
}
