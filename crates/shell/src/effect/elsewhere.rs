//! What a text does that runs on another machine or in a container.

use aegis_types::{EffectKind, EffectResource, Span};

use super::command::Told;
use super::flow::{Flow, Input};
use super::{Found, interpreter, within};
use crate::elsewhere::run_elsewhere;
use crate::plan::plan;

/// How many machines deep a text is looked at.
const DEPTH_MAX: usize = 3;

/// Adds what arises there from several commands; whose files they touch is not told.
pub(super) fn arisen(flow: &Flow, told: &Told<'_>, input: Input, found: &mut Found) {
    if flow.depth >= DEPTH_MAX {
        return;
    }
    let Some(text) = run_elsewhere(told.command) else {
        return;
    };
    let there = plan(&text);
    for effect in within(&there, flow.depth + 1) {
        let arises = matches!(
            effect.kind,
            EffectKind::RemoteCode | EffectKind::RemoteShell | EffectKind::Upload
        );
        if arises {
            found.add(effect.kind, effect.resource, &[told.command.span]);
        }
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
