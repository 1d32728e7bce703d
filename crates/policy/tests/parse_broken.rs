//! What people are told of broken policies: each file of `fixtures/policy/broken`
//! with its rendered problems beside it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::path::{Path, PathBuf};

use aegis_policy::{LoadSourceError, Paint, Problems, Source, Sources, parse, render, resolve};

/// The files below a folder.
struct Folder(PathBuf);

impl Sources for Folder {
    fn load(&self, from: &str, reference: &str) -> Result<Source, LoadSourceError> {
        let name = resolve(from, reference)?;
        match fs::read_to_string(self.0.join(&name)) {
            Ok(text) => Ok(Source::new(&name, &text)),
            Err(_) => Err(LoadSourceError::Missing { name }),
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/policy/broken")
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .collect();
    names.sort();
    names
}

#[test]
fn every_broken_policy_is_refused_and_says_what_to_do() {
    let folder = Folder(folder());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder.0);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for name in names() {
            let file = format!("{name}.yaml");
            let text = fs::read_to_string(folder.0.join(&file)).unwrap();
            let Err(Problems(problems, sources)) = parse(&Source::new(&file, &text), &folder)
            else {
                panic!("`{file}` was accepted");
            };
            insta::assert_snapshot!(name, render(&problems, &sources, Paint::Plain));
        }
    });
}

#[test]
fn there_are_at_least_twenty_five_broken_policies() {
    assert!(names().len() >= 25);
}

#[test]
fn colours_add_nothing_to_the_words() {
    let folder = Folder(folder());
    let text = fs::read_to_string(folder.0.join("duplicate-rules.yaml")).unwrap();
    let result = parse(&Source::new("policy.yaml", &text), &folder);
    let Problems(problems, sources) = result.unwrap_err();
    let coloured = render(&problems, &sources, Paint::Ansi);
    let escapes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    assert!(escapes.is_match(&coloured));
    assert_eq!(
        escapes.replace_all(&coloured, ""),
        render(&problems, &sources, Paint::Plain)
    );
}
