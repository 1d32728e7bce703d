//! What code in another language shows that it does.

use aegis_types::{EffectKind, EffectResource, Span};

use super::Found;
use super::command::Told;
use crate::code::{Meaning, Shown, shown_by};
use crate::program::is_shell;
use crate::written;

/// Adds what the code that a command is given shows.
///
/// Command lines that it runs stand in the plan; the code itself is unknown.
pub(super) fn effects(told: &Told<'_>, found: &mut Found) {
    let Some(shown) = shown_by(told.command) else {
        return;
    };
    let span = told.command.span;
    let mut add = |kind, resource| found.add(kind, resource, &[span]);
    for (path, access) in &shown.paths {
        let ways = [
            (access.read, EffectKind::Read),
            (access.write, EffectKind::Write),
            (access.delete, EffectKind::Delete),
        ];
        for (_, kind) in ways.into_iter().filter(|(is_so, _)| *is_so) {
            add(kind, EffectResource::Path(written(path)));
        }
    }
    for host in &shown.hosts {
        if speaks(&shown) {
            add(EffectKind::Network, EffectResource::Host(host.clone()));
        }
    }
    if speaks(&shown) && shown.hosts.is_empty() {
        add(EffectKind::Network, EffectResource::Unknown);
    }
    if shown.does(Meaning::Environment) {
        let environment = EffectResource::Named("environment".to_owned());
        add(EffectKind::Credential, environment);
    }
    if shown.does(Meaning::Rights) {
        add(EffectKind::Privilege, EffectResource::Unknown);
    }
    if shown.does(Meaning::Fork) && !shown.does(Meaning::Run) {
        let copies = EffectResource::Named("copies of itself".to_owned());
        add(EffectKind::Process, copies);
    }
    flows(&shown, span, found);
}

fn speaks(shown: &Shown) -> bool {
    [
        Meaning::Connect,
        Meaning::Fetch,
        Meaning::Listen,
        Meaning::Send,
    ]
    .iter()
    .any(|meaning| shown.does(*meaning))
}

/// Adds what arises from several things that the code does.
fn flows(shown: &Shown, span: Span, found: &mut Found) {
    let is_plain = shown.does(Meaning::Connect) || shown.does(Meaning::Listen);
    let runs = shown.does(Meaning::Run) || shown.does(Meaning::Evaluate);
    if is_plain && (runs || shown.does(Meaning::Bind)) && !serves_pages(shown) {
        found.add(EffectKind::RemoteShell, EffectResource::Unknown, &[span]);
        return;
    }
    let starts_shell = shown.lines.iter().any(|line| starts_shell(line));
    if shown.does(Meaning::Fetch) && (shown.does(Meaning::Evaluate) || starts_shell) {
        found.add(EffectKind::RemoteCode, EffectResource::Unknown, &[span]);
    }
    if !speaks(shown) {
        return;
    }
    let reads = shown.paths.iter().filter(|(_, access)| access.read);
    let mut sends_file = false;
    for (path, _) in reads {
        if shown.does(Meaning::Send) || is_plain || asks_with_data(shown) {
            sends_file = true;
            let path = EffectResource::Path(written(path));
            found.add(EffectKind::Upload, path, &[span]);
        }
    }
    if shown.does(Meaning::Environment) && !sends_file {
        let environment = EffectResource::Named("environment".to_owned());
        found.add(EffectKind::Upload, environment, &[span]);
    }
}

/// A server of one's own pages starts no shell for whoever connects.
fn serves_pages(shown: &Shown) -> bool {
    shown.does(Meaning::Listen)
        && !shown.does(Meaning::Connect)
        && !shown.lines.iter().any(|line| starts_shell(line))
        && !shown.does(Meaning::Bind)
        && !shown.does(Meaning::Evaluate)
}

/// Returns whether a URL ends where data is put behind it.
fn asks_with_data(shown: &Shown) -> bool {
    let hosts = shown.hosts.iter();
    hosts
        .into_iter()
        .any(|host| host.ends_with(['?', '=', '/']))
}

fn starts_shell(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    let name = first
        .trim_matches('\'')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    is_shell(name) || name == "cmd.exe"
}
