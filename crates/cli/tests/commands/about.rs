//! What the program says of itself.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use super::stage::Stage;

/// Every command, with the words that lead to it.
const COMMANDS: [&[&str]; 34] = [
    &[],
    &["demo"],
    &["init"],
    &["install"],
    &["install", "claude-code"],
    &["install", "service"],
    &["uninstall"],
    &["uninstall", "claude-code"],
    &["uninstall", "service"],
    &["doctor"],
    &["hook"],
    &["trust"],
    &["validate"],
    &["schema"],
    &["policy"],
    &["policy", "backtest"],
    &["policy", "check"],
    &["policy", "diff"],
    &["policy", "explain"],
    &["policy", "show"],
    &["log"],
    &["log", "list"],
    &["log", "show"],
    &["log", "export"],
    &["log", "verify"],
    &["log", "replay"],
    &["approvals"],
    &["approvals", "list"],
    &["approvals", "show"],
    &["approvals", "approve"],
    &["approvals", "refuse"],
    &["approvals", "watch"],
    &["completions"],
    &["version"],
];

#[test]
fn the_version_names_the_formats() {
    let stage = Stage::new();
    let told = stage.aegis(&["version"]).exits(0);
    assert!(
        told.out
            .starts_with(&format!("aegis {}\n", env!("CARGO_PKG_VERSION")))
    );
    let json = stage.aegis(&["version", "--json"]).exits(0).json();
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["policy"], "policy/v1");
}

#[test]
fn every_command_explains_itself() {
    let stage = Stage::new();
    let told: Vec<_> = COMMANDS
        .iter()
        .map(|words| stage.aegis(&[words, &["--help"][..]].concat()).exits(0))
        .collect();
    stage.shows("help", &told.iter().collect::<Vec<_>>());
}

#[test]
fn no_command_at_all_is_a_question_for_help() {
    let stage = Stage::new();
    let told = stage.aegis(&[]).exits(2);
    assert!(told.err.contains("Usage: aegis"), "{}", told.whole());
}

#[test]
fn every_shell_gets_completions() {
    let stage = Stage::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let told = stage.aegis(&["completions", shell]).exits(0);
        for word in ["aegis", "approvals", "uninstall"] {
            assert!(told.out.contains(word), "{shell} lacks {word}");
        }
    }
    stage.aegis(&["completions", "tcsh"]).exits(2);
}

#[test]
fn every_command_has_a_manual_page() {
    let stage = Stage::new();
    let told = stage.aegis(&["man", "pages", "--json"]).exits(0).json();
    let named: Vec<&str> = told["pages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|page| page.as_str().unwrap())
        .collect();
    for words in COMMANDS {
        let name = [&["aegis"][..], words].concat().join("-") + ".1";
        assert!(
            named.contains(&name.as_str()),
            "{name} is not among {named:?}"
        );
        let text = fs::read_to_string(stage.path("work/pages").join(&name)).unwrap();
        assert!(text.contains(".TH"), "{name}: {text}");
    }
    stage.write("work/file", "");
    stage.aegis(&["man", "file/pages"]).exits(3);
}

#[test]
fn every_kind_of_file_has_a_schema() {
    let stage = Stage::new();
    for kind in ["policy", "firewall", "action-rules", "envelope", "service"] {
        let plain = stage.aegis(&["schema", kind]).exits(0);
        let schema: Value = serde_json::from_str(&plain.out).unwrap();
        assert!(schema["$schema"].is_string(), "{kind}");
        assert_eq!(
            stage.aegis(&["schema", kind, "--json"]).exits(0).json(),
            schema
        );
    }
    let all = stage.aegis(&["schema", "--all", "schemas"]).exits(0);
    let catalog: Value = serde_json::from_str(&stage.read("work/schemas/catalog.json")).unwrap();
    for entry in catalog["schemas"].as_array().unwrap() {
        let file = entry["url"].as_str().unwrap().trim_start_matches("./");
        assert!(all.out.contains(file) && entry["description"].is_string());
        let text = stage.read(&format!("work/schemas/{file}"));
        serde_json::from_str::<Value>(&text).unwrap();
    }
    // A project may come with a link in the place of one.
    fs::remove_file(stage.path("work/schemas/catalog.json")).unwrap();
    symlink(
        stage.path("home/kept"),
        stage.path("work/schemas/catalog.json"),
    )
    .unwrap();
    stage.aegis(&["schema", "--all", "schemas"]).exits(3);
    assert!(!stage.path("home/kept").exists());
    stage.aegis(&["schema"]).exits(2);
    let told = stage.aegis(&["schema", "poem"]).exits(2);
    stage.shows("schema-unknown", &[&told]);
}
