//! What a script that speaks to programs of macOS has them do.

use aegis_types::{EffectKind, EffectResource};

use super::Found;
use super::command::Told;
use super::interpreter::shown_code;

/// Adds what a script for `osascript` says in plain words.
pub(super) fn effects(told: &Told<'_>, found: &mut Found) {
    if told.name() != "osascript" {
        return;
    }
    let Some(code) = shown_code(told) else {
        return;
    };
    let code = code.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().all(|word| code.contains(word));
    let span = told.command.span;
    let mut add = |kind, name: &str| {
        found.add(kind, EffectResource::Named(name.to_owned()), &[span]);
    };
    if says(&["empty", "trash"]) {
        add(EffectKind::Delete, "the trash");
    }
    if says(&["make", "login item"]) {
        add(EffectKind::Persistence, "login item");
    }
    if says(&["administrator privileges"]) {
        add(EffectKind::Privilege, "administrator");
    }
}
