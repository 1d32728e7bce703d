//! The parts of a command line, each of which is decided by itself.

use std::collections::{BTreeMap, BTreeSet};

use aegis_types::{ActionRequest, Command, Plan, Span};

use super::options;

/// How many parts are told apart; what exceeds them is one part.
const PARTS_MAX: usize = 64;

/// How many groups of commands with common effects are told apart; likewise.
const TOGETHER_MAX: usize = 8;

/// A part of a command line: a command with what belongs to it, or several
/// commands with what they do together. What it holds are places in the facts.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(super) lines: Vec<u32>,
    pub(super) paths: Vec<u32>,
    pub(super) hosts: Vec<u32>,
    pub(super) effects: Vec<u32>,
    pub(super) unknowns: Vec<u32>,
    /// Where it stands in the text.
    pub(super) words: Vec<Span>,
}

/// Returns the parts of a command line; none if it is one part.
pub(super) fn parts(request: &ActionRequest) -> Vec<Part> {
    let context = &request.context;
    let Some(plan) = &context.plan else {
        return Vec::new();
    };
    if plan.commands.len() < 2 {
        return Vec::new();
    }
    let (mut parts, owners) = commands(plan);
    if parts.len() < 2 {
        return Vec::new();
    }
    for (place, fact) in (0..).zip(&context.paths) {
        owners.give(&fact.causes, &mut parts, |part| part.paths.push(place));
    }
    for (place, fact) in (0..).zip(&context.hosts) {
        owners.give(&fact.causes, &mut parts, |part| part.hosts.push(place));
    }
    for (place, unknown) in (0..).zip(&plan.unknowns) {
        owners.give(&[unknown.span], &mut parts, |part| {
            part.unknowns.push(place);
        });
    }
    let mut together = Together::new();
    for (place, effect) in (0..).zip(&context.effects) {
        let owned = owners.of(&effect.causes);
        if owned.is_shared {
            let part = group(&mut together, owned.parts);
            part.effects.push(place);
            part.words.extend(&effect.causes);
        } else {
            give(&owned.parts, &mut parts, |part| part.effects.push(place));
        }
    }
    let joined: Vec<Part> = together
        .into_iter()
        .map(|(members, part)| joined(&members, part, &parts))
        .collect();
    parts.extend(joined);
    parts
}

/// What groups of commands do together, by the members of the group.
type Together = BTreeMap<BTreeSet<usize>, Part>;

/// Returns the part of these commands together; when there are many groups, of
/// a greater one.
fn group(together: &mut Together, mut members: BTreeSet<usize>) -> &mut Part {
    let mut part = Part::default();
    if together.len() >= TOGETHER_MAX
        && !together.contains_key(&members)
        && let Some((others, last)) = together.pop_last()
    {
        members.extend(others);
        part = last;
    }
    let entry = together.entry(members).or_default();
    entry.effects.append(&mut part.effects);
    entry.words.append(&mut part.words);
    entry
}

/// Returns what several commands do together, with all that belongs to them.
fn joined(members: &BTreeSet<usize>, own: Part, parts: &[Part]) -> Part {
    let of_all = |places: fn(&Part) -> &Vec<u32>| {
        let each = members.iter().filter_map(|member| parts.get(*member));
        let all: BTreeSet<u32> = each.flat_map(places).copied().collect();
        all.into_iter().collect()
    };
    Part {
        lines: of_all(|part| &part.lines),
        paths: of_all(|part| &part.paths),
        hosts: of_all(|part| &part.hosts),
        unknowns: of_all(|part| &part.unknowns),
        ..own
    }
}

