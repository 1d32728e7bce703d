//! Many values that a command prints at once, with secrets among them.

use aegis_types::{
    Command, EffectKind, EffectResource, Plan, RedirectionKind, UnknownCause, Word, WordPart,
};

use super::Found;
use super::command::Told;
use super::setting::is_secret_name;
use crate::option::{first_text, shown_text};
use crate::program::program_name;
use crate::programs::Resource;

/// What the table names such values.
pub(super) const VALUES: &str = "values";

/// What languages call the environment.
const ENVIRONMENTS: [&str; 5] = ["environ", "getenv", "process.env", "ENV", "_SERVER"];

/// How few letters a search keeps to something with.
const LETTERS_MIN: usize = 3;

/// Words in what is looked for that let secrets pass.
const LET_PASS: [&str; 10] = [
    "token", "secret", "passw", "key", "cred", "auth", "env", "config", "entries", "value",
];

/// Adds that a command prints many values, unless the next one keeps to others.
pub(super) fn effects(told: &Told<'_>, plan: &Plan, found: &mut Found) {
    let states = |(kind, resource): &(EffectKind, Resource)| {
        let is_values = matches!(resource, Resource::Text(text) if text.as_str() == VALUES);
        *kind == EffectKind::Credential && is_values
    };
    let reading = told.reading.iter();
    let is_stated = reading.flat_map(|it| it.stated()).any(states);
    if (is_stated || shows_environment(told)) && !is_narrowed(told.command, plan) {
        let values = EffectResource::Named(VALUES.to_owned());
        found.add(EffectKind::Credential, values, &[told.program_span()]);
    }
    given_in_place(told, found);
    taken_by_code(told, found);
}

/// Returns whether a command shows the variables of its environment.
fn shows_environment(told: &Told<'_>) -> bool {
    let words = told.command.arguments.as_slice();
    let is_option = |word: &Word| first_text(word).starts_with('-');
    let only = |letters: &str| {
        words.iter().all(|word| {
            let text = word.literal().unwrap_or_default();
            let given = text.strip_prefix('-');
            given.is_some_and(|given| given.chars().all(|letter| letters.contains(letter)))
        })
    };
    let sets = !told.command.assignments.is_empty();
    match told.name() {
        "env" | "genv" => {
            let is_set = |word: &Word| first_text(word).contains('=');
            let clears =
                |word: &Word| matches!(first_text(word), "-" | "-i" | "--ignore-environment");
            words.iter().all(|word| is_option(word) || is_set(word)) && !words.iter().any(clears)
        }
        "printenv" | "gprintenv" => words.iter().all(is_option),
        "export" => only("p") && !sets,
        "declare" | "typeset" => only("pxgr") && !sets,
        "set" => words.is_empty() && !sets,
        "jq" | "gojq" | "jaq" | "yq" => words.iter().any(|word| {
            let filter = word.literal();
            filter.is_some_and(|filter| names_environment(&filter, &["$ENV", "env", "strenv"]))
        }),
        "awk" | "gawk" | "mawk" | "nawk" => words.iter().any(|word| {
            let program = word.literal();
            program.is_some_and(|program| names_environment(&program, &["ENVIRON"]))
        }),
        _ => false,
    }
}

/// Returns whether a text in a language names its environment by one of these names, and
/// means the whole of it or a secret in it.
fn names_environment(text: &str, names: &[&str]) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || "_$.\"'".contains(character);
    names.iter().any(|name| {
        text.match_indices(name).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let after = text.get(at + name.len()..).unwrap_or_default();
            if before.is_some_and(is_part)
                || after.starts_with(is_of_name)
                || after.starts_with(':')
            {
                return false;
            }
            let named = after.trim_start_matches(['.', '[', '(', '"', '\'', ' ']);
            let end = named
                .find(|next: char| !is_of_name(next))
                .unwrap_or(named.len());
            let variable = named.get(..end).unwrap_or_default();
            let is_one =
                named.len() < after.len() && !after.starts_with(' ') && !variable.is_empty();
            !is_one || is_secret_name(variable) || variable.chars().all(|it| it.is_lowercase())
        })
    })
}

