//! Reads the options of a program from its arguments.

use aegis_types::{Word, WordPart};

/// Which options of a program take a value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spec {
    /// The letters whose value follows them, in the same word or the next.
    pub(crate) short: &'static str,
    /// The long names, without dashes, whose value follows `=` or in the next word.
    pub(crate) long: &'static [&'static str],
    /// Whether options end at the first operand, as for programs that run another one.
    pub(crate) ends_at_operand: bool,
}

/// An option that is given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Given {
    /// The letter, or the long name without its dashes.
    pub(crate) name: String,
    /// The value, if it has one.
    pub(crate) value: Option<Word>,
}

/// The arguments of a program, told apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments<'w> {
    /// The options, in order.
    pub(crate) options: Vec<Given>,
    /// What is no option, in order.
    pub(crate) operands: Vec<&'w Word>,
}

impl Arguments<'_> {
    /// Returns whether one of the options `names` is given.
    pub(crate) fn has(&self, names: &[&str]) -> bool {
        self.options
            .iter()
            .any(|option| names.contains(&option.name.as_str()))
    }

    /// Returns the values of the options `names`.
    pub(crate) fn values<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a Word> {
        self.options
            .iter()
            .filter(|option| names.contains(&option.name.as_str()))
            .filter_map(|option| option.value.as_ref())
    }
}

/// Tells options and operands apart.
pub(crate) fn read<'w>(words: &'w [Word], spec: &Spec) -> Arguments<'w> {
    read_signed(words, spec, &['-'])
}

/// Tells options and operands apart where options begin with one of `signs`, as
/// those of shells do with `-` and `+`.
pub(crate) fn read_signed<'w>(words: &'w [Word], spec: &Spec, signs: &[char]) -> Arguments<'w> {
    let mut arguments = Arguments::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = first_text(word);
        if let Some(long) = text.strip_prefix("--") {
            if long.is_empty() && word.parts.len() == 1 {
                arguments.operands.extend(rest);
                return arguments;
            }
            let given = long_option(word, long, spec, &mut rest);
            arguments.options.push(given);
        } else if text.len() > 1 && text.starts_with(signs) {
            short_options(word, text, spec, &mut rest, &mut arguments.options);
        } else {
            arguments.operands.push(word);
            if spec.ends_at_operand {
                arguments.operands.extend(rest);
                return arguments;
            }
        }
    }
    arguments
}

fn long_option<'w>(
    word: &Word,
    long: &str,
    spec: &Spec,
    rest: &mut impl Iterator<Item = &'w Word>,
) -> Given {
    match long.split_once('=') {
        Some((name, value)) => Given {
            name: name.to_owned(),
            value: Some(without_start(word, first_text(word).len() - value.len())),
        },
        None => Given {
            name: long.to_owned(),
            value: if spec.long.contains(&long) {
                rest.next().cloned()
            } else {
                None
            },
        },
    }
}

fn short_options<'w>(
    word: &Word,
    text: &str,
    spec: &Spec,
    rest: &mut impl Iterator<Item = &'w Word>,
    options: &mut Vec<Given>,
) {
    for (index, letter) in text.char_indices().skip(1) {
        let name = letter.to_string();
        if !spec.short.contains(letter) {
            options.push(Given { name, value: None });
            continue;
        }
        let end = index + letter.len_utf8();
        let is_last = end == text.len() && word.parts.len() == 1;
        let value = if is_last {
            rest.next().cloned()
        } else {
            Some(without_start(word, end))
        };
        options.push(Given { name, value });
        return;
    }
}

/// Returns the text with which a word starts; empty if it starts otherwise.
pub(crate) fn first_text(word: &Word) -> &str {
    match word.parts.first() {
        Some(WordPart::Literal(text) | WordPart::Pattern(text)) => text,
        Some(WordPart::Home(_) | WordPart::Stream(_) | WordPart::Unknown(_)) | None => "",
    }
}

/// Returns the text of a word, with a sign that occurs in no name for its other parts.
pub(crate) fn shown_text(word: &Word) -> String {
    let mut text = String::new();
    for part in &word.parts {
        match part {
            WordPart::Literal(literal) | WordPart::Pattern(literal) => text.push_str(literal),
            WordPart::Home(_) | WordPart::Stream(_) | WordPart::Unknown(_) => text.push('\u{fffd}'),
        }
    }
    text
}

/// Returns `word` without its first `bytes` bytes, which are text.
///
/// A letter of which a byte is among them goes as a whole.
pub(crate) fn without_start(word: &Word, bytes: usize) -> Word {
    let mut word = word.clone();
    let is_empty = match word.parts.first_mut() {
        Some(WordPart::Literal(text) | WordPart::Pattern(text)) => {
            let end = (bytes..text.len()).find(|end| text.is_char_boundary(*end));
            text.replace_range(..end.unwrap_or(text.len()), "");
            text.is_empty()
        }
        Some(WordPart::Home(_) | WordPart::Stream(_) | WordPart::Unknown(_)) | None => false,
    };
    if is_empty {
        word.parts.remove(0);
    }
    // What follows `=` is expanded as a home directory by no shell, but by many programs.
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word> {
        crate::plan(text)
            .commands
            .pop()
            .map(|command| command.arguments)
            .unwrap_or_default()
    }

    fn shown(arguments: &Arguments<'_>) -> String {
        let option = |given: &Given| match &given.value {
            Some(value) => format!("{}={}", given.name, shown_text(value)),
            None => given.name.clone(),
        };
        let options: Vec<String> = arguments.options.iter().map(option).collect();
        let operands: Vec<String> = arguments.operands.iter().map(|w| shown_text(w)).collect();
        format!("{} | {}", options.join(" "), operands.join(" "))
    }

    const SPEC: Spec = Spec {
        short: "o",
        long: &["out"],
        ends_at_operand: false,
    };

    #[test]
    fn the_ways_to_write_options_mean_the_same() {
        for text in ["x -rf -o a b", "x -r -f -oa b", "x -rfoa b", "x b -rf -o a"] {
            assert_eq!(shown(&read(&words(text), &SPEC)), "r f o=a | b", "{text}");
        }
        for text in ["x --out a b", "x --out=a b", "x b --out a"] {
            assert_eq!(shown(&read(&words(text), &SPEC)), "out=a | b", "{text}");
        }
    }

    #[test]
    fn what_follows_two_dashes_is_no_option() {
        assert_eq!(shown(&read(&words("x -r -- -o a"), &SPEC)), "r | -o a");
        assert_eq!(shown(&read(&words("x - -r"), &SPEC)), "r | -");
    }

    #[test]
    fn options_end_where_the_command_of_a_wrapper_starts() {
        let spec = Spec {
            ends_at_operand: true,
            ..SPEC
        };
        assert_eq!(shown(&read(&words("x -o a b -r"), &spec)), "o=a | b -r");
    }

    #[test]
    fn a_value_keeps_its_unknown_parts() {
        assert_eq!(
            shown(&read(&words("x -o$A --out=$B/c"), &SPEC)),
            "o=\u{fffd} out=\u{fffd}/c | "
        );
    }
}
