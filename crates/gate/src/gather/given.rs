//! What the parameters of a tool show that is not one of the host's own.

use std::path::Path;

use aegis_types::{Access, ActionRequest, Effect, EffectKind, EffectResource, HostFact};

use super::params::{Surety, Told};
use super::servers::KnownTool;
use super::shell::{Line, touch_line};
use super::touches::{Reached, Touches};
use super::{Scene, add_plan, from_home, host, programs, sql, standing, tool};
use crate::protected::Reach;

/// Adds what was found among parameters; `known` is what is known of the tool.
pub(crate) fn add(
    scene: &Scene<'_>,
    told: &Told,
    known: &KnownTool,
    touches: &mut Touches<'_>,
    request: &mut ActionRequest,
) {
    add_paths(scene, told, known, touches);
    let before = request.context.effects.len();
    add_addresses(told, request);
    add_lines(scene, told, touches, request);
    if let Some((server, _)) = tool::server_and_tool(&scene.proposal.tool) {
        add_effects(scene, told, known, server, request);
    }
    let mut seen: Vec<Effect> = Vec::new();
    for effect in request.context.effects.drain(before..) {
        if !seen.contains(&effect) {
            seen.push(effect);
        }
    }
    request.context.effects.append(&mut seen);
    if told.is_cut {
        touches.cut(&scene.proposal.tool);
    }
}

fn add_paths(scene: &Scene<'_>, told: &Told, known: &KnownTool, touches: &mut Touches<'_>) {
    let only_looks = tool::only_looks(&scene.proposal.tool);
    for told in &told.paths {
        let path = from_home(&told.text, scene.surroundings);
        let facts = touches.paths.len();
        match known.access {
            Some(Access::READ) if !told.is_destination => {
                touches.look(&path, &told.text, Access::READ);
            }
            None if only_looks && !told.is_destination => {
                touches.look(&path, &told.text, Access::ANY);
            }
            // Where something goes is written to, whatever was said of the tool.
            Some(access) if told.is_destination && access == Access::READ => {
                reach(&path, &told.text, access.or(Access::WRITE), touches);
            }
            Some(access) => reach(&path, &told.text, access, touches),
            None => reach(&path, &told.text, Access::ANY, touches),
        }
        if told.is_text {
            touches.paths.truncate(facts);
        }
    }
}

fn kinds_of(access: Access) -> impl Iterator<Item = EffectKind> {
    [
        (access.read, EffectKind::Read),
        (access.write, EffectKind::Write),
        (access.delete, EffectKind::Delete),
        (access.execute, EffectKind::Execute),
    ]
    .into_iter()
    .filter(|(is_so, _)| *is_so)
    .map(|(_, kind)| kind)
}

fn reach(path: &Path, written: &str, access: Access, touches: &mut Touches<'_>) {
    touches.reach(&Reached {
        path,
        written,
        reach: Reach::possible(access),
        is_unknown: false,
        through: written,
    });
}

fn add_addresses(told: &Told, request: &mut ActionRequest) {
    for text in &told.addresses {
        let fact = host::of_url(text).unwrap_or_else(|| host::of_address(text, None));
        add_host(fact, request);
    }
}

/// Adds a host that is spoken to because of a parameter.
pub(crate) fn add_host(fact: HostFact, request: &mut ActionRequest) {
    request.context.effects.push(Effect {
        kind: EffectKind::Network,
        resource: EffectResource::Host(fact.written.clone()),
        causes: Vec::new(),
    });
    if !request.context.hosts.contains(&fact) {
        request.context.hosts.push(fact);
    }
}

/// Adds what texts do that may be for a shell.
///
/// What is one by its name, or was said to be, counts for every rule; of any
/// other it only counts what it may do to Aegis.
fn add_lines(
    scene: &Scene<'_>,
    told: &Told,
    touches: &mut Touches<'_>,
    request: &mut ActionRequest,
) {
    let is_meant = |surety: Surety| match surety {
        Surety::Possible => false,
        Surety::Named | Surety::Said => true,
    };
    let meant: Vec<&str> = told
        .lines
        .iter()
        .filter(|line| is_meant(line.surety))
        .map(|line| &*line.text)
        .collect();
    if !meant.is_empty() {
        let text = meant.join("\n");
        let plan = aegis_shell::plan(&text);
        let line = Line {
            text: &text,
            plan: &plan,
            surroundings: scene.surroundings,
            is_certain: false,
        };
        let touched = touch_line(&line, touches);
        let mut agents = programs::judge(&line, touches);
        request.context.nested_agents.append(&mut agents);
        request.context.programs = standing::programs(&line, touches);
        add_plan(plan, touched, false, touches, request);
    }
    for line in told.lines.iter().filter(|line| !is_meant(line.surety)) {
        let plan = aegis_shell::plan(&line.text);
        let line = Line {
            text: &line.text,
            plan: &plan,
            surroundings: scene.surroundings,
            is_certain: false,
        };
        let facts = touches.paths.len();
        touch_line(&line, touches);
        touches.paths.truncate(facts);
        let mut agents = programs::judge(&line, touches);
        request.context.nested_agents.append(&mut agents);
    }
}

/// Adds what a tool of a server does besides what its paths and lines show.
fn add_effects(
    scene: &Scene<'_>,
    told: &Told,
    known: &KnownTool,
    server: &str,
    request: &mut ActionRequest,
) {
    let mut add = |kind: EffectKind, name: &str| {
        request.context.effects.push(Effect {
            kind,
            resource: EffectResource::Named(name.to_owned()),
            causes: Vec::new(),
        });
    };
    let has_paths = told.paths.iter().any(|path| !path.is_text);
    match known.access {
        Some(access) if !has_paths => {
            for kind in kinds_of(access) {
                add(kind, server);
            }
        }
        Some(_) => {}
        None => {
            for kind in tool::effects_by_name(&scene.proposal.tool) {
                add(kind, server);
            }
        }
    }
    if known.is_remote {
        add(EffectKind::Network, server);
    }
    for name in &told.recipients {
        add(EffectKind::Network, name);
    }
    for kind in told.queries.iter().flat_map(|text| sql::effects(text)) {
        add(kind, server);
    }
}
