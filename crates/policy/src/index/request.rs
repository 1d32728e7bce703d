//! The keys of a request, worked out when first asked for.

use std::cell::OnceCell;

use aegis_types::{Action, Context, EffectKind, PathFact, Wrapper};
use serde_json::Number;

use super::key::{Key, Kind, key, number_key, pair_key, way_key, ways};
use super::path::letter;
use super::screen::program_start;
use crate::holds::{Facts, Line, Program, base_name, below};

/// What a request shows of one kind of thing.
#[derive(Debug)]
pub(super) struct Looked {
    /// Of the rules that hang on such a thing, those with one of these keys may hold.
    pub(super) keys: Vec<Key>,
    /// Which others may.
    pub(super) rest: Rest,
}

/// Which rules may hold without a key of the request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rest {
    /// None.
    Nothing,
    /// Any, but none of which that would be sure: not everything is told.
    Untold,
    /// Any.
    Open,
}

impl Looked {
    fn new(mut keys: Vec<Key>, is_told: bool) -> Self {
        keys.sort_unstable();
        keys.dedup();
        let rest = match is_told {
            true => Rest::Nothing,
            false => Rest::Untold,
        };
        Self { keys, rest }
    }

    const fn open() -> Self {
        Self {
            keys: Vec::new(),
            rest: Rest::Open,
        }
    }
}

/// The keys of a request.
#[derive(Debug)]
pub(crate) struct RequestKeys {
    programs: OnceCell<Looked>,
    paths: OnceCell<Looked>,
    hosts: OnceCell<Looked>,
    effects: OnceCell<Looked>,
}

impl RequestKeys {
    pub(crate) const fn new() -> Self {
        Self {
            programs: OnceCell::new(),
            paths: OnceCell::new(),
            hosts: OnceCell::new(),
            effects: OnceCell::new(),
        }
    }

    pub(super) fn programs(&self, facts: &Facts<'_>) -> &Looked {
        self.programs.get_or_init(|| programs(facts))
    }

    pub(super) fn paths(&self, facts: &Facts<'_>) -> &Looked {
        self.paths.get_or_init(|| paths(facts))
    }

    pub(super) fn hosts(&self, facts: &Facts<'_>) -> &Looked {
        self.hosts.get_or_init(|| hosts(facts))
    }

    pub(super) fn effects(&self, facts: &Facts<'_>) -> &Looked {
        self.effects.get_or_init(|| effects(facts))
    }
}

fn programs(facts: &Facts<'_>) -> Looked {
    let request = facts.request();
    if request.context.plan.is_none() && request.action != Action::ShellExec {
        return Looked::new(Vec::new(), true);
    }
    let lines = facts.lines();
    // An allow may hold of a line that only sets a harmless variable.
    let runs_nothing = lines
        .iter()
        .all(|line| matches!(line.program, Program::None));
    if runs_nothing {
        return Looked::open();
    }
    let mut keys = Vec::with_capacity(lines.len());
    for line in lines {
        if let Some(program) = line.program.name() {
            push_program(program, &mut keys);
            push_subcommands(program, line, &mut keys);
        }
        for wrapper in &line.command.through {
            match wrapper {
                Wrapper::Program(program) => push_program(base_name(program), &mut keys),
                Wrapper::Substitution
                | Wrapper::ProcessSubstitution
                | Wrapper::Subshell
                | Wrapper::Compound
                | Wrapper::Function(_)
                | Wrapper::Text => {}
            }
        }
    }
    Looked::new(keys, !facts.hides_something())
}

fn push_program(name: &str, keys: &mut Vec<Key>) {
    keys.push(key(Kind::Program, name));
    keys.extend(program_start(name).map(|start| key(Kind::ProgramStart, start)));
}

