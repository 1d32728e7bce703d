//! Checking and showing policies.

use std::fs;
use std::path::PathBuf;

use super::stage::{Stage, Told, keys, repository};

/// Returns the broken policies that are kept as fixtures.
fn broken() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(repository("fixtures/policy/broken"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    found.sort();
    assert!(found.len() >= 25, "{found:?}");
    found
}

/// Copies the broken policies into the working folder.
fn with_broken(stage: &Stage) -> Vec<String> {
    let parts = repository("fixtures/policy/broken/parts");
    for entry in fs::read_dir(parts).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        stage.write(
            &format!("work/parts/{name}"),
            &fs::read_to_string(path).unwrap(),
        );
    }
    broken()
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            fs::copy(&path, stage.path("work").join(&name)).unwrap();
            name
        })
        .collect()
}

#[test]
fn every_broken_policy_is_refused_with_its_place() {
    let stage = Stage::new();
    for name in with_broken(&stage) {
        let told = stage.aegis(&["policy", "check", &name]).exits(2);
        assert_eq!(told.err, "", "{name}");
        assert!(told.out.contains("error["), "{}", told.whole());
        assert!(told.out.contains(" --> "), "{}", told.whole());
        let last = told.out.lines().last().unwrap();
        assert!(last.starts_with(&format!("✗ {name}  ")), "{}", told.whole());
        assert!(!told.out.contains('\u{1b}'), "{}", told.whole());

        let json = stage
            .aegis(&["policy", "check", "--json", &name])
            .exits(2)
            .json();
        assert_eq!(json["files"][0]["sound"], false, "{name}");
        assert_ne!(
            json["files"][0]["problems"].as_array().unwrap().len(),
            0,
            "{name}"
        );
    }
}

#[test]
fn problems_are_shown_where_they_stand() {
    let stage = Stage::new();
    with_broken(&stage);
    let told: Vec<Told> = [
        "unknown-keys.yaml",
        "hostile-text.yaml",
        "cycle.yaml",
        "firewall.yaml",
    ]
    .iter()
    .filter(|name| stage.path("work").join(name).exists())
    .map(|name| stage.aegis(&["policy", "check", name]).exits(2))
    .collect();
    assert!(told.len() >= 3);
    stage.shows("policy-check-broken", &told.iter().collect::<Vec<_>>());
}

#[test]
fn a_sound_policy_passes_with_its_examples_and_warnings() {
    let stage = Stage::new();
    stage.aegis(&["init"]).exits(0);
    let here = stage.aegis(&["policy", "check"]).exits(0);
    let valid = repository("fixtures/policy/valid/unreachable.yaml");
    stage.write("work/unreachable.yaml", &fs::read_to_string(valid).unwrap());
    let warned = stage
        .aegis(&["policy", "check", "unreachable.yaml"])
        .exits(0);
    stage.write(
        "work/wrong.yaml",
        "aegis: policy/v1\nname: wrong\ndefault: allow\nrules:\n  - id: no-push\n    \
         match: {tool: Bash, shell: {program: git, subcommand: push}}\n    verdict: deny\n    \
         examples: {matches: [\"git pull\"], misses: [\"git push\", \"ls\"]}\n",
    );
    let wrong = stage
        .aegis(&["policy", "check", "wrong.yaml", ".aegis/policy.yaml"])
        .exits(2);
    stage.shows("policy-check", &[&here, &warned, &wrong]);
}

#[test]
fn a_file_that_cannot_be_read_is_no_policy() {
    let stage = Stage::new();
    let none = stage.aegis(&["policy", "check"]).exits(2);
    let missing = stage.aegis(&["policy", "check", "missing.yaml"]).exits(2);
    fs::write(
        stage.path("work/latin.yaml"),
        b"aegis: policy/v1\nname: caf\xe9\n",
    )
    .unwrap();
    let latin = stage.aegis(&["policy", "check", "latin.yaml"]).exits(2);
    fs::create_dir(stage.path("work/folder.yaml")).unwrap();
    let folder = stage.aegis(&["policy", "check", "folder.yaml"]).exits(2);
    stage.shows(
        "policy-check-unreadable",
        &[&none, &missing, &latin, &folder],
    );
}

#[test]
fn packs_and_files_are_shown() {
    let stage = Stage::with_policy();
    let pack = stage.aegis(&["policy", "show", "aegis:developer"]).exits(0);
    assert!(pack.out.contains("- id: force-push"), "{}", pack.whole());
    let unknown = stage.aegis(&["policy", "show", "aegis:nobody"]).exits(2);
    let file = stage.path("home/.config/aegis/policy.yaml");
    let file = stage
        .aegis(&["policy", "show", file.to_str().unwrap()])
        .exits(0);
    let missing = stage.aegis(&["policy", "show", "missing.yaml"]).exits(2);
    stage.write("work/broken.yaml", "aegis: policy/v1\nrulez: []\n");
    let broken = stage.aegis(&["policy", "show", "broken.yaml"]).exits(2);
    stage.shows("policy-show", &[&unknown, &file, &missing, &broken]);
}

#[test]
fn what_is_in_force_is_shown_even_when_it_is_broken() {
    let stage = Stage::with_policy();
    stage.write(
        "work/.aegis/policy.yaml",
        "aegis: policy/v1\nname: here\ndefault: allow\nrules:\n  \
         - {id: no-curl, match: {tool: Bash, shell: {program: curl}}, verdict: deny}\n",
    );
    let sound = stage.aegis(&["policy", "show"]).exits(0);
    stage.shows("policy-in-force", &[&sound]);
    // In a fresh home no good one is known to fall back to.
    let stage = Stage::new();
    stage.write(
        "home/.config/aegis/policy.yaml",
        "aegis: policy/v1\nrulez: []\n",
    );
    let broken = stage.aegis(&["policy", "show"]).exits(1);
    stage.shows("policy-in-force-broken", &[&broken]);
    let json = stage.aegis(&["policy", "show", "--json"]).exits(1).json();
    assert_eq!(keys(&json), ["fault", "policies"]);
    assert!(json["fault"].is_string());
}

#[test]
fn the_last_good_policy_stays_in_force_until_the_file_is_mended() {
    let stage = Stage::with_log();
    stage.write(
        "home/.config/aegis/policy.yaml",
        "aegis: policy/v1\nrulez: []\n",
    );
    let told = stage.aegis(&["policy", "show"]).exits(0);
    stage.shows("policy-last-good", &[&told]);
    assert_eq!(
        stage
            .propose("first", "call-7", "git push --force")
            .as_deref(),
        Some("deny")
    );
}
