//! What is shipped to run the service in a container.

use std::fs;

use serde_json::{Value, json};

use super::running::Running;
use super::stage::{Stage, programs, repository};

/// A line of a Dockerfile: its instruction and the rest, lines that go on joined.
fn instructions() -> Vec<(String, String)> {
    let text = fs::read_to_string(repository("deploy/Dockerfile")).unwrap();
    let text = text.replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.filter_map(|line| line.split_once(' '));
    lines
        .map(|(word, rest)| (word.to_owned(), rest.to_owned()))
        .collect()
}

/// The instructions of the last stage, which make the image.
fn image() -> Vec<(String, String)> {
    let all = instructions();
    let begin = all.iter().rposition(|(word, _)| word == "FROM").unwrap();
    all[begin..].to_vec()
}

fn one(name: &str) -> String {
    let image = image();
    let mut found = image.iter().filter(|(word, _)| word == name);
    let (_, rest) = found.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(found.next().is_none(), "more than one {name}");
    rest.clone()
}

/// The words of an instruction in its exec form.
fn exec(rest: &str) -> Vec<String> {
    let list = rest.get(rest.find('[').unwrap()..).unwrap();
    serde_json::from_str(list).unwrap()
}

/// The words of the health check, the program apart.
fn health() -> Vec<String> {
    let words = exec(&one("HEALTHCHECK"));
    let (program, rest) = words.split_first().unwrap();
    assert_eq!(program, "/aegis");
    rest.to_vec()
}

#[test]
fn the_image_holds_the_program_alone_and_runs_it_without_rights() {
    assert_eq!(one("FROM"), "scratch");
    assert_eq!(one("USER"), "65532:65532");
    assert_eq!(exec(&one("ENTRYPOINT")), ["/aegis"]);
    let copied: Vec<String> = image()
        .into_iter()
        .filter(|(word, _)| word == "COPY")
        .map(|(_, rest)| rest.split(' ').next_back().unwrap().to_owned())
        .collect();
    assert_eq!(copied, ["/aegis", "/var/lib/aegis"]);
    for word in ["RUN", "ADD", "SHELL"] {
        assert!(image().iter().all(|(found, _)| found != word), "{word}");
    }
    // The compiler is the one that the sources ask for.
    let manifest = fs::read_to_string(repository("Cargo.toml")).unwrap();
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "));
    let base = format!(
        "rust:{}-alpine AS build",
        version.unwrap().trim_matches('"')
    );
    assert_eq!(instructions()[0], ("FROM".to_owned(), base));
}

#[test]
fn what_the_image_starts_is_healthy_and_what_it_does_not_start_is_not() {
    let stage = Stage::new();
    let state = stage.path("home/state");
    let variables: Vec<(String, String)> = image()
        .into_iter()
        .filter(|(word, _)| word == "ENV")
        .map(|(_, rest)| {
            let (name, value) = rest.split_once('=').unwrap();
            assert_eq!(value, one("VOLUME"), "{name}");
            (name.to_owned(), state.to_string_lossy().into_owned())
        })
        .collect();
    let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["HOME", "AEGIS_HOME"]);
    let known = [("AEGIS_HOME", state.to_str().unwrap())];
    let words = health();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    stage.aegis_with(&words, &known).exits(1);
    // On this machine at no address but its own.
    let start = exec(&one("CMD"));
    let start: Vec<&str> = start
        .iter()
        .map(|word| match word.as_str() {
            "0.0.0.0:8080" => "127.0.0.1:0",
            word => word,
        })
        .collect();
    assert!(start.contains(&"127.0.0.1:0"), "{start:?}");
    assert_eq!(one("EXPOSE"), "8080");
    let place = format!("AEGIS_HOME={}", state.display());
    let program = programs().join("aegis");
    let words_of_env = [&[place.as_str(), program.to_str().unwrap()], &start[..]].concat();
    let env = std::path::Path::new("/usr/bin/env");
    let _running = Running::start(&stage, env, &words_of_env, "http://");
    stage.aegis_with(&words, &known).exits(0);
}

#[test]
fn the_container_can_change_nothing_but_its_log_and_is_reached_from_here_alone() {
    let text = fs::read_to_string(repository("deploy/compose.yaml")).unwrap();
    let file: Value = serde_saphyr::from_str(&text).unwrap();
    let service = &file["services"]["aegis"];
    for (key, expected) in [
        ("user", json!(one("USER"))),
        ("read_only", json!(true)),
        ("cap_drop", json!(["ALL"])),
        ("security_opt", json!(["no-new-privileges:true"])),
        ("volumes", json!([format!("state:{}", one("VOLUME"))])),
        ("ports", json!(["127.0.0.1:8080:8080"])),
    ] {
        assert_eq!(service[key], expected, "{key}");
    }
    for key in [
        "privileged",
        "cap_add",
        "network_mode",
        "pid",
        "command",
        "entrypoint",
    ] {
        assert!(service.get(key).is_none(), "{key}");
    }
    for limit in ["mem_limit", "pids_limit"] {
        assert!(!service[limit].is_null(), "{limit}");
    }
    let temporary = service["tmpfs"][0].as_str().unwrap();
    assert!(temporary.starts_with("/tmp:") && temporary.contains("noexec"));
    let test: Vec<String> = serde_json::from_value(service["healthcheck"]["test"].clone()).unwrap();
    assert_eq!(test[..2], ["CMD".to_owned(), "/aegis".to_owned()]);
    assert_eq!(test[2..], health());
    assert!(file["volumes"].get("state").is_some());
    // Both are built from the root of the sources, where the paths of the file lead.
    let build = &service["build"];
    assert_eq!(build["context"], "..");
    let dockerfile = build["dockerfile"].as_str().unwrap();
    assert!(repository(dockerfile).is_file());
    assert!(repository(&format!("{dockerfile}.dockerignore")).is_file());
}
