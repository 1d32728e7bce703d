//! What containers are given of the machine.

use aegis_types::{Access, Word, WordPart};

use super::word_at;
use super::{Extent, Touched, read};
use crate::locate::beneath;
use crate::option::{Arguments, first_text, shown_text, without_start};

/// The long options with a value.
const LONG: &[&str] = &[
    "volume",
    "mount",
    "file",
    "env-file",
    "name",
    "publish",
    "env",
    "workdir",
    "user",
    "network",
    "entrypoint",
    "build-context",
    "secret",
    "output",
    "tag",
    "platform",
    "host",
    "config",
    "context",
];

/// Adds the folders that a container can reach, and files that are copied.
pub(super) fn touched(arguments: &[Word], list: &mut Vec<Touched>) {
    let read = read(arguments, letters(arguments), LONG);
    for word in read.values(&["v", "volume"]) {
        let source = before_colon(word);
        list.push(handed(&source));
        let text = shown_text(word);
        let inside = text.split(':').nth(1).unwrap_or_default();
        list.extend(named_inside(arguments, &source, inside));
    }
    for word in read.values(&["mount", "secret", "output", "o"]) {
        list.extend(mounted(word));
    }
    list.extend(
        read.values(&["f", "file", "env-file", "config"])
            .map(|word| Touched::new(word, Access::READ)),
    );
    subcommand(&read, list);
}

/// Returns the letters whose value follows them: what `-f` and `-v` mean depends on the subcommand.
fn letters(arguments: &[Word]) -> &'static str {
    let names = [
        "run", "create", "exec", "build", "bake", "compose", "export", "save",
    ];
    let mut words = arguments.iter().filter_map(Word::literal);
    match words.find(|word| names.contains(&word.as_str())).as_deref() {
        Some("run" | "create" | "exec") => "vpewuhlacm",
        Some("export" | "save") => "o",
        None if arguments.iter().all(|word| word.literal().is_some()) => "Hc",
        Some(_) | None => "vfpewuhlac",
    }
}

fn subcommand(read: &Arguments<'_>, list: &mut Vec<Touched>) {
    let is_written = |word: &&Word| matches!(first_text(word), "export" | "save");
    if read.operands.iter().take(2).any(is_written) {
        let files = read.values(&["o", "output"]);
        list.extend(files.map(|word| Touched::new(word, Access::WRITE)));
    }
    let mut operands = read.operands.iter();
    match operands.next().and_then(|word| word.literal()).as_deref() {
        Some("cp") => {
            list.extend(copied(read));
            for word in operands {
                let is_inside = first_text(word)
                    .split_once(':')
                    .is_some_and(|(name, _)| !name.contains('/'));
                if !is_inside {
                    list.push(
                        Touched::new(word, Access::READ.or(Access::WRITE))
                            .possible()
                            .beneath(true),
                    );
                }
            }
        }
        Some("build") => {
            list.extend(
                operands.map(|word| Touched::new(word, Access::READ).possible().beneath(true)),
            );
        }
        Some(_) | None => {}
    }
}

/// Returns what comes out of a container, under its name there, into a folder.
fn copied(read: &Arguments<'_>) -> Option<Touched> {
    let [_, source, target] = read.operands.as_slice() else {
        return None;
    };
    let (_, inside) = first_text(source).split_once(':')?;
    let name = inside.rsplit('/').find(|step| !step.is_empty())?;
    let place = beneath(target, &word_at(source, name));
    Some(Touched::new(&place, Access::WRITE).possible().beneath(true))
}

/// Returns the part of `source:inside` before the colon.
fn before_colon(word: &Word) -> Word {
    let mut source = word.clone();
    for (index, part) in word.parts.iter().enumerate() {
        if let WordPart::Literal(text) = part
            && let Some((before, _)) = text.split_once(':')
        {
            source.parts.truncate(index);
            if !before.is_empty() {
                source.parts.push(WordPart::Literal(before.to_owned()));
            }
            break;
        }
    }
    source
}

/// Returns the source in `type=bind,source=…,target=…`.
fn mounted(word: &Word) -> Option<Touched> {
    let text = first_text(word);
    let start = ["source=", "src=", "dest="]
        .iter()
        .find_map(|key| text.find(key).map(|position| position + key.len()))?;
    let mut source = without_start(word, start);
    if let Some(WordPart::Literal(text)) = source.parts.first_mut()
        && let Some(end) = text.find(',')
    {
        text.truncate(end);
        source.parts.truncate(1);
    }
    Some(handed(&source))
}

/// Returns that a container may do anything with what lies at `source`.
fn handed(source: &Word) -> Touched {
    let touched = Touched::new(source, Access::ANY).possible().beneath(true);
    touched.over(Extent::Handed)
}

/// Returns what the command of a container names below `inside`, where `source` is mounted.
fn named_inside(arguments: &[Word], source: &Word, inside: &str) -> Vec<Touched> {
    if !inside.starts_with('/') {
        return Vec::new();
    }
    let texts = arguments.iter().map(shown_text);
    let words = texts.flat_map(|text| crate::hint::loose_words(&text));
    words
        .filter_map(|word| {
            let rest = word.strip_prefix(inside.trim_end_matches('/'))?;
            let rest = rest.strip_prefix('/')?;
            let place = beneath(source, &word_at(source, rest));
            Some(Touched::new(&place, Access::ANY).possible())
        })
        .collect()
}
