//! The guide says what happens: every command of it is run, in order, in one
//! project, and what it prints is what the guide shows.
//!
//! A block of the language `console` holds commands after `$ ` and what they
//! print, at the end how they end if not with 0. In the guide `…` stands for what
//! differs from machine to machine; alone on a line, for any lines. A block whose
//! language is followed by a path is a file. A comment says what an agent asks for.

use std::fs;
use std::path::PathBuf;

use super::readme::words;
use super::stage::{Stage, Told, repository};

const GUIDE: &str = "docs/guide.md";

/// One thing that a reader does, or that happens.
pub(super) enum Step {
    /// A file is written.
    File { name: String, text: String },
    /// An agent asks for a command under this name.
    Asked { id: String, command: String },
    /// A command is started.
    Command { line: String, shown: Vec<String> },
}

/// Returns the steps that `text` describes, in order.
pub(super) fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(asked) = line.strip_prefix("<!-- asked ") {
            let (id, command) = asked.trim_end_matches(" -->").split_once(": ").unwrap();
            steps.push(Step::Asked {
                id: id.to_owned(),
                command: command.to_owned(),
            });
        }
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match language.split_once(' ') {
            Some((_, name)) => steps.push(Step::File {
                name: name.to_owned(),
                text: block.join("\n") + "\n",
            }),
            None if language == "console" => steps.extend(commands(&block)),
            None if language.is_empty() || language == "sh" => {}
            None => panic!("a block is of the language `{language}`, and no file"),
        }
    }
    steps
}

fn commands(block: &[&str]) -> Vec<Step> {
    let mut steps = Vec::new();
    for line in block {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(line), _) => steps.push(Step::Command {
                line: line.to_owned(),
                shown: Vec::new(),
            }),
            (None, Some(Step::Command { shown, .. })) => shown.push((*line).to_owned()),
            (None, _) => panic!("a block begins with `{line}`"),
        }
    }
    steps
}

/// Returns the lines that a reader sees of a command.
pub(super) fn printed(stage: &Stage, told: &Told) -> Vec<String> {
    let home = stage.path("home").display().to_string();
    let work = stage.path("work").display().to_string();
    let text = format!("{}{}", told.out, told.err);
    let text = text
        .replace(&home, "/home/ada")
        .replace(&work, "/home/ada/shop");
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    if told.exit != 0 {
        lines.push(format!("(ends with {})", told.exit));
    }
    lines
}

/// Returns whether lines are as they are shown.
pub(super) fn are_shown(shown: &[String], lines: &[String]) -> bool {
    match shown.split_first() {
        None => lines.is_empty(),
        Some((line, rest)) if line == "…" => {
            (0..=lines.len()).any(|count| are_shown(rest, lines.get(count..).unwrap()))
        }
        Some((line, rest)) => lines
            .split_first()
            .is_some_and(|(found, others)| is_shown(line, found) && are_shown(rest, others)),
    }
}

/// Returns whether a line is as it is shown.
fn is_shown(shown: &str, found: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|it| found.strip_prefix(it)) else {
        return false;
    };
    let mut is_open = false;
    for part in parts {
        is_open = true;
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.is_empty() || (is_open && shown.ends_with('…'))
}

#[test]
fn every_command_of_the_guide_does_and_prints_what_it_shows() {
    let stage = Stage::new();
    stage.write("work/package.json", "{\"name\": \"shop\"}\n");
    let mut commands = 0;
    for step in steps(&fs::read_to_string(repository(GUIDE)).unwrap()) {
        match step {
            Step::File { name, text } => stage.write(&format!("work/{name}"), &text),
            Step::Asked { id, command } => {
                stage.propose("monday", &id, &command);
            }
            Step::Command { line, shown } => {
                commands += 1;
                let all = words(&line);
                let (program, rest) = all.split_first().unwrap();
                assert_eq!(program, "aegis", "{line}");
                let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
                let lines = printed(&stage, &stage.aegis(&rest));
                assert!(
                    are_shown(&shown, &lines),
                    "$ {line}\n{}\n\nis shown as\n\n{}",
                    lines.join("\n"),
                    shown.join("\n")
                );
            }
        }
    }
    assert!(commands >= 12, "{commands} commands");
}

#[test]
fn what_is_shown_must_be_printed() {
    let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    for (shown, printed, expected) in [
        ("a\nb", "a\nb", true),
        ("a", "a\nb", false),
        ("a\n…", "a\nb\nc", true),
        ("…\nc", "a\nb\nc", true),
        ("a …", "a b", true),
        ("a … c", "a b c", true),
        ("a … c", "a b d", false),
        ("a …c", "a b cd", false),
        ("a", "b", false),
        ("…", "", true),
    ] {
        assert_eq!(
            are_shown(&lines(shown), &lines(printed)),
            expected,
            "{shown}"
        );
    }
}

#[test]
fn the_pages_that_the_guide_names_are_there() {
    let text = fs::read_to_string(repository(GUIDE)).unwrap();
    let links = text.split("](").skip(1);
    let links: Vec<&str> = links
        .map(|it| it.split([')', '#']).next().unwrap())
        .collect();
    assert!(links.len() >= 3, "{links:?}");
    for link in links {
        let path: PathBuf = repository("docs").join(link);
        assert!(path.exists(), "{link}");
    }
}
