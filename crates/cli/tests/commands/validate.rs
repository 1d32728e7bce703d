//! Files of any kind.

use std::fs;

use super::stage::{Stage, keys, repository};

#[test]
fn each_file_is_checked_as_what_it_is() {
    let stage = Stage::with_log();
    stage.aegis(&["init"]).exits(0);
    stage.aegis(&["log", "export", "-o", "log.jsonl"]).exits(0);
    let firewall = repository("fixtures/policy/valid/firewall-seed.yaml");
    stage.write("work/firewall.yaml", &fs::read_to_string(firewall).unwrap());
    let told = [
        stage
            .aegis(&["validate", ".aegis", "log.jsonl", "firewall.yaml"])
            .exits(0),
        stage.aegis(&["validate", ".aegis/settings.toml"]).exits(0),
    ];
    stage.shows("validate", &told.iter().collect::<Vec<_>>());
    let json = stage
        .aegis(&["validate", ".aegis", "log.jsonl", "--json"])
        .exits(0)
        .json();
    let kinds: Vec<&str> = json["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            assert_eq!(keys(file), ["file", "kind", "result"]);
            file["kind"].as_str().unwrap()
        })
        .collect();
    assert_eq!(kinds, ["policy tests", "policy", "settings", "log export"]);
}

#[test]
fn a_wrong_file_of_each_kind_is_refused() {
    let stage = Stage::with_log();
    stage.aegis(&["log", "export", "-o", "log.jsonl"]).exits(0);
    let text = stage.read("work/log.jsonl");
    stage.write(
        "work/log.jsonl",
        &text.replacen("git status", "git stasis", 1),
    );
    stage.write("work/policy.yaml", "aegis: policy/v1\nrulez: []\n");
    stage.write(
        "work/settings.toml",
        "durability = \"eternal\"\nheadles = 1\n",
    );
    stage.write("work/notes.txt", "shopping: milk\n");
    fs::create_dir(stage.path("work/empty")).unwrap();
    let told = [
        stage.aegis(&["validate", "log.jsonl"]).exits(2),
        stage.aegis(&["validate", "policy.yaml"]).exits(2),
        stage.aegis(&["validate", "settings.toml"]).exits(2),
        stage.aegis(&["validate", "notes.txt"]).exits(2),
        stage.aegis(&["validate", "missing.yaml"]).exits(2),
        stage.aegis(&["validate", "empty"]).exits(2),
        stage.aegis(&["validate"]).exits(2),
    ];
    stage.shows("validate-wrong", &told.iter().collect::<Vec<_>>());
}

#[test]
fn one_file_that_cannot_be_read_hides_none_of_the_others() {
    let stage = Stage::with_log();
    stage.aegis(&["init"]).exits(0);
    fs::write(
        stage.path("work/latin.yaml"),
        b"aegis: policy/v1\nname: caf\xe9\n",
    )
    .unwrap();
    stage.write("work/package.json", "{\"name\": \"shop\"}\n");
    stage.write("work/compose.yaml", "services: {}\n");
    stage.write("work/Cargo.toml", "[package]\n");
    let own = ".aegis/policy.yaml";
    let told = [
        stage
            .aegis(&["validate", "gone.yaml", "latin.yaml", own])
            .exits(2),
        stage
            .aegis(&["policy", "check", "gone.yaml", "latin.yaml", own])
            .exits(2),
        stage.aegis(&["policy", "lint", "gone.yaml", own]).exits(2),
        stage
            .aegis(&["policy", "check", "aegis:developer", "aegis:developr"])
            .exits(2),
        stage
            .aegis(&["policy", "check", "aegis:developer"])
            .exits(0),
        stage.aegis(&["validate", "."]).exits(2),
    ];
    stage.shows("one-of-several", &told.iter().collect::<Vec<_>>());
}
