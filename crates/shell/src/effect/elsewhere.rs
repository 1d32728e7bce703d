//! What a text does that runs on another machine or in a container.

use aegis_types::{Command, Effect, EffectKind, EffectResource, Span};

use super::command::Told;
use super::flow::{Flow, Input};
use super::{Found, interpreter, touched_by, within};
use crate::elsewhere::run_elsewhere;
use crate::plan::plan;
use crate::programs::is_place_of;
use crate::touch::touched;
use crate::written;

/// How many machines deep a text is looked at.
const DEPTH_MAX: usize = 3;

/// Folders there whose content is made again by whoever needs it.
const PASSING: [&str; 5] = [
    "/tmp/",
    "/var/tmp/",
    "/var/cache/",
    "/root/.cache/",
    "/run/",
];

/// Adds what arises there from several commands, and what is lost or shown there
/// for good; whose other files they touch is not told.
pub(super) fn arisen(flow: &Flow, told: &Told<'_>, input: Input, found: &mut Found) {
    if flow.depth >= DEPTH_MAX {
        return;
    }
    let Some(text) = run_elsewhere(told.command) else {
        return;
    };
    let there = plan(&text);
    for effect in within(&there, touched_by(&there), flow.depth + 1) {
        if matters(&effect) {
            found.add(effect.kind, effect.resource, &[told.command.span]);
        }
    }
    for (kind, path) in there.commands.iter().flat_map(lost_or_shown) {
        found.add(kind, EffectResource::Named(path), &[told.command.span]);
    }
    let runs_input = there
        .commands
        .iter()
        .any(|command| interpreter::runs_input_as_shell(&Told::of(command)));
    if let Some(source) = flow.remote_source(input.standard).filter(|_| runs_input) {
        let causes: Vec<Span> = source.into_iter().chain([told.program_span()]).collect();
        found.add(EffectKind::RemoteCode, EffectResource::Unknown, &causes);
    }
}

/// Returns whether an effect there is one of the command that has it there.
fn matters(effect: &Effect) -> bool {
    match effect.kind {
        EffectKind::RemoteCode | EffectKind::RemoteShell | EffectKind::Upload => true,
        // A host is the same from there.
        EffectKind::Network => matches!(effect.resource, EffectResource::Host(_)),
        // What has a name is a database, a topic, a bucket.
        EffectKind::Delete | EffectKind::Credential => {
            matches!(effect.resource, EffectResource::Named(_))
        }
        EffectKind::Read
        | EffectKind::Write
        | EffectKind::Execute
        | EffectKind::Privilege
        | EffectKind::Persistence
        | EffectKind::Process
        | EffectKind::Package
        | EffectKind::History
        | EffectKind::WrittenCode
        | EffectKind::LoadedCode
        | EffectKind::Unknown => false,
    }
}

/// Returns the folders that a command removes there, and the secrets that it shows.
fn lost_or_shown(command: &Command) -> Vec<(EffectKind, String)> {
    let mut found = Vec::new();
    for item in touched(command).iter().filter(|item| item.certain) {
        let path = written(&item.word);
        let is_folder =
            path.starts_with(['/', '~']) && !PASSING.iter().any(|it| path.starts_with(it));
        if item.access.delete && item.recursive && is_folder {
            found.push((EffectKind::Delete, path));
            continue;
        }
        let whole = match path.strip_prefix('~') {
            Some(rest) => format!("/root{rest}"),
            None if path.starts_with('/') => path.clone(),
            None => format!("/…/{path}"),
        };
        let is_secret = is_place_of(EffectKind::Credential, &whole, item.access, Some("/root"));
        if item.access.read && is_secret {
            found.push((EffectKind::Credential, path));
        }
    }
    found
}
