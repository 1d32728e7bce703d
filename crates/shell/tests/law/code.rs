//! The laws of code in other languages.

use aegis_shell::plan;

use super::{done, is_read, quoted, text};

/// Programs that run code, the option that gives it, and the word for standard input.
const LANGUAGES: [(&str, &str, &str); 6] = [
    ("python3", "-c", "-"),
    ("node", "-e", "-"),
    ("perl", "-e", "-"),
    ("ruby", "-e", "-"),
    ("php", "-r", "-"),
    ("bash", "-c", "-s"),
];

/// The end of a here-document that no code holds by chance.
const END: &str = "END_OF_CODE";

/// Asserts that all that code does as an argument it does in a here-document.
///
/// The first line of `input` is the name of a program, the others are the code.
pub fn laws(input: &str) {
    let Some((program, code)) = input.split_once('\n') else {
        return;
    };
    let language = LANGUAGES.iter().find(|(name, _, _)| *name == program);
    let Some((_, option, stdin)) = language else {
        return;
    };
    // How a shell is started shows in `$0` and its kin, a backslash at the end joins
    // a line only if there is one, and an argument may be another option.
    let differs = code.contains('$') || code.ends_with('\\') || code.starts_with(['-', '+']);
    if code.contains(END) || program == "bash" && differs {
        return;
    }
    let argument = format!("{program} {option} {}", quoted(code));
    let document = format!("{program} {stdin} <<'{END}'\n{code}\n{END}\n");
    for text in [&argument, &document] {
        text::whatever_is_listed_can_be_looked_at(text);
        text::effects_are_bounded_and_equal(text);
    }
    let (argued, read) = (plan(&argument), plan(&document));
    // The line that ends a document closes a comment of a shell, but no quote.
    if !is_read(&argued) {
        return;
    }
    let (argued, read) = (done(&argued), done(&read));
    let lost: Vec<_> = argued.difference(&read).collect();
    assert!(lost.is_empty(), "{document} loses {lost:?}");
    // Quotes within leave one place for all of an argument, which hides nothing.
    if program == "bash" {
        let lost: Vec<_> = read.difference(&argued).collect();
        assert!(lost.is_empty(), "{argument} loses {lost:?}");
    }
}
