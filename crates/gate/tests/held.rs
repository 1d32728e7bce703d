//! Secrets in folders that a search or an archive puts out as a whole.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod machine;

use std::fs;

use aegis_gate::WaitFor;
use aegis_types::Verdict;
use machine::Machine;
use serde_json::json;

const KNOWN: &str = r#"
aegis: policy/v1
name: known
default: allow
rules:
  - {id: secrets, match: {effect: credential}, unknown: false, verdict: deny}
"#;

const MAYBE: &str = r#"
aegis: policy/v1
name: maybe
default: allow
rules:
  - {id: env, match: {path: {glob: "**/.env", access: read}}, verdict: deny}
"#;

/// Returns a machine with these files in the folder of the project, and no `.env`.
fn machine(policy: &str, files: impl IntoIterator<Item = String>) -> Machine {
    let machine = Machine::new(&[policy]);
    let app = machine.folder.path().join("app");
    fs::remove_file(app.join(".env")).unwrap();
    for file in files {
        let path = app.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "API_TOKEN=x").unwrap();
    }
    machine
}

fn check(machine: &Machine, calls: &[(&str, bool)]) {
    for (place, (line, is_denied)) in calls.iter().enumerate() {
        let proposal = machine.proposal(&format!("c{place}"), "Bash", json!({"command": line}));
        let found = machine.gate().submit(&proposal, WaitFor::Nobody);
        let is_found = found.decision.verdict == Verdict::Deny;
        assert_eq!(is_found, *is_denied, "{line}");
    }
}

#[test]
fn secrets_that_are_left_out_hide_no_others() {
    let harmless = (0..40).map(|number| format!("a/{number}.pem"));
    let machine = machine(KNOWN, harmless.chain(["b/c/d/.env".to_owned()]));
    check(
        &machine,
        &[
            ("grep -r --exclude='*.pem' API .", true),
            ("grep -r --exclude='*.pem' --exclude=.env API .", false),
            ("grep -r --include=.env API .", true),
            ("grep -r absent .", false),
            ("find . -name .env -exec cat {} +", true),
        ],
    );
}

#[test]
fn a_large_folder_hides_no_secret_of_another() {
    let many = (0..5_000).map(|number| format!("many/{number}.txt"));
    let machine = machine(KNOWN, many.chain(["near/.env".to_owned()]));
    check(
        &machine,
        &[
            ("grep -r API many near", true),
            (
                "grep -r API many/ ./many many/. ./many/ ./././many near",
                true,
            ),
            ("grep -r API many", false),
        ],
    );
}

#[test]
fn what_is_not_looked_at_is_unknown() {
    let many = (0..5_000).map(|number| format!("many/{number}.txt"));
    let few = (0..50).map(|number| format!("few/{number}.txt"));
    let machine = machine(MAYBE, many.chain(few));
    check(
        &machine,
        &[
            ("grep -r API many", true),
            ("grep -r API few", false),
            ("grep -rl API many", false),
        ],
    );
}

#[test]
fn the_pack_for_developers_asks_for_no_folder_only_because_it_is_large() {
    let many = (0..5_000).map(|number| format!("target/{number}.txt"));
    let developer = r#"{"aegis": "policy/v1", "name": "own", "extends": "aegis:developer"}"#;
    let machine = machine(developer, many);
    check(&machine, &[("grep -r API .", false)]);
}

#[test]
fn a_plain_search_shows_secrets_that_are_not_hidden() {
    let machine = machine(KNOWN, ["a/b.pem", ".c/d.pem"].map(str::to_owned));
    check(
        &machine,
        &[
            ("rg API", true),
            ("rg API a", true),
            ("ag API a", true),
            ("ugrep -r API a", true),
            ("rg absent", false),
            ("rg API -g '!*.pem'", false),
            ("grep --directories=recurse API a", true),
            ("grep -d recurse API a", true),
            ("grep -d skip API a", false),
        ],
    );
}

#[cfg(unix)]
#[test]
fn a_link_is_a_secret_by_its_name_where_links_are_followed() {
    let machine = machine(KNOWN, ["a/b.txt".to_owned()]);
    let app = machine.folder.path().join("app");
    std::os::unix::fs::symlink("b.txt", app.join("a/.env")).unwrap();
    check(
        &machine,
        &[
            ("grep -R API a", true),
            ("grep -r API a", false),
            ("zip -r x.zip a", true),
            ("tar -c -h -f x.tar a", true),
            ("tar cf x.tar a", false),
            ("diff -r a src", true),
            ("rg --hidden -L API a", true),
            ("rg --hidden API a", false),
        ],
    );
}
