//! Searches for names that secrets have, whose finds are read.

use aegis_types::{Access, Command, EffectKind, EffectResource, Plan, Word, Wrapper};

use super::Found;
use super::command::Told;
use crate::option::{first_text, shown_text};
use crate::program::program_name;
use crate::programs::{is_place_of, matches};

/// Adds that a search finds secrets which something then reads.
pub(super) fn effects(told: &Told<'_>, plan: &Plan, found: &mut Found) {
    if !matches!(told.name(), "find" | "fd" | "fdfind" | "locate") {
        return;
    }
    let command = told.command;
    let is_read = plan
        .commands
        .iter()
        .any(|other| reads_finds(command, other));
    if !is_read {
        return;
    }
    for word in &command.arguments {
        let text = shown_text(word);
        let name = text.replace(['*', '?'], "").to_ascii_lowercase();
        let first = first_text(word);
        let is_option = first.starts_with(['-', '/', '~'])
            || first.starts_with("./")
            || matches!(first, "." | "..");
        if name.is_empty() || is_option && !text.starts_with("*.") {
            continue;
        }
        let path = if text.starts_with("*.") {
            format!("/x/x{name}")
        } else {
            format!("/x/{name}")
        };
        let is_secret = is_place_of(EffectKind::Credential, &path, Access::READ, None)
            || [".ssh", ".gnupg", ".aws", ".kube", ".password-store"].contains(&name.as_str())
            || name.contains("credential")
            || name.contains("secret")
            || means_secret(&text.to_ascii_lowercase());
        if is_secret {
            let name = EffectResource::Named(text);
            found.add(EffectKind::Credential, name, &[word.span]);
        }
    }
}

/// Names that secrets have wherever they lie.
const NAMES: [&str; 11] = [
    ".env",
    ".git-credentials",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    "credentials",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
];

/// How many letters a pattern must show, so that it means a name and not any.
const LETTERS_MIN: usize = 3;

/// Returns whether a pattern means the name of a secret.
fn means_secret(pattern: &str) -> bool {
    let Some(wild) = pattern.find(['*', '?', '[']) else {
        return false;
    };
    let is_letter = |letter: &char| !matches!(letter, '*' | '?' | '[' | ']');
    let is_shown = pattern.chars().filter(is_letter).count() >= LETTERS_MIN
        || pattern.starts_with('.') && wild >= 2;
    is_shown && NAMES.iter().any(|name| matches(pattern, name))
}

/// Returns whether `other` reads what the search `command` finds.
fn reads_finds(command: &Command, other: &Command) -> bool {
    let is_through = |names: &[&str]| {
        other.through.iter().any(|wrapper| match wrapper {
            Wrapper::Program(name) => names.contains(&name.as_str()),
            Wrapper::Substitution
            | Wrapper::ProcessSubstitution
            | Wrapper::Subshell
            | Wrapper::Compound
            | Wrapper::Function(_)
            | Wrapper::Text => false,
        })
    };
    let shows_names = program_name(other)
        .is_some_and(|name| matches!(&*name, "ls" | "stat" | "echo" | "rm" | "wc"));
    let by_itself = is_through(&["find", "fd", "fdfind"]) && other.span == command.span;
    let by_pipe = is_through(&["xargs", "parallel"])
        && other.place.pipeline == command.place.pipeline
        && command.place.length > 1;
    let by_variable = command.through.contains(&Wrapper::Substitution)
        && other.arguments.iter().any(Word::is_unknown);
    (by_itself || by_pipe || by_variable) && !shows_names && !std::ptr::eq(command, other)
}
