//! What the client and the engine say of the same calls under the same
//! permission rules.
//!
//! The rules and calls are in `fixtures/policy/permissions-client.yaml`, with
//! what each of the two says. The engine is never looser than the client, and
//! where it is stricter the row tells why.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use aegis_host::{Script, ScriptedModel, ToolUse, Transcript, Turn};
use serde_json::{Value, json};

use super::governed::programs;
use super::mcp::McpServer;
use super::stage::{CLOSED, OPEN, Stage};

/// Files of the stage that rules and calls name.
const FILES: [&str; 15] = [
    "work/.claude/skills/audit/SKILL.md",
    "work/.claude/skills/other/SKILL.md",
    "work/.claude/skills/release/SKILL.md",
    "work/.claude/skills/review/SKILL.md",
    "other/a.txt",
    "work/.env",
    "work/src/a.txt",
    "work/src/deep/a.txt",
    "work/web/src/a.txt",
    "work/web/.env",
    "work/web/key.pem",
    "work/docs/a.txt",
    "home/notes/a.txt",
    "home/secret/a.txt",
    "srv/a.txt",
];

/// What one of the two says of a call, from the loosest to the strictest.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Said {
    /// A rule allows it.
    Allow,
    /// No rule is about it.
    Nothing,
    /// A rule asks.
    Ask,
    /// A rule denies.
    Deny,
}

impl Said {
    fn named(text: &str) -> Self {
        match text {
            "allow" => Self::Allow,
            "none" => Self::Nothing,
            "ask" => Self::Ask,
            "deny" => Self::Deny,
            _ => panic!("a row says `{text}`"),
        }
    }
}

/// A call and what is said of it.
struct Row {
    tool: ToolUse,
    directory: String,
    client: Said,
    engine: Said,
    why: Option<String>,
}

/// Rules, and calls under them.
struct Group {
    name: String,
    file: String,
    permissions: Value,
    rows: Vec<Row>,
}

fn groups(stage: &Stage) -> Vec<Group> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path.join("../../fixtures/policy/permissions-client.yaml"));
    let text = text.unwrap();
    let root = stage.home().parent().unwrap().canonicalize().unwrap();
    let text = text.replace("{root}", root.to_str().unwrap());
    let groups: Vec<Value> = serde_saphyr::from_str(&text).unwrap();
    groups.iter().map(group).collect()
}

fn group(value: &Value) -> Group {
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    Group {
        name: text("name").unwrap(),
        file: text("file").unwrap_or_else(|| "work/.claude/settings.json".to_owned()),
        permissions: value["permissions"].clone(),
        rows: value["calls"].as_array().unwrap().iter().map(row).collect(),
    }
}

fn row(value: &Value) -> Row {
    let text = |key: &str| value[key].as_str();
    let tool = match text("command") {
        Some(command) => ToolUse::new("Bash", json!({"command": command})),
        None => ToolUse::new(text("tool").unwrap(), value["params"].clone()),
    };
    Row {
        tool,
        directory: text("directory").unwrap_or("work").to_owned(),
        client: Said::named(text("client").unwrap()),
        engine: Said::named(text("engine").unwrap_or_else(|| text("client").unwrap())),
        why: text("why").map(str::to_owned),
    }
}

/// Asks the client about every call of a group, in one session.
fn ask_client(stage: &Stage, group: &Group) -> Vec<Said> {
    let id = |number: usize| format!("toolu_{number}");
    let calls = group.rows.iter().enumerate();
    let mut turns: Vec<Turn> = calls
        .map(|(number, row)| Turn::uses([row.tool.clone().with_id(id(number))]))
        .collect();
    turns.push(Turn::says("finished"));
    let helped = [Turn::says("helped")];
    let script = Script::default().with("MAIN", turns).with("HELP", helped);
    let model = ScriptedModel::start(script).unwrap();
    let session = stage
        .session(&model)
        .settings(&json!({"skipWebFetchPreflight": true}))
        .mcp_servers(&McpServer::start().config());
    let transcript = session.play("MAIN").unwrap();
    (0..group.rows.len())
        .map(|number| client_said(&transcript, &id(number)))
        .collect()
}

/// Returns what the client said of a tool use, as far as its version tells.
fn client_said(transcript: &Transcript, id: &str) -> Said {
    let text = transcript
        .tool_result(id)
        .map(|it| it.text)
        .unwrap_or_default();
    // A tool that is denied as a whole is not there, and an agent is refused late.
    if text.contains("No such tool available") || text.contains("has been denied by permission") {
        return Said::Deny;
    }
    let metas = transcript
        .of_type("user")
        .filter_map(|line| line["tool_result_meta"].as_array());
    let decision = metas
        .flatten()
        .find(|meta| meta["id"] == id)
        .map(|meta| (&meta["permission_decision"], &meta["non_execution_kind"]));
    match decision {
        Some((decision, _)) if decision["decision"] == "accept" => Said::Allow,
        Some((_, kind)) if kind != "user-rejected" => Said::Deny,
        Some(_) if is_refused_by_rule(transcript, id) => Said::Ask,
        Some(_) => Said::Nothing,
        None => older_client_said(transcript, id, &text),
    }
}

