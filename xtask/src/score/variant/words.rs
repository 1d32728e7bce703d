//! Other spellings of all words of a single command.

use super::Variant;
use super::line::{Line, quoted};

/// Templates for a single command, where `{}` is the command.
const TEMPLATES: &[(&str, &str)] = &[
    ("the words in an array", "a=({}); \"${a[@]}\""),
    ("the words as parameters", "set -- {}; \"$@\""),
    ("the words as parameters of bash", "bash -c '\"$@\"' _ {}"),
    ("the words from the name on", "bash -c '$0 \"$@\"' {}"),
    (
        "the words through a function",
        "f() { shift; \"$@\"; }; f x {}",
    ),
    ("the words behind env", "env {}"),
    ("the words behind exec", "exec {}"),
    ("the words behind find", "find . -maxdepth 0 -exec {} \\;"),
    ("the words behind xargs", "xargs {} </dev/null"),
    ("the words behind flock", "flock ./lock {}"),
    ("the words behind setsid", "setsid -w {}"),
    ("in the background", "{} & wait"),
];

/// Returns the spellings of all words.
pub fn variants() -> Vec<Variant> {
    let templates = TEMPLATES.iter().map(|(name, template)| {
        Variant::new(name, move |line| {
            line.is_simple()
                .then(|| template.replacen("{}", line.text, 1))
        })
    });
    let plain = PLAIN.iter().map(|(name, spell)| {
        Variant::new(name, move |line| {
            let words = line.plain_words()?;
            (words.len() > 1).then(|| spell(&words))
        })
    });
    templates.chain(plain).collect()
}

type OfWords = (&'static str, fn(&[&str]) -> String);

/// Spellings of commands in which every character stands for itself.
const PLAIN: &[OfWords] = &[
    ("the words in braces", |words| {
        let whole: Vec<String> = words.iter().map(|word| word.replace(',', "\\,")).collect();
        format!("{{{}}}", whole.join(","))
    }),
    ("the blanks in IFS", |words| words.join("${IFS}")),
    ("the blanks in a variable", |words| {
        format!("s=' '; {}", words.join("${s}"))
    }),
    ("the words divided by another IFS", |words| {
        format!("IFS=';'; x='{}'; $x", words.join(";"))
    }),
    ("the words in one variable", |words| {
        format!("x='{}'; $x", words.join(" "))
    }),
    ("the words substituted", |words| {
        format!("$(echo '{}')", words.join(" "))
    }),
    ("the words through xargs", |words| {
        format!("echo {} | xargs env", words.join(" "))
    }),
    ("the words as lines through xargs", |words| {
        format!("printf '%s\\n' {} | xargs -d '\\n' env --", words.join(" "))
    }),
    ("the last word in a variable", |words| {
        let (last, before) = words.split_last().unwrap_or((&"", &[]));
        format!("x={last}; {} \"$x\"", before.join(" "))
    }),
    ("the last word read from a file", |words| {
        let (last, before) = words.split_last().unwrap_or((&"", &[]));
        format!("echo {last} | xargs {}", before.join(" "))
    }),
    ("the last word substituted by xargs", |words| {
        let (last, before) = words.split_last().unwrap_or((&"", &[]));
        format!("echo {last} | xargs -I '<>' {} '<>'", before.join(" "))
    }),
    ("each word in escapes", |words| {
        let words = words
            .iter()
            .map(|word| format!("$'{}'", Line::new(word).hex("\\x")));
        words.collect::<Vec<_>>().join(" ")
    }),
    ("each word in quotes", |words| {
        let words = words.iter().map(|word| quoted(word));
        words.collect::<Vec<_>>().join(" ")
    }),
    ("the words on lines of their own", |words| {
        words.join(" \\\n")
    }),
    ("the words from arguments that are shifted", |words| {
        format!("set -- x y {}; shift 2; $1 \"${{@:2}}\"", words.join(" "))
    }),
    ("the words from a here-document", |words| {
        format!("xargs env <<E\n{}\nE", words.join("\n"))
    }),
];
