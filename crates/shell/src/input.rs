//! Names of files that stand for what a process has open already.

use aegis_types::Word;

/// Returns whether a word stands for standard input: `-`, or a name of the system for it.
pub(crate) fn is_input(word: &Word) -> bool {
    word.literal()
        .is_some_and(|text| text == "-" || descriptor(&text) == Some("0"))
}

/// Returns whether a word stands for anything that the process has open.
pub(crate) fn is_open(word: &Word) -> bool {
    word.literal()
        .is_some_and(|text| descriptor(&text).is_some())
}

/// Returns the number of the descriptor that a path stands for.
pub(crate) fn descriptor(path: &str) -> Option<&str> {
    if !path.starts_with('/') {
        return None;
    }
    let mut steps = path.split('/').filter(|step| !matches!(*step, "" | "."));
    let found = match (steps.next()?, steps.next()?) {
        ("dev", "stdin") => "0",
        ("dev", "stdout") => "1",
        ("dev", "stderr") => "2",
        ("dev", "fd") => steps.next()?,
        ("proc", _) => {
            let last: Vec<&str> = steps.collect();
            return match last.as_slice() {
                ["fd", number] | ["task", _, "fd", number] => Some(number),
                _ => None,
            };
        }
        _ => return None,
    };
    steps.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_descriptor_is_known() {
        for (path, expected) in [
            ("/dev/stdin", Some("0")),
            ("//dev/./stdin", Some("0")),
            ("/dev/fd/0", Some("0")),
            ("/dev/fd/63", Some("63")),
            ("/proc/self/fd/0", Some("0")),
            ("/proc/thread-self/fd/3", Some("3")),
            ("/proc/17/task/17/fd/0", Some("0")),
            ("/dev/stderr", Some("2")),
            ("/dev/null", None),
            ("dev/stdin", None),
            ("/proc/self/environ", None),
            ("/dev/fd", None),
        ] {
            assert_eq!(descriptor(path), expected, "{path}");
        }
    }
}
