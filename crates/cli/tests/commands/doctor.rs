//! The examination of an installation.

use super::stage::{Stage, keys};

#[test]
fn an_empty_home_is_told_what_to_do_first() {
    let stage = Stage::new();
    let told = stage.aegis_beside_hook(&["doctor"]).exits(1);
    stage.shows("doctor-empty", &[&told]);
    assert!(!stage.log().exists());
}

#[test]
fn a_hook_program_that_is_missing_is_a_finding_with_its_remedy() {
    let stage = Stage::with_policy();
    stage
        .aegis_beside_hook(&["install", "claude-code"])
        .exits(0);
    // The program that was registered is gone, and this one has none beside it.
    let registered = crate::stage::programs().join("aegis-hook");
    let settings = stage.read("home/.claude/settings.json");
    let gone = stage.path("bin/aegis-hook");
    let settings = settings.replace(registered.to_str().unwrap(), gone.to_str().unwrap());
    stage.write("home/.claude/settings.json", &settings);
    let alone = stage.path("bin/aegis");
    std::fs::copy(env!("CARGO_BIN_EXE_aegis"), &alone).unwrap();
    let told = stage.person(&alone, &["doctor", "--json"], &[]).exits(1);
    let json = told.json();
    let findings = json["findings"].as_array().unwrap();
    for (part, text) in [("program", "is not there"), ("hooks", "is not there")] {
        let found = findings.iter().find(|finding| {
            finding["part"] == part && finding["text"].as_str().unwrap().contains(text)
        });
        let found = found.unwrap_or_else(|| panic!("no {part}: {}", told.whole()));
        assert_eq!(found["level"], "fault", "{found}");
        assert!(found["remedy"].is_string(), "{found}");
    }
}

#[test]
fn settings_that_are_broken_are_a_finding() {
    let stage = Stage::with_policy();
    stage.write("home/.config/aegis/settings.toml", "mode = 7\n");
    let told = stage.aegis_beside_hook(&["doctor", "--json"]).exits(1);
    let json = told.json();
    let found = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .any(|finding| finding["part"] == "settings" && finding["level"] == "fault");
    assert!(found, "{}", told.whole());
}

#[test]
fn an_installation_is_shown_whole() {
    let stage = Stage::with_policy();
    stage.write("home/.config/aegis/settings.toml", "headless = \"wait\"\n");
    stage
        .aegis_beside_hook(&["install", "claude-code"])
        .exits(0);
    stage.aegis_beside_hook(&["init"]).exits(0);
    stage.propose("first", "call-1", "git status");
    let told = stage.aegis_beside_hook(&["doctor"]).exits(0);
    stage.shows("doctor-installed", &[&told]);
}

#[test]
fn what_is_broken_is_named_with_a_remedy() {
    let stage = Stage::with_policy();
    stage
        .aegis_beside_hook(&["install", "claude-code"])
        .exits(0);
    stage.write(
        "home/.config/aegis/policy.yaml",
        "aegis: policy/v1\nrulez: []\n",
    );
    stage.write("home/.claude/settings.json", "{\"disableAllHooks\": true}");
    stage.write(
        "home/.local/share/aegis/log.db",
        "this is no database, whatever its name says",
    );
    let told = stage.aegis_beside_hook(&["doctor"]).exits(1);
    stage.shows("doctor-broken", &[&told]);
    let json = stage
        .aegis_beside_hook(&["doctor", "--json"])
        .exits(1)
        .json();
    assert_eq!(keys(&json), ["findings", "worst"]);
    assert_eq!(json["worst"], "fault");
    for finding in json["findings"].as_array().unwrap() {
        assert_eq!(keys(finding), ["level", "part", "remedy", "text"]);
        let is_bad = ["warning", "fault"].contains(&finding["level"].as_str().unwrap());
        assert!(!is_bad || finding["remedy"].is_string(), "{finding}");
    }
}
