//! Writing what a finding suggests.

use crate::problem::Problem;

/// Returns the text with every safe suggestion made, and how many those are;
/// nothing if there is none.
///
/// All but the suggested bytes stays as it is. Of suggestions that touch each
/// other, the first is made.
#[must_use]
pub fn fixed(text: &str, findings: &[Problem]) -> Option<(String, usize)> {
    let mut safe: Vec<_> = findings
        .iter()
        .filter_map(|finding| finding.suggestion.as_ref())
        .filter(|it| it.is_safe)
        .collect();
    safe.sort_by_key(|it| (it.span.start, it.span.end));
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    let mut made = 0;
    for suggestion in safe {
        if suggestion.span.start < done {
            continue;
        }
        out.push_str(text.get(done..suggestion.span.start)?);
        out.push_str(&suggestion.replacement);
        done = suggestion.span.end;
        made += 1;
    }
    out.push_str(text.get(done..)?);
    (made > 0).then_some((out, made))
}
