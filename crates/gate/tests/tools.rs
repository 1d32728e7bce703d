//! What tools are about: paths, hosts, commands and effects, and the rules that
//! speak of them.
//!
//! Each line of `fixtures/gate/tools.jsonl` is a call with what it must be found
//! to do; `settings` are those of a user. Each line of `rules.jsonl` is a rule
//! with calls that it must and must not be about.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod machine;

use std::collections::BTreeSet;
use std::fs;

use aegis_gate::{Setting, WaitFor};
use aegis_types::ActionRequest;
use machine::{ALLOW, Machine, misjudged};
use serde_json::{Value, json};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/gate");

fn read(file: &str) -> Vec<Value> {
    let text = fs::read_to_string(format!("{FIXTURES}/{file}")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn set(machine: &mut Machine, settings: &Value) {
    for (server, text) in settings.as_object().into_iter().flatten() {
        let roles = toml::from_str(text.as_str().unwrap()).unwrap();
        let setting = Setting {
            value: roles,
            ..Setting::default()
        };
        machine.settings.mcp.insert(server.clone(), setting);
    }
}

/// Returns the facts of a request that are compared, without the folder of the machine.
fn facts(request: &ActionRequest, root: &str) -> Value {
    let context = &request.context;
    let own = |text: &str| text.replace(root, "");
    let kind = |effect: &aegis_types::Effect| effect.kind.as_str();
    let effects: BTreeSet<&str> = context.effects.iter().map(kind).collect();
    let paths = context.paths.iter().map(|fact| {
        let path = fact.resolved.as_deref().unwrap_or("?");
        format!("{} {}", own(path), fact.access)
    });
    let hosts = context.hosts.iter().map(|fact| {
        let host = fact.host.as_deref().unwrap_or("?");
        format!("{host} {}", json!(fact.class).as_str().unwrap())
    });
    let commands = context.plan.iter().flat_map(|plan| &plan.commands);
    let programs = commands.filter_map(|command| command.program.as_ref()?.literal());
    json!({
        "effects": effects,
        "paths": paths.collect::<Vec<_>>(),
        "hosts": hosts.collect::<Vec<_>>(),
        "programs": programs.collect::<Vec<_>>(),
    })
}

#[test]
fn every_tool_shows_its_paths_hosts_commands_and_effects() {
    let mut wrong = Vec::new();
    for case in read("tools.jsonl") {
        let mut machine = Machine::new(&[ALLOW]);
        set(&mut machine, &case["settings"]);
        let proposal = machine.proposal(
            "one",
            case["tool"].as_str().unwrap(),
            case["params"].clone(),
        );
        let submitted = machine.gate().submit(&proposal, WaitFor::Nobody);
        let found = facts(&submitted.request, &machine.root().to_string_lossy());
        let mut expected = json!({"effects": [], "paths": [], "hosts": [], "programs": []});
        for (key, value) in case["shows"].as_object().unwrap() {
            expected[key] = value.clone();
        }
        if found != expected {
            wrong.push(format!("{}\n    found {found}", case));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_rule_covers_every_tool() {
    let wrong: Vec<String> = read("rules.jsonl").iter().flat_map(misjudged).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