fn is_refused_by_rule(transcript: &Transcript, id: &str) -> bool {
    let mut told = transcript.of_type("system");
    told.any(|it| it["tool_use_id"] == id && it["decision_reason_type"] == "rule")
}

/// Returns what a client said that does not tell its reasons: a question by a
/// rule looks like one without.
fn older_client_said(transcript: &Transcript, id: &str, text: &str) -> Said {
    let refused = transcript.permission_denials();
    let is_refused = refused.iter().any(|it| it.tool_use_id == id);
    match (text.contains("denied"), is_refused) {
        (true, _) => Said::Deny,
        (false, true) => Said::Nothing,
        (false, false) => Said::Allow,
    }
}

/// Starts `aegis` in a folder of the stage.
fn aegis(stage: &Stage, directory: &str, words: &[&str]) -> Output {
    let root = stage.home().parent().unwrap().to_owned();
    Command::new(programs().join("aegis"))
        .args(words)
        .current_dir(root.join(directory))
        .env_clear()
        .env("HOME", stage.home())
        .env("PATH", std::env::var_os("PATH").unwrap())
        .output()
        .unwrap()
}

/// Asks the engine about one call, by the policy in `file` alone.
fn ask_engine(stage: &Stage, file: &str, row: &Row) -> Said {
    let file = stage.home().parent().unwrap().join(file);
    let params = row.tool.input.to_string();
    let words = ["policy", "explain", "--json", "--policy"];
    let call = [
        file.to_str().unwrap(),
        "--tool",
        &row.tool.name,
        "--params",
        &params,
    ];
    let output = aegis(stage, &row.directory, &[&words[..], &call].concat());
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let decision = &told["decision"];
    match decision["reason"].as_str() {
        Some("FALLBACK") => Said::Nothing,
        _ => Said::named(decision["verdict"].as_str().unwrap()),
    }
}

/// Imports the rules of a group and returns the file with the policy.
fn imported(stage: &Stage, group: &Group) -> &'static str {
    let words = ["policy", "import", &group.file, "-o", "imported.yaml"];
    let output = aegis(stage, "", &words);
    // With 1 it ends where a rule has no meaning outside of the host.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    "imported.yaml"
}

fn set_out(stage: &Stage, group: &Group) {
    let root = stage.home().parent().unwrap().canonicalize().unwrap();
    let put = |name: &str, text: &str| {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for name in FILES {
        put(name, "text\n");
    }
    std::os::unix::fs::symlink(root.join("srv"), root.join("work/link")).unwrap();
    // The client heeds what a project allows only in a folder that its user trusts.
    let trusted = json!({root.join("work").to_str().unwrap(): {"hasTrustDialogAccepted": true}});
    put(
        "home/.claude.json",
        &json!({"projects": trusted}).to_string(),
    );
    put(
        &group.file,
        &json!({"permissions": group.permissions}).to_string(),
    );
}

/// Returns what is wrong with a row, given what the two say.
fn faults(row: &Row, client: Said, older: Said, engine: Said) -> Vec<String> {
    let mut faults = Vec::new();
    if (client, engine) != (row.client, row.engine) {
        faults.push(format!("client {client:?}, engine {engine:?}"));
    }
    if engine < client || engine < older {
        faults.push(format!("looser: {engine:?} than {client:?} or {older:?}"));
    }
    if (engine > client) != row.why.is_some() {
        faults.push("a cause is told if and only if the engine is stricter".to_owned());
    }
    faults
}

fn play(version: &'static str, number: usize) -> (Stage, Group, Vec<Said>) {
    let stage = Stage::new(version);
    let group = groups(&stage).remove(number);
    set_out(&stage, &group);
    let said = ask_client(&stage, &group);
    (stage, group, said)
}

#[test]
fn the_engine_is_never_looser_than_the_client() {
    let mut wrong = Vec::new();
    for number in 0..groups(&Stage::new(CLOSED)).len() {
        let (_, _, older) = play(OPEN, number);
        let (stage, group, client) = play(CLOSED, number);
        let imported = imported(&stage, &group);
        for ((row, client), older) in group.rows.iter().zip(client).zip(older) {
            let engine = ask_engine(&stage, &group.file, row);
            let again = ask_engine(&stage, imported, row);
            if again != engine {
                wrong.push(format!(
                    "{}: {}: imported {again:?}",
                    group.name, row.tool.input
                ));
            }
            for fault in faults(row, client, older, engine) {
                wrong.push(format!("{}: {}: {fault}", group.name, row.tool.input));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
