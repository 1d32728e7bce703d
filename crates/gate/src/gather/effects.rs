//! What an action does to the world, told from its facts.

use aegis_shell::{place_kinds, program_name};
use aegis_types::{
    Access, ActionRequest, Command, Effect, EffectKind, EffectResource, HostFact, NetworkClass,
    PathFact, Plan, Span, Unknown, UnknownCause,
};

use super::{host, url_glob};

/// How many effects of one request are told, besides what its plans show.
const EFFECTS_MAX: usize = 2 * aegis_shell::EFFECTS_MAX;

/// The scheme that programs take for an address without one.
const SCHEMES: [(&str, &str); 22] = [
    ("aria2c", "http"),
    ("curl", "http"),
    ("dig", "dns"),
    ("ftp", "ftp"),
    ("git", "ssh"),
    ("host", "dns"),
    ("http", "http"),
    ("https", "https"),
    ("lynx", "http"),
    ("mosh", "ssh"),
    ("nc", "tcp"),
    ("ncat", "tcp"),
    ("netcat", "tcp"),
    ("nslookup", "dns"),
    ("ping", "icmp"),
    ("rsync", "rsync"),
    ("scp", "scp"),
    ("sftp", "sftp"),
    ("ssh", "ssh"),
    ("telnet", "telnet"),
    ("wget", "http"),
    ("xh", "http"),
];

/// Returns every effect of an action: those on its paths, and `told`, which its
/// command line shows; and whether these are all.
///
/// Of too many, those on paths are left out: the paths themselves are facts.
pub(crate) fn all(paths: &[PathFact], home: &str, told: Vec<Effect>) -> (Vec<Effect>, bool) {
    let mut effects = Vec::new();
    for fact in paths {
        for kind in kinds(fact, home) {
            let resource = EffectResource::Path(fact.written.clone());
            effects.push(Effect {
                kind,
                causes: if fact.causes.is_empty() {
                    causes(&told, kind, &resource)
                } else {
                    fact.causes.clone()
                },
                resource,
            });
        }
    }
    effects.dedup();
    let is_whole = effects.len() + told.len() <= EFFECTS_MAX;
    effects.truncate(EFFECTS_MAX.saturating_sub(told.len()));
    let on_paths = effects.len();
    for effect in told {
        let mut known = effects.iter().take(on_paths);
        let is_same =
            |known: &Effect| known.kind == effect.kind && known.resource == effect.resource;
        if !known.any(is_same) {
            effects.push(effect);
        }
    }
    (effects, is_whole)
}

/// Tells that a request does more than its effects tell.
pub(crate) fn are_cut(request: &mut ActionRequest) {
    request.context.effects.push(Effect {
        kind: EffectKind::Unknown,
        resource: EffectResource::Unknown,
        causes: Vec::new(),
    });
    if let Some(plan) = &mut request.context.plan {
        plan.unknowns.push(too_complex());
    }
}

/// Returns the unknown of a plan of which not everything is told.
pub(crate) fn too_complex() -> Unknown {
    Unknown {
        span: Span { start: 0, end: 0 },
        cause: UnknownCause::TooComplex,
    }
}

/// Returns what reaching for a path means.
fn kinds(fact: &PathFact, home: &str) -> Vec<EffectKind> {
    let places = match &fact.resolved {
        _ if fact.listed => Vec::new(),
        Some(resolved) => place_kinds(resolved, fact.access, Some(home)),
        // Where the beginning cannot be told, its end may still say what it is.
        None if fact.written.starts_with('/') => {
            place_kinds(&fact.written, fact.access, Some(home))
        }
        None if !fact.written.contains(['…', '$', '*']) || fact.written.contains('/') => {
            place_kinds(&format!("/…/{}", fact.written), fact.access, Some(home))
        }
        None => Vec::new(),
    };
    // A program that may do anything is told as one unknown effect.
    if fact.access == Access::ANY {
        let is_read = |kind: &EffectKind| *kind == EffectKind::Credential;
        return places.into_iter().filter(is_read).collect();
    }
    let ways = [
        (fact.access.read, EffectKind::Read),
        (fact.access.write, EffectKind::Write),
        (fact.access.delete, EffectKind::Delete),
        (fact.access.execute, EffectKind::Execute),
    ];
    let ways = ways.into_iter().filter(|(is_so, _)| *is_so);
    ways.map(|(_, kind)| kind).chain(places).collect()
}

