//! What went wrong, for people.

use std::error::Error;

/// Returns what went wrong with every cause behind it, on one line.
///
/// A cause that only says again what it caused is left out.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut text = said.clone();
    let mut cause = error.source();
    while let Some(behind) = cause {
        let says = behind.to_string();
        if !says.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&says);
            said = says;
        }
        cause = behind.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Failed(&'static str, #[source] Option<Box<Failed>>);

    #[test]
    fn causes_stand_behind_what_they_caused_and_are_said_once() {
        let deepest = Failed("no room", None);
        let again = Failed("error 13: disk full", Some(Box::new(deepest)));
        let first = Failed("disk full", Some(Box::new(again)));
        let error = Failed("cannot write", Some(Box::new(first)));
        assert_eq!(with_causes(&error), "cannot write: disk full: no room");
    }
}
