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
        } else if text.len() > 1 && text.starts_with('-') {
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
        Some(WordPart::Home(_) | WordPart::Unknown(_)) | None => "",
    }
}

/// Returns `word` without its first `bytes` bytes, which are text.
pub(crate) fn without_start(word: &Word, bytes: usize) -> Word {
    let mut word = word.clone();
    let is_empty = match word.parts.first_mut() {
        Some(WordPart::Literal(text) | WordPart::Pattern(text)) => {
            text.replace_range(..bytes.min(text.len()), "");
            text.is_empty()
        }
        Some(WordPart::Home(_) | WordPart::Unknown(_)) | None => false,
    };
    if is_empty {
        word.parts.remove(0);
    }
    // What follows `=` is expanded as a home directory by no shell, but by many programs.
    word
}
