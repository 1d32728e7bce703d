//! The keys of a request, worked out when first asked for.

use std::cell::OnceCell;

use aegis_types::{Action, EffectKind, PathFact, Wrapper};
use serde_json::Number;

use super::key::{Key, Kind, key, number_key, pair_key};
use super::screen::program_start;
use crate::holds::{Facts, Line, Program, base_name, below};

/// What a request shows of one kind of thing.
#[derive(Debug)]
pub(super) enum Looked {
    /// Not all of it can be told, so any rule may hold.
    Unknown,
    /// Only rules with one of these keys may hold.
    Keys(Vec<Key>),
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
        return Looked::Keys(Vec::new());
    }
    let lines = facts.lines();
    // An allow may hold of a line that only sets a harmless variable.
    let runs_nothing = lines
        .iter()
        .all(|line| matches!(line.program, Program::None));
    if runs_nothing || facts.hides_something() {
        return Looked::Unknown;
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
    distinct(keys)
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
    let is_told = !facts.is_partial() && !facts.has_untold_path();
    if !is_told || (!has_folders && !context.paths.is_empty()) {
        return Looked::Unknown;
    }
    let mut keys = Vec::new();
    for fact in &context.paths {
        let Some(path) = certain(fact) else {
            return Looked::Unknown;
        };
        let first = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
        keys.push(key(Kind::AnyPath, ""));
        keys.push(key(
            Kind::Root,
            &first(path.strip_prefix('/').unwrap_or(path)),
        ));
        keys.push(key(Kind::FileName, base_name(path)));
        if let Some(inner) = below(path, &context.home) {
            keys.push(key(Kind::Home, &first(inner)));
        }
        if let Some(inner) = below(path, &context.directory) {
            keys.push(key(Kind::Directory, &first(inner)));
        }
    }
    distinct(keys)
}

/// Returns the path if it is known and does not stand for what lies below it.
fn certain(fact: &PathFact) -> Option<&str> {
    let is_certain = !fact.unknown && !fact.access.delete;
    fact.resolved.as_deref().filter(|_| is_certain)
}

fn hosts(facts: &Facts<'_>) -> Looked {
    if facts.is_partial() || facts.has_untold_host() {
        return Looked::Unknown;
    }
    let mut keys = Vec::new();
    for fact in &facts.request().context.hosts {
        let Some(host) = &fact.host else {
            return Looked::Unknown;
        };
        let host = host.strip_suffix('.').unwrap_or(host);
        keys.push(key(Kind::AnyHost, ""));
        keys.push(key(Kind::Host, &host.to_ascii_lowercase()));
        let mut rest = host;
        while let Some((_, suffix)) = rest.split_once('.') {
            keys.push(key(Kind::HostSuffix, suffix));
            rest = suffix;
        }
    }
    distinct(keys)
}

fn effects(facts: &Facts<'_>) -> Looked {
    let effects = &facts.request().context.effects;
    let is_unknown = effects
        .iter()
        .any(|effect| effect.kind == EffectKind::Unknown);
    if is_unknown || facts.is_partial() {
        return Looked::Unknown;
    }
    let keys = effects
        .iter()
        .map(|effect| key(Kind::Effect, effect.kind.as_str()));
    distinct(keys.collect())
}

fn distinct(mut keys: Vec<Key>) -> Looked {
    keys.sort_unstable();
    keys.dedup();
    Looked::Keys(keys)
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