/// Adds that code in another language takes a secret out of its environment.
fn taken_by_code(told: &Told<'_>, found: &mut Found) {
    const LANGUAGES: [&str; 7] = ["python", "node", "deno", "bun", "ruby", "perl", "php"];
    if !LANGUAGES.iter().any(|name| told.name().starts_with(name)) {
        return;
    }
    for word in &told.command.arguments {
        let text = shown_text(word);
        for (at, name) in ENVIRONMENTS
            .iter()
            .flat_map(|name| text.match_indices(name))
        {
            let rest = text.get(at + name.len()..).unwrap_or_default();
            let named = rest.trim_start_matches(|sign| ".[({\"'get".contains(sign));
            let end = named
                .find(|next: char| !is_of_name(next))
                .unwrap_or(named.len());
            let variable = named.get(..end).unwrap_or_default();
            if !rest.starts_with(is_of_name) && is_secret_name(variable) {
                let name = EffectResource::Named(variable.to_owned());
                found.add(EffectKind::Credential, name, &[word.span]);
            }
        }
    }
}

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Adds that a secret is given in place to a program that shows it again.
fn given_in_place(told: &Told<'_>, found: &mut Found) {
    const SHOWING: [&str; 14] = [
        "cat", "head", "tail", "tee", "cut", "tr", "rev", "fold", "sed", "grep", "base64", "xxd",
        "od", "envsubst",
    ];
    if !SHOWING.contains(&told.name()) {
        return;
    }
    let texts = told.command.redirections.iter();
    for text in texts.filter(|it| it.kind == RedirectionKind::Text) {
        for part in &text.target.parts {
            if let WordPart::Unknown(UnknownCause::Variable(name)) = part
                && is_secret_name(name)
            {
                let name = EffectResource::Named(name.clone());
                found.add(EffectKind::Credential, name, &[text.target.span]);
            }
        }
    }
}

/// Returns whether what a command prints goes to one that keeps to other things than secrets.
fn is_narrowed(command: &Command, plan: &Plan) -> bool {
    let mut position = command.place.position;
    while let Some(next) = next(command, position, plan) {
        let name = program_name(next);
        match name.as_deref() {
            Some("sort" | "gsort" | "uniq" | "cat" | "column") => position += 1,
            Some(name) => return keeps_to_others(name, next),
            None => return false,
        }
    }
    false
}

/// Returns the command that is given what stands at `position` of a pipeline.
fn next<'p>(command: &Command, position: u32, plan: &'p Plan) -> Option<&'p Command> {
    let mut others = plan.commands.iter();
    others.find(|other| {
        other.place.pipeline == command.place.pipeline
            && other.place.length == command.place.length
            && other.place.position == position + 1
    })
}

fn keeps_to_others(name: &str, command: &Command) -> bool {
    let words = command.arguments.as_slice();
    let texts: Option<Vec<String>> = words.iter().map(Word::literal).collect();
    let Some(texts) = texts else {
        return false;
    };
    let has = |letter: char| {
        let mut options = texts
            .iter()
            .filter(|text| text.starts_with('-') && !text.starts_with("--"));
        options.any(|text| text.contains(letter))
    };
    let mut operands = texts.iter().filter(|text| !text.starts_with('-'));
    match name {
        "wc" => true,
        "cut" => texts.iter().any(|text| text == "-f1") && has('d'),
        "grep" | "egrep" | "fgrep" | "rg" => {
            has('c') || has('q') || !has('v') && operands.next().is_some_and(|it| means_others(it))
        }
        "jq" | "gojq" | "jaq" | "yq" => operands.next().is_some_and(|filter| {
            let is_counted = ["keys", "length", "type"]
                .iter()
                .any(|it| filter.starts_with(it));
            is_counted || filter.starts_with('.') && means_others(filter)
        }),
        _ => false,
    }
}

/// Returns whether what is looked for has letters enough, and none that secrets have.
fn means_others(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let letters = lower.chars().filter(char::is_ascii_alphabetic).count();
    letters >= LETTERS_MIN && !LET_PASS.iter().any(|word| lower.contains(word))
}
