//! Whether what is touched suffices to notice every way to a protected folder.
//!
//! The judge here is a small stand-in for gather: it knows one project at
//! `/home/u/project` with the protected folder `.aegis`, compares names instead
//! of files, and asks three things of each text in
//! `fixtures/shell/protected.jsonl`: does it change what is protected, may it,
//! or can it not as far as it shows?
#![allow(clippy::expect_used, clippy::indexing_slicing)]

use aegis_shell::{hints, located, loose_words, plan, touched};
use aegis_types::{Plan, UnknownCause, Word, WordPart};

const CASES: &str = include_str!("../../../fixtures/shell/protected.jsonl");
const START: &str = "/home/u/project";
const HOME: &str = "/home/u";
const PROTECTED: [&str; 2] = [
    "/home/u/project/.aegis",
    "/home/u/project/.aegis/policy.yaml",
];

/// How surely something protected is reached.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Reach {
    None,
    Possible,
    Certain,
}

/// What matches any text.
const ANYTHING: char = '\u{1}';

#[test]
fn every_way_to_a_protected_folder_is_noticed() {
    let mut wrong = Vec::new();
    for line in CASES.lines().filter(|line| !line.is_empty()) {
        let case: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        let text = case["text"].as_str().expect("each case has a text");
        let found = format!("{:?}", reach(text)).to_lowercase();
        if case["reach"] != found {
            wrong.push(format!("{} but found {found}", line));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn reach(text: &str) -> Reach {
    let plan = plan(text);
    let mut reach = of_unknowns(&plan, text);
    for command in &plan.commands {
        for touched in touched(command) {
            if !touched.access.changes() {
                continue;
            }
            let Some(word) = located(command, &touched.word) else {
                reach = reach.max(Reach::Possible);
                continue;
            };
            let found = if touched.work_tree {
                // Whatever folder git is told, its work tree is the project.
                Reach::Certain
            } else {
                of_path(&word, touched.recursive)
            };
            let most = if touched.certain {
                Reach::Certain
            } else {
                Reach::Possible
            };
            reach = reach.max(found.min(most));
        }
        let named = hints(command)
            .iter()
            .any(|hint| is_protected(&resolve(hint)));
        if named {
            reach = reach.max(Reach::Possible);
        }
    }
    reach.max(of_agents(&plan))
}

/// Text that is not understood may do what its words name; code from elsewhere, anything.
fn of_unknowns(plan: &Plan, text: &str) -> Reach {
    let may = plan.unknowns.iter().any(|unknown| match &unknown.cause {
        UnknownCause::Code(program) => {
            program.ends_with("sh") || matches!(program.as_str(), "eval" | "source")
        }
        UnknownCause::Program => true,
        UnknownCause::Syntax | UnknownCause::TooComplex => {
            let range = unknown.span.start as usize..unknown.span.end as usize;
            loose_words(text.get(range).unwrap_or_default())
                .iter()
                .any(|word| is_protected(&resolve(word)))
        }
        UnknownCause::Variable(_)
        | UnknownCause::Output
        | UnknownCause::Found
        | UnknownCause::Branch
        | UnknownCause::Settings
        | UnknownCause::Arithmetic
        | UnknownCause::Expansion
        | UnknownCause::Construct(_) => false,
    });
    if may { Reach::Possible } else { Reach::None }
}

/// Another agent with another home is not governed.
fn of_agents(plan: &Plan) -> Reach {
    let moves_home = plan
        .commands
        .iter()
        .any(|command| command.assignments.iter().any(|a| a.name == "HOME"));
    let starts_agent = plan
        .commands
        .iter()
        .any(|command| aegis_shell::program_name(command).as_deref() == Some("claude"));
    if moves_home && starts_agent {
        Reach::Certain
    } else {
        Reach::None
    }
}

fn of_path(word: &Word, recursive: bool) -> Reach {
    let mut path = String::new();
    let mut is_exact = true;
    for part in &word.parts {
        match part {
            WordPart::Literal(text) => path.push_str(text),
            WordPart::Pattern(text) => path.push_str(text),
            WordPart::Home(None) => path.push_str(HOME),
            WordPart::Unknown(UnknownCause::Variable(name)) if name == "PWD" => {
                path.push_str(START);
            }
            WordPart::Home(Some(_)) | WordPart::Stream(_) | WordPart::Unknown(_) => {
                is_exact = false;
                path.push(ANYTHING);
            }
        }
    }
    let path = resolve(&path);
    let beneath = recursive && folders_around(PROTECTED[0]).any(|folder| matches(&path, folder));
    if !beneath && !is_protected(&path) {
        return Reach::None;
    }
    if is_exact {
        Reach::Certain
    } else {
        Reach::Possible
    }
}

fn is_protected(path: &str) -> bool {
    PROTECTED.iter().any(|protected| matches(path, protected)) || is_beneath(path, PROTECTED[0])
}

/// Returns the folders in which `path` lies.
fn folders_around(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(end, _)| end.max(1));
    ends.map(|end| path.get(..end).unwrap_or_default())
}

fn is_beneath(path: &str, folder: &str) -> bool {
    path.starts_with(&format!("{folder}/"))
}

fn resolve(path: &str) -> String {
    let path = if path.starts_with('/') || path.starts_with(ANYTHING) {
        path.to_owned()
    } else {
        format!("{START}/{path}")
    };
    let mut kept: Vec<&str> = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(component),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Matches `pattern` with `*`, `?`, `[…]` and what is unknown against `text`.
fn matches(pattern: &str, text: &str) -> bool {
    step(pattern, text, true)
}

/// `starts_name` says that a dot here starts a name, which `*` does not match.
fn step(pattern: &str, text: &str, starts_name: bool) -> bool {
    let mut rest = pattern.chars();
    let Some(first) = rest.next() else {
        return text.is_empty();
    };
    let after = rest.as_str();
    let hides = starts_name && text.starts_with('.');
    match first {
        ANYTHING => (0..=text.len()).any(|end| step(after, after_bytes(text, end), false)),
        '*' => {
            let end = text.find('/').unwrap_or(text.len());
            let longest = if hides { 0 } else { end };
            (0..=longest).any(|end| step(after, after_bytes(text, end), starts_name && end == 0))
        }
        '?' => !hides && text.len() > 1 && step(after, after_bytes(text, 1), false),
        '[' if after.contains(']') => {
            let (members, after) = after.split_once(']').unwrap_or_default();
            !hides
                && text.starts_with(|c| members.contains(c))
                && step(after, after_bytes(text, 1), false)
        }
        _ => text
            .strip_prefix(first)
            .is_some_and(|text| step(after, text, first == '/')),
    }
}

fn after_bytes(text: &str, count: usize) -> &str {
    text.get(count..).unwrap_or_default()
}
