//! What touches the files Aegis stands on, and what does not.
//!
//! Each line of `fixtures/gate/protected.jsonl` is a call on a machine of its
//! own, with what it must be found to touch: a kind of object, or nothing; one
//! that `asks` is left to a person. Each
//! line of `nested.jsonl` is one with the agent that it would start beside Aegis.
//! Those of `limits.jsonl` may reach a protected object and are let through all
//! the same, because everyday work is written in no other way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod machine;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use aegis_gate::WaitFor;
use aegis_types::{ActionRequest, Reason};
use machine::{ALLOW, Machine};
use serde_json::{Value, json};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/gate");

fn fill_in(text: &str, root: &Path) -> String {
    let place = |name: &str| root.join(name).to_string_lossy().into_owned();
    text.replace("{home}", &place("home"))
        .replace("{app}", &place("app"))
        .replace("{root}", &root.to_string_lossy())
}

fn prepare(machine: &Machine, step: &Value) {
    let root = machine.root();
    let part = |index: usize| fill_in(step[index].as_str().unwrap(), &root);
    match step[0].as_str().unwrap() {
        "symlink" => std::os::unix::fs::symlink(part(1), root.join(part(2))).unwrap(),
        "hardlink" => fs::hard_link(root.join(part(1)), root.join(part(2))).unwrap(),
        "write" => {
            let path = root.join(part(1));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, part(2)).unwrap();
        }
        // A work tree in which nothing is tracked.
        "git" => git(&root, &["init", "-q"]),
        "track" => git(&root, &["add", "-f", &part(1)]),
        "mode" => {
            let mode = u32::from_str_radix(&part(2), 8).unwrap();
            fs::set_permissions(root.join(part(1)), fs::Permissions::from_mode(mode)).unwrap();
        }
        "tar" => fs::write(root.join(part(1)), tar_of(&part(2))).unwrap(),
        "tgz" => fs::write(root.join(part(1)), gzip_of(&tar_of(&part(2)))).unwrap(),
        "zip" => fs::write(root.join(part(1)), zip_of(&part(2))).unwrap(),
        other => panic!("unknown step `{other}`"),
    }
}

fn git(root: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(arguments)
        .current_dir(root.join("app"))
        .status();
    assert!(status.unwrap().success());
}

/// Returns an archive of tar that holds one empty file.
fn tar_of(name: &str) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(b"00000000000");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header.resize(512 * 3, 0);
    header
}

fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Returns an archive of zip that holds one empty file.
fn zip_of(name: &str) -> Vec<u8> {
    let length = u16::try_from(name.len()).unwrap().to_le_bytes();
    let mut local = b"PK\x03\x04".to_vec();
    local.resize(26, 0);
    local.extend(length);
    local.extend([0, 0]);
    local.extend(name.as_bytes());
    let start = u32::try_from(local.len()).unwrap();
    let mut central = b"PK\x01\x02".to_vec();
    central.resize(28, 0);
    central.extend(length);
    central.resize(46, 0);
    central.extend(name.as_bytes());
    let size = u32::try_from(central.len()).unwrap();
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend(size.to_le_bytes());
    end.extend(start.to_le_bytes());
    end.extend([0, 0]);
    [local, central, end].concat()
}

fn touches_of(case: &Value) -> (ActionRequest, Option<Reason>) {
    let machine = Machine::new(&[ALLOW]);
    for step in case["before"].as_array().into_iter().flatten() {
        prepare(&machine, step);
    }
    let root = machine.root();
    // `{pad}` stands for a text that is repeated.
    let pad = case["pad"].as_array().map_or_else(String::new, |pad| {
        let count = usize::try_from(pad[1].as_u64().unwrap()).unwrap();
        pad[0].as_str().unwrap().repeat(count)
    });
    let fill_in = |text: &str| fill_in(&text.replace("{pad}", &pad), &root);
    let tool = case["tool"].as_str().unwrap_or("Bash");
    let params = match case.get("command") {
        Some(command) => json!({"command": fill_in(command.as_str().unwrap())}),
        None => {
            let text = serde_json::to_string(&case["params"]).unwrap();
            serde_json::from_str(&fill_in(&text)).unwrap()
        }
    };
    let proposal = machine.proposal("one", tool, params);
    let submitted = machine.gate().submit(&proposal, WaitFor::Nobody);
    let reason = (!submitted.is_allowed()).then_some(submitted.decision.reason);
    (submitted.request, reason)
}

fn wrong(case: &Value) -> Option<String> {
    let (request, reason) = touches_of(case);
    let touched = &request.context.protected;
    let is_right = match case["touches"].as_str() {
        None => touched.is_empty() && reason != Some(Reason::ProtectedResource),
        Some(kind) => {
            let uncertain = case["uncertain"].as_bool().unwrap_or(false);
            // Nobody answers here, so what is asked has no approval in time.
            let is_asked = case["asks"].as_bool().unwrap_or(false);
            let expected = if is_asked {
                Reason::ApprovalExpired
            } else {
                Reason::ProtectedResource
            };
            reason == Some(expected)
                && touched.iter().any(|touch| {
                    (kind == "any" || json!(touch.kind) == json!(kind))
                        && (uncertain || !touch.uncertain)
                })
        }
    };
    (!is_right).then(|| {
        format!(
            "{case}\n    {reason:?} {touched:?}\n    {:?}",
            request.context.plan
        )
    })
}

fn starts_wrongly(case: &Value) -> Option<String> {
    let (request, reason) = touches_of(case);
    let agents = &request.context.nested_agents;
    let is_right = match case["starts"].as_str() {
        None => agents.is_empty() && reason.is_none(),
        Some(program) => {
            reason == Some(Reason::UngovernedAgent)
                && agents.iter().any(|agent| agent.program == program)
        }
    };
    (!is_right).then(|| format!("{case}\n    {reason:?} {agents:?}"))
}

fn check(file: &str, wrong: fn(&Value) -> Option<String>) {
    let text = fs::read_to_string(format!("{FIXTURES}/{file}")).unwrap();
    let cases: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let wrong: Vec<String> = cases.iter().filter_map(wrong).collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_spelling_that_touches_a_protected_object_is_denied_and_no_near_miss_is() {
    check("protected.jsonl", wrong);
}

#[test]
fn what_everyday_work_cannot_do_without_is_left_to_the_policies() {
    check("limits.jsonl", wrong);
}

#[test]
fn an_agent_beside_aegis_is_denied_in_every_spelling_and_no_near_miss_is() {
    check("nested.jsonl", starts_wrongly);
}
