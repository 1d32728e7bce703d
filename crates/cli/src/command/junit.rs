//! Test results as the XML that build servers read.

use std::fmt::Write as _;

use crate::command::tested::{Tested, TestedCase};

/// Returns the results as a `JUnit` document.
pub(crate) fn document(all: &[Tested]) -> String {
    let tests: usize = all.iter().map(|one| one.cases.len()).sum();
    let failures: usize = all.iter().map(Tested::failed).sum();
    let errors = all.iter().filter(|one| !one.problems.is_empty()).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"aegis policy test\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">\n"
    );
    for one in all {
        suite(&mut out, one);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, one: &Tested) {
    let name = escaped(&one.name);
    let _ = writeln!(
        out,
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
        one.cases.len(),
        one.failed(),
        usize::from(!one.problems.is_empty())
    );
    if let Some(problem) = one.problems.first() {
        let _ = writeln!(
            out,
            "    <testcase classname=\"{name}\" name=\"file\">\n      <error message=\"{}\"/>\n    </testcase>",
            escaped(&problem.message)
        );
    }
    for case in &one.cases {
        testcase(out, &name, case);
    }
    out.push_str("  </testsuite>\n");
}

fn testcase(out: &mut String, suite: &str, case: &TestedCase) {
    let _ = write!(
        out,
        "    <testcase classname=\"{suite}\" name=\"{}\" file=\"{}\" line=\"{}\"",
        escaped(&case.title),
        escaped(&case.file),
        case.place.line
    );
    if case.holds() {
        out.push_str("/>\n");
        return;
    }
    let misses: Vec<String> = case
        .misses
        .iter()
        .map(|miss| {
            format!(
                "{}: {} expected, {} came",
                miss.what, miss.expected, miss.found
            )
        })
        .collect();
    let by = case.decided_by.iter().map(|it| format!("decided by {it}"));
    let lines: Vec<String> = std::iter::once(case.call.clone())
        .chain(by)
        .chain(case.help.clone())
        .collect();
    let _ = writeln!(
        out,
        ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
        escaped(&misses.join("; ")),
        escaped(&lines.join("\n"))
    );
}

/// Returns `text` as it may stand in XML, which knows no other control
/// characters than tab and line break.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ if letter.is_control() => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_leave_its_place_in_the_document() {
        assert_eq!(
            escaped("a<b>&\"c\"\u{1b}[0m\nd"),
            "a&lt;b&gt;&amp;&quot;c&quot;\u{fffd}[0m\nd"
        );
    }
}