/// Returns the words that cause an effect: those that name its path, if no others do.
fn causes(told: &[Effect], kind: EffectKind, resource: &EffectResource) -> Vec<Span> {
    let on_path = || told.iter().filter(|effect| effect.resource == *resource);
    let same = on_path().find(|effect| effect.kind == kind);
    let found = same.or_else(|| on_path().next());
    found
        .map(|effect| effect.causes.clone())
        .unwrap_or_default()
}

/// Returns the hosts that a plan speaks to, as its effects tell.
pub(crate) fn hosts(plan: &Plan, effects: &[Effect]) -> Vec<HostFact> {
    let network = effects
        .iter()
        .filter(|effect| effect.kind == EffectKind::Network);
    let mut hosts = Vec::new();
    for effect in network {
        let told = match &effect.resource {
            EffectResource::Host(text) => addresses(text, command(plan, &effect.causes)),
            EffectResource::Path(_)
            | EffectResource::Program(_)
            | EffectResource::Named(_)
            | EffectResource::Unknown => vec![nowhere("…")],
        };
        for fact in told {
            let fact = HostFact {
                causes: effect.causes.clone(),
                ..fact
            };
            if !hosts.contains(&fact) {
                hosts.push(fact);
            }
        }
    }
    hosts
}

/// Returns the innermost command that holds the cause of an effect.
fn command<'p>(plan: &'p Plan, causes: &[Span]) -> Option<&'p Command> {
    let cause = causes.first()?;
    let holds = |span: Span| span.start <= cause.start && cause.end <= span.end;
    let commands = plan.commands.iter().filter(|command| holds(command.span));
    commands.min_by_key(|command| command.span.end - command.span.start)
}

/// Returns the hosts of what `command` takes for an address.
fn addresses(text: &str, command: Option<&Command>) -> Vec<HostFact> {
    let name = command.and_then(program_name).unwrap_or_default();
    let found = SCHEMES.binary_search_by(|(program, _)| (*program).cmp(&name));
    let scheme = found
        .ok()
        .and_then(|at| SCHEMES.get(at))
        .map(|(_, scheme)| *scheme);
    if name != "curl" || !text.contains(['{', '[']) {
        return vec![address(text, scheme)];
    }
    // Whether `-g` takes the signs as they are is left open: both are told.
    let literal = address(text, scheme);
    let expanded = url_glob::expanded(text).unwrap_or_default();
    let each = expanded.iter().map(|text| address(text, scheme));
    each.chain([literal]).collect()
}

fn nowhere(written: &str) -> HostFact {
    HostFact {
        written: written.to_owned(),
        scheme: None,
        host: None,
        port: None,
        class: NetworkClass::Unknown,
        causes: Vec::new(),
    }
}

fn address(text: &str, scheme: Option<&str>) -> HostFact {
    let known = match text.find(['…', '$']) {
        Some(end) => text.get(..end).unwrap_or_default(),
        None => text,
    };
    if known.len() < text.len() && !names_host(known) {
        return nowhere(text);
    }
    let fact = host::of_url(known).unwrap_or_else(|| host::of_address(known, scheme));
    HostFact {
        written: text.to_owned(),
        ..fact
    }
}

/// Returns whether the start of an address names the host, whatever follows.
fn names_host(start: &str) -> bool {
    let authority = start.split_once("://").map_or(start, |(_, rest)| rest);
    authority.find(['/', '?', '#']).is_some_and(|end| end > 0)
}