fn push_subcommands(program: &str, line: &Line<'_>, keys: &mut Vec<Key>) {
    if line.has_unknown_words {
        keys.push(key(Kind::AnySubcommand, program));
    }
    for word in line.possible_subcommands() {
        match word {
            Some(word) => keys.push(pair_key(Kind::Subcommand, program, word)),
            None => keys.push(key(Kind::AnySubcommand, program)),
        }
    }
}

fn paths(facts: &Facts<'_>) -> Looked {
    let context = &facts.request().context;
    let has_folders = !context.home.is_empty() && !context.directory.is_empty();
    if !has_folders && !context.paths.is_empty() {
        return Looked::open();
    }
    let mut keys = Vec::new();
    let mut of_fact = Vec::new();
    for fact in &context.paths {
        of_fact.clear();
        match certain(fact) {
            Some(path) => push_path(path, context, &mut of_fact),
            None => of_fact.push(key(Kind::UnsurePath, "")),
        }
        for way in ways(fact.access) {
            keys.extend(of_fact.iter().map(|key| way_key(*key, way)));
        }
    }
    Looked::new(keys, !facts.is_partial() && !facts.has_untold_path())
}

/// Adds the keys of a path, however it is reached for.
fn push_path(path: &str, context: &Context, keys: &mut Vec<Key>) {
    let first = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
    let name = base_name(path);
    keys.push(key(Kind::AnyPath, ""));
    keys.push(key(
        Kind::Root,
        &first(path.strip_prefix('/').unwrap_or(path)),
    ));
    keys.push(key(Kind::FileName, name));
    let ending = name.rsplit_once('.');
    keys.extend(ending.map(|(_, ending)| key(Kind::Ending, ending)));
    if let Some(inner) = below(path, &context.home) {
        keys.push(key(Kind::InHome, ""));
        keys.push(key(Kind::Home, &first(inner)));
        keys.extend(letter(inner).map(|letter| key(Kind::HomeStart, letter)));
    }
    if let Some(inner) = below(path, &context.directory) {
        keys.push(key(Kind::InDirectory, ""));
        keys.push(key(Kind::Directory, &first(inner)));
    }
}

/// Returns the path if it is known and does not stand for what lies below it.
fn certain(fact: &PathFact) -> Option<&str> {
    let is_certain = !fact.unknown && !fact.access.delete;
    fact.resolved.as_deref().filter(|_| is_certain)
}

fn hosts(facts: &Facts<'_>) -> Looked {
    let hosts = &facts.request().context.hosts;
    let mut keys = Vec::new();
    for fact in hosts {
        keys.push(key(Kind::AnyHost, ""));
        let Some(host) = &fact.host else {
            continue;
        };
        let host = host.strip_suffix('.').unwrap_or(host);
        keys.push(key(Kind::Host, &host.to_ascii_lowercase()));
        let mut rest = host;
        while let Some((_, suffix)) = rest.split_once('.') {
            keys.push(key(Kind::HostSuffix, suffix));
            rest = suffix;
        }
    }
    let are_known = hosts.iter().all(|fact| fact.host.is_some());
    let is_told = are_known && !facts.is_partial() && !facts.has_untold_host();
    Looked::new(keys, is_told)
}

fn effects(facts: &Facts<'_>) -> Looked {
    let effects = &facts.request().context.effects;
    let is_unknown = effects
        .iter()
        .any(|effect| effect.kind == EffectKind::Unknown);
    let keys = effects
        .iter()
        .map(|effect| key(Kind::Effect, effect.kind.as_str()));
    Looked::new(keys.collect(), !is_unknown && !facts.is_partial())
}

/// Returns the key of the whole number that `number` equals, if there is one.
pub(super) fn number_key_of(number: &Number) -> Option<Key> {
    let whole = number.as_i64().or_else(|| {
        let double = number.as_f64().filter(|double| double.fract() == 0.0)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a number out of range has the key of another one, which only brings up a rule too many"
        )]
        let whole = double as i64;
        Some(whole)
    })?;
    Some(number_key(Kind::Integer, whole.cast_unsigned()))
}
