//! The policies and the proposals that are measured.
//!
//! Of every ten rules three are regular expressions on the command of `Bash`,
//! two are equalities on a parameter, one is a glob on the names of tools, two
//! look at programs and two at paths. Of every eight proposals six are command
//! lines, one reads and one writes a file; all of them are let happen.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use aegis_gate::Proposal;
use anyhow::Result;
use serde_json::{Value, json};

/// Returns the text of a policy of so many rules that let everything measured happen.
pub fn policy_text(rules: usize) -> String {
    let mut text = String::from("aegis: policy/v1\nname: measured\ndefault: allow\nrules:\n");
    for number in 0..rules {
        let matched = match number % 10 {
            0 => format!(
                r#"tool: Bash, params: {{command: {{regex: "(?i)drop table t{number}\\b"}}}}"#
            ),
            1 => format!(
                r#"tool: Bash, params: {{command: {{regex: "curl .*https?://host{number}\\.example\\.org"}}}}"#
            ),
            2 => format!(
                r#"tool: Bash, params: {{command: {{regex: "(deploy|release)-{number} --(prod|staging)"}}}}"#
            ),
            3 | 4 => format!(
                "tool: mcp__server{}__query, params: {{table: {{equals: table{number}}}}}",
                number % 20
            ),
            5 => format!("tool: \"mcp__server{number}__*\""),
            6 => format!("shell: {{program: program{number}, subcommand: push, flags: [--force]}}"),
            7 => format!("tool: Bash, shell: {{program: git, subcommand: sub{number}}}"),
            8 => format!("tool: [Read, Write], path: \"~/folder{number}/**\""),
            _ => format!("path: {{glob: \"./area{number}/**\", access: [write]}}"),
        };
        let verdict = ["deny", "ask"].get(number % 2).copied().unwrap_or("deny");
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "  - {{id: rule-{number}, match: {{{matched}}}, verdict: {verdict}, message: Rule {number} of the mix}}"
        );
    }
    text
}

/// Actions of one kind, and the policy that decides them.
#[derive(Clone, Copy)]
pub struct Actions {
    /// What they are called in a table.
    pub name: &'static str,
    /// Returns the policy.
    pub policy_text: fn() -> String,
    /// Returns a proposal of a session, by its number, of an agent that works
    /// in a folder.
    pub proposal: fn(&str, usize, &Path) -> Result<Proposal>,
}

/// What an agent's host proposes, decided by 101 rules of the mix.
pub const OF_HOST: Actions = Actions {
    name: "calls of a coding agent, 101 rules",
    policy_text: || policy_text(101),
    proposal,
};

/// The action that the peer is measured with, decided by as many rules as there.
pub const OF_PEER: Actions = Actions {
    name: "the peer's action, 10 rules",
    policy_text: peer_policy_text,
    proposal: peer_proposal,
};

fn peer_policy_text() -> String {
    let mut text = String::from("aegis: policy/v1\nname: measured\ndefault: ask\nrules:\n");
    for number in 0..10 {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "  - {{id: r{number}, match: {{tool: \"act{number}*\", \
             params: {{target: {{glob: \"t{number}*\"}}}}}}, verdict: allow}}"
        );
    }
    text
}

fn peer_proposal(session: &str, number: usize, directory: &Path) -> Result<Proposal> {
    let params = json!({"target": "t9x", "n": 1});
    proposed(session, number, directory, "act9x", params)
}

/// Returns proposal `number` of a session of an agent that works in `directory`.
pub fn proposal(session: &str, number: usize, directory: &Path) -> Result<Proposal> {
    let lines = [
        "ls -la src",
        "cargo build --workspace",
        "git status",
        "git push origin main",
        "cargo test --workspace 2>&1 | tail -20",
        "cat README.md | head -20",
    ];
    let file = directory.join("src/main.rs");
    let (tool, params) = match (number % 8, lines.get(number % 8)) {
        (_, Some(line)) => (
            "Bash",
            json!({"command": line, "description": "As agents do"}),
        ),
        (6, None) => ("Read", json!({"file_path": file})),
        (_, None) => (
            "Edit",
            json!({"file_path": file, "old_string": "one", "new_string": "two"}),
        ),
    };
    proposed(session, number, directory, tool, params)
}

fn proposed(
    session: &str,
    number: usize,
    directory: &Path,
    tool: &str,
    params: Value,
) -> Result<Proposal> {
    Ok(Proposal {
        id: format!("toolu_{number:09}").parse()?,
        session: session.parse()?,
        agent: None,
        subagent: None,
        user: None,
        tool: Arc::from(tool),
        params,
        tagged: 0,
        directory: directory.to_path_buf(),
        host_mode: Some("default".to_owned()),
        skill: None,
    })
}
