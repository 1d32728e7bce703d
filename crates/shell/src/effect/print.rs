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

/// Names of variables that are known to hold no secrets.
const HARMLESS: [&str; 32] = [
    "CLICOLOR",
    "COLORTERM",
    "COLUMNS",
    "DISPLAY",
    "EDITOR",
    "GOARCH",
    "GOOS",
    "GOPATH",
    "GOROOT",
    "HOME",
    "HOSTNAME",
    "JAVA_HOME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LINES",
    "LOGNAME",
    "NODE_ENV",
    "OLDPWD",
    "PAGER",
    "PATH",
    "PWD",
    "PYTHONPATH",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "SHELL",
    "SHLVL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "VISUAL",
];

/// Words in names of secrets.
const SECRET: [&str; 6] = ["token", "secret", "pass", "key", "cred", "auth"];

/// Words in names of fields that hold secrets among other values.
const HOLDING: [&str; 4] = ["env", "config", "entries", "value"];

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
    let mut giving = command;
    while !leads_elsewhere(giving)
        && let Some(next) = next(giving, plan)
    {
        let name = program_name(next);
        match name.as_deref() {
            Some("sort" | "gsort" | "uniq" | "column") => giving = next,
            Some("cat") if next.arguments.is_empty() => giving = next,
            Some(name) => return keeps_to_others(name, next),
            None => return false,
        }
    }
    false
}

/// Returns whether a command prints elsewhere than into its pipeline.
fn leads_elsewhere(command: &Command) -> bool {
    let mut redirections = command.redirections.iter();
    redirections.any(|it| !it.is_input() && it.descriptor.is_none_or(|number| number == 1))
}

/// Returns the command that is given what another one prints into its pipeline.
fn next<'p>(command: &Command, plan: &'p Plan) -> Option<&'p Command> {
    let mut others = plan.commands.iter();
    others.find(|other| {
        other.place.pipeline == command.place.pipeline
            && other.place.length == command.place.length
            && other.place.position == command.place.position + 1
    })
}

fn keeps_to_others(name: &str, command: &Command) -> bool {
    let words = command.arguments.iter().map(Word::literal);
    let Some(texts) = words.collect::<Option<Vec<String>>>() else {
        return false;
    };
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    match name {
        "wc" => true,
        "cut" => matches!(
            texts.as_slice(),
            ["-d=", "-f1"] | ["-f1", "-d="] | ["-d", "=", "-f", "1"] | ["-d", "=", "-f1"]
        ),
        "grep" | "egrep" | "fgrep" | "rg" => searches_others(&texts),
        "jq" | "gojq" | "jaq" | "yq" => {
            let is_plain =
                |text: &&str| matches!(*text, "-r" | "-c" | "-M" | "-S" | "--raw-output");
            let mut operands = texts.iter().filter(|text| !is_plain(text));
            match (operands.next(), operands.next()) {
                (Some(filter), None) => selects_others(filter),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Returns whether a search shows only counts, or lines of variables that hold no secrets.
fn searches_others(texts: &[&str]) -> bool {
    let (options, operands): (Vec<&str>, Vec<&str>) =
        texts.iter().partition(|text| text.starts_with('-'));
    let only = |letters: &str| {
        options.iter().all(|option| {
            let given = option.trim_start_matches('-');
            let is_short = option.len() == given.len() + 1;
            is_short && given.chars().all(|letter| letters.contains(letter))
        })
    };
    let counts = options.iter().any(|option| matches!(*option, "-c" | "-q"));
    match operands.as_slice() {
        [_] if counts => only("cqivwxEFP"),
        [pattern] if options.contains(&"-i") => {
            // What is written in small letters is in addresses, next to a password.
            let name = pattern.to_ascii_uppercase();
            only("EFGinwx") && name != "USER" && is_of_harmless(&name)
        }
        [pattern] => only("EFGnwx") && is_of_harmless(pattern),
        _ => false,
    }
}

/// Returns whether a pattern says the whole name of one variable, or is a name that is
/// known to hold no secrets.
fn is_of_harmless(pattern: &str) -> bool {
    let whole = pattern.strip_prefix('^').and_then(|it| it.split_once('='));
    match whole {
        Some((name, value)) => {
            let is_plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
            let is_name = !name.is_empty() && name.chars().chain(value.chars()).all(is_plain);
            is_name && !has_any(name, &SECRET)
        }
        None => HARMLESS.contains(&pattern.trim_start_matches('^').trim_end_matches('=')),
    }
}

/// Returns whether a name has one of these words in it.
fn has_any(name: &str, words: &[&str]) -> bool {
    let lower = name.to_ascii_lowercase();
    words.iter().any(|word| lower.contains(word))
}

/// Returns whether the whole of a filter counts or lists names, or is one path to a field
/// that is named like no secret.
fn selects_others(filter: &str) -> bool {
    let is_path = |path: &str| {
        let mut signs = path.chars();
        let is_plain = signs.all(|sign| is_of_name(sign) || ".[]\"-".contains(sign));
        let has_letters = path.chars().any(char::is_alphabetic);
        is_plain && has_letters && !has_any(path, &SECRET) && !has_any(path, &HOLDING)
    };
    matches!(filter.trim(), "keys" | "length" | "type")
        || filter.strip_prefix('.').is_some_and(is_path)
}
