//! What a plan would do to the world.

mod apple;
mod build;
mod code;
mod command;
mod content;
mod elsewhere;
mod files;
mod flow;
mod inner;
mod interpreter;
mod keeping;
mod package;
mod print;
mod search;
mod secret;
mod setting;
mod socket;

use aegis_types::{Effect, EffectKind, EffectResource, Plan, Span, Word};

use crate::touch::{Touched, touched};
use command::Told;
use flow::Flow;

/// How many effects of one plan are told.
pub const EFFECTS_MAX: usize = 512;

/// Returns everything that running `plan` would do, each with the words that cause it.
///
/// A program that is not in the table may do anything with what it is given, so
/// its effect is unknown. Where there are more effects than are told, there are
/// [`EFFECTS_MAX`], and the last one is unknown.
#[must_use]
pub fn effects(plan: &Plan) -> Vec<Effect> {
    within(plan, touched_by(plan), 0)
}

/// As [`effects`], where it is known already what each command touches, as
/// [`touched`] tells it.
#[must_use]
pub fn effects_of(plan: &Plan, touched: Vec<Vec<Touched>>) -> Vec<Effect> {
    within(plan, touched, 0)
}

fn touched_by(plan: &Plan) -> Vec<Vec<Touched>> {
    plan.commands.iter().map(touched).collect()
}

/// Returns the effects of a plan that stands within `depth` others.
fn within(plan: &Plan, touched: Vec<Vec<Touched>>, depth: usize) -> Vec<Effect> {
    let mut found = Found::default();
    let mut flow = Flow::at(depth);
    for (command, touched) in plan.commands.iter().zip(touched) {
        let told = Told::with(command, touched);
        told.effects(&mut found);
        code::effects(&told, &mut found);
        apple::effects(&told, &mut found);
        search::effects(&told, plan, &mut found);
        print::effects(&told, plan, &mut found);
        flow.take(&told, &mut found);
    }
    interpreter::powershell(plan, &mut found);
    socket::by_descriptor(plan, &flow, &mut found);
    for unknown in &plan.unknowns {
        found.add(
            EffectKind::Unknown,
            EffectResource::Unknown,
            &[unknown.span],
        );
    }
    found.list
}

/// The effects found so far.
#[derive(Debug, Default)]
struct Found {
    list: Vec<Effect>,
}

impl Found {
    /// Adds an effect, unless it is known.
    fn add(&mut self, kind: EffectKind, resource: EffectResource, causes: &[Span]) {
        self.add_effect(Effect {
            kind,
            resource,
            causes: causes.to_vec(),
        });
    }

    /// Adds what was found apart.
    fn add_all(&mut self, other: Self) {
        for effect in other.list {
            self.add_effect(effect);
        }
    }

    fn add_effect(&mut self, mut effect: Effect) {
        if self.list.len() >= EFFECTS_MAX {
            return;
        }
        if self.list.len() + 1 == EFFECTS_MAX {
            effect.kind = EffectKind::Unknown;
            effect.resource = EffectResource::Unknown;
        }
        if !self.list.contains(&effect) {
            self.list.push(effect);
        }
    }

    /// Adds an effect on the path that a word names.
    fn add_path(&mut self, kind: EffectKind, word: &Word) {
        let path = EffectResource::Path(crate::written(word));
        self.add(kind, path, &[word.span]);
    }
}

#[cfg(test)]
mod code_tests;
#[cfg(test)]
mod tests;
