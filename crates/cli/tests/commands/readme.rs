//! The README says what happens.

use std::fs;

use super::stage::{Stage, repository};

/// Returns the text of the blocks of the README that are marked as `language`.
fn blocks(language: &str) -> Vec<String> {
    let text = fs::read_to_string(repository("README.md")).unwrap();
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        open = match (open.take(), line.strip_prefix("```")) {
            (None, Some(language)) => Some((language.to_owned(), String::new())),
            (None, None) => None,
            (Some((marked, text)), Some(_)) => {
                if marked == language {
                    found.push(text);
                }
                None
            }
            (Some((marked, text)), None) => Some((marked, text + line + "\n")),
        };
    }
    found
}

/// Returns the words of a command line as a shell makes them, `'` being the only
/// quote, and without the remark behind `#`.
pub fn words(line: &str) -> Vec<String> {
    let line = line.split(" #").next().unwrap_or_default().trim();
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for character in line.chars() {
        match character {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            plain => words.last_mut().unwrap().push(plain),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns the words of each `aegis` command in the README.
fn commands() -> Vec<Vec<String>> {
    blocks("")
        .iter()
        .flat_map(|block| block.lines())
        .map(words)
        .filter(|words| words.first().is_some_and(|program| program == "aegis"))
        .collect()
}

#[test]
fn the_first_policy_and_the_first_decision_are_as_the_readme_says() {
    let stage = Stage::new();
    let policy = blocks("yaml");
    stage.write("work/.aegis/policy.yaml", policy.first().unwrap());
    let checked = stage
        .aegis(&["policy", "check", ".aegis/policy.yaml"])
        .exits(0);
    let explain = commands()
        .into_iter()
        .find(|words| words.get(2).is_some_and(|word| word == "explain"))
        .expect("the README explains a decision");
    let words: Vec<&str> = explain.iter().skip(1).map(String::as_str).collect();
    let told = stage.aegis(&words).exits(0);
    stage.shows("readme", &[&checked, &told]);
    assert!(
        told.out.contains("✗ deny  RULE_MATCHED no-force-push"),
        "{}",
        told.whole()
    );
}

#[test]
fn every_command_of_the_readme_does_what_it_should() {
    let stage = Stage::new();
    let all = commands();
    assert!(all.len() >= 4, "{all:?}");
    for words in all {
        let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        // No client lies in this home: the installation is not proved, and that is all.
        stage.aegis_beside_hook(&words).exits(0);
    }
}

#[test]
fn every_command_in_its_tables_exists() {
    let stage = Stage::new();
    let text = fs::read_to_string(repository("README.md")).unwrap();
    let named: Vec<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| code.starts_with("aegis ") && !code.contains('\n'))
        .collect();
    assert!(named.len() >= 5, "{named:?}");
    for code in named {
        let words = code.split(' ').skip(1);
        let words: Vec<&str> = words
            .take_while(|word| word.chars().all(char::is_lowercase))
            .collect();
        stage.aegis(&[&words[..], &["--help"]].concat()).exits(0);
    }
}
