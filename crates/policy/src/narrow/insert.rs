//! Writing rules into the text of a policy.

use super::NarrowRule;
use crate::parse::{Kind, NodeValue, Walker, detect, read_tree};

/// Why rules cannot be written into a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CannotInsert {
    /// It is no policy in the native spelling.
    #[error("it is no policy in the native spelling, `aegis: policy/v1`")]
    NotNative,
    /// Its rules do not stand one below the other.
    #[error("its rules do not stand one below the other")]
    Inline,
}

/// Returns the text of a policy with `rules` before its own.
///
/// Every other byte stays as it is. Whether the result is sound, only reading
/// it tells.
///
/// # Errors
///
/// [`CannotInsert`] when the text has no place for them.
pub fn with_rules(text: &str, rules: &[NarrowRule]) -> Result<String, CannotInsert> {
    if detect(text) != Some(Kind::NativePolicy) {
        return Err(CannotInsert::NotNative);
    }
    let mut walker = Walker::new(0, text);
    let root = read_tree(&mut walker).ok_or(CannotInsert::NotNative)?;
    let NodeValue::Map(entries) = root.value else {
        return Err(CannotInsert::NotNative);
    };
    if text.trim_start().starts_with('{') {
        return Err(CannotInsert::Inline);
    }
    let written = |indent: usize| -> String {
        let rules: String = rules.iter().map(|rule| rule.text(indent)).collect();
        match text.contains("\r\n") {
            true => rules.replace('\n', "\r\n"),
            false => rules,
        }
    };
    let Some(entry) = entries.iter().find(|entry| entry.key == "rules") else {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        return Ok(format!("{text}{end}rules:\n{}", written(2)));
    };
    let (before, after) = line_end(text, entry.key_span.end).ok_or(CannotInsert::Inline)?;
    let is_told = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let first = after.lines().find(is_told).ok_or(CannotInsert::Inline)?;
    let indent = first.len() - first.trim_start().len();
    if !first.trim_start().starts_with("- ") {
        return Err(CannotInsert::Inline);
    }
    Ok(format!("{before}{}{after}", written(indent)))
}

/// Returns the text up to the end of the line of `at`, and the rest.
fn line_end(text: &str, at: usize) -> Option<(&str, &str)> {
    let length = text.get(at..)?.find('\n')?;
    text.split_at_checked(at + length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule() -> NarrowRule {
        NarrowRule {
            id: "always-ls".to_owned(),
            about: vec![("shell", json!({"program": "ls", "words": []}))],
            matches: Vec::new(),
            misses: Vec::new(),
        }
    }

    const HEAD: &str = "aegis: policy/v1\nname: own\ndefault: ask\n";

    #[track_caller]
    fn check(rest: &str, expected: Result<&str, CannotInsert>) {
        let found = with_rules(&format!("{HEAD}{rest}"), &[rule()]);
        let expected = expected.map(|rest| format!("{HEAD}{rest}"));
        assert_eq!(found, expected);
    }

    const LS: &str = "- id: always-ls
    match:
      shell: {program: ls, words: []}
    verdict: allow
";

    #[test]
    fn rules_stand_before_the_others_and_all_else_stays() {
        let own = "  # The first.\n  - id: a # b\n    match: all\n    verdict: deny\n# end\n";
        check(
            &format!("rules:  # mine\n{own}"),
            Ok(&format!("rules:  # mine\n  {LS}{own}")),
        );
    }

    #[test]
    fn a_policy_without_rules_gets_some() {
        check(
            "mode: observe",
            Ok(&format!("mode: observe\nrules:\n  {LS}")),
        );
    }

    #[test]
    fn rules_in_brackets_are_left_alone() {
        check(
            "rules: [{id: a, match: all, verdict: deny}]\n",
            Err(CannotInsert::Inline),
        );
        let firewall = "policies:\n  - name: a\n";
        assert_eq!(
            with_rules(firewall, &[rule()]),
            Err(CannotInsert::NotNative)
        );
    }
}
