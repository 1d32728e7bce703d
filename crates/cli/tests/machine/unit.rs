//! The unit takes away what the service does not need, and nothing that it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::json;

use super::stage::{AGENT, Machine};

/// Returns the calls in each set that systemd knows, sets within sets included.
fn sets() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new("systemd-analyze")
        .args(["syscall-filter", "--no-pager"])
        .output()
        .expect("`systemd-analyze` (Debian, Ubuntu: apt-get install systemd)");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut named: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut current = "";
    for line in text.lines() {
        let word = line.trim();
        match line.chars().next() {
            Some('@') => current = word,
            Some(' ') if !word.starts_with('#') => named.entry(current).or_default().push(word),
            Some(_) | None => {}
        }
    }
    let flat = |set: &str| {
        let mut calls = BTreeSet::new();
        let mut open = vec![set];
        while let Some(set) = open.pop() {
            for word in named.get(set).into_iter().flatten() {
                if word.starts_with('@') {
                    open.push(word);
                } else {
                    calls.insert((*word).to_owned());
                }
            }
        }
        calls
    };
    let names = named.keys().map(|set| ((*set).to_owned(), flat(set)));
    names.collect()
}

/// Returns the calls that the unit lets through.
fn allowed(unit: &str) -> BTreeSet<String> {
    let sets = sets();
    let mut allowed = BTreeSet::new();
    for line in unit.lines() {
        let Some(filter) = line.strip_prefix("SystemCallFilter=") else {
            continue;
        };
        let takes_away = filter.starts_with('~');
        for set in filter.trim_start_matches('~').split(' ') {
            let calls = sets.get(set).unwrap_or_else(|| panic!("no set {set}"));
            if takes_away {
                allowed = allowed.difference(calls).cloned().collect();
            } else {
                allowed.extend(calls.iter().cloned());
            }
        }
    }
    allowed
}

/// Returns the name and the rest of each call in a trace.
fn calls(trace: &str) -> impl Iterator<Item = (&str, &str)> {
    trace.lines().filter_map(|line| {
        let (_, call) = line.split_once(' ')?;
        let (name, rest) = call.trim_start().split_once('(')?;
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        name.chars().all(is_name).then_some((name, rest))
    })
}

#[test]
fn the_service_needs_nothing_that_its_unit_takes_away() {
    let mut machine = Machine::installed();
    let words = "strace --follow-forks --quiet=all --output=/tmp/calls";
    machine.start_by(&words.split(' ').collect::<Vec<_>>());
    machine.propose("call-1", "git status");
    let asked = machine.propose("call-2", "npm publish");
    let outcome = json!({"session_id": "monday", "call_id": "call-1", "outcome": "completed",
        "content": "done"});
    machine.ask(AGENT, "/v1/outcomes", Some(&outcome), "");
    for path in ["/healthz", "/readyz", "/nowhere"] {
        machine.ask(AGENT, path, None, "");
    }
    let id = asked["approval"]["approval_token"].as_str().unwrap();
    machine.aegis(&["approvals", "approve", id]).succeeds();
    machine.propose("call-2", "npm publish");
    machine.end();
    let trace = machine.read("/tmp/calls");
    let unit = machine.read("/etc/systemd/system/aegis.service");
    let allowed = allowed(&unit);
    let (mut seen, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for (name, rest) in calls(&trace) {
        seen.insert(name);
        let writes_code = rest.contains("PROT_WRITE|PROT_EXEC")
            || (name == "mprotect" && rest.contains("PROT_EXEC"));
        let other_family = name == "socket" && !rest.starts_with("AF_UNIX");
        if !allowed.contains(name) || writes_code || other_family {
            refused.insert(format!("{name}({rest}"));
        }
    }
    assert!(seen.len() > 40, "{seen:?}");
    assert!(
        seen.contains("accept4") && seen.contains("fdatasync"),
        "{seen:?}"
    );
    assert_eq!(refused, BTreeSet::new());
}
