//! Compares the structure of plans with what another grammar of bash sees.
//!
//! Looked at is what stands in a text itself, not what is in substitutions,
//! functions or text within text: the names of programs in order, pipelines,
//! lists, redirections, documents given in place, and the functions defined.
//! Texts that differ are listed in `differences.jsonl`, each with the cause.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice
)]

mod grammar;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use aegis_shell::plan;
use aegis_types::{Command, Condition, Plan, Redirection, RedirectionKind, Wrapper};
use grammar::Grammar;
use serde_json::Value;

/// How many texts are compared at least.
const COMPARED_MIN: usize = 2_400;

const DIFFERENCES: &str = include_str!("differences.jsonl");

/// The fixtures whose texts are compared.
const FIXTURES: [&str; 3] = [
    "fixtures/score/ordinary.jsonl",
    "fixtures/score/dangerous",
    "fixtures/shell/bash.jsonl",
];

/// A simple command: where it starts, its name, its place in a pipeline, and
/// the operator before it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Simple {
    start: usize,
    name: String,
    place: (usize, usize),
    after: &'static str,
}

/// What a text is made of.
#[derive(Debug, Default, Eq, PartialEq)]
struct Structure {
    commands: Vec<Simple>,
    /// Where the files and texts stand that redirections name.
    targets: BTreeSet<usize>,
    documents: usize,
    functions: BTreeSet<String>,
}

/// Returns every text of the fixtures.
fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for place in FIXTURES.map(|place| root.join(place)) {
        if place.is_dir() {
            let entries = fs::read_dir(place).expect("the folder is there");
            files.extend(entries.map(|entry| entry.expect("it can be read").path()));
        } else {
            files.push(place);
        }
    }
    let mut texts = BTreeSet::new();
    for file in files {
        for line in fs::read_to_string(file).expect("fixtures are text").lines() {
            let value: Value = serde_json::from_str(line).expect("a line is JSON");
            let text = value.get("text").or(value.get("command"));
            texts.extend(text.and_then(Value::as_str).map(str::to_owned));
        }
    }
    texts.into_iter().collect()
}

#[test]
fn the_structure_of_plans_is_that_which_another_grammar_sees() {
    let mut grammar = Grammar::new();
    let mut known: BTreeMap<String, String> = DIFFERENCES
        .lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).expect("a line is JSON");
            let field = |name: &str| value[name].as_str().expect("a text").to_owned();
            (field("text"), field("cause"))
        })
        .collect();
    assert!(known.values().all(|cause| !cause.is_empty()));
    let (mut compared, mut differing) = (0, Vec::new());
    for text in texts() {
        let Some(seen) = grammar.structure(&text) else {
            continue;
        };
        compared += 1;
        let found = structure(&text, &plan(&text), &seen);
        if found != seen && known.remove(&text).is_none() {
            differing.push(format!("{text:?}\n  grammar {seen:?}\n     plan {found:?}"));
        }
    }
    assert!(compared >= COMPARED_MIN, "{compared} texts are compared");
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert!(known.is_empty(), "these do not differ: {known:#?}");
}

/// Returns the structure that a plan shows, as far as `seen` can be compared with it.
///
/// Programs that a plan follows without listing them are those through which it
/// reaches others; `eval` is one.
fn structure(text: &str, plan: &Plan, seen: &Structure) -> Structure {
    let mut found = Structure::default();
    let mut documents = BTreeSet::new();
    let mut commands: BTreeMap<usize, Simple> = BTreeMap::new();
    for command in &plan.commands {
        let functions = command.through.iter().filter_map(function);
        found
            .functions
            .extend(functions.filter(|name| seen.functions.contains(name)));
        let mut outer = command.through.iter().filter(|it| !is_group(it));
        let outer = outer.next();
        let is_text = |it: &Wrapper| matches!(it, Wrapper::Substitution | Wrapper::Text);
        let is_here = !command.through.iter().any(is_text);
        for redirection in &command.redirections {
            let start = redirection.target.span.start as usize;
            if seen.targets.contains(&start) {
                found.targets.insert(start);
            } else if is_here && is_document(text, redirection) {
                documents.insert(start);
            } else if outer.is_none() {
                found.targets.insert(start);
            }
        }
        for simple in shown(text, command, outer, seen) {
            commands.entry(simple.start).or_insert(simple);
        }
    }
    found.commands = commands.into_values().collect();
    found.documents = documents.len();
    found
}

/// Returns the commands of the text that a command of the plan shows.
fn shown(text: &str, command: &Command, outer: Option<&Wrapper>, seen: &Structure) -> Vec<Simple> {
    let named = |name: &str| {
        let is_so = |simple: &&Simple| simple.name.rsplit('/').next() == Some(name);
        seen.commands
            .iter()
            .filter(is_so)
            .cloned()
            .collect::<Vec<_>>()
    };
    match outer {
        None => own(text, command).into_iter().collect(),
        Some(Wrapper::Function(name)) => named(name),
        Some(Wrapper::Text) => named("eval"),
        Some(Wrapper::Program(name)) => {
            let end = command.span.end as usize;
            named(name)
                .into_iter()
                .filter(|it| it.start < end)
                .collect()
        }
        Some(
            Wrapper::Substitution
            | Wrapper::ProcessSubstitution
            | Wrapper::Subshell
            | Wrapper::Compound,
        ) => Vec::new(),
    }
}

/// Returns a command that stands in the text under the name that it has.
fn own(text: &str, command: &Command) -> Option<Simple> {
    let program = command.program.as_ref()?;
    let start = program.span.start as usize;
    let name = program.literal()?;
    let stands_there = text[start..program.span.end as usize] == name;
    stands_there.then(|| Simple {
        start,
        name,
        place: (
            command.place.position as usize,
            (command.place.length as usize).max(1),
        ),
        after: after(command.place.condition),
    })
}

/// Returns whether a text is that of a here-document, which begins a line.
fn is_document(text: &str, redirection: &Redirection) -> bool {
    let start = redirection.target.span.start as usize;
    redirection.kind == RedirectionKind::Text && text[..start].ends_with('\n')
}

fn function(wrapper: &Wrapper) -> Option<String> {
    match wrapper {
        Wrapper::Function(name) => Some(name.clone()),
        Wrapper::Program(_)
        | Wrapper::Substitution
        | Wrapper::ProcessSubstitution
        | Wrapper::Subshell
        | Wrapper::Compound
        | Wrapper::Text => None,
    }
}

fn is_group(wrapper: &Wrapper) -> bool {
    matches!(wrapper, Wrapper::Subshell | Wrapper::Compound)
}

fn after(condition: Condition) -> &'static str {
    match condition {
        Condition::AfterSuccess => "&&",
        Condition::AfterFailure => "||",
        Condition::Always | Condition::Branch => "",
    }
}