/// Returns a part for each command, and which of them owns which words.
fn commands(plan: &Plan) -> (Vec<Part>, Owners) {
    let mut parts: Vec<Part> = Vec::new();
    let mut owners = Owners::default();
    for (place, command) in (0..).zip(&plan.commands) {
        if only_sets_harmless(command) {
            continue;
        }
        if parts.len() < PARTS_MAX {
            parts.push(Part::default());
        }
        let owner = parts.len().saturating_sub(1);
        if let Some(part) = parts.last_mut() {
            part.lines.push(place);
            part.words.push(command.span);
        }
        owners.commands.push((command.span, owner));
        let assigned = command.assignments.iter().map(|it| &it.value);
        let redirected = command.redirections.iter().map(|it| &it.target);
        let words = command.program.iter().chain(&command.arguments);
        let spans = words.chain(assigned).chain(redirected).map(|it| it.span);
        owners.words.extend(spans.map(|span| (span, owner)));
    }
    owners.words.sort_unstable();
    owners.words.dedup();
    owners.commands.sort_unstable();
    owners.commands.dedup();
    (parts, owners)
}

/// Returns whether a command only sets variables that change no program; it
/// needs no rule of its own.
fn only_sets_harmless(command: &Command) -> bool {
    command.program.is_none()
        && command.redirections.is_empty()
        && command
            .assignments
            .iter()
            .all(|assignment| options::is_harmless_variable(&assignment.name))
}

/// Which part owns which words; both sorted.
#[derive(Debug, Default)]
struct Owners {
    words: Vec<(Span, usize)>,
    commands: Vec<(Span, usize)>,
}

/// The parts that something belongs to.
struct Owned {
    /// The parts; none stands for all.
    parts: BTreeSet<usize>,
    /// Whether no part alone has all of its causes.
    is_shared: bool,
}

impl Owners {
    fn give(&self, causes: &[Span], parts: &mut [Part], add: impl FnMut(&mut Part)) {
        give(&self.of(causes).parts, parts, add);
    }

    /// Returns the parts to which something with these causes belongs.
    fn of(&self, causes: &[Span]) -> Owned {
        let mut each = causes.iter().map(|cause| self.of_span(*cause));
        let first = each.next().unwrap_or_default();
        let (mut common, mut all) = (first.clone(), first);
        for owners in each {
            // What may be anybody's is no sign of several.
            if owners.is_empty() || all.is_empty() {
                return Owned {
                    parts: BTreeSet::new(),
                    is_shared: false,
                };
            }
            common.retain(|part| owners.contains(part));
            all.extend(owners);
        }
        let is_shared = common.is_empty() && !all.is_empty();
        Owned {
            parts: if is_shared { all } else { common },
            is_shared,
        }
    }

    /// Returns the parts to which a piece of text belongs; none if that cannot be told.
    fn of_span(&self, span: Span) -> BTreeSet<usize> {
        for spans in [&self.words, &self.commands] {
            let exact = exactly(spans, span);
            if !exact.is_empty() {
                return exact;
            }
        }
        let around = || self.words.iter().chain(&self.commands);
        let narrowest = around()
            .filter(|(other, _)| other.contains(span))
            .min_by_key(|(other, _)| other.length());
        if let Some((narrowest, _)) = narrowest {
            let same = around().filter(|(other, _)| other == narrowest);
            return same.map(|(_, owner)| *owner).collect();
        }
        let within = self.commands.iter().filter(|(it, _)| span.contains(*it));
        within.map(|(_, owner)| *owner).collect()
    }
}

fn exactly(spans: &[(Span, usize)], span: Span) -> BTreeSet<usize> {
    let first = spans.partition_point(|(other, _)| *other < span);
    spans
        .iter()
        .skip(first)
        .take_while(|(other, _)| *other == span)
        .map(|(_, owner)| *owner)
        .collect()
}

fn give(owners: &BTreeSet<usize>, parts: &mut [Part], mut add: impl FnMut(&mut Part)) {
    if owners.is_empty() {
        parts.iter_mut().for_each(add);
        return;
    }
    for owner in owners {
        if let Some(part) = parts.get_mut(*owner) {
            add(part);
        }
    }
}
